//! The forward pass of a GPT-2-like decoder: embed, blocks, unembed.
//!
//! Products with weights have the precision that the weights were loaded in; attention's inner products (scores, and patterns times
//! values) and everything pointwise are f32 always.
//!
//! Rows are independent and each is computed by the same sequence of operations whatever the batch, so batch size and
//! thread count change no bit. Within a stage rows run in parallel; between stages the hooks see the whole batch.

#[cfg(test)]
mod tests;

use homolog_kernels::{AttentionShape, Prediction, causal_attention, cross_entropy, layer_norm, predictions, product};
use rayon::prelude::*;

use crate::weights::{LayerNorm, Weights};
use crate::{Activation, Config, HookPoint, Hooks, Site, TokenBatch};

/// An immutable model.
pub struct Model {
    config: Config,
    pub(crate) weights: Weights,
}

/// What attention computes of one row on its way; the way back needs it.
pub(crate) struct AttentionValues {
    /// [`n_pos`, `d_model`]
    pub(crate) normalized: Vec<f32>,
    /// [`n_pos`, 3 `d_model`]
    pub(crate) qkv: Vec<f32>,
    /// `attn.hook_z`, heads side by side, [`n_pos`, `d_model`].
    pub(crate) z: Vec<f32>,
}

/// Where a pass begins.
#[derive(Clone, Copy)]
pub enum Start<'a> {
    /// At the tokens.
    Tokens,
    /// In the middle of a block, from values that an earlier pass over the same rows captured there: what changes nothing
    /// before this layer's `mlp.hook_post` need not be computed again.
    MlpPost {
        /// The block.
        layer: usize,
        /// `hook_resid_mid`, [`n_rows`, `n_pos`, `d_model`].
        resid_mid: &'a [f32],
        /// `mlp.hook_post`, [`n_rows`, `n_pos`, `d_mlp`].
        mlp_post: &'a [f32],
    },
}

impl Model {
    pub(crate) fn new(config: Config, weights: Weights) -> Self {
        Self { config, weights }
    }

    /// Shape and arithmetic.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Run the blocks as far as the last point that `hooks` wants.
    ///
    /// Panics: if rows are longer than `n_ctx` or an id is outside the vocabulary (checked when tokens are read).
    pub fn forward(&self, tokens: TokenBatch<'_>, hooks: &mut impl Hooks) {
        if let Some(last) = HookPoint::all(self.config.n_layers).rev().find(|&point| hooks.wants(point)) {
            self.run(tokens, Start::Tokens, hooks, Some(last));
        }
    }

    /// Cross-entropy of every predicted token in nats, [`n_rows`, `n_pos` - 1]: position t predicts token t + 1.
    pub fn loss(&self, tokens: TokenBatch<'_>, start: Start<'_>, hooks: &mut impl Hooks) -> Vec<f32> {
        let n_targets = tokens.context - 1;
        let mut loss = vec![0.0; tokens.n_rows() * n_targets];
        if n_targets == 0 {
            return loss;
        }
        let resid = self.run(tokens, start, hooks, None);
        let rows = resid.par_chunks_exact(tokens.context * self.config.d_model);
        let rows = rows.zip(tokens.ids.par_chunks_exact(tokens.context)).zip(loss.par_chunks_exact_mut(n_targets));
        rows.for_each(|((resid, ids), loss)| {
            // The last position predicts nothing.
            let normalized = self.normalize(&self.weights.ln_final, &resid[..n_targets * self.config.d_model]);
            cross_entropy(&normalized, &self.weights.w_u, &ids[1..], loss);
        });
        loss
    }

    /// The residual stream after the last block, [`n_rows`, `n_pos`, `d_model`].
    pub fn resid_final(&self, tokens: TokenBatch<'_>, start: Start<'_>, hooks: &mut impl Hooks) -> Vec<f32> {
        self.run(tokens, start, hooks, None)
    }

