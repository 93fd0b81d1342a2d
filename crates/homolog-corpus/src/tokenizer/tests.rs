use std::fs;
use std::path::Path;

use homolog_test::require_fixtures;
use serde_json::{Value, json};

use super::{LONGEST_WORD, MOST_WHITESPACE, Tokenizer, byte_level, has_longer_run};
use crate::Error;
use crate::test_tokenizer::{EOT, tokenizer_json, visible, write, write_bytes, write_pairs};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn open(json: &Value) -> Result<Tokenizer, Error> {
    let folder = folder();
    write(folder.path(), json);
    Tokenizer::open(folder.path())
}

fn message(result: Result<impl std::fmt::Debug, Error>) -> String {
    result.expect_err("an error is expected").to_string()
}

/// `vocab.json` and `merges.txt` of the tokenizer with pairs, as before tokenizer.json.
fn write_pair_of_files(folder: &Path) {
    let json = tokenizer_json(&[(b'a', b'b'), (b' ', b'a')]);
    fs::write(folder.join("vocab.json"), json["model"]["vocab"].to_string()).expect("written");
    let merges = format!("#version: 0.2\na b\n{} a\n", visible(b' '));
    fs::write(folder.join("merges.txt"), merges).expect("written");
}

#[test]
fn a_folder_and_its_file_are_the_same_tokenizer() {
    let folder = folder();
    let file = Tokenizer::open(&write_bytes(folder.path())).expect("a tokenizer");
    let of_folder = Tokenizer::open(folder.path()).expect("a tokenizer");
    assert_eq!(file.hash(), of_folder.hash());
    assert_eq!((file.d_vocab(), file.end_of_text(), file.newline()), (257, Some(EOT), Some(10)));
    assert_eq!(file.encode("aé<|endoftext|>\n").expect("text"), [97, 0xc3, 0xa9, EOT, 10]);
    assert_eq!(file.encode("").expect("text"), [0; 0]);
    assert!(file.is_cuttable());
}

#[test]
fn the_hash_is_of_the_contents() {
    let (first, second) = (folder(), folder());
    let hash = Tokenizer::open(&write_bytes(first.path())).expect("a tokenizer").hash().to_string();
    assert_eq!(Tokenizer::open(&write_bytes(second.path())).expect("a tokenizer").hash(), hash);
    assert_ne!(Tokenizer::open(&write_pairs(second.path())).expect("a tokenizer").hash(), hash);
}

#[test]
fn two_files_do_as_one() {
    let pair = folder();
    write_pair_of_files(pair.path());
    let pair = Tokenizer::open(pair.path()).expect("a tokenizer");
    let json = open(&tokenizer_json(&[(b'a', b'b'), (b' ', b'a')])).expect("a tokenizer");
    for text in ["ab ab", " a", "x<|endoftext|>ab", "\n\n  ab's", ""] {
        assert_eq!(pair.encode(text).expect("text"), json.encode(text).expect("text"), "{text:?}");
    }
    assert_eq!((pair.d_vocab(), pair.end_of_text(), pair.newline()), (259, Some(EOT), Some(10)));
    assert!(pair.is_cuttable());
}

