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

/// A vocabulary of `a` and `b` with these merges, in each of their three spellings.
fn with_merges(merges: &[(&str, &str)]) -> [Vocabulary; 3] {
    let lines: Vec<String> = merges.iter().map(|(a, b)| format!("{a} {b}")).collect();
    let ids = json!({"a": 0, "b": 1});
    let of = |merges: Value| {
        let tokenizer = json!({"model": {"vocab": ids, "merges": merges}});
        find(&[("tokenizer.json", &tokenizer.to_string())]).unwrap().unwrap()
    };
    let text = format!("#version: 0.2\n{}\n", lines.join("\n"));
    let txt = find(&[("vocab.json", &ids.to_string()), ("merges.txt", &text)]).unwrap().unwrap();
    [of(json!(lines)), of(json!(merges)), txt]
}

#[test]
fn merges_are_the_same_in_every_spelling() {
    let merges = [("a", "b"), ("#version", "#"), ("#", "#")];
    let [first, arrays, txt] = with_merges(&merges);
    let pairs = merges.map(|(a, b)| (a.to_owned(), b.to_owned()));
    assert_eq!(first.merges.as_deref(), Some(&pairs[..]));
    for same in [arrays, txt] {
        assert!(same == first && same.hash() == first.hash() && same.difference(&first).is_none());
    }
}

#[test]
fn merges_count_where_both_have_them() {
    let none = vocab(&json!({"a": 0, "b": 1}));
    let [first, ..] = with_merges(&[("a", "b"), ("b", "a")]);
    assert!(none == first);
    assert!(first == none);
    assert_ne!(none.hash(), first.hash());
    let lists: [&[(&str, &str)]; 3] = [&[("b", "a"), ("a", "b")], &[("a", "b")], &[]];
    for other in lists {
        let [other, ..] = with_merges(other);
        assert!(other != first && other.hash() != first.hash());
    }
}

#[test]
fn the_first_difference_is_named() {
    let difference = |one, other| vocab(&one).difference(&vocab(&other)).unwrap();
    let says = difference(json!({"a": 0, "b": 1, "c": 3}), json!({"a": 0, "b": 2, "c": 4}));
    assert_eq!(says, r#"token "b" has id 1 in the one and has id 2 in the other"#);
    let says = difference(json!({"a": 0, "c": 3}), json!({"a": 0, "b": 2, "c": 4}));
    assert_eq!(says, r#"token "b" is not in the one and has id 2 in the other"#);
    let says = difference(json!({"a": 0, "c": 3}), json!({"a": 0}));
    assert_eq!(says, r#"token "c" has id 3 in the one and is not in the other"#);
    let [[one, ..], [other, ..], [short, ..]] =
        [&[("a", "b"), ("b", "b")][..], &[("a", "b"), ("b", "a")], &[("a", "b")]].map(with_merges);
    assert_eq!(one.difference(&other).unwrap(), "merge 1 is `b b` in the one and `b a` in the other");
    assert_eq!(short.difference(&one).unwrap(), "merge 1 is missing in the one and `b b` in the other");
    assert!(one.difference(&one).is_none());
}

#[test]
fn merges_that_are_no_pairs_are_refused() {
    for merges in
        [json!({}), json!(["ab"]), json!(["a b c"]), json!([" b"]), json!([["a"]]), json!([["a", 1]]), json!([7])]
    {
        let tokenizer = json!({"model": {"vocab": {"a": 0}, "merges": merges}}).to_string();
        let error = find(&[("tokenizer.json", &tokenizer)]).unwrap_err();
        assert!(matches!(error, Error::BadVocabulary { .. }), "{merges}: {error}");
    }
    let error = find(&[("vocab.json", "{}"), ("merges.txt", "#version: 0.2\na b\nab\n")]).unwrap_err();
    let says = error.to_string();
    assert!(says.contains("merges.txt") && says.contains("line 3"), "{says}");
    let error = find(&[("vocab.json", "{}"), ("merges.txt", "a b\n#version: 0.2\n\nab\n")]).unwrap_err();
    assert!(error.to_string().contains("line 4"), "a version elsewhere is a merge: {error}");
}

#[test]
fn both_files_of_the_fixture_tokenizer_agree() {
    let source = require_fixtures!().join("tokenizer");
    let tokenizer_json = Vocabulary::find(&source).unwrap().unwrap();
    let text = |name: &str| fs::read_to_string(source.join(name)).unwrap();
    let files = [("vocab.json", &*text("vocab.json")), ("merges.txt", &text("merges.txt"))];
    let vocab_json = find(&files).unwrap().unwrap();
    assert_eq!(tokenizer_json.difference(&vocab_json), None);
    assert_eq!(tokenizer_json.hash(), vocab_json.hash());
    assert_eq!(tokenizer_json.merges.as_ref().map(Vec::len), Some(1791));
    assert_eq!((tokenizer_json.newline(), tokenizer_json.ids.len()), (Some(198), 2048));
    assert_eq!(tokenizer_json.ids["<|endoftext|>"], 2047);
}

#[test]
fn tokens_tell_how_they_are_spelled() {
    let spelled = |vocabulary: &Vocabulary| -> Vec<(String, u32, bool)> {
        vocabulary.tokens().map(|(token, id, is_byte_level)| (token.to_owned(), id, is_byte_level)).collect()
    };
    let token = |token: &str, id, is_byte_level| (token.to_owned(), id, is_byte_level);
    assert_eq!(spelled(&vocab(&json!({"b": 0, "a": 1}))), [token("a", 1, true), token("b", 0, true)]);
    for (decoder, is_byte_level) in [("ByteLevel", true), ("Metaspace", false)] {
        let tokenizer = json!({
            "model": {"vocab": {"a": 0}}, "added_tokens": [{"id": 2, "content": "<s>"}], "decoder": {"type": decoder},
        });
        let found = find(&[("tokenizer.json", &tokenizer.to_string())]).unwrap().unwrap();
        assert_eq!(spelled(&found), [token("<s>", 2, false), token("a", 0, is_byte_level)]);
    }
}
