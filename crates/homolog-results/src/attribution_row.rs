//! Table `attribution`: what single neurons add up to, and how far the first order can be trusted.

use crate::table::table;

table! {
    name: "attribution",
    keys: [model, checkpoint],
    /// First-order estimates of one checkpoint beside exact ablations to zero, single and joint.
    pub struct AttributionRow {
        /// Name of the model in the study file.
        pub model: String,
        /// Training step; null when the study names no checkpoints.
        pub checkpoint: Option<i64>,
        /// Threshold by which the universal neurons were chosen.
        pub threshold: f64,
        /// Universal neurons.
        pub n_universal: u64,
        /// Mean `attribution_zero_nats` of the universal neurons; null without any.
        pub universal_attribution_nats: Option<f64>,
        /// Mean `attribution_zero_nats` of all others.
        pub other_attribution_nats: Option<f64>,
        /// Mean magnitude of `attribution_zero_nats` of the universal neurons; null without any.
        pub universal_magnitude_nats: Option<f64>,
        /// Mean magnitude of all others.
        pub other_magnitude_nats: Option<f64>,
        /// Neurons of the random sample of all that were ablated one by one.
        pub n_random: u32,
        /// Correlation over these of the first-order estimate and the exact rise; null with fewer than three, or constant.
        pub random_corr: Option<f64>,
        /// Slope through the origin of the exact rise on the first-order estimate over these; null where all estimates are zero.
        pub random_slope: Option<f64>,
        /// Neurons of the greatest attribution that were ablated one by one.
        pub n_top: u32,
        /// As `random_corr`, over these.
        pub top_corr: Option<f64>,
        /// As `random_slope`, over these.
        pub top_slope: Option<f64>,
        /// Universal neurons that were ablated one by one.
        pub n_singles: u32,
        /// What all universal neurons cost together, set to zero; null without any, and where `zero` is not among the modes.
        pub joint_delta_nats: Option<f64>,
        /// What they cost one by one, summed: `n_universal` times the mean of the sample; null without a sample, and as `joint_delta_nats`.
        pub sum_of_singles_nats: Option<f64>,
        /// Lower end of its interval, by a bootstrap over rows and over the sample; null as `sum_of_singles_nats`.
        pub sum_of_singles_low: Option<f64>,
        /// Upper end.
        pub sum_of_singles_high: Option<f64>,
        /// `joint_delta_nats` / `sum_of_singles_nats`: above 1, others step in when one is gone; null unless both are above zero.
        pub joint_over_singles: Option<f64>,
        /// Lower end of its interval, by the same bootstrap; null as `joint_over_singles`.
        pub joint_over_singles_low: Option<f64>,
        /// Upper end; null as `joint_over_singles`, and where it has no bound because single neurons cost nothing in some resamples.
        pub joint_over_singles_high: Option<f64>,
    }
}
