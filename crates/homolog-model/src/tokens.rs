//! Ready-made rows of tokens, and which of their positions count.

mod npy;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use safetensors::{Dtype, SafeTensors};

use crate::Error;

/// Rows of `context` token ids.
#[derive(Clone, Debug)]
pub struct Tokens {
    path: PathBuf,
    /// Shared: a study hands them to several stages.
    ids: Arc<[u32]>,
    context: usize,
    hash: String,
}

/// Some consecutive rows.
#[derive(Clone, Copy, Debug)]
pub struct TokenBatch<'a> {
    /// [`n_rows`, context]
    pub ids: &'a [u32],
    /// Length of a row.
    pub context: usize,
}

impl<'a> TokenBatch<'a> {
    /// Rows in the batch.
    pub fn n_rows(self) -> usize {
        self.ids.len() / self.context
    }

    /// The rows one by one.
    pub fn rows(self) -> impl Iterator<Item = TokenBatch<'a>> {
        self.ids.chunks_exact(self.context).map(move |ids| TokenBatch { ids, context: self.context })
    }
}

impl Tokens {
    /// Read a token file: little-endian `.u16` or `.u32`, `.npy` (unsigned or signed integers), or the tensor `tokens` of a
    /// `.safetensors` file; [`n_rows`, context], or flat.
    ///
    /// Errors: unreadable, another format, rows of another length, a part of a row, a negative id, no row at all.
    pub fn read(path: &Path, context: usize) -> Result<Self, Error> {
        let bytes = std::fs::read(path).map_err(|source| Error::Unreadable { path: path.to_path_buf(), source })?;
        let bad = |message: String| Error::BadTokenFile { path: path.to_path_buf(), message };
        let array = match path.extension().and_then(|extension| extension.to_str()) {
            Some("u16") => Array { dtype: Dtype::U16, row_length: None, bytes: &bytes },
            Some("u32") => Array { dtype: Dtype::U32, row_length: None, bytes: &bytes },
            Some("npy") => npy::parse(&bytes).map_err(bad)?,
            Some("safetensors") => safetensors_array(path, &bytes)?,
            _ => return Err(Error::UnknownTokenFormat { path: path.to_path_buf() }),
        };
        if let Some(row_length) = array.row_length.filter(|&length| length != context) {
            let message =
                format!("holds rows of {row_length} tokens, not of {context}; set corpus.context to {row_length}");
            return Err(bad(message));
        }
        Self::new(path, array.ids().map_err(bad)?, context)
    }

    /// Rows made elsewhere, [`n_rows`, context], hashed as a file of them would be; messages about them name `path_label`.
    ///
    /// Errors: no id at all, a part of a row, a context of 0.
    pub fn new(path_label: &Path, ids: Vec<u32>, context: usize) -> Result<Self, Error> {
        let path = path_label.to_path_buf();
        if context == 0 || !ids.len().is_multiple_of(context) {
            return Err(Error::NotWholeRows { path, n_tokens: ids.len(), context });
        }
        if ids.is_empty() {
            return Err(Error::BadTokenFile { path, message: "holds no tokens; make it again".into() });
        }
        let hash = hash(&ids, context);
        Ok(Self { path, ids: ids.into(), context, hash })
    }

    /// Check every id against the vocabulary.
    pub fn check_vocabulary(&self, d_vocab: usize) -> Result<(), Error> {
        match self.ids.iter().position(|&id| id as usize >= d_vocab) {
            None => Ok(()),
            Some(at) => Err(Error::TokenOutsideVocabulary {
                path: self.path.clone(),
                id: self.ids[at],
                row: at / self.context,
                position: at % self.context,
                d_vocab,
            }),
        }
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.ids.len() / self.context
    }

    /// Length of a row.
    pub fn context(&self) -> usize {
        self.context
    }

    /// All positions, numbered flat: row * context + place in the row.
    pub fn positions(&self) -> std::ops::Range<usize> {
        0..self.ids.len()
    }

    /// BLAKE3 of row length and ids as little-endian u32: the same for the same rows in any format.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The first `n_rows` rows, hashed anew.
    #[must_use]
    pub fn first_rows(&self, n_rows: usize) -> Self {
        if n_rows == self.n_rows() {
            return self.clone();
        }
        let ids: Arc<[u32]> = self.ids[..n_rows * self.context].into();
        Self { path: self.path.clone(), hash: hash(&ids, self.context), ids, context: self.context }
    }

    /// `n_rows` rows at even distances over all of them, or all: of text in the order of its documents, a sample of these.
    #[must_use]
    pub fn spread(&self, n_rows: usize) -> Self {
        if n_rows >= self.n_rows() {
            return self.clone();
        }
        // The middle row of each of `n_rows` equal parts.
        let rows = (0..n_rows).map(|part| (2 * part + 1) * self.n_rows() / (2 * n_rows));
        let ids: Arc<[u32]> = rows.flat_map(|row| self.batch(row..row + 1).ids.iter().copied()).collect();
        Self { path: self.path.clone(), hash: hash(&ids, self.context), ids, context: self.context }
    }

