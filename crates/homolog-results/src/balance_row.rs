//! Table `balance`: how like the universal neurons their random controls are.

use crate::table::table;

table! {
    name: "balance",
    keys: [model, checkpoint, threshold, control, multiple, covariate],
    /// One covariate of the universal neurons of one checkpoint, and of one kind of random sets, all draws together.
    ///
    /// No row where a neuron of either has no value of it: a neuron that is always 0 has no logarithm of its activation.
    pub struct BalanceRow {
        /// Name of the model in the study file.
        pub model: String,
        /// Training step; null when the study names no checkpoints.
        pub checkpoint: Option<i64>,
        /// Threshold by which the universal neurons were chosen.
        pub threshold: f64,
        /// Kind of random sets: `random`, `random_layer_matched` or `random_matched`.
        pub control: String,
        /// Size of the sets as a multiple of the universal set's.
        pub multiple: u32,
        /// `log_act_rms` (root mean square of the activation over counted tokens), `log_write_norm` (norm of the output weights),
        /// `frac_positive` (share of counted tokens with an activation above 0), or `layer`.
        pub covariate: String,
        /// Mean over the universal neurons.
        pub universal_mean: f64,
        /// Mean over the random neurons.
        pub control_mean: f64,
        /// (`universal_mean` - `control_mean`) / square root of the mean of their variances; null where both are constant, or there is one neuron.
        pub standardized_difference: Option<f64>,
    }
}
