//! Causal self-attention of one row of tokens, all heads.

mod reference;
#[cfg(test)]
mod tests;

use crate::elementwise::{exp, lane_dot, lane_max, lane_sum, per_isa};
use crate::product::{Packed, accumulate_transposed, product};

/// Shape of one attention layer.
#[derive(Clone, Copy, Debug)]
pub struct AttentionShape {
    /// Heads.
    pub n_heads: usize,
    /// Width of a head.
    pub d_head: usize,
    /// Multiplies the scores: 1 / `sqrt(d_head)`, divided by (layer + 1) where the model says so.
    pub score_scale: f32,
}

/// Queries handled together; keys after the block's last query are never touched. A constant, so that no bit depends on it.
const QUERY_BLOCK: usize = 64;

/// z = softmax(scale Q K^T, causal) V for every head, concatenated.
///
/// Shapes: `qkv` [`n_pos`, 3 `n_heads` `d_head`], q then k then v, heads side by side within each; `z` [`n_pos`, `n_heads` `d_head`].
/// Position t sees positions 0..=t only. Precision: f32, within 2e-6 of f64 on unit Gaussians (test `agrees_with_float64`).
pub fn causal_attention(qkv: &[f32], shape: AttentionShape, z: &mut [f32]) {
    let AttentionShape { n_heads, d_head, score_scale } = shape;
    let d_model = n_heads * d_head;
    let n_pos = z.len() / d_model;
    assert!(z.len() == n_pos * d_model && qkv.len() == 3 * z.len(), "causal_attention shapes");
    if n_pos == 0 {
        return;
    }
    let stride = 3 * d_model;
    let mut keys = Packed::zeros(d_head, n_pos);
    let mut values = Packed::zeros(n_pos, d_head);
    let mut scores = vec![0.0; QUERY_BLOCK.min(n_pos) * n_pos];
    for head in 0..n_heads {
        keys.set_columns(&qkv[d_model + head * d_head..], stride);
        for first in (0..n_pos).step_by(QUERY_BLOCK) {
            let n_queries = QUERY_BLOCK.min(n_pos - first);
            let n_keys = first + n_queries;
            let scores = &mut scores[..n_queries * n_keys];
            let queries = &qkv[first * stride + head * d_head..];
            product((queries, stride), &keys, 0..n_keys, None, (scores, n_keys));
            causal_softmax(scores, n_keys, first, score_scale);
            values.reshape(n_keys, d_head);
            values.set_rows(&qkv[2 * d_model + head * d_head..], stride);
            let z = &mut z[first * d_model + head * d_head..][..(n_queries - 1) * d_model + d_head];
            product((scores, n_keys), &values, 0..d_head, None, (z, d_model));
        }
    }
}

/// The gradient of [`causal_attention`]: `d_qkv` from `d_z`; the pattern is computed again.
///
/// With P the pattern and S the scaled scores: dV = P^T dZ, dS = P (dP - sum over keys of P dP) where dP = dZ V^T,
/// dQ = scale dS K, dK = scale dS^T Q.
/// Shapes: `qkv`, `d_qkv` [`n_pos`, 3 `n_heads` `d_head`], q then k then v; `d_z` [`n_pos`, `n_heads` `d_head`]. `d_qkv` is overwritten.
/// Precision: f32, within 1e-6 (1 + |d|) of f64 on unit Gaussians (test `backward_agrees_with_float64`).
/// Position t adds to the gradients of positions 0..=t only.
pub fn causal_attention_backward(qkv: &[f32], shape: AttentionShape, d_z: &[f32], d_qkv: &mut [f32]) {
    let AttentionShape { n_heads, d_head, score_scale } = shape;
    let d_model = n_heads * d_head;
    let n_pos = d_z.len() / d_model;
    assert!(d_z.len() == n_pos * d_model && qkv.len() == 3 * d_z.len(), "causal_attention_backward shapes");
    assert_eq!(d_qkv.len(), qkv.len(), "causal_attention_backward shapes");
    if n_pos == 0 {
        return;
    }
    let stride = 3 * d_model;
    d_qkv.fill(0.0);
    let mut keys_transposed = Packed::zeros(d_head, n_pos);
    let mut values_transposed = Packed::zeros(d_head, n_pos);
    let mut rows = Packed::zeros(n_pos, d_head);
    let block = QUERY_BLOCK.min(n_pos) * n_pos;
    let (mut pattern, mut d_scores) = (vec![0.0; block], vec![0.0; block]);
    for head in 0..n_heads {
        let [q, k, v] = [0, 1, 2].map(|part| part * d_model + head * d_head);
        keys_transposed.set_columns(&qkv[k..], stride);
        values_transposed.set_columns(&qkv[v..], stride);
        for first in (0..n_pos).step_by(QUERY_BLOCK) {
            let n_queries = QUERY_BLOCK.min(n_pos - first);
            let n_keys = first + n_queries;
            let (pattern, d_scores) = (&mut pattern[..n_queries * n_keys], &mut d_scores[..n_queries * n_keys]);
            let (queries, d_z) = (&qkv[first * stride + q..], &d_z[first * d_model + head * d_head..]);
            product((queries, stride), &keys_transposed, 0..n_keys, None, (pattern, n_keys));
            causal_softmax(pattern, n_keys, first, score_scale);
            product((d_z, d_model), &values_transposed, 0..n_keys, None, (d_scores, n_keys));
            causal_softmax_backward(pattern, d_scores, n_keys, first, score_scale);
            rows.reshape(n_queries, d_head);
            rows.set_rows(d_z, d_model);
            accumulate_transposed((pattern, n_keys), n_keys, &rows, (&mut d_qkv[v..], stride));
            rows.set_rows(queries, stride);
            accumulate_transposed((d_scores, n_keys), n_keys, &rows, (&mut d_qkv[k..], stride));
            rows.reshape(n_keys, d_head);
            rows.set_rows(&qkv[k..], stride);
            let d_queries = &mut d_qkv[first * stride + q..][..(n_queries - 1) * stride + d_head];
            product((d_scores, n_keys), &rows, 0..d_head, None, (d_queries, stride));
        }
    }
}

per_isa! {
    /// The gradient of the unscaled scores in place of that of the pattern, `d` [n, n_keys], by rows over keys
    /// 0..=first + row; later keys get exactly 0.
    fn causal_softmax_backward(pattern: &[f32], d: &mut [f32], n_keys: usize, first: usize, scale: f32) {
        for (row, (p, d)) in pattern.chunks_exact(n_keys).zip(d.chunks_exact_mut(n_keys)).enumerate() {
            let (seen, unseen) = d.split_at_mut(first + row + 1);
            unseen.fill(0.0);
            let p = &p[..seen.len()];
            let mean = lane_dot(p, seen);
            for (d, &p) in seen.iter_mut().zip(p) {
                *d = p * (*d - mean) * scale;
            }
        }
    }
}

per_isa! {
    /// Scale and softmax each row of `scores` [n, n_keys] over keys 0..=first + row; later keys get exactly 0.
    fn causal_softmax(scores: &mut [f32], n_keys: usize, first: usize, scale: f32) {
        for (row, scores) in scores.chunks_exact_mut(n_keys).enumerate() {
            let (seen, unseen) = scores.split_at_mut(first + row + 1);
            unseen.fill(0.0);
            for score in seen.iter_mut() {
                *score *= scale;
            }
            let max = lane_max(seen);
            for score in seen.iter_mut() {
                *score = exp(*score - max);
            }
            let inverse = 1.0 / lane_sum(seen, |p| p);
            for score in seen.iter_mut() {
                *score *= inverse;
            }
        }
    }
}