    /// What one row predicts from its clean residual stream after the last block, and from changed ones beside it; each
    /// [`n_pos`, `d_model`], of [`Model::resid_final`].
    ///
    /// Returns the clean predictions [`n_pos` - 1] and then those of each of `changed`: losses are the bits of [`Model::loss`], and
    /// divergences are from the clean prediction.
    pub fn predictions(&self, ids: &[u32], clean: &[f32], changed: &[Vec<f32>]) -> Vec<Vec<Prediction>> {
        // The last position predicts nothing.
        let n_targets = ids.len() - 1;
        let normalized =
            |resid: &[f32]| self.normalize(&self.weights.ln_final, &resid[..n_targets * self.config.d_model]);
        let changed: Vec<Vec<f32>> = changed.iter().map(|resid| normalized(resid)).collect();
        let changed: Vec<&[f32]> = changed.iter().map(Vec::as_slice).collect();
        predictions(&normalized(clean), &changed, &self.weights.w_u, &ids[1..])
    }

    /// Logits of every position, [`n_rows`, `n_pos`, `d_vocab`]. Memory: that of the array; for a few rows.
    pub fn logits(&self, tokens: TokenBatch<'_>, hooks: &mut impl Hooks) -> Vec<f32> {
        let resid = self.run(tokens, Start::Tokens, hooks, None);
        let normalized = self.normalize(&self.weights.ln_final, &resid);
        let d_vocab = self.config.d_vocab;
        let mut logits = vec![0.0; tokens.ids.len() * d_vocab];
        product((&normalized, self.config.d_model), &self.weights.w_u, 0..d_vocab, None, (&mut logits, d_vocab));
        logits
    }

    /// The residual stream after the last block, or as it is when the point `until` has been called.
    fn run(
        &self,
        tokens: TokenBatch<'_>,
        start: Start<'_>,
        hooks: &mut impl Hooks,
        until: Option<HookPoint>,
    ) -> Vec<f32> {
        let (n_rows, n_pos) = (tokens.n_rows(), tokens.context);
        let Config { n_layers, d_model, d_mlp, nonlinearity, .. } = self.config;
        assert!(n_pos <= self.config.n_ctx, "rows of {n_pos} tokens in a model of {} positions", self.config.n_ctx);
        let mut at = |layer, site, values: &mut [f32], width| {
            let point = HookPoint { layer, site };
            if hooks.wants(point) {
                hooks.at(point, Activation { values, n_rows, n_pos, width });
            }
            until != Some(point)
        };
        let mut out = vec![0.0; n_rows * n_pos * d_model];
        let mut mlp = vec![0.0; n_rows * n_pos * d_mlp];
        let (first, mut resid) = match start {
            Start::Tokens => (0, self.embed(tokens)),
            Start::MlpPost { layer, resid_mid, mlp_post } => {
                mlp.copy_from_slice(mlp_post);
                (layer, resid_mid.to_vec())
            }
        };
        for layer in first..n_layers {
            if layer > first || matches!(start, Start::Tokens) {
                if !at(layer, Site::ResidPre, &mut resid, d_model) {
                    return resid;
                }
                each_row(&resid, &mut out, n_rows, |resid, out| drop(self.attention(layer, resid, out)));
                if !at(layer, Site::AttnOut, &mut out, d_model) {
                    return resid;
                }
                add(&mut resid, &out);
                if !at(layer, Site::ResidMid, &mut resid, d_model) {
                    return resid;
                }
                each_row(&resid, &mut mlp, n_rows, |resid, mlp| drop(self.mlp_pre(layer, resid, mlp)));
                if !at(layer, Site::MlpPre, &mut mlp, d_mlp) {
                    return resid;
                }
                mlp.par_chunks_mut(n_pos * d_mlp).for_each(|mlp| nonlinearity.apply(mlp));
            }
            if !at(layer, Site::MlpPost, &mut mlp, d_mlp) {
                return resid;
            }
            each_row(&mlp, &mut out, n_rows, |mlp, out| self.mlp_out(layer, mlp, out));
            if !at(layer, Site::MlpOut, &mut out, d_model) {
                return resid;
            }
            add(&mut resid, &out);
            if !at(layer, Site::ResidPost, &mut resid, d_model) {
                return resid;
            }
        }
        resid
    }

