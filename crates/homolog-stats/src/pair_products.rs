//! Correlations of chosen pairs of neurons, streamed: of a matrix of millions only the elements that are asked for.

#[cfg(test)]
mod tests;

use homolog_kernels::add_dots;

use crate::{Chunk, Marginal};

/// Sums of products of some neurons of a layer of a with some of a layer of b.
///
/// Memory: 16 bytes a pair.
#[derive(Clone, Debug)]
pub struct PairProducts {
    /// (neuron of a, neuron of b) by index within their layers, ascending.
    pairs: Vec<(u32, u32)>,
    sums: Vec<f64>,
}

impl PairProducts {
    /// Zero sums of the given pairs; one that is named twice is kept once.
    pub fn new(mut pairs: Vec<(u32, u32)>) -> Self {
        pairs.sort_unstable();
        pairs.dedup();
        let sums = vec![0.0; pairs.len()];
        Self { pairs, sums }
    }

    /// Add a chunk of each side, packed and transposed: the same tokens in the same order.
    pub fn add(&mut self, a: &Chunk, b: &Chunk) {
        assert_eq!(a.n_tokens(), b.n_tokens(), "both sides hold the same tokens");
        add_dots(a.by_neuron(), b.by_neuron(), a.n_tokens(), &self.pairs, &mut self.sums);
    }

    /// Every pair, ascending, and its Pearson correlation; NaN where a neuron is constant.
    ///
    /// Shapes: `a`, `b` the marginals of all neurons of the two layers. The estimate and its source are those of
    /// [`crate::CrossCovariance::into_correlation`]; precision: within 2e-6 of two-pass f64 (test `agrees_with_the_whole_matrix`).
    pub fn into_correlations(self, n_tokens: u64, a: &[Marginal], b: &[Marginal]) -> Vec<((u32, u32), f64)> {
        let scale = 1.0 / n_tokens as f64;
        let of_pair = |((i, j), sum): ((u32, u32), f64)| {
            let (a, b) = (a[i as usize], b[j as usize]);
            ((i, j), (sum * scale - a.mean * b.mean) / (a.sd * b.sd))
        };
        self.pairs.into_iter().zip(self.sums).map(of_pair).collect()
    }
}
