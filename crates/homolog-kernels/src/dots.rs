//! Products of single pairs of columns: what a matrix product would give, where only few of its elements are wanted.

#[cfg(test)]
mod tests;

use crate::elementwise::{lane_dot, per_isa};

/// Tokens of all columns that are in use at a time: 3,072 columns of so many fill 6 MB, which a last-level cache holds.
const TOKEN_BLOCK: usize = 512;

per_isa! {
    /// sums[p] += sum over t in `tokens` of a[i, t] b[j, t], for every pair (i, j).
    ///
    /// Shapes: `a`, `b` hold one neuron after another, `n_tokens` values each; `pairs` name neurons of a and of b, `sums` has
    /// one value a pair. Fastest where neighbouring pairs share their neuron of a.
    /// Precision: f32, at most 32 terms in one accumulator, blocks of 512 tokens added in f64; relative to |a||b| within 1e-6 of f64
    /// (test `agrees_with_float64`). NaN and infinity are carried. No bit depends on which other pairs there are.
    pub fn add_dots(a: &[f32], b: &[f32], n_tokens: usize, tokens: std::ops::Range<usize>, pairs: &[(u32, u32)], sums: &mut [f64]) {
        assert_eq!(pairs.len(), sums.len(), "one sum a pair");
        for first in tokens.clone().step_by(TOKEN_BLOCK) {
            let n = TOKEN_BLOCK.min(tokens.end - first);
            for p in 0..pairs.len() {
                let (i, j) = pairs[p];
                let a = &a[i as usize * n_tokens + first..][..n];
                let b = &b[j as usize * n_tokens + first..][..n];
                sums[p] += f64::from(lane_dot(a, b));
            }
        }
    }
}
