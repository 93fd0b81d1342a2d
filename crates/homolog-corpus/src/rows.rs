//! Documents to rows: read, split, tokenised, streamed.

use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::documents::Documents;
use crate::held_out::{default_tokens, is_held_out};
use crate::pieces::{PIECE_BYTES, cut};
use crate::progress::Progress;
use crate::row_stream::RowStream;
use crate::{Error, Tokenizer};

/// Text that is tokenised at once, by all threads. Beyond it only a document is larger.
const BATCH_BYTES: usize = 4 << 20;
/// Documents at once, since those without text have no bytes.
const BATCH_DOCUMENTS: usize = 1 << 14;

/// What the rows shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowsSpec {
    /// Tokens of a row, the BOS among them.
    pub context: usize,
    /// Whether each row begins with `<|endoftext|>`.
    pub bos: bool,
    /// Positions of all correlation rows, rounded down to whole rows; None: all text.
    pub tokens: Option<u64>,
    /// Positions of all held-out rows, rounded down to whole rows; 0: no split. None: of all text every document whose hash
    /// says so, else `tokens` / 20 and as many as there are.
    pub held_out_tokens: Option<u64>,
    /// Key or column of the text in `.jsonl` and Parquet.
    pub text_field: String,
}

/// Rows of token ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows {
    /// For correlations, flat [n_rows, context]; at least one row.
    pub rows: Vec<u32>,
    /// For losses and ablation, flat [n_rows, context]; may be empty.
    pub held_out: Vec<u32>,
    /// What became of the text.
    pub counts: Counts,
}

/// What became of the text, up to the document that filled the last row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Documents read.
    pub n_documents: u64,
    /// Of these in the held-out rows.
    pub n_held_out_documents: u64,
    /// Of these without text.
    pub n_empty_documents: u64,
    /// Of these not used: the correlation rows were full, held-out rows still sought.
    pub n_unused_documents: u64,
    /// Tokens for the correlation rows that are in none: an unfinished last row, or the rest of the document that filled them.
    pub n_dropped_tokens: u64,
    /// The same of the held-out rows.
    pub n_dropped_held_out_tokens: u64,
    /// Files of which nothing was read, since all rows were there.
    pub n_unread_files: u64,
}

/// The rows of the documents in `files`, in order.
///
/// A document is a `.txt` file (`<|endoftext|>` inside also ends one), a line of `.jsonl`, a row of Parquet; its bytes are
/// taken as they are (a byte-order mark too). Those whose hash says so (BLAKE3 mod 20 = 0) make the held-out rows until
/// there are enough of these, then they go to the correlation rows as all others; a document is never divided between the
/// two. Each side is a stream: its documents in order, one `<|endoftext|>` between two. A row is `<|endoftext|>` and
/// `context - 1` consecutive tokens of the stream, or with `bos = false` `context` of them. Reading stops when both sides
/// are full.
///
/// `progress` is told the bytes of files (as they lie on the disk, of Parquet an estimate) done since its last call, from
/// any thread; 0 only asks. `false` ends in `Interrupted`.
///
/// Memory: the rows, one batch of documents (4 MiB, or the largest document) and its ids. No more text is read from a
/// compressed file than 64 times its size (at least 64 MiB).
///
/// Errors: what cannot be read or is no text, with file and line or row; fewer rows than asked for; no correlation row.
pub fn make_rows(
    files: &[PathBuf],
    tokenizer: &Tokenizer,
    spec: &RowsSpec,
    progress: &(dyn Fn(u64) -> bool + Sync),
) -> Result<Rows, Error> {
    make_rows_in(files, tokenizer, spec, progress, BATCH_BYTES, PIECE_BYTES)
}

/// The same in batches and pieces of these sizes, which change nothing but memory and speed.
fn make_rows_in(
    files: &[PathBuf],
    tokenizer: &Tokenizer,
    spec: &RowsSpec,
    progress: &Progress,
    batch_bytes: usize,
    piece_bytes: usize,
) -> Result<Rows, Error> {
    let mut making = Making::new(files, tokenizer, spec, progress)?;
    (making.batch_bytes, making.piece_bytes) = (batch_bytes, piece_bytes);
    making.read_all()?;
    making.finish()
}

/// The rows while they grow.
struct Making<'a> {
    files: &'a [PathBuf],
    tokenizer: &'a Tokenizer,
    spec: &'a RowsSpec,
    progress: &'a Progress<'a>,
    batch_bytes: usize,
    piece_bytes: usize,
    correlation: RowStream,
    held_out: RowStream,
    counts: Counts,
    /// Files up to the one with the last document that was counted.
    n_files_read: usize,
}

