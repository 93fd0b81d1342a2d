//! What can go wrong between a run folder and what is made of it. Every variant names the file.

use std::io;
use std::path::{Path, PathBuf};

/// A failure to read a run, or to write what shows it. The cause below it, if any, is its `source`.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A table, tensor file or manifest.
    #[error(transparent)]
    Results(#[from] homolog_results::Error),
    /// The folder has no manifest.
    #[error("{} is not a run: it has no manifest.json; give the folder that `homolog run --output` wrote", folder.display())]
    NotARun {
        /// The folder.
        folder: PathBuf,
    },
    /// The run has stages to do.
    #[error("the run in {} is not finished; start it again with the same `homolog run`, which goes on where it was", folder.display())]
    Unfinished {
        /// The run folder.
        folder: PathBuf,
    },
    /// A file of the run is there and cannot be read.
    #[error("cannot read {}; check that it is a file and that you may read it", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// `study.resolved.toml` is no TOML.
    #[error("{} is not TOML; run the study again to write it anew", path.display())]
    NotToml {
        /// The file.
        path: PathBuf,
        /// What the TOML reader said.
        source: toml::de::Error,
    },
    /// `study.resolved.toml` lacks a setting, or has one of another type.
    #[error("{} has no usable `{key}`; run the study again with this version of homolog", path.display())]
    Setting {
        /// The file.
        path: PathBuf,
        /// The setting, such as `universality.threshold`.
        key: &'static str,
    },
    /// A table speaks of a model or checkpoint that the manifest does not know.
    #[error(
        "{} has rows of model `{model}` at {checkpoint}, which manifest.json does not list; run the study again",
        path.display()
    )]
    UnknownModel {
        /// The table's file.
        path: PathBuf,
        /// The model.
        model: String,
        /// The checkpoint in words.
        checkpoint: String,
    },
    /// A table does not have one row for every neuron.
    #[error(
        "{} has not exactly one row for each neuron of model `{model}` at {checkpoint}; run the study again",
        path.display()
    )]
    Incomplete {
        /// The table's file.
        path: PathBuf,
        /// The model.
        model: String,
        /// The checkpoint in words.
        checkpoint: String,
    },
    /// A tensor has another shape than the tables ask for.
    #[error("{}: tensor `{tensor}` has shape {found:?}, expected {expected}; run the study again", path.display())]
    TensorShape {
        /// The tensor file.
        path: PathBuf,
        /// The tensor.
        tensor: String,
        /// What the tables ask for, in words.
        expected: String,
        /// The shape in the file.
        found: Vec<usize>,
    },
    /// Something asked for is not in the run.
    #[error("{} has no {what}; {remedy}", folder.display())]
    NotInRun {
        /// The run folder.
        folder: PathBuf,
        /// What is not there.
        what: &'static str,
        /// How it comes there.
        remedy: &'static str,
    },
    /// The system refused a port.
    #[error("cannot listen on 127.0.0.1:{port}; choose another port with --port")]
    Listen {
        /// The port.
        port: u16,
        /// What the system said.
        source: io::Error,
    },
}

impl Error {
    /// For `map_err` of system calls that read `path`.
    pub(crate) fn read(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Read { path: path.to_owned(), source }
    }
}
