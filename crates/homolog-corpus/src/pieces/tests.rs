use homolog_test::require_fixtures;
use proptest::prelude::*;
use proptest::strategy::ValueTree;

use super::cut;
use crate::Tokenizer;
use crate::test_tokenizer::write_pairs;

#[test]
fn cuts_before_a_space_behind_a_word() {
    assert_eq!(cut("one two three", 1), ["one", " two", " three"]);
    assert_eq!(cut("one two three", 4), ["one two", " three"]);
    assert_eq!(cut("one  two\n\nthree.\nfour", 1), ["one", "  two", "\n\nthree.", "\nfour"]);
    assert_eq!(cut("", 1), [""]);
    assert_eq!(cut("onetwo", 1), ["onetwo"]);
}

#[test]
fn does_not_cut_where_whitespace_is_doubtful() {
    for before in ['\t', '\u{a0}', '\u{85}', '\u{1c}', '\u{180e}', '\u{200b}', '\u{3000}', '\u{feff}'] {
        let text = format!("{before} ");
        assert_eq!(cut(&text, 1), [&text]);
    }
    assert_eq!(cut("one\ttwo", 1), ["one\ttwo"]);
}

/// Whitespace of every kind, contractions, digits, letters of other scripts, punctuation, the special token and parts of it.
fn texts() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        4 => "[ab1s']{1,6}",
        2 => "[ \n\t\r]{1,5}",
        2 => Just(" ".to_string()),
        1 => "[\u{a0}\u{85}\u{1c}\u{1680}\u{180e}\u{2003}\u{2028}\u{200b}\u{3000}\u{feff}\u{b}\u{c}]{1,3}",
        1 => prop::sample::select(vec![
            "'s", "'t", "'re", " 've", "'ll ", "<|endoftext|>", " <|endoftext|> ", "<|endof", "text|> ", "。", "é", "日本 ", "٣", "½ ",
            "\u{301}", "\u{1f600} ", "...", " \n", "a\u{200d} ",
        ])
        .prop_map(str::to_string),
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(word, 0..40).prop_map(|words| words.concat())
}

fn ids_of_pieces(tokenizer: &Tokenizer, text: &str, piece_bytes: usize) -> Vec<u32> {
    let pieces = cut(text, piece_bytes);
    assert_eq!(pieces.concat(), text);
    pieces.iter().flat_map(|piece| tokenizer.encode(piece).expect("any text is tokenised")).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn pieces_give_the_ids_of_the_whole(texts in prop::collection::vec(texts(), 8), piece_bytes in 1_usize..12) {
        thread_local! {
            static PAIRS: Tokenizer = {
                let folder = tempfile::tempdir().expect("a temporary folder");
                Tokenizer::open(&write_pairs(folder.path())).expect("our own tokenizer")
            };
        }
        for text in texts {
            let (whole, pieces) =
                PAIRS.with(|tokenizer| (tokenizer.encode(&text).expect("text"), ids_of_pieces(tokenizer, &text, piece_bytes)));
            prop_assert_eq!(whole, pieces, "{:?}", text);
        }
    }
}

#[test]
fn a_cut_inside_a_word_or_whitespace_would_show() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let tokenizer = Tokenizer::open(&write_pairs(folder.path())).expect("our own tokenizer");
    for (left, right) in [("a", "b"), (" ", "a"), (" ", " "), ("'", "s")] {
        let whole = tokenizer.encode(&format!("{left}{right}")).expect("text");
        let parts = [left, right].map(|part| tokenizer.encode(part).expect("text")).concat();
        assert_ne!(whole, parts, "{left:?} {right:?}");
    }
}

#[test]
fn pieces_of_the_fixtures_tokenizer() {
    let tokenizer = Tokenizer::open(&require_fixtures!().join("tokenizer")).expect("the fixtures' tokenizer");
    assert!(tokenizer.is_cuttable());
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for _ in 0..300 {
        let text = texts().new_tree(&mut runner).expect("a text").current();
        assert_eq!(ids_of_pieces(&tokenizer, &text, 3), tokenizer.encode(&text).expect("text"), "{text:?}");
    }
}
