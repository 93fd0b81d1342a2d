//! Weights as the forward pass wants them. Families differ only in how tensors are read into this struct.
//!
//! On the way: `files` finds the weight files of a folder, `safetensors` and `torch_file` say where in them the tensors lie,
//! `gpt2` knows which there must be, `scan` looks at every value, and `index` reads one tensor at a time.

mod files;
pub(crate) mod gpt2;
pub(crate) mod index;
mod pickle;
mod safetensors;
mod scan;
#[cfg(test)]
mod tests;
mod torch_file;

use homolog_kernels::Packed;

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
    /// [`d_vocab`, `d_model`]; none when tied in f32: then a token's row is a column of `w_u`. Below f32 that would be rounded.
    pub(crate) w_e: Option<Vec<f32>>,
    /// [`n_ctx`, `d_model`]
    pub(crate) w_pos: Vec<f32>,
    pub(crate) blocks: Vec<Block>,
    pub(crate) ln_final: LayerNorm,
    /// [`d_model`, `d_vocab`]
    pub(crate) w_u: Packed,
}
