use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow_array::StringArray;
use parquet::basic::Compression;

use super::{Counts, Rows, RowsSpec, make_rows, make_rows_in};
use crate::held_out::is_held_out;
use crate::test_files::{gzip, jsonl, parquet, write, zstd};
use crate::test_tokenizer::{EOT, tokenizer_json, write as write_tokenizer, write_bytes, write_pairs};
use crate::{Error, Tokenizer};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// Ids are bytes.
fn tokenizer() -> Tokenizer {
    Tokenizer::open(&write_bytes(folder().path())).expect("our own tokenizer")
}

fn spec(context: usize) -> RowsSpec {
    RowsSpec { context, bos: true, tokens: None, held_out_tokens: None, text_field: "text".into() }
}

fn make(files: &[PathBuf], spec: &RowsSpec) -> Result<Rows, Error> {
    make_rows(files, &tokenizer(), spec, &|_| true)
}

/// The rows of these documents, as lines of one file.
fn rows_of<S: AsRef<str>>(documents: &[S], spec: &RowsSpec) -> Result<Rows, Error> {
    make(&[write(folder().path(), "a.jsonl", jsonl(documents))], spec)
}

fn message(result: Result<Rows, Error>) -> String {
    result.expect_err("an error is expected").to_string()
}

/// `n` documents of about `n_bytes` bytes each, of which the hash holds out those with `held_out`.
fn documents(n: usize, n_bytes: usize, held_out: bool) -> Vec<String> {
    let numbered = (0..).map(|number| format!("{number:0>n_bytes$}"));
    numbered.filter(|text| is_held_out(text) == held_out).take(n).collect()
}

/// Kept and held-out documents, one of the second behind every three of the first.
fn mixed(n: usize, n_bytes: usize) -> Vec<String> {
    let (kept, held_out) = (documents(3 * n, n_bytes, false), documents(n, n_bytes, true));
    kept.chunks(3).zip(held_out).flat_map(|(kept, held_out)| [kept, &[held_out]].concat()).collect()
}

fn ids(text: &str) -> Vec<u32> {
    text.bytes().map(u32::from).collect()
}

/// The rows of a stream by the plainest code: join, chunk, put the BOS before.
fn slow_rows<S: AsRef<str>>(documents: &[S], context: usize, bos: bool) -> Vec<u32> {
    let streams: Vec<_> = documents.iter().map(|text| ids(text.as_ref())).collect();
    let stream = streams.join(&EOT);
    let chunks = stream.chunks_exact(context - usize::from(bos));
    chunks.flat_map(|chunk| bos.then_some(EOT).into_iter().chain(chunk.iter().copied())).collect()
}

fn side(documents: &[String], held_out: bool) -> Vec<&str> {
    documents.iter().map(String::as_str).filter(|text| is_held_out(text) == held_out).collect()
}

#[test]
fn documents_become_rows_on_two_sides() {
    let documents = mixed(10, 20);
    for bos in [true, false] {
        let rows = rows_of(&documents, &RowsSpec { bos, ..spec(16) }).expect("rows");
        let (kept, held_out) = (side(&documents, false), side(&documents, true));
        assert_eq!(rows.rows, slow_rows(&kept, 16, bos));
        assert_eq!(rows.held_out, slow_rows(&held_out, 16, bos));
        let n_stream = |n: usize| 20 * n + n - 1;
        let expected = Counts {
            n_documents: 40,
            n_held_out_documents: 10,
            n_dropped_tokens: (n_stream(30) % (16 - usize::from(bos))) as u64,
            n_dropped_held_out_tokens: (n_stream(10) % (16 - usize::from(bos))) as u64,
            ..Counts::default()
        };
        assert_eq!(rows.counts, expected);
    }
}

#[test]
fn no_split_when_no_tokens_are_held_out() {
    let documents = mixed(5, 20);
    let rows = rows_of(&documents, &RowsSpec { held_out_tokens: Some(0), ..spec(16) }).expect("rows");
    assert_eq!(rows.rows, slow_rows(&documents, 16, true));
    assert_eq!((rows.held_out.len(), rows.counts.n_held_out_documents), (0, 0));
}

