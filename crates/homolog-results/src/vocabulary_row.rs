//! Table `vocabulary`: what token ids stand for, in a study whose tokenizer is known.

use crate::table::table;

table! {
    name: "vocabulary",
    keys: [token],
    /// One token id.
    pub struct VocabularyRow {
        /// The id.
        pub token: u32,
        /// Its text; bytes that are not UTF-8 by themselves as `\xE2`.
        pub text: String,
        /// Whether its bytes are UTF-8 by themselves.
        pub is_utf8: bool,
        /// Times it stands in the rows of the correlations.
        pub count: u64,
    }
}
