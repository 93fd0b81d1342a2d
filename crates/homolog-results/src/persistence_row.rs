//! Table `persistence`: which universal neurons stay universal from one checkpoint to a later one.

use crate::table::table;

table! {
    name: "persistence",
    keys: [model, from_checkpoint, to_checkpoint, layer, threshold],
    /// The overlap of the universal neurons of two checkpoints of one model, by neuron index.
    pub struct PersistenceRow {
        /// Name of the model in the study file.
        pub model: String,
        /// Training step of the earlier checkpoint; null when the study names no checkpoints.
        pub from_checkpoint: Option<i64>,
        /// Training step of the later checkpoint; null when the study names no checkpoints.
        pub to_checkpoint: Option<i64>,
        /// Whether no checkpoint of the study lies between the two.
        pub is_consecutive: bool,
        /// Whether `from_checkpoint` is the first of the study.
        pub is_from_first: bool,
        /// Layer, from 0; null for all layers together.
        pub layer: Option<u16>,
        /// A neuron is universal when its `excess_corr` is greater than this.
        pub threshold: f64,
        /// Neurons universal at `from_checkpoint`.
        pub n_from: u64,
        /// Neurons universal at `to_checkpoint`.
        pub n_to: u64,
        /// Neurons universal at both.
        pub n_both: u64,
        /// `n_both` / `n_from`; null when `n_from` is 0.
        pub persistence: Option<f64>,
        /// `n_both` / (`n_from` + `n_to` - `n_both`); null when both sets are empty.
        pub jaccard: Option<f64>,
        /// `n_both` expected of independent sets: `n_from` `n_to` / neurons of the layer; for all layers the sum over them.
        pub expected_by_chance: f64,
        /// `expected_by_chance` / `n_from`: the `persistence` of independent sets; null when `n_from` is 0.
        pub expected_persistence: Option<f64>,
        /// (`persistence` - `expected_persistence`) / (1 - `expected_persistence`): 0 by chance, 1 where all stay, negative where fewer stay
        /// than by chance; null when `n_from` is 0 or all neurons are universal later.
        pub above_chance: Option<f64>,
        /// Square root of the product of the two checkpoints' `retest` (table of that name): what `persistence` reaches where nothing but
        /// the tokens changes. Of half the tokens, so a low one; null where either is.
        pub ceiling: Option<f64>,
        /// `persistence` / `ceiling`, which may exceed 1; null where either is, or the ceiling is 0.
        pub share_of_ceiling: Option<f64>,
        /// Neurons universal at `from_checkpoint` with hysteresis: once a score has passed the threshold a neuron stays universal, from
        /// checkpoint to checkpoint of the study, until its score is at most the threshold less `persistence.hysteresis`; null by rule fdr.
        pub n_from_hysteresis: Option<u64>,
        /// Neurons universal at both with hysteresis; null by rule fdr.
        pub n_both_hysteresis: Option<u64>,
        /// `n_both_hysteresis` / `n_from_hysteresis`; null by rule fdr, and when the latter is 0.
        pub persistence_hysteresis: Option<f64>,
        /// Mean of `self_corr` (table `continuity`) over the neurons universal at `from_checkpoint`, where it is defined; null where none is,
        /// for checkpoints that are neither consecutive nor begin with the first, and where the study does not follow neurons.
        pub mean_self_corr: Option<f64>,
        /// The same over the other neurons.
        pub mean_self_corr_others: Option<f64>,
        /// Over the neurons universal at `from_checkpoint` and all other models in which these have a best match at both checkpoints: the
        /// share of matches that are the same neuron at both; null as `mean_self_corr`.
        pub matches_kept: Option<f64>,
    }
}
