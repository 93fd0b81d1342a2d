//! Table `cliques`: neurons of several models that are each other's best match all round.

use crate::table::table;

table! {
    name: "cliques",
    keys: [checkpoint, clique, model],
    row_group_per: [checkpoint],
    /// One neuron in one clique: a largest set of neurons, at most one a model, of which every two are mutual best matches.
    ///
    /// Cliques of fewer than three models are left out, of two where the study has but two.
    pub struct CliqueRow {
        /// Training step; null when the study names no checkpoints.
        pub checkpoint: Option<i64>,
        /// Number of the clique at this checkpoint, from 0, in the order of their members.
        pub clique: u32,
        /// Name of the model in the study file.
        pub model: String,
        /// Layer of the neuron, from 0.
        pub layer: u16,
        /// Index of the neuron within its layer, from 0.
        pub neuron: u32,
        /// Models in the clique.
        pub n_models: u32,
        /// Whether all models of the study are.
        pub is_full: bool,
        /// Least correlation between two members.
        pub min_corr: f64,
        /// Mean correlation between two members.
        pub mean_corr: f64,
        /// Mean over the pairs of members, each both ways, of correlation - baseline; null when no baseline is defined.
        pub excess_corr: Option<f64>,
        /// Whether the clique is full and `excess_corr` greater than the threshold of the excess rule: one universal set for all models. False
        /// when that is null.
        pub is_universal: bool,
    }
}
