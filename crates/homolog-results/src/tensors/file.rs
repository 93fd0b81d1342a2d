//! A tensor file of which single tensors, or rows of them, are read: for files larger than what is wanted of them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;

use safetensors::tensor::Metadata;
use safetensors::{Dtype, SafeTensorError};

use super::ALIGNMENT;
use super::header::Header;
use crate::Error;

/// Longest header that is believed, as in the safetensors crate.
const MAX_HEADER_BYTES: u64 = 100_000_000;

/// Opens the tensor file at `path` and checks its header; no tensor is read yet.
pub fn open_tensors(path: &Path) -> Result<TensorFile, Error> {
    let not_safetensors = |source| Error::NotSafetensors { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(Error::read(path))?;
    let n_bytes = file.metadata().map_err(Error::read(path))?.len();
    if n_bytes < ALIGNMENT as u64 {
        return Err(not_safetensors(SafeTensorError::HeaderTooSmall));
    }
    let mut length = [0; ALIGNMENT];
    file.read_exact(&mut length).map_err(Error::read(path))?;
    let header_bytes = u64::from_le_bytes(length);
    if header_bytes > MAX_HEADER_BYTES {
        return Err(not_safetensors(SafeTensorError::HeaderTooLarge));
    }
    let data_start = ALIGNMENT as u64 + header_bytes;
    if data_start > n_bytes {
        return Err(not_safetensors(SafeTensorError::InvalidHeaderLength));
    }
    let mut header = vec![0; header_bytes as usize];
    file.read_exact(&mut header).map_err(Error::read(path))?;
    let header: Metadata = serde_json::from_slice(&header)
        .map_err(|source| not_safetensors(SafeTensorError::InvalidHeaderDeserialization(source)))?;
    if data_start + header.data_len() as u64 != n_bytes {
        return Err(not_safetensors(SafeTensorError::MetadataIncompleteBuffer));
    }
    Ok(TensorFile { data_start, header: Header::new(path, header) })
}

/// A tensor file on disk, its header in memory. As strict as [`crate::Tensors`]; every getter opens the file again, so threads may share it.
#[derive(Debug)]
pub struct TensorFile {
    data_start: u64,
    header: Header,
}

impl TensorFile {
    /// The names of all tensors, sorted.
    pub fn names(&self) -> Vec<String> {
        self.header.names()
    }

    /// The file's own key-value metadata.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.header.metadata
    }

    /// Shape of the tensor `name`.
    pub fn shape(&self, name: &str) -> Result<&[usize], Error> {
        Ok(&self.header.info(name)?.shape)
    }

    /// Shape and values of the f64 tensor `name`.
    pub fn f64(&self, name: &str) -> Result<(&[usize], Vec<f64>), Error> {
        self.whole(name, Dtype::F64, f64::from_le_bytes)
    }

    /// Shape and values of the u32 tensor `name`.
    pub fn u32(&self, name: &str) -> Result<(&[usize], Vec<u32>), Error> {
        self.whole(name, Dtype::U32, u32::from_le_bytes)
    }

    fn whole<const N: usize, T>(
        &self,
        name: &str,
        expected: Dtype,
        decode: fn([u8; N]) -> T,
    ) -> Result<(&[usize], Vec<T>), Error> {
        let shape = self.shape(name)?;
        let n_rows = shape.first().copied().unwrap_or(1);
        Ok((shape, self.values(name, expected, 0..n_rows, decode)?))
    }

    /// Values of `rows` (indices of the first dimension) of the f32 tensor `name`.
    ///
    /// Panics: if the tensor has not so many rows.
    pub fn f32_rows(&self, name: &str, rows: Range<usize>) -> Result<Vec<f32>, Error> {
        self.values(name, Dtype::F32, rows, f32::from_le_bytes)
    }

    /// Values of `rows` (indices of the first dimension) of the u32 tensor `name`.
    ///
    /// Panics: if the tensor has not so many rows.
    pub fn u32_rows(&self, name: &str, rows: Range<usize>) -> Result<Vec<u32>, Error> {
        self.values(name, Dtype::U32, rows, u32::from_le_bytes)
    }

    fn values<const N: usize, T>(
        &self,
        name: &str,
        expected: Dtype,
        rows: Range<usize>,
        decode: fn([u8; N]) -> T,
    ) -> Result<Vec<T>, Error> {
        let info = self.header.typed(name, expected)?;
        let n_rows = info.shape.first().copied().unwrap_or(1);
        assert!(rows.start <= rows.end && rows.end <= n_rows, "rows {rows:?} of tensor `{name}`, which has {n_rows}");
        let row_bytes = info.shape.iter().skip(1).product::<usize>() * N;
        let mut bytes = vec![0; rows.len() * row_bytes];
        let start = self.data_start + (info.data_offsets.0 + rows.start * row_bytes) as u64;
        let mut read = || {
            let mut file = File::open(&self.header.path)?;
            file.seek(SeekFrom::Start(start))?;
            file.read_exact(&mut bytes)
        };
        read().map_err(Error::read(&self.header.path))?;
        Ok(bytes.as_chunks::<N>().0.iter().copied().map(decode).collect())
    }
}

#[cfg(test)]
mod tests;
