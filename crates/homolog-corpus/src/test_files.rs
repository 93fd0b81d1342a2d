//! Documents written to files of every format, for tests.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

pub(crate) fn write(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, bytes).expect("a temporary folder can be written");
    path
}

pub(crate) fn gzip(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes.as_ref()).expect("memory can be written");
    encoder.finish().expect("memory can be written")
}

pub(crate) fn zstd(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    zstd::encode_all(bytes.as_ref(), 1).expect("memory can be written")
}

/// Lines with another key before and behind the text.
pub(crate) fn jsonl<S: AsRef<str>>(documents: &[S]) -> String {
    let line =
        |text: &S| format!("{}\n", serde_json::json!({"id": [1, {"text": 2}], "text": text.as_ref(), "meta": null}));
    documents.iter().map(line).collect()
}

/// A file with column `n` of integers and column `text`, a row group for every ten rows.
pub(crate) fn parquet(folder: &Path, name: &str, text: ArrayRef, compression: Compression) -> PathBuf {
    let numbers: ArrayRef = Arc::new((0..text.len() as i32).collect::<arrow_array::Int32Array>());
    let batch = RecordBatch::try_from_iter_with_nullable([("n", numbers, false), ("text", text, true)]);
    let batch = batch.expect("columns of one length");
    let path = folder.join(name);
    let file = File::create(&path).expect("a temporary folder can be written");
    let properties =
        WriterProperties::builder().set_compression(compression).set_max_row_group_row_count(Some(10)).build();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).expect("a writer");
    writer.write(&batch).expect("a temporary folder can be written");
    writer.close().expect("a temporary folder can be written");
    path
}
