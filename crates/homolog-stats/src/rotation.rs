//! Haar-distributed orthogonal matrices from a documented generator.

#[cfg(test)]
mod tests;

use homolog_kernels::{Operand, product_f64};

/// Rows that are orthonormalised one by one.
const FEW_ROWS: usize = 16;

/// A random orthogonal matrix [n, n], row-major, Haar-distributed (its determinant may be -1).
///
/// G is filled row by row with Gaussians: `SplitMix64` with initial state `state`, outputs z; u = (z >> 11) 2^-53; Box-Muller
/// on consecutive pairs, r = sqrt(-2 ln(1 - u0)), giving r cos(2 pi u1), r sin(2 pi u1). Q = Gram-Schmidt over the rows of G
/// in order, each normalised to positive scale.
/// Precision: |Q Q^T - I| below 1e-12 (test `is_orthogonal`).
/// Source: Steele, Lea, Flood 2014 (`SplitMix64`); Mezzadri 2007, math-ph/0609050 (Haar measure by QR with positive diagonal).
pub fn haar_rotation(n: usize, state: u64) -> Vec<f64> {
    let mut q = gaussians(n * n, state);
    orthonormalise(&mut q, n);
    q
}

/// Gram-Schmidt over rows of `n` values, in order: the first half, its part taken out of the second half, the second half. So most
/// of the work is products of large matrices.
fn orthonormalise(rows: &mut [f64], n: usize) {
    let n_rows = rows.len() / n;
    if n_rows > FEW_ROWS {
        let (first, second) = rows.split_at_mut(n_rows / 2 * n);
        orthonormalise(first, n);
        // Twice is enough (Giraud et al. 2005): the second pass removes what rounding left of the first.
        for _ in 0..2 {
            project_out(first, second, n);
        }
        return orthonormalise(second, n);
    }
    for row in 0..n_rows {
        let (before, after) = rows.split_at_mut(row * n);
        let row = &mut after[..n];
        for _ in 0..2 {
            for other in before.chunks_exact(n) {
                let along = dot(row, other);
                row.iter_mut().zip(other).for_each(|(x, y)| *x -= along * y);
            }
        }
        let norm = dot(row, row).sqrt();
        for x in row {
            *x /= norm;
        }
    }
}

/// Sum of products, in eight sums that are added at the end: one after another they would wait for each other.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    for (a, b) in a.iter().zip(b) {
        (0..8).for_each(|i| sums[i] += a[i] * b[i]);
    }
    sums.iter().sum::<f64>() + a_rest.iter().zip(b_rest).map(|(x, y)| x * y).sum::<f64>()
}

/// rows -= (rows done^T) done
fn project_out(done: &[f64], rows: &mut [f64], n: usize) {
    let done = Operand { values: done, n_columns: n, is_transposed: false };
    let n_done = done.values.len() / n;
    let mut dots = vec![0.0; rows.len() / n * n_done];
    let of_rows = Operand { values: &*rows, ..done };
    product_f64(0.0, 1.0, of_rows, Operand { is_transposed: true, ..done }, &mut dots);
    let dots = Operand { values: &dots, n_columns: n_done, is_transposed: false };
    product_f64(1.0, -1.0, dots, done, rows);
}

/// A random matrix [n, n], row-major, whose rows are Gaussian and of unit norm: not orthogonal.
///
/// The Gaussians are those that [`haar_rotation`] begins with for the same state, so its first row is the same.
/// Precision: norms within 1e-12 of 1 (test `gaussian_rows_have_unit_norm`).
/// Source: Gurnee et al. 2024, arXiv:2401.12181, equation 3 (their random baseline).
pub fn gaussian_rows(n: usize, state: u64) -> Vec<f64> {
    let mut rows = gaussians(n * n, state);
    for row in rows.chunks_exact_mut(n) {
        let norm = row.iter().map(|x| x * x).sum::<f64>().sqrt();
        for x in row {
            *x /= norm;
        }
    }
    rows
}

fn gaussians(n: usize, state: u64) -> Vec<f64> {
    let mut state = state;
    let mut uniform = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        (mix64(state) >> 11) as f64 * 2.0_f64.powi(-53)
    };
    let mut values = Vec::with_capacity(n + 1);
    while values.len() < n {
        let (u0, u1) = (uniform(), uniform());
        let r = (-2.0 * (1.0 - u0).ln()).sqrt();
        let (sin, cos) = (2.0 * std::f64::consts::PI * u1).sin_cos();
        values.extend([r * cos, r * sin]);
    }
    values.truncate(n);
    values
}

/// The output function of `SplitMix64`; `mix64(0)` = 0.
fn mix64(z: u64) -> u64 {
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Initial state of the generator for one layer of one model in one draw: mix64(seed) + 1000 model + layer + 1,000,000 draw.
pub fn rotation_state(rng_seed: u64, model_idx: usize, layer: usize, draw: usize) -> u64 {
    let offset = (model_idx as u64).wrapping_mul(1000).wrapping_add(layer as u64);
    mix64(rng_seed).wrapping_add(offset).wrapping_add((draw as u64).wrapping_mul(1_000_000))
}
