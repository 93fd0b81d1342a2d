//! Weights as the forward pass wants them. Families differ only in how a file is read into this struct.

pub(crate) mod gpt2;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use homolog_kernels::Packed;

use crate::Error;

/// A layer norm.
pub(crate) struct LayerNorm {
    /// [`d_model`]
    pub(crate) w: Vec<f32>,
    /// [`d_model`]
    pub(crate) b: Vec<f32>,
}

/// One transformer block.
pub(crate) struct Block {
    pub(crate) ln1: LayerNorm,
    /// [`d_model`, 3 `d_model`]: `W_Q`, `W_K`, `W_V` side by side, heads side by side within each.
    pub(crate) w_qkv: Packed,
    pub(crate) b_qkv: Vec<f32>,
    /// [`d_model`, `d_model`]
    pub(crate) w_o: Packed,
    pub(crate) b_o: Vec<f32>,
    pub(crate) ln2: LayerNorm,
    /// [`d_model`, `d_mlp`]
    pub(crate) w_in: Packed,
    pub(crate) b_in: Vec<f32>,
    /// [`d_mlp`, `d_model`]
    pub(crate) w_out: Packed,
    pub(crate) b_out: Vec<f32>,
}

/// All weights of a model.
pub(crate) struct Weights {
    /// [`d_vocab`, `d_model`]; none when tied: then a token's row is a column of `w_u`.
    pub(crate) w_e: Option<Vec<f32>>,
    /// [`n_ctx`, `d_model`]
    pub(crate) w_pos: Vec<f32>,
    pub(crate) blocks: Vec<Block>,
    pub(crate) ln_final: LayerNorm,
    /// [`d_model`, `d_vocab`]
    pub(crate) w_u: Packed,
}

/// The weight file of a model folder.
pub(crate) fn find(folder: &Path) -> Result<PathBuf, Error> {
    let path = folder.join("model.safetensors");
    if path.is_file() {
        return Ok(path);
    }
    let hint = if folder.join("model.safetensors.index.json").exists() {
        ", only shards of it; sharded weights cannot be read yet, so save the model as one file"
    } else if folder.join("pytorch_model.bin").exists() {
        ", only pytorch_model.bin; pickles cannot be read yet, so save the model as safetensors"
    } else if folder.is_dir() {
        "; is this the folder of a checkpoint?"
    } else {
        ", for there is no such folder; correct the model's path or the checkpoint pattern"
    };
    Err(Error::NoWeights { folder: folder.to_path_buf(), hint: hint.into() })
}
