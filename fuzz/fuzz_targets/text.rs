//! Text in every spelling and compression; the first byte chooses.
#![no_main]

use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::LazyLock;

use homolog_corpus::{RowsSpec, Tokenizer, make_rows};
use homolog_fuzz::{Limit, begin, choice, chosen, folder, put, tokenizer_json, within};

/// The tokenizer holds up to 260 bytes for each of the text, and there may be [`MOST_TEXT`] of it.
const LIMIT: Limit = Limit { times: 512, fixed: 64 << 20 };
/// What decompresses to more is no input here: it is read in the same way, but takes seconds.
const MOST_TEXT: u64 = 1 << 17;
const NAMES: [&str; 6] = ["t.txt", "t.jsonl", "t.txt.gz", "t.jsonl.gz", "t.txt.zst", "t.jsonl.zst"];

static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| folder("text"));
static TOKENIZER: LazyLock<Tokenizer> = LazyLock::new(|| {
    Tokenizer::open(&put(&FOLDER, "tokenizer.json", tokenizer_json().to_string().as_bytes()))
        .expect("a sound tokenizer")
});

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory can be written");
    encoder.finish().expect("memory can be written")
}

fn is_too_long(name: &str, bytes: &[u8]) -> bool {
    let count = |reader: &mut dyn Read| std::io::copy(&mut reader.take(MOST_TEXT + 1), &mut std::io::sink());
    let n_bytes = if name.ends_with(".gz") {
        count(&mut flate2::read::MultiGzDecoder::new(bytes))
    } else if name.ends_with(".zst") {
        zstd::stream::read::Decoder::new(bytes).and_then(|mut decoder| count(&mut decoder))
    } else {
        Ok(0)
    };
    n_bytes.is_ok_and(|n_bytes| n_bytes > MOST_TEXT)
}

libfuzzer_sys::fuzz_target!(
    init: {
        LazyLock::force(&TOKENIZER);
        let text = "ab abab, it's\n\n 12 \u{e9}\u{1f600}<|endoftext|>second\u{a0}document <|endoftext|>".as_bytes();
        let lines = b"{\"text\": \"ab \\u00e9 \\ud83d\\ude00\", \"n\": [1, {}]}\n{\"id\": 2.5e3, \"text\": \"b\\n\"}\n";
        let zstd = |bytes: &[u8]| zstd::encode_all(bytes, 1).expect("memory can be written");
        begin("text", vec![
            chosen(0, text),
            chosen(1, lines),
            chosen(2, gzip(text)),
            chosen(2, [gzip(text), gzip(b"more")].concat()),
            chosen(3, gzip(lines)),
            chosen(4, zstd(text)),
            chosen(4, [zstd(&[b'a'; 3000]), zstd(b"more")].concat()),
            chosen(5, zstd(lines)),
        ]);
    },
    |data: &[u8]| -> libfuzzer_sys::Corpus {
        let Some((first, rest)) = choice(data) else { return libfuzzer_sys::Corpus::Reject };
        let name = NAMES[usize::from(first) % NAMES.len()];
        if is_too_long(name, rest) {
            return libfuzzer_sys::Corpus::Reject;
        }
        let files = [put(&FOLDER, name, rest)];
        let bos = first & 0x80 != 0;
        let spec = RowsSpec { context: 3, bos, tokens: None, held_out_tokens: None, text_field: "text".into() };
        within(LIMIT, rest.len(), || match make_rows(&files, &TOKENIZER, &spec, &|_| true) {
            Err(error) => drop(error.to_string()),
            Ok(rows) => {
                assert!(!rows.rows.is_empty() && rows.rows.len() % 3 == 0 && rows.held_out.len() % 3 == 0);
                assert!(rows.rows.iter().chain(&rows.held_out).all(|&id| (id as usize) < TOKENIZER.d_vocab()));
            }
        });
        libfuzzer_sys::Corpus::Keep
    }
);
