//! Float64 twins of causal attention and of its gradient.
#![cfg(test)]

use super::AttentionShape;

/// Element `i` of the query, key or value (`part` 0, 1, 2) of a head at a position.
fn at(qkv: &[f64], shape: AttentionShape, part: usize, head: usize, pos: usize, i: usize) -> usize {
    let d_model = shape.n_heads * shape.d_head;
    let index = pos * 3 * d_model + part * d_model + head * shape.d_head + i;
    assert!(index < qkv.len(), "a value of qkv");
    index
}

/// The pattern of one query: softmax over keys 0..=query.
fn pattern(qkv: &[f64], shape: AttentionShape, head: usize, query: usize) -> Vec<f64> {
    let value = |part, pos, i| qkv[at(qkv, shape, part, head, pos, i)];
    let scores: Vec<f64> = (0..=query)
        .map(|key| (0..shape.d_head).map(|i| value(0, query, i) * value(1, key, i)).sum::<f64>())
        .map(|dot| dot * f64::from(shape.score_scale))
        .collect();
    let max = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = scores.iter().map(|s| (s - max).exp()).sum();
    scores.iter().map(|s| (s - max).exp() / sum).collect()
}

pub(super) fn causal_attention(qkv: &[f64], shape: AttentionShape) -> Vec<f64> {
    let d_model = shape.n_heads * shape.d_head;
    let mut z = vec![0.0; qkv.len() / 3];
    for head in 0..shape.n_heads {
        for query in 0..z.len() / d_model {
            let pattern = pattern(qkv, shape, head, query);
            for i in 0..shape.d_head {
                let terms = pattern.iter().enumerate().map(|(key, p)| p * qkv[at(qkv, shape, 2, head, key, i)]);
                z[query * d_model + head * shape.d_head + i] = terms.sum();
            }
        }
    }
    z
}

/// By the chain rule, one query and one key at a time; `takes_mean` is false only in a mutant.
pub(super) fn causal_attention_backward(qkv: &[f64], shape: AttentionShape, d_z: &[f64], takes_mean: bool) -> Vec<f64> {
    let AttentionShape { n_heads, d_head, score_scale } = shape;
    let d_model = n_heads * d_head;
    let mut d_qkv = vec![0.0; qkv.len()];
    for head in 0..n_heads {
        for query in 0..d_z.len() / d_model {
            let pattern = pattern(qkv, shape, head, query);
            let d_z = &d_z[query * d_model + head * d_head..][..d_head];
            let d_pattern: Vec<f64> = (0..=query)
                .map(|key| (0..d_head).map(|i| d_z[i] * qkv[at(qkv, shape, 2, head, key, i)]).sum())
                .collect();
            let mean: f64 = pattern.iter().zip(&d_pattern).map(|(p, d)| p * d).sum();
            for key in 0..=query {
                let d_score = pattern[key] * (d_pattern[key] - if takes_mean { mean } else { 0.0 });
                let d_dot = d_score * f64::from(score_scale);
                for i in 0..d_head {
                    let (q, k, v) = (
                        at(qkv, shape, 0, head, query, i),
                        at(qkv, shape, 1, head, key, i),
                        at(qkv, shape, 2, head, key, i),
                    );
                    d_qkv[q] += d_dot * qkv[k];
                    d_qkv[k] += d_dot * qkv[q];
                    d_qkv[v] += pattern[key] * d_z[i];
                }
            }
        }
    }
    d_qkv
}
