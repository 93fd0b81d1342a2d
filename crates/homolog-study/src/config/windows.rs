//! The section `[windows]`.

use serde::{Deserialize, Serialize};

/// `[windows]`: the text on which each neuron is most active.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WindowsSection {
    /// At which checkpoints windows are kept.
    pub checkpoints: WindowCheckpoints,
    /// Windows of each neuron.
    pub top: usize,
    /// Tokens of a window; whole rows where these are shorter.
    pub context: usize,
    /// On so many of a neuron's first windows the activations of its matches are kept too.
    pub partner_windows: usize,
    /// Of the histogram of a neuron's activations.
    pub bins: usize,
}

impl Default for WindowsSection {
    fn default() -> Self {
        Self { checkpoints: WindowCheckpoints::Final, top: 10, context: 32, partner_windows: 3, bins: 64 }
    }
}

impl WindowsSection {
    /// Whether windows are kept at one of `n_steps` steps.
    pub(crate) fn is_at(&self, step_idx: usize, n_steps: usize) -> bool {
        match self.checkpoints {
            WindowCheckpoints::Final => step_idx + 1 == n_steps,
            WindowCheckpoints::All => true,
            WindowCheckpoints::None => false,
        }
    }

    /// Tokens of a window in rows of so many.
    pub(crate) fn length(&self, row_tokens: usize) -> usize {
        self.context.min(row_tokens)
    }

    /// What of the section decides a result: where no windows are kept, nothing else.
    pub(crate) fn deciding(&self) -> serde_json::Value {
        match self.checkpoints {
            WindowCheckpoints::None => serde_json::json!({ "checkpoints": self.checkpoints }),
            _ => serde_json::to_value(self).expect("plain values serialise"),
        }
    }
}

/// At which checkpoints windows are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WindowCheckpoints {
    /// The last.
    Final,
    /// Every one.
    All,
    /// None.
    None,
}
