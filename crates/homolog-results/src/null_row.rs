//! Table `nulls`: what correlations reach by chance, and how p-values come of it.

use crate::table::table;

table! {
    name: "nulls",
    keys: [null, model, other, checkpoint, layer],
    /// The maxima that the neurons of one layer reach against a null version of another model.
    pub struct NullRow {
        /// `rotation`, `permuted-rows`, or `untrained`: the same pair at step 0.
        pub null: String,
        /// Name of the model in the study file; the reference.
        pub model: String,
        /// Name of the model it is held against; null for the mean over all others.
        pub other: Option<String>,
        /// Training step of both; null when the study names no checkpoints.
        pub checkpoint: Option<i64>,
        /// Layer of the neurons, from 0.
        pub layer: u16,
        /// Draws of the null.
        pub n_draws: u64,
        /// Maxima of neurons and draws that are defined.
        pub n_maxima: u64,
        /// Mean of these; null without any.
        pub mean: Option<f64>,
        /// Standard deviation (over N); null without any.
        pub sd: Option<f64>,
        /// Greatest of these; null without any.
        pub greatest: Option<f64>,
        /// Whether the layer's neurons share one null, each in units of its own location; null where p-values need no pooling.
        pub is_pooled: Option<bool>,
        /// Kolmogorov-Smirnov distance between neurons of low and of high location, by which that is decided; null as `is_pooled`.
        pub ks_distance: Option<f64>,
        /// Maxima over location where the fitted tail begins; null where none is fitted.
        pub tail_from: Option<f64>,
        /// Scale of the generalised Pareto tail; null as `tail_from`.
        pub tail_scale: Option<f64>,
        /// Shape of the generalised Pareto tail, at least 0; null as `tail_from`.
        pub tail_shape: Option<f64>,
    }
}
