//! The same study gives the same bytes, however it is run; and a folder is gone on with, not begun again.

use std::collections::BTreeMap;
use std::fs;
use std::time::SystemTime;

use homolog_results::Manifest;
use homolog_study::{Error, Options, Outcome};
use homolog_test::planted::random_rows;
use homolog_test::tiny_gpt2::{Gpt2Shape, Layout};

use crate::world::{Run, World, files};

/// Three models at two checkpoints, more than two chunks of tokens, and something in every table.
fn family() -> World {
    let shape = Gpt2Shape::tiny();
    let rows = random_rows(400, 12, shape.d_vocab, shape.bos, 1);
    let mut world = World::new(&rows, 12);
    for (name, rng_seed) in [("a", 1), ("b", 2), ("c", 3)] {
        for step in [1, 2] {
            let weights = shape.random(10 * rng_seed + step as u64, 0.3);
            world.model(name, Some(step), (&shape, &weights), Layout::PLAIN);
        }
    }
    world.add("[checkpoints]\nsteps = [1, 2]\n[baseline]\ndraws = 4\n[nulls]\npermuted_rows = 3");
    world.add("[evidence]\nfrequent_tokens = 20");
    world.add("[universality]\nthreshold = 0.05\nthresholds = [0.0, 0.1]\n[ablation]\ndraws = 2\ntokens = 360\npermutations = 4\nresamples = 100");
    world
}

/// Beside what a run of [`family`] takes at the least, four of its 18 tiles of 12.8 kB.
fn little_memory(world: &World) -> u64 {
    let options = Options { memory_bytes: 1, ..crate::world::options(&world.path("no room")) };
    match world.run_with(&options).err().unwrap() {
        Error::TooLittleMemory { needed_bytes, .. } => needed_bytes + 4 * 12_800,
        other => panic!("{other}"),
    }
}

fn run_in(world: &World, folder: &str, n_threads: usize, change: impl FnOnce(&mut Options)) -> Run {
    let mut options = crate::world::options(&world.path(folder));
    change(&mut options);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
    pool.install(|| world.run_with(&options)).unwrap()
}

#[track_caller]
fn assert_same(found: &BTreeMap<String, Vec<u8>>, wanted: &BTreeMap<String, Vec<u8>>, what: &str) {
    assert_eq!(found.keys().collect::<Vec<_>>(), wanted.keys().collect::<Vec<_>>(), "{what}");
    for (file, bytes) in found {
        assert!(*bytes == wanted[file], "{what}: {file} differs");
    }
}

#[test]
fn results_do_not_depend_on_threads_batches_memory_or_folder() {
    let world = family();
    let first = run_in(&world, "runs/first", 1, |_| {});
    let wanted = first.results();
    assert_eq!(wanted.len(), 18 + 2 + 4, "eighteen tables, two files of tensors, windows of three models, their rows");
    let tables =
        [first.table::<homolog_results::PersistenceRow>().len(), first.table::<homolog_results::AblationRow>().len()];
    assert!(tables.iter().all(|&n| n > 0));
    assert!(first.table::<homolog_results::NeuronRow>().iter().any(|row| row.is_universal));

    assert_same(&run_in(&world, "two threads, elsewhere", 2, |_| {}).results(), &wanted, "two threads");
    assert_same(&run_in(&world, "1", 2, |options| options.batch_rows = 1).results(), &wanted, "single rows");
    assert_same(&run_in(&world, "7", 1, |options| options.batch_rows = 7).results(), &wanted, "rows by seven");
    let little_memory = little_memory(&world);
    let little = run_in(&world, "little", 2, |options| options.memory_bytes = little_memory);
    assert_same(&little.results(), &wanted, "little memory");
    let passes = little.said.iter().filter_map(|line| line.split_once(" passes over the tokens")?.0.rsplit(' ').next());
    let passes: Vec<usize> = passes.map(|passes| passes.parse().unwrap()).collect();
    assert_eq!(
        passes.len(),
        4,
        "each checkpoint says how many passes it takes, and its permuted rows: {:?}",
        little.said
    );
    assert!(passes.iter().all(|&passes| passes >= 2), "{passes:?}");
    // Each draw of permuted rows is a pass at least.
    assert!(first.said.iter().all(|line| line.starts_with("permute") || !line.contains("passes")), "{:?}", first.said);

    // The mutant: one more draw changes the bytes.
    let mut other = family();
    other.text = other.text.replace("[baseline]\ndraws = 4", "[baseline]\ndraws = 5");
    let other = run_in(&other, "other", 1, |_| {}).results();
    assert!(other["tables/neurons.parquet"] != wanted["tables/neurons.parquet"]);
    assert!(other["tables/models.parquet"] != wanted["tables/models.parquet"], "the study's key is in every file");
}

