//! Table `family`: what the study says of its family of models, and how sure that is.

use crate::table::table;

table! {
    name: "family",
    keys: [claim, quantity, from_checkpoint, checkpoint, mode, control],
    /// One number about the family: a mean over its models, with an interval over models and rows of tokens, and what it is without each model.
    pub struct FamilyRow {
        /// `emerge`, `persist` or `matter`.
        pub claim: String,
        /// Of `emerge`: `share` (of universal neurons), `share_rise` (since `from_checkpoint`). Of `persist`, from one checkpoint to the next:
        /// `persistence`, `expected_persistence` (of independent sets), `above_chance`. Of `matter`: `universal_delta_nats`, `ratio` and
        /// `equal_multiple` (see `damage`).
        pub quantity: String,
        /// The earlier training step; null where there is but one.
        pub from_checkpoint: Option<i64>,
        /// Training step; null when the study names no checkpoints.
        pub checkpoint: Option<i64>,
        /// Value that ablated neurons are set to; null but for `matter`.
        pub mode: Option<String>,
        /// Kind of random sets; null but for `ratio` and `equal_multiple`.
        pub control: Option<String>,
        /// Threshold by which the universal neurons were chosen.
        pub threshold: f64,
        /// Models for which the quantity is defined.
        pub n_models: u32,
        /// Mean over these; of `ratio` the ratio of the mean damages, of `equal_multiple` where the mean curves meet. Null where undefined.
        pub estimate: Option<f64>,
        /// Lower end of its interval: models, and blocks or rows of tokens, are resampled together. Null where the quantity is undefined or without
        /// bound in too many resamples.
        pub low: Option<f64>,
        /// Upper end; null as `low`.
        pub high: Option<f64>,
        /// Least value with one model left out; null with fewer than three models, or where undefined without one.
        pub without_one_low: Option<f64>,
        /// Greatest; null as `without_one_low`.
        pub without_one_high: Option<f64>,
        /// Of `ratio`: permutation p-value of the models together; null without draws, and of others.
        pub p_value: Option<f64>,
    }
}
