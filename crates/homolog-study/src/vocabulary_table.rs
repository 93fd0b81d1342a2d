//! Rows of table `vocabulary`: what tokens are in text, and how often they occur.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use homolog_corpus::token_bytes;
use homolog_model::{Tokens, Vocabulary};
use homolog_results::VocabularyRow;

/// Raised whenever a row below would be another.
pub(crate) const VERSION: u32 = 1;

/// A row for every token of the vocabulary, by id; of two spellings of one id the lesser.
pub(crate) fn rows(vocabulary: &Vocabulary, tokens: &Tokens) -> Vec<VocabularyRow> {
    let mut counts: BTreeMap<u32, u64> = BTreeMap::new();
    for &id in tokens.batch(0..tokens.n_rows()).ids {
        *counts.entry(id).or_default() += 1;
    }
    let mut rows = BTreeMap::new();
    for (token, id, is_byte_level) in vocabulary.tokens() {
        rows.entry(id).or_insert_with(|| {
            // A token that is not spelled in bytes' characters is its own text.
            let bytes = if is_byte_level { token_bytes(token) } else { None };
            let (text, is_utf8) = text(bytes.as_deref().unwrap_or(token.as_bytes()));
            VocabularyRow { token: id, text, is_utf8, count: counts.get(&id).copied().unwrap_or(0) }
        });
    }
    rows.into_values().collect()
}

/// Bytes as text, those that are not UTF-8 as `\xE2`; and whether there are none such.
fn text(bytes: &[u8]) -> (String, bool) {
    let mut text = String::new();
    let mut is_utf8 = true;
    for chunk in bytes.utf8_chunks() {
        text += chunk.valid();
        is_utf8 &= chunk.invalid().is_empty();
        text.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02X}")));
    }
    (text, is_utf8)
}