#[test]
fn too_little_memory_is_an_error_before_any_work() {
    let world = family();
    let options = Options { memory_bytes: 100_000, ..world.options() };
    let error = world.run_with(&options).err().unwrap();
    assert!(matches!(&error, Error::TooLittleMemory { .. }), "{error:?}");
    assert!(error.to_string().contains("--memory"), "{error}");
}

fn times(run: &Run) -> BTreeMap<String, SystemTime> {
    let files = files(&run.folder).into_iter();
    files.map(|file| (file.clone(), fs::metadata(run.folder.join(file)).unwrap().modified().unwrap())).collect()
}

#[test]
fn a_finished_folder_is_left_alone() {
    let world = family();
    let first = world.run();
    assert!(first.manifest().is_finished);
    let before = times(&first);
    let again = world.run();
    assert!(matches!(&again.outcome, Outcome::AlreadyDone { folder } if *folder == world.path("run")));
    assert_eq!(again.said, Vec::<String>::new());
    assert_eq!(times(&again), before);
}

fn skipped(run: &Run) -> Vec<String> {
    let lines = run.said.iter().filter(|line| line.contains(": skipped, artifacts/"));
    lines.map(|line| line.split(": skipped").next().unwrap().to_owned()).collect()
}

#[test]
fn an_unfinished_folder_is_gone_on_with() {
    let world = family();
    let first = world.run();
    let wanted = first.results();
    let stages = first.manifest().stages;
    let name = |stage: &homolog_results::StageRecord| format!("{} {}", stage.stage, stage.unit);
    // The audit; at each of 2 checkpoints 1 correlate, 1 evidence, 1 permute, 3 evaluate, 3 attribute, 3 ablate; at the last 3 windows,
    // 3 partners; 3 follow.
    assert_eq!(stages.len(), 1 + 2 * 12 + 6 + 3);

    // As after a kill: one artifact was never made, no table is there, and the manifest says so.
    let gone = stages.iter().position(|stage| name(stage) == "ablate b, checkpoint 2").unwrap();
    fs::remove_file(first.folder.join(&stages[gone].artifact)).unwrap();
    fs::remove_dir_all(first.folder.join("tables")).unwrap();
    fs::remove_dir_all(first.folder.join("tensors")).unwrap();
    Manifest { is_finished: false, stages: Vec::new(), tables: Vec::new(), ..first.manifest() }
        .write(&first.folder)
        .unwrap();
    let again = world.run();
    assert_same(&again.results(), &wanted, "gone on with");
    let others: Vec<String> =
        stages.iter().enumerate().filter(|(i, _)| *i != gone).map(|(_, stage)| name(stage)).collect();
    assert_eq!(skipped(&again), others);
    assert!(again.manifest().is_finished);
    let keys =
        |run: &Run| run.manifest().stages.into_iter().map(|stage| (stage.key, stage.artifact_hash)).collect::<Vec<_>>();
    assert_eq!(
        keys(&again),
        stages.iter().map(|stage| (stage.key.clone(), stage.artifact_hash.clone())).collect::<Vec<_>>()
    );

    // A results file that is lost from a finished run is made again.
    for lost in ["tables/emergence.parquet", "tensors/topk.safetensors", "tensors/windows-1-0.safetensors"] {
        fs::remove_file(first.folder.join(lost)).unwrap();
        let again = world.run();
        assert!(matches!(again.outcome, Outcome::Done { .. }), "{lost}");
        assert_same(&again.results(), &wanted, lost);
        assert_eq!(skipped(&again).len(), stages.len(), "{lost}");
    }
}

