//! Text to words, by GPT-2's pre-tokenizer written out:
//!
//! `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
//!
//! The first alternative that fits is taken. Each character has one class, so every position has a word.

use std::ops::Range;

use super::classes::{Class, Classes};

/// The words of a text, in order and without gaps.
pub(super) struct Words<'a> {
    text: &'a str,
    at: usize,
    classes: Classes,
}

impl<'a> Words<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0, classes: Classes::new() }
    }

    /// The end of the word that begins at `at`, which is no end of the text.
    fn end(&self, at: usize) -> usize {
        let bytes = self.text.as_bytes();
        if bytes[at] == b'\''
            && let Some(n_letters) = contraction(&bytes[at + 1..])
        {
            return at + 1 + n_letters;
        }
        let (class, n_bytes) = self.classes.at(self.text, at);
        let next = at + n_bytes;
        if class != Class::Space {
            return self.end_of_run(next, class);
        }
        if bytes[at] == b' ' && next < bytes.len() {
            let (class, n_bytes) = self.classes.at(self.text, next);
            if class != Class::Space {
                return self.end_of_run(next + n_bytes, class);
            }
        }
        self.end_of_space(at, next)
    }

    /// Where characters of `class` end, from `at` on.
    fn end_of_run(&self, mut at: usize, class: Class) -> usize {
        while at < self.text.len() {
            let (other, n_bytes) = self.classes.at(self.text, at);
            if other != class {
                break;
            }
            at += n_bytes;
        }
        at
    }

    /// `\s+(?!\S)|\s+`: all whitespace, but for its last character if more than this one stand before something else. `next` is the end of
    /// the first character.
    fn end_of_space(&self, start: usize, next: usize) -> usize {
        let (mut last, mut at) = (start, next);
        while at < self.text.len() {
            let (class, n_bytes) = self.classes.at(self.text, at);
            if class != Class::Space {
                return if last > start { last } else { at };
            }
            (last, at) = (at, at + n_bytes);
        }
        at
    }
}

impl Iterator for Words<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        if self.at == self.text.len() {
            return None;
        }
        let start = self.at;
        self.at = self.end(start);
        Some(start..self.at)
    }
}

/// How many letters behind an apostrophe make a contraction with it.
fn contraction(letters: &[u8]) -> Option<usize> {
    match letters {
        [b's' | b't' | b'm' | b'd', ..] => Some(1),
        [b'r' | b'v', b'e', ..] | [b'l', b'l', ..] => Some(2),
        _ => None,
    }
}
