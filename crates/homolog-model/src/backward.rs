//! The backward pass: from the mean loss to the gradient of every weight, block by block from the last.
//!
//! The forward pass is [`Model`]'s own; hooks record three places of every block, and what lies between them is computed
//! again. Rows are independent until the gradients of weights, which are sums over all tokens in ascending order; so no bit
//! depends on the number of threads.

#[cfg(test)]
mod tests;

use homolog_kernels::{
    AttentionShape, Packed, accumulate_transposed, add_column_sums, causal_attention, causal_attention_backward,
    cross_entropy_backward, layer_norm, layer_norm_backward, product,
};
use rayon::prelude::*;

use crate::forward::Start;
use crate::weights::{Block, LayerNorm};
use crate::{Capture, Config, Dropout, HookPoint, Model, Parameters, Site, TokenBatch};

/// Positions whose logits are held at once: [1024, `d_vocab`].
const LOGIT_POSITIONS: usize = 1024;

/// Rows of a weight's gradient that one task computes.
const GRADIENT_ROWS: usize = 48;

/// A model, and its matrices transposed for the way back.
pub struct Differentiable {
    model: Model,
    blocks: Vec<TransposedBlock>,
    /// [`d_vocab`, `d_model`]
    w_u: Packed,
}

/// The transposes of a [`Block`]'s matrices.
#[expect(clippy::struct_field_names, reason = "the names of the matrices")]
struct TransposedBlock {
    /// [3 `d_model`, `d_model`]
    w_qkv: Packed,
    /// [`d_model`, `d_model`]
    w_o: Packed,
    /// [`d_mlp`, `d_model`]
    w_in: Packed,
    /// [`d_model`, `d_mlp`]
    w_out: Packed,
}

/// What [`Differentiable::gradients`] finds.
pub struct Gradients {
    /// Mean cross-entropy of all predicted tokens, in nats.
    pub loss_nats: f64,
    /// Its derivative by every weight. Of a tied embedding both uses are summed in `wte.weight`.
    pub parameters: Parameters,
}

/// Told the activations and their gradients, both [`n_rows`, `n_pos`, `d_mlp`], at `mlp.hook_post` of a layer; from the last layer
/// to the first.
pub type AtMlpPost<'a> = dyn FnMut(usize, &[f32], &[f32]) + 'a;

impl Differentiable {
    /// Of these weights.
    pub fn new(parameters: &Parameters) -> Self {
        let &Config { n_layers, d_model, d_mlp, d_vocab, is_tied, .. } = parameters.config();
        let transposed = |layer: usize, rest: &str, n_in: usize, n_out: usize| {
            Packed::from_columns(parameters.get(&format!("h.{layer}.{rest}.weight")), n_out, n_out, n_in)
        };
        let block = |layer| TransposedBlock {
            w_qkv: transposed(layer, "attn.c_attn", d_model, 3 * d_model),
            w_o: transposed(layer, "attn.c_proj", d_model, d_model),
            w_in: transposed(layer, "mlp.c_fc", d_model, d_mlp),
            w_out: transposed(layer, "mlp.c_proj", d_mlp, d_model),
        };
        let unembedding = parameters.get(if is_tied { "wte.weight" } else { "lm_head.weight" });
        Self {
            model: parameters.model(),
            blocks: (0..n_layers).map(block).collect(),
            w_u: Packed::from_rows(unembedding, d_model, d_vocab, d_model),
        }
    }

    /// The model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Mean cross-entropy of every predicted token of the batch, and its gradient by every weight.
    ///
    /// `at_mlp_post` sees every neuron's activation a(t) and dL/da(t): their product summed over tokens is the first-order
    /// effect of a neuron on the loss. With `dropout` it is the loss of the model with these values dropped. Precision: f32, sums over tokens in f32 by 256; within 2e-5 of the largest value of
    /// each weight's gradient in f64 (tests `agrees_with_finite_differences`, `agrees_with_pytorch_in_float64`).
    /// Memory: about 12 `d_model` floats a token and layer, and logits of 1,024 tokens.
    /// Panics: as [`Model::forward`]; if rows have fewer than two tokens, which predict nothing.
    pub fn gradients(
        &self,
        tokens: TokenBatch<'_>,
        dropout: Option<Dropout>,
        at_mlp_post: &mut AtMlpPost<'_>,
    ) -> Gradients {
        let config = self.model.config();
        let n_layers = config.n_layers;
        assert!(tokens.context >= 2 && tokens.n_rows() > 0, "{} rows of {}", tokens.n_rows(), tokens.context);
        let recorded = [Site::ResidPre, Site::ResidMid, Site::MlpPre];
        let point = |layer, site| HookPoint { layer, site };
        let mut tape =
            Capture::new((0..n_layers).flat_map(|layer| recorded.into_iter().map(move |site| point(layer, site))));
        let resid = self.model.run(tokens, Start::Tokens, &mut (dropout, &mut tape), None);

        let mut gradients = Parameters::zeros(config);
        let (loss_nats, mut d_resid) = self.unembed(tokens, &resid, &mut gradients);
        for layer in (0..n_layers).rev() {
            let [resid_pre, resid_mid, mlp_pre] = recorded.map(|site| tape.get(point(layer, site)));
            let pass = BlockPass {
                model: &self.model,
                block: &self.model.weights.blocks[layer],
                transposed: &self.blocks[layer],
                layer,
                n_pos: tokens.context,
                dropout,
            };
            pass.mlp(resid_mid, mlp_pre, &mut d_resid, &mut gradients, at_mlp_post);
            pass.attention(resid_pre, &mut d_resid, &mut gradients);
        }
        if let Some(dropout) = dropout {
            dropout.apply(point(0, Site::ResidPre), &mut d_resid);
        }
        embed(tokens, &d_resid, config, &mut gradients);
        Gradients { loss_nats, parameters: gradients }
    }

