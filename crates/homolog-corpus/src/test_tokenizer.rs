//! Byte-level tokenizers for tests, small enough to know their ids by heart.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

pub(crate) use crate::tokenizer::visible;

/// `<|endoftext|>` of these tokenizers.
pub(crate) const EOT: u32 = 256;

/// Characters of which any two side by side are merged, so that a wrong end of a word shows in the ids.
const MERGED: &str = "ab 's1.\n\u{a0}";

/// Writes `tokenizer.json`, GPT-2's but for the vocabulary: the id of a byte is the byte, 256 is `<|endoftext|>`.
pub(crate) fn write_bytes(folder: &Path) -> PathBuf {
    write(folder, &tokenizer_json(&[]))
}

/// The same with a token, from 257 on, for every two bytes of a few characters.
pub(crate) fn write_pairs(folder: &Path) -> PathBuf {
    let bytes = MERGED.as_bytes();
    let pairs: Vec<_> = bytes.iter().flat_map(|&first| bytes.iter().map(move |&second| (first, second))).collect();
    write(folder, &tokenizer_json(&pairs))
}

pub(crate) fn write(folder: &Path, json: &Value) -> PathBuf {
    let path = folder.join("tokenizer.json");
    fs::write(&path, json.to_string()).expect("a temporary folder can be written");
    path
}

pub(crate) fn tokenizer_json(merges: &[(u8, u8)]) -> Value {
    let mut vocab: Map<String, Value> = (0..=255).map(|byte| (visible(byte).to_string(), byte.into())).collect();
    let merges: Vec<_> = merges.iter().map(|&(first, second)| [visible(first), visible(second)]).collect();
    for [first, second] in &merges {
        let id = vocab.len() + 1;
        vocab.entry(format!("{first}{second}")).or_insert(id.into());
    }
    json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": [{
            "id": EOT, "content": "<|endoftext|>", "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": false, "special": true
        }],
        "normalizer": null,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
        "post_processor": null,
        "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
        "model": {
            "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
            "vocab": with_end_of_text(vocab),
            "merges": merges.iter().map(|[first, second]| format!("{first} {second}")).collect::<Vec<_>>()
        }
    })
}

fn with_end_of_text(mut vocab: Map<String, Value>) -> Map<String, Value> {
    vocab.insert("<|endoftext|>".into(), EOT.into());
    vocab
}
