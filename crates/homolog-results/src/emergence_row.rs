//! Table `emergence`: how many neurons are universal, by layer, checkpoint and threshold.

use crate::table::table;

table! {
    name: "emergence",
    keys: [model, checkpoint, layer, threshold],
    /// The share of universal neurons in one layer of one checkpoint, at one threshold.
    pub struct EmergenceRow {
        /// Name of the model in the study file.
        pub model: String,
        /// Training step; null when the study names no checkpoints.
        pub checkpoint: Option<i64>,
        /// Layer, from 0; null for all layers together.
        pub layer: Option<u16>,
        /// A neuron is universal when its `excess_corr` is greater than this.
        pub threshold: f64,
        /// Neurons of the layer.
        pub n_neurons: u64,
        /// Universal ones among them.
        pub n_universal: u64,
        /// `n_universal` / `n_neurons`.
        pub share: f64,
    }
}
