//! The backward pass: from the mean loss to the gradient of every weight, block by block from the last.
//!
//! The way forth is made of [`Model`]'s own parts, and keeps what the way back needs. A row goes forth and back by itself, so
//! that what it leaves stays in the cache; rows are added up in groups whose number is fixed, so that no bit depends on the
//! number of threads.

#[cfg(test)]
mod tests;

use homolog_kernels::{
    AttentionShape, Packed, accumulate_transposed, add_column_sums, causal_attention_backward, cross_entropy_backward,
    layer_norm_backward, product,
};
use rayon::prelude::*;

use crate::forward::{AttentionValues, add};
use crate::weights::LayerNorm;
use crate::{Config, Dropout, HookPoint, Model, Parameters, Site, TokenBatch};

/// Groups of rows that may be computed side by side, each with gradients of its own until they are added up in order.
const GROUPS: usize = 4;

/// Positions whose logits are held at once by a group: [128, `d_vocab`].
const LOGIT_POSITIONS: usize = 128;

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

/// Told the activations of a row and their gradients, both [`n_pos`, `d_mlp`], at `mlp.hook_post`; from any thread, of each row from the
/// last layer to the first.
pub type AtMlpPost<'a> = dyn Fn(RowLayer, &[f32], &[f32]) + Sync + 'a;

/// A row of the batch and a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowLayer {
    /// Within the batch.
    pub row: usize,
    /// Block, from 0.
    pub layer: usize,
}

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

    /// Mean cross-entropy of every predicted token of the batch, and its gradient by every weight.
    ///
    /// `at_mlp_post` sees every neuron's activation a(t) and dL/da(t): their product summed over tokens is the first-order
    /// effect of a neuron on the loss. With `dropout` the loss is that of the model with these values dropped.
    /// Precision: f32, sums over tokens in f32 by row; within 2e-5 of the largest value of
    /// each weight's gradient in f64 (tests `agrees_with_finite_differences`, `agrees_with_pytorch_in_float64`).
    /// Memory: four times the gradients, and of four rows the activations and the logits of 128 tokens.
    /// Panics: as [`Model::forward`]; if rows have fewer than two tokens, which predict nothing.
    pub fn gradients(
        &self,
        tokens: TokenBatch<'_>,
        dropout: Option<Dropout>,
        at_mlp_post: &AtMlpPost<'_>,
    ) -> Gradients {
        let (context, n_rows) = (tokens.context, tokens.n_rows());
        assert!(context >= 2 && n_rows > 0, "{n_rows} rows of {context}");
        let n_group = n_rows.div_ceil(GROUPS);
        let scale = (1.0 / (n_rows * (context - 1)) as f64) as f32;
        let groups = tokens.ids.par_chunks(n_group * context).enumerate().map(|(group, ids)| {
            let mut sums = Gradients { loss_nats: 0.0, parameters: Parameters::zeros(self.model.config()) };
            let mut packed = Packed::zeros(0, 0);
            for (row, ids) in ids.chunks_exact(context).enumerate() {
                let pass = RowPass { differentiable: self, ids, row: group * n_group + row, dropout };
                let weights = Some(&mut sums.parameters);
                sums.loss_nats += pass.run(scale, weights, &mut packed, at_mlp_post);
            }
            sums
        });
        let mut groups = groups.collect::<Vec<_>>().into_iter();
        let mut total = groups.next().expect("a batch has rows");
        for group in groups {
            total.loss_nats += group.loss_nats;
            add(total.parameters.values_mut(), group.parameters.values());
        }
        total.loss_nats /= (n_rows * (context - 1)) as f64;
        total
    }

    /// The activations and gradients that [`Differentiable::gradients`] tells `at_mlp_post`, bit by bit, of a loss that is `scale` times the
    /// sum of the cross-entropies of one row, the `row`th for whoever is told; gradients of weights are left out, which is a third of the work.
    ///
    /// Returns the sum of the cross-entropies, in nats. Memory: the activations of the row and the logits of 128 tokens.
    /// Panics: as [`Differentiable::gradients`].
    pub fn at_neurons(&self, (row, ids): (usize, &[u32]), scale: f32, at_mlp_post: &AtMlpPost<'_>) -> f64 {
        assert!(ids.len() >= 2, "a row of {}", ids.len());
        let pass = RowPass { differentiable: self, ids, row, dropout: None };
        pass.run(scale, None, &mut Packed::zeros(0, 0), at_mlp_post)
    }
}

