//! A model folder in the Hugging Face layout, before it is loaded.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use homolog_kernels::Precision;

use crate::weights::gpt2;
use crate::{Config, Error, Model, Parameters, StoredTensors, Vocabulary};

/// One checkpoint of one training run: a folder with `config.json` and weights that were found sound.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// The folder.
    pub folder: PathBuf,
    /// Its config.
    pub config: Config,
    /// BLAKE3 of the weight file; of shards, BLAKE3 of the name and hash of each.
    pub weights_hash: String,
    /// BLAKE3 of what `config.json` says about shape, arithmetic and special tokens; not of its other text, which may name
    /// folders and versions.
    pub config_hash: String,
    /// Its tokenizer's vocabulary, if the folder has one.
    pub vocabulary: Option<Vocabulary>,
}

impl Checkpoint {
    /// Read the config, check and hash the weights, look for tokenizer files.
    ///
    /// Weights are `model.safetensors`, else its shards, else `pytorch_model.bin`, else its shards. Every value of them is
    /// looked at, so that what is wrong with the last checkpoint of a study is known before the first is run.
    pub fn open(folder: &Path, allowed_config_keys: &BTreeSet<String>) -> Result<Self, Error> {
        if !folder.is_dir() {
            let hint = ", for there is no such folder; correct the model's path or the checkpoint pattern";
            return Err(Error::NoWeights { folder: folder.to_path_buf(), hint: hint.into() });
        }
        let config = Config::read(folder, allowed_config_keys)?;
        let config_hash = blake3::hash(format!("{config:?}").as_bytes()).to_hex().to_string();
        Ok(Self {
            folder: folder.to_path_buf(),
            weights_hash: gpt2::check(folder, &config)?,
            config,
            config_hash,
            vocabulary: Vocabulary::find(folder)?,
        })
    }

    /// What [`Checkpoint::weights_hash`] of a folder is now; the weights are not looked into.
    pub fn hash_weights(folder: &Path) -> Result<String, Error> {
        gpt2::hash(folder)
    }

    /// Load the weights, which must still be those that were checked and hashed, for products with them in this precision.
    ///
    /// Memory: [`Checkpoint::loaded_bytes`], and [`Checkpoint::load_transient_bytes`] until it returns.
    pub fn load(&self, precision: Precision) -> Result<Model, Error> {
        let weights = gpt2::read(&self.folder, &self.config, &self.weights_hash, precision)?;
        Ok(Model::new(self.config.clone(), weights))
    }

    /// The same weights as plain f32, to train on or to differentiate.
    pub fn parameters(&self) -> Result<Parameters, Error> {
        gpt2::read_parameters(&self.folder, &self.config, &self.weights_hash)
    }

    /// The weight tensors one by one, for whoever looks at weights rather than runs them.
    pub fn tensors(&self) -> Result<StoredTensors, Error> {
        let (files, tensors) = gpt2::locate(&self.folder, &self.config)?;
        Ok(StoredTensors { files, tensors })
    }

    /// Bytes that the loaded weights take at most: f32, matrices padded to a multiple of 32 columns, which is what the widest
    /// instruction set needs; others may take up to 31 columns less, bf16 on AMX half.
    pub fn loaded_bytes(&self, precision: Precision) -> u64 {
        gpt2::loaded_bytes(&self.config, precision)
    }

    /// Bytes that loading takes for a while beyond [`Checkpoint::loaded_bytes`]: the largest matrix as f32, and a buffer.
    /// Tensors are read one at a time.
    pub fn load_transient_bytes(&self) -> u64 {
        gpt2::load_transient_bytes(&self.config)
    }
}
