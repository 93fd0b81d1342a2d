#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;

use homolog_test::require_fixtures;
use serde_json::json;

use super::*;

fn find(files: &[(&str, &str)]) -> Result<Option<Vocabulary>, Error> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    Vocabulary::find(folder.path())
}

fn vocab(value: &Value) -> Vocabulary {
    find(&[("vocab.json", &value.to_string())]).unwrap().unwrap()
}

#[test]
fn a_folder_without_tokenizer_files_has_no_vocabulary() {
    assert_eq!(find(&[("merges.txt", "")]).unwrap(), None);
}

#[test]
fn tokenizer_json_goes_first_and_its_added_tokens_belong() {
    let tokenizer = json!({
        "model": {"type": "BPE", "vocab": {"a": 0, "b": 1}},
        "added_tokens": [{"id": 2, "content": "<|endoftext|>"}],
    });
    let whole = vocab(&json!({"a": 0, "b": 1, "<|endoftext|>": 2}));
    let both = find(&[("tokenizer.json", &tokenizer.to_string()), ("vocab.json", "not even JSON")]);
    assert_eq!(both.unwrap().unwrap(), whole);
    let bare = json!({"model": {"vocab": {"a": 0, "b": 1}}});
    assert_ne!(find(&[("tokenizer.json", &bare.to_string())]).unwrap().unwrap(), whole);
}

#[test]
fn the_hash_is_of_tokens_and_ids_and_not_of_their_order() {
    let hash = |value| vocab(&value).hash();
    let first = hash(json!({"a": 0, "bc": 1}));
    assert_eq!(hash(json!({"bc": 1, "a": 0})), first);
    for other in [json!({"a": 1, "bc": 0}), json!({"a": 0, "bd": 1}), json!({"ab": 0, "c": 1}), json!({"a": 0})] {
        assert_ne!(hash(other), first);
    }
}

#[test]
fn the_newline_is_found_in_either_spelling() {
    assert_eq!(vocab(&json!({"a": 0, "\u{10a}": 198, "\u{10a}\u{10a}": 199})).newline(), Some(198));
    assert_eq!(vocab(&json!({"a": 0, "\n": 7})).newline(), Some(7));
    assert_eq!(vocab(&json!({"a": 0, "\u{10a}\u{10a}": 199})).newline(), None);
}

#[test]
fn files_that_are_no_vocabulary_are_named() {
    for (name, text) in [
        ("tokenizer.json", ""),
        ("tokenizer.json", "{}"),
        ("tokenizer.json", r#"{"model": {"vocab": [["a", -1.5]]}}"#),
        ("tokenizer.json", r#"{"model": {"vocab": {"a": 0}}, "added_tokens": [{"content": "b"}]}"#),
        ("vocab.json", "[]"),
        ("vocab.json", r#"{"a": "0"}"#),
        ("vocab.json", r#"{"a": -1}"#),
        ("vocab.json", r#"{"a": 4294967296}"#),
    ] {
        let error = find(&[(name, text)]).unwrap_err();
        assert!(matches!(error, Error::BadVocabulary { .. }) && error.to_string().contains(name), "{text}: {error}");
    }
}

#[test]
fn both_files_of_the_fixture_tokenizer_agree() {
    let folder = require_fixtures!().join("tokenizer");
    let tokenizer_json = Vocabulary::find(&folder).unwrap().unwrap();
    let vocab_json = vocab(&homolog_test::fixtures::json(folder.join("vocab.json")));
    assert_eq!((&tokenizer_json, tokenizer_json.hash()), (&vocab_json, vocab_json.hash()));
    assert_eq!((tokenizer_json.newline(), tokenizer_json.ids.len()), (Some(198), 2048));
    assert_eq!(tokenizer_json.ids["<|endoftext|>"], 2047);
}
