//! The sections `[ablation]` and `[attribution]`.

use std::path::PathBuf;

use homolog_model::Precision;
use serde::{Deserialize, Serialize};

/// `[ablation]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AblationSection {
    /// Whether to ablate at all.
    pub enabled: bool,
    /// What ablated neurons become.
    pub modes: Vec<AblationMode>,
    /// Random sets of each size.
    pub draws: usize,
    /// Sizes of random sets, as multiples of the universal set.
    pub multiples: Vec<u32>,
    /// Also each layer by itself.
    pub per_layer: bool,
    /// Random sets of each kind, as many neurons as the universal ones, in one mode only, the first of zero, mean, position-mean and resample that
    /// is asked for: from these come permutation p-values. 0: none.
    pub permutations: usize,
    /// Of the random sets, and of what is resampled.
    pub seed: u64,
    /// Tokens of the loss rows to use, rounded down to whole rows; 0 = all.
    pub tokens: usize,
    /// Rows of the correlations, spread over all, that means by position are over; 0 = all.
    pub position_rows: usize,
    /// Coverage of intervals.
    pub level: f64,
    /// Bootstrap samples of the rows.
    pub resamples: usize,
    /// Of the products with weights behind losses, ablated or not.
    pub precision: Precision,
    /// `[[ablation.set]]`: a user's own sets.
    #[serde(rename = "set", skip_serializing_if = "Vec::is_empty")]
    pub sets: Vec<SetSection>,
}

impl Default for AblationSection {
    fn default() -> Self {
        Self {
            enabled: true,
            modes: vec![AblationMode::Zero, AblationMode::Mean],
            draws: 3,
            multiples: vec![1, 2, 5, 10],
            per_layer: true,
            permutations: 100,
            seed: 0,
            tokens: 0,
            position_rows: 256,
            level: 0.95,
            resamples: 1000,
            precision: Precision::F32,
            sets: Vec::new(),
        }
    }
}

impl AblationSection {
    /// Whether there is no way of ablating, or no random set to hold against. Multiples ascend.
    pub(crate) fn lacks_sets(&self) -> bool {
        self.modes.is_empty() || self.multiples.first().is_none_or(|&least| least == 0) || self.draws == 0
    }
}

/// What an ablated neuron becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AblationMode {
    /// 0.
    Zero,
    /// Its mean over the counted tokens of the correlation rows.
    Mean,
    /// Its mean at each position, over rows of the correlations, counted or not.
    PositionMean,
    /// What it is at the same position of another row of the losses.
    Resample,
}

impl AblationMode {
    /// As in the study file and the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Zero => "zero",
            Self::Mean => "mean",
            Self::PositionMean => "position-mean",
            Self::Resample => "resample",
        }
    }
}

/// One `[[ablation.set]]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetSection {
    /// How the table calls it.
    pub name: String,
    /// CSV with columns layer, neuron.
    pub file: PathBuf,
    /// Only these models; none: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub models: Option<Vec<String>>,
    /// Only these checkpoints; none: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoints: Option<Vec<i64>>,
}

/// Sets that the study itself makes; a user's set cannot take their name.
pub(crate) const OWN_SETS: [&str; 6] =
    ["universal", "random", "random_layer_matched", "random_matched", "universal_layer", "random_layer"];

/// `[attribution]`: what every neuron is worth to first order, and single neurons ablated to hold that against.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AttributionSection {
    /// Whether to ask at all: a way back through the model over the rows of the ablations.
    pub enabled: bool,
    /// Neurons ablated by themselves: those of the greatest attribution ...
    pub top: usize,
    /// ... a random sample of the universal ones ...
    pub universal: usize,
    /// ... and one of all neurons.
    pub random: usize,
}

impl Default for AttributionSection {
    fn default() -> Self {
        Self { enabled: true, top: 8, universal: 16, random: 16 }
    }
}
