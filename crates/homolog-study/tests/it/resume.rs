//! A run that is stopped anywhere, by the user or by a system that refuses to write, goes on to the same bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};

use homolog_results::{Faults, Manifest};
use homolog_study::{Error, Options, Progress};
use homolog_test::planted::random_rows;
use homolog_test::tiny_gpt2::{Gpt2Shape, Layout};

use crate::world::{Run, World, files};

/// Two models at two checkpoints, several passes of each, and a null that takes passes of its own.
fn family(kind: &str) -> (World, Options) {
    let shape = Gpt2Shape::tiny();
    let rows = random_rows(60, 12, shape.d_vocab, shape.bos, 1);
    let mut world = World::new(&rows, 12);
    for (name, rng_seed) in [("a", 1), ("b", 2)] {
        for step in [1, 2] {
            let weights = shape.random(10 * rng_seed + step as u64, 0.3);
            world.model(name, Some(step), (&shape, &weights), Layout::PLAIN);
        }
    }
    world.add(&format!("[checkpoints]\nsteps = [1, 2]\n[baseline]\nkind = \"{kind}\""));
    world.add("[universality]\nthreshold = 0.05\n[ablation]\ndraws = 1\nmultiples = [1]\nmodes = [\"zero\"]");
    // So little that correlations take the most memory, and several passes.
    world.add("tokens = 24\npermutations = 2\nresamples = 100");
    let mut options = world.options();
    options.memory_bytes = 1;
    match world.run_with(&options).err().unwrap() {
        // Beside what a run takes at the least, one of its tiles of 12.8 kB.
        Error::TooLittleMemory { needed_bytes, .. } => options.memory_bytes = needed_bytes + 12_800,
        other => panic!("{other}"),
    }
    (world, options)
}

/// Asks to stop after so many pieces of work, or when work begins whose name holds these words.
pub(crate) struct Stops {
    after: AtomicI64,
    at: &'static str,
}

impl Stops {
    fn after(n: i64) -> Self {
        Self { after: AtomicI64::new(n), at: "no work is called so" }
    }

    pub(crate) fn at(at: &'static str) -> Self {
        Self { at, ..Self::after(i64::MAX) }
    }
}

impl Progress for Stops {
    fn begin(&self, work: &str, _: u64, _: &'static str) {
        if work.contains(self.at) {
            self.after.store(-1, Ordering::Relaxed);
        }
    }
    fn advance(&self, _: u64) {
        self.after.fetch_sub(1, Ordering::Relaxed);
    }
    fn end(&self) {}
    fn say(&self, _: &str) {}
    fn is_cancelled(&self) -> bool {
        self.after.load(Ordering::Relaxed) < 0
    }
}

fn has_half_written(files: &BTreeSet<String>) -> bool {
    files.iter().any(|file| Path::new(file).extension().is_some_and(|extension| extension == "tmp"))
}

/// Nothing is half-written, and the manifest tells of no table.
#[track_caller]
fn assert_unfinished(world: &World) {
    // Stopped while inputs were opened, there is no folder yet.
    if !world.path("run").exists() {
        return;
    }
    let files = files(&world.path("run"));
    assert!(!has_half_written(&files), "{files:?}");
    if let Some(manifest) = Manifest::read(&world.path("run")).unwrap() {
        assert!(!manifest.is_finished && manifest.tables.is_empty());
    }
}

