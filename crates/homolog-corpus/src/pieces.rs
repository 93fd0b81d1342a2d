//! Where a long document may be cut without changing its ids.
//!
//! GPT-2's pre-tokenizer is `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`. No alternative
//! takes a whitespace after a character that is none, it looks ahead only behind a whitespace, and it never looks back:
//! so between a character that is no whitespace and one that is, a word ends whatever surrounds it, and each side alone
//! gives the words of the whole. Byte-pair merges stay inside words.

/// Bytes of a piece, at least: large against the cost of a call, small against a document, so that threads share it.
pub(crate) const PIECE_BYTES: usize = 64 * 1024;

/// Cuts `text` into consecutive pieces of `piece_bytes` bytes or some more, each beginning with a space or a newline.
///
/// A text without such places stays whole.
pub(crate) fn cut(text: &str, piece_bytes: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(at) = next_cut(rest, piece_bytes) {
        let (piece, after) = rest.split_at(at);
        pieces.push(piece);
        rest = after;
    }
    pieces.push(rest);
    pieces
}

/// The first place from `least` on where an ASCII space or newline follows a character that is surely no whitespace.
fn next_cut(text: &str, least: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = least.max(1);
    while at < bytes.len() {
        if matches!(bytes[at], b' ' | b'\n') {
            let before = text[..at].chars().next_back()?;
            if is_surely_no_whitespace(before) {
                return Some(at);
            }
        }
        at += 1;
    }
    None
}

/// Narrower than "not `\s`", so that no difference between two readings of `\s` matters. With the punctuation of Chinese and
/// Japanese, whose lines seldom end in a letter.
fn is_surely_no_whitespace(c: char) -> bool {
    c.is_alphanumeric() || c.is_ascii_punctuation() || ('\u{3001}'..='\u{3011}').contains(&c)
}

#[cfg(test)]
mod tests;
