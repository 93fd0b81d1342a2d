//! Table `ablation`: what silencing a set of neurons does to the loss.

use crate::table::table;

table! {
    name: "ablation",
    keys: [model, checkpoint, threshold, set, layer, mode, multiple, draw],
    /// The loss of one checkpoint with one set of neurons ablated at every position, all layers at once.
    ///
    /// Measured on the rows that `loss_tokens` of table `models` names.
    pub struct AblationRow {
        /// Name of the model in the study file.
        pub model: String,
        /// Training step; null when the study names no checkpoints.
        pub checkpoint: Option<i64>,
        /// Threshold by which the universal neurons were chosen; null for a user's own set.
        pub threshold: Option<f64>,
        /// `universal`, `random`, `random_layer_matched`, `random_matched`, `universal_layer`, `random_layer`, or the name of a user's own set.
        pub set: String,
        /// Layer of the set, from 0; null for a set over all layers.
        pub layer: Option<u16>,
        /// Value the neurons are set to: `zero`, `mean` over the counted tokens of this study, `position-mean` at each position of a row, or
        /// `resample`, what they are at the same position of another row.
        pub mode: String,
        /// Size of a random set as a multiple of the universal set's; null for sets that are not random.
        pub multiple: Option<u32>,
        /// Which of several random sets, from 0; null for sets that are not random.
        pub draw: Option<u32>,
        /// Neurons in the set.
        pub n_neurons: u64,
        /// Loss without ablation, in nats per predicted token.
        pub loss_nats_clean: f64,
        /// Loss with ablation, in nats per predicted token.
        pub loss_nats: f64,
        /// `loss_nats` - `loss_nats_clean`; positive is worse.
        pub delta_loss_nats: f64,
        /// Lower end of its interval, by a bootstrap over rows (BCa); null with fewer than two rows, or where undefined.
        pub delta_low: Option<f64>,
        /// Upper end; null as `delta_low`.
        pub delta_high: Option<f64>,
        /// Rise of the loss of the predictions at the first position of a row alone, in nats.
        pub delta_first_nats: f64,
        /// Rise of the loss of all other predictions, in nats; null where there are none.
        pub delta_rest_nats: Option<f64>,
        /// Kullback-Leibler divergence of the ablated predictions from the clean ones, in nats per predicted token.
        pub kl_nats: f64,
        /// Share of the predictions whose most likely token is that of the clean model.
        pub top1_agreement: f64,
        /// `delta_loss_nats` / `n_neurons`; null when the set is empty.
        pub efficiency_nats: Option<f64>,
    }
}
