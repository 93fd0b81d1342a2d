#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::Path;

use homolog_test::{Tol, assert_close};

use super::*;
use crate::StudyConfig;
use crate::stages::ablate::test_outcomes::{clean, set};

const ROUNDING: Tol = Tol::abs(1e-12);
const PLACE: Place<'static> = Place { model: "a", checkpoint: None, threshold: 0.5 };
const N_ROWS: usize = 40;

fn section() -> AblationSection {
    let text = "[study]\nname = \"x\"\n[corpus]\ntoken_file = \"t.u16\"\ncontext = 8\n[[model]]\nname = \"a\"\npath = \"a\"\n\
                [[model]]\nname = \"b\"\npath = \"b\"\n[ablation]\nresamples = 400";
    StudyConfig::parse(text, Path::new("study.toml"), &[]).unwrap().ablation
}

/// What these sets (name, multiple, draw, rise of the loss) say; each row of tokens rises by more or less than the mean, alike in all sets.
fn found(sets: &[(&str, Option<u32>, Option<usize>, f64)]) -> Vec<Damage> {
    let noise = |row: usize| 1.0 + 0.5 * ((row as f64) * 2.3).sin() - 0.5 * mean_of_sines();
    let rises = |rise: f64| (0..N_ROWS).map(|row| rise * noise(row)).collect::<Vec<f64>>();
    let sets = sets.iter().map(|&(name, multiple, draw, rise)| set(name, (multiple, draw), 10, &rises(rise)));
    let measured = Measured { clean: clean(N_ROWS), sets: sets.collect() };
    let section = section();
    let resamples = Resamples::new(N_ROWS, section.resamples, [1, 2, 3, 4]);
    of(&PLACE, &measured, &[AblationMode::Zero], (&resamples, &section))
}

fn mean_of_sines() -> f64 {
    (0..N_ROWS).map(|row| (row as f64 * 2.3).sin()).sum::<f64>() / N_ROWS as f64
}

fn row(found: &[Damage], control: &str) -> DamageRow {
    found.iter().find(|damage| damage.row.control == control).unwrap().row.clone()
}

#[test]
fn a_curve_is_crossed_where_it_first_reaches_the_level() {
    let curve = [(1.0, 0.2), (2.0, 0.6), (5.0, 0.3), (10.0, 1.6)];
    for (level, expected) in [(0.1, 0.5), (0.2, 1.0), (0.4, 1.5), (0.6, 2.0), (0.95, 7.5), (1.6, 10.0)] {
        assert_close(&[crossing(&curve, level).unwrap()], &[expected], ROUNDING);
    }
    for level in [1.7, 0.0, -0.1, f64::NAN] {
        assert_eq!(crossing(&curve, level), None, "{level}");
    }
    assert_eq!(crossing(&[], 0.1), None);
    // A few random neurons may help rather than harm: the curve begins below 0.
    assert_close(&[crossing(&[(1.0, -0.1), (2.0, 0.1)], 0.05).unwrap()], &[1.75], ROUNDING);
}

#[test]
fn damage_is_the_mean_over_draws_against_the_universal_set() {
    let found = found(&[
        ("random", Some(2), Some(0), 0.30),
        ("universal_layer", None, None, 9.0),
        ("random", Some(1), Some(0), 0.08),
        ("universal", None, None, 0.35),
        ("random", Some(1), Some(1), 0.12),
        ("random", Some(1), Some(2), 0.40),
        ("random", Some(2), Some(1), 0.50),
        ("random_matched", Some(1), Some(0), 7.0),
    ]);
    let of_random = row(&found, "random");
    assert_close(
        &[of_random.universal_delta_nats, of_random.control_delta_nats.unwrap(), of_random.ratio.unwrap()],
        &[0.35, 0.20, 1.75],
        ROUNDING,
    );
    assert_eq!((of_random.n_neurons, of_random.n_draws, of_random.greatest_multiple), (10, 3, Some(2)));
    assert_close(&[of_random.control_delta_median.unwrap()], &[0.12], ROUNDING);
    // One of three draws costs as much or more.
    assert_eq!(of_random.p_value, Some(0.5));
    // 0.20 at one, 0.40 at two.
    assert_close(&[of_random.equal_multiple.unwrap()], &[1.75], ROUNDING);
    let matched = row(&found, "random_matched");
    assert_close(&[matched.control_delta_nats.unwrap(), matched.ratio.unwrap()], &[7.0, 0.05], ROUNDING);
    assert_eq!((matched.p_value, matched.control_delta_low), (Some(1.0), None));
    assert_eq!(found.len(), 2, "no sets of the third kind, no row");
}

#[test]
fn intervals_hold_what_rows_and_draws_share_together() {
    // Rows rise alike in all sets: the ratio is the same in every resample of the rows, and only the draws move it.
    let draws = [0.10, 0.10, 0.10].map(|rise| ("random", Some(1), rise));
    let mut sets: Vec<_> = draws.iter().enumerate().map(|(i, &(name, m, rise))| (name, m, Some(i), rise)).collect();
    sets.push(("universal", None, None, 0.40));
    let same = row(&found(&sets), "random");
    assert_close(&[same.ratio_low.unwrap(), same.ratio_high.unwrap()], &[4.0, 4.0], Tol::abs(1e-9));
    assert!(same.universal_delta_low.unwrap() < 0.39 && same.universal_delta_high.unwrap() > 0.41);
    sets[0].3 = 0.05;
    let apart = row(&found(&sets), "random");
    assert!(apart.ratio_low.unwrap() < 4.3 && apart.ratio_high.unwrap() > 5.5, "{apart:?}");
}

#[test]
fn a_dose_that_is_reached_in_some_resamples_only_has_an_open_end() {
    // Draws of the largest multiple lie around the level: in about half of the resamples it is not reached.
    let found = found(&[
        ("universal", None, None, 0.40),
        ("random", Some(1), Some(0), 0.10),
        ("random", Some(4), Some(0), 0.20),
        ("random", Some(4), Some(1), 0.61),
    ]);
    let row = row(&found, "random");
    assert!(row.equal_multiple.is_some() && row.equal_multiple_low.is_some(), "{row:?}");
    assert_eq!(row.equal_multiple_high, None);
    let reached = row.equal_multiple_reached.unwrap();
    // Both draws low: a quarter.
    assert!((0.65..0.85).contains(&reached), "{reached}");
}

#[test]
fn what_is_undefined_is_null() {
    assert!(found(&[("universal", None, None, 0.2)]).is_empty());
    let harmless = row(&found(&[("universal", None, None, -0.2), ("random", Some(1), Some(0), 0.1)]), "random");
    assert_eq!((harmless.ratio, harmless.equal_multiple, harmless.equal_multiple_low), (None, None, None));
    assert_eq!((harmless.equal_multiple_reached, harmless.p_value), (None, Some(1.0)));
    let unreached = row(&found(&[("universal", None, None, 0.9), ("random", Some(2), Some(0), 0.1)]), "random");
    assert_eq!(
        (unreached.equal_multiple, unreached.equal_multiple_low, unreached.equal_multiple_reached),
        (None, None, Some(0.0))
    );
    assert_eq!((unreached.control_delta_nats, unreached.p_value), (None, None), "no draws of the same size");
}
