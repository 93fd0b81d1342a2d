//! Text to rows of tokens: files, documents, tokenizer, held-out split.
//!
//! One direction: `find_files -> make_rows (documents -> held-out split -> ids -> stream -> rows)`. Nothing here knows a
//! model or a study; the rows are plain ids. Same files, tokenizer and spec give the same rows, whatever the threads.

mod documents;
mod error;
mod fence;
mod files;
mod held_out;
mod pieces;
mod progress;
mod row_stream;
mod rows;
#[cfg(test)]
mod test_files;
#[cfg(test)]
mod test_tokenizer;
mod tokenizer;

pub use error::Error;
pub use files::{find_files, hash_files};
pub use rows::{Counts, Rows, RowsSpec, make_rows};
pub use tokenizer::{Tokenizer, token_bytes, train_tokenizer};