#[test]
fn empty_documents_are_counted_and_leave_no_trace() {
    let documents = documents(4, 9, false);
    let with_empty = ["", &documents[0], "", "", &documents[1], &documents[2], &documents[3], ""];
    let (plain, rows) = (rows_of(&documents, &spec(4)).expect("rows"), rows_of(&with_empty, &spec(4)).expect("rows"));
    assert_eq!(rows.rows, plain.rows);
    assert_eq!(rows.counts, Counts { n_documents: 8, n_empty_documents: 4, ..plain.counts });
}

#[test]
fn held_out_documents_go_to_the_other_side_once_there_are_enough() {
    // Held-out documents of 20 bytes; two rows of 16 with a BOS take 30 tokens: the first document, a separator and 9 bytes.
    let documents = mixed(6, 20);
    let rows = rows_of(&documents, &RowsSpec { held_out_tokens: Some(32 + 15), ..spec(16) }).expect("rows");
    let held_out = side(&documents, true);
    assert_eq!(rows.held_out, slow_rows(&held_out[..2], 16, true)[..32]);
    assert_eq!((rows.counts.n_held_out_documents, rows.counts.n_dropped_held_out_tokens), (2, 11));
    let kept: Vec<_> = documents.iter().filter(|text| !held_out[..2].contains(&text.as_str())).collect();
    assert_eq!(rows.rows, slow_rows(&kept, 16, true), "the rest of the second document is on neither side");
}

#[test]
fn tokens_count_every_position_and_reading_stops_at_them() {
    let documents = mixed(50, 20);
    let folder = folder();
    let files = [
        write(folder.path(), "a.jsonl", jsonl(&documents[..100])),
        write(folder.path(), "b.jsonl", jsonl(&documents[100..])),
        folder.path().join("missing.jsonl"),
    ];
    // 400 / 20 = 20 held-out tokens: one row of 16, which the first held-out document fills.
    let rows = make(&files, &RowsSpec { tokens: Some(400 + 15), ..spec(16) }).expect("nothing beyond is looked at");
    assert_eq!((rows.rows.len(), rows.held_out.len()), (400, 16));
    assert_eq!((rows.counts.n_held_out_documents, rows.counts.n_unread_files), (1, 2));
    let first = side(&documents, true)[0];
    let kept: Vec<_> = documents.iter().filter(|text| *text != first).collect();
    assert_eq!(rows.rows, slow_rows(&kept, 16, true)[..400]);
    // 25 rows of 15 tokens are 375 of a stream of 21 a document: 17 whole ones and 18 of the next, and the held-out one.
    assert_eq!((rows.counts.n_documents, rows.counts.n_dropped_tokens), (19, 2));
}

#[test]
fn what_is_wrong_behind_the_last_row_is_not_seen() {
    let folder = folder();
    let text = format!("{}not json\n", jsonl(&documents(10, 20, false)));
    let files = [write(folder.path(), "a.jsonl", text)];
    let wanted = RowsSpec { held_out_tokens: Some(0), tokens: Some(160), ..spec(16) };
    assert_eq!(make(&files, &wanted).expect("rows").rows.len(), 160);
    let more = RowsSpec { tokens: Some(1600), ..wanted };
    assert!(message(make(&files, &more)).contains("a.jsonl:11: expected"));
}

#[test]
fn documents_are_skipped_while_only_held_out_rows_are_sought() {
    let documents = [documents(30, 20, false), documents(2, 20, true)].concat();
    let wanted = RowsSpec { tokens: Some(32), held_out_tokens: Some(32), ..spec(16) };
    let rows = rows_of(&documents, &wanted).expect("rows");
    assert_eq!((rows.rows.len(), rows.held_out.len()), (32, 32));
    let Counts { n_documents, n_held_out_documents, n_unused_documents, .. } = rows.counts;
    assert_eq!((n_documents, n_held_out_documents, n_unused_documents), (32, 2, 28));
}

