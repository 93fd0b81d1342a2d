//! The weight tensors of a checkpoint as its files hold them, read a piece at a time: never a whole checkpoint in memory.

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use crate::Error;
use crate::weights::index::{self, Tensors};

/// Where the tensors of a checkpoint lie. Names are Hugging Face's without `transformer.`; a tied unembedding is left out.
#[derive(Clone, Debug)]
pub struct StoredTensors {
    pub(crate) files: Vec<PathBuf>,
    pub(crate) tensors: Tensors,
}

impl StoredTensors {
    /// Names, ascending.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// The shape of a tensor, if there is one of this name.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.tensors.get(name).map(|stored| &*stored.shape)
    }

    /// Values of a tensor, row-major, widened to f32 exactly: those from `first` on, at most `n_values`; none behind its end.
    ///
    /// Panics: if there is no tensor of this name.
    pub fn read(&self, name: &str, first: usize, n_values: usize) -> Result<Vec<f32>, Error> {
        let stored = &self.tensors[name];
        let n_left = stored.shape.iter().product::<usize>().saturating_sub(first);
        if n_left == 0 {
            return Ok(Vec::new());
        }
        index::some_values(&self.files[stored.file], stored, first, n_values.min(n_left))
    }
}