    /// The mean loss, and its gradient by the residual stream after the last block.
    fn unembed(&self, tokens: TokenBatch<'_>, resid: &[f32], gradients: &mut Parameters) -> (f64, Vec<f32>) {
        let &Config { d_model, d_vocab, eps, is_tied, .. } = self.model.config();
        let ln = &self.model.weights.ln_final;
        let (n_pos, n_targets) = (tokens.context, tokens.context - 1);
        let scale = (1.0 / (tokens.n_rows() * n_targets) as f64) as f32;
        let mut d_resid = vec![0.0; resid.len()];
        let mut losses = vec![0.0; tokens.n_rows() * n_targets];
        let mut d_ln = LayerNormRows::new(tokens.n_rows(), d_model);
        let w_u = if is_tied { "wte.weight" } else { "lm_head.weight" };
        let n_group = (LOGIT_POSITIONS / n_targets).clamp(1, tokens.n_rows());
        let mut normalized = vec![0.0; n_group * n_targets * d_model];
        let mut d_logits = vec![0.0; n_group * n_targets * d_vocab];
        let groups = tokens.ids.chunks(n_group * n_pos).zip(resid.chunks(n_group * n_pos * d_model));
        let outputs = d_resid.chunks_mut(n_group * n_pos * d_model).zip(losses.chunks_mut(n_group * n_targets));
        for (((ids, resid), (d_resid, losses)), d_ln) in
            groups.zip(outputs).zip(d_ln.values.chunks_mut(n_group * 2 * d_model))
        {
            let n_here = ids.len() / n_pos * n_targets;
            let normalized = &mut normalized[..n_here * d_model];
            let d_logits = &mut d_logits[..n_here * d_vocab];
            let inputs = ids.par_chunks(n_pos).zip(resid.par_chunks(n_pos * d_model));
            let outputs = d_resid.par_chunks_mut(n_pos * d_model).zip(losses.par_chunks_mut(n_targets));
            let scratch =
                normalized.par_chunks_mut(n_targets * d_model).zip(d_logits.par_chunks_mut(n_targets * d_vocab));
            inputs.zip(outputs).zip(scratch).zip(d_ln.par_chunks_mut(2 * d_model)).for_each(
                |((((ids, resid), (d_resid, losses)), (normalized, d_logits)), d_ln)| {
                    // The last position predicts nothing.
                    let resid = &resid[..n_targets * d_model];
                    layer_norm(resid, &ln.w, &ln.b, eps, normalized);
                    cross_entropy_backward(normalized, &self.model.weights.w_u, &ids[1..], scale, losses, d_logits);
                    let mut d_normalized = vec![0.0; resid.len()];
                    product((d_logits, d_vocab), &self.w_u, 0..d_model, None, (&mut d_normalized, d_model));
                    let (d_w, d_b) = d_ln.split_at_mut(d_model);
                    layer_norm_backward(resid, &ln.w, eps, &d_normalized, &mut d_resid[..resid.len()], d_w, d_b);
                },
            );
            let normalized = Packed::from_rows(normalized, d_model, n_here, d_model);
            add_weight_gradient((d_logits, d_vocab), &normalized, gradients.get_mut(w_u));
        }
        d_ln.add_to(gradients, "ln_f");
        let total: f64 = losses.iter().map(|&loss| f64::from(loss)).sum();
        (total / losses.len() as f64, d_resid)
    }
}

/// One block on the way back.
struct BlockPass<'a> {
    model: &'a Model,
    block: &'a Block,
    transposed: &'a TransposedBlock,
    layer: usize,
    n_pos: usize,
    dropout: Option<Dropout>,
}

