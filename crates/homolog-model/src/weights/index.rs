//! Where tensors lie: the one form to which every format of weight file is brought.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};
use safetensors::Dtype;

use crate::Error;

/// A tensor in a file: row-major, little-endian, without gaps.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stored {
    /// Which of the weight files.
    pub(crate) file: usize,
    /// First byte, from the start of the file.
    pub(crate) offset: u64,
    /// As many as `shape` and `dtype` call for; all of them within the file when it was indexed.
    pub(crate) n_bytes: u64,
    pub(crate) dtype: Dtype,
    pub(crate) shape: Vec<usize>,
}

/// Tensors by the names they have in the files.
pub(crate) type Tensors = BTreeMap<String, Stored>;

/// Values read at a time.
const PIECE: usize = 1 << 17;

/// What reading a tensor takes beyond its values: a piece as stored, once more in its type, and widened.
pub(crate) const PIECE_BYTES: u64 = 12 * PIECE as u64;

/// The values of one weight tensor, a piece after another, widened to f32 exactly.
struct Pieces<'a> {
    path: &'a Path,
    file: File,
    dtype: Dtype,
    /// Values yet to be read.
    left: usize,
    bytes: Vec<u8>,
    values: Vec<f32>,
}

impl<'a> Pieces<'a> {
    fn open(path: &'a Path, stored: &Stored) -> Result<Self, Error> {
        let unreadable = |source| Error::Unreadable { path: path.to_path_buf(), source };
        let mut file = File::open(path).map_err(unreadable)?;
        file.seek(SeekFrom::Start(stored.offset)).map_err(unreadable)?;
        let left = stored.shape.iter().product();
        Ok(Self { path, file, dtype: stored.dtype, left, bytes: vec![], values: vec![] })
    }

    /// The next piece; empty at the end. Pieces of tensors of one shape are equally long.
    fn next(&mut self) -> Result<&[f32], Error> {
        let n_values = self.left.min(PIECE);
        self.left -= n_values;
        self.bytes.resize(n_values * self.dtype.bitsize() / 8, 0);
        self.values.resize(n_values, 0.0);
        let read = self.file.read_exact(&mut self.bytes);
        read.map_err(|source| Error::Unreadable { path: self.path.to_path_buf(), source })?;
        widen(self.dtype, &self.bytes, &mut self.values);
        Ok(&self.values)
    }
}

/// Panics: if the type is not a weight type, which is checked before anything is read.
fn widen(dtype: Dtype, bytes: &[u8], values: &mut [f32]) {
    match dtype {
        Dtype::F32 => {
            for (value, &bytes) in values.iter_mut().zip(bytes.as_chunks().0) {
                *value = f32::from_le_bytes(bytes);
            }
        }
        Dtype::F16 => {
            let stored: Vec<f16> = bytes.as_chunks().0.iter().map(|&bytes| f16::from_le_bytes(bytes)).collect();
            stored.convert_to_f32_slice(values);
        }
        Dtype::BF16 => {
            let stored: Vec<bf16> = bytes.as_chunks().0.iter().map(|&bytes| bf16::from_le_bytes(bytes)).collect();
            stored.convert_to_f32_slice(values);
        }
        other => unreachable!("{other:?} is no weight type"),
    }
}

/// All values of a weight tensor. Memory: 4 bytes a value, and [`PIECE_BYTES`].
pub(crate) fn values(path: &Path, stored: &Stored) -> Result<Vec<f32>, Error> {
    let mut pieces = Pieces::open(path, stored)?;
    let mut values = Vec::with_capacity(pieces.left);
    while pieces.left > 0 {
        values.extend_from_slice(pieces.next()?);
    }
    Ok(values)
}

/// Values `first` to `first + n_values` of a weight tensor, which must have as many.
pub(crate) fn some_values(path: &Path, stored: &Stored, first: usize, n_values: usize) -> Result<Vec<f32>, Error> {
    let size = stored.dtype.bitsize() / 8;
    let unreadable = |source| Error::Unreadable { path: path.to_path_buf(), source };
    let mut file = File::open(path).map_err(unreadable)?;
    file.seek(SeekFrom::Start(stored.offset + (first * size) as u64)).map_err(unreadable)?;
    let mut bytes = vec![0; n_values * size];
    file.read_exact(&mut bytes).map_err(unreadable)?;
    let mut values = vec![0.0; n_values];
    widen(stored.dtype, &bytes, &mut values);
    Ok(values)
}

/// Whether two weight tensors of one shape hold the same values.
pub(crate) fn are_equal(a: (&Path, &Stored), b: (&Path, &Stored)) -> Result<bool, Error> {
    let (mut a, mut b) = (Pieces::open(a.0, a.1)?, Pieces::open(b.0, b.1)?);
    while a.left > 0 {
        if a.next()? != b.next()? {
            return Ok(false);
        }
    }
    Ok(true)
}
