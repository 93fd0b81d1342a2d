//! Table `singles`: single neurons ablated, beside what the first order says.

use crate::table::table;

table! {
    name: "singles",
    keys: [model, checkpoint, layer, neuron],
    /// One neuron of one checkpoint set to zero at every position, all others left as they are.
    pub struct SingleRow {
        /// Name of the model in the study file.
        pub model: String,
        /// Training step; null when the study names no checkpoints.
        pub checkpoint: Option<i64>,
        /// Layer, from 0.
        pub layer: u16,
        /// Index within the layer, from 0.
        pub neuron: u32,
        /// Whether it is one of those of the greatest attribution, whatever its sign.
        pub is_top: bool,
        /// Whether it is of the random sample of the universal neurons.
        pub is_of_universal: bool,
        /// Whether it is of the random sample of all neurons.
        pub is_of_all: bool,
        /// Rise of the loss, in nats per predicted token.
        pub delta_loss_nats: f64,
        /// Lower end of its interval, by a bootstrap over rows (BCa); null with fewer than two rows, or where undefined.
        pub delta_low: Option<f64>,
        /// Upper end; null as `delta_low`.
        pub delta_high: Option<f64>,
        /// What the first order says: `attribution_zero_nats` of table `neurons`.
        pub attribution_zero_nats: f64,
    }
}
