use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, BinaryArray, DictionaryArray, Int64Array, LargeStringArray, StringArray, StringViewArray};
use parquet::basic::{BrotliLevel, Compression, GzipLevel, ZstdLevel};

use super::{Documents, most_text};
use crate::Error;
use crate::test_files::{gzip, jsonl, parquet, write, zstd};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn read(path: &Path) -> Result<Vec<String>, Error> {
    let mut documents = Documents::open(path, "text", &|_| true)?;
    let mut texts = Vec::new();
    let mut n_bytes_read = 0;
    while let Some(text) = documents.next()? {
        assert!(documents.n_bytes_read() >= n_bytes_read, "progress goes forward");
        n_bytes_read = documents.n_bytes_read();
        texts.push(text);
    }
    assert_eq!(documents.n_bytes_read(), path.metadata().expect("a file").len(), "all of it at the end");
    Ok(texts)
}

/// The documents of a file of these bytes.
fn documents(name: &str, bytes: impl AsRef<[u8]>) -> Vec<String> {
    read(&write(folder().path(), name, bytes)).unwrap_or_else(|error| panic!("{error}"))
}

/// The error of such a file, with the folder taken off.
fn message(name: &str, bytes: impl AsRef<[u8]>) -> String {
    let folder = folder();
    let error = read(&write(folder.path(), name, bytes)).expect_err("an error is expected").to_string();
    error.replace(&format!("{}/", folder.path().display()), "")
}

#[test]
fn a_text_file_is_one_document_with_its_bytes_as_they_are() {
    assert_eq!(documents("a.txt", "\u{feff}one\r\ntwo\n"), ["\u{feff}one\r\ntwo\n"]);
    assert_eq!(documents("a.txt", "a > b <|endoftext| >"), ["a > b <|endoftext| >"]);
    assert_eq!(documents("a.txt", "\0"), ["\0"]);
}

#[test]
fn end_of_text_ends_a_document() {
    assert_eq!(documents("a.txt", "one<|endoftext|>two"), ["one", "two"]);
    assert_eq!(documents("a.txt", "one<|endoftext|>"), ["one"]);
    assert_eq!(documents("a.txt", "one<|endoftext|>\n"), ["one", "\n"]);
    assert_eq!(documents("a.txt", "<|endoftext|><|endoftext|>one"), ["", "", "one"]);
    assert_eq!(documents("a.txt", "<|<|endoftext|>>"), ["<|", ">"]);
    assert_eq!(documents("a.txt", ""), [""]);
}

#[test]
fn end_of_text_across_buffers() {
    for n_before in [256 * 1024 - 13, 256 * 1024 - 5, 256 * 1024 - 1, 256 * 1024] {
        let before = "x".repeat(n_before);
        assert_eq!(documents("a.txt", format!("{before}<|endoftext|>y")), [before, "y".into()]);
    }
}

#[test]
fn a_line_is_a_document() {
    let lines = "{\"text\": \"one\\ntwo <|endoftext|> \\u00e9\"}\r\n {\"a\": {\"text\": 3}, \"text\": \"\"} \n{\"text\":\"last\"}";
    assert_eq!(documents("a.jsonl", lines), ["one\ntwo <|endoftext|> é", "", "last"]);
    assert_eq!(documents("a.jsonl", ""), [""; 0]);
}

#[test]
fn lines_that_are_no_documents_are_errors_with_their_number() {
    let after = |line: &str| message("a.jsonl", format!("{{\"text\": \"one\"}}\n{line}\n{{}}"));
    assert_eq!(after(""), "a.jsonl:2: the line is blank; each line is one JSON object: remove it");
    assert!(after(" \r").starts_with("a.jsonl:2: the line is blank"));
    let found = after("{\"txt\": \"two\"}");
    assert!(found.starts_with("a.jsonl:2: there is no key `text`"), "{found}");
    assert!(found.ends_with("whose key `text` is the text: correct it or `text_field`"), "{found}");
    assert!(after("{\"text\": 2}").starts_with("a.jsonl:2: invalid type: integer `2`, expected a string at column 10"));
    assert!(after("{\"text\": null}").starts_with("a.jsonl:2: invalid type: null, expected a string"));
    assert!(after("[\"two\"]").starts_with("a.jsonl:2: invalid type: sequence, expected an object"));
    assert!(after("plain").starts_with("a.jsonl:2: expected value at column 1"));
    assert!(after("{\"text\": \"two\"").starts_with("a.jsonl:2: EOF while parsing an object"));
    assert!(after("{\"text\": \"two\"} x").starts_with("a.jsonl:2: trailing characters"));
    assert!(after("{\"text\": \"\\ud800\"}").starts_with("a.jsonl:2: "));
    assert!(after("{\"text\": \"2\", \"text\": \"3\"}").starts_with("a.jsonl:2: the key `text` is there twice"));
    assert!(after(&"[".repeat(100_000)).starts_with("a.jsonl:2: "));
    assert!(after(&format!("{{\"a\": {}", "[".repeat(100_000))).starts_with("a.jsonl:2: EOF"));
    assert!(message("a.jsonl", "\u{feff}{\"text\": \"one\"}").starts_with("a.jsonl:1: expected value"));
}

