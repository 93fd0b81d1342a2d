//! Table `neurons`: one neuron of one checkpoint as the reference, against all other models.

use crate::table::table;

table! {
    name: "neurons",
    keys: [model, checkpoint, layer, neuron],
    row_group_per: [model, checkpoint],
    /// One neuron of one model and checkpoint, summed up over the other models.
    ///
    /// A pair of models whose correlations are undefined for this neuron drops out of means, minima and maxima; a
    /// statistic is null when no pair is left. Activations are those after the nonlinearity, over counted tokens.
    pub struct NeuronRow {
        /// Name of the model in the study file; the reference.
        pub model: String,
        /// Training step; null when the study names no checkpoints.
        pub checkpoint: Option<i64>,
        /// Layer, from 0.
        pub layer: u16,
        /// Index within the layer, from 0.
        pub neuron: u32,
        /// Greatest `max_corr` (see `matches`) over the other models; null when undefined in every pair.
        pub max_corr: Option<f64>,
        /// Mean `max_corr` over the other models; null when undefined in every pair.
        pub mean_corr: Option<f64>,
        /// Least `max_corr` over the other models; null when undefined in every pair.
        pub min_corr: Option<f64>,
        /// Greatest `baseline` (see `matches`) over the other models; null when undefined in every pair.
        pub max_baseline: Option<f64>,
        /// Mean `baseline` over the other models; null when undefined in every pair.
        pub mean_baseline: Option<f64>,
        /// Least `baseline` over the other models; null when undefined in every pair.
        pub min_baseline: Option<f64>,
        /// Mean over the other models of `max_corr` - `baseline`; null when undefined in every pair.
        pub excess_corr: Option<f64>,
        /// Whether every `max_corr` and `baseline` behind `excess_corr` comes from all pairs of neurons over all tokens; false
        /// where a screening decided some (see `matches`).
        pub is_exact: bool,
        /// Whether `excess_corr` is greater than the study's `threshold`; false when it is null.
        pub is_universal: bool,
        /// Other models whose `max_corr` is greater than the study's `count_threshold`.
        pub n_models_above: u32,
        /// Whether `n_models_above` is at least the study's `count_models`.
        pub is_universal_count: bool,
        /// Mean activation.
        pub act_mean: f64,
        /// Variance of the activation, over N (biased).
        pub act_var: f64,
        /// Skewness of the activation; null when it is constant.
        pub act_skew: Option<f64>,
        /// Kurtosis of the activation, 3 for a Gaussian; null when it is constant.
        pub act_kurt: Option<f64>,
        /// Least activation.
        pub act_min: f64,
        /// Greatest activation.
        pub act_max: f64,
        /// Share of counted tokens with an activation greater than 0.
        pub frac_positive: f64,
    }
}
