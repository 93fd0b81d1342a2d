//! Table `damage`: what universal neurons are worth in random ones.

use crate::table::table;

table! {
    name: "damage",
    keys: [model, checkpoint, threshold, mode, control],
    /// The loss that ablating all universal neurons of one checkpoint costs, beside that of one kind of random sets.
    ///
    /// Drawn from the rows of table `ablation`; no row where no neuron is universal, or no random set of the kind could be drawn.
    pub struct DamageRow {
        /// Name of the model in the study file.
        pub model: String,
        /// Training step; null when the study names no checkpoints.
        pub checkpoint: Option<i64>,
        /// Threshold by which the universal neurons were chosen.
        pub threshold: f64,
        /// Value the neurons are set to: `zero`, `mean`, `position-mean` or `resample`.
        pub mode: String,
        /// Kind of random sets: `random`, `random_layer_matched` or `random_matched`.
        pub control: String,
        /// Universal neurons.
        pub n_neurons: u64,
        /// What ablating them costs, in nats per predicted token.
        pub universal_delta_nats: f64,
        /// Lower end of its interval, by a bootstrap over rows (BCa); null with fewer than two rows, or where undefined.
        pub universal_delta_low: Option<f64>,
        /// Upper end; null as `universal_delta_low`.
        pub universal_delta_high: Option<f64>,
        /// Random sets of the same size.
        pub n_draws: u32,
        /// What ablating these costs, mean over draws, in nats per predicted token; null without draws.
        pub control_delta_nats: Option<f64>,
        /// Median over draws; null without draws.
        pub control_delta_median: Option<f64>,
        /// Lower end of what the central share of the draws costs, the share being `ablation.level`; null with fewer than two draws.
        pub control_delta_low: Option<f64>,
        /// Upper end; null as `control_delta_low`.
        pub control_delta_high: Option<f64>,
        /// Permutation p-value: (1 + draws that cost as much as the universal neurons, or more) / (1 + `n_draws`); null without draws.
        pub p_value: Option<f64>,
        /// `universal_delta_nats` / `control_delta_nats`; null unless both are above zero.
        pub ratio: Option<f64>,
        /// Lower end of its interval, by a bootstrap over rows and draws; null as `ratio`.
        pub ratio_low: Option<f64>,
        /// Upper end; null as `ratio`, and where it has no bound because random neurons cost nothing in some resamples.
        pub ratio_high: Option<f64>,
        /// How many times as many random neurons do the same damage: where the line through (0, 0) and the means over draws at every
        /// multiple, straight between them, first reaches `universal_delta_nats`; null where that is not above zero, or never reached.
        pub equal_multiple: Option<f64>,
        /// Lower end of its interval, by a bootstrap over rows and draws; null where even that is not reached by `greatest_multiple`, or
        /// the universal neurons cost nothing.
        pub equal_multiple_low: Option<f64>,
        /// Upper end; null as `equal_multiple_low`.
        pub equal_multiple_high: Option<f64>,
        /// Share of the resamples in which the damage is reached by `greatest_multiple`; null where the universal neurons cost nothing.
        pub equal_multiple_reached: Option<f64>,
        /// Greatest multiple that was measured, in neurons over `n_neurons`.
        pub greatest_multiple: Option<u32>,
    }
}