    /// Rows `rows` as one batch.
    pub fn batch(&self, rows: std::ops::Range<usize>) -> TokenBatch<'_> {
        TokenBatch { ids: &self.ids[rows.start * self.context..rows.end * self.context], context: self.context }
    }
}

fn hash(ids: &[u32], context: usize) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&(context as u64).to_le_bytes());
    for ids in ids.chunks(4096) {
        let bytes: Vec<u8> = ids.iter().flat_map(|id| id.to_le_bytes()).collect();
        hasher.update(&bytes);
    }
    hasher.finalize().to_hex().to_string()
}

/// Integers of a file before they are known to be token ids.
struct Array<'a> {
    dtype: Dtype,
    /// Length of a row, where the file says.
    row_length: Option<usize>,
    bytes: &'a [u8],
}

impl Array<'_> {
    fn ids(&self) -> Result<Vec<u32>, String> {
        fn each<const N: usize>(bytes: &[u8], id: impl Fn([u8; N]) -> i64) -> Result<Vec<u32>, String> {
            let (values, rest) = bytes.as_chunks::<N>();
            if !rest.is_empty() {
                return Err(format!("{} bytes are not a whole number of {N}-byte ids; was it cut off?", bytes.len()));
            }
            let to_id = |(at, &value): (usize, &[u8; N])| {
                let value = id(value);
                u32::try_from(value)
                    .map_err(|_| format!("value {value} at {at} is not a token id; make the file again"))
            };
            values.iter().enumerate().map(to_id).collect()
        }
        match self.dtype {
            Dtype::U8 => each(self.bytes, |b| i64::from(u8::from_le_bytes(b))),
            Dtype::U16 => each(self.bytes, |b| i64::from(u16::from_le_bytes(b))),
            Dtype::I16 => each(self.bytes, |b| i64::from(i16::from_le_bytes(b))),
            Dtype::U32 => each(self.bytes, |b| i64::from(u32::from_le_bytes(b))),
            Dtype::I32 => each(self.bytes, |b| i64::from(i32::from_le_bytes(b))),
            // An id beyond i64 is beyond u32 as well, and refused as negative.
            Dtype::I64 | Dtype::U64 => each(self.bytes, i64::from_le_bytes),
            other => Err(format!("holds values of type {other:?}; token ids are integers")),
        }
    }
}

fn safetensors_array<'a>(path: &Path, bytes: &'a [u8]) -> Result<Array<'a>, Error> {
    let bad = |error: safetensors::SafeTensorError| Error::BadSafetensors {
        path: path.to_path_buf(),
        message: error.to_string(),
    };
    let tensors = SafeTensors::deserialize(bytes).map_err(bad)?;
    let view = tensors
        .tensor("tokens")
        .map_err(|_| Error::MissingTensor { path: path.to_path_buf(), tensor: "tokens".into() })?;
    let row_length = match *view.shape() {
        [_] => None,
        [_, row_length] => Some(row_length),
        ref shape => {
            let message = format!("tensor `tokens` has shape {shape:?}; rows are [n_rows, context]");
            return Err(Error::BadTokenFile { path: path.to_path_buf(), message });
        }
    };
    Ok(Array { dtype: view.dtype(), row_length, bytes: view.data() })
}

/// Which positions enter correlations, moments and means.
#[derive(Clone, Debug)]
pub struct TokenMask {
    is_counted: Vec<bool>,
    context: usize,
}

impl TokenMask {
    /// Count every position whose input token is not excluded.
    pub fn new(tokens: &Tokens, excluded: &[u32]) -> Self {
        Self { is_counted: tokens.ids.iter().map(|id| !excluded.contains(id)).collect(), context: tokens.context }
    }

    /// Positions that are counted both in a row and in the row that stands in for it: `order` names one for each row.
    #[must_use]
    pub fn counted_in_both(&self, order: &[usize]) -> Self {
        let rows = self.is_counted.chunks_exact(self.context).zip(order);
        let both = rows.flat_map(|(row, &other)| row.iter().zip(self.row(other)).map(|(&a, &b)| a && b));
        Self { is_counted: both.collect(), context: self.context }
    }

    /// Counted positions of one row, [context].
    pub fn row(&self, row: usize) -> &[bool] {
        &self.is_counted[row * self.context..(row + 1) * self.context]
    }

    /// Counted positions of all rows.
    pub fn n_tokens_counted(&self) -> usize {
        self.is_counted.iter().filter(|&&is_counted| is_counted).count()
    }
}
