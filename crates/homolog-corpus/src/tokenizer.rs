//! Text to ids, exactly as Hugging Face's fast tokenizers do: by our code where a tokenizer is GPT-2's or its like, else by theirs.

use std::path::{Path, PathBuf};

use tokenizers::{ModelWrapper, PostProcessorWrapper};

use crate::Error;
use crate::fence::fenced;
use byte_level::{ByteLevelBpe, WordTooLong};

mod byte_level;
mod open;
mod trained;

pub use byte_level::token_bytes;
#[cfg(test)]
pub(crate) use byte_level::visible;
pub use trained::train_tokenizer;

/// Ends a document; also the BOS of GPT-2.
pub(crate) const END_OF_TEXT: &str = "<|endoftext|>";

/// Characters of whitespace in a row that `tokenizers` is given. From a million on the regular-expression engine runs out of its stack,
/// and tokenizers 0.23 takes that for the end of the matches: the rest of the text becomes one word. We refuse well before.
const MOST_WHITESPACE: usize = 250_000;

/// Letters and digits in a row that `tokenizers` is given: the time that its merging takes grows with the square of a word, 45 s at
/// eight times this.
const LONGEST_WORD: usize = 1_000_000;

/// A tokenizer and the hash of the files that made it.
#[derive(Debug)]
pub struct Tokenizer {
    path: PathBuf,
    /// Without post-processor.
    inner: tokenizers::Tokenizer,
    /// Of the file. Not used: one of some kinds puts ids around a text even where none are asked for.
    post_processor: Option<PostProcessorWrapper>,
    /// The same ids as `inner`, where it can give them.
    byte_level: Option<ByteLevelBpe>,
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
        let post_processor = inner.get_post_processor().cloned();
        inner.with_post_processor(None::<PostProcessorWrapper>);
        if let ModelWrapper::BPE(model) = inner.get_model()
            && model.dropout.is_some_and(|dropout| dropout > 0.0)
        {
            return Err(Error::RandomTokenizer { path });
        }
        let largest = inner.get_vocab(true).into_values().max().ok_or_else(|| bad("its vocabulary is empty".into()))?;
        let (byte_level, is_cuttable) = (ByteLevelBpe::of(&inner), is_cuttable(&inner));
        let d_vocab = largest as usize + 1;
        let mut tokenizer = Self { path, inner, post_processor, byte_level, hash, d_vocab, newline: None, is_cuttable };
        tokenizer.newline = match tokenizer.encode("\n")?[..] {
            [id] => Some(id),
            _ => None,
        };
        Ok(tokenizer)
    }

    /// A `tokenizer.json` that opens as this, whatever files this was opened from.
    pub fn to_json(&self) -> Result<Vec<u8>, Error> {
        let bad = |message| Error::BadTokenizer { path: self.path.clone(), message };
        let mut whole = self.inner.clone();
        whole.with_post_processor(self.post_processor.clone());
        whole.to_string(false).map(String::into_bytes).map_err(|error| bad(error.to_string()))
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
        let Some(byte_level) = &self.byte_level else { return self.encode_by_library(text, path) };
        byte_level.encode(text).map_err(|WordTooLong| Error::TooLongRun {
            path: path.to_path_buf(),
            begin: begin(text),
            what: "bytes of one word",
            limit: byte_level::LONGEST_WORD,
        })
    }

    /// By `tokenizers`: what our own code is compared with, and any tokenizer that it cannot do.
    fn encode_by_library(&self, text: &str, path: &Path) -> Result<Vec<u32>, Error> {
        let limits = [
            ("whitespace characters", MOST_WHITESPACE, char::is_whitespace as fn(char) -> bool),
            ("letters and digits", LONGEST_WORD, char::is_alphanumeric),
        ];
        if let Some(&(what, limit, _)) = limits.iter().find(|(_, limit, is_of)| has_longer_run(text, *limit, *is_of)) {
            return Err(Error::TooLongRun { path: path.to_path_buf(), begin: begin(text), what, limit });
        }
        let bad = |message| Error::NotTokenized { path: path.to_path_buf(), begin: begin(text), message };
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

/// The first characters of a text, to find it by.
fn begin(text: &str) -> String {
    text.chars().take(40).collect()
}

/// Whether more than `limit` characters of one kind follow each other.
fn has_longer_run(text: &str, limit: usize, is_of: fn(char) -> bool) -> bool {
    // Most texts are too short for it, and need no look.
    text.len() > limit && text.split(|c: char| !is_of(c)).any(|run| run.len() > limit && run.chars().count() > limit)
}

/// No normalizer, exactly GPT-2's pre-tokenizer, byte-pair merges inside its words, and no added token that holds or takes
/// in whitespace or looks at its surroundings.
fn is_cuttable(tokenizer: &tokenizers::Tokenizer) -> bool {
    let is_bpe = matches!(tokenizer.get_model(), ModelWrapper::BPE(_));
    let are_plain = tokenizer.get_added_tokens_decoder().values().all(|token| {
        let has_space = token.content.chars().any(|c| c.is_whitespace() || c.is_control());
        !(token.single_word || token.lstrip || token.rstrip || has_space)
    });
    tokenizer.get_normalizer().is_none() && byte_level::has_gpt2_words(tokenizer) && is_bpe && are_plain
}

#[cfg(test)]
mod tests;
