//! The covariance of two layers, accumulated over chunks of tokens, and the correlation it gives.

#[cfg(test)]
mod tests;

use homolog_kernels::accumulate_gram;
use rayon::prelude::*;

use crate::{BestMatch, ChosenNeurons, Chunk, CrossFit, Extremes};

/// Mean and population standard deviation of one neuron's centred activations; `sd` is NaN for a constant neuron.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Marginal {
    /// Mean of the values as centred by the provisional mean: near 0.
    pub mean: f64,
    /// Population standard deviation, NaN when constant.
    pub sd: f64,
}

/// Neurons per task when columns are scanned: their states stay in cache.
const COLUMN_BLOCK: usize = 64;

/// Sums of products of one layer of model a with one layer of model b.
///
/// Memory: 8 `n_a` `n_b` bytes.
pub struct CrossCovariance {
    n_b: usize,
    /// [`n_a`, `n_b`]: sums of products; after [`CrossCovariance::into_correlation`] correlations.
    values: Vec<f64>,
}

/// Pearson correlation of every neuron of a layer of a with every neuron of a layer of b, [`n_a`, `n_b`]; NaN where undefined.
pub struct Correlation {
    pub(crate) n_b: usize,
    pub(crate) values: Vec<f64>,
}

impl CrossCovariance {
    /// Zero sums.
    pub fn new(n_a: usize, n_b: usize) -> Self {
        Self { n_b, values: vec![0.0; n_a * n_b] }
    }

    /// Add a packed chunk of each side: the same tokens in the same order.
    pub fn add(&mut self, a: &Chunk, b: &Chunk) {
        accumulate_gram(a.packed(), b.packed(), &mut self.values);
    }

    /// [`CrossCovariance::add`] with some neurons of a: the same bits as theirs among all.
    pub fn add_chosen(&mut self, a: &ChosenNeurons, b: &Chunk) {
        accumulate_gram(a.packed(), b.packed(), &mut self.values);
    }

    /// Add the sums over other tokens.
    pub fn merge(&mut self, other: &Self) {
        self.values.par_iter_mut().zip(&other.values).for_each(|(sum, other)| *sum += other);
    }

    /// Show every neuron of both sides its correlations on the two halves of the tokens that `halves` are sums over.
    ///
    /// Shapes: `a`, `b` the marginals within each half; `of_a` [`n_a`], `of_b` [`n_b`]. Neurons are numbered flat from `first_a` and
    /// `first_b`. The estimate is that of [`CrossCovariance::into_correlation`] within each half.
    pub fn cross_fit(
        halves: [&Self; 2],
        n_tokens: [u64; 2],
        [a, b]: [&[Vec<Marginal>; 2]; 2],
        (first_a, of_a): (u32, &mut [CrossFit]),
        (first_b, of_b): (u32, &mut [CrossFit]),
    ) {
        let n_b = halves[0].n_b;
        let corrs = |i: usize, j: usize| {
            std::array::from_fn(|half| {
                let (a, b) = (a[half][i], b[half][j]);
                (halves[half].values[i * n_b + j] / n_tokens[half] as f64 - a.mean * b.mean) / (a.sd * b.sd)
            })
        };
        of_a.par_iter_mut().enumerate().for_each(|(i, of_a)| {
            (0..n_b).for_each(|j| of_a.push(corrs(i, j), first_b + j as u32));
        });
        let n_a = halves[0].values.len() / n_b;
        of_b.par_chunks_mut(COLUMN_BLOCK).enumerate().for_each(|(block, of_b)| {
            for i in 0..n_a {
                let columns = of_b.iter_mut().enumerate();
                columns.for_each(|(j, of_b)| of_b.push(corrs(i, block * COLUMN_BLOCK + j), first_a + i as u32));
            }
        });
    }

    /// cov[i, j] = sum / N - `mean_i mean_j` (over N), in place of the sums.
    pub fn into_covariance(mut self, n_tokens: u64, a: &[Marginal], b: &[Marginal]) -> Vec<f64> {
        let scale = 1.0 / n_tokens as f64;
        self.values.par_chunks_exact_mut(self.n_b).zip(a).for_each(|(row, a)| {
            row.iter_mut().zip(b).for_each(|(sum, b)| *sum = *sum * scale - a.mean * b.mean);
        });
        self.values
    }

