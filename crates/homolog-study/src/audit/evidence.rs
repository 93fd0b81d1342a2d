//! What is known of the weights of all checkpoints, and what follows from it.

mod walk;

use serde::{Deserialize, Serialize};

/// By [step][model]; none where the checkpoint cannot be read.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Evidence {
    pub(super) checkpoints: Vec<Vec<Option<CheckpointEvidence>>>,
}

/// Of one checkpoint.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CheckpointEvidence {
    /// By name.
    pub(super) tensors: Vec<TensorEvidence>,
    /// By model; none for itself, and for those whose matrices have other shapes.
    pub(super) others: Vec<Option<OtherDistances>>,
}

/// Of one tensor of a checkpoint.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct TensorEvidence {
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
    pub(super) digest: String,
    pub(super) n_values: u64,
    pub(super) sum_squares: f64,
    pub(super) mean: f64,
    pub(super) sd: f64,
    pub(super) kurtosis: Option<f64>,
    pub(super) least: f32,
    pub(super) greatest: f32,
    /// Squared distance to the step before.
    pub(super) before: Option<f64>,
    /// Squared distance to the step before that.
    pub(super) before_last: Option<f64>,
}

/// Squared distances of all matrices to another model's.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct OtherDistances {
    pub(super) same_step: Option<f64>,
    /// From this checkpoint to the other model's step before.
    pub(super) step_before: Option<f64>,
}

/// Cosine of two vectors, by their squared norms and their squared distance.
pub(super) fn cosine(a: f64, b: f64, squared_distance: f64) -> Option<f64> {
    (a > 0.0 && b > 0.0).then(|| (0.5 * (a + b - squared_distance) / (a * b).sqrt()).clamp(-1.0, 1.0))
}

impl TensorEvidence {
    /// Gains and biases are not.
    pub(super) fn is_matrix(&self) -> bool {
        self.shape.len() == 2
    }

    pub(super) fn is_constant(&self) -> bool {
        self.least == self.greatest
    }
}

impl CheckpointEvidence {
    pub(super) fn matrices(&self) -> impl Iterator<Item = &TensorEvidence> {
        self.tensors.iter().filter(|tensor| tensor.is_matrix())
    }

    pub(super) fn digest(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for tensor in &self.tensors {
            hasher.update(format!("{}\n{:?}\n{}\n", tensor.name, tensor.shape, tensor.digest).as_bytes());
        }
        hasher.finalize().to_hex().to_string()
    }

    /// Of all matrices.
    pub(super) fn sum_squares(&self) -> f64 {
        self.matrices().map(|tensor| tensor.sum_squares).sum()
    }

    /// Squared distance of all matrices to the step before.
    pub(super) fn before(&self) -> Option<f64> {
        self.matrices().map(|tensor| tensor.before).sum()
    }

    /// Squared distance of all matrices to the step before that.
    pub(super) fn before_last(&self) -> Option<f64> {
        self.matrices().map(|tensor| tensor.before_last).sum()
    }
}

impl Evidence {
    pub(super) fn at(&self, step_idx: usize, model_idx: usize) -> Option<&CheckpointEvidence> {
        self.checkpoints[step_idx][model_idx].as_ref()
    }

    pub(super) fn cosine_before(&self, step_idx: usize, model_idx: usize) -> Option<f64> {
        let of = self.at(step_idx, model_idx)?;
        let before = self.at(step_idx.checked_sub(1)?, model_idx)?;
        cosine(of.sum_squares(), before.sum_squares(), of.before()?)
    }

    pub(super) fn cosine_to_other(&self, step_idx: usize, model_idx: usize, other_idx: usize) -> Option<f64> {
        let of = self.at(step_idx, model_idx)?;
        let other = self.at(step_idx, other_idx)?;
        cosine(of.sum_squares(), other.sum_squares(), of.others[other_idx]?.same_step?)
    }

    pub(super) fn cosine_to_others_before(&self, step_idx: usize, model_idx: usize, other_idx: usize) -> Option<f64> {
        let of = self.at(step_idx, model_idx)?;
        let other = self.at(step_idx.checked_sub(1)?, other_idx)?;
        cosine(of.sum_squares(), other.sum_squares(), of.others[other_idx]?.step_before?)
    }
}
