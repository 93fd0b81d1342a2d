//! Evidence in as many passes as memory asks for, and gone on with after each, gives the same bytes.

use std::fs;

use homolog_study::{Error, Options};

use super::family::{rows, world};
use crate::resume::Stops;
use crate::world::{Run, World, options};

/// Many classes and blocks, so that evidence takes more memory than correlations do.
const SETTINGS: &str = "[checkpoints]\nsteps = [5]\n[correlation]\ntop_k = 16\n[baseline]\ndraws = 4\n\
[evidence]\nblocks = 60\ncandidates = 16\nfrequent_tokens = 50\nleast_token_count = 2\n\
[windows]\ncheckpoints = \"none\"\n[ablation]\nenabled = false\n";

fn needed(world: &World) -> u64 {
    match world.run_with(&Options { memory_bytes: 1, ..options(&world.path("no room")) }).err().unwrap() {
        Error::TooLittleMemory { needed_bytes, .. } => needed_bytes,
        other => panic!("{other}"),
    }
}

fn run_in(world: &World, folder: &str, memory_bytes: u64, n_threads: usize, batch_rows: usize) -> Run {
    let options = Options { memory_bytes, batch_rows, ..options(&world.path(folder)) };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
    pool.install(|| world.run_with(&options)).unwrap()
}

#[test]
fn passes_threads_batches_and_a_lost_artifact_change_no_byte() {
    let mut world = world(&rows());
    world.add(SETTINGS);
    let ample = crate::world::AMPLE_MEMORY;
    let whole = run_in(&world, "whole", ample, 1, 8);
    let wanted = whole.results();
    assert!(whole.work.iter().any(|work| work == "evidence checkpoint 5"), "{:?}", whole.work);
    let little = run_in(&world, "little", needed(&world), 2, 5);
    assert!(little.work.iter().any(|work| work.starts_with("evidence checkpoint 5, pass 2 of ")), "{:?}", little.work);
    assert!(little.results() == wanted);
    // Without its artifact it is made again, and nothing else is.
    let stages = little.manifest().stages;
    let evidence = stages.iter().find(|stage| stage.stage == "evidence").unwrap();
    fs::remove_file(little.folder.join(&evidence.artifact)).unwrap();
    fs::remove_file(little.folder.join("tables/matches.parquet")).unwrap();
    let again = run_in(&world, "little", ample, 2, 8);
    assert!(again.said.iter().any(|line| line.starts_with("correlate checkpoint 5: skipped")), "{:?}", again.said);
    assert!(again.work.iter().any(|work| work == "evidence checkpoint 5"), "{:?}", again.work);
    assert!(again.results() == wanted);
    // The mutant: one block fewer.
    world.text = world.text.replace("blocks = 60", "blocks = 59");
    assert!(
        run_in(&world, "other", ample, 2, 8).results()["tables/matches.parquet"] != wanted["tables/matches.parquet"]
    );
}

#[test]
fn what_is_interrupted_is_gone_on_with() {
    let mut world = world(&rows());
    world.add(&format!("{SETTINGS}[nulls]\npermuted_rows = 2\n"));
    let wanted = run_in(&world, "whole", crate::world::AMPLE_MEMORY, 2, 8).results();
    for at in ["evidence checkpoint 5", "intervals", "permute checkpoint 5"] {
        let options = options(&world.path(at));
        let error = homolog_study::run(&world.config().unwrap(), &options, &Stops::at(at)).err().unwrap();
        assert!(matches!(error, Error::Interrupted), "{at}: {error}");
        let again = world.run_with(&options).unwrap();
        assert!(again.said.iter().any(|line| line.starts_with("correlate checkpoint 5: skipped")), "{:?}", again.said);
        assert!(again.work.iter().any(|work| work.contains(at)), "{at}: {:?}", again.work);
        assert!(again.results() == wanted, "{at}");
    }
}
