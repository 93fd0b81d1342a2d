#![expect(clippy::print_stdout, reason = "a skipped test says so on its standard output, where `xtask ci` counts it")]
//! The fixture family beside the checkout, and readers of its golden files.
//!
//! The fixtures are not committed: a test that needs them starts with [`require_fixtures!`](crate::require_fixtures) and is
//! counted as skipped where they are absent.

use std::fs;
use std::path::{Path, PathBuf};

use safetensors::{Dtype, SafeTensors, tensor::TensorView};

#[cfg(test)]
mod tests;

/// What a test prints (after `SKIPPED: `) where the fixtures are absent.
pub const NO_FIXTURES: &str = "../shared/fixtures is not beside this checkout";

/// The folder `../shared/fixtures` beside the workspace root, if this checkout has it.
pub fn fixtures() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures");
    folder.canonicalize().ok().filter(|folder| folder.is_dir())
}

/// Prints the line by which `cargo xtask ci` recognises and counts a skipped test; the test returns right after it.
pub fn print_skipped(reason: &str) {
    println!("SKIPPED: {reason}");
}

/// The fixtures' folder as a `PathBuf`; where it is absent, prints `SKIPPED: ...` and returns from the test.
///
/// A test that does more than its fixtures names the part it skips: `require_fixtures!("the goldens of seed-a")`.
#[macro_export]
macro_rules! require_fixtures {
    () => {
        match $crate::fixtures::fixtures() {
            Some(folder) => folder,
            None => {
                $crate::fixtures::print_skipped($crate::fixtures::NO_FIXTURES);
                return;
            }
        }
    };
    ($what:expr) => {
        match $crate::fixtures::fixtures() {
            Some(folder) => folder,
            None => {
                $crate::fixtures::print_skipped(&format!("{} ({})", $crate::fixtures::NO_FIXTURES, $what));
                return;
            }
        }
    };
}

/// A JSON file as a value. Panics with its path if it cannot be read.
#[track_caller]
pub fn json(path: impl AsRef<Path>) -> serde_json::Value {
    let path = path.as_ref();
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A safetensors file of expected numbers, held in memory.
///
/// Panics (every method): with path and tensor name, where a file, tensor or type is not what the test expects.
#[derive(Debug, Clone)]
pub struct Golden {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl Golden {
    /// Reads a file and checks its header.
    #[track_caller]
    pub fn open(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref().to_path_buf();
        let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let golden = Self { path, bytes };
        golden.tensors();
        golden
    }

    /// The names of its tensors, sorted.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.tensors().names().into_iter().map(String::from).collect();
        names.sort();
        names
    }

    /// The shape of a tensor.
    #[track_caller]
    pub fn shape(&self, name: &str) -> Vec<usize> {
        self.tensor(name).shape().to_vec()
    }

    /// The values of a floating-point tensor (F64, F32, F16 or BF16; widening is exact), row-major.
    #[track_caller]
    pub fn f64(&self, name: &str) -> Vec<f64> {
        let tensor = self.tensor(name);
        let bytes = tensor.data();
        match tensor.dtype() {
            Dtype::F64 => words(bytes).map(f64::from_le_bytes).collect(),
            Dtype::F32 => words(bytes).map(f32::from_le_bytes).map(f64::from).collect(),
            Dtype::F16 => words(bytes).map(half::f16::from_le_bytes).map(f64::from).collect(),
            Dtype::BF16 => words(bytes).map(half::bf16::from_le_bytes).map(f64::from).collect(),
            other => panic!("{}: {name} is {other:?}, not floating point", self.path.display()),
        }
    }

    /// The values of an integer tensor (I64, I32, I16 or U8), row-major.
    #[track_caller]
    pub fn i64(&self, name: &str) -> Vec<i64> {
        let tensor = self.tensor(name);
        let bytes = tensor.data();
        match tensor.dtype() {
            Dtype::I64 => words(bytes).map(i64::from_le_bytes).collect(),
            Dtype::I32 => words(bytes).map(i32::from_le_bytes).map(i64::from).collect(),
            Dtype::I16 => words(bytes).map(i16::from_le_bytes).map(i64::from).collect(),
            Dtype::U8 => bytes.iter().copied().map(i64::from).collect(),
            other => panic!("{}: {name} is {other:?}, not an integer we read", self.path.display()),
        }
    }

    #[track_caller]
    fn tensors(&self) -> SafeTensors<'_> {
        SafeTensors::deserialize(&self.bytes).unwrap_or_else(|error| panic!("{}: {error}", self.path.display()))
    }

    #[track_caller]
    fn tensor(&self, name: &str) -> TensorView<'_> {
        self.tensors()
            .tensor(name)
            .unwrap_or_else(|error| panic!("{}: {error}; it has {:?}", self.path.display(), self.names()))
    }
}

/// Little-endian words of `N` bytes; safetensors has checked that the length is whole.
fn words<const N: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; N]> + '_ {
    let (words, rest) = bytes.as_chunks::<N>();
    assert!(rest.is_empty(), "{} bytes are not whole words of {N}", bytes.len());
    words.iter().copied()
}
