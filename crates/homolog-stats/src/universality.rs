//! Excess correlation and universality of one neuron.

#[cfg(test)]
mod tests;

/// How a neuron of model a does against one other model b.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairScore {
    /// max over j of corr(i, j).
    pub max_corr: f64,
    /// The same against b rotated, mean over draws.
    pub baseline: f64,
}

/// Scores of one neuron over the other models; all none if it is undefined against every one.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Universality {
    /// Largest, mean and smallest `max_corr` over the other models.
    pub max_corr: Option<f64>,
    /// See above.
    pub mean_corr: Option<f64>,
    /// See above.
    pub min_corr: Option<f64>,
    /// Largest, mean and smallest baseline over the other models.
    pub max_baseline: Option<f64>,
    /// See above.
    pub mean_baseline: Option<f64>,
    /// See above.
    pub min_baseline: Option<f64>,
    /// Mean over the other models of `max_corr` - baseline.
    pub excess_corr: Option<f64>,
}

impl Universality {
    /// excess = mean over b != a of (`max_corr^{ab} - baseline^{ab}`); a pair that is undefined drops out.
    ///
    /// Source: Gurnee et al. 2024, arXiv:2401.12181, equation 3; Nandan et al. 2025, arXiv:2508.00903.
    pub fn of(scores: &[Option<PairScore>]) -> Self {
        let defined: Vec<PairScore> = scores.iter().flatten().copied().collect();
        if defined.is_empty() {
            return Self::default();
        }
        let mean = |value: fn(&PairScore) -> f64| defined.iter().map(value).sum::<f64>() / defined.len() as f64;
        let largest = |value: fn(&PairScore) -> f64| defined.iter().map(value).reduce(f64::max);
        let smallest = |value: fn(&PairScore) -> f64| defined.iter().map(value).reduce(f64::min);
        Self {
            max_corr: largest(|s| s.max_corr),
            mean_corr: Some(mean(|s| s.max_corr)),
            min_corr: smallest(|s| s.max_corr),
            max_baseline: largest(|s| s.baseline),
            mean_baseline: Some(mean(|s| s.baseline)),
            min_baseline: smallest(|s| s.baseline),
            excess_corr: Some(mean(|s| s.max_corr - s.baseline)),
        }
    }

    /// excess > threshold, strictly; false when undefined.
    pub fn is_universal(&self, threshold: f64) -> bool {
        self.excess_corr.is_some_and(|excess| excess > threshold)
    }
}
