//! Table `vocabulary`: the text of every token.

use crate::table::table;

table! {
    name: "vocabulary",
    keys: [token],
    /// One token of the models' tokenizer.
    pub struct VocabularyRow {
        /// Token id.
        pub token: u32,
        /// Its text. Bytes that are not UTF-8 by themselves are written as `\xE2`; a backslash of the text is written as itself.
        pub text: String,
        /// Whether all its bytes are UTF-8 by themselves: where they are not, the text holds such `\xE2`.
        pub is_utf8: bool,
        /// How often it occurs in the rows of the correlations, counted or not.
        pub count: u64,
    }
}
