//! The slow twin of the GPT-2 forward pass: one row of tokens, plain loops, float64 throughout.
//!
//! Written to be compared with the definition, not to be fast. Weights are stored as f32 and widen exactly.

use crate::tiny_gpt2::{Gpt2Shape, Weights};

mod activation;
#[cfg(test)]
mod tests;

pub use activation::{activate, erfc};

/// Everything the forward pass of one row computes. T is the number of tokens; arrays are row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    /// For each layer [T, `d_mlp`]: before the nonlinearity.
    pub mlp_pre: Vec<Vec<f64>>,
    /// For each layer [T, `d_mlp`]: the activations that go into `c_proj`, ablated ones as replaced.
    pub mlp_post: Vec<Vec<f64>>,
    /// For each layer [T, `d_model`]: the residual stream between attention and MLP.
    pub resid_mid: Vec<Vec<f64>>,
    /// For each layer [T, `d_model`]: the residual stream after the block.
    pub resid_post: Vec<Vec<f64>>,
    /// [T, `d_vocab`].
    pub logits: Vec<f64>,
    /// [T - 1]: entry t is -ln p(token t + 1 | tokens 0..=t).
    pub loss_nats: Vec<f64>,
}

/// The neurons as they are: the `ablate` of a clean run.
pub fn no_ablation(_layer: usize, _neuron: usize) -> Option<f64> {
    None
}

/// Runs one row of tokens. `ablate(layer, neuron)` gives the value a neuron takes at every position instead of its own.
///
/// Panics: if a token lies outside the vocabulary, the row is longer than `n_ctx` or empty, the weights do not fit the shape, or
/// the activation is unknown.
pub fn forward(
    shape: &Gpt2Shape,
    weights: &Weights,
    tokens: &[u32],
    ablate: &dyn Fn(usize, usize) -> Option<f64>,
) -> Reference {
    forward_by_position(shape, weights, tokens, &|layer, neuron, _| ablate(layer, neuron))
}

/// [`forward`] with a value of its own at every position: `ablate(layer, neuron, position)`.
///
/// Panics: as [`forward`].
pub fn forward_by_position(
    shape: &Gpt2Shape,
    weights: &Weights,
    tokens: &[u32],
    ablate: &dyn Fn(usize, usize, usize) -> Option<f64>,
) -> Reference {
    shape.assert_fits(weights);
    let (d, m, n_tokens) = (shape.d_model, shape.d_mlp, tokens.len());
    assert!((1..=shape.n_ctx).contains(&n_tokens), "{n_tokens} tokens, n_ctx {}", shape.n_ctx);
    let weight = |name: &str| -> Vec<f64> { weights[name].values.iter().map(|&v| f64::from(v)).collect() };

    let (w_e, w_pos) = (weight("wte.weight"), weight("wpe.weight"));
    let mut resid = vec![0.0; n_tokens * d];
    for (t, &token) in tokens.iter().enumerate() {
        let token = token as usize;
        assert!(token < shape.d_vocab, "token {token} of a vocabulary of {}", shape.d_vocab);
        for c in 0..d {
            resid[t * d + c] = w_e[token * d + c] + w_pos[t * d + c];
        }
    }

    let mut run = Reference {
        mlp_pre: vec![],
        mlp_post: vec![],
        resid_mid: vec![],
        resid_post: vec![],
        logits: vec![],
        loss_nats: vec![],
    };
    for l in 0..shape.n_layers {
        let weight = |name: &str| weight(&format!("h.{l}.{name}"));
        let normalized = layer_norm(&resid, &weight("ln_1.weight"), &weight("ln_1.bias"), shape.eps);
        let qkv = affine(&normalized, &weight("attn.c_attn.weight"), &weight("attn.c_attn.bias"));
        let z = attention(&qkv, shape, l);
        add(&mut resid, &affine(&z, &weight("attn.c_proj.weight"), &weight("attn.c_proj.bias")));
        run.resid_mid.push(resid.clone());

        let normalized = layer_norm(&resid, &weight("ln_2.weight"), &weight("ln_2.bias"), shape.eps);
        let pre = affine(&normalized, &weight("mlp.c_fc.weight"), &weight("mlp.c_fc.bias"));
        let post: Vec<f64> = pre
            .iter()
            .enumerate()
            .map(|(i, &x)| ablate(l, i % m, i / m).unwrap_or_else(|| activate(&shape.activation, x)))
            .collect();
        add(&mut resid, &affine(&post, &weight("mlp.c_proj.weight"), &weight("mlp.c_proj.bias")));
        run.mlp_pre.push(pre);
        run.mlp_post.push(post);
        run.resid_post.push(resid.clone());
    }

    let normalized = layer_norm(&resid, &weight("ln_f.weight"), &weight("ln_f.bias"), shape.eps);
    let w_u_transposed = if shape.is_tied { w_e } else { weight("lm_head.weight") };
    for x in normalized.chunks_exact(d) {
        run.logits.extend(w_u_transposed.chunks_exact(d).map(|row| dot(row, x)));
    }
    run.loss_nats = tokens[1..]
        .iter()
        .zip(run.logits.chunks_exact(shape.d_vocab))
        .map(|(&target, logits)| log_sum_exp(logits) - logits[target as usize])
        .collect();
    run
}

