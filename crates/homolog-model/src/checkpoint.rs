//! A model folder in the Hugging Face layout, before it is loaded.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::{Config, Error, Model, Vocabulary, weights};

/// One checkpoint of one training run: a folder with `config.json` and `model.safetensors`.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// The folder.
    pub folder: PathBuf,
    /// Its config.
    pub config: Config,
    /// BLAKE3 of the weight file.
    pub weights_hash: String,
    /// BLAKE3 of what `config.json` says about shape, arithmetic and special tokens; not of its other text, which may name
    /// folders and versions.
    pub config_hash: String,
    /// Its tokenizer's vocabulary, if the folder has one.
    pub vocabulary: Option<Vocabulary>,
}

impl Checkpoint {
    /// Read the config, hash the weights, look for tokenizer files.
    pub fn open(folder: &Path, allowed_config_keys: &BTreeSet<String>) -> Result<Self, Error> {
        if !folder.is_dir() {
            // Says that the folder is missing, rather than the first file in it.
            weights::find(folder)?;
        }
        let config = Config::read(folder, allowed_config_keys)?;
        let config_hash = blake3::hash(format!("{config:?}").as_bytes()).to_hex().to_string();
        let weights = weights::find(folder)?;
        Ok(Self {
            folder: folder.to_path_buf(),
            config,
            weights_hash: file_hash(&weights)?,
            config_hash,
            vocabulary: Vocabulary::find(folder)?,
        })
    }

    /// Load the weights, all of them checked to be finite and to be those that were hashed.
    pub fn load(&self) -> Result<Model, Error> {
        let weights = weights::gpt2::read(&weights::find(&self.folder)?, &self.config, &self.weights_hash)?;
        Ok(Model::new(self.config.clone(), weights))
    }
}

fn file_hash(path: &Path) -> Result<String, Error> {
    let unreadable = |source| Error::Unreadable { path: path.to_path_buf(), source };
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(std::fs::File::open(path).map_err(unreadable)?).map_err(unreadable)?;
    Ok(hasher.finalize().to_hex().to_string())
}
