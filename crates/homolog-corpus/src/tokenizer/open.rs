//! The files of a tokenizer.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tokenizers::models::bpe::BPE;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::{AddedToken, PreTokenizerWrapper};

use super::END_OF_TEXT;
use crate::Error;

pub(super) struct Opened {
    pub(super) path: PathBuf,
    pub(super) inner: tokenizers::Tokenizer,
    pub(super) hash: String,
}

pub(super) fn open(path: &Path) -> Result<Opened, Error> {
    if !path.is_dir() {
        return open_json(path, &mut Sources::default());
    }
    let mut sources = Sources::default();
    let json = path.join("tokenizer.json");
    let opened = if json.exists() { open_json(&json, &mut sources)? } else { open_pair(path, &mut sources)? };
    refuse_other_prefix(path, &opened)?;
    Ok(opened)
}

fn open_json(path: &Path, sources: &mut Sources) -> Result<Opened, Error> {
    let bytes = sources.read("tokenizer.json", path)?;
    let inner = tokenizers::Tokenizer::from_bytes(&bytes).map_err(|error| bad(path, error))?;
    Ok(Opened { path: path.to_path_buf(), inner, hash: sources.hash() })
}

/// What Hugging Face's GPT-2 makes of a folder that was saved before tokenizer.json.
fn open_pair(folder: &Path, sources: &mut Sources) -> Result<Opened, Error> {
    let [vocab, merges] = ["vocab.json", "merges.txt"].map(|name| folder.join(name));
    if !vocab.exists() || !merges.exists() {
        return Err(Error::NoTokenizer { path: folder.to_path_buf() });
    }
    sources.read("vocab.json", &vocab)?;
    sources.read("merges.txt", &merges)?;
    let name = |path: &Path| path.to_str().map(str::to_string).ok_or_else(|| bad(path, "its path is not UTF-8"));
    let model = BPE::from_file(&name(&vocab)?, &name(&merges)?).build().map_err(|error| bad(folder, error))?;
    let mut inner = tokenizers::Tokenizer::new(model);
    inner.with_pre_tokenizer(Some(ByteLevel::new(false, true, true)));
    let added = added_tokens(folder, sources)?;
    for (id, token) in added.numbered {
        let content = token.content.clone();
        inner.add_tokens([token]).map_err(|error| bad(folder, error))?;
        if inner.token_to_id(&content) != Some(id) {
            return Err(bad(folder, format!("the added token `{content}` says id {id}, which it cannot get")));
        }
    }
    inner.add_special_tokens(added.special).map_err(|error| bad(folder, error))?;
    if inner.token_to_id(END_OF_TEXT).is_some() {
        inner.add_special_tokens([special(END_OF_TEXT)]).map_err(|error| bad(folder, error))?;
    }
    Ok(Opened { path: vocab, inner, hash: sources.hash() })
}

#[derive(Default)]
struct AddedTokens {
    numbered: BTreeMap<u32, AddedToken>,
    /// These have or get an id.
    special: Vec<AddedToken>,
}

fn added_tokens(folder: &Path, sources: &mut Sources) -> Result<AddedTokens, Error> {
    let mut added = AddedTokens::default();
    let path = folder.join("added_tokens.json");
    if let Some(Value::Object(ids)) = sources.read_json("added_tokens.json", &path)? {
        for (content, id) in ids {
            let id =
                id.as_u64().and_then(|id| u32::try_from(id).ok()).ok_or_else(|| bad(&path, "an id is no number"))?;
            added.numbered.insert(id, AddedToken::from(content, false));
        }
    }
    let path = folder.join("tokenizer_config.json");
    if let Some(config) = read_json(&path)?
        && let Some(Value::Object(tokens)) = config.get("added_tokens_decoder")
    {
        sources.add("added_tokens_decoder", config["added_tokens_decoder"].to_string().as_bytes());
        for (id, token) in tokens {
            let id = id.parse().map_err(|_| bad(&path, "an id of added_tokens_decoder is no number"))?;
            added.numbered.insert(id, read_token(&path, token)?);
        }
    }
    let path = folder.join("special_tokens_map.json");
    if let Some(Value::Object(map)) = sources.read_json("special_tokens_map.json", &path)? {
        for token in map.values() {
            let tokens = token.as_array().map_or_else(|| std::slice::from_ref(token), Vec::as_slice);
            for token in tokens {
                added.special.push(read_token(&path, token)?);
            }
        }
    }
    // One that already has an id keeps it, and becomes special there.
    for token in &added.special {
        added
            .numbered
            .values_mut()
            .filter(|known| known.content == token.content)
            .for_each(|known| known.clone_from(token));
    }
    Ok(added)
}

