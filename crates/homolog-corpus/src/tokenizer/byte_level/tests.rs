use std::sync::LazyLock;

use homolog_test::require_fixtures;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use tokenizers::utils::SysRegex;

use super::merges::{token_bytes, visible};
use super::word_cache::{Word, WordCache};
use super::{ByteLevelBpe, LONGEST_WORD, WordTooLong, Words};
use crate::test_tokenizer::{tokenizer_json, write, write_bytes, write_pairs};
use crate::tokenizer::Tokenizer;

/// What `tokenizers` matches with.
static WORDS: LazyLock<SysRegex> = LazyLock::new(|| {
    SysRegex::new(r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+").expect("a regex")
});

fn open(json: &Value) -> Tokenizer {
    let folder = tempfile::tempdir().expect("a temporary folder");
    Tokenizer::open(&write(folder.path(), json)).expect("a tokenizer")
}

fn pairs() -> Tokenizer {
    let folder = tempfile::tempdir().expect("a temporary folder");
    Tokenizer::open(&write_pairs(folder.path())).expect("our own tokenizer")
}

fn ours(tokenizer: &Tokenizer) -> &ByteLevelBpe {
    tokenizer.byte_level.as_ref().expect("a tokenizer like GPT-2's")
}

fn words(text: &str) -> Vec<&str> {
    Words::new(text).map(|word| &text[word]).collect()
}

#[track_caller]
fn assert_same_words(text: &str) {
    let theirs: Vec<_> = WORDS.find_iter(text).map(|(start, end)| &text[start..end]).collect();
    assert_eq!(words(text), theirs, "{text:?}");
}

#[track_caller]
fn assert_same_ids(tokenizer: &Tokenizer, text: &str) {
    let theirs = tokenizer.encode_by_library(text, &tokenizer.path).expect("ids");
    assert!(ours(tokenizer).encode(text) == Ok(theirs), "{text:?}");
}

/// Whitespace of every kind, contractions, numbers, letters and marks of many scripts, and parts of an added token.
fn texts() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        4 => "[ab1s']{1,6}",
        2 => "[ \n\t\r]{1,5}",
        2 => Just(" ".to_string()),
        2 => "'(s|t|re|ve|m|ll|d|S|r|v|l|)[a ]?",
        2 => "[\u{a0}\u{85}\u{1c}\u{1680}\u{180e}\u{2003}\u{2028}\u{200b}\u{202f}\u{3000}\u{feff}\u{b}\u{c}]{1,3}",
        2 => "(\\p{L}|\\p{M}|\\p{N}| ){1,8}",
        1 => "(\\p{Nl}|\\p{No}|\\p{Lm}|\\p{Lo}|\\p{Mn}|\\p{Cf}|\\p{Cc}|\\p{Co}|\\p{S}){1,4}",
        1 => "[\u{4e00}-\u{4e20}\u{3041}-\u{3060}\u{e01}-\u{e3f}\u{627}-\u{652}\u{905}-\u{94d}]{1,40}",
        1 => prop::sample::select(vec![
            "<|endoftext|>", " <|endoftext|> ", "a<|endoftext|>b", "<|endof", "text|> ", "<|endoftext|", "<<|endoftext|>>",
            "\r\n", " \r\n\r\n", "\u{1f469}\u{200d}\u{1f469}\u{200d}\u{1f466}", "\u{1f44d}\u{1f3fd}", "e\u{301}\u{300}",
            "\u{216b}", "\u{bd}", "\u{663}", "\u{1d7ce}", "I'm", "don't", " they'll've", "\0", "\u{7f}", "...", "=====",
        ])
        .prop_map(str::to_string),
        1 => (any::<char>(), 1_usize..60).prop_map(|(c, n)| c.to_string().repeat(n)),
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(word, 0..40).prop_map(|words| words.concat())
}

fn config(cases: u32) -> Config {
    Config { failure_persistence: None, cases, ..Config::default() }
}

