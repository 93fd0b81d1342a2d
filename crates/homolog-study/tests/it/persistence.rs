//! What lasts: every column of persistence, retests, births and deaths held against a twin, and each comparison shown able to fail.

mod family;
mod function;
mod lives;
mod sets;

use crate::evidence::differences::{self, Differences};
use family::{AS_IS, STEPS, Settings, Study};
use homolog_results::{ContinuityRow, EmergenceRow, PersistenceRow, RetestRow};

type Check = fn(&Study, &Settings) -> Differences;

#[track_caller]
fn holds_and_can_fail(study: &Study, check: Check, mutants: &[(Settings, &[&str])]) {
    differences::holds_and_can_fail(study, &AS_IS, check, mutants);
}

#[test]
fn halves_of_the_tokens_say_what_is_found_again() {
    let counts = ["n_half_a", "n_half_b", "retest.n_both", "retest", "retest_by_chance"];
    let mutants: [(Settings, &[&str]); 2] = [
        (Settings { rows_of_block: 4, ..AS_IS }, &counts),
        (Settings { errors_of_difference: 1.0, ..AS_IS }, &["retest_expected"]),
    ];
    holds_and_can_fail(&Study::of(), sets::check_retests, &mutants);
}

#[test]
fn halves_by_the_count_rule() {
    let study = Study::run(
        "[universality]\nrule = \"count\"\ncount_threshold = 0.3\nthresholds = [0.2, 0.5]\ncount_models = 2\n",
    );
    let counts = ["n_half_a", "n_half_b"];
    holds_and_can_fail(&study, sets::check_retests, &[(Settings { count_models: 1, ..AS_IS }, &counts)]);
    let rows: Vec<RetestRow> = study.run.table();
    assert!(rows.iter().all(|row| row.n_half_a.is_some() && row.retest_expected.is_none()));
    holds_and_can_fail(&study, sets::check_persistence, &[]);
}

#[test]
fn persistence_beside_chance_and_ceiling() {
    let of_hysteresis = ["n_from_hysteresis", "n_both_hysteresis", "persistence_hysteresis"];
    let of_others = ["ceiling", "share_of_ceiling", "expected_persistence", "above_chance"];
    let mutants: [(Settings, &[&str]); 2] =
        [(Settings { hysteresis: 0.0, ..AS_IS }, &of_hysteresis), (Settings { steps_earlier: 1, ..AS_IS }, &of_others)];
    holds_and_can_fail(&Study::of(), sets::check_persistence, &mutants);
}

#[test]
fn births_and_deaths() {
    let columns = ["n_births", "n_deaths"];
    holds_and_can_fail(&Study::of(), sets::check_changes, &[(Settings { steps_earlier: 1, ..AS_IS }, &columns)]);
}

/// A q-value is no correlation: nothing can be said of halves, and nothing lies a little below it.
#[test]
fn discovery_rates_have_neither_halves_nor_hysteresis() {
    let study = Study::run("[universality]\nrule = \"fdr\"\n[baseline]\ndraws = 4\n");
    let rows: Vec<PersistenceRow> = study.run.table();
    assert!(rows.iter().any(|row| row.n_both > 0), "nothing persists, so nothing was shown");
    assert!(rows.iter().all(|row| row.ceiling.is_none() && row.n_from_hysteresis.is_none()));
    assert!(!study.run.folder.join("tables/retest.parquet").exists());
}

#[test]
fn without_checkpoints_there_are_retests_and_no_changes() {
    let study = Study::run_of(&[], "[universality]\nthreshold = 0.1\n");
    let retests: Vec<RetestRow> = study.run.table();
    assert!(retests.iter().any(|row| row.retest.is_some() && row.checkpoint.is_none()));
    let changes: Vec<EmergenceRow> = study.run.table();
    assert!(changes.iter().all(|row| row.n_births.is_none() && row.n_deaths.is_none()));
    assert_eq!(study.run.table::<PersistenceRow>(), []);
}

#[test]
fn neurons_are_held_against_themselves() {
    let of_rows = ["self_corr", "mean_self_corr", "mean_self_corr_others"];
    let mutants: [(Settings, &[&str]); 3] = [
        (Settings { n_followed: 48, ..AS_IS }, &of_rows),
        (Settings { is_transposed: true, ..AS_IS }, &["cos_in"]),
        (Settings { steps_earlier: 1, ..AS_IS }, &["self_corr", "cos_in", "cos_out", "n_matches_kept", "matches_kept"]),
    ];
    holds_and_can_fail(&Study::of(), function::check, &mutants);
}

/// Checkpoints that do not fit in memory together are read several times, to the same bytes.
#[test]
fn following_does_not_depend_on_memory() {
    let study = Study::of();
    let mut options = crate::world::options(&study.world.path("little"));
    let least = study.world.run_with(&homolog_study::Options { memory_bytes: 1, ..options.clone() });
    let Err(homolog_study::Error::TooLittleMemory { needed_bytes, .. }) = least else { panic!("1 byte is too little") };
    options.memory_bytes = needed_bytes;
    let run = study.world.run_with(&options).unwrap();
    let n_passes = |run: &crate::world::Run| run.work.iter().filter(|work| work.starts_with("follow a")).count();
    assert!(n_passes(&run) > n_passes(&study.run), "{:?}", run.work);
    assert!(run.results() == study.run.results());
}

#[test]
fn nobody_is_followed_unless_asked() {
    let study = Study::run_of(&STEPS[..2], "[universality]\nthreshold = 0.1\n");
    let rows: Vec<ContinuityRow> = study.run.table();
    assert_eq!(rows.len(), 3 * 80);
    let off = study.world.text.replace("tokens = 250", "functional = false");
    let world = crate::world::World { text: off, ..study.world };
    let run = world.run_with(&crate::world::options(&world.path("off"))).unwrap();
    assert!(!run.folder.join("tables/continuity.parquet").exists());
    let rows: Vec<PersistenceRow> = run.table();
    assert!(rows.iter().all(|row| row.mean_self_corr.is_none() && row.matches_kept.is_none()));
    assert!(!run.work.iter().any(|work| work.starts_with("follow")));
}

#[test]
fn lives_and_their_curves() {
    let counts = ["n_from_first", "lives.n_births", "n_at_risk", "survival", "survival.steps"];
    let mutants: [(Settings, &[&str]); 2] = [
        (Settings { counts_first: true, ..AS_IS }, &counts),
        (Settings { hysteresis: 0.2, ..AS_IS }, &["lives.n_deaths", "n_at_end", "survival"]),
    ];
    holds_and_can_fail(&Study::of(), lives::check, &mutants);
}
