//! Table `lives`: how many neurons become universal, cease to be and become it again.

use crate::table::table;

table! {
    name: "lives",
    keys: [model, layer, threshold, rule],
    /// Lives of the neurons of one model, as table `survival` defines them, counted.
    pub struct LivesRow {
        /// Name of the model in the study file.
        pub model: String,
        /// Layer, from 0; null for all layers together.
        pub layer: Option<u16>,
        /// What a neuron's score must pass, as in `emergence`.
        pub threshold: f64,
        /// `plain` or `hysteresis`.
        pub rule: String,
        /// Neurons universal at one checkpoint or more.
        pub n_ever: u64,
        /// Of these: at the first checkpoint. They are not on the curves.
        pub n_from_first: u64,
        /// Of these: not at the first. They are the lives of the curves.
        pub n_births: u64,
        /// Of the births: lives that end.
        pub n_deaths: u64,
        /// Neurons universal at the last checkpoint.
        pub n_at_end: u64,
        /// How often a neuron that had ceased to be universal became it again.
        pub n_rebirths: u64,
        /// Checkpoints after birth at which half of the lives have ended, by the curve; null where it does not come so far.
        pub median_checkpoints: Option<f64>,
        /// Log-rank statistic of the layers' lives, in checkpoints, against each other; on the row of all layers, null where undefined.
        pub log_rank_chi_squared: Option<f64>,
        /// Its degrees of freedom.
        pub log_rank_degrees_of_freedom: Option<u64>,
        /// Its p-value; neurons are taken for independent.
        pub log_rank_p: Option<f64>,
    }
}
