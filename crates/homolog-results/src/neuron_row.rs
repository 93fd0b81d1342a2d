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
        /// Standard error of `excess_corr` by leaving out blocks of documents, matches and baselines held fixed; null without evidence,
        /// or undefined.
        pub excess_se: Option<f64>,
        /// Lower end of the interval of `excess_corr`; null as `excess_se`.
        pub excess_low: Option<f64>,
        /// Upper end.
        pub excess_high: Option<f64>,
        /// Mean over the other models of `cross_fitted_corr` (see `matches`); null when undefined in every pair.
        pub cross_fitted_corr: Option<f64>,
        /// Mean over the other models of `cross_fitted_corr` - `baseline`; null when undefined in every pair.
        pub cross_fitted_excess: Option<f64>,
        /// p-value of `mean_corr` against the other models rotated; null with fewer than four draws, of another baseline, or undefined.
        pub p_value: Option<f64>,
        /// Whether `p_value` lies beyond what the draws can tell, on a fitted tail; null as `p_value`.
        pub p_is_fitted: Option<bool>,
        /// Benjamini-Hochberg q-value over the study's family of hypotheses; null as `p_value`.
        pub q_bh: Option<f64>,
        /// Benjamini-Yekutieli q-value, which holds under any dependence; null as `p_value`.
        pub q_by: Option<f64>,
        /// Whether the neuron is universal by the study's rule and threshold; false where that is undefined.
        pub is_universal: bool,
        /// Whether it is by the excess rule: `excess_corr` greater than the study's threshold, of another rule than 0.5; false when null.
        pub is_universal_excess: bool,
        /// Whether it is by the discovery rule: `q_bh` at most the study's `fdr`; false when null.
        pub is_universal_fdr: bool,
        /// Other models whose `max_corr` is greater than the study's `count_threshold`.
        pub n_models_above: u32,
        /// Whether `n_models_above` is at least the study's `count_models`.
        pub is_universal_count: bool,
        /// Other models with a mutual best match (see `matches`).
        pub n_mutual: u32,
        /// Models in its largest clique (see `cliques`), its own among them; 1 where it is in none.
        pub n_models_clique: u32,
        /// Mean over the other models of `corr_without_both` (see `matches`); null without evidence, or undefined in every pair.
        pub mean_corr_without_both: Option<f64>,
        /// Share of the activation's variance that its means for frequent tokens explain; null without evidence, or constant.
        pub token_share: Option<f64>,
        /// Share that its means at the positions of a row explain.
        pub position_share: Option<f64>,
        /// Share that the least-squares fit of both explains.
        pub token_position_share: Option<f64>,
        /// First-order estimate of the rise of the loss when this neuron alone is set to zero: minus the sum over tokens of activation x
        /// gradient of the mean loss, in nats; over the rows of the ablations. Null where it was not asked for.
        pub attribution_zero_nats: Option<f64>,
        /// Its standard error over rows; null as `attribution_zero_nats`, or with fewer than two rows.
        pub attribution_zero_se: Option<f64>,
        /// The same estimate when it is set to its mean; null as `attribution_zero_nats`.
        pub attribution_mean_nats: Option<f64>,
        /// Euclidean norm of the neuron's output weights as they are stored; null where ablations and attributions are off.
        pub write_norm: Option<f64>,
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