fn check_ids(tokenizer: &Tokenizer, cases: u32) {
    let law = |text: String| {
        assert_same_words(&text.replace("<|endoftext|>", ""));
        assert_same_ids(tokenizer, &text);
        Ok(())
    };
    TestRunner::new(config(cases)).run(&texts(), law).expect("the same words and ids");
}

#[test]
fn words_are_gpt2s() {
    assert_eq!(words("it's  a\n\n test!"), ["it", "'s", " ", " a", "\n\n", " test", "!"]);
    assert_eq!(words("\u{a0}\u{a0}x  "), ["\u{a0}", "\u{a0}", "x", "  "]);
    assert_eq!(words("''s 's12a"), ["''", "s", " '", "s", "12", "a"]);
    // Where char::is_alphabetic and char::is_numeric would lead astray: a letter number, and a mark.
    assert_eq!(words("x\u{2167}\u{bd}a\u{345}b"), ["x", "\u{2167}\u{bd}", "a", "\u{345}", "b"]);
    assert_eq!(words(""), [""; 0]);
}

/// Alone and beside letters, spaces and itself; together in one text, which shows every wrong class.
#[test]
fn every_character_is_of_the_class_that_the_engine_knows() {
    let mut text = String::new();
    for c in '\0'..=char::MAX {
        text.extend([' ', c, 'a', c, ' ', 'a', c, c, '\n']);
        if text.len() > 1 << 16 || c == char::MAX {
            assert_same_words(&text);
            text.clear();
        }
    }
}

#[test]
fn every_character_has_its_ids() {
    let tokenizer = pairs();
    for c in ('\0'..=char::MAX).step_by(211).chain('\0'..='\u{250}') {
        for text in [format!("{c}"), format!("{c}a"), format!("a{c}"), format!("{c} "), format!(" {c}")] {
            assert_same_ids(&tokenizer, &text);
        }
    }
}

#[test]
fn ids_of_the_test_tokenizer() {
    check_ids(&pairs(), 200);
}

#[test]
fn ids_of_a_trained_tokenizer() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut runner = TestRunner::deterministic();
    let mut text = || texts().new_tree(&mut runner).expect("a text").current();
    let lines: Vec<_> = (0..300).map(|_| json!({"text": text()}).to_string()).collect();
    let file = crate::test_files::write(folder.path(), "a.jsonl", lines.join("\n"));
    let trained = crate::train_tokenizer(&[file], "text", 600, &|_| true).expect("a tokenizer");
    let path = crate::test_files::write(folder.path(), "tokenizer.json", trained);
    check_ids(&Tokenizer::open(&path).expect("a tokenizer"), 200);
}

#[test]
fn ids_of_the_fixtures_tokenizer() {
    let tokenizer = Tokenizer::open(&require_fixtures!().join("tokenizer")).expect("the fixtures' tokenizer");
    check_ids(&tokenizer, 200);
}

/// Merges of any tokens in any order: of tokens that come later, of the same string in several ways, the same pair twice.
fn any_merges() -> impl Strategy<Value = Value> {
    let picks = prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..40);
    (picks, any::<prop::sample::Index>()).prop_map(|(picks, turn)| {
        let mut tokens: Vec<String> = [b'a', b'b', b'c', b' '].map(|byte| visible(byte).to_string()).to_vec();
        let mut json = tokenizer_json(&[]);
        let mut merges = Vec::new();
        for (left, right) in picks {
            let (left, right) = (left.get(&tokens).clone(), right.get(&tokens).clone());
            let merged = format!("{left}{right}");
            merges.push(json!([left, right]));
            if !tokens.contains(&merged) {
                json["model"]["vocab"][&merged] = (256 + tokens.len()).into();
                tokens.push(merged);
            }
        }
        let at = turn.index(merges.len());
        merges.rotate_left(at);
        json["model"]["merges"] = merges.into();
        json
    })
}

