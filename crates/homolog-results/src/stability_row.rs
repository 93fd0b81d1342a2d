//! Table `stability`: at how many checkpoints neurons are universal.

use crate::table::table;

table! {
    name: "stability",
    keys: [model, layer, threshold, k],
    /// The number of neurons that are universal at `k` or more checkpoints.
    pub struct StabilityRow {
        /// Name of the model in the study file.
        pub model: String,
        /// Layer, from 0; null for all layers together.
        pub layer: Option<u16>,
        /// A neuron is universal when its `excess_corr` is greater than this.
        pub threshold: f64,
        /// Checkpoints, at least; not necessarily consecutive.
        pub k: u32,
        /// Neurons universal at `k` or more checkpoints.
        pub n_universal_at_least_k: u64,
    }
}
