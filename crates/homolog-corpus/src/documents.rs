//! Files to documents: a `.txt` file or what `<|endoftext|>` ends in it, a line of `.jsonl`, a row of Parquet.
//!
//! One document at a time, in the order of the file, with its bytes exactly as they are: no byte-order mark, line end or
//! space is taken away, since a tokenizer would see it.

use std::path::Path;

use crate::Error;
use crate::files::{Layout, format};
use crate::progress::Progress;

mod bytes;
mod lines;
mod parquet_rows;
mod text;

use bytes::Bytes;
use lines::Lines;
use parquet_rows::ParquetRows;
use text::Text;

/// The documents of one file, read as they are asked for.
pub(crate) enum Documents<'a> {
    Text(Text<'a>),
    Lines(Lines<'a>),
    Parquet(Box<ParquetRows>),
}

impl<'a> Documents<'a> {
    /// `text_field`: the key or column with the text. `progress` is only asked whether to go on.
    pub(crate) fn open(path: &Path, text_field: &str, progress: &'a Progress<'a>) -> Result<Self, Error> {
        let (layout, compression) = format(path)?;
        Ok(match layout {
            Layout::Text => Self::Text(Text::new(Bytes::open(path, compression, progress)?)),
            Layout::Lines => Self::Lines(Lines::new(Bytes::open(path, compression, progress)?, text_field)),
            Layout::Parquet => Self::Parquet(Box::new(ParquetRows::open(path, text_field)?)),
        })
    }

    /// The next document, None behind the last. After an error the reader is of no more use.
    pub(crate) fn next(&mut self) -> Result<Option<String>, Error> {
        match self {
            Self::Text(text) => text.next(),
            Self::Lines(lines) => lines.next(),
            Self::Parquet(rows) => rows.next(),
        }
    }

    /// Bytes of the file behind the documents so far; of Parquet an estimate from its rows. All of them at the end.
    pub(crate) fn n_bytes_read(&self) -> u64 {
        match self {
            Self::Text(text) => text.n_bytes_read(),
            Self::Lines(lines) => lines.n_bytes_read(),
            Self::Parquet(rows) => rows.n_bytes_read(),
        }
    }
}

/// The most text that a file of `n_bytes` may hold once decompressed: text compresses tenfold, tables of numbers thirtyfold.
/// What goes beyond is a mistake or an attack, and would fill the memory with rows.
fn most_text(n_bytes: u64) -> u64 {
    const TIMES: u64 = 64;
    const ALWAYS: u64 = 64 << 20;
    n_bytes.saturating_mul(TIMES).max(ALWAYS)
}

#[cfg(test)]
mod tests;
