//! GPT-2 models of any size for tests: their shape, random weights, and (in `folder`) their Hugging Face folders.
//!
//! Names and orientations are Hugging Face's: `Conv1D` weights are [in, out]. The forward pass is in `reference_gpt2`.

use std::collections::BTreeMap;

use crate::seeded::Seeded;

mod folder;
#[cfg(test)]
mod tests;

pub use folder::{Dtype, Format, Layout, read};

/// What decides a GPT-2 model apart from its weights.
#[derive(Debug, Clone, PartialEq)]
pub struct Gpt2Shape {
    /// Number of blocks.
    pub n_layers: usize,
    /// Attention heads of a block; divides `d_model`.
    pub n_heads: usize,
    /// Width of the residual stream.
    pub d_model: usize,
    /// Neurons of a block.
    pub d_mlp: usize,
    /// Size of the vocabulary.
    pub d_vocab: usize,
    /// Longest row of tokens.
    pub n_ctx: usize,
    /// `activation_function` of config.json: `gelu_new` for GPT-2.
    pub activation: String,
    /// Attention scores are also divided by layer + 1 (`scale_attn_by_inverse_layer_idx`, the CRFM models).
    pub is_inverse_layer_scaled: bool,
    /// The unembedding is the transposed embedding, and there is no `lm_head.weight`.
    pub is_tied: bool,
    /// `bos_token_id` and `eos_token_id` of config.json.
    pub bos: Option<u32>,
    /// Layer norm's epsilon, inside the root.
    pub eps: f64,
}

/// One weight: its shape and its values, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct Weight {
    /// Lengths of the axes.
    pub shape: Vec<usize>,
    /// As many values as the product of `shape`.
    pub values: Vec<f32>,
}

/// A model's weights by Hugging Face name without `transformer.`: `wte.weight`, `h.0.mlp.c_fc.weight`, ..., and `lm_head.weight`
/// [`d_vocab`, `d_model`] if the model is untied.
pub type Weights = BTreeMap<String, Weight>;

impl Gpt2Shape {
    /// The default of unit tests: 2 layers, 2 heads, width 16, 40 neurons a layer (not 4 x 16), 61 tokens, 12 positions, tied.
    pub fn tiny() -> Self {
        Self {
            n_layers: 2,
            n_heads: 2,
            d_model: 16,
            d_mlp: 40,
            d_vocab: 61,
            n_ctx: 12,
            activation: "gelu_new".into(),
            is_inverse_layer_scaled: false,
            is_tied: true,
            bos: Some(60),
            eps: 1e-5,
        }
    }

    /// GPT-2 Small as CRFM trained it: 124 million parameters, attention scaled by the inverse layer index.
    pub fn small() -> Self {
        Self {
            n_layers: 12,
            n_heads: 12,
            d_model: 768,
            d_mlp: 3072,
            d_vocab: 50_257,
            n_ctx: 1024,
            is_inverse_layer_scaled: true,
            bos: Some(50_256),
            ..Self::tiny()
        }
    }

    /// Every weight's name and shape, in the order of the forward pass.
    pub fn names(&self) -> Vec<(String, Vec<usize>)> {
        let (d, m) = (self.d_model, self.d_mlp);
        let mut names = vec![("wte.weight".into(), vec![self.d_vocab, d]), ("wpe.weight".into(), vec![self.n_ctx, d])];
        for l in 0..self.n_layers {
            let block: [(&str, Vec<usize>); 12] = [
                ("ln_1.weight", vec![d]),
                ("ln_1.bias", vec![d]),
                ("attn.c_attn.weight", vec![d, 3 * d]),
                ("attn.c_attn.bias", vec![3 * d]),
                ("attn.c_proj.weight", vec![d, d]),
                ("attn.c_proj.bias", vec![d]),
                ("ln_2.weight", vec![d]),
                ("ln_2.bias", vec![d]),
                ("mlp.c_fc.weight", vec![d, m]),
                ("mlp.c_fc.bias", vec![m]),
                ("mlp.c_proj.weight", vec![m, d]),
                ("mlp.c_proj.bias", vec![d]),
            ];
            names.extend(block.into_iter().map(|(name, shape)| (format!("h.{l}.{name}"), shape)));
        }
        names.extend([("ln_f.weight".into(), vec![d]), ("ln_f.bias".into(), vec![d])]);
        if !self.is_tied {
            names.push(("lm_head.weight".into(), vec![self.d_vocab, d]));
        }
        names
    }

    /// Random weights: matrices Gaussian of standard deviation `sd`, layer-norm weights 1 + 0.1 Gaussian, biases 0.05 Gaussian
    /// (none is zero, so that a forgotten bias shows).
    pub fn random(&self, rng_seed: u64, sd: f64) -> Weights {
        let mut rng = Seeded::new(rng_seed);
        let mut weights = Weights::new();
        for (name, shape) in self.names() {
            let n = shape.iter().product();
            let values = match &*name {
                name if name.split('.').next_back() == Some("bias") => rng.gaussians_f32(n, 0.05),
                name if name.contains("ln_") => (0..n).map(|_| (1.0 + 0.1 * rng.gaussian()) as f32).collect(),
                _ => rng.gaussians_f32(n, sd),
            };
            weights.insert(name, Weight { shape, values });
        }
        weights
    }

    /// Panics unless `weights` has exactly this shape's names and shapes.
    #[track_caller]
    pub fn assert_fits(&self, weights: &Weights) {
        let names = self.names();
        for (name, shape) in &names {
            let weight = weights.get(name).unwrap_or_else(|| panic!("weight {name} is missing"));
            assert_eq!(&weight.shape, shape, "shape of {name}");
            assert_eq!(weight.values.len(), shape.iter().product::<usize>(), "values of {name}");
        }
        assert_eq!(weights.len(), names.len(), "weights that are not GPT-2's: {:?}", weights.keys());
    }
}
