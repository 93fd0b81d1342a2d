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
        /// A neuron is universal when its `excess_corr` is greater than this; by the study's rule count its `max_corr` in enough models, by
        /// rule fdr when its `q_bh` is at most this.
        pub threshold: f64,
        /// Neurons of the layer.
        pub n_neurons: u64,
        /// Universal ones among them.
        pub n_universal: u64,
        /// `n_universal` / `n_neurons`.
        pub share: f64,
        /// Standard error of `share` by leaving out blocks of documents, matches and baselines held fixed; null without evidence and by
        /// another rule than excess.
        pub share_se: Option<f64>,
        /// Lower end of its interval, which may lie below 0; null as `share_se`.
        pub share_low: Option<f64>,
        /// Upper end, which may lie above 1.
        pub share_high: Option<f64>,
        /// Neurons whose own interval lies wholly above the threshold; null as `share_se`.
        pub n_surely: Option<u64>,
        /// Neurons whose own interval reaches above the threshold, and universal ones without an interval; null as `share_se`.
        pub n_possibly: Option<u64>,
        /// Neurons universal here and not at the previous checkpoint; null at the first.
        pub n_births: Option<u64>,
        /// Neurons universal at the previous checkpoint and not here; null at the first.
        pub n_deaths: Option<u64>,
    }
}
