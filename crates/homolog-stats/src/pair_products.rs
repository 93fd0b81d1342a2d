//! Correlations of chosen pairs of neurons, streamed: of a matrix of millions only the elements that are asked for.

#[cfg(test)]
mod tests;

use std::ops::Range;

use homolog_kernels::add_dots;

use crate::{BlockMoments, Chunk, Marginal, PairSums};

/// Sums of products of some neurons of a layer of a with some of a layer of b, by block of tokens.
///
/// Memory: 8 bytes a pair, and 8 more for each block.
#[derive(Clone, Debug)]
pub struct PairProducts {
    /// (neuron of a, neuron of b) by index within their layers, ascending.
    pairs: Vec<(u32, u32)>,
    /// [`n_blocks`, `n_pairs`]
    sums: Vec<f64>,
}

impl PairProducts {
    /// Zero sums of the given pairs; one that is named twice is kept once.
    pub fn new(mut pairs: Vec<(u32, u32)>, n_blocks: usize) -> Self {
        pairs.sort_unstable();
        pairs.dedup();
        let sums = vec![0.0; n_blocks * pairs.len()];
        Self { pairs, sums }
    }

    /// Add a chunk of each side, transposed: the same tokens in the same order. All are of the first block.
    pub fn add(&mut self, a: &Chunk, b: &Chunk) {
        self.add_block(a, b, 0, 0..a.n_tokens());
    }

    /// Add some tokens of a chunk to a block.
    pub fn add_block(&mut self, a: &Chunk, b: &Chunk, block: usize, tokens: Range<usize>) {
        assert_eq!(a.n_tokens(), b.n_tokens(), "both sides hold the same tokens");
        let n = self.pairs.len();
        let sums = &mut self.sums[block * n..(block + 1) * n];
        add_dots(a.by_neuron(), b.by_neuron(), a.n_tokens(), tokens, &self.pairs, sums);
    }

    /// Every pair, ascending, and its Pearson correlation; NaN where a neuron is constant.
    ///
    /// Shapes: `a`, `b` the marginals of all neurons of the two layers. The estimate and its source are those of
    /// [`crate::CrossCovariance::into_correlation`]; precision: within 2e-6 of two-pass f64 (test `agrees_with_the_whole_matrix`).
    pub fn into_correlations(self, n_tokens: u64, a: &[Marginal], b: &[Marginal]) -> Vec<((u32, u32), f64)> {
        let scale = 1.0 / n_tokens as f64;
        let n = self.pairs.len();
        let of_pair = |(at, &(i, j)): (usize, &(u32, u32))| {
            let (a, b) = (a[i as usize], b[j as usize]);
            let sum: f64 = self.sums.iter().skip(at).step_by(n).sum();
            ((i, j), (sum * scale - a.mean * b.mean) / (a.sd * b.sd))
        };
        self.pairs.iter().enumerate().map(of_pair).collect()
    }

    /// Of one pair everything that its correlation takes, block by block, into `blocks` [`n_blocks`].
    ///
    /// Shapes: `a`, `b` of all neurons of the two layers, over the same blocks. Panics if the pair was not asked for.
    pub fn block_sums(&self, pair: (u32, u32), a: &BlockMoments, b: &BlockMoments, blocks: &mut [PairSums]) {
        let at = self.pairs.binary_search(&pair).expect("a pair that was asked for");
        for (block, sums) in blocks.iter_mut().enumerate() {
            let n = a.n_tokens(block) as f64;
            let ([a, aa], [b, bb]) = (a.sums(block, pair.0), b.sums(block, pair.1));
            *sums = PairSums { n, a, b, aa, bb, ab: self.sums[block * self.pairs.len() + at] };
        }
    }
}