    /// corr[i, j] = cov[i, j] / (`sd_i sd_j`): population covariance and deviations, products over N.
    ///
    /// Shapes: `a` [`n_a`], `b` [`n_b`]. Undefined: NaN where either neuron is constant. Within [-1, 1] up to rounding, not
    /// clamped. Precision: within 2e-6 of two-pass f64 (test `agrees_with_two_pass`).
    /// Source: Gurnee et al. 2024, arXiv:2401.12181, appendix A.2 (streaming Pearson).
    pub fn into_correlation(self, n_tokens: u64, a: &[Marginal], b: &[Marginal]) -> Correlation {
        let n_b = self.n_b;
        let mut values = self.into_covariance(n_tokens, a, b);
        values.par_chunks_exact_mut(n_b).zip(a).for_each(|(row, a)| {
            row.iter_mut().zip(b).for_each(|(cov, b)| *cov /= a.sd * b.sd);
        });
        Correlation { n_b, values }
    }
}

impl Correlation {
    /// Row-major values, [`n_a`, `n_b`].
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Show every neuron of a its correlations with this layer of b, whose first neuron has flat number `first_b`.
    pub fn scan_rows(&self, first_b: usize, of_a: &mut [Extremes]) {
        self.values.par_chunks_exact(self.n_b).zip(of_a).for_each(|(row, extremes)| {
            for (j, &corr) in row.iter().enumerate() {
                extremes.push(corr, (first_b + j) as u32);
            }
        });
    }

    /// The same, keeping the largest alone.
    pub fn scan_rows_for_best(&self, first_b: usize, of_a: &mut [BestMatch]) {
        self.values.par_chunks_exact(self.n_b).zip(of_a).for_each(|(row, best)| {
            row.iter().enumerate().for_each(|(j, &corr)| best.push(corr, (first_b + j) as u32));
        });
    }

    /// Raise the running maximum of every neuron of a to its largest correlation with this layer of b; NaN is "none yet".
    pub fn raise_row_maxima(&self, of_a: &mut [f64]) {
        self.values.par_chunks_exact(self.n_b).zip(of_a).for_each(|(row, maximum)| {
            for &corr in row {
                raise(maximum, corr);
            }
        });
    }

    /// Raise the running maximum of every neuron of b to its largest correlation with this layer of a.
    pub fn raise_column_maxima(&self, of_b: &mut [f64]) {
        of_b.par_chunks_mut(COLUMN_BLOCK).enumerate().for_each(|(block, of_b)| {
            let first_column = block * COLUMN_BLOCK;
            for row in self.values.chunks_exact(self.n_b) {
                let row = &row[first_column..first_column + of_b.len()];
                row.iter().zip(&mut *of_b).for_each(|(&corr, maximum)| raise(maximum, corr));
            }
        });
    }

    /// Show every neuron of b its correlations with the neurons of a, whose flat numbers are `numbers_a` [`n_a`].
    pub fn scan_columns(&self, numbers_a: &[u32], of_b: &mut [Extremes]) {
        of_b.par_chunks_mut(COLUMN_BLOCK).enumerate().for_each(|(block, of_b)| {
            let first_column = block * COLUMN_BLOCK;
            for (row, &number) in self.values.chunks_exact(self.n_b).zip(numbers_a) {
                let row = &row[first_column..first_column + of_b.len()];
                for (&corr, extremes) in row.iter().zip(&mut *of_b) {
                    extremes.push(corr, number);
                }
            }
        });
    }

    /// [`Correlation::scan_rows_for_best`] of every neuron of b, over the neurons of a from `first_a`.
    pub fn scan_columns_for_best(&self, first_a: usize, of_b: &mut [BestMatch]) {
        of_b.par_chunks_mut(COLUMN_BLOCK).enumerate().for_each(|(block, of_b)| {
            let first_column = block * COLUMN_BLOCK;
            for (i, row) in self.values.chunks_exact(self.n_b).enumerate() {
                let row = &row[first_column..first_column + of_b.len()];
                row.iter().zip(&mut *of_b).for_each(|(&corr, best)| best.push(corr, (first_a + i) as u32));
            }
        });
    }
}

/// The larger of two, where NaN is undefined and never wins.
fn raise(maximum: &mut f64, corr: f64) {
    if maximum.is_nan() || corr > *maximum {
        *maximum = corr;
    }
}