    /// `W_E` + `W_pos`, [`n_rows`, `n_pos`, `d_model`].
    pub(crate) fn embed(&self, tokens: TokenBatch<'_>) -> Vec<f32> {
        let d_model = self.config.d_model;
        let mut resid = vec![0.0; tokens.ids.len() * d_model];
        for (at, (resid, &id)) in resid.chunks_exact_mut(d_model).zip(tokens.ids).enumerate() {
            let id = id as usize;
            match &self.weights.w_e {
                Some(w_e) => resid.copy_from_slice(&w_e[id * d_model..][..d_model]),
                None => self.weights.w_u.copy_column(id, resid),
            }
            let position = &self.weights.w_pos[at % tokens.context * d_model..];
            resid.iter_mut().zip(position).for_each(|(resid, position)| *resid += position);
        }
        resid
    }

    /// `hook_attn_out` of one row.
    pub(crate) fn attention(&self, layer: usize, resid: &[f32], out: &mut [f32]) -> AttentionValues {
        let Config { n_heads, d_model, d_head, .. } = self.config;
        let block = &self.weights.blocks[layer];
        let normalized = self.normalize(&block.ln1, resid);
        let mut qkv = vec![0.0; 3 * resid.len()];
        product((&normalized, d_model), &block.w_qkv, 0..3 * d_model, Some(&block.b_qkv), (&mut qkv, 3 * d_model));
        let mut z = vec![0.0; resid.len()];
        let shape = AttentionShape { n_heads, d_head, score_scale: self.config.score_scale(layer) };
        causal_attention(&qkv, shape, &mut z);
        product((&z, d_model), &block.w_o, 0..d_model, Some(&block.b_o), (out, d_model));
        AttentionValues { normalized, qkv, z }
    }

    /// `mlp.hook_pre` of one row; returns `ln2.hook_normalized` with its weights, [`n_pos`, `d_model`].
    pub(crate) fn mlp_pre(&self, layer: usize, resid: &[f32], mlp_pre: &mut [f32]) -> Vec<f32> {
        let Config { d_model, d_mlp, .. } = self.config;
        let block = &self.weights.blocks[layer];
        let normalized = self.normalize(&block.ln2, resid);
        product((&normalized, d_model), &block.w_in, 0..d_mlp, Some(&block.b_in), (mlp_pre, d_mlp));
        normalized
    }

    /// `hook_mlp_out` of one row.
    pub(crate) fn mlp_out(&self, layer: usize, mlp_post: &[f32], out: &mut [f32]) {
        let Config { d_model, d_mlp, .. } = self.config;
        let block = &self.weights.blocks[layer];
        product((mlp_post, d_mlp), &block.w_out, 0..d_model, Some(&block.b_out), (out, d_model));
    }

    pub(crate) fn normalize(&self, ln: &LayerNorm, resid: &[f32]) -> Vec<f32> {
        let mut normalized = vec![0.0; resid.len()];
        layer_norm(resid, &ln.w, &ln.b, self.config.eps, &mut normalized);
        normalized
    }
}

/// Apply `op` to every row of tokens in parallel; `op` gets one row of `input` and of `output`, [`n_pos`, width] each.
fn each_row(input: &[f32], output: &mut [f32], n_rows: usize, op: impl Fn(&[f32], &mut [f32]) + Sync) {
    if n_rows == 0 {
        return;
    }
    let (input_row, output_row) = (input.len() / n_rows, output.len() / n_rows);
    let rows = input.par_chunks_exact(input_row).zip(output.par_chunks_exact_mut(output_row));
    rows.for_each(|(input, output)| op(input, output));
}

pub(crate) fn add(resid: &mut [f32], out: &[f32]) {
    resid.par_chunks_mut(1 << 15).zip(out.par_chunks(1 << 15)).for_each(|(resid, out)| {
        resid.iter_mut().zip(out).for_each(|(resid, out)| *resid += out);
    });
}
