//! What can go wrong with a file of a run folder. Every variant names the file.

use std::io;
use std::path::{Path, PathBuf};

use arrow_schema::DataType;
use parquet::errors::ParquetError;
use safetensors::{Dtype, SafeTensorError};

/// A failure to write or read an artifact. The cause below it, if any, is its `source`.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system refused to write.
    #[error("cannot write {}; check that its folder is writable and has space", path.display())]
    Write {
        /// The file being written, not its temporary sibling.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another program writes to the folder.
    #[error("another homolog is at work in {}; wait for it, or choose another folder with --output", folder.display())]
    Locked {
        /// The run folder.
        folder: PathBuf,
    },
    /// The operating system refused to read a file that exists.
    #[error("cannot read {}; check that it is a file and that you may read it", path.display())]
    Read {
        /// The file being read.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file does not exist.
    #[error("{} does not exist; run the stage that writes it, or correct the path", path.display())]
    MissingFile {
        /// The missing file.
        path: PathBuf,
    },
    /// The path ends in no file name (`/`, `..`).
    #[error("{} names no file; give a path that ends in a file name", path.display())]
    NoFileName {
        /// The path as given.
        path: PathBuf,
    },
    /// The table cannot be encoded.
    #[error("cannot encode {} as Parquet; report this with the cause below", path.display())]
    EncodeTable {
        /// The table's file.
        path: PathBuf,
        /// What the Parquet writer said.
        source: ParquetError,
    },
    /// The file is not Parquet, or is damaged.
    #[error("{} is not a readable Parquet file; delete it and run again", path.display())]
    NotParquet {
        /// The table's file.
        path: PathBuf,
        /// What the Parquet reader said.
        source: ParquetError,
    },
    /// The table lacks a column of the contract.
    #[error("{} has no column `{column}`, which table `{table}` needs; write it again with this version", path.display())]
    MissingColumn {
        /// The table's file.
        path: PathBuf,
        /// The table it was read as.
        table: &'static str,
        /// The column that is not there.
        column: &'static str,
    },
    /// A column has another type than the contract says.
    #[error(
        "{}: column `{column}` of table `{table}` is {found}, expected {expected}; write it again with this version",
        path.display()
    )]
    ColumnType {
        /// The table's file.
        path: PathBuf,
        /// The table it was read as.
        table: &'static str,
        /// The column at fault.
        column: &'static str,
        /// The type of the contract.
        expected: DataType,
        /// The type in the file.
        found: DataType,
    },
    /// A column that is never null holds a null.
    #[error(
        "{}: column `{column}` of table `{table}` holds a null; delete the file and write it again",
        path.display()
    )]
    UnexpectedNull {
        /// The table's file.
        path: PathBuf,
        /// The table it was read as.
        table: &'static str,
        /// The column at fault.
        column: &'static str,
    },
    /// A float to be written is NaN.
    #[error(
        "row {row} of table `{table}` for {} has NaN in `{column}`; write an undefined value as null",
        path.display()
    )]
    NotANumber {
        /// The table's file, which was not touched.
        path: PathBuf,
        /// The table.
        table: &'static str,
        /// The column at fault.
        column: &'static str,
        /// Index of the first such row, from 0.
        row: usize,
    },
    /// The rows to be written are not in the order of their keys.
    #[error(
        "row {row} of table `{table}` for {} belongs before row {}; sort the rows first",
        path.display(),
        row - 1
    )]
    UnsortedTable {
        /// The table's file, which was not touched.
        path: PathBuf,
        /// The table.
        table: &'static str,
        /// Index of the first row smaller than the one before it, from 0.
        row: usize,
    },
    /// Two rows to be written have the same key.
    #[error(
        "rows {} and {row} of table `{table}` for {} have the same key; write one row for each key",
        row - 1,
        path.display()
    )]
    DuplicateKey {
        /// The table's file, which was not touched.
        path: PathBuf,
        /// The table.
        table: &'static str,
        /// Index of the later of the two, from 0.
        row: usize,
    },
    /// The file is not safetensors, or is damaged.
    #[error("{} is not a readable safetensors file; delete it and run again", path.display())]
    NotSafetensors {
        /// The tensor file.
        path: PathBuf,
        /// What the reader said.
        source: SafeTensorError,
    },
    /// Two tensors to be written have the same name.
    #[error("two tensors for {} are named `{tensor}`; give each its own name", path.display())]
    DuplicateTensor {
        /// The tensor file, which was not touched.
        path: PathBuf,
        /// The repeated name.
        tensor: String,
    },
    /// The file holds no tensor of this name.
    #[error("{} has no tensor `{tensor}`; delete it and run again with this version", path.display())]
    MissingTensor {
        /// The tensor file.
        path: PathBuf,
        /// The name asked for.
        tensor: String,
    },
    /// A tensor has another element type than was asked for.
    #[error(
        "{}: tensor `{tensor}` is {found}, expected {expected}; delete the file and run again with this version",
        path.display()
    )]
    TensorType {
        /// The tensor file.
        path: PathBuf,
        /// The tensor.
        tensor: String,
        /// The type asked for.
        expected: Dtype,
        /// The type in the file.
        found: Dtype,
    },
    /// The manifest is not JSON, or lacks a field.
    #[error("{} is not a manifest of a run; choose another folder, or delete the file to start anew", path.display())]
    NotAManifest {
        /// The manifest's file.
        path: PathBuf,
        /// What the JSON reader said.
        source: serde_json::Error,
    },
    /// The manifest was written in a format that this version does not know.
    #[error(
        "{} has format {found}, this version reads {supported}; use the version of homolog that wrote it, or another folder",
        path.display()
    )]
    UnknownManifestVersion {
        /// The manifest's file.
        path: PathBuf,
        /// The format in the file.
        found: u32,
        /// The only format this version reads.
        supported: u32,
    },
}

impl Error {
    /// For `map_err` of system calls that write `path`.
    pub(crate) fn write(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Write { path: path.to_owned(), source }
    }

    /// For `map_err` of system calls that read `path`.
    pub(crate) fn read(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| match source.kind() {
            io::ErrorKind::NotFound => Self::MissingFile { path: path.to_owned() },
            _ => Self::Read { path: path.to_owned(), source },
        }
    }
}