#[test]
fn two_files_with_added_tokens() {
    let pair = folder();
    write_pair_of_files(pair.path());
    let plain = Tokenizer::open(pair.path()).expect("a tokenizer").hash().to_string();
    fs::write(pair.path().join("added_tokens.json"), r#"{"<two>": 260, "<one>": 259}"#).expect("written");
    let special = r#"{"bos_token": "<|endoftext|>", "pad_token": {"content": "<pad>", "lstrip": true}}"#;
    fs::write(pair.path().join("special_tokens_map.json"), special).expect("written");
    let added = Tokenizer::open(pair.path()).expect("a tokenizer");
    assert_eq!(added.encode("x<one><two> <pad><|endoftext|>").expect("text"), [120, 259, 260, 261, EOT]);
    assert_eq!(added.d_vocab(), 262);
    assert_ne!(added.hash(), plain);
    assert!(!added.is_cuttable(), "a token that takes in the space before it");

    fs::write(pair.path().join("added_tokens.json"), r#"{"<two>": 270}"#).expect("written");
    assert!(message(Tokenizer::open(pair.path())).contains("the added token `<two>` says id 270"));
}

#[test]
fn only_gpt2_like_tokenizers_are_cut() {
    let plain = tokenizer_json(&[]);
    assert!(open(&plain).expect("a tokenizer").is_cuttable());
    let mut changed = Vec::new();
    for (pointer, value) in [
        ("/normalizer", json!({"type": "NFC"})),
        ("/pre_tokenizer/add_prefix_space", json!(true)),
        ("/pre_tokenizer/use_regex", json!(false)),
        ("/pre_tokenizer", json!({"type": "Whitespace"})),
        ("/added_tokens/0/lstrip", json!(true)),
        ("/added_tokens/0/rstrip", json!(true)),
        ("/added_tokens/0/single_word", json!(true)),
        ("/added_tokens/0/content", json!("end of text")),
    ] {
        let mut json = plain.clone();
        *json.pointer_mut(pointer).expect("a key of tokenizer.json") = value;
        changed.push((pointer, open(&json).expect("a tokenizer").is_cuttable()));
    }
    assert!(changed.iter().all(|(_, is_cuttable)| !is_cuttable), "{changed:?}");
}

#[test]
fn truncation_and_padding_do_not_apply() {
    let mut json = tokenizer_json(&[]);
    json["truncation"] = json!({"direction": "Right", "max_length": 2, "strategy": "LongestFirst", "stride": 0});
    json["padding"] = json!({
        "strategy": {"Fixed": 9}, "direction": "Right", "pad_to_multiple_of": null, "pad_id": 0, "pad_type_id": 0,
        "pad_token": "!"
    });
    assert_eq!(open(&json).expect("a tokenizer").encode("abcd").expect("text"), [97, 98, 99, 100]);
}

/// Those of RoBERTa stand around each text even where none are asked for, those of a template around and between.
#[test]
fn ids_of_a_post_processor_are_left_out_and_kept_in_the_file() {
    let mut json = tokenizer_json(&[]);
    json["post_processor"] = json!({
        "type": "RobertaProcessing", "sep": ["<|endoftext|>", EOT], "cls": ["<|endoftext|>", EOT],
        "trim_offsets": true, "add_prefix_space": false
    });
    for ignore_merges in [false, true] {
        json["model"]["ignore_merges"] = json!(ignore_merges);
        let tokenizer = open(&json).expect("a tokenizer");
        assert_eq!(tokenizer.encode("ab").expect("text"), [97, 98]);
        let written: Value = serde_json::from_slice(&tokenizer.to_json().expect("JSON")).expect("JSON");
        assert_eq!(written["post_processor"], json["post_processor"]);
    }
}

#[test]
fn unusable_tokenizers_are_errors_that_name_the_file() {
    let empty = folder();
    assert!(
        message(Tokenizer::open(empty.path())).contains("holds no tokenizer: neither tokenizer.json nor vocab.json")
    );
    assert!(message(Tokenizer::open(&empty.path().join("nowhere"))).contains("nowhere"));
    fs::write(empty.path().join("tokenizer.json"), "{}").expect("written");
    assert!(message(Tokenizer::open(empty.path())).contains("tokenizer.json is not a usable tokenizer"));
    let mut random = tokenizer_json(&[]);
    random["model"]["dropout"] = json!(0.1);
    assert!(message(open(&random)).contains("drops merges at random"));

    let prefix = folder();
    write_bytes(prefix.path());
    fs::write(prefix.path().join("tokenizer_config.json"), r#"{"add_prefix_space": true}"#).expect("written");
    assert!(message(Tokenizer::open(prefix.path())).contains("it says add_prefix_space = true, but "));
    Tokenizer::open(&prefix.path().join("tokenizer.json")).expect("the file itself is taken as it is");
}

#[test]
fn long_runs_are_refused() {
    let mut by_library = tokenizer_json(&[]);
    by_library["model"]["ignore_merges"] = json!(true);
    let tokenizer = open(&by_library).expect("a tokenizer");
    let error = message(tokenizer.encode(&format!("begin{}end", " ".repeat(MOST_WHITESPACE + 1))));
    assert!(
        error.contains("the document that begins \"begin") && error.contains("whitespace characters in a row"),
        "{error}"
    );
    let word = message(tokenizer.encode(&"a".repeat(LONGEST_WORD + 1)));
    assert!(word.contains("letters and digits in a row"), "{word}");
    let bytes = open(&tokenizer_json(&[])).expect("a tokenizer");
    let longer = "=".repeat(byte_level::LONGEST_WORD + 1);
    assert_eq!(bytes.encode(&longer[..=LONGEST_WORD]).expect("no limit of the library").len(), LONGEST_WORD + 1);
    let word = message(bytes.encode(&longer));
    assert!(word.contains("more than 16777216 bytes of one word in a row"), "{word}");
    let is_longer = |text: &str, limit| has_longer_run(text, limit, char::is_whitespace);
    assert!(is_longer(" a\u{3000}\u{3000}b", 1));
    assert!(!is_longer(" a\u{3000}\u{3000}b", 2));
    assert!(!is_longer("a\u{3000}b ", 1), "characters count, not bytes");
}

#[test]
fn the_longest_whitespace_let_through_is_tokenised_right() {
    let folder = folder();
    let tokenizer = Tokenizer::open(&write_pairs(folder.path())).expect("a tokenizer");
    let text = format!("{}a b", " ".repeat(MOST_WHITESPACE));
    let ids = tokenizer.encode_by_library(&text, folder.path()).expect("text");
    assert_eq!(tokenizer.encode(&text).expect("text"), ids);
    // One space before the word is the word's, so that the rest is an odd number: pairs, and one alone.
    assert_eq!(ids.len(), MOST_WHITESPACE / 2 + 2);
    assert_eq!(tokenizer.encode("   a b").expect("text")[1..], ids[ids.len() - 2..]);
}

#[test]
fn both_files_of_the_fixtures_agree() {
    let fixtures = require_fixtures!().join("tokenizer");
    let json = Tokenizer::open(&fixtures).expect("tokenizer.json");
    let folder = folder();
    for name in ["vocab.json", "merges.txt"] {
        fs::copy(fixtures.join(name), folder.path().join(name)).expect("copied");
    }
    let pair = Tokenizer::open(folder.path()).expect("vocab.json and merges.txt");
    assert_eq!((json.d_vocab(), json.end_of_text(), json.newline()), (2048, Some(2047), Some(198)));
    assert_eq!((pair.d_vocab(), pair.end_of_text(), pair.newline()), (2048, Some(2047), Some(198)));
    for text in [
        "In the beginning God created the heaven",
        "it's 1234, we'll  see\n\n",
        "naïve 日本語\u{a0}\r\n",
        "a<|endoftext|> b",
        "\u{feff}x",
    ] {
        assert_eq!(json.encode(text).expect("text"), pair.encode(text).expect("text"), "{text:?}");
    }
}

/// Found by fuzzing: tokenizers 0.23 panics at what is no JSON inside a decoder, and at a normalizer that it knows by name only.
#[test]
fn what_makes_the_library_panic_is_an_error() {
    let folder = folder();
    let sound = tokenizer_json(&[]).to_string();
    let cut = sound.find("\"decoder\":{\"type\":").expect("there is a decoder") + "\"decoder\":{\"type\"".len();
    fs::write(folder.path().join("tokenizer.json"), &sound[..cut]).expect("written");
    assert!(message(Tokenizer::open(folder.path())).contains("is not a usable tokenizer"));
    let mut json = tokenizer_json(&[]);
    json["normalizer"] = json!({"type": "Precompiled", "precompiled_charsmap": 1});
    assert!(message(open(&json)).contains("is not a usable tokenizer"));
}