#[test]
fn formats_agree() {
    let documents = mixed(20, 30);
    let folder = folder();
    let text = documents.join("<|endoftext|>");
    let lines = jsonl(&documents);
    let column = Arc::new(StringArray::from(documents.clone()));
    let files = [
        write(folder.path(), "a.txt", &text),
        write(folder.path(), "b.txt", format!("{text}<|endoftext|>")),
        write(folder.path(), "a.txt.gz", gzip(&text)),
        write(folder.path(), "a.txt.zst", zstd(&text)),
        write(folder.path(), "a.jsonl", &lines),
        write(folder.path(), "a.jsonl.gz", gzip(&lines)),
        write(folder.path(), "a.jsonl.zst", zstd(&lines)),
        parquet(folder.path(), "a.parquet", column, Compression::SNAPPY),
    ];
    let wanted = RowsSpec { tokens: Some(1000), held_out_tokens: Some(200), ..spec(16) };
    let expected = rows_of(&documents, &wanted).expect("rows");
    for path in &files {
        assert_eq!(make(std::slice::from_ref(path), &wanted).expect("rows"), expected, "{}", path.display());
    }
    let single = documents.iter().enumerate();
    let single: Vec<_> = single.map(|(n, text)| write(folder.path(), &format!("{n:03}.txt"), text)).collect();
    let of_single = make(&single, &wanted).expect("rows");
    assert_eq!((&of_single.rows, &of_single.held_out), (&expected.rows, &expected.held_out));
    assert!(of_single.counts.n_unread_files > 0);
}

#[test]
fn other_columns_and_keys() {
    let folder = folder();
    let path = write(folder.path(), "a.jsonl", "{\"content\": \"some text\"}\n");
    let named = RowsSpec { text_field: "content".into(), held_out_tokens: Some(0), ..spec(4) };
    assert_eq!(make(std::slice::from_ref(&path), &named).expect("rows").rows, slow_rows(&["some text"], 4, true));
    assert!(message(make(&[path], &spec(4))).contains("a.jsonl:1: there is no key `text`"));
}

#[test]
fn neither_threads_nor_batches_nor_pieces_show() {
    let folder = folder();
    let tokenizer = Tokenizer::open(&write_pairs(folder.path())).expect("our own tokenizer");
    let mut documents = mixed(50, 300);
    documents.insert(7, "a b's 1. ".repeat(2000));
    documents.push("ab".repeat(5000));
    let path = write(folder.path(), "a.jsonl", jsonl(&documents));
    let making = |spec: &RowsSpec, n_threads: usize, batch_bytes: usize, piece_bytes: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().expect("threads");
        let files = std::slice::from_ref(&path);
        pool.install(|| make_rows_in(files, &tokenizer, spec, &|_| true, batch_bytes, piece_bytes)).expect("rows")
    };
    // All text; and an end in the midst, after held-out documents have changed sides.
    let end = RowsSpec { tokens: Some(64 * 100), held_out_tokens: Some(64 * 20), ..spec(64) };
    for spec in [spec(64), end] {
        let expected = making(&spec, 1, usize::MAX, usize::MAX);
        for (n_threads, batch_bytes, piece_bytes) in [(1, 1, 1), (4, 1000, 100), (3, 20_000, 7), (2, 4 << 20, 64 << 10)]
        {
            let rows = making(&spec, n_threads, batch_bytes, piece_bytes);
            assert!(rows == expected, "{n_threads} threads, {batch_bytes} and {piece_bytes} bytes");
        }
    }
    let encode = |text: &&str| tokenizer.encode(text).expect("text");
    let stream = side(&documents, false).iter().map(encode).collect::<Vec<_>>().join(&EOT);
    let rows = making(&spec(64), 2, 1000, 100).rows;
    let without_bos: Vec<u32> = rows.chunks(64).flat_map(|row| row[1..].iter().copied()).collect();
    assert!(without_bos == stream[..stream.len() / 63 * 63], "the ids of the whole documents");
}

#[test]
fn progress_is_the_bytes_of_the_files() {
    let folder = folder();
    let documents = mixed(50, 700);
    let big = "word ".repeat(100_000);
    let files = [
        write(folder.path(), "big.txt", &big),
        write(folder.path(), "a.jsonl.gz", gzip(jsonl(&documents))),
        write(folder.path(), "empty.jsonl", ""),
        parquet(folder.path(), "a.parquet", Arc::new(StringArray::from(documents)), Compression::SNAPPY),
    ];
    let told = AtomicU64::new(0);
    make_rows(&files, &tokenizer(), &spec(64), &|n_bytes| {
        told.fetch_add(n_bytes, Ordering::Relaxed);
        true
    })
    .expect("rows");
    let size = |path: &PathBuf| path.metadata().expect("a file").len();
    assert_eq!(told.into_inner(), files.iter().map(size).sum::<u64>());
}

