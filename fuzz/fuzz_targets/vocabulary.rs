//! The files of a tokenizer, read twice: as a vocabulary to compare, and as a tokenizer to use. The first byte chooses which of
//! the files is corrupt; the others are sound.
#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use homolog_corpus::Tokenizer;
use homolog_fuzz::{Limit, begin, choice, chosen, folder, put, tell_caught_panics, tokenizer_json, within};
use homolog_model::Vocabulary;

/// JSON values, up to 130 times their text while both readers' forms are there; tables of bytes and words, whatever the file.
const LIMIT: Limit = Limit { times: 256, fixed: 16 << 20 };
const FILES: [&str; 6] = [
    "tokenizer.json",
    "vocab.json",
    "merges.txt",
    "added_tokens.json",
    "special_tokens_map.json",
    "tokenizer_config.json",
];

/// For each of the files a folder, with sound ones of those beside which it is read.
static FOLDERS: LazyLock<Vec<PathBuf>> = LazyLock::new(|| {
    let folders = FILES.iter().map(|file| {
        let folder = folder(&format!("vocabulary-{file}"));
        if *file != "tokenizer.json" {
            let sound = tokenizer_json();
            let lines: Vec<_> = sound["model"]["merges"].as_array().expect("a list").iter().collect();
            let lines: Vec<_> = lines.iter().map(|line| line.as_str().expect("a line")).collect();
            put(&folder, "vocab.json", sound["model"]["vocab"].to_string().as_bytes());
            put(&folder, "merges.txt", format!("#version: 0.2\n{}\n", lines.join("\n")).as_bytes());
        }
        folder
    });
    folders.collect()
});

fn small(model: &serde_json::Value) -> serde_json::Value {
    let mut json = tokenizer_json();
    json["model"] = model.clone();
    json
}

fn seeds() -> Vec<Vec<u8>> {
    use serde_json::json;
    let vocab = json!({"a": 0, "b": 1, "ab": 2, "Ċ": 3, "<|endoftext|>": 256});
    let bpe = small(&json!({"type": "BPE", "vocab": vocab, "merges": ["a b"]}));
    let mut pairs = bpe.clone();
    pairs["model"]["merges"] = json!([["a", "b"]]);
    let mut split = bpe.clone();
    split["normalizer"] = json!({"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Lowercase"},
        {"type": "Replace", "pattern": {"Regex": "a+"}, "content": "b"}, {"type": "Prepend", "prepend": "b"}]});
    split["pre_tokenizer"] =
        json!({"type": "Split", "pattern": {"Regex": "\\s+|a"}, "behavior": "Isolated", "invert": false});
    split["post_processor"] = json!({"type": "TemplateProcessing", "single": [{"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "B", "type_id": 1}}], "special_tokens": {}});
    let piece = small(&json!({"type": "WordPiece", "unk_token": "a", "continuing_subword_prefix": "##",
        "max_input_chars_per_word": 100, "vocab": {"a": 0, "##b": 1}}));
    let word = small(&json!({"type": "WordLevel", "unk_token": "a", "vocab": {"a": 0}}));
    let unigram =
        small(&json!({"type": "Unigram", "unk_id": 0, "vocab": [["a", -1.0], ["b", -2.5]], "byte_fallback": false}));
    let mut seeds: Vec<_> =
        [bpe, pairs, split, piece, word, unigram].iter().map(|json| chosen(0, json.to_string())).collect();
    seeds.extend([
        chosen(1, vocab.to_string()),
        chosen(2, "#version: 0.2\na b\nĠ a\nab ab\ne r\n"),
        chosen(3, json!({"<pad>": 261, "<x>": 262}).to_string()),
        chosen(4, json!({"bos_token": "<|endoftext|>", "pad_token": {"content": "<p>", "lstrip": true}}).to_string()),
        chosen(5, json!({"add_prefix_space": false, "added_tokens_decoder": {"261": {"content": "<p>"}}}).to_string()),
    ]);
    seeds
}

libfuzzer_sys::fuzz_target!(
    init: {
        begin("vocabulary", seeds());
        tell_caught_panics();
    },
    |data: &[u8]| {
        let Some((first, rest)) = choice(data) else { return };
        let at = usize::from(first) % FILES.len();
        let folder = &FOLDERS[at];
        put(folder, FILES[at], rest);
        within(LIMIT, rest.len(), || match Vocabulary::find(folder) {
            Err(error) => drop(error.to_string()),
            Ok(found) => {
                let vocabulary = found.expect("the folder has one of its files");
                assert_eq!(vocabulary.difference(&vocabulary), None);
                assert_eq!(vocabulary.hash().len(), 64);
                let _ = (vocabulary.newline(), vocabulary.end_of_text());
            }
        });
        within(LIMIT, rest.len(), || match Tokenizer::open(folder) {
            Err(error) => drop(error.to_string()),
            Ok(tokenizer) => {
                let text = "ab abab, it's\n\n 12 \u{e9}\u{1f600}<|endoftext|> b";
                match tokenizer.encode(text) {
                    Err(error) => drop(error.to_string()),
                    Ok(ids) => assert!(ids.iter().all(|&id| (id as usize) < tokenizer.d_vocab())),
                }
            }
        });
    }
);
