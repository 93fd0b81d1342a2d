//! What a run is told from outside: where to write, how much to use, whom to tell, when to stop.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::Error;

/// What changes where and how fast a study runs, never its numbers.
#[derive(Clone, Debug)]
pub struct Options {
    /// The run folder.
    pub output: PathBuf,
    /// Rows of tokens in one forward pass.
    pub batch_rows: usize,
    /// Bytes that the run may use.
    pub memory_bytes: u64,
    /// A warning of the audit of checkpoints is an error.
    pub strict: bool,
    /// Config keys that pass although they are not known.
    pub allowed_config_keys: BTreeSet<String>,
    /// Version of the program, for the manifest.
    pub homolog_version: String,
    /// Commit of the program, for the manifest.
    pub code_commit: String,
}

/// Told what goes on; draws a bar, writes a log, or does nothing. Asked whether to go on.
pub trait Progress: Sync {
    /// Work of `total` units begins, such as "correlate checkpoint 1600", in "tokens".
    fn begin(&self, work: &str, total: u64, unit: &'static str);
    /// So many units more are done.
    fn advance(&self, n: u64);
    /// The work is done.
    fn end(&self);
    /// One line that the user should see.
    fn say(&self, line: &str);

    /// From here on what is told belongs to the run in this folder.
    fn begin_run(&self, _run_dir: &Path) {}

    /// Whether the user has asked to stop.
    fn is_cancelled(&self) -> bool {
        false
    }

    /// An error once the user has asked to stop: called between two pieces of work of a few seconds at most.
    fn check(&self) -> Result<(), Error> {
        if self.is_cancelled() { Err(Error::Interrupted) } else { Ok(()) }
    }
}

/// Tells nobody.
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _: &str, _: u64, _: &'static str) {}
    fn advance(&self, _: u64) {}
    fn end(&self) {}
    fn say(&self, _: &str) {}
}
