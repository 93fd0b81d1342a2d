//! Causal self-attention of one row of tokens, all heads.

mod reference;
#[cfg(test)]
mod tests;

use crate::elementwise::{exp, lane_total, per_isa};
use crate::product::{Packed, accumulate_transposed, product, product_of_first_rows, product_transposed};

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

/// Queries handled together; keys after the block's last query are never touched. A multiple of every kernel's rows.
const QUERY_BLOCK: usize = 48;

/// Rows of a block of scores are this or a multiple of it apart, and so made of whole groups of lanes.
const LANES: usize = 16;

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
    let mut scores = vec![0.0; QUERY_BLOCK.min(n_pos) * n_pos.next_multiple_of(LANES)];
    for head in 0..n_heads {
        let [q, k, v] = [0, 1, 2].map(|part| part * d_model + head * d_head);
        keys.set_columns(&qkv[k..], stride);
        values.set_rows(&qkv[v..], stride);
        for first in (0..n_pos).step_by(QUERY_BLOCK) {
            let n_queries = QUERY_BLOCK.min(n_pos - first);
            let n_keys = first + n_queries;
            let width = n_keys.next_multiple_of(LANES);
            let scores = &mut scores[..n_queries * width];
            product((&qkv[first * stride + q..], stride), &keys, 0..n_keys, None, (scores, width));
            causal_softmax(scores, width, first, score_scale);
            let z = &mut z[first * d_model + head * d_head..][..(n_queries - 1) * d_model + d_head];
            product_of_first_rows((scores, width), &values, n_keys, 0..d_head, None, (z, d_model));
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
    let mut keys_transposed = Packed::zeros(d_head, n_pos);
    let mut values_transposed = Packed::zeros(d_head, n_pos);
    let mut keys = Packed::zeros(n_pos, d_head);
    let mut of_queries = Packed::zeros(QUERY_BLOCK, d_head);
    let n_scores = QUERY_BLOCK.min(n_pos) * n_pos.next_multiple_of(LANES);
    let (mut pattern, mut d_scores) = (vec![0.0; n_scores], vec![0.0; n_scores]);
    for head in 0..n_heads {
        let [q, k, v] = [0, 1, 2].map(|part| part * d_model + head * d_head);
        keys_transposed.set_columns(&qkv[k..], stride);
        values_transposed.set_columns(&qkv[v..], stride);
        keys.set_rows(&qkv[k..], stride);
        // The last block sees every key: it overwrites, the others add.
        for first in (0..n_pos).step_by(QUERY_BLOCK).rev() {
            let n_queries = QUERY_BLOCK.min(n_pos - first);
            let n_keys = first + n_queries;
            let into_keys = if n_keys == n_pos { product_transposed } else { accumulate_transposed };
            let width = n_keys.next_multiple_of(LANES);
            let (pattern, d_scores) = (&mut pattern[..n_queries * width], &mut d_scores[..n_queries * width]);
            let (queries, d_z) = (&qkv[first * stride + q..], &d_z[first * d_model + head * d_head..]);
            product((queries, stride), &keys_transposed, 0..n_keys, None, (pattern, width));
            causal_softmax(pattern, width, first, score_scale);
            product((d_z, d_model), &values_transposed, 0..n_keys, None, (d_scores, width));
            causal_softmax_backward(pattern, d_scores, width, first, score_scale);
            of_queries.reshape(n_queries, d_head);
            of_queries.set_rows(d_z, d_model);
            into_keys((pattern, width), n_keys, &of_queries, (&mut d_qkv[v..], stride));
            of_queries.set_rows(queries, stride);
            into_keys((d_scores, width), n_keys, &of_queries, (&mut d_qkv[k..], stride));
            let d_queries = &mut d_qkv[first * stride + q..][..(n_queries - 1) * stride + d_head];
            product_of_first_rows((d_scores, width), &keys, n_keys, 0..d_head, None, (d_queries, stride));
        }
    }
}

per_isa! {
    /// Scale and softmax each row of `scores` [n, width] over keys 0..=first + row; later keys get exactly 0, whatever
    /// stood there. `width` is a multiple of [`LANES`].
    fn causal_softmax(scores: &mut [f32], width: usize, first: usize, scale: f32) {
        for (row, scores) in scores.chunks_exact_mut(width).enumerate() {
            let n_seen = first + row + 1;
            let seen = &mut scores.as_chunks_mut::<LANES>().0[..n_seen.div_ceil(LANES)];
            let (last, whole) = seen.split_last_mut().expect("a position sees itself");
            let n_last = n_seen - whole.len() * LANES;
            let mut max = [f32::NEG_INFINITY; LANES];
            for scores in whole.iter_mut() {
                for i in 0..LANES {
                    scores[i] *= scale;
                    // A NaN need not be the maximum: its own exponential makes the whole row NaN.
                    max[i] = if scores[i] > max[i] { scores[i] } else { max[i] };
                }
            }
            for i in 0..LANES {
                last[i] = if i < n_last { last[i] * scale } else { f32::NEG_INFINITY };
                max[i] = if last[i] > max[i] { last[i] } else { max[i] };
            }
            let max = max.into_iter().fold(f32::NEG_INFINITY, |a, b| if b > a { b } else { a });
            let mut sums = [0.0; LANES];
            for scores in seen.iter_mut() {
                for i in 0..LANES {
                    scores[i] = exp(scores[i] - max);
                    sums[i] += scores[i];
                }
            }
            let inverse = 1.0 / lane_total(sums);
            for scores in seen.iter_mut() {
                for i in 0..LANES {
                    scores[i] *= inverse;
                }
            }
            scores[n_seen..].fill(0.0);
        }
    }
}

per_isa! {
    /// The gradient of the unscaled scores in place of that of the pattern, `d` [n, width], by rows over keys 0..=first + row;
    /// later keys get exactly 0, whatever stood there.
    fn causal_softmax_backward(pattern: &[f32], d: &mut [f32], width: usize, first: usize, scale: f32) {
        for (row, (p, d)) in pattern.chunks_exact(width).zip(d.chunks_exact_mut(width)).enumerate() {
            let n_seen = first + row + 1;
            d[n_seen..].fill(0.0);
            let n_chunks = n_seen.div_ceil(LANES);
            let (p, d) = (&p.as_chunks::<LANES>().0[..n_chunks], &mut d.as_chunks_mut::<LANES>().0[..n_chunks]);
            let mut sums = [0.0; LANES];
            for (p, d) in p.iter().zip(d.iter()) {
                for i in 0..LANES {
                    sums[i] += p[i] * d[i];
                }
            }
            let mean = lane_total(sums);
            for (p, d) in p.iter().zip(d) {
                for i in 0..LANES {
                    d[i] = p[i] * (d[i] - mean) * scale;
                }
            }
        }
    }
}