/// One row on its way forth and back.
struct RowPass<'a> {
    differentiable: &'a Differentiable,
    ids: &'a [u32],
    /// Within the batch.
    row: usize,
    dropout: Option<Dropout>,
}

/// What a row leaves in a block on its way forth, each [`n_pos`, width].
struct BlockTape {
    resid_pre: Vec<f32>,
    attention: AttentionValues,
    resid_mid: Vec<f32>,
    normalized: Vec<f32>,
    mlp_pre: Vec<f32>,
    mlp_post: Vec<f32>,
}

impl RowPass<'_> {
    /// Returns the sum of the row's losses, and adds the gradients of the weights, times `scale`, to `gradients` where they are wanted.
    /// `packed`: storage that is kept from row to row.
    fn run(
        &self,
        scale: f32,
        mut gradients: Option<&mut Parameters>,
        packed: &mut Packed,
        at_mlp_post: &AtMlpPost<'_>,
    ) -> f64 {
        let (resid, tape) = self.forth();
        let (losses, mut d_resid) = self.unembed(&resid, scale, gradients.as_deref_mut(), packed);
        for (layer, tape) in tape.into_iter().enumerate().rev() {
            self.mlp(layer, &tape, &mut d_resid, gradients.as_deref_mut(), packed, at_mlp_post);
            // Below the first neurons there are only weights.
            if layer > 0 || gradients.is_some() {
                self.attention(layer, tape, &mut d_resid, gradients.as_deref_mut(), packed);
            }
        }
        if let Some(gradients) = gradients {
            self.drop(HookPoint { layer: 0, site: Site::ResidPre }, &mut d_resid);
            self.embed(&d_resid, gradients);
        }
        losses
    }

    /// The residual stream after the last block, and what each block computed; the bits of [`Model::loss`]'s pass (test
    /// `the_way_forth_is_the_forward_pass`).
    fn forth(&self) -> (Vec<f32>, Vec<BlockTape>) {
        let model = self.model();
        let &Config { n_layers, d_mlp, nonlinearity, .. } = model.config();
        let mut resid = model.embed(TokenBatch { ids: self.ids, context: self.ids.len() });
        self.drop(HookPoint { layer: 0, site: Site::ResidPre }, &mut resid);
        let mut out = vec![0.0; resid.len()];
        let block = |layer| {
            let resid_pre = resid.clone();
            let attention = model.attention(layer, &resid, &mut out);
            self.drop(HookPoint { layer, site: Site::AttnOut }, &mut out);
            add(&mut resid, &out);
            let resid_mid = resid.clone();
            let mut mlp_pre = vec![0.0; self.ids.len() * d_mlp];
            let normalized = model.mlp_pre(layer, &resid, &mut mlp_pre);
            let mut mlp_post = mlp_pre.clone();
            nonlinearity.apply(&mut mlp_post);
            model.mlp_out(layer, &mlp_post, &mut out);
            self.drop(HookPoint { layer, site: Site::MlpOut }, &mut out);
            add(&mut resid, &out);
            BlockTape { resid_pre, attention, resid_mid, normalized, mlp_pre, mlp_post }
        };
        let tape = (0..n_layers).map(block).collect();
        (resid, tape)
    }

    fn model(&self) -> &Model {
        &self.differentiable.model
    }

    fn drop(&self, point: HookPoint, values: &mut [f32]) {
        if let Some(dropout) = self.dropout {
            dropout.apply(point, self.row * values.len(), values);
        }
    }

    /// The sum of the losses, and the gradient of the mean at the residual stream after the last block.
    fn unembed(
        &self,
        resid: &[f32],
        scale: f32,
        mut gradients: Option<&mut Parameters>,
        packed: &mut Packed,
    ) -> (f64, Vec<f32>) {
        let &Config { d_model, d_vocab, is_tied, .. } = self.model().config();
        let ln = &self.model().weights.ln_final;
        let mut d_resid = vec![0.0; resid.len()];
        let mut total = 0.0;
        let w_u = if is_tied { "wte.weight" } else { "lm_head.weight" };
        // The last position predicts nothing.
        let n_targets = self.ids.len() - 1;
        let block = LOGIT_POSITIONS.min(n_targets);
        let mut losses = vec![0.0; block];
        let mut d_logits = vec![0.0; block * d_vocab];
        for first in (0..n_targets).step_by(block) {
            let n_here = block.min(n_targets - first);
            let here = first * d_model..(first + n_here) * d_model;
            let (resid, targets) = (&resid[here.clone()], &self.ids[first + 1..][..n_here]);
            let (losses, d_logits) = (&mut losses[..n_here], &mut d_logits[..n_here * d_vocab]);
            let normalized = self.model().normalize(ln, resid);
            cross_entropy_backward(&normalized, &self.model().weights.w_u, targets, scale, losses, d_logits);
            total += losses.iter().map(|&loss| f64::from(loss)).sum::<f64>();
            let back = ((&*d_logits, d_vocab), &self.differentiable.w_u);
            self.layer_norm((resid, ln, "ln_f"), back, &mut d_resid[here], gradients.as_deref_mut());
            if let Some(gradients) = gradients.as_deref_mut() {
                packed.reshape(n_here, d_model);
                packed.set_rows(&normalized, d_model);
                let gradient = gradients.get_mut(w_u);
                accumulate_transposed((d_logits, d_vocab), d_vocab, packed, (gradient, d_model));
            }
        }
        (total, d_resid)
    }

    /// From the gradient at `hook_resid_post` to that at `hook_resid_mid`, in place.
    fn mlp(
        &self,
        layer: usize,
        tape: &BlockTape,
        d_resid: &mut [f32],
        mut gradients: Option<&mut Parameters>,
        packed: &mut Packed,
        at_mlp_post: &AtMlpPost<'_>,
    ) {
        let &Config { d_model, d_mlp, nonlinearity, .. } = self.model().config();
        let transposed = &self.differentiable.blocks[layer];
        let name = |rest: &str| format!("h.{layer}.{rest}");
        let mut d_out = d_resid.to_vec();
        self.drop(HookPoint { layer, site: Site::MlpOut }, &mut d_out);
        let mut d_mlp_values = vec![0.0; tape.mlp_post.len()];
        product((&d_out, d_model), &transposed.w_out, 0..d_mlp, None, (&mut d_mlp_values, d_mlp));
        at_mlp_post(RowLayer { row: self.row, layer }, &tape.mlp_post, &d_mlp_values);
        let weights = gradients.as_deref_mut();
        add_affine_gradient((&tape.mlp_post, d_mlp), (&d_out, d_model), weights, packed, &name("mlp.c_proj"));

        nonlinearity.backward(&tape.mlp_pre, &mut d_mlp_values);
        let d_mlp_pre = (&d_mlp_values[..], d_mlp);
        let weights = gradients.as_deref_mut();
        add_affine_gradient((&tape.normalized, d_model), d_mlp_pre, weights, packed, &name("mlp.c_fc"));
        let ln2 = &self.model().weights.blocks[layer].ln2;
        self.layer_norm((&tape.resid_mid, ln2, &name("ln_2")), (d_mlp_pre, &transposed.w_in), d_resid, gradients);
    }

    /// From the gradient at `hook_resid_mid` to that at `hook_resid_pre`, in place.
    fn attention(
        &self,
        layer: usize,
        tape: BlockTape,
        d_resid: &mut [f32],
        mut gradients: Option<&mut Parameters>,
        packed: &mut Packed,
    ) {
        let config = self.model().config();
        let &Config { n_heads, d_model, d_head, .. } = config;
        let shape = AttentionShape { n_heads, d_head, score_scale: config.score_scale(layer) };
        let transposed = &self.differentiable.blocks[layer];
        let name = |rest: &str| format!("h.{layer}.{rest}");
        let AttentionValues { normalized, qkv, z } = tape.attention;
        let mut d_out = d_resid.to_vec();
        self.drop(HookPoint { layer, site: Site::AttnOut }, &mut d_out);
        let weights = gradients.as_deref_mut();
        add_affine_gradient((&z, d_model), (&d_out, d_model), weights, packed, &name("attn.c_proj"));
        let mut d_z = z;
        product((&d_out, d_model), &transposed.w_o, 0..d_model, None, (&mut d_z, d_model));
        let mut d_qkv_values = vec![0.0; qkv.len()];
        causal_attention_backward(&qkv, shape, &d_z, &mut d_qkv_values);
        let d_qkv = (&d_qkv_values[..], 3 * d_model);
        let weights = gradients.as_deref_mut();
        add_affine_gradient((&normalized, d_model), d_qkv, weights, packed, &name("attn.c_attn"));
        let ln1 = &self.model().weights.blocks[layer].ln1;
        self.layer_norm((&tape.resid_pre, ln1, &name("ln_1")), (d_qkv, &transposed.w_qkv), d_resid, gradients);
    }

    /// Back through a matrix and the layer norm before it, added to the gradient of the residual stream.
    fn layer_norm(
        &self,
        (resid, ln, name): (&[f32], &LayerNorm, &str),
        ((d_out, width), transposed): ((&[f32], usize), &Packed),
        d_resid: &mut [f32],
        gradients: Option<&mut Parameters>,
    ) {
        let d_model = ln.w.len();
        let mut d_normalized = vec![0.0; resid.len()];
        product((d_out, width), transposed, 0..d_model, None, (&mut d_normalized, d_model));
        let (mut d_w, mut d_b) = (vec![0.0; d_model], vec![0.0; d_model]);
        let eps = self.model().config().eps;
        layer_norm_backward(resid, &ln.w, eps, &d_normalized, d_resid, &mut d_w, &mut d_b);
        if let Some(gradients) = gradients {
            add(gradients.get_mut(&format!("{name}.weight")), &d_w);
            add(gradients.get_mut(&format!("{name}.bias")), &d_b);
        }
    }

    /// Into the embeddings of tokens and positions.
    fn embed(&self, d_resid: &[f32], gradients: &mut Parameters) {
        let d_model = self.model().config().d_model;
        add(gradients.get_mut("wpe.weight"), d_resid);
        let w_e = gradients.get_mut("wte.weight");
        for (d_resid, &id) in d_resid.chunks_exact(d_model).zip(self.ids) {
            add(&mut w_e[id as usize * d_model..][..d_model], d_resid);
        }
    }
}

/// Add the gradients of `name.weight` [in, out] and `name.bias` [out] where they are wanted, of x [`n_tokens`, in] and the gradient of the output.
fn add_affine_gradient(
    (x, n_in): (&[f32], usize),
    (d_out, n_out): (&[f32], usize),
    gradients: Option<&mut Parameters>,
    packed: &mut Packed,
    name: &str,
) {
    let Some(gradients) = gradients else { return };
    packed.reshape(d_out.len() / n_out, n_out);
    packed.set_rows(d_out, n_out);
    let gradient = gradients.get_mut(&format!("{name}.weight"));
    accumulate_transposed((x, n_in), n_in, packed, (gradient, n_out));
    add_column_sums(d_out, gradients.get_mut(&format!("{name}.bias")));
}