impl BlockPass<'_> {
    /// The gradient at what the block adds to the residual stream at this site.
    fn d_out(&self, site: Site, d_resid: &[f32]) -> Vec<f32> {
        let mut d_out = d_resid.to_vec();
        if let Some(dropout) = self.dropout {
            dropout.apply(HookPoint { layer: self.layer, site }, &mut d_out);
        }
        d_out
    }

    /// From the gradient at `hook_resid_post` to that at `hook_resid_mid`, in place.
    fn mlp(
        &self,
        resid_mid: &[f32],
        mlp_pre: &[f32],
        d_resid: &mut [f32],
        gradients: &mut Parameters,
        at_mlp_post: &mut AtMlpPost<'_>,
    ) {
        let &Config { d_model, d_mlp, eps, nonlinearity, .. } = self.model.config();
        let (n_pos, n_tokens) = (self.n_pos, d_resid.len() / d_model);
        let mut mlp_post = mlp_pre.to_vec();
        let mut d_mlp_values = vec![0.0; mlp_pre.len()];
        let d_out = self.d_out(Site::MlpOut, d_resid);
        let rows = mlp_post.par_chunks_mut(n_pos * d_mlp).zip(d_mlp_values.par_chunks_mut(n_pos * d_mlp));
        rows.zip(d_out.par_chunks(n_pos * d_model)).for_each(|((mlp_post, d_post), d_out)| {
            nonlinearity.apply(mlp_post);
            product((d_out, d_model), &self.transposed.w_out, 0..d_mlp, None, (d_post, d_mlp));
        });
        at_mlp_post(self.layer, &mlp_post, &d_mlp_values);

        let mut normalized = vec![0.0; resid_mid.len()];
        let mut d_ln = LayerNormRows::new(n_tokens / n_pos, d_model);
        let inputs = resid_mid.par_chunks(n_pos * d_model).zip(mlp_pre.par_chunks(n_pos * d_mlp));
        let outputs = d_mlp_values.par_chunks_mut(n_pos * d_mlp).zip(d_resid.par_chunks_mut(n_pos * d_model));
        let outputs = outputs.zip(normalized.par_chunks_mut(n_pos * d_model)).zip(d_ln.par_rows_mut());
        inputs.zip(outputs).for_each(|((resid_mid, mlp_pre), (((d_mlp_values, d_resid), normalized), d_ln))| {
            nonlinearity.backward(mlp_pre, d_mlp_values);
            through_layer_norm(
                (resid_mid, &self.block.ln2, eps),
                (d_mlp_values, d_mlp, &self.transposed.w_in),
                (normalized, d_resid, d_ln),
            );
        });
        let name = |rest: &str| format!("h.{}.{rest}", self.layer);
        d_ln.add_to(gradients, &name("ln_2"));
        let d_out = (&d_out[..], d_model);
        add_affine_gradient((&mlp_post, d_mlp), d_out, gradients, &name("mlp.c_proj"));
        add_affine_gradient((&normalized, d_model), (&d_mlp_values, d_mlp), gradients, &name("mlp.c_fc"));
    }

    /// From the gradient at `hook_resid_mid` to that at `hook_resid_pre`, in place.
    fn attention(&self, resid_pre: &[f32], d_resid: &mut [f32], gradients: &mut Parameters) {
        let &Config { n_heads, d_model, d_head, eps, .. } = self.model.config();
        let shape = AttentionShape { n_heads, d_head, score_scale: self.model.config().score_scale(self.layer) };
        let (n_pos, n_tokens) = (self.n_pos, d_resid.len() / d_model);
        let row = n_pos * d_model;
        let mut normalized = vec![0.0; resid_pre.len()];
        let mut z = vec![0.0; resid_pre.len()];
        let mut d_qkv = vec![0.0; 3 * resid_pre.len()];
        let d_out = self.d_out(Site::AttnOut, d_resid);
        let mut d_ln = LayerNormRows::new(n_tokens / n_pos, d_model);
        let inputs = resid_pre.par_chunks(row).zip(d_out.par_chunks(row)).zip(d_resid.par_chunks_mut(row));
        let outputs = normalized.par_chunks_mut(row).zip(z.par_chunks_mut(row)).zip(d_qkv.par_chunks_mut(3 * row));
        inputs.zip(outputs).zip(d_ln.par_rows_mut()).for_each(
            |((((resid_pre, d_out), d_resid), ((normalized, z), d_qkv)), d_ln)| {
                let mut qkv = vec![0.0; 3 * row];
                layer_norm(resid_pre, &self.block.ln1.w, &self.block.ln1.b, eps, normalized);
                let out = (&mut qkv[..], 3 * d_model);
                product((normalized, d_model), &self.block.w_qkv, 0..3 * d_model, Some(&self.block.b_qkv), out);
                causal_attention(&qkv, shape, z);
                let mut d_z = vec![0.0; row];
                product((d_out, d_model), &self.transposed.w_o, 0..d_model, None, (&mut d_z, d_model));
                causal_attention_backward(&qkv, shape, &d_z, d_qkv);
                through_layer_norm(
                    (resid_pre, &self.block.ln1, eps),
                    (d_qkv, 3 * d_model, &self.transposed.w_qkv),
                    (normalized, d_resid, d_ln),
                );
            },
        );
        let name = |rest: &str| format!("h.{}.{rest}", self.layer);
        d_ln.add_to(gradients, &name("ln_1"));
        add_affine_gradient((&z, d_model), (&d_out, d_model), gradients, &name("attn.c_proj"));
        add_affine_gradient((&normalized, d_model), (&d_qkv, 3 * d_model), gradients, &name("attn.c_attn"));
    }
}