/// A document between reading and tokenising.
struct Read {
    file: usize,
    text: String,
    is_held_out: bool,
}

impl<'a> Making<'a> {
    fn new(
        files: &'a [PathBuf],
        tokenizer: &'a Tokenizer,
        spec: &'a RowsSpec,
        progress: &'a Progress<'a>,
    ) -> Result<Self, Error> {
        let &RowsSpec { context, bos, tokens, held_out_tokens, .. } = spec;
        let least = 1 + usize::from(bos);
        if context < least {
            return Err(Error::ContextTooShort { context, least });
        }
        let separator = tokenizer.end_of_text();
        let bos = if bos {
            Some(separator.ok_or_else(|| Error::NoBos { tokenizer: tokenizer.path().to_path_buf() })?)
        } else {
            None
        };
        let whole_rows = |key, tokens| match tokens / context as u64 {
            0 => Err(Error::LessThanOneRow { key, tokens, context }),
            n_rows => Ok(n_rows),
        };
        let wanted = tokens.map(|tokens| whole_rows("tokens", tokens)).transpose()?;
        let wanted_held_out = match held_out_tokens {
            Some(0) => Some(0),
            Some(tokens) => Some(whole_rows("held_out_tokens", tokens)?),
            None => tokens.map(|tokens| default_tokens(tokens) / context as u64),
        };
        Ok(Self {
            files,
            tokenizer,
            spec,
            progress,
            batch_bytes: BATCH_BYTES,
            piece_bytes: PIECE_BYTES,
            correlation: RowStream::new(context, bos, separator, wanted),
            held_out: RowStream::new(context, bos, separator, wanted_held_out),
            counts: Counts::default(),
            n_files_read: 0,
        })
    }

    fn is_done(&self) -> bool {
        self.correlation.is_full() && self.held_out.is_full()
    }

    fn read_all(&mut self) -> Result<(), Error> {
        let mut batch = Vec::new();
        let mut n_batch_bytes = 0;
        // Bytes of files behind the batch.
        let mut n_file_bytes = 0;
        for (file, path) in self.files.iter().enumerate() {
            if self.is_done() {
                return Ok(());
            }
            // What is wrong behind the last row that is wanted is never seen, however much is read ahead: the documents
            // before an error are used first.
            let mut documents = match Documents::open(path, &self.spec.text_field, self.progress) {
                Ok(documents) => documents,
                Err(error) => return self.use_batch(&batch, 0).and_then(|()| self.unless_done(error)),
            };
            let mut n_told = 0;
            loop {
                let document = match documents.next() {
                    Ok(document) => document,
                    Err(error) => return self.use_batch(&batch, 0).and_then(|()| self.unless_done(error)),
                };
                n_file_bytes += documents.n_bytes_read() - n_told;
                n_told = documents.n_bytes_read();
                let Some(text) = document else { break };
                n_batch_bytes += text.len();
                batch.push(Read { file, is_held_out: is_held_out(&text), text });
                if n_batch_bytes >= self.batch_bytes || batch.len() >= BATCH_DOCUMENTS {
                    self.use_batch(&batch, n_file_bytes)?;
                    batch.clear();
                    (n_batch_bytes, n_file_bytes) = (0, 0);
                    if self.is_done() {
                        return Ok(());
                    }
                }
            }
        }
        self.use_batch(&batch, n_file_bytes)
    }

    fn unless_done(&self, error: Error) -> Result<(), Error> {
        if self.is_done() && !matches!(error, Error::Interrupted) { Ok(()) } else { Err(error) }
    }

    /// Tokenises the documents together, then streams them one by one. `n_file_bytes`: told as their pieces are done.
    fn use_batch(&mut self, batch: &[Read], n_file_bytes: u64) -> Result<(), Error> {
        let ids = self.tokenize(batch, n_file_bytes)?;
        for (document, ids) in batch.iter().zip(&ids) {
            if self.is_done() {
                return Ok(());
            }
            self.n_files_read = document.file + 1;
            self.counts.n_documents += 1;
            if document.text.is_empty() {
                self.counts.n_empty_documents += 1;
                continue;
            }
            let stream = if document.is_held_out && !self.held_out.is_full() {
                self.counts.n_held_out_documents += 1;
                &mut self.held_out
            } else if self.correlation.is_full() {
                self.counts.n_unused_documents += 1;
                continue;
            } else {
                &mut self.correlation
            };
            let missing = stream.push_document(ids);
            missing.map_err(|_| Error::NoSeparator { tokenizer: self.tokenizer.path().to_path_buf() })?;
        }
        Ok(())
    }