#[test]
fn ids_of_any_merges() {
    let words = prop::collection::vec("( ?[abc]{1,8}|[ab]{30,70}|(ab|abc|ca){20,90}|a{40,200})", 1..8);
    let law = |(json, words): (Value, Vec<String>)| {
        assert_same_ids(&open(&json), &words.concat());
        assert_same_ids(&open(&json), &words.join(" "));
        Ok(())
    };
    TestRunner::new(config(300)).run(&(any_merges(), words), law).expect("the same ids");
}

#[test]
fn ids_of_added_tokens() {
    let added = |contents: &[(&str, bool)]| {
        let mut json = tokenizer_json(&[(b'a', b'b'), (b' ', b'a')]);
        let tokens = contents.iter().zip(300..).map(|(&(content, normalized), id)| {
            json!({"id": id, "content": content, "normalized": normalized, "special": !normalized,
                "single_word": false, "lstrip": false, "rstrip": false})
        });
        json["added_tokens"].as_array_mut().expect("a list").extend(tokens);
        open(&json)
    };
    let sets: [&[(&str, bool)]; 4] = [
        &[("<a>", false), ("<a><b>", false), ("><", false), ("b><a>", false)],
        &[("<a>", true), ("<a><b>", false), ("><", true), ("a b", true), (" ", false)],
        &[("a", true), ("ab", true), ("bb", false), ("\u{e9}", false), ("'", true)],
        &[("aaa", false), ("aa", true), ("a", true)],
    ];
    let tokenizers = sets.map(added);
    let law = |text: String| {
        for tokenizer in &tokenizers {
            assert_same_ids(tokenizer, &text);
        }
        Ok(())
    };
    let texts = "(<a>|<b>|<|>|a|b|ab| |\u{e9}|'s|<\\|endoftext\\|>){0,12}";
    TestRunner::new(config(300)).run(&texts, law).expect("the same ids");
    // A word ends at an added token, whatever it would be without.
    assert_eq!(tokenizers[2].encode("xbb  bby").expect("ids")[..2], [120, 259]);
}

#[test]
fn what_is_not_gpt2s_is_left_to_the_library() {
    let plain = tokenizer_json(&[(b'a', b'b'), (b' ', b'a')]);
    let changed = |pointer: &str, value: Value| {
        let mut json = plain.clone();
        *json.pointer_mut(pointer).expect("a key of tokenizer.json") = value;
        let tokenizer = open(&json);
        tokenizer.encode("ab a's \u{e9}").expect("ids");
        tokenizer.byte_level.is_some()
    };
    for (pointer, value, is_ours) in [
        ("/normalizer", json!({"type": "NFC"}), false),
        ("/pre_tokenizer/add_prefix_space", json!(true), false),
        ("/pre_tokenizer/use_regex", json!(false), false),
        ("/pre_tokenizer", Value::Null, false),
        ("/added_tokens/0/lstrip", json!(true), false),
        ("/added_tokens/0/rstrip", json!(true), false),
        ("/added_tokens/0/single_word", json!(true), false),
        ("/added_tokens/0/content", json!("end of text"), true),
        ("/model/ignore_merges", json!(true), false),
        ("/model/continuing_subword_prefix", json!(""), true),
        ("/model/end_of_word_suffix", json!("</w>"), false),
        ("/model/dropout", json!(0.0), true),
        ("/model/byte_fallback", json!(true), true),
        ("/model/unk_token", json!("a"), true),
        // One id for two tokens; ids too far apart to be counted.
        ("/model/vocab/a", json!(98), false),
        ("/model/vocab/<|endoftext|>", json!(4_000_000_000_u32), false),
    ] {
        assert_eq!(changed(pointer, value.clone()), is_ours, "{pointer} {value}");
    }
    let mut without_byte = plain.clone();
    without_byte["model"]["vocab"].as_object_mut().expect("an object").remove("\u{e9}");
    assert!(open(&without_byte).byte_level.is_none());
}