#[test]
fn stopping_ends_in_interrupted_at_any_call() {
    let folder = folder();
    let path = write(folder.path(), "a.txt", "word ".repeat(100_000));
    for n_calls in [0, 1, 2, 3, 5] {
        let left = AtomicU64::new(n_calls);
        let go_on = |_| left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok();
        let made = make_rows(std::slice::from_ref(&path), &tokenizer(), &spec(64), &go_on);
        assert!(matches!(made, Err(Error::Interrupted)), "{n_calls}");
    }
}

#[test]
fn more_tokens_than_the_text_holds_is_an_error() {
    let documents = mixed(5, 20);
    let found = message(rows_of(&documents, &RowsSpec { tokens: Some(1600), ..spec(16) }));
    // 1600 / 20 is 5 held-out rows, 75 tokens: 4 documents. The other 16, with separators: 335 tokens, 22 rows of 15.
    assert_eq!(
        found,
        "tokens = 1600 is 100 rows of 16, but the text holds 22 (352 tokens) beside 5 held-out rows; ask for at most 352, \
         or add text or lower held_out_tokens"
    );
    let found = message(rows_of(&documents, &RowsSpec { held_out_tokens: Some(1600), ..spec(16) }));
    assert_eq!(
        found,
        "held_out_tokens = 1600 is 100 rows of 16, but the documents whose hash says held out (one in twenty) hold 6 (96 \
         tokens); ask for at most 96, or add text"
    );
    let few = documents.first().expect("a document").clone();
    let found = message(rows_of(&[few], &RowsSpec { tokens: Some(64), held_out_tokens: Some(0), ..spec(16) }));
    assert!(found.ends_with("beside 0 held-out rows; ask for at most 16, or add text"), "{found}");
}

#[test]
fn less_than_a_row_is_an_error() {
    let documents = mixed(5, 20);
    let found = message(rows_of(&documents, &RowsSpec { tokens: Some(15), ..spec(16) }));
    assert_eq!(found, "tokens = 15 is less than one row of 16 tokens; ask for 16 or more");
    let found = message(rows_of(&documents, &RowsSpec { held_out_tokens: Some(15), ..spec(16) }));
    assert!(found.starts_with("held_out_tokens = 15 is less than one row"), "{found}");
    assert!(
        message(rows_of(&documents, &spec(1))).starts_with("context = 1 leaves no token of text in a row; make it 2")
    );
    assert!(message(rows_of(&documents, &spec(0))).contains("make it 2 or more"));
    assert!(message(rows_of(&documents, &RowsSpec { bos: false, ..spec(0) })).contains("make it 1 or more"));
    assert_eq!(rows_of(&documents[..1], &RowsSpec { bos: false, ..spec(1) }).expect("rows").rows, ids(&documents[0]));
}

#[test]
fn no_row_at_all_is_an_error_that_says_why() {
    let found = message(rows_of(&documents(1, 100, true), &spec(16)));
    assert_eq!(
        found,
        "the text does not fill one row of 16 tokens: 1 documents, 0 empty, 1 held out; with held_out_tokens = 0 nothing is \
         held out; else add text"
    );
    let found = message(rows_of(&["", &documents(1, 5, false)[0]], &spec(16)));
    assert!(found.ends_with("2 documents, 1 empty, 0 held out; add text, or lower the context"), "{found}");
    assert!(message(make(&[], &spec(16))).contains("0 documents"));
}

#[test]
fn a_tokenizer_without_end_of_text() {
    let folder = folder();
    let mut json = tokenizer_json(&[]);
    json["added_tokens"] = serde_json::json!([]);
    json["model"]["vocab"].as_object_mut().expect("a vocabulary").shift_remove("<|endoftext|>");
    write_tokenizer(folder.path(), &json);
    let tokenizer = Tokenizer::open(folder.path()).expect("a tokenizer");
    let documents = documents(2, 20, false);
    let make = |documents: &[String], spec: &RowsSpec| {
        let path: &Path = &write(folder.path(), "a.jsonl", jsonl(documents));
        make_rows(&[path.to_path_buf()], &tokenizer, spec, &|_| true)
    };
    let found = message(make(&documents, &spec(4)));
    assert!(found.ends_with("tokenizer.json: it has no token <|endoftext|> to begin each row with; set `bos = false`, or use another tokenizer"), "{found}");
    let bare = RowsSpec { bos: false, ..spec(4) };
    assert!(message(make(&documents, &bare)).contains("to separate documents with"));
    assert_eq!(make(&documents[..1], &bare).expect("one document needs none").rows, ids(&documents[0]));
}
