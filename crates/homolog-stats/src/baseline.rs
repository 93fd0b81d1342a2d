//! The rotation baseline: the best correlation with another model whose neurons were rotated within their layer.

#[cfg(test)]
mod tests;

use homolog_kernels::{Operand, Packed, Precision, product, product_f64};
use rayon::prelude::*;

use crate::Correlation;

/// Neurons whose rotated correlations are computed together.
const BLOCK: usize = 96;

/// One layer of a model, rotated: b'(t)[m] = sum over n of Q[m, n] b(t)[n].
pub struct RotatedLayer {
    /// diag(sd) Q^T, [n, m]: a correlation with b's neurons times this is cov(a, b') / sd(a).
    weights: Packed,
    /// 1 / sd(b'_m); 0 where the rotated direction is constant, so that it never wins.
    inverse_sd: Vec<f32>,
}

impl RotatedLayer {
    /// 1 / sd of each rotated neuron, 0 where it is constant, from the rotation Q [n, n] and the layer's covariance [n, n].
    ///
    /// var(b')_m = (Q Cov Q^T)_mm: no activation is rotated.
    pub fn inverse_sd(q: &[f64], covariance: &[f64]) -> Vec<f32> {
        let n = q.len().isqrt();
        assert!(q.len() == n * n && covariance.len() == n * n, "rotation and covariance of the same neurons");
        let square = |values| Operand { values, n_columns: n, is_transposed: false };
        let mut q_cov = vec![0.0; n * n];
        product_f64(0.0, 1.0, square(q), square(covariance), &mut q_cov);
        let rows = q_cov.chunks_exact(n).zip(q.chunks_exact(n));
        let variances = rows.map(|(q_cov, q)| q_cov.iter().zip(q).map(|(x, y)| x * y).sum::<f64>());
        variances.map(|var| if var > 0.0 { (1.0 / var.sqrt()) as f32 } else { 0.0 }).collect()
    }

    /// From the rotation Q [n, n], the standard deviations of the layer's neurons (NaN: constant), and the spread of the
    /// rotated ones by [`RotatedLayer::inverse_sd`]; for products of the study's precision, but of bf16x3 where that is bf16:
    /// rounding correlations and rotation once more would double the baseline's error (measured on the fixture family: rms 3.5e-4
    /// instead of 1.9e-4), and these products are 2 n / `n_tokens` of the work at most.
    pub fn new(q: &[f64], sd: &[f64], inverse_sd: Vec<f32>, precision: Precision) -> Self {
        let n = sd.len();
        assert!(q.len() == n * n && inverse_sd.len() == n, "rotation and spreads of {n} neurons");
        // A constant neuron adds nothing to any rotated direction.
        let sd: Vec<f64> = sd.iter().map(|&sd| if sd.is_nan() { 0.0 } else { sd }).collect();
        let scaled: Vec<f32> =
            q.chunks_exact(n).flat_map(|row| row.iter().zip(&sd).map(|(q, sd)| (q * sd) as f32)).collect();
        let precision = if precision == Precision::Bf16 { Precision::Bf16x3 } else { precision };
        Self { weights: Packed::from_columns_in(precision, &scaled, n, n, n), inverse_sd }
    }

    /// Whether every rotated direction is constant: then no correlation with this layer is defined.
    fn is_constant(&self) -> bool {
        self.inverse_sd.iter().all(|&inverse| inverse == 0.0)
    }
}

/// For every neuron of one side, the largest correlation with the rotated neurons of the other side's layer.
///
/// `maxima` holds the running maximum over the layers seen so far (NaN: none yet). With `is_transposed` false the neurons are
/// the rows of `correlation` and `rotated` is its column layer; with true the other way round.
/// cov(a, Q b) = cov(a, b) Q^T. Precision: f32 products of f64 correlations; within 2e-6 of f64 (test `agrees_with_rotated_activations`).
/// Source: Gurnee et al. 2024, arXiv:2401.12181, equation 3, with an orthogonal rotation in place of unit-norm Gaussian rows.
pub fn baseline_maxima(correlation: &Correlation, is_transposed: bool, rotated: &RotatedLayer, maxima: &mut [f64]) {
    if rotated.is_constant() {
        return;
    }
    let n = rotated.inverse_sd.len();
    let n_b = correlation.n_b;
    maxima.par_chunks_mut(BLOCK).enumerate().for_each(|(block, maxima)| {
        let first = block * BLOCK;
        let at = |i: usize, j: usize| {
            let (row, column) = if is_transposed { (j, first + i) } else { (first + i, j) };
            correlation.values[row * n_b + column]
        };
        let mut rows = vec![0.0_f32; maxima.len() * n];
        for (i, row) in rows.chunks_exact_mut(n).enumerate() {
            for (j, value) in row.iter_mut().enumerate() {
                // NaN where the other neuron is constant: its covariance is 0. Constant rows are left out below.
                let corr = at(i, j);
                *value = if corr.is_nan() { 0.0 } else { corr as f32 };
            }
        }
        let mut products = vec![0.0; rows.len()];
        product((&rows, n), &rotated.weights, 0..n, None, (&mut products, n));
        for (i, (products, maximum)) in products.chunks_exact(n).zip(maxima).enumerate() {
            if (0..n).all(|j| at(i, j).is_nan()) {
                continue;
            }
            for (&product, &inverse_sd) in products.iter().zip(&rotated.inverse_sd) {
                let corr = f64::from(product * inverse_sd);
                if inverse_sd != 0.0 && (maximum.is_nan() || corr > *maximum) {
                    *maximum = corr;
                }
            }
        }
    });
}