#[test]
fn bytes_that_are_not_utf8_are_errors_with_their_place() {
    assert_eq!(
        message("a.txt", b"one<|endoftext|>tw\xff"),
        "a.txt: byte 18 of the text is not UTF-8; convert the file to UTF-8"
    );
    assert!(message("a.txt", b"\xc3").starts_with("a.txt: byte 0 of"));
    let found = message("a.jsonl", b"{\"text\": \"one\"}\n{\"text\": \"\xff\"}");
    assert!(found.starts_with("a.jsonl:2: byte 26 of the text is not UTF-8"), "{found}");
    assert!(message("a.txt.gz", gzip(b"ab\xff")).starts_with("a.txt.gz: byte 2 of the text"));
}

#[test]
fn compressed_files_of_several_parts_are_read_whole() {
    assert_eq!(documents("a.txt.gz", [gzip("one "), gzip("two")].concat()), ["one two"]);
    assert_eq!(documents("a.txt.zst", [zstd("one "), zstd("two")].concat()), ["one two"]);
    assert_eq!(documents("a.jsonl.zst", zstd(jsonl(&["one", "two"]))), ["one", "two"]);
    assert_eq!(documents("a.txt.gz", gzip("")), [""]);
    assert_eq!(documents("a.txt.zst", zstd("")), [""]);
}

#[test]
fn damaged_compression_is_an_error() {
    let text = (0..5000).map(|number| number.to_string()).collect::<Vec<_>>().join(" ");
    for (name, whole) in [("a.txt.gz", gzip(&text)), ("a.txt.zst", zstd(&text))] {
        for n_bytes in [0, 1, 3, 8, whole.len() / 2, whole.len() - 1] {
            let found = message(name, &whole[..n_bytes]);
            assert!(found.starts_with(&format!("{name} does not decompress (")), "{n_bytes} bytes: {found}");
            assert!(found.ends_with("); fetch or compress it again"), "{found}");
        }
        assert!(message(name, [&whole[..], b"more"].concat()).starts_with(&format!("{name} does not decompress")));
        assert!(message(name, &text).starts_with(&format!("{name} does not decompress")));
        let mut changed = whole.clone();
        changed[whole.len() / 2] ^= 0x55;
        if name == "a.txt.gz" {
            // gzip carries a checksum; a zstd frame of this encoder does not, and may give other text.
            assert!(message(name, changed).starts_with("a.txt.gz does not decompress"));
        }
    }
}

#[test]
fn far_more_text_than_bytes_is_an_error() {
    assert_eq!((most_text(0), most_text(1 << 20), most_text(1 << 30)), (64 << 20, 64 << 20, 64 << 30));
    let zeros = vec![b'a'; (64 << 20) + 1];
    let found = message("a.txt.zst", zstd(&zeros));
    assert_eq!(
        found,
        "a.txt.zst decompresses to more than 67108864 bytes, 64 times its size; if that is meant, decompress it first"
    );
    assert!(message("a.jsonl.gz", gzip(&zeros)).contains("decompresses to more than"));
    assert_eq!(documents("a.txt.zst", zstd(&zeros[1..]))[0].len(), 64 << 20);
}

const TEXTS: [&str; 3] = ["one", "", "two\n<|endoftext|>é"];

#[test]
fn a_row_of_parquet_is_a_document_whatever_the_codec() {
    let codecs = [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(GzipLevel::default()),
        Compression::LZ4_RAW,
        Compression::BROTLI(BrotliLevel::default()),
        Compression::ZSTD(ZstdLevel::default()),
    ];
    for codec in codecs {
        let folder = folder();
        let texts: Vec<_> = TEXTS.iter().cycle().take(1000).copied().collect();
        let path = parquet(folder.path(), "a.parquet", Arc::new(StringArray::from(texts.clone())), codec);
        assert_eq!(read(&path).expect("documents"), texts, "{codec:?}");
    }
}

