#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::*;

fn rows_of(name: &str, json: &Value, ids: &[u32]) -> Vec<(u32, String, bool, u64)> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(name), json.to_string()).unwrap();
    let vocabulary = Vocabulary::find(folder.path()).unwrap().unwrap();
    let tokens = Tokens::new(Path::new("tokens"), ids.to_vec(), 2).unwrap();
    let rows = rows(&vocabulary, &tokens);
    rows.into_iter().map(|row| (row.token, row.text, row.is_utf8, row.count)).collect()
}

fn row(token: u32, text: &str, is_utf8: bool, count: u64) -> (u32, String, bool, u64) {
    (token, text.to_owned(), is_utf8, count)
}

#[test]
fn bytes_that_are_no_utf8_are_told_apart() {
    let cases: [(&[u8], &str, bool); 8] = [
        (b"", "", true),
        (" the".as_bytes(), " the", true),
        ("\u{65e5}\u{672c}".as_bytes(), "\u{65e5}\u{672c}", true),
        (b"\xe2", "\\xE2", false),
        (b"a\xe6\x97z", "a\\xE6\\x97z", false),
        (b"\x97\xa5\x0a", "\\x97\\xA5\n", false),
        // What looks like such a byte in the text itself is the text, and UTF-8.
        (b"\\xE2\\", "\\xE2\\", true),
        (b"\\\xff\x00", "\\\\xFF\0", false),
    ];
    for (bytes, expected, is_utf8) in cases {
        assert_eq!(text(bytes), (expected.to_owned(), is_utf8), "{bytes:x?}");
    }
}

/// U+0120 is a space, U+010A a newline, U+00E6 U+0139 U+00A5 the three bytes of one character.
#[test]
fn byte_level_tokens_are_decoded_and_counted() {
    let vocab = json!({"a": 0, "\u{120}the": 1, "\u{10a}": 2, "\u{e6}\u{139}\u{a5}": 3, "\u{e6}\u{139}": 4, "\u{a5}": 5,
        "<|endoftext|>": 9, "\u{65e5}": 7, "\\": 8});
    let rows = rows_of("vocab.json", &vocab, &[1, 1, 9, 4, 5, 1, 6, 6]);
    let wanted = [
        row(0, "a", true, 0),
        row(1, " the", true, 3),
        row(2, "\n", true, 0),
        row(3, "\u{65e5}", true, 0),
        row(4, "\\xE6\\x97", false, 1),
        row(5, "\\xA5", false, 1),
        // No character of this stands for a byte, so that it is its own text; and of 6 nothing is known.
        row(7, "\u{65e5}", true, 0),
        row(8, "\\", true, 0),
        row(9, "<|endoftext|>", true, 1),
    ];
    assert_eq!(rows, wanted);
}

#[test]
fn tokens_are_bytes_only_where_the_tokenizer_says_so() {
    let with = |key: &str, part: Value| {
        let mut json = json!({
            "model": {"type": "BPE", "vocab": {"\u{120}a": 0}},
            "added_tokens": [{"id": 1, "content": "\u{120}b"}],
        });
        json[key] = part;
        rows_of("tokenizer.json", &json, &[0, 1])
    };
    // Added tokens are literal always.
    let [decoded, literal] = [" a", "\u{120}a"].map(|a| vec![row(0, a, true, 1), row(1, "\u{120}b", true, 1)]);
    assert_eq!(with("decoder", json!({"type": "ByteLevel"})), decoded);
    assert_eq!(with("pre_tokenizer", json!({"type": "ByteLevel", "use_regex": true})), decoded);
    let sequence = json!({"type": "Sequence", "pretokenizers": [{"type": "Split"}, {"type": "ByteLevel"}]});
    assert_eq!(with("pre_tokenizer", sequence), decoded);
    assert_eq!(with("decoder", json!({"type": "Sequence", "decoders": [{"type": "ByteLevel"}]})), decoded);
    for other in
        [json!(null), json!({"type": "WordPiece"}), json!({"type": "Sequence", "decoders": [{"type": "Fuse"}]})]
    {
        assert_eq!(with("decoder", other.clone()), literal, "{other}");
    }
}
