//! Intervals from resampled units: rows of tokens drawn with replacement, every estimate over the same draws.
//!
//! Units are what is independent: whole rows or documents, not tokens. Intervals of correlations come from the jackknife
//! (`jackknife.rs`); here are those of means and of anything that is computed again for every resample.

#[cfg(test)]
mod tests;

use statrs::distribution::{ContinuousCDF, Normal};

use crate::sampling::{below, stream};

/// Resamples of units, as how often each unit is in each.
///
/// A resample draws as many units as there are, each time any of them with equal chance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resamples {
    n_units: usize,
    len: usize,
    /// [n_resamples][n_units].
    counts: Vec<u32>,
}

impl Resamples {
    /// Draw by the `ChaCha20` stream of `key`, each word little-endian; bounded numbers by rejection. More resamples of the same
    /// key begin with the fewer.
    ///
    /// Memory: 4 n_units n_resamples bytes.
    pub fn new(n_units: usize, n_resamples: usize, key: [u64; 4]) -> Self {
        let mut rng = stream(key);
        let mut counts = vec![0; n_units * n_resamples];
        for resample in 0..n_resamples {
            let counts = &mut counts[resample * n_units..][..n_units];
            (0..n_units).for_each(|_| counts[below(&mut rng, n_units as u64) as usize] += 1);
        }
        Self { n_units, len: n_resamples, counts }
    }

    /// Number of resamples.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no resample.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Number of units.
    pub fn n_units(&self) -> usize {
        self.n_units
    }

    /// How often each unit is in a resample.
    ///
    /// Shapes: returns [n_units], of sum `n_units`.
    pub fn counts(&self, resample: usize) -> &[u32] {
        &self.counts[resample * self.n_units..][..self.n_units]
    }

    /// Mean of `values` over each resample.
    ///
    /// mean_b = v_0 + sum over i of c_bi (v_i - v_0) / n: equal values have exactly equal means, and values of a binary grid
    /// (counts, shares of a power of two) means whose ties are exact.
    ///
    /// Shapes: `values` [n_units]; returns [n_resamples]. Undefined: NaN for no units, and for values that are not finite.
    pub fn means(&self, values: &[f64]) -> Vec<f64> {
        assert_eq!(values.len(), self.n_units, "a value a unit");
        let deviations = Deviations::new(values);
        let mean_of = |resample| {
            let counts = self.counts(resample).iter();
            deviations.mean(counts.zip(&deviations.values).map(|(&count, x)| f64::from(count) * x).sum(), self.n_units)
        };
        (0..self.len).map(mean_of).collect()
    }
}

/// Values less the first of them.
struct Deviations {
    first: f64,
    values: Vec<f64>,
}

impl Deviations {
    fn new(values: &[f64]) -> Self {
        let first = values.first().copied().unwrap_or(f64::NAN);
        Self { first, values: values.iter().map(|x| x - first).collect() }
    }

    fn mean(&self, sum: f64, n: usize) -> f64 {
        self.first + sum / n as f64
    }
}

/// Interval of an estimate from its replicates, corrected for bias and for a standard error that changes with what is estimated.
///
/// With B replicates t_b, n estimates t_(i) without one unit each, m their mean, Phi the normal distribution function and
/// z = Phi^-1((1 - level) / 2) or Phi^-1((1 + level) / 2):
///
/// z0 = Phi^-1((#{t_b < estimate} + #{t_b <= estimate}) / 2B), a = sum of (m - t_(i))^3 / 6 (sum of (m - t_(i))^2)^1.5
///
/// and the ends are the quantiles Phi(z0 + (z0 + z) / (1 - a (z0 + z))) of the replicates, between order statistics
/// interpolated linearly: of q, at place q (B - 1). Equal replicates give (`estimate`, `estimate`).
///
/// Shapes: `replicates` [n_resamples], `without` [n_units].
/// Undefined: none for fewer than two units, for no replicates, where anything is not finite, where all replicates lie on one
/// side of the estimate, where no unit makes a difference though replicates differ, or where 1 - a (z0 + z) is not positive.
/// Assumes: units are independent and alike, and the estimate is a smooth function of means over them; a thousand replicates
/// or more (the ends of 95 % lie among the last 25 on either side).
/// Panics: unless `level` lies between 0 and 1.
/// Source: Efron 1987, J. Amer. Statist. Assoc. 82, 171-185 (BCa; a by the jackknife); ties by half and quantiles as
/// `scipy.stats.bootstrap` has them, with which it agrees (test `agrees_with_scipy`).
pub fn bca_interval(estimate: f64, replicates: &[f64], without: &[f64], level: f64) -> Option<(f64, f64)> {
    check_level(level);
    let all = replicates.iter().chain(without).chain([&estimate]);
    if without.len() < 2 || replicates.is_empty() || !all.into_iter().all(|x| x.is_finite()) {
        return None;
    }
    let sorted = sorted(replicates);
    if sorted[0] == sorted[sorted.len() - 1] {
        return Some((estimate, estimate));
    }
    let n_below = sorted.partition_point(|&t| t < estimate) + sorted.partition_point(|&t| t <= estimate);
    if n_below == 0 || n_below == 2 * sorted.len() {
        return None;
    }
    let normal = Normal::standard();
    let bias = normal.inverse_cdf(n_below as f64 / (2 * sorted.len()) as f64);
    let acceleration = acceleration(without)?;
    let end = |tail: f64| {
        let reach = bias + normal.inverse_cdf(tail);
        let stretch = 1.0 - acceleration * reach;
        (stretch > 0.0).then(|| quantile(&sorted, normal.cdf(bias + reach / stretch)))
    };
    Some((end((1.0 - level) / 2.0)?, end(f64::midpoint(1.0, level))?))
}

