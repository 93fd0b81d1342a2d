//! Float64 twin of causal attention.
#![cfg(test)]

use super::AttentionShape;

pub(super) fn causal_attention(qkv: &[f32], shape: AttentionShape, n_pos: usize) -> Vec<f64> {
    let AttentionShape { n_heads, d_head, score_scale } = shape;
    let d_model = n_heads * d_head;
    let at = |part: usize, head: usize, pos: usize, i: usize| {
        f64::from(qkv[pos * 3 * d_model + part * d_model + head * d_head + i])
    };
    let mut z = vec![0.0; n_pos * d_model];
    for head in 0..n_heads {
        for query in 0..n_pos {
            let scores: Vec<f64> = (0..=query)
                .map(|key| (0..d_head).map(|i| at(0, head, query, i) * at(1, head, key, i)).sum::<f64>())
                .map(|dot| dot * f64::from(score_scale))
                .collect();
            let max = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = scores.iter().map(|s| (s - max).exp()).sum();
            for i in 0..d_head {
                let mixed: f64 = (0..=query).map(|key| (scores[key] - max).exp() / sum * at(2, head, key, i)).sum();
                z[query * d_model + head * d_head + i] = mixed;
            }
        }
    }
    z
}
