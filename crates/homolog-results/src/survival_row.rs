//! Table `survival`: how long neurons stay universal once they have become so.

use crate::table::table;

table! {
    name: "survival",
    keys: [model, layer, threshold, rule, scale, from, time],
    /// One step of a survival curve of one model.
    ///
    /// A life begins at the first checkpoint of the study at which a neuron is universal and ends at the first later one at which it is not;
    /// later lives of the same neuron are not counted. Neurons universal at the first checkpoint are left out: when they were born is not
    /// known (table `lives` counts them).
    pub struct SurvivalRow {
        /// Name of the model in the study file.
        pub model: String,
        /// Layer, from 0; null for all layers together.
        pub layer: Option<u16>,
        /// What a neuron's score must pass, as in `emergence`.
        pub threshold: f64,
        /// `plain`, or `hysteresis`: a neuron stays universal until its score is at most the threshold less `persistence.hysteresis` (not
        /// by rule fdr).
        pub rule: String,
        /// `checkpoints`: time is in checkpoints of the study after birth, the curve is Kaplan and Meier's; a life that goes on at the last
        /// checkpoint is censored there. `steps`: time is in training steps, the curve Turnbull's, as births and deaths are known to lie
        /// between checkpoints only.
        pub scale: String,
        /// Of scale steps: the deaths of this row lie in (`from`, `time`], no one knows where; of scale checkpoints as `time`.
        pub from: f64,
        /// Null where it lies beyond the last checkpoint.
        pub time: Option<f64>,
        /// Lives that have come as far as `time`; null of scale steps.
        pub n_at_risk: Option<u64>,
        /// Of these: that end at it; null of scale steps.
        pub n_deaths: Option<u64>,
        /// Of these: that are known no further; null of scale steps.
        pub n_censored: Option<u64>,
        /// Estimated share of lives that are longer than `time`.
        pub survival: f64,
        /// Lower end of its interval, of `evidence.level`; neurons are taken for independent. Null where undefined, and of scale steps.
        pub survival_low: Option<f64>,
        /// Upper end; null as `survival_low`.
        pub survival_high: Option<f64>,
    }
}
