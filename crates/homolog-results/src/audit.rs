//! What an audit of checkpoints found: evidence for each, and what does not fit.

use serde::{Deserialize, Serialize};

/// The audit of a study's checkpoints, as it stands in the manifest. Every number is over the matrices of a checkpoint (embeddings
/// among them) unless it says otherwise: gains and biases are few, and alike in all models when training begins.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Audit {
    /// By model, then by checkpoint, in the order of the study; those that cannot be read are only in `warnings`.
    pub checkpoints: Vec<AuditedCheckpoint>,
    /// What does not fit, by model, then by checkpoint.
    pub warnings: Vec<AuditWarning>,
    /// What may be meant so, one sentence each.
    pub notes: Vec<String>,
}

/// Evidence for one checkpoint of one model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditedCheckpoint {
    /// Name of the model in the study file.
    pub model: String,
    /// Training step; null when the study names no checkpoints.
    pub checkpoint: Option<i64>,
    /// BLAKE3 of the names and digests of all tensors, hexadecimal: equal when every value is, in whichever files and types.
    pub digest: String,
    /// Tensors.
    pub n_tensors: u64,
    /// Values of all tensors.
    pub n_values: u64,
    /// Euclidean norm.
    pub norm: f64,
    /// Euclidean distance to the step before; null for the first.
    pub distance_before: Option<f64>,
    /// Cosine to the step before.
    pub cosine_before: Option<f64>,
    /// The other models, where their matrices have the same shapes.
    pub others: Vec<OtherCosine>,
}

/// How near a checkpoint is to another model's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OtherCosine {
    /// The other model.
    pub model: String,
    /// Cosine to it at the same step.
    pub same_step: Option<f64>,
    /// Cosine to it at the step before.
    pub step_before: Option<f64>,
}

/// One thing that does not fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditWarning {
    /// What kind of thing.
    pub kind: AuditKind,
    /// Of which model.
    pub model: String,
    /// At which step.
    pub checkpoint: Option<i64>,
    /// The evidence, and what to do: fragments, without a full stop.
    pub message: String,
}

/// What can be wrong with a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuditKind {
    /// Missing, damaged, not finite, or not of a model that can be studied: a run stops at it.
    Unreadable,
    /// Every value is that of another checkpoint.
    Identical,
    /// Some tensors are those of another checkpoint, others are not.
    PartlyIdentical,
    /// No nearer to its own step before than to other models'.
    NotDescended,
    /// Does not lie between the steps before and after it.
    OutOfOrder,
    /// Its norms are those that the other models have at another step.
    LikeAnotherStep,
    /// A step 0 that has been trained.
    TrainedStart,
    /// `config.json` says another arithmetic or size.
    ConfigsDiffer,
    /// The tokenizer has another vocabulary.
    TokenizersDiffer,
}

impl AuditWarning {
    /// The checkpoint it is about, and what is said of it.
    pub fn sentence(&self) -> String {
        let checkpoint = self.checkpoint.map(|step| format!(", checkpoint {step}")).unwrap_or_default();
        format!("{}{checkpoint}: {}", self.model, self.message)
    }
}
