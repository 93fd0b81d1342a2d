//! Bytes of text a second that one thread tokenises: ours, and `encode_fast` of `tokenizers` as the outside baseline.
//!
//! Text and tokenizer as in `rows.rs`: `HOMOLOG_BENCH_TEXT`, of which the first 4 MB are taken, and `HOMOLOG_BENCH_TOKENIZER`.
//! Where they are unset: the notes of this repository and the fixtures' tokenizer. Every id is compared before the timing.
#![expect(clippy::print_stdout, reason = "a bench without its inputs says so")]

use std::path::PathBuf;
use std::time::Duration;
use std::{env, fs};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use homolog_corpus::Tokenizer;
use homolog_test::fixtures::fixtures;

const MOST_BYTES: usize = 4_000_000;
/// As many as `make_rows` gives at once.
const PIECE_BYTES: usize = 64 * 1024;

fn encode(criterion: &mut Criterion) {
    let from_env = |name| env::var_os(name).map(PathBuf::from);
    let Some(tokenizer) = from_env("HOMOLOG_BENCH_TOKENIZER").or_else(|| Some(fixtures()?.join("tokenizer"))) else {
        println!("SKIPPED: no tokenizer, see the head of this file");
        return;
    };
    let notes = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/log.md"));
    let text = fs::read_to_string(from_env("HOMOLOG_BENCH_TEXT").unwrap_or_else(notes)).expect("text");
    let pieces = pieces(&text);
    let n_bytes: usize = pieces.iter().map(|piece| piece.len()).sum();

    let ours = Tokenizer::open(&tokenizer).expect("a tokenizer");
    let theirs = tokenizers::Tokenizer::from_bytes(ours.to_json().expect("JSON")).expect("what was written is read");
    for piece in &pieces {
        let ids = theirs.encode_fast(*piece, false).expect("ids");
        assert_eq!(ours.encode(piece).expect("ids"), ids.get_ids(), "{piece:?}");
    }

    let mut group = criterion.benchmark_group("encode");
    group.throughput(Throughput::Bytes(n_bytes as u64)).sample_size(10).measurement_time(Duration::from_secs(10));
    group.bench_function("homolog", |bencher| {
        bencher.iter(|| pieces.iter().map(|piece| ours.encode(piece).expect("ids").len()).sum::<usize>());
    });
    group.bench_function("tokenizers", |bencher| {
        let n_ids = |piece: &&str| theirs.encode_fast(*piece, false).expect("ids").len();
        bencher.iter(|| pieces.iter().map(n_ids).sum::<usize>());
    });
    group.finish();
}

/// Whole lines, some [`PIECE_BYTES`] together.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut start, mut end) = (0, 0);
    for line in text.split_inclusive('\n') {
        end += line.len();
        if end - start >= PIECE_BYTES {
            pieces.push(&text[start..end]);
            start = end;
        }
        if end >= MOST_BYTES {
            return pieces;
        }
    }
    pieces.push(&text[start..]);
    pieces
}

criterion_group!(benches, encode);
criterion_main!(benches);
