//! Study folders made for a test, runs of them, and what a run left.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use homolog_results::{Manifest, Table, read_table};
use homolog_study::{AblationSection, AttributionSection, Error, Options, Outcome, Progress, StudyConfig};
use homolog_test::planted::write_u16_rows;
use homolog_test::tiny_gpt2::{Gpt2Shape, Layout, Weights};
use tempfile::TempDir;

/// More than any study of these tests needs in one pass.
pub(crate) const AMPLE_MEMORY: u64 = 2_000_000_000;

/// A study file, its models and its tokens in a folder of their own. Models lie in `NAME` or `NAME/checkpoint-STEP`.
pub(crate) struct World {
    pub(crate) folder: TempDir,
    /// The study file.
    pub(crate) text: String,
}

impl World {
    /// A folder whose study file begins with `[study]`, `[corpus]` (rows of `context`, in `tokens.u16`) and no model.
    pub(crate) fn new(rows: &[u16], context: usize) -> Self {
        let world = Self { folder: tempfile::tempdir().unwrap(), text: String::new() };
        write_u16_rows(&world.path("tokens.u16"), rows);
        let text = format!("[study]\nname = \"world\"\n[corpus]\ntoken_file = \"tokens.u16\"\ncontext = {context}\n");
        Self { text, ..world }
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join(relative)
    }

    /// Write a model's folder, or that of one of its checkpoints; `[[model]]` is added with the first of them.
    pub(crate) fn model(
        &mut self,
        name: &str,
        step: Option<i64>,
        (shape, weights): (&Gpt2Shape, &Weights),
        layout: Layout,
    ) {
        let step = step.map(|step| format!("/checkpoint-{step}")).unwrap_or_default();
        shape.write(&self.path(&format!("{name}{step}")), weights, &layout);
        let section = format!("[[model]]\nname = \"{name}\"\npath = \"{name}\"\n");
        if !self.text.contains(&section) {
            self.text.push_str(&section);
        }
    }

    /// Add to the study file.
    pub(crate) fn add(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }

    pub(crate) fn config(&self) -> Result<StudyConfig, Error> {
        StudyConfig::parse(&self.text, &self.path("study.toml"), &[])
    }

    pub(crate) fn options(&self) -> Options {
        options(&self.path("run"))
    }

    /// Run with [`World::options`].
    #[track_caller]
    pub(crate) fn run(&self) -> Run {
        self.run_with(&self.options()).unwrap_or_else(|error| panic!("{error}"))
    }

    pub(crate) fn run_with(&self, options: &Options) -> Result<Run, Error> {
        Run::of(&self.config()?, options)
    }
}

pub(crate) fn options(output: &Path) -> Options {
    Options {
        output: output.to_path_buf(),
        batch_rows: 8,
        memory_bytes: AMPLE_MEMORY,
        strict: false,
        allowed_config_keys: BTreeSet::new(),
        homolog_version: "0.0.0".into(),
        code_commit: "test".into(),
    }
}

/// A run that is over.
pub(crate) struct Run {
    pub(crate) folder: PathBuf,
    pub(crate) outcome: Outcome,
    /// What `Progress::say` was told.
    pub(crate) said: Vec<String>,
    /// Names of the work that `Progress::begin` was told of.
    pub(crate) work: Vec<String>,
}

impl Run {
    /// Run, and hold the progress to its promise: work begins, advances to its total, and ends. A study that says nothing of permutations and
    /// single neurons has few of them, so that tests of other things take their time only.
    pub(crate) fn of(config: &StudyConfig, options: &Options) -> Result<Self, Error> {
        let mut config = config.clone();
        let (ablation, default) = (&mut config.ablation, AblationSection::default());
        if (ablation.permutations, ablation.resamples) == (default.permutations, default.resamples) {
            (ablation.permutations, ablation.resamples) = (4, 100);
        }
        if config.attribution == AttributionSection::default() {
            config.attribution = AttributionSection { top: 2, universal: 3, random: 3, ..config.attribution };
        }
        let config = &config;
        let recorder = Recorder::default();
        let outcome = homolog_study::run(config, options, &recorder)?;
        assert_eq!(*recorder.work.lock().unwrap(), None, "work that did not end");
        let [said, work] = [recorder.said, recorder.begun].map(|lines| lines.into_inner().unwrap());
        Ok(Self { folder: options.output.clone(), outcome, said, work })
    }

    #[track_caller]
    pub(crate) fn table<T: Table>(&self) -> Vec<T> {
        read_table(&self.folder.join(format!("tables/{}.parquet", T::NAME))).unwrap()
    }

    #[track_caller]
    pub(crate) fn manifest(&self) -> Manifest {
        Manifest::read(&self.folder).unwrap().expect("a run has a manifest")
    }

    #[track_caller]
    pub(crate) fn summary(&self) -> &str {
        match &self.outcome {
            Outcome::Done { summary, .. } => summary,
            Outcome::AlreadyDone { .. } => panic!("nothing was done, so there is no summary"),
        }
    }

    /// Bytes of every file of tables and tensors, by path in the run folder.
    pub(crate) fn results(&self) -> BTreeMap<String, Vec<u8>> {
        let files = files(&self.folder).into_iter();
        let files = files.filter(|path| path.starts_with("tables/") || path.starts_with("tensors/"));
        files.map(|path| (path.clone(), fs::read(self.folder.join(path)).unwrap())).collect()
    }
}

/// Every file below a folder, relative to it, sorted.
pub(crate) fn files(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    found
}

/// Remembers what it is told, and panics where work does not advance to its total.
#[derive(Default)]
struct Recorder {
    said: Mutex<Vec<String>>,
    begun: Mutex<Vec<String>>,
    /// Name, total and progress of the work that is under way.
    work: Mutex<Option<(String, u64, u64)>>,
}

impl Progress for Recorder {
    fn begin(&self, work: &str, total: u64, _: &'static str) {
        assert!(total > 0, "{work}: nothing to do");
        self.begun.lock().unwrap().push(work.to_owned());
        let before = self.work.lock().unwrap().replace((work.to_owned(), total, 0));
        assert_eq!(before, None, "{work} began before earlier work ended");
    }

    fn advance(&self, n: u64) {
        self.work.lock().unwrap().as_mut().expect("work has begun").2 += n;
    }

    fn end(&self) {
        let (work, total, done) = self.work.lock().unwrap().take().expect("work has begun");
        assert_eq!(done, total, "{work}");
    }

    fn say(&self, line: &str) {
        self.said.lock().unwrap().push(line.to_owned());
    }
}
