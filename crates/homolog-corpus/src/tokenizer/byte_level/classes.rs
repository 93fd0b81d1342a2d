//! The classes of characters that GPT-2's pre-tokenizer tells apart.

use std::sync::LazyLock;

use regex_syntax::hir::{Class as HirClass, HirKind};

/// What a character is to GPT-2's pre-tokenizer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// `\p{L}`. Not `char::is_alphabetic`, which also has letter numbers and marks.
    Letter,
    /// `\p{N}`
    Number,
    /// `\s`
    Space,
    /// `[^\s\p{L}\p{N}]`
    Other,
}

/// [0x110000], by code point. 1.1 MB, of which a text touches little.
///
/// From the tables of the regular-expression engine that `tokenizers` uses, so that both are of one version of Unicode.
static CLASSES: LazyLock<Box<[Class]>> = LazyLock::new(|| {
    let mut classes = vec![Class::Other; char::MAX as usize + 1];
    for (pattern, class) in [(r"\p{L}", Class::Letter), (r"\p{N}", Class::Number), (r"\s", Class::Space)] {
        let parsed = regex_syntax::parse(pattern).expect("a class that regex-syntax knows");
        let HirKind::Class(HirClass::Unicode(ranges)) = parsed.kind() else {
            unreachable!("{pattern} is a class of characters");
        };
        for range in ranges.ranges() {
            classes[range.start() as usize..=range.end() as usize].fill(class);
        }
    }
    classes.into_boxed_slice()
});

/// The classes of all characters.
#[derive(Clone, Copy)]
pub(super) struct Classes(&'static [Class]);

impl Classes {
    pub(super) fn new() -> Self {
        Self(&CLASSES)
    }

    /// Class and bytes of the character that begins at `at`, which is no end.
    #[inline]
    pub(super) fn at(self, text: &str, at: usize) -> (Class, usize) {
        let first = text.as_bytes()[at];
        if first.is_ascii() {
            return (self.0[usize::from(first)], 1);
        }
        let c = text[at..].chars().next().expect("`at` is not the end");
        (self.0[c as usize], c.len_utf8())
    }
}