/// Pearson correlation of two equally long samples, two-pass in f64; None if either is constant or there are fewer than two values.
#[expect(clippy::float_cmp, reason = "constant means equal bits, not close ones")]
pub fn pearson(a: &[f64], b: &[f64]) -> Option<f64> {
    assert_eq!(a.len(), b.len(), "samples of different length");
    if a.len() < 2 {
        return None;
    }
    let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (&x, &y) in a.iter().zip(b) {
        let (x, y) = (x - mean_a, y - mean_b);
        ab += x * y;
        aa += x * x;
        bb += y * y;
    }
    // The rounded mean of a constant may miss it by an ulp, so constancy is asked of the values themselves.
    let is_constant = |x: &[f64]| x.iter().all(|&v| v == x[0]);
    (!is_constant(a) && !is_constant(b)).then(|| ab / (aa.sqrt() * bb.sqrt()))
}

/// (x - mean) / sqrt(var + eps) * w + b over each row, var the biased variance.
fn layer_norm(x: &[f64], w: &[f64], b: &[f64], eps: f64) -> Vec<f64> {
    let d = w.len();
    let mut out = Vec::with_capacity(x.len());
    for row in x.chunks_exact(d) {
        let mean = row.iter().sum::<f64>() / d as f64;
        let var = row.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / d as f64;
        out.extend((0..d).map(|c| (row[c] - mean) / (var + eps).sqrt() * w[c] + b[c]));
    }
    out
}

/// x w + b for every row of x; w is [in, out].
fn affine(x: &[f64], w: &[f64], b: &[f64]) -> Vec<f64> {
    let (n_out, n_in) = (b.len(), w.len() / b.len());
    let mut out = Vec::with_capacity(x.len() / n_in * n_out);
    for row in x.chunks_exact(n_in) {
        let mut y = b.to_vec();
        for (&v, w_row) in row.iter().zip(w.chunks_exact(n_out)) {
            for (y, w) in y.iter_mut().zip(w_row) {
                *y += v * w;
            }
        }
        out.extend(y);
    }
    out
}

/// Causal attention of every head, heads side by side: `qkv` is [T, 3 `d_model`], the result [T, `d_model`].
fn attention(qkv: &[f64], shape: &Gpt2Shape, layer: usize) -> Vec<f64> {
    let (d, d_head) = (shape.d_model, shape.d_model / shape.n_heads);
    assert_eq!(d_head * shape.n_heads, d, "heads do not divide d_model");
    let n_tokens = qkv.len() / (3 * d);
    let part = |t: usize, which: usize, head: usize| &qkv[t * 3 * d + which * d + head * d_head..][..d_head];
    let mut scale = 1.0 / (d_head as f64).sqrt();
    if shape.is_inverse_layer_scaled {
        scale /= (layer + 1) as f64;
    }
    let mut z = vec![0.0; n_tokens * d];
    for head in 0..shape.n_heads {
        for t in 0..n_tokens {
            let scores: Vec<f64> = (0..=t).map(|s| dot(part(t, 0, head), part(s, 1, head)) * scale).collect();
            let normalizer = log_sum_exp(&scores);
            for (s, score) in scores.iter().enumerate() {
                let pattern = (score - normalizer).exp();
                for (c, v) in part(s, 2, head).iter().enumerate() {
                    z[t * d + head * d_head + c] += pattern * v;
                }
            }
        }
    }
    z
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

fn add(sum: &mut [f64], x: &[f64]) {
    assert_eq!(sum.len(), x.len());
    sum.iter_mut().zip(x).for_each(|(sum, x)| *sum += x);
}

fn log_sum_exp(x: &[f64]) -> f64 {
    let max = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    max + x.iter().map(|v| (v - max).exp()).sum::<f64>().ln()
}
