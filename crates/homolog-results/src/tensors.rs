//! Named arrays in a safetensors file, for what is not a table of rows (top-k lists, histograms).
//!
//! The safetensors crate keeps metadata in a `HashMap`, whose order changes from run to run; the header is therefore
//! written here, with sorted keys. Reading a header is the crate's, and so is every check of a hostile one.

mod file;
mod header;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use safetensors::tensor::TensorInfo;
use safetensors::{Dtype, SafeTensors};
use serde_json::{Map, Value, json};

pub use file::{TensorFile, open_tensors};

use crate::{Error, store};
use header::Header;

/// The header's own entry; no tensor may have this name.
const METADATA: &str = "__metadata__";
/// Bytes of the header's length, and the alignment of the data after it.
const ALIGNMENT: usize = 8;

/// One array, row-major; the product of `shape` is the length of `data`. NaN is allowed and means undefined.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the type says it")]
pub enum TensorData {
    F32 { shape: Vec<usize>, data: Vec<f32> },
    F64 { shape: Vec<usize>, data: Vec<f64> },
    U32 { shape: Vec<usize>, data: Vec<u32> },
    U64 { shape: Vec<usize>, data: Vec<u64> },
}

impl TensorData {
    /// Element type, size of an element in bytes, shape, number of elements.
    fn layout(&self) -> (Dtype, usize, &[usize], usize) {
        match self {
            Self::F32 { shape, data } => (Dtype::F32, 4, shape, data.len()),
            Self::F64 { shape, data } => (Dtype::F64, 8, shape, data.len()),
            Self::U32 { shape, data } => (Dtype::U32, 4, shape, data.len()),
            Self::U64 { shape, data } => (Dtype::U64, 8, shape, data.len()),
        }
    }

    fn write_to(&self, writer: &mut impl Write) -> io::Result<()> {
        match self {
            Self::F32 { data, .. } => data.iter().try_for_each(|value| writer.write_all(&value.to_le_bytes())),
            Self::F64 { data, .. } => data.iter().try_for_each(|value| writer.write_all(&value.to_le_bytes())),
            Self::U32 { data, .. } => data.iter().try_for_each(|value| writer.write_all(&value.to_le_bytes())),
            Self::U64 { data, .. } => data.iter().try_for_each(|value| writer.write_all(&value.to_le_bytes())),
        }
    }
}

/// Writes the tensors to `path`, whole or not at all. Neither their order nor that of `metadata` changes the bytes.
///
/// Panics: if the product of a shape is not the length of its data, or a tensor is named `__metadata__`.
pub fn write_tensors(
    path: &Path,
    tensors: &[(String, TensorData)],
    metadata: &[(String, String)],
) -> Result<(), Error> {
    let sorted = in_file_order(tensors);
    let mut header = Map::new();
    if !metadata.is_empty() {
        header.insert(METADATA.to_owned(), json!(metadata.iter().cloned().collect::<BTreeMap<_, _>>()));
    }
    let mut end = 0;
    for (name, tensor) in &sorted {
        let (dtype, element_bytes, shape, n_elements) = tensor.layout();
        assert_eq!(shape.iter().product::<usize>(), n_elements, "tensor `{name}`: shape {shape:?} and length disagree");
        assert_ne!(name, METADATA, "a tensor has the name of the metadata");
        let start = end;
        end += element_bytes * n_elements;
        let info = TensorInfo { dtype, shape: shape.to_vec(), data_offsets: (start, end) };
        if header.insert(name.clone(), json!(info)).is_some() {
            return Err(Error::DuplicateTensor { path: path.to_owned(), tensor: name.clone() });
        }
    }
    let mut header = Value::Object(header).to_string().into_bytes();
    header.resize(header.len().next_multiple_of(ALIGNMENT), b' ');
    store::write_atomically(path, |writer| {
        let mut write = || {
            writer.write_all(&(header.len() as u64).to_le_bytes())?;
            writer.write_all(&header)?;
            sorted.iter().try_for_each(|(_, tensor)| tensor.write_to(writer))
        };
        write().map_err(Error::write(path))
    })
}

/// Wide elements first, so that every tensor is aligned; then by name.
fn in_file_order(tensors: &[(String, TensorData)]) -> Vec<&(String, TensorData)> {
    let mut sorted: Vec<_> = tensors.iter().collect();
    sorted.sort_by_key(|(name, tensor)| (std::cmp::Reverse(tensor.layout().1), name));
    sorted
}

/// BLAKE3 of the data that [`write_tensors`] writes for these, hexadecimal; names and shapes are not in it.
pub fn data_hash(tensors: &[(String, TensorData)]) -> String {
    let mut writer = io::BufWriter::with_capacity(1 << 16, blake3::Hasher::new());
    let written = in_file_order(tensors).iter().try_for_each(|(_, tensor)| tensor.write_to(&mut writer));
    let hasher = written.and_then(|()| writer.into_inner().map_err(io::IntoInnerError::into_error));
    hasher.expect("a hasher takes everything").finalize().to_hex().to_string()
}

/// Reads the tensor file at `path` into memory and checks its header.
pub fn read_tensors(path: &Path) -> Result<Tensors, Error> {
    let bytes = fs::read(path).map_err(Error::read(path))?;
    let (header_bytes, header) =
        SafeTensors::read_metadata(&bytes).map_err(|source| Error::NotSafetensors { path: path.to_owned(), source })?;
    Ok(Tensors { data_start: ALIGNMENT + header_bytes, bytes, header: Header::new(path, header) })
}

/// A tensor file in memory. The getters are strict: a tensor of another element type is an error, not converted.
#[derive(Debug)]
pub struct Tensors {
    bytes: Vec<u8>,
    data_start: usize,
    header: Header,
}

impl Tensors {
    /// The names of all tensors, sorted.
    pub fn names(&self) -> Vec<String> {
        self.header.names()
    }

    /// The file's own key-value metadata.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.header.metadata
    }

    /// BLAKE3 of the data, as [`data_hash`] gives it.
    pub fn data_hash(&self) -> String {
        blake3::hash(&self.bytes[self.data_start..]).to_hex().to_string()
    }

    /// Shape and values of the f32 tensor `name`.
    pub fn f32(&self, name: &str) -> Result<(&[usize], Vec<f32>), Error> {
        self.values(name, Dtype::F32, f32::from_le_bytes)
    }

    /// Shape and values of the f64 tensor `name`.
    pub fn f64(&self, name: &str) -> Result<(&[usize], Vec<f64>), Error> {
        self.values(name, Dtype::F64, f64::from_le_bytes)
    }

    /// Shape and values of the u32 tensor `name`.
    pub fn u32(&self, name: &str) -> Result<(&[usize], Vec<u32>), Error> {
        self.values(name, Dtype::U32, u32::from_le_bytes)
    }

    /// Shape and values of the u64 tensor `name`.
    pub fn u64(&self, name: &str) -> Result<(&[usize], Vec<u64>), Error> {
        self.values(name, Dtype::U64, u64::from_le_bytes)
    }

    fn values<const N: usize, T>(
        &self,
        name: &str,
        expected: Dtype,
        decode: fn([u8; N]) -> T,
    ) -> Result<(&[usize], Vec<T>), Error> {
        let info = self.header.typed(name, expected)?;
        let (start, end) = info.data_offsets;
        let (elements, _) = self.bytes[self.data_start..][start..end].as_chunks::<N>();
        Ok((&info.shape, elements.iter().copied().map(decode).collect()))
    }
}

#[cfg(test)]
mod tests;
