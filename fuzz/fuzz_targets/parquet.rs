//! Text in a Parquet file. Panics of the Parquet reader are caught by homolog-corpus and told here.
#![no_main]

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use arrow_array::{ArrayRef, Int32Array, LargeStringArray, RecordBatch, StringArray, StringViewArray};
use homolog_corpus::{RowsSpec, Tokenizer, make_rows};
use homolog_fuzz::{Limit, begin, folder, put, tell_caught_panics, tokenizer_json, within};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

/// Pages as they say they are, and text up to 64 MiB.
const LIMIT: Limit = Limit { times: 1024, fixed: 256 << 20 };

static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| folder("parquet"));
static TOKENIZER: LazyLock<Tokenizer> = LazyLock::new(|| {
    Tokenizer::open(&put(&FOLDER, "tokenizer.json", tokenizer_json().to_string().as_bytes()))
        .expect("a sound tokenizer")
});

fn file(text: ArrayRef, compression: Compression, has_dictionary: bool) -> Vec<u8> {
    let numbers: ArrayRef = Arc::new((0..text.len() as i32).collect::<Int32Array>());
    let batch = RecordBatch::try_from_iter_with_nullable([("n", numbers, false), ("text", text, true)]);
    let batch = batch.expect("columns of one length");
    let properties = WriterProperties::builder()
        .set_compression(compression)
        .set_dictionary_enabled(has_dictionary)
        .set_max_row_group_row_count(Some(3))
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).expect("a writer");
    writer.write(&batch).expect("memory can be written");
    writer.into_inner().expect("memory can be written")
}

libfuzzer_sys::fuzz_target!(
    init: {
        LazyLock::force(&TOKENIZER);
        let texts = ["ab abab", "", "it's\n 12", "\u{e9}\u{1f600}", "ab abab"];
        let strings: ArrayRef = Arc::new(StringArray::from_iter_values(texts));
        let views: ArrayRef = Arc::new(StringViewArray::from_iter_values(texts));
        let large: ArrayRef = Arc::new(LargeStringArray::from_iter(texts.map(|text| (!text.is_empty()).then_some(text))));
        begin("parquet", vec![
            file(Arc::clone(&strings), Compression::UNCOMPRESSED, true),
            file(Arc::clone(&strings), Compression::UNCOMPRESSED, false),
            file(strings, Compression::SNAPPY, true),
            file(views, Compression::ZSTD(Default::default()), false),
            file(large, Compression::UNCOMPRESSED, false),
        ]);
        tell_caught_panics();
    },
    |data: &[u8]| {
        let files = [put(&FOLDER, "t.parquet", data)];
        let spec =
            RowsSpec { context: 3, bos: true, tokens: None, held_out_tokens: None, text_field: "text".into() };
        within(LIMIT, data.len(), || match make_rows(&files, &TOKENIZER, &spec, &|_| true) {
            Err(error) => drop(error.to_string()),
            Ok(rows) => assert!(!rows.rows.is_empty() && rows.rows.len() % 3 == 0 && rows.held_out.len() % 3 == 0),
        });
    }
);
