//! The vocabulary of a model's tokenizer, to compare models by and to find the newline in.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::Error;

/// Token strings and their ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vocabulary {
    ids: BTreeMap<String, u32>,
}

impl Vocabulary {
    /// Read `tokenizer.json`, else `vocab.json`, of a model folder; none if it has neither.
    pub fn find(folder: &Path) -> Result<Option<Self>, Error> {
        for (name, is_tokenizer_json) in [("tokenizer.json", true), ("vocab.json", false)] {
            let path = folder.join(name);
            if !path.exists() {
                continue;
            }
            let bad = |message: String| Error::BadVocabulary { path: path.clone(), message };
            let text = std::fs::read(&path).map_err(|source| Error::Unreadable { path: path.clone(), source })?;
            let json: Value = serde_json::from_slice(&text).map_err(|error| bad(format!("not JSON ({error})")))?;
            let mut ids = BTreeMap::new();
            let vocab = if is_tokenizer_json { &json["model"]["vocab"] } else { &json };
            let vocab = vocab.as_object().ok_or_else(|| bad("no map from token to id".into()))?;
            let added = json["added_tokens"].as_array().filter(|_| is_tokenizer_json).into_iter().flatten();
            let added = added.filter_map(|token| Some((token["content"].as_str()?.to_owned(), &token["id"])));
            for (token, id) in vocab.iter().map(|(token, id)| (token.clone(), id)).chain(added) {
                let id = id.as_u64().and_then(|id| u32::try_from(id).ok());
                let id = id.ok_or_else(|| bad(format!("the id of {token:?} is not a whole number")))?;
                ids.insert(token, id);
            }
            return Ok(Some(Self { ids }));
        }
        Ok(None)
    }

    /// The single-newline token of a byte-level vocabulary, in which the byte 0x0A is written as U+010A.
    pub fn newline(&self) -> Option<u32> {
        self.ids.get("\u{10a}").or_else(|| self.ids.get("\n")).copied()
    }

    /// GPT-2's one special token: beginning and end of a document.
    pub fn end_of_text(&self) -> Option<u32> {
        self.ids.get("<|endoftext|>").copied()
    }

    /// BLAKE3 over all (token, id), in the order of the tokens.
    pub fn hash(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for (token, id) in &self.ids {
            hasher.update(&(token.len() as u64).to_le_bytes()).update(token.as_bytes()).update(&id.to_le_bytes());
        }
        hasher.finalize().to_hex().to_string()
    }
}
