//! A text that can be learned, a family file for it, and what a training leaves.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use homolog_model::{Checkpoint, Model, Precision};
use homolog_test::Seeded;
use homolog_train::{Error, FamilyConfig, Options, Outcome, Silent, Watch, train};

/// A folder with text and family files.
pub(crate) struct World {
    folder: tempfile::TempDir,
}

impl World {
    /// Sixty documents of a small language: a sentence is one of four openings, and what follows is decided by it.
    pub(crate) fn new() -> Self {
        let world = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(world.path("text")).unwrap();
        let mut seeded = Seeded::new(5);
        for document in 0..60 {
            let sentences = [
                "the red fox runs over the hill and sleeps.\n",
                "a grey wolf walks under the moon and sings.\n",
                "my old friend reads seven books each winter.\n",
                "no bird has ever counted all of its feathers.\n",
            ];
            let text: String = (0..30).map(|_| sentences[seeded.below(4)]).collect();
            fs::write(world.path(&format!("text/{document:02}.txt")), text).unwrap();
        }
        world
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A family of the two-layer model on this text; `rest` is more of the file, after `[training]`'s `steps`.
    pub(crate) fn family(&self, seeds: &str, steps: u64, rest: &str) -> FamilyConfig {
        let text = format!(
            "[family]\nname = \"tiny\"\n[corpus]\nfiles = [\"text/*.txt\"]\ncontext = 24\nheld_out_tokens = 480\n\
             [tokenizer]\nd_vocab = 300\n[model]\nn_layers = 2\nd_model = 32\nn_heads = 2\n\
             [seeds]\n{seeds}\n[training]\nsteps = {steps}\nbatch_rows = 8\nevaluate_tokens = 240\n{rest}"
        );
        FamilyConfig::parse(&text, &self.path("family.toml")).unwrap()
    }

    /// Train into the folder `name`.
    pub(crate) fn train(&self, config: &FamilyConfig, name: &str) -> Result<Outcome, Error> {
        self.train_watched(config, name, &Silent)
    }

    pub(crate) fn train_watched(&self, config: &FamilyConfig, name: &str, watch: &dyn Watch) -> Result<Outcome, Error> {
        let options = Options {
            output: self.path(name),
            round: std::time::Duration::ZERO,
            homolog_version: "0.0.0".into(),
            code_commit: "test".into(),
        };
        train(config, &options, watch)
    }

    pub(crate) fn model(&self, folder: &str) -> Model {
        Checkpoint::open(&self.path(folder), &[].into()).unwrap().load(Precision::F32).unwrap()
    }
}

/// Every file below a folder but locks, by its path in it.
pub(crate) fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().unwrap() != ".lock" {
                found.insert(path.strip_prefix(folder).unwrap().to_path_buf(), fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// Asks to stop once it has been asked `after` times.
pub(crate) struct StopAfter {
    pub(crate) after: u64,
    pub(crate) asked: AtomicU64,
}

impl StopAfter {
    pub(crate) fn new(after: u64) -> Self {
        Self { after, asked: AtomicU64::new(0) }
    }
}

impl Watch for StopAfter {
    fn begin(&self, _: &str, _: u64, _: &'static str) {}
    fn advance(&self, _: u64) {}
    fn note(&self, _: &str) {}
    fn end(&self) {}
    fn say(&self, _: &str) {}
    fn is_cancelled(&self) -> bool {
        self.asked.fetch_add(1, Ordering::Relaxed) >= self.after
    }
}
