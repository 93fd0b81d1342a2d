//! Table `screening`: how a search among candidates went, and how far it can be trusted.

use crate::table::table;

table! {
    name: "screening",
    keys: [model, other, checkpoint],
    /// One model against another where candidates were looked at instead of all pairs of neurons.
    ///
    /// Some neurons are computed exactly all the same; each is counted under the first reason that it was for. What the audited
    /// ones show is an estimate for those that nobody computed.
    pub struct ScreeningRow {
        /// Name of the model in the study file; the reference.
        pub model: String,
        /// Name of the model it is held against.
        pub other: String,
        /// Training step of both; null when the study names no checkpoints.
        pub checkpoint: Option<i64>,
        /// Counted positions of the sample on which all pairs of neurons were correlated.
        pub n_tokens_sample: u64,
        /// Counted positions on which candidates were narrowed; null when that was skipped.
        pub n_tokens_narrowing: Option<u64>,
        /// Neurons of `model`.
        pub n_neurons: u64,
        /// Neurons drawn at random to be computed exactly.
        pub n_audited: u64,
        /// Neurons computed exactly because their match was not sure by the study's margin.
        pub n_unsure: u64,
        /// Neurons computed exactly because their excess correlation lay close to a threshold.
        pub n_near_threshold: u64,
        /// Neurons decided by screening: not computed exactly, and not constant.
        pub n_screened: u64,
        /// Least margin of these, in standard errors; null when there are none.
        pub least_margin: Option<f64>,
        /// Audited neurons whose match screening was sure of by the study's margin.
        pub n_audited_sure: u64,
        /// Of these, those whose match by screening is the exact one.
        pub n_same_match: u64,
        /// Of these, the largest difference between `max_corr` by screening and exactly; null without any.
        pub max_corr_difference: Option<f64>,
        /// Mean over the audited neurons of the baseline by the sample - the exact one; null without an audit.
        pub baseline_bias: Option<f64>,
        /// Standard deviation (over N) of that difference; null without an audit.
        pub baseline_bias_sd: Option<f64>,
        /// Largest magnitude of that difference; null without an audit.
        pub baseline_bias_largest: Option<f64>,
    }
}
