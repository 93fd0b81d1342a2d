//! GPT-2's kind of tokenizer by our own code: the ids of `tokenizers`, many times faster.
//!
//! Added tokens are cut out, what lies between is divided into words, a word becomes bytes and bytes are merged. What else a
//! tokenizer may be made of is not done here but by `tokenizers`, with which the tests compare every id.

use std::fmt;
use std::sync::Mutex;

use aho_corasick::{AhoCorasick, MatchKind};
use tokenizers::{AddedToken, ModelWrapper, PreTokenizerWrapper};

use merges::{Merges, Scratch};
use word_cache::{Word, WordCache};
use words::Words;

pub use merges::token_bytes;
#[cfg(test)]
pub(crate) use merges::visible;

mod classes;
mod merges;
mod word_cache;
mod words;

/// Bytes of a word, at most: merging takes up to 70 bytes of memory for each, so about a gigabyte.
pub(super) const LONGEST_WORD: usize = 1 << 24;

/// A tokenizer without normalizer, with GPT-2's pre-tokenizer, plain added tokens and byte-pair merges of all bytes.
pub(super) struct ByteLevelBpe {
    /// At most two, tried in order: each in what those before it leave.
    added: Vec<AddedTokens>,
    merges: Merges,
    /// As many as threads have been here at once. Their caches change the speed, never the ids.
    idle: Mutex<Vec<Workspace>>,
}

/// What one thread needs to encode.
#[derive(Default)]
struct Workspace {
    cache: WordCache,
    scratch: Scratch,
}

/// A word of more than [`LONGEST_WORD`] bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct WordTooLong;

impl ByteLevelBpe {
    /// None where the ids of a text need more, or other, than is done here.
    pub(super) fn of(tokenizer: &tokenizers::Tokenizer) -> Option<Self> {
        let ModelWrapper::BPE(model) = tokenizer.get_model() else { return None };
        let decoder = tokenizer.get_added_tokens_decoder();
        let are_plain = decoder.values().all(|token| !(token.single_word || token.lstrip || token.rstrip));
        let is_ours = tokenizer.get_normalizer().is_none() && has_gpt2_words(tokenizer) && are_plain;
        if !is_ours || tokenizer.get_encode_special_tokens() {
            return None;
        }
        // Those that are compared with the normalized text come second, although nothing is normalized.
        let of_kind = |normalized| {
            let tokens: Vec<_> = decoder.iter().filter(|(_, token)| token.normalized == normalized).collect();
            (!tokens.is_empty()).then(|| AddedTokens::new(&tokens))
        };
        let added = [false, true].into_iter().filter_map(of_kind).collect::<Option<_>>()?;
        Some(Self { added, merges: Merges::of(model)?, idle: Mutex::default() })
    }

    /// The ids of a text.
    pub(super) fn encode(&self, text: &str) -> Result<Vec<u32>, WordTooLong> {
        let idle = || self.idle.lock().expect("nobody panics while it is locked");
        let mut workspace = idle().pop().unwrap_or_default();
        let mut ids = Vec::with_capacity(text.len() / 4);
        let encoded = self.encode_between(text, &self.added, &mut workspace, &mut ids);
        idle().push(workspace);
        encoded.map(|()| ids)
    }

    /// The ids of a text that may hold tokens of `added`.
    fn encode_between(
        &self,
        text: &str,
        added: &[AddedTokens],
        workspace: &mut Workspace,
        ids: &mut Vec<u32>,
    ) -> Result<(), WordTooLong> {
        let Some((added, rest)) = added.split_first() else {
            return self.encode_words(text, workspace, ids);
        };
        let mut from = 0;
        for found in added.automaton.find_iter(text) {
            self.encode_between(&text[from..found.start()], rest, workspace, ids)?;
            ids.push(added.ids[found.pattern()]);
            from = found.end();
        }
        self.encode_between(&text[from..], rest, workspace, ids)
    }

    fn encode_words(&self, text: &str, workspace: &mut Workspace, ids: &mut Vec<u32>) -> Result<(), WordTooLong> {
        let bytes = text.as_bytes();
        let Workspace { cache, scratch } = workspace;
        for word in Words::new(text) {
            if word.len() > LONGEST_WORD {
                return Err(WordTooLong);
            }
            let Some(key) = Word::new(bytes, word.clone()) else {
                self.merges.push_ids(&bytes[word], scratch, ids);
                continue;
            };
            if !cache.push_ids(&key, ids) {
                let n_before = ids.len();
                self.merges.push_ids(&bytes[word], scratch, ids);
                cache.insert(&key, &ids[n_before..]);
            }
        }
        Ok(())
    }
}

/// Whether words are GPT-2's, and begin where the text begins.
pub(super) fn has_gpt2_words(tokenizer: &tokenizers::Tokenizer) -> bool {
    match tokenizer.get_pre_tokenizer() {
        Some(PreTokenizerWrapper::ByteLevel(byte_level)) => byte_level.use_regex && !byte_level.add_prefix_space,
        _ => false,
    }
}

/// Added tokens of one kind: of those that begin first the longest.
struct AddedTokens {
    automaton: AhoCorasick,
    /// [n_tokens], by the number of the pattern.
    ids: Vec<u32>,
}

impl AddedTokens {
    /// None where one text has two ids, or there are too many.
    fn new(tokens: &[(&u32, &AddedToken)]) -> Option<Self> {
        let mut contents: Vec<_> = tokens.iter().map(|(_, token)| token.content.as_str()).collect();
        let automaton = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&contents).ok()?;
        contents.sort_unstable();
        let are_distinct = contents.windows(2).all(|pair| pair[0] != pair[1]);
        are_distinct.then(|| Self { automaton, ids: tokens.iter().map(|&(&id, _)| id).collect() })
    }
}

impl fmt::Debug for ByteLevelBpe {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ByteLevelBpe").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
