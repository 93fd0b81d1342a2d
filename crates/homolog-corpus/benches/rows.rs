//! Bytes of text a second of `make_rows`, on the file `HOMOLOG_BENCH_TEXT` with the tokenizer `HOMOLOG_BENCH_TOKENIZER`.
//!
//! Where they are unset: the fixtures' tokenizer and words at random. The outside baseline on the same file is
//! `tests/it/rows.py time TOKENIZER_JSON FILE`.
#![expect(clippy::print_stdout, reason = "a bench without its inputs says so")]

use std::path::PathBuf;
use std::time::Duration;
use std::{env, fs};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use homolog_corpus::{RowsSpec, Tokenizer, make_rows};
use homolog_test::Seeded;
use homolog_test::fixtures::fixtures;

fn rows(criterion: &mut Criterion) {
    let from_env = |name| env::var_os(name).map(PathBuf::from);
    let Some(tokenizer) = from_env("HOMOLOG_BENCH_TOKENIZER").or_else(|| Some(fixtures()?.join("tokenizer"))) else {
        println!("SKIPPED: no tokenizer, see the head of this file");
        return;
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let text = from_env("HOMOLOG_BENCH_TEXT").unwrap_or_else(|| {
        let path = folder.path().join("words.txt");
        fs::write(&path, words(4_000_000)).expect("a temporary folder can be written");
        path
    });
    let tokenizer = Tokenizer::open(&tokenizer).expect("a tokenizer");
    let spec = RowsSpec { context: 1024, bos: true, tokens: None, held_out_tokens: Some(0), text_field: "text".into() };
    let n_bytes = fs::metadata(&text).expect("the text is a file").len();
    let files = [text];
    let made = make_rows(&files, &tokenizer, &spec, &|_| true).expect("rows");
    assert_eq!(made.rows.len() % 1024, 0, "whole rows");

    let mut group = criterion.benchmark_group("make_rows");
    group.throughput(Throughput::Bytes(n_bytes)).sample_size(10).measurement_time(Duration::from_secs(20));
    group.bench_function("one_text_file", |bencher| {
        bencher.iter(|| make_rows(&files, &tokenizer, &spec, &|_| true).expect("rows"));
    });
    group.finish();
}

/// Words of one to ten letters, some ending in a comma or a line.
fn words(n_bytes: usize) -> String {
    let mut seeded = Seeded::new(0);
    let mut text = String::with_capacity(n_bytes + 16);
    while text.len() < n_bytes {
        for _ in 0..=seeded.below(10) {
            text.push(char::from(b'a' + seeded.below(26) as u8));
        }
        text.push_str([" ", " ", " ", " ", ", ", "\n"][seeded.below(6)]);
    }
    text
}

criterion_group!(benches, rows);
criterion_main!(benches);
