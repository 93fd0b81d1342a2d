//! Bundles: named, compressed groups of arrays, the one form in which data reach the explorer. docs/explorer.md is the contract.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::{Compression, GzBuilder};
use serde_json::{Map, Value, json};

/// Every array begins at a multiple of this.
const ALIGNMENT: usize = 8;
/// "Unknown" in gzip: the system that compressed is not told.
const UNKNOWN_SYSTEM: u8 = 255;

/// Elements of an array, by type.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Elements {
    I8(Vec<i8>),
    U8(Vec<u8>),
    U16(Vec<u16>),
    U32(Vec<u32>),
    F32(Vec<f32>),
}

impl Elements {
    fn type_name(&self) -> &'static str {
        match self {
            Self::I8(_) => "i8",
            Self::U8(_) => "u8",
            Self::U16(_) => "u16",
            Self::U32(_) => "u32",
            Self::F32(_) => "f32",
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::I8(values) => values.len(),
            Self::U8(values) => values.len(),
            Self::U16(values) => values.len(),
            Self::U32(values) => values.len(),
            Self::F32(values) => values.len(),
        }
    }

    fn append_to(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::I8(values) => bytes.extend(values.iter().flat_map(|value| value.to_le_bytes())),
            Self::U8(values) => bytes.extend(values),
            Self::U16(values) => bytes.extend(values.iter().flat_map(|value| value.to_le_bytes())),
            Self::U32(values) => bytes.extend(values.iter().flat_map(|value| value.to_le_bytes())),
            Self::F32(values) => bytes.extend(values.iter().flat_map(|value| value.to_le_bytes())),
        }
    }
}

/// A bundle that is being filled.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bundle {
    meta: Map<String, Value>,
    arrays: Map<String, Value>,
    data: Vec<u8>,
}

impl Bundle {
    /// A bundle with this `meta` and no arrays.
    pub(crate) fn with_meta(meta: Map<String, Value>) -> Self {
        Self { meta, ..Self::default() }
    }

    /// Add an array, row-major.
    ///
    /// Panics: if `shape` and the number of elements disagree, or there is an array of this name.
    pub(crate) fn add(&mut self, name: impl Into<String>, shape: &[usize], elements: &Elements) {
        let name = name.into();
        let n_elements = elements.len();
        assert_eq!(shape.iter().product::<usize>(), n_elements, "array `{name}`: shape {shape:?} and length disagree");
        self.data.resize(self.data.len().next_multiple_of(ALIGNMENT), 0);
        let entry = json!({ "type": elements.type_name(), "shape": shape, "at": self.data.len() });
        elements.append_to(&mut self.data);
        assert!(self.arrays.insert(name, entry).is_none(), "two arrays of a bundle have the same name");
    }

    /// The compressed container. Equal contents give equal bytes.
    pub(crate) fn to_gzip(&self) -> Vec<u8> {
        let mut header = json!({ "meta": self.meta, "arrays": self.arrays }).to_string().into_bytes();
        let start = size_of::<u32>();
        header.resize((start + header.len()).next_multiple_of(ALIGNMENT) - start, b' ');
        let mut writer =
            GzBuilder::new().mtime(0).operating_system(UNKNOWN_SYSTEM).write(Vec::new(), Compression::best());
        let mut write = || {
            writer.write_all(&(header.len() as u32).to_le_bytes())?;
            writer.write_all(&header)?;
            writer.write_all(&self.data)
        };
        write().and_then(|()| writer.finish()).expect("memory takes everything")
    }

    /// The container as HTML and scripts carry it: letters, digits, `+`, `/` and `=` only.
    pub(crate) fn to_base64(&self) -> String {
        STANDARD.encode(self.to_gzip())
    }
}

/// Bytes as text, for links that carry their file.
pub(crate) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

#[cfg(test)]
pub(crate) mod tests;
