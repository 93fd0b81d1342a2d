//! Which documents are kept for losses and ablation.
//!
//! The text decides, not its place: until the held-out rows are full, the same document falls on the same side in every corpus,
//! order and format.

/// One document in this many is held out.
const ONE_IN: u64 = 20;

/// Whether the hash of a document's UTF-8 bytes says held out.
///
/// BLAKE3, first 8 bytes as a little-endian integer, modulo 20, equals 0.
pub(crate) fn is_held_out(document: &str) -> bool {
    let hash = blake3::hash(document.as_bytes());
    let (first, _) = hash.as_bytes().split_first_chunk::<8>().expect("a BLAKE3 hash has 32 bytes");
    u64::from_le_bytes(*first).is_multiple_of(ONE_IN)
}

/// Tokens held out where the study names only `tokens`: as large a share as the hash takes of documents.
pub(crate) fn default_tokens(tokens: u64) -> u64 {
    tokens / ONE_IN
}

#[cfg(test)]
mod tests;
