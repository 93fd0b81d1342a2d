//! The section `[persistence]`.

use serde::{Deserialize, Serialize};

/// `[persistence]`: what it takes to last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PersistenceSection {
    /// How far below the threshold the score of a neuron that was universal must fall before it counts as lost, where a neuron is counted
    /// with hysteresis. Of no meaning by rule fdr.
    pub hysteresis: f64,
}

impl Default for PersistenceSection {
    fn default() -> Self {
        Self { hysteresis: 0.05 }
    }
}
