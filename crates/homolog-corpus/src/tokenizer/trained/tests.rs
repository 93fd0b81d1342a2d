use std::path::Path;

use super::*;
use crate::test_files::write;
use crate::{RowsSpec, Tokenizer, make_rows};

/// Text with enough different words for some hundred merges.
fn prose(n_words: usize) -> String {
    let syllable = |i: usize| ["ka", "lo", "mer", "tis", "ou", "brin", "s", "va"][i % 8];
    (0..n_words).flat_map(|i| [syllable(i), syllable(i * i / 3), syllable(i / 7), " "]).collect()
}

fn documents(folder: &Path) -> Vec<PathBuf> {
    (0..40).map(|i| write(folder, &format!("{i:02}.txt"), prose(50 + 7 * i))).collect()
}

#[test]
fn a_trained_tokenizer_opens_round_trips_and_ends_in_end_of_text() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = documents(folder.path());
    let json = train_tokenizer(&files, "text", 300, &|_| true).expect("a tokenizer");
    let path = write(folder.path(), "tokenizer.json", &json);
    let tokenizer = Tokenizer::open(&path).expect("it opens");
    assert_eq!((tokenizer.d_vocab(), tokenizer.end_of_text()), (300, Some(299)));
    assert!(tokenizer.newline().is_some() && tokenizer.is_cuttable());
    // Merged words of the corpus are shorter in tokens than in bytes; what it never saw still has ids.
    let text = prose(60);
    assert!(tokenizer.encode(&text).expect("ids").len() * 2 < text.len());
    assert_eq!(tokenizer.encode("\u{1F98A}").expect("ids").len(), 4);
    let spec = RowsSpec { context: 16, bos: true, tokens: None, held_out_tokens: Some(0), text_field: "text".into() };
    let rows = make_rows(&files, &tokenizer, &spec, &|_| true).expect("rows").rows;
    assert!(rows.iter().step_by(16).all(|&id| id == 299));
}

#[test]
fn the_same_text_gives_the_same_bytes_and_held_out_documents_are_not_seen() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut files = documents(folder.path());
    let first = train_tokenizer(&files, "text", 400, &|_| true).expect("a tokenizer");
    for _ in 0..3 {
        assert!(train_tokenizer(&files, "text", 400, &|_| true).expect("a tokenizer") == first);
    }
    // A document that counts changes the merges; one that is held out changes nothing.
    let text_of = |i: usize| format!("zyzzyva {i} ").repeat(500);
    let mut of_side = |is_held_out_side: bool| {
        let text = (0..1000).map(text_of).find(|text| is_held_out(text) == is_held_out_side).expect("one in twenty");
        files.push(write(folder.path(), &format!("z-{is_held_out_side}.txt"), text));
        train_tokenizer(&files, "text", 400, &|_| true).expect("a tokenizer")
    };
    assert!(of_side(true) == first);
    assert!(of_side(false) != first);
}

#[test]
fn poor_text_bad_text_and_an_interruption_are_errors() {
    let folder = tempfile::tempdir().expect("a folder");
    let poor = vec![write(folder.path(), "poor.txt", "aaaa bbbb")];
    let error = train_tokenizer(&poor, "text", 1000, &|_| true).expect_err("two words");
    assert!(matches!(error, Error::TooPoorText { d_vocab: 1000, found } if (257..300).contains(&found)), "{error}");
    let bad = vec![poor[0].clone(), write(folder.path(), "bad.txt", b"caf\xe9")];
    let error = train_tokenizer(&bad, "text", 260, &|_| true).expect_err("Latin-1");
    assert!(matches!(&error, Error::NotUtf8 { path, .. } if path.ends_with("bad.txt")), "{error}");
    let missing = vec![folder.path().join("none.txt")];
    assert!(matches!(train_tokenizer(&missing, "text", 260, &|_| true), Err(Error::Unreadable { .. })));
    assert!(matches!(train_tokenizer(&poor, "text", 260, &|_| false), Err(Error::Interrupted)));
}
