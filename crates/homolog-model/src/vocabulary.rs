//! The vocabulary of a model's tokenizer, to compare models by and to find the newline in.

mod merges;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use crate::Error;
use merges::Merge;

/// Token strings, their ids, and the merges by which a byte-pair tokenizer arrives at them.
#[derive(Clone, Debug)]
pub struct Vocabulary {
    ids: BTreeMap<String, u32>,
    /// In order of priority; none if the folder does not have them.
    merges: Option<Vec<Merge>>,
    /// Tokens that are cut out of a text as they are written, before anything else is done to it.
    added: BTreeSet<String>,
    is_byte_level: bool,
}

/// Equal ids, and equal merges where both have them: where one has none, nothing tells them apart.
impl PartialEq for Vocabulary {
    fn eq(&self, other: &Self) -> bool {
        self.difference(other).is_none()
    }
}

impl Vocabulary {
    /// Read `tokenizer.json`, else `vocab.json` and `merges.txt`, of a model folder; none if it has neither of the first two.
    pub fn find(folder: &Path) -> Result<Option<Self>, Error> {
        let [tokenizer, vocab] = ["tokenizer.json", "vocab.json"].map(|name| folder.join(name));
        if tokenizer.exists() {
            return Self::of_tokenizer_json(&tokenizer).map(Some);
        }
        if !vocab.exists() {
            return Ok(None);
        }
        let json = read_json(&vocab)?;
        let ids = read_ids(&vocab, &json, None)?;
        // Files of this kind are GPT-2's.
        Ok(Some(Self { ids, merges: merges::find(folder)?, added: BTreeSet::new(), is_byte_level: true }))
    }

    /// Read one `tokenizer.json`, wherever it lies.
    pub fn of_tokenizer_json(path: &Path) -> Result<Self, Error> {
        let json = read_json(path)?;
        let bad = |message: String| Error::BadVocabulary { path: path.to_path_buf(), message };
        let merges = merges::of_tokenizer_json(&json["model"]["merges"]).map_err(bad)?;
        let added = json["added_tokens"].as_array();
        let names = added.into_iter().flatten().filter_map(|token| token["content"].as_str());
        Ok(Self {
            ids: read_ids(path, &json["model"]["vocab"], added)?,
            merges,
            added: names.map(str::to_owned).collect(),
            is_byte_level: has_byte_level(&json["decoder"]) || has_byte_level(&json["pre_tokenizer"]),
        })
    }

    /// Every token as it is written here, its id, and whether that spelling has a character a byte: in a byte-level vocabulary each
    /// byte is a character that can be seen, but for added tokens, which are written as they are.
    pub fn tokens(&self) -> impl Iterator<Item = (&str, u32, bool)> {
        self.ids.iter().map(|(token, &id)| (token.as_str(), id, self.is_byte_level && !self.added.contains(token)))
    }

    /// The first token, in their own order, or else the first merge, in which two vocabularies differ: a clause for a message,
    /// in which the one is `self` and the other `other`. None if they are equal.
    pub fn difference(&self, other: &Self) -> Option<String> {
        let differs = |(token, id): (&String, &u32)| {
            let elsewhere = other.ids.get(token);
            (elsewhere != Some(id)).then(|| (token.clone(), Some(*id), elsewhere.copied()))
        };
        let here = self.ids.iter().find_map(differs);
        let there = other.ids.iter().find(|(token, _)| !self.ids.contains_key(*token));
        let there = there.map(|(token, id)| (token.clone(), None, Some(*id)));
        // Each is the first of its kind, so the lesser is the first of all.
        if let Some((token, one, other)) = here.into_iter().chain(there).min() {
            let said = |id: Option<u32>| id.map_or("is not in".to_owned(), |id| format!("has id {id} in"));
            return Some(format!("token {token:?} {} the one and {} the other", said(one), said(other)));
        }
        let (one, other) = (self.merges.as_ref()?, other.merges.as_ref()?);
        let at = (0..one.len().max(other.len())).find(|&at| one.get(at) != other.get(at))?;
        let said = |merge: Option<&Merge>| merge.map_or("missing".to_owned(), |(a, b)| format!("`{a} {b}`"));
        let (one, other) = (said(one.get(at)), said(other.get(at)));
        Some(format!("merge {at} is {one} in the one and {other} in the other"))
    }

    /// The single-newline token of a byte-level vocabulary, in which the byte 0x0A is written as U+010A.
    pub fn newline(&self) -> Option<u32> {
        self.ids.get("\u{10a}").or_else(|| self.ids.get("\n")).copied()
    }

    /// GPT-2's one special token: beginning and end of a document.
    pub fn end_of_text(&self) -> Option<u32> {
        self.ids.get("<|endoftext|>").copied()
    }

    /// BLAKE3 over all (token, id), in the order of the tokens, and then all merges, if it has them.
    pub fn hash(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        let add = |hasher: &mut blake3::Hasher, text: &str| {
            hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
        };
        for (token, id) in &self.ids {
            add(&mut hasher, token);
            hasher.update(&id.to_le_bytes());
        }
        if let Some(merges) = &self.merges {
            // No token is as long as this, so that merges cannot be taken for tokens.
            hasher.update(&u64::MAX.to_le_bytes());
            for (a, b) in merges {
                add(&mut hasher, a);
                add(&mut hasher, b);
            }
        }
        hasher.finalize().to_hex().to_string()
    }
}

/// Whether a decoder or pre-tokenizer of `tokenizer.json` is, or holds, the one that writes bytes as characters.
fn has_byte_level(part: &Value) -> bool {
    let mut inner = ["decoders", "pretokenizers"].iter().filter_map(|list| part[list].as_array()).flatten();
    part["type"] == "ByteLevel" || inner.any(has_byte_level)
}

fn read_json(path: &Path) -> Result<Value, Error> {
    let text = std::fs::read(path).map_err(|source| Error::Unreadable { path: path.to_path_buf(), source })?;
    let bad = |error| Error::BadVocabulary { path: path.to_path_buf(), message: format!("not JSON ({error})") };
    serde_json::from_slice(&text).map_err(bad)
}

/// Token to id, and the tokens that were added to them.
fn read_ids(path: &Path, vocab: &Value, added: Option<&Vec<Value>>) -> Result<BTreeMap<String, u32>, Error> {
    let bad = |message: String| Error::BadVocabulary { path: path.to_path_buf(), message };
    let vocab = vocab.as_object().ok_or_else(|| bad("no map from token to id".into()))?;
    let added = added.into_iter().flatten();
    let added = added.filter_map(|token| Some((token["content"].as_str()?.to_owned(), &token["id"])));
    let mut ids = BTreeMap::new();
    for (token, id) in vocab.iter().map(|(token, id)| (token.clone(), id)).chain(added) {
        let id = id.as_u64().and_then(|id| u32::try_from(id).ok());
        let id = id.ok_or_else(|| bad(format!("the id of {token:?} is not a whole number")))?;
        ids.insert(token, id);
    }
    Ok(ids)
}