#[test]
fn a_run_that_is_interrupted_anywhere_goes_on_to_the_same_bytes() {
    for kind in ["orthogonal", "permuted-rows"] {
        let (world, options) = family(kind);
        let elsewhere = Options { output: world.path("whole"), ..options.clone() };
        let wanted = world.run_with(&elsewhere).unwrap();
        assert!(wanted.said.iter().any(|line| line.contains("passes over the tokens")), "{:?}", wanted.said);
        // Anywhere, then just after the first passes of each checkpoint.
        let anywhere = (0..).step_by(41).map(Stops::after);
        let (mut n_stops, mut is_through) = (0, false);
        let after_passes = ["checkpoint 1, pass 2", "checkpoint 1, pass 3", "checkpoint 2, pass 4"].map(Stops::at);
        for stops in anywhere.take(60).chain(after_passes) {
            let is_between = stops.at.contains("pass");
            if is_through && !is_between {
                continue;
            }
            fs::remove_dir_all(world.path("run")).ok();
            match homolog_study::run(&world.config().unwrap(), &options, &stops) {
                Ok(_) => {
                    is_through = true;
                    continue;
                }
                Err(Error::Interrupted) => n_stops += 1,
                Err(other) => panic!("{other}"),
            }
            assert_unfinished(&world);
            let again = world.run_with(&options).unwrap();
            let what = format!("{kind}: stopped after {:?} or at {}", stops.after, stops.at);
            assert!(again.results() == wanted.results(), "{what}");
            let goes_on = again.said.iter().any(|line| line.contains("goes on with"));
            assert!(goes_on || !is_between, "{what}");
            assert!(!files(&again.folder).iter().any(|file| file.ends_with(".unfinished")), "{what}");
        }
        assert!(is_through && n_stops > 10, "{kind}: stopped {n_stops} times");
    }
}

#[test]
fn a_system_that_refuses_any_write_stops_the_run_and_loses_nothing() {
    let (world, options) = family("orthogonal");
    let elsewhere = Options { output: world.path("whole"), ..options.clone() };
    let wanted = world.run_with(&elsewhere).unwrap().results();
    let folder = world.path("run");
    let n_calls = {
        let counting = Faults::after(&folder, u64::MAX, ErrorKind::StorageFull);
        world.run_with(&options).unwrap();
        counting.n_calls()
    };
    // Folder, file, contents, sync, rename and folder again, for each of some thirty files.
    assert!(n_calls > 150, "{n_calls}");
    let kinds = [ErrorKind::StorageFull, ErrorKind::ReadOnlyFilesystem, ErrorKind::PermissionDenied];
    for n_good in 0..n_calls {
        fs::remove_dir_all(&folder).unwrap();
        let kind = kinds[n_good as usize % kinds.len()];
        let error = {
            let _refusing = Faults::after(&folder, n_good, kind);
            world.run_with(&options).err().unwrap_or_else(|| panic!("call {n_good} was not refused"))
        };
        let Error::Results(homolog_results::Error::Write { path, source }) = &error else { panic!("{error:?}") };
        assert!(path.starts_with(&folder) && source.kind() == kind, "call {n_good}: {error:?}");
        assert!(error.to_string().contains("writable") && error.to_string().contains(path.to_str().unwrap()));
        if folder.exists() {
            let left = files(&folder);
            assert!(!has_half_written(&left), "call {n_good} left {left:?}");
            let manifest = Manifest::read(&folder).unwrap();
            // The very last calls come after the manifest was renamed: only the sync of its folder was refused.
            assert!(manifest.is_none_or(|manifest| !manifest.is_finished || n_good + 1 == n_calls), "call {n_good}");
        }
        // With a disk again; every tenth is enough, and the first and last.
        if n_good % 10 == 0 || n_good + 5 > n_calls {
            world.run_with(&options).unwrap();
            let found =
                files(&folder).into_iter().filter(|file| file.starts_with("tables") || file.starts_with("tensors"));
            let found: BTreeMap<String, Vec<u8>> =
                found.map(|file| (file.clone(), fs::read(folder.join(file)).unwrap())).collect();
            assert!(found == wanted, "gone on with after call {n_good}");
        } else if !folder.exists() {
            fs::create_dir(&folder).unwrap();
        }
    }
}

