//! What a tensor file says of its tensors, and the strict lookup in it: for files in memory and on disk.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};

use crate::Error;

/// The header of the tensor file at `path`.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) path: PathBuf,
    pub(super) metadata: BTreeMap<String, String>,
    tensors: Metadata,
}

impl Header {
    pub(super) fn new(path: &Path, tensors: Metadata) -> Self {
        let metadata = tensors.metadata().clone().unwrap_or_default().into_iter().collect();
        Self { path: path.to_owned(), metadata, tensors }
    }

    /// The names of all tensors, sorted.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names = self.tensors.offset_keys();
        names.sort();
        names
    }

    /// Where the tensor `name` lies.
    pub(super) fn info(&self, name: &str) -> Result<&TensorInfo, Error> {
        let missing = || Error::MissingTensor { path: self.path.clone(), tensor: name.to_owned() };
        self.tensors.info(name).ok_or_else(missing)
    }

    /// Where the tensor `name` lies, if its elements are of the type expected.
    pub(super) fn typed(&self, name: &str, expected: Dtype) -> Result<&TensorInfo, Error> {
        let info = self.info(name)?;
        if info.dtype != expected {
            let (path, tensor) = (self.path.clone(), name.to_owned());
            return Err(Error::TensorType { path, tensor, expected, found: info.dtype });
        }
        Ok(info)
    }
}
