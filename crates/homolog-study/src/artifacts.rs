//! What a stage leaves in the run folder, found again by its key.

use std::path::{Path, PathBuf};
use std::time::Instant;

use homolog_model::Isa;
use homolog_results::{Audit, Manifest, StageRecord, file_hash};
use serde::Serialize;

use crate::{Error, Progress};

/// BLAKE3 of (stage, stage version, everything that decides the artifact's bytes), hexadecimal.
///
/// `version` is raised by hand whenever a stage's arithmetic changes. No path, time, host or study name goes in.
pub(crate) fn key(stage: &str, version: u32, decides: &impl Serialize) -> String {
    let text = serde_json::to_vec(&(stage, version, decides)).expect("plain values serialise");
    blake3::hash(&text).to_hex().to_string()
}

/// The artifacts of a run, and the manifest that tells of them.
pub(crate) struct Artifacts {
    run_dir: PathBuf,
    /// What an earlier call has recorded.
    earlier: Vec<StageRecord>,
    /// What this call has made or found, in order.
    records: Vec<StageRecord>,
    /// Written after every stage, once the folder is claimed for the study.
    manifest: Option<Manifest>,
}

/// One unit of a stage's work.
#[derive(Clone)]
pub(crate) struct Unit<'a> {
    pub(crate) stage: &'a str,
    pub(crate) of: String,
    pub(crate) key: String,
    /// Of the artifact's file.
    pub(crate) extension: &'a str,
}

impl Unit<'_> {
    /// Relative to the run folder.
    fn file(&self) -> String {
        format!("artifacts/{}-{}.{}", self.stage, &self.key[..24], self.extension)
    }
}

impl Artifacts {
    /// Of a folder in which an earlier call has recorded `earlier`.
    pub(crate) fn new(run_dir: &Path, earlier: Vec<StageRecord>) -> Self {
        Self { run_dir: run_dir.to_path_buf(), earlier, records: Vec::new(), manifest: None }
    }

    /// From here on the manifest is kept up to date.
    pub(crate) fn keep(&mut self, manifest: Manifest) -> Result<(), Error> {
        self.manifest = Some(manifest);
        self.write_manifest()
    }

    /// Where the artifact of a unit lies.
    pub(crate) fn path_of(&self, unit: &Unit<'_>) -> PathBuf {
        self.run_dir.join(unit.file())
    }

    /// The artifact of a unit: as an earlier run left it if its key is the same, else made by `make`.
    ///
    /// One that is not what the manifest says was written is made again, and the user told.
    pub(crate) fn get_or_make(
        &mut self,
        unit: &Unit<'_>,
        progress: &dyn Progress,
        make: impl FnOnce(&Path) -> Result<(), Error>,
    ) -> Result<PathBuf, Error> {
        progress.check()?;
        let (artifact, path) = (unit.file(), self.path_of(unit));
        let start = Instant::now();
        let found = if path.exists() { Some(file_hash(&path)?) } else { None };
        let earlier = self.earlier.iter().find(|record| record.key == unit.key);
        let is_whole = |hash: &String| earlier.is_none_or(|earlier| earlier.artifact_hash == *hash);
        let isa = Isa::current().to_string();
        let (artifact_hash, isa, wall_seconds) = match found {
            Some(hash) if is_whole(&hash) => {
                progress.say(&format!("{} {}: skipped, {artifact} has its key", unit.stage, unit.of));
                // Without a record a kill came between the artifact and the manifest: when and where it was made is not known.
                earlier.map_or((hash, "unknown".into(), 0.0), |earlier| {
                    (earlier.artifact_hash.clone(), earlier.isa.clone(), earlier.wall_seconds)
                })
            }
            found => {
                if found.is_some() {
                    let told = "is not what was written (its hash differs), so it is made again";
                    progress.say(&format!("{} {}: {artifact} {told}", unit.stage, unit.of));
                }
                make(&path)?;
                (file_hash(&path)?, isa, start.elapsed().as_secs_f64())
            }
        };
        self.records.push(StageRecord {
            stage: unit.stage.to_owned(),
            unit: unit.of.clone(),
            key: unit.key.clone(),
            artifact_hash,
            artifact,
            isa,
            wall_seconds,
        });
        self.write_manifest()?;
        Ok(path)
    }

    /// The manifest as it stands: records of this call, then those of earlier ones whose artifacts are still there. A change of
    /// settings that is taken back finds what it needs, and knows what that must be.
    pub(crate) fn to_manifest(&self) -> Manifest {
        let manifest = self.manifest.clone().expect("kept since the folder was claimed");
        let is_other = |earlier: &&StageRecord| !self.records.iter().any(|record| record.key == earlier.key);
        let others = self.earlier.iter().filter(is_other).filter(|record| self.run_dir.join(&record.artifact).exists());
        Manifest { stages: self.records.iter().chain(others).cloned().collect(), ..manifest }
    }

    /// Keep what the audit found in the manifest.
    pub(crate) fn set_audit(&mut self, audit: Audit) -> Result<(), Error> {
        if let Some(manifest) = &mut self.manifest {
            manifest.audit = Some(audit);
        }
        self.write_manifest()
    }

    /// Learn what an earlier call has recorded.
    pub(crate) fn set_earlier(&mut self, earlier: Vec<StageRecord>) {
        self.earlier = earlier;
    }

    fn write_manifest(&self) -> Result<(), Error> {
        if self.manifest.is_some() { Ok(self.to_manifest().write(&self.run_dir)?) } else { Ok(()) }
    }
}