#[test]
fn every_type_of_string_column_is_text() {
    let columns: [ArrayRef; 4] = [
        Arc::new(StringArray::from(TEXTS.to_vec())),
        Arc::new(LargeStringArray::from(TEXTS.to_vec())),
        Arc::new(StringViewArray::from(TEXTS.to_vec())),
        Arc::new(TEXTS.into_iter().collect::<DictionaryArray<arrow_array::types::Int32Type>>()),
    ];
    for column in columns {
        let folder = folder();
        let kind = column.data_type().clone();
        let path = parquet(folder.path(), "a.parquet", column, Compression::SNAPPY);
        assert_eq!(read(&path).unwrap_or_else(|error| panic!("{kind}: {error}")), TEXTS, "{kind}");
    }
}

#[test]
fn columns_without_text_are_errors() {
    let folder = folder();
    let of = |column: ArrayRef, field: &str| {
        let path = parquet(folder.path(), "a.parquet", column, Compression::SNAPPY);
        let mut documents = match Documents::open(&path, field, &|_| true) {
            Ok(documents) => documents,
            Err(error) => return error.to_string(),
        };
        loop {
            match documents.next() {
                Ok(Some(_)) => {}
                Ok(None) => return "no error".into(),
                Err(error) => return error.to_string(),
            }
        }
    };
    let texts: ArrayRef = Arc::new(StringArray::from(TEXTS.to_vec()));
    let found = of(texts, "content");
    assert!(found.ends_with("a.parquet: it has no column `content`; its columns are `n`, `text`: name the one with the text as `text_field`"), "{found}");
    let found = of(Arc::new(Int64Array::from(vec![1, 2])), "text");
    assert!(found.contains("a.parquet: column `text` is Int64, not text"), "{found}");
    assert!(of(Arc::new(BinaryArray::from(vec![&b"a"[..]])), "text").contains("is Binary, not text"));
    let mut nulls = vec![Some("a"); 700];
    nulls[612] = None;
    let found = of(Arc::new(StringArray::from(nulls)), "text");
    assert!(found.contains("a.parquet: row 612 of column `text` is null; remove such rows"), "{found}");
}

#[test]
fn damaged_parquet_is_an_error_and_never_a_panic() {
    assert!(message("a.parquet", "").starts_with("a.parquet is not a readable Parquet file (at row 0: "));
    assert!(message("a.parquet", "PAR1 and not much more PAR1").contains("is not a readable Parquet file"));
    let folder = folder();
    let texts: Vec<_> = (0..64).map(|number| format!("document {number}")).collect();
    let path = parquet(folder.path(), "a.parquet", Arc::new(StringArray::from(texts)), Compression::SNAPPY);
    let whole = std::fs::read(&path).expect("read again");
    for n_bytes in [1, 7, 8, whole.len() / 2, whole.len() - 1] {
        assert!(message("a.parquet", &whole[..n_bytes]).contains("is not a readable Parquet file"), "{n_bytes}");
    }
    // Any byte changed: other text or an error that names the file, but an end.
    let mut n_errors = 0;
    for at in 0..whole.len() {
        {
            let mut changed = whole.clone();
            changed[at] ^= if at % 2 == 0 { 0xff } else { 0x01 };
            let path = write(folder.path(), "b.parquet", changed);
            let mut documents = match Documents::open(&path, "text", &|_| true) {
                Ok(documents) => documents,
                Err(error) => {
                    assert!(error.to_string().contains("b.parquet"), "byte {at}: {error}");
                    n_errors += 1;
                    continue;
                }
            };
            while let Some(text) = documents.next().transpose() {
                if let Err(error) = text {
                    assert!(error.to_string().contains("b.parquet"), "byte {at}: {error}");
                    n_errors += 1;
                    break;
                }
            }
        }
    }
    assert!(n_errors > 100, "{n_errors} of {} changes were noticed", whole.len());
}

#[test]
fn a_value_that_many_rows_repeat_is_held_once_and_limited() {
    let folder = folder();
    let value = "a".repeat(1 << 19);
    let texts = vec![value.as_str(); 200];
    let path = parquet(folder.path(), "a.parquet", Arc::new(StringArray::from(texts)), Compression::SNAPPY);
    assert!(path.metadata().expect("a file").len() < 1 << 20, "the writer keeps one copy for ten rows");
    assert!(matches!(read(&path).map(|_| ()), Err(Error::TooLarge { limit: 0x400_0000, .. })));
}

#[test]
fn reading_stops_when_told() {
    let folder = folder();
    let path = write(folder.path(), "a.txt", "one");
    let mut documents = Documents::open(&path, "text", &|_| false).expect("opened");
    assert!(matches!(documents.next(), Err(Error::Interrupted)));
    let path = write(folder.path(), "a.txt.gz", gzip("one"));
    let mut documents = Documents::open(&path, "text", &|_| false).expect("opened");
    assert!(matches!(documents.next(), Err(Error::Interrupted)));
}