/// A sixth of the skewness of a unit's influence, over the square root of the number of units.
fn acceleration(without: &[f64]) -> Option<f64> {
    let mean = without.iter().sum::<f64>() / without.len() as f64;
    let power = |k: i32| without.iter().map(|x| (mean - x).powi(k)).sum::<f64>();
    let acceleration = power(3) / (6.0 * power(2).powf(1.5));
    acceleration.is_finite().then_some(acceleration)
}

/// Interval of an estimate as the quantiles (1 - level) / 2 and (1 + level) / 2 of its replicates.
///
/// Replicates may be +infinity, as "not reached" is; so may the ends be. An end between a finite replicate and an infinite one
/// is infinite.
///
/// Shapes: `replicates` [n_resamples]. Undefined: none for no replicates, a NaN or -infinity.
/// Assumes: replicates spread about the estimate as it does about the truth, without bias or skewness: [`bca_interval`] corrects
/// for both where replicates are finite.
/// Panics: unless `level` lies between 0 and 1.
/// Source: Efron 1979, Annals of Statistics 7, 1-26; quantiles interpolated linearly, as in [`bca_interval`].
pub fn percentile_interval(replicates: &[f64], level: f64) -> Option<(f64, f64)> {
    check_level(level);
    if replicates.is_empty() || replicates.iter().any(|t| t.is_nan() || *t == f64::NEG_INFINITY) {
        return None;
    }
    let sorted = sorted(replicates);
    Some((quantile(&sorted, (1.0 - level) / 2.0), quantile(&sorted, f64::midpoint(1.0, level))))
}

/// Interval of the mean of one value a unit, by [`bca_interval`]: of paired differences, that of the mean difference.
///
/// Shapes: `values` [n_units]. Undefined: as [`bca_interval`]. Panics: unless there is a value for every unit of `resamples`.
/// Assumes: units are independent and alike. Too narrow for few units of a heavy tail: see docs/method.md.
pub fn mean_bca(values: &[f64], resamples: &Resamples, level: f64) -> Option<(f64, f64)> {
    let replicates = resamples.means(values);
    let n = values.len();
    if n < 2 {
        return None;
    }
    let deviations = Deviations::new(values);
    let sum: f64 = deviations.values.iter().sum();
    let without: Vec<f64> = deviations.values.iter().map(|x| deviations.mean(sum - x, n - 1)).collect();
    bca_interval(deviations.mean(sum, n), &replicates, &without, level)
}

fn check_level(level: f64) {
    assert!(level > 0.0 && level < 1.0, "an interval's coverage lies between 0 and 1, not at {level}");
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted
}

/// Of ascending values, linear between them.
fn quantile(sorted: &[f64], q: f64) -> f64 {
    let place = q * (sorted.len() - 1) as f64;
    let at = place as usize;
    let (low, share) = (sorted[at], place - at as f64);
    let high = sorted[(at + 1).min(sorted.len() - 1)];
    // Between two infinite values, and at a value before an infinite one, the line has no slope.
    if low == high || share == 0.0 { low } else { low + share * (high - low) }
}
