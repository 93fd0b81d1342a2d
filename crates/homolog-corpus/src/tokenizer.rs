//! Text to ids, exactly as Hugging Face's fast tokenizers do: this is their code.

use std::path::{Path, PathBuf};

use tokenizers::{ModelWrapper, PreTokenizerWrapper};

use crate::Error;
use crate::fence::fenced;

mod open;
mod trained;

pub use trained::train_tokenizer;

/// Ends a document; also the BOS of GPT-2.
pub(crate) const END_OF_TEXT: &str = "<|endoftext|>";

/// Characters of whitespace in a row that are tokenised. From a million on the regular-expression engine runs out of its stack,
/// and tokenizers 0.23 takes that for the end of the matches: the rest of the text becomes one word. We refuse well before.
const MOST_WHITESPACE: usize = 250_000;

/// Letters and digits in a row that are tokenised: the time that merging takes grows with the square of a word, 45 s at eight times
/// this.
const LONGEST_WORD: usize = 1_000_000;

/// A tokenizer and the hash of the files that made it.
#[derive(Debug)]
pub struct Tokenizer {
    path: PathBuf,
    inner: tokenizers::Tokenizer,
    hash: String,
    d_vocab: usize,
    newline: Option<u32>,
    is_cuttable: bool,
}

impl Tokenizer {
    /// Of a folder its `tokenizer.json`, else `vocab.json` with `merges.txt` (GPT-2's byte-level BPE without a space before
    /// the text, with `<|endoftext|>` and what `added_tokens.json`, `special_tokens_map.json` and the `added_tokens_decoder`
    /// of `tokenizer_config.json` add); of a file this as `tokenizer.json`.
    ///
    /// Truncation and padding in the file are for batches of a model's input and do not apply.
    pub fn open(path: &Path) -> Result<Self, Error> {
        // Tokenizers 0.23 panics where it reads a decoder that is none, or a normalizer.
        let bad = |message| Err(Error::BadTokenizer { path: path.to_path_buf(), message });
        fenced(|| Self::read(path)).unwrap_or_else(bad)
    }

    fn read(path: &Path) -> Result<Self, Error> {
        let open::Opened { path, mut inner, hash } = open::open(path)?;
        let bad = |message: String| Error::BadTokenizer { path: path.clone(), message };
        inner.with_truncation(None).map_err(|error| bad(error.to_string()))?;
        inner.with_padding(None);
        if let ModelWrapper::BPE(model) = inner.get_model()
            && model.dropout.is_some_and(|dropout| dropout > 0.0)
        {
            return Err(Error::RandomTokenizer { path });
        }
        let largest = inner.get_vocab(true).into_values().max().ok_or_else(|| bad("its vocabulary is empty".into()))?;
        let is_cuttable = is_cuttable(&inner);
        let d_vocab = largest as usize + 1;
        let mut tokenizer = Self { path, inner, hash, d_vocab, newline: None, is_cuttable };
        tokenizer.newline = match tokenizer.encode("\n")?[..] {
            [id] => Some(id),
            _ => None,
        };
        Ok(tokenizer)
    }

    /// A `tokenizer.json` that opens as this, whatever files this was opened from.
    pub fn to_json(&self) -> Result<Vec<u8>, Error> {
        let bad = |message| Error::BadTokenizer { path: self.path.clone(), message };
        self.inner.to_string(false).map(String::into_bytes).map_err(|error| bad(error.to_string()))
    }

    /// The file that decides; `vocab.json` of two.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// BLAKE3, in hexadecimal, of the files that decide the ids and of their names, but not of their folder.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The largest id + 1. A model's may be larger.
    pub fn d_vocab(&self) -> usize {
        self.d_vocab
    }

    /// The id of `<|endoftext|>`.
    pub fn end_of_text(&self) -> Option<u32> {
        self.inner.token_to_id(END_OF_TEXT)
    }

    /// The id of a single newline, if it is one token.
    pub fn newline(&self) -> Option<u32> {
        self.newline
    }

    /// The ids of a text, without any that a model's input would get around it. The name of a special token inside the text
    /// becomes its id.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, Error> {
        self.encode_of(text, &self.path)
    }

    /// The same, with the text's file for the error.
    pub(crate) fn encode_of(&self, text: &str, path: &Path) -> Result<Vec<u32>, Error> {
        let begin = || text.chars().take(40).collect();
        let limits = [
            ("whitespace characters", MOST_WHITESPACE, char::is_whitespace as fn(char) -> bool),
            ("letters and digits", LONGEST_WORD, char::is_alphanumeric),
        ];
        if let Some(&(what, limit, _)) = limits.iter().find(|(_, limit, is_of)| has_longer_run(text, *limit, *is_of)) {
            return Err(Error::TooLongRun { path: path.to_path_buf(), begin: begin(), what, limit });
        }
        let bad = |message| Error::NotTokenized { path: path.to_path_buf(), begin: begin(), message };
        // It also panics where the parts of a tokenizer do not fit each other.
        let encoding = fenced(|| self.inner.encode_fast(text, false)).map_err(bad)?;
        let encoding = encoding.map_err(|error| bad(error.to_string()))?;
        Ok(encoding.get_ids().to_vec())
    }

    /// Whether a text may be tokenised in the pieces of `pieces.rs`: true of GPT-2's tokenizer and its like.
    pub(crate) fn is_cuttable(&self) -> bool {
        self.is_cuttable
    }
}

/// Whether more than `limit` characters of one kind follow each other.
fn has_longer_run(text: &str, limit: usize, is_of: fn(char) -> bool) -> bool {
    // Most texts are too short for it, and need no look.
    text.len() > limit && text.split(|c: char| !is_of(c)).any(|run| run.len() > limit && run.chars().count() > limit)
}

/// No normalizer, exactly GPT-2's pre-tokenizer, byte-pair merges inside its words, and no added token that holds or takes
/// in whitespace or looks at its surroundings.
fn is_cuttable(tokenizer: &tokenizers::Tokenizer) -> bool {
    let is_gpt2 = match tokenizer.get_pre_tokenizer() {
        Some(PreTokenizerWrapper::ByteLevel(byte_level)) => byte_level.use_regex && !byte_level.add_prefix_space,
        _ => false,
    };
    let is_bpe = matches!(tokenizer.get_model(), ModelWrapper::BPE(_));
    let are_plain = tokenizer.get_added_tokens_decoder().values().all(|token| {
        let has_space = token.content.chars().any(|c| c.is_whitespace() || c.is_control());
        !(token.single_word || token.lstrip || token.rstrip || has_space)
    });
    tokenizer.get_normalizer().is_none() && is_gpt2 && is_bpe && are_plain
}

#[cfg(test)]
mod tests;
