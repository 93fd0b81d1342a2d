//! A tail beyond what a sample holds: a generalised Pareto distribution fitted to its largest values.

#[cfg(test)]
mod tests;

/// Exceedances that are fitted at most: Knijnenburg et al. begin with 250.
const MAX_EXCEEDANCES: usize = 250;

/// Fewer say too little of a tail's shape, whose standard error is the root of 4/3 over their number near shape 0: 0.16 here, 0.07 at 250.
const MIN_EXCEEDANCES: usize = 50;

/// Of a sample, at most one value in so many counts as tail.
const TAIL_SHARE: usize = 20;

/// Values above a threshold: P(X > t + x | X > t) = (1 + shape x / scale)^(-1 / shape), exp(-x / scale) at shape 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ParetoTail {
    /// The value above which the tail begins, t.
    pub threshold: f64,
    /// Scale of the exceedances.
    pub scale: f64,
    /// 0 or larger: a bounded tail would say that what lies beyond is impossible.
    pub shape: f64,
    /// Chance of a value above the threshold.
    pub share: f64,
}

impl ParetoTail {
    /// Fit to the largest values of a sample in ascending order: a twentieth of them, at most 250.
    ///
    /// Probability-weighted moments of the n exceedances x_(1) <= ... <= x_(n): a_0 = mean, a_1 = mean of
    /// x_(j) (n - j) / (n - 1); shape = 2 - a_0 / (a_0 - 2 a_1), scale = 2 a_0 a_1 / (a_0 - 2 a_1). A negative shape is set to 0, and
    /// then scale = a_0: such a tail is too heavy, never too light. `share` = (n + 1) / (size of the sample + 1).
    ///
    /// None for a sample of fewer than 1,000, or where the largest values are all the same.
    /// Assumes: the threshold is high enough for the limit to hold; values that depend widen the fit's error, not its mean.
    /// Source: Hosking and Wallis 1987, Technometrics 29, 339-349, section 3.2 (their k is minus our shape); for p-values:
    /// Knijnenburg et al. 2009, Bioinformatics 25, i161-i168. Differs from the paper: no test of fit that lowers the number of
    /// exceedances, and no negative shape.
    pub fn fit(sorted: &[f64]) -> Option<Self> {
        let n = (sorted.len() / TAIL_SHARE).min(MAX_EXCEEDANCES);
        if n < MIN_EXCEEDANCES {
            return None;
        }
        let (rest, largest) = sorted.split_at(sorted.len() - n);
        let threshold = *rest.last()?;
        let mean = |values: &dyn Fn(usize) -> f64| (0..n).map(values).sum::<f64>() / n as f64;
        let a0 = mean(&|at| largest[at] - threshold);
        let a1 = mean(&|at| (largest[at] - threshold) * (n - 1 - at) as f64 / (n - 1) as f64);
        let difference = a0 - 2.0 * a1;
        // Comparisons with NaN are false.
        let is_spread = difference > 1e-12 * a0;
        let shape = 2.0 - a0 / difference;
        let (shape, scale) = if shape > 0.0 { (shape, 2.0 * a0 * a1 / difference) } else { (0.0, a0) };
        let share = (n + 1) as f64 / (sorted.len() + 1) as f64;
        is_spread.then_some(Self { threshold, scale, shape, share })
    }

    /// Chance of a value above `x`; `share` for an `x` at or below the threshold. Above 0 for every finite `x` up to underflow.
    pub fn survival(&self, x: f64) -> f64 {
        let excess = (x - self.threshold).max(0.0) / self.scale;
        // ln(1 + s e) / s is e within rounding long before it cannot be computed.
        let exponent = if self.shape * excess < 1e-12 { excess } else { (self.shape * excess).ln_1p() / self.shape };
        self.share * (-exponent).exp()
    }
}