#[test]
fn a_long_word_is_merged_in_time_and_a_longer_one_refused() {
    let tokenizer = pairs();
    let encode = |text: &str| ours(&tokenizer).encode(text);
    let n = 200_001;
    let (word, pair) = ("a".repeat(n), encode("aa").expect("ids")[0]);
    let ids = encode(&word).expect("ids");
    assert_eq!(ids.len(), n / 2 + 1);
    assert!(ids[..n / 2].iter().all(|&id| id == pair) && ids[n / 2] == u32::from(b'a'));
    assert_eq!(encode(&" ".repeat(LONGEST_WORD + 1)), Err(WordTooLong));
    assert_eq!(encode("a b").map(|ids| ids.len()), Ok(2), "a text behind the error");
}

#[test]
fn threads_give_the_same_ids() {
    let tokenizer = pairs();
    let text = "ab 's a1b ab.\u{a0}b's <|endoftext|>bab ".repeat(50);
    let whole = ours(&tokenizer).encode(&text);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| ours(&tokenizer).encode(&text))).collect();
        for thread in threads {
            assert_eq!(thread.join().expect("no panic"), whole);
        }
    });
}

#[test]
fn a_cached_word_is_found_until_another_takes_its_place() {
    let text = (0..40_000).map(|number| number.to_string()).collect::<Vec<_>>().join(" ");
    let mut cache = WordCache::default();
    let mut n_lost = 0;
    let numbers: Vec<_> =
        Words::new(&text).filter_map(|word| Some((word.clone(), Word::new(text.as_bytes(), word)?))).collect();
    for (at, (range, word)) in numbers.iter().enumerate() {
        assert!(!cache.push_ids(word, &mut Vec::new()), "{:?} is new", &text[range.clone()]);
        cache.insert(word, &[at as u32, 7]);
        let mut ids = Vec::new();
        assert!(cache.push_ids(word, &mut ids));
        assert_eq!(ids, [at as u32, 7]);
    }
    for (at, (_, word)) in numbers.iter().enumerate() {
        let mut ids = Vec::new();
        n_lost += usize::from(!cache.push_ids(word, &mut ids));
        assert!(ids.is_empty() || ids == [at as u32, 7]);
    }
    assert!(n_lost > 0, "more words than places");
    cache.insert(&numbers[0].1, &[0; 10]);
}

#[test]
fn a_word_is_the_same_wherever_it_stands() {
    let text = "abcdefghijklmnopqrstuvwxyz".repeat(2);
    for n in 1..=24 {
        let words = [0, 26].map(|start| Word::new(text.as_bytes(), start..start + n));
        let at_end = Word::new(&text.as_bytes()[..n], 0..n);
        assert_eq!(words, [at_end, at_end]);
        assert_eq!(at_end.is_some(), n < 24);
        let other = Word::new(text.as_bytes(), 1..n + 1);
        assert!(at_end.is_none() || other != at_end);
    }
    assert_ne!(Word::new(b"a\0", 0..1), Word::new(b"a\0", 0..2));
}

#[test]
fn bytes_without_merges_are_their_own_ids() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let tokenizer = Tokenizer::open(&write_bytes(folder.path())).expect("our own tokenizer");
    let text = "a\u{e9}\u{1f600} \n";
    assert_eq!(ours(&tokenizer).encode(text), Ok(text.bytes().map(u32::from).collect()));
}

#[test]
fn a_token_is_its_bytes_and_what_stands_for_none_is_no_token() {
    let bytes: Vec<u8> = (0..=255).collect();
    let token: String = bytes.iter().map(|&byte| visible(byte)).collect();
    assert_eq!(token_bytes(&token), Some(bytes));
    assert_eq!(token_bytes("\u{120}a\u{10a}"), Some(b" a\n".to_vec()));
    for none in [" a", "\n", "\u{ad}", "\u{144}", "a\u{65e5}"] {
        assert_eq!(token_bytes(none), None, "{none:?}");
    }
}
