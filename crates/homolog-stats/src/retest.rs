//! How many members of a set are found again on other tokens: what persistence can reach where nothing else changes.

#[cfg(test)]
mod tests;

use statrs::distribution::{ContinuousCDF, Normal};

use crate::Overlap;

/// Mean of the shares of either set that is in the other; none where one is empty.
///
/// Of two halves A and B of the tokens: retest = (|A and B| / |A| + |A and B| / |B|) / 2. It is that of half the tokens, and all of them
/// would find more again.
pub fn retest(halves: &Overlap) -> Option<f64> {
    let of = |n: u64| (n > 0).then(|| halves.n_both as f64 / n as f64);
    Some(f64::midpoint(of(halves.n_from)?, of(halves.n_to)?))
}

/// Share of those above `threshold` expected to be above it again on as many fresh tokens; none where nobody is.
///
/// Mean of Phi((e - threshold) / (sqrt(2) se)) over the estimates e above the threshold: a second estimate differs from the first by
/// sqrt(2) se. An estimate without a standard error, or with one of 0, stays.
/// Assumes: errors are normal and the same in both samples, and estimates not chosen. They are chosen: the largest of noisy estimates are
/// too large, so the truth lies lower.
pub fn expected_retest(estimates: impl IntoIterator<Item = (f64, Option<f64>)>, threshold: f64) -> Option<f64> {
    let standard = Normal::standard();
    let again = |(estimate, se): (f64, Option<f64>)| match se.filter(|&se| se > 0.0) {
        Some(se) => standard.cdf((estimate - threshold) / (std::f64::consts::SQRT_2 * se)),
        None => 1.0,
    };
    let above = estimates.into_iter().filter(|&(estimate, _)| estimate > threshold);
    let (n, sum) = above.map(again).fold((0_u64, 0.0), |(n, sum), share| (n + 1, sum + share));
    (n > 0).then(|| sum / n as f64)
}