#[test]
fn an_artifact_that_is_not_what_was_written_is_made_again() {
    let (world, options) = family("orthogonal");
    let first = world.run_with(&options).unwrap();
    let wanted = first.results();
    let stages = first.manifest().stages;
    let stage = stages.iter().find(|stage| stage.stage == "evaluate").unwrap();
    let path = first.folder.join(&stage.artifact);
    let other = stages.iter().rfind(|stage| stage.stage == "evaluate").unwrap();
    fs::copy(first.folder.join(&other.artifact), &path).unwrap();
    fs::remove_file(first.folder.join("tables/models.parquet")).unwrap();
    let again = world.run_with(&options).unwrap();
    assert!(again.results() == wanted);
    let told: Vec<&String> = again.said.iter().filter(|line| line.contains("is not what was written")).collect();
    assert!(told.len() == 1 && told[0].contains(&stage.artifact), "{:?}", again.said);
    // Times of what was skipped are those of when it was made.
    let times = |run: &Run| run.manifest().stages.into_iter().map(|stage| (stage.key, stage.wall_seconds.to_bits()));
    let before: BTreeMap<_, _> = stages.iter().map(|stage| (stage.key.clone(), stage.wall_seconds.to_bits())).collect();
    let same = times(&again).filter(|(key, seconds)| before[key] == *seconds).count();
    assert_eq!(same, stages.len() - 1);
}

#[test]
fn results_of_earlier_settings_go_before_new_ones_are_made() {
    let (mut world, options) = family("orthogonal");
    world.run_with(&options).unwrap();
    world.text = world.text.replace("threshold = 0.05", "threshold = 0.06");
    let stopper = Stops::after(5);
    let error = homolog_study::run(&world.config().unwrap(), &options, &stopper).err().unwrap();
    assert!(matches!(error, Error::Interrupted), "{error}");
    let left = files(&world.path("run"));
    assert!(!left.iter().any(|file| file.starts_with("tables/") || file.starts_with("tensors/")), "{left:?}");
    assert_unfinished(&world);
    let again = world.run_with(&options).unwrap();
    assert!(again.said.iter().any(|line| line.starts_with("correlate checkpoint 1: skipped")), "{:?}", again.said);
}

#[test]
fn a_folder_of_a_study_of_other_models_or_at_work_is_left_alone() {
    let (world, options) = family("orthogonal");
    let before = world.run_with(&options).unwrap().results();
    // The same name, other weights throughout.
    let shape = Gpt2Shape::tiny();
    let mut other = World::new(&random_rows(60, 12, shape.d_vocab, shape.bos, 1), 12);
    for (name, rng_seed) in [("a", 51), ("b", 52)] {
        other.model(name, Some(1), (&shape, &shape.random(rng_seed, 0.3)), Layout::PLAIN);
    }
    other.add("[checkpoints]\nsteps = [1]");
    let error = other.run_with(&Options { output: world.path("run"), ..other.options() }).err().unwrap();
    assert!(matches!(&error, Error::OtherModels { path, .. } if *path == world.path("run")), "{error}");
    assert!(error.to_string().contains("--output"), "{error}");
    // The same models at a checkpoint that no weights were seen of is the study, changed: its name and models are.
    let mut later = World::new(&random_rows(60, 12, shape.d_vocab, shape.bos, 1), 12);
    for (name, rng_seed) in [("a", 1), ("b", 2)] {
        later.model(name, Some(3), (&shape, &shape.random(70 + rng_seed, 0.3)), Layout::PLAIN);
    }
    later.add("[checkpoints]\nsteps = [3]");
    let copy = world.path("copy");
    world.run_with(&Options { output: copy.clone(), ..options.clone() }).unwrap();
    later.run_with(&Options { output: copy, ..later.options() }).unwrap();
    // Another program at work.
    let lock = homolog_results::FolderLock::claim(&world.path("run")).unwrap();
    fs::remove_file(world.path("run/tables/models.parquet")).unwrap();
    let error = world.run_with(&options).err().unwrap();
    assert!(matches!(&error, Error::Results(homolog_results::Error::Locked { .. })), "{error}");
    assert!(homolog_study::status(&world.path("run")).unwrap().contains("being run"));
    drop(lock);
    assert!(world.run_with(&options).unwrap().results() == before);
}
