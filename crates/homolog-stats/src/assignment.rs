//! One-to-one matching of two layers' neurons.

#[cfg(test)]
mod tests;

use pathfinding::kuhn_munkres::kuhn_munkres;
use pathfinding::matrix::Matrix;

/// Correlations as integers: steps of 2^-36, 1.5e-11, far below what products in f32 know.
const STEPS: f64 = (1_u64 << 36) as f64;

/// An undefined correlation between two neurons that have defined ones: worse than all that can be gained elsewhere in a layer of
/// 8,192 neurons, and so small that a total of as many fits an i64.
const UNDEFINED: i64 = -(1 << 50);

/// Partner in b of every neuron of a in the one-to-one matching of the largest total correlation.
///
/// The matching m maximises the sum over matched i of corr[i, m(i)] among all that match as many neurons as the smaller
/// layer has: a partner is not yet a good one, and pure noise is matched to the last neuron.
///
/// Shapes: `corr` [n_a, n_b], row-major; returns [n_a]; either side may be the larger, and then some of it have no partner.
/// Undefined: a neuron whose correlations are all NaN takes no part; a pair that is NaN is never matched.
/// Ties: of matchings with the same total (in steps of 2^-36) always the same one is taken; which one is not specified.
/// Work: O(min^2 max); 0.03 s at 512 x 512 and 1 to 2 s at 3072 x 3072 (docs/method.md).    Memory: 8 n_a n_b bytes.
/// Panics: if `corr` is of another size.
/// Source: Kuhn 1955 and Munkres 1957, in the form of `pathfinding` 4.
pub fn one_to_one(corr: &[f64], n_a: usize, n_b: usize) -> Vec<Option<u32>> {
    assert_eq!(corr.len(), n_a * n_b, "correlations of {n_a} neurons with {n_b}");
    let rows: Vec<usize> = (0..n_a).filter(|i| (0..n_b).any(|j| !corr[i * n_b + j].is_nan())).collect();
    let columns: Vec<usize> = (0..n_b).filter(|j| rows.iter().any(|i| !corr[i * n_b + j].is_nan())).collect();
    let mut partners = vec![None; n_a];
    if rows.is_empty() {
        return partners;
    }
    let weight = |i: usize, j: usize| {
        let corr = corr[i * n_b + j];
        // Saturates; no correlation is large enough to.
        if corr.is_nan() { UNDEFINED } else { (corr * STEPS).round() as i64 }
    };
    let mut pair = |i: usize, j: usize| {
        if !corr[i * n_b + j].is_nan() {
            partners[i] = Some(j as u32);
        }
    };
    // The smaller side must be that of the rows.
    if rows.len() <= columns.len() {
        let weights = Matrix::from_fn(rows.len(), columns.len(), |(row, column)| weight(rows[row], columns[column]));
        kuhn_munkres(&weights).1.into_iter().enumerate().for_each(|(row, column)| pair(rows[row], columns[column]));
    } else {
        let weights = Matrix::from_fn(columns.len(), rows.len(), |(column, row)| weight(rows[row], columns[column]));
        kuhn_munkres(&weights).1.into_iter().enumerate().for_each(|(column, row)| pair(rows[row], columns[column]));
    }
    partners
}