    /// The ids of each document. One that can no longer be used is not tokenised.
    fn tokenize(&self, batch: &[Read], n_file_bytes: u64) -> Result<Vec<Vec<u32>>, Error> {
        let mut pieces = Vec::new();
        let mut n_text_bytes = 0;
        for (index, document) in batch.iter().enumerate() {
            if self.correlation.is_full() && !document.is_held_out {
                continue;
            }
            let texts = if self.tokenizer.is_cuttable() {
                cut(&document.text, self.piece_bytes)
            } else {
                vec![&*document.text]
            };
            for text in texts.into_iter().filter(|text| !text.is_empty()) {
                let before = n_text_bytes;
                n_text_bytes += text.len() as u64;
                pieces.push(Piece { document: index, text, before, after: n_text_bytes });
            }
        }
        // The file's bytes go with the text, so that a file that is one document moves on while it is tokenised.
        let share = |n_text: u64| {
            let share = u128::from(n_file_bytes) * u128::from(n_text) / u128::from(n_text_bytes.max(1));
            u64::try_from(share).expect("a part of the file's bytes")
        };
        if n_text_bytes == 0 && !(self.progress)(n_file_bytes) {
            return Err(Error::Interrupted);
        }
        let ids = pieces.par_iter().map(|piece| {
            if !(self.progress)(0) {
                return Err(Error::Interrupted);
            }
            let ids = self.tokenizer.encode_of(piece.text, self.path_of(&batch[piece.document]))?;
            if (self.progress)(share(piece.after) - share(piece.before)) { Ok(ids) } else { Err(Error::Interrupted) }
        });
        // Collected with their errors, so that the first by place is told and not the first by time.
        let ids: Vec<Result<Vec<u32>, Error>> = ids.collect();
        let mut ids_of = vec![Vec::new(); batch.len()];
        for (piece, ids) in pieces.iter().zip(ids) {
            let ids = ids?;
            let all: &mut Vec<u32> = &mut ids_of[piece.document];
            if all.is_empty() {
                *all = ids;
            } else {
                all.extend_from_slice(&ids);
            }
        }
        Ok(ids_of)
    }

    fn path_of(&self, document: &Read) -> &Path {
        &self.files[document.file]
    }

    fn finish(mut self) -> Result<Rows, Error> {
        let &RowsSpec { context, tokens, held_out_tokens, .. } = self.spec;
        let (found, n_held_out) = (self.correlation.n_rows(), self.held_out.n_rows());
        if let Some(tokens) = tokens
            && !self.correlation.is_full()
        {
            return Err(Error::TooFewTokens {
                tokens,
                wanted: tokens / context as u64,
                found,
                found_tokens: found * context as u64,
                n_held_out,
                context,
                hint: if n_held_out == 0 { "" } else { " or lower held_out_tokens" },
            });
        }
        if let Some(tokens) = held_out_tokens
            && !self.held_out.is_full()
        {
            return Err(Error::TooFewHeldOutTokens {
                tokens,
                wanted: tokens / context as u64,
                found: n_held_out,
                found_tokens: n_held_out * context as u64,
                context,
            });
        }
        if found == 0 {
            return Err(self.no_rows());
        }
        let n_unread_files = if self.is_done() { self.files.len() - self.n_files_read } else { 0 };
        let (rows, n_dropped_tokens) = self.correlation.finish();
        let (held_out, n_dropped_held_out_tokens) = self.held_out.finish();
        self.counts.n_dropped_tokens = n_dropped_tokens;
        self.counts.n_dropped_held_out_tokens = n_dropped_held_out_tokens;
        self.counts.n_unread_files = n_unread_files as u64;
        Ok(Rows { rows, held_out, counts: self.counts })
    }

    fn no_rows(&self) -> Error {
        let Counts { n_documents, n_empty_documents: n_empty, n_held_out_documents: n_held_out, .. } = self.counts;
        let hint = if n_held_out > 0 {
            "with held_out_tokens = 0 nothing is held out; else add text"
        } else {
            "add text, or lower the context"
        };
        Error::NoRows { context: self.spec.context, n_documents, n_empty, n_held_out, hint }
    }
}

/// A part of a document, with the bytes of the batch's text before it and with it.
struct Piece<'a> {
    document: usize,
    text: &'a str,
    before: u64,
    after: u64,
}

#[cfg(test)]
mod tests;
