//! The section `[universality]`.

use serde::{Deserialize, Serialize};

/// The paper's.
pub(super) const EXCESS_THRESHOLD: f64 = 0.5;

/// `[universality]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UniversalitySection {
    /// What makes a neuron universal; the other rules stand beside it.
    pub rule: UniversalityRule,
    /// A neuron is universal if its score (see [`UniversalityRule`]) passes it; none until resolved: 0.5, `count_threshold` or `fdr`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// Thresholds of the sweep, ascending, `threshold` among them; none until resolved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thresholds: Option<Vec<f64>>,
    /// The count rule: `max_corr` greater than this ...
    pub count_threshold: f64,
    /// ... in at least so many other models; none until resolved: 3, or all there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count_models: Option<usize>,
    /// The discovery rule: a q-value of at most this.
    pub fdr: f64,
    /// The hypotheses that q-values are over.
    pub fdr_family: FdrFamily,
}

impl Default for UniversalitySection {
    fn default() -> Self {
        Self {
            rule: UniversalityRule::Excess,
            threshold: None,
            thresholds: None,
            count_threshold: 0.5,
            count_models: None,
            fdr: 0.05,
            fdr_family: FdrFamily::Checkpoint,
        }
    }
}

impl UniversalitySection {
    pub(super) fn fill(&mut self, n_others: usize) {
        self.count_models.get_or_insert(n_others.min(3));
        let (threshold, sweep) = match self.rule {
            UniversalityRule::Excess => (EXCESS_THRESHOLD, vec![0.2, 0.3, 0.4, 0.5, 0.6]),
            UniversalityRule::Count => (self.count_threshold, vec![0.2, 0.3, 0.4, 0.5, 0.6]),
            UniversalityRule::Fdr => (self.fdr, vec![0.01, 0.05, 0.1, 0.2]),
        };
        let threshold = *self.threshold.get_or_insert(threshold);
        let thresholds = self.thresholds.get_or_insert(sweep);
        if !thresholds.contains(&threshold) {
            thresholds.push(threshold);
        }
        thresholds.sort_by(f64::total_cmp);
    }

    /// The threshold of the column that stands beside the rule's own, where they must be the same: its key and value.
    pub(super) fn own_threshold(&self) -> Option<(&'static str, f64)> {
        match self.rule {
            UniversalityRule::Excess => None,
            UniversalityRule::Count => Some(("count_threshold", self.count_threshold)),
            UniversalityRule::Fdr => Some(("fdr", self.fdr)),
        }
    }
}

/// What makes a neuron universal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UniversalityRule {
    /// Its excess correlation is greater than the threshold.
    Excess,
    /// Its `max_corr` is greater than the threshold in at least `count_models` other models.
    Count,
    /// Its q-value (Benjamini-Hochberg) is at most the threshold.
    Fdr,
}

impl UniversalityRule {
    /// Whether a neuron of this score is universal; what is undefined is not.
    pub(crate) fn is_universal(self, score: Option<f64>, threshold: f64) -> bool {
        score.is_some_and(|score| match self {
            Self::Excess | Self::Count => score > threshold,
            Self::Fdr => score <= threshold,
        })
    }
}

/// Hypotheses whose discoveries are counted together: one of each neuron.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FdrFamily {
    /// All neurons of one model at one checkpoint.
    Model,
    /// All neurons of all models at one checkpoint.
    Checkpoint,
}