/// One row back through a matrix and the layer norm before it, added to the gradient of the residual stream; leaves what
/// the layer norm gave.
fn through_layer_norm(
    (resid, ln, eps): (&[f32], &LayerNorm, f32),
    (d_out, width, transposed): (&[f32], usize, &Packed),
    (normalized, d_resid, d_ln): (&mut [f32], &mut [f32], &mut [f32]),
) {
    let d_model = ln.w.len();
    let mut d_normalized = vec![0.0; resid.len()];
    product((d_out, width), transposed, 0..d_model, None, (&mut d_normalized, d_model));
    let (d_w, d_b) = d_ln.split_at_mut(d_model);
    layer_norm_backward(resid, &ln.w, eps, &d_normalized, d_resid, d_w, d_b);
    layer_norm(resid, &ln.w, &ln.b, eps, normalized);
}

/// Gradients of a layer norm by row of tokens, [`n_rows`, 2 `d_model`]: of w, then of b. Rows are added up in order.
struct LayerNormRows {
    values: Vec<f32>,
    d_model: usize,
}

impl LayerNormRows {
    fn new(n_rows: usize, d_model: usize) -> Self {
        Self { values: vec![0.0; n_rows * 2 * d_model], d_model }
    }

    fn par_rows_mut(&mut self) -> rayon::slice::ChunksExactMut<'_, f32> {
        self.values.par_chunks_exact_mut(2 * self.d_model)
    }

    fn add_to(&self, gradients: &mut Parameters, ln: &str) {
        let mut sums = vec![0.0; 2 * self.d_model];
        add_column_sums(&self.values, &mut sums);
        let (d_w, d_b) = sums.split_at(self.d_model);
        for (rest, sums) in [("weight", d_w), ("bias", d_b)] {
            let gradient = gradients.get_mut(&format!("{ln}.{rest}"));
            gradient.iter_mut().zip(sums).for_each(|(gradient, sum)| *gradient += sum);
        }
    }
}

/// The gradients of `name.weight` [in, out] and `name.bias` [out], of x [`n_tokens`, in] and the gradient of the output.
fn add_affine_gradient(x: (&[f32], usize), (d_out, width): (&[f32], usize), gradients: &mut Parameters, name: &str) {
    let packed = Packed::from_rows(d_out, width, d_out.len() / width, width);
    add_weight_gradient(x, &packed, gradients.get_mut(&format!("{name}.weight")));
    add_column_sums(d_out, gradients.get_mut(&format!("{name}.bias")));
}

/// gradient += x^T `d_out`: x [`n_tokens`, m], `d_out` [`n_tokens`, n], gradient [m, n]. Each value is summed by one task over all
/// tokens in order.
fn add_weight_gradient((x, m): (&[f32], usize), d_out: &Packed, gradient: &mut [f32]) {
    let n = d_out.n_columns();
    gradient.par_chunks_mut(GRADIENT_ROWS * n).enumerate().for_each(|(task, gradient)| {
        accumulate_transposed((&x[task * GRADIENT_ROWS..], m), gradient.len() / n, d_out, (gradient, n));
    });
}

/// Into the embeddings of tokens and positions.
fn embed(tokens: TokenBatch<'_>, d_resid: &[f32], config: &Config, gradients: &mut Parameters) {
    let d_model = config.d_model;
    let mut add = |name: &str, row: &dyn Fn(usize) -> usize| {
        let gradient = gradients.get_mut(name);
        for (at, d_resid) in d_resid.chunks_exact(d_model).enumerate() {
            let gradient = &mut gradient[row(at) * d_model..][..d_model];
            gradient.iter_mut().zip(d_resid).for_each(|(gradient, d)| *gradient += d);
        }
    };
    add("wte.weight", &|at| tokens.ids[at] as usize);
    add("wpe.weight", &|at| at % tokens.context);
}
