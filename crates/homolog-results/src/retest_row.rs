//! Table `retest`: how many universal neurons are found again on other tokens, nothing else changed.

use crate::table::table;

table! {
    name: "retest",
    keys: [model, checkpoint, layer, threshold],
    /// The universal neurons of the two halves of the tokens, at one checkpoint of one model.
    ///
    /// A half's score is that of the study's rule with each neuron's best match and its correlation taken on that half alone; baselines
    /// are those of all tokens.
    pub struct RetestRow {
        /// Name of the model in the study file.
        pub model: String,
        /// Training step; null when the study names no checkpoints.
        pub checkpoint: Option<i64>,
        /// Layer, from 0; null for all layers together.
        pub layer: Option<u16>,
        /// What a neuron's score must pass, as in `emergence`.
        pub threshold: f64,
        /// Neurons universal on the first half of the tokens; null where these were not halved (no cross-fitting, a screened search) and
        /// by rule fdr.
        pub n_half_a: Option<u64>,
        /// On the second half; null as `n_half_a`.
        pub n_half_b: Option<u64>,
        /// On both; null as `n_half_a`.
        pub n_both: Option<u64>,
        /// Mean of `n_both` / `n_half_a` and `n_both` / `n_half_b`: what persistence can reach where nothing changes but the tokens. Of
        /// half as many tokens as the study has, so a low ceiling; null where either set is empty, and as `n_half_a`.
        pub retest: Option<f64>,
        /// `n_both` expected of independent sets of these sizes, within layers; null as `n_half_a`.
        pub retest_by_chance: Option<f64>,
        /// Share of the universal neurons of all tokens expected to be universal again on as many fresh ones, by the standard error of each
        /// excess; null without evidence, by another rule than excess, and where no neuron is universal.
        pub retest_expected: Option<f64>,
    }
}
