//! The section `[persistence]`.

use serde::{Deserialize, Serialize};

/// `[persistence]`: what it takes to last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PersistenceSection {
    /// How far below the threshold the score of a neuron that was universal must fall before it counts as lost, where a neuron is counted
    /// with hysteresis. Of no meaning by rule fdr.
    pub hysteresis: f64,
    /// Whether each neuron's activations and weights are held against those of the same neuron at other checkpoints.
    pub functional: bool,
    /// Positions for that, whole rows at even distances; 0: all.
    pub tokens: usize,
}

impl Default for PersistenceSection {
    fn default() -> Self {
        Self { hysteresis: 0.05, functional: true, tokens: 250_000 }
    }
}

impl PersistenceSection {
    /// Whether neurons of a study of so many checkpoints are followed.
    pub(crate) fn follows(&self, n_steps: usize) -> bool {
        self.functional && n_steps > 1
    }

    /// Rows on which they are, of `n_rows`.
    pub(crate) fn rows(&self, context: usize, n_rows: usize) -> usize {
        if self.tokens == 0 { n_rows } else { self.tokens.div_ceil(context).min(n_rows) }
    }
}
