//! Table `continuity`: whether a neuron goes on doing the same from one checkpoint to a later one.

use crate::table::table;

table! {
    name: "continuity",
    keys: [model, from_checkpoint, to_checkpoint, layer, neuron],
    row_group_per: [model, from_checkpoint, to_checkpoint],
    /// One neuron of one model at two checkpoints: consecutive ones, and the first with each later one.
    pub struct ContinuityRow {
        /// Name of the model in the study file.
        pub model: String,
        /// Training step of the earlier checkpoint.
        pub from_checkpoint: Option<i64>,
        /// Training step of the later checkpoint.
        pub to_checkpoint: Option<i64>,
        /// Layer, from 0.
        pub layer: u16,
        /// Index within the layer, from 0.
        pub neuron: u32,
        /// `is_universal` at the earlier checkpoint, by the study's rule and threshold.
        pub is_universal_from: bool,
        /// `is_universal` at the later checkpoint.
        pub is_universal_to: bool,
        /// Correlation of the neuron's activations at the two checkpoints over the counted positions of `persistence.tokens`; null where
        /// it is constant at either.
        pub self_corr: Option<f32>,
        /// Cosine of its input weights (its column of `mlp.c_fc.weight`) at the two checkpoints; null where they are 0 at either.
        pub cos_in: Option<f32>,
        /// Cosine of its output weights (its row of `mlp.c_proj.weight`).
        pub cos_out: Option<f32>,
        /// Other models in which it has a best match at both checkpoints.
        pub n_matches: u32,
        /// Of these: in which the best match is the same neuron at both.
        pub n_matches_kept: u32,
    }
}
