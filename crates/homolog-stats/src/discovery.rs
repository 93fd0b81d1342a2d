//! False discovery rates: p-values of a family of hypotheses to q-values.

#[cfg(test)]
mod tests;

/// Adjusted p-values of Benjamini and Hochberg: rejecting where q <= a bounds the expected share of false ones among the rejected
/// by a.
///
/// With the m defined p-values in ascending order, q_(k) = min over l >= k of p_(l) m / l, at most 1.
///
/// The family is what is passed: an undefined p-value stays undefined and does not count in m.
/// Assumes: p-values that are uniform, or larger, where there is nothing to find, and independent or positively dependent; else
/// [`benjamini_yekutieli`].
/// Panics: at a p-value outside [0, 1].
/// Source: Benjamini and Hochberg 1995, J. R. Statist. Soc. B 57, 289-300, procedure (1); as q-values: Yekutieli and Benjamini
/// 1999, J. Statist. Plann. Inference 82, 171-196, definition 2.4.
pub fn benjamini_hochberg(p: &[Option<f64>]) -> Vec<Option<f64>> {
    step_up(p, |_| 1.0)
}

/// The same under any dependence: larger by 1 + 1/2 + ... + 1/m.
///
/// Source: Benjamini and Yekutieli 2001, Annals of Statistics 29, 1165-1188, theorem 1.3.
pub fn benjamini_yekutieli(p: &[Option<f64>]) -> Vec<Option<f64>> {
    // From the smallest term on, so that the sum loses nothing.
    step_up(p, |m| (1..=m).rev().map(|k| 1.0 / k as f64).sum())
}

fn step_up(p: &[Option<f64>], correction: impl Fn(usize) -> f64) -> Vec<Option<f64>> {
    let mut order: Vec<(f64, usize)> = p.iter().enumerate().filter_map(|(at, p)| p.map(|p| (p, at))).collect();
    assert!(order.iter().all(|(p, _)| (0.0..=1.0).contains(p)), "p-values lie between 0 and 1");
    order.sort_unstable_by(|x, y| x.0.total_cmp(&y.0).then(x.1.cmp(&y.1)));
    let factor = order.len() as f64 * correction(order.len());
    let mut q = vec![None; p.len()];
    let mut smallest = 1.0_f64;
    for (rank, &(p, at)) in order.iter().enumerate().rev() {
        // A quotient of at least 1 first: no rounding can carry q below p.
        smallest = smallest.min(p * (factor / (rank + 1) as f64));
        q[at] = Some(smallest);
    }
    q
}
