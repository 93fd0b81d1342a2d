//! What a stage leaves in the run folder, found again by its key.

use std::path::{Path, PathBuf};
use std::time::Instant;

use homolog_results::{StageRecord, file_hash};
use serde::Serialize;

use crate::{Error, Progress};

/// BLAKE3 of (stage, stage version, everything that decides the artifact's bytes), hexadecimal.
///
/// `version` is raised by hand whenever a stage's arithmetic changes. No path, time, host or study name goes in.
pub(crate) fn key(stage: &str, version: u32, decides: &impl Serialize) -> String {
    let text = serde_json::to_vec(&(stage, version, decides)).expect("plain values serialise");
    blake3::hash(&text).to_hex().to_string()
}

/// The artifacts of a run, and what has been done.
pub(crate) struct Artifacts {
    run_dir: PathBuf,
    records: Vec<StageRecord>,
}

/// One unit of a stage's work.
pub(crate) struct Unit<'a> {
    pub(crate) stage: &'a str,
    pub(crate) of: String,
    pub(crate) key: String,
    /// Of the artifact's file.
    pub(crate) extension: &'a str,
}

impl Artifacts {
    pub(crate) fn new(run_dir: &Path) -> Self {
        Self { run_dir: run_dir.to_path_buf(), records: Vec::new() }
    }

    /// The artifact of a unit: as an earlier run left it if its key is the same, else made by `make`.
    pub(crate) fn get_or_make(
        &mut self,
        unit: &Unit<'_>,
        progress: &dyn Progress,
        make: impl FnOnce(&Path) -> Result<(), Error>,
    ) -> Result<PathBuf, Error> {
        let artifact = format!("artifacts/{}-{}.{}", unit.stage, &unit.key[..24], unit.extension);
        let path = self.run_dir.join(&artifact);
        let start = Instant::now();
        if path.exists() {
            progress.say(&format!("{} {}: skipped, {artifact} has its key", unit.stage, unit.of));
        } else {
            make(&path)?;
        }
        self.records.push(StageRecord {
            stage: unit.stage.to_owned(),
            unit: unit.of.clone(),
            key: unit.key.clone(),
            artifact_hash: file_hash(&path)?,
            artifact,
            wall_seconds: start.elapsed().as_secs_f64(),
        });
        Ok(path)
    }

    /// Everything made or found, in order.
    pub(crate) fn records(&self) -> &[StageRecord] {
        &self.records
    }
}