/// Only what a change concerns is computed anew.
#[test]
fn a_changed_threshold_leaves_correlations_and_losses_as_they_are() {
    let mut world = family();
    world.run();
    world.text = world.text.replace("threshold = 0.05", "threshold = 0.06");
    let again = world.run();
    let skipped = skipped(&again);
    assert_eq!(skipped.len(), 1 + 2 * (3 + 3 + 3) + 6 + 3, "{skipped:?}");
    assert!(skipped.iter().all(|stage| !stage.starts_with("ablate")), "{skipped:?}");
    world.text = world.text.replace("name = \"a\"", "name = \"alpha\"");
    let renamed = world.run();
    // A correlation knows models by their place, so a new name leaves it as it is.
    assert!(renamed.said.iter().any(|line| line.starts_with("correlate checkpoint 1: skipped")), "{:?}", renamed.said);
    assert!(renamed.table::<homolog_results::ModelRow>().iter().any(|row| row.model == "alpha"));
}

/// Nothing that is about the machine or the moment is in the results.
#[test]
fn the_manifest_tells_what_the_run_was_made_from() {
    let world = family();
    let run = world.run();
    let manifest = run.manifest();
    assert_eq!((manifest.study.as_str(), manifest.precision.as_str()), ("world", "f32"));
    assert_eq!(manifest.exclude_tokens, [60]);
    assert_eq!(manifest.n_tokens_counted, 400 * 11);
    assert_eq!((manifest.inputs.tokens.n_rows, manifest.inputs.tokens.context), (400, 12));
    assert_eq!(manifest.inputs.weights.len(), 6);
    assert_eq!(manifest.tokenizer, "unproved");
    let seeds = ["ablation", "baseline", "nulls"].map(|name| (name.to_owned(), 0));
    assert_eq!(manifest.seeds, BTreeMap::from(seeds));
    for table in &manifest.tables {
        let path = run.folder.join(&table.path);
        assert_eq!(homolog_results::file_hash(&path).unwrap(), table.hash);
        assert_eq!(fs::metadata(&path).unwrap().len(), table.n_bytes);
        let metadata = homolog_results::read_metadata(&path).unwrap();
        assert_eq!(metadata["homolog.tokens_hash"], manifest.inputs.tokens.tokens_hash);
        assert_eq!(metadata["homolog.study_key"], manifest.study_key);
        assert!(metadata.contains_key("homolog.weights_hash"));
    }
    assert_eq!(
        manifest.tables.iter().map(|table| table.name.as_str()).collect::<Vec<_>>(),
        [
            "models",
            "neurons",
            "matches",
            "emergence",
            "persistence",
            "stability",
            "ablation",
            "damage",
            "family",
            "balance",
            "singles",
            "attribution",
            "retest",
            "survival",
            "lives",
            "continuity",
            "cliques",
            "nulls"
        ]
    );
    let folder = world.path("").to_str().unwrap().trim_end_matches('/').to_owned();
    for (file, bytes) in run.results() {
        for secret in [folder.as_str(), "world"] {
            let is_in = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!is_in, "{file} contains {secret}");
        }
    }
    let resolved = fs::read_to_string(run.folder.join("study.resolved.toml")).unwrap();
    let path = run.folder.join("study.resolved.toml");
    let again = homolog_study::StudyConfig::parse(&resolved, &path, &[]).unwrap();
    let config = world.config().unwrap();
    assert_eq!(again.corpus.exclude_tokens, Some(vec![60]));
    assert_eq!((&again.universality, &again.ablation), (&config.universality, &config.ablation));
    // Its paths hold from where it lies: the same study, already done.
    let outcome = Run::of(&again, &world.options()).unwrap().outcome;
    assert!(matches!(outcome, Outcome::AlreadyDone { .. }));
}
