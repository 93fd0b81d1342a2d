//! What can go wrong between a run folder and what is made of it, and with a figure. Every variant names the file or the figure.

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
    /// The manifest does not list a table that every run of this version has.
    #[error(
        "{} has no table `{table}`: an earlier version of homolog wrote it; run the study again with the same `homolog run`, which \
         goes on from its finished work", folder.display()
    )]
    MissingTable {
        /// The run folder.
        folder: PathBuf,
        /// The table.
        table: &'static str,
    },
    /// The manifest lists a table that this version does not know.
    #[error("{} lists table `{table}`, which this version of homolog does not know; use the version that wrote the run", path.display())]
    UnknownTable {
        /// The manifest.
        path: PathBuf,
        /// The table.
        table: String,
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
    /// A window lies where the corpus has no token.
    #[error("{} has a window at position {start} of row {row}, which the corpus has not; run the study again", path.display())]
    OutsideCorpus {
        /// The file of windows.
        path: PathBuf,
        /// The row.
        row: usize,
        /// The position.
        start: usize,
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
    /// Whoever called said to stop.
    #[error("interrupted")]
    Interrupted,
    /// The system refused a port.
    #[error("cannot listen on 127.0.0.1:{port}; choose another port with --port")]
    Listen {
        /// The port.
        port: u16,
        /// What the system said.
        source: io::Error,
    },
    /// A channel names a column that the figure's data has not.
    #[error("figure {figure}: {role} names column `{column}`, which its data has not; its columns are {known}")]
    UnknownColumn {
        /// The figure.
        figure: String,
        /// Who names it, such as `x of mark 2`.
        role: String,
        /// The name.
        column: String,
        /// The names there are.
        known: String,
    },
    /// A column has more or fewer rows than the first.
    #[error(
        "figure {figure}: column `{column}` has {found} rows, its first column has {expected}; give every column as many"
    )]
    UnequalColumns {
        /// The figure.
        figure: String,
        /// The column.
        column: String,
        /// Rows of the first column.
        expected: usize,
        /// Rows of this one.
        found: usize,
    },
    /// Two columns of one name.
    #[error("figure {figure}: two columns are named `{column}`; give each a name of its own")]
    DuplicateColumn {
        /// The figure.
        figure: String,
        /// The name.
        column: String,
    },
    /// Words where a scale needs numbers.
    #[error("figure {figure}: {role} is column `{column}`, which holds words; give numbers, or a band scale")]
    NotNumbers {
        /// The figure.
        figure: String,
        /// Who names it.
        role: String,
        /// The column.
        column: String,
    },
    /// An infinite number.
    #[error("figure {figure}: column `{column}` is infinite in row {row}; leave out what is undefined")]
    Infinite {
        /// The figure.
        figure: String,
        /// The column.
        column: String,
        /// Row from 0.
        row: usize,
    },
    /// A logarithmic scale with a value that has no logarithm.
    #[error(
        "figure {figure}: {role} has {value}, and its scale is logarithmic; use a symmetric one, or leave such values out"
    )]
    NotPositive {
        /// The figure.
        figure: String,
        /// Who has it, with its column if it comes from one.
        role: String,
        /// The value.
        value: f64,
    },
    /// A domain that begins where it ends, is reversed, or is not finite; or a symmetric scale without a linear part.
    #[error("figure {figure}: {role} reaches from {from} to {to}; give two finite values, the lower first")]
    BadDomain {
        /// The figure.
        figure: String,
        /// Whose.
        role: String,
        /// First value.
        from: f64,
        /// Last value.
        to: f64,
    },
    /// A mark lacks a channel or a scale without which it cannot be drawn.
    #[error("figure {figure}: mark {mark} ({shape}) lacks {lacks}")]
    IncompleteMark {
        /// The figure.
        figure: String,
        /// Index of the mark from 0.
        mark: usize,
        /// Its shape.
        shape: &'static str,
        /// What is missing.
        lacks: &'static str,
    },
    /// The theme file is not there or cannot be read.
    #[error("cannot read theme {}; check the path given with --theme", path.display())]
    ReadTheme {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The theme file is not a theme.
    #[error("{} is no theme: {message}", path.display())]
    BadTheme {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line, column, and the known keys where a key is unknown.
        message: String,
    },
    /// The SVG that was drawn cannot be read again.
    #[error("figure {figure} cannot be rendered; report this with the cause below")]
    Render {
        /// The figure.
        figure: String,
        /// What the renderer said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Error {
    /// For `map_err` of system calls that read `path`.
    pub(crate) fn read(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Read { path: path.to_owned(), source }
    }

    pub(crate) fn render(figure: &str) -> impl Fn(Box<dyn std::error::Error + Send + Sync>) -> Self {
        move |source| Self::Render { figure: figure.to_owned(), source }
    }

    pub(crate) fn theme(path: &Path, message: &impl ToString) -> Self {
        Self::BadTheme { path: path.to_owned(), message: message.to_string() }
    }
}
