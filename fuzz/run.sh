#!/bin/sh
# Fuzz one target: run.sh TARGET [SECONDS [more options of libFuzzer]]. See ../docs/fuzzing.md.
set -eu
cd "$(dirname "$0")/.."
target=$1
seconds=${2:-600}
shift
[ $# -eq 0 ] || shift
# The most that one call of malloc may ask for, C code's among them. Zstd's window alone may be 128 MiB.
case $target in
text | parquet | results) malloc_mb=256 ;;
*) malloc_mb=64 ;;
esac
case $target in
# Compressed bytes are text many times over.
text) max_len=4096 ;;
*) max_len=65536 ;;
esac
# The features that the sanitizer needs are not stable; the compiler is.
export RUSTC_BOOTSTRAP=1
# Freed blocks are kept for a while to find uses of them; the default of 256 MiB would count against the limit below.
export ASAN_OPTIONS=quarantine_size_mb=32:${ASAN_OPTIONS:-}
mkdir -p "fuzz/corpus/$target"
exec cargo fuzz run "$target" "fuzz/corpus/$target" -- -max_total_time="$seconds" -max_len=$max_len -timeout=30 \
    -rss_limit_mb=2048 -malloc_limit_mb=$malloc_mb -dict="fuzz/dictionaries/$target.dict" -print_final_stats=1 "$@"
