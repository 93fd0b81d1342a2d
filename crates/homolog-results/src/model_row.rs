//! Table `models`: one checkpoint of one model, its loss and what it was measured on.

use crate::table::table;

table! {
    name: "models",
    keys: [model, checkpoint],
    /// One checkpoint of one model.
    pub struct ModelRow {
        /// Name of the model in the study file.
        pub model: String,
        /// Training step; null when the study names no checkpoints.
        pub checkpoint: Option<i64>,
        /// Mean cross-entropy, in nats per predicted token.
        pub loss_nats: f64,
        /// Predicted tokens that the mean is over.
        pub n_targets: u64,
        /// Positions that correlations and moments are over.
        pub n_tokens_counted: u64,
        /// Neurons that are constant over the counted tokens, whose correlations are therefore undefined.
        pub n_undefined: u64,
        /// BLAKE3 of the weights, hexadecimal.
        pub weights_hash: String,
        /// BLAKE3 of the token rows of the correlations, hexadecimal.
        pub tokens_hash: String,
        /// Rows that the loss is over: `held_out`, or `same` as the correlations.
        pub loss_tokens: String,
        /// Blocks of tokens that intervals leave out in turn; null without evidence.
        pub n_blocks: Option<u64>,
        /// What a block is made of: whole `documents`, or whole `rows` where documents are not known or too few; null without evidence.
        pub blocks_of: Option<String>,
        /// Tokens frequent enough for a mean of their own; null where what is shared was not asked.
        pub n_frequent_tokens: Option<u64>,
        /// Share of the counted positions that they are at; null as `n_frequent_tokens`.
        pub frequent_token_share: Option<f64>,
        /// Counted positions of the least frequent of them; null without any.
        pub least_token_count: Option<u64>,
    }
}