/// A name, or an object with flags. Where they leave it open: special, and so not normalized.
fn read_token(path: &Path, value: &Value) -> Result<AddedToken, Error> {
    let (content, flags) = match value {
        Value::String(content) => (Some(content.as_str()), None),
        Value::Object(flags) => (flags.get("content").and_then(Value::as_str), Some(flags)),
        _ => (None, None),
    };
    let content = content.ok_or_else(|| bad(path, "a token is neither a string nor an object with `content`"))?;
    let flag = |name: &str, default| flags.and_then(|flags| flags.get(name)?.as_bool()).unwrap_or(default);
    Ok(special(content)
        .special(flag("special", true))
        .single_word(flag("single_word", false))
        .lstrip(flag("lstrip", false))
        .rstrip(flag("rstrip", false))
        .normalized(flag("normalized", false)))
}

fn special(content: &str) -> AddedToken {
    AddedToken::from(content, true)
}

/// `add_prefix_space` of tokenizer_config.json changes the ids in Hugging Face's GPT-2 whatever tokenizer.json says; we do
/// not guess which was meant.
fn refuse_other_prefix(folder: &Path, opened: &Opened) -> Result<(), Error> {
    let path = folder.join("tokenizer_config.json");
    let Some(config) = read_json(&path)? else { return Ok(()) };
    let wanted = config.get("add_prefix_space").and_then(Value::as_bool);
    let Some(PreTokenizerWrapper::ByteLevel(byte_level)) = opened.inner.get_pre_tokenizer() else { return Ok(()) };
    match wanted {
        Some(wanted) if wanted != byte_level.add_prefix_space => Err(bad(
            &path,
            format!(
                "it says add_prefix_space = {wanted}, but {} has {}; make them agree, or name tokenizer.json itself",
                opened.path.display(),
                byte_level.add_prefix_space
            ),
        )),
        _ => Ok(()),
    }
}

fn read_json(path: &Path) -> Result<Option<Value>, Error> {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| bad(path, error)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::Unreadable { path: path.to_path_buf(), source }),
    }
}

fn bad(path: &Path, message: impl Display) -> Error {
    Error::BadTokenizer { path: path.to_path_buf(), message: message.to_string() }
}

/// Hashes what is read: name, length and bytes of each, so that no two sets of files run together.
#[derive(Default)]
struct Sources {
    hasher: blake3::Hasher,
}

impl Sources {
    fn read(&mut self, name: &str, path: &Path) -> Result<Vec<u8>, Error> {
        let bytes = fs::read(path).map_err(|source| Error::Unreadable { path: path.to_path_buf(), source })?;
        self.add(name, &bytes);
        Ok(bytes)
    }

    fn read_json(&mut self, name: &str, path: &Path) -> Result<Option<Value>, Error> {
        let value = read_json(path)?;
        if value.is_some() {
            self.read(name, path)?;
        }
        Ok(value)
    }

    fn add(&mut self, name: &str, bytes: &[u8]) {
        for part in [name.as_bytes(), bytes] {
            self.hasher.update(&(part.len() as u64).to_le_bytes());
            self.hasher.update(part);
        }
    }

    fn hash(&self) -> String {
        self.hasher.finalize().to_hex().to_string()
    }
}
