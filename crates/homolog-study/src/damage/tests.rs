#![expect(clippy::unwrap_used, reason = "tests")]

use homolog_test::{Tol, assert_close};

use super::*;

const ROUNDING: Tol = Tol::abs(1e-12);

fn row(set: &str, multiple: Option<u32>, draw: Option<u32>, delta_loss_nats: f64) -> AblationRow {
    AblationRow {
        model: "a".into(),
        checkpoint: None,
        threshold: Some(0.5),
        set: set.into(),
        layer: None,
        mode: "zero".into(),
        multiple,
        draw,
        n_neurons: 10,
        loss_nats_clean: 4.0,
        loss_nats: 4.0 + delta_loss_nats,
        delta_loss_nats,
        efficiency_nats: Some(delta_loss_nats / 10.0),
    }
}

fn damage(ablation: &[AblationRow]) -> Option<DamageRow> {
    rows(ablation).into_iter().find(|row| row.control == "random")
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
    let rows = [
        row("random", Some(2), Some(0), 0.30),
        row("universal_layer", None, None, 9.0),
        row("random", Some(1), Some(0), 0.08),
        row("universal", None, None, 0.35),
        row("random", Some(1), Some(1), 0.12),
        row("random", Some(2), Some(1), 0.50),
        row("random_layer_matched", Some(1), Some(0), 7.0),
    ];
    let found = damage(&rows).unwrap();
    assert_close(
        &[found.universal_delta_nats, found.control_delta_nats.unwrap(), found.ratio.unwrap()],
        &[0.35, 0.10, 3.5],
        ROUNDING,
    );
    assert_eq!((found.n_neurons, found.n_draws, found.greatest_multiple), (10, 2, Some(2)));
    // 0.10 at one, 0.40 at two.
    assert_close(&[found.equal_multiple.unwrap()], &[1.0 + 0.25 / 0.30], ROUNDING);
    let all = super::rows(&rows);
    let matched = all.iter().find(|row| row.control == "random_layer_matched").unwrap();
    assert_close(&[matched.control_delta_nats.unwrap(), matched.ratio.unwrap()], &[7.0, 0.05], ROUNDING);
    assert_eq!(all.len(), 2);
}

#[test]
fn rows_of_other_models_checkpoints_and_modes_do_not_mix() {
    let mut ablation = vec![row("universal", None, None, 0.3), row("random", Some(1), Some(0), 0.1)];
    for change in [
        |row: &mut AblationRow| row.model = "b".into(),
        |row: &mut AblationRow| row.checkpoint = Some(7),
        |row: &mut AblationRow| row.mode = "mean".into(),
        |row: &mut AblationRow| row.threshold = Some(0.2),
    ] {
        let mut other = row("random", Some(1), Some(0), 5.0);
        change(&mut other);
        ablation.push(other);
    }
    assert_close(&[damage(&ablation).unwrap().control_delta_nats.unwrap()], &[0.1], ROUNDING);
    assert_eq!(super::rows(&ablation).len(), 1, "random sets without a universal one give no row");
}

#[test]
fn there_is_no_ratio_of_what_does_no_harm() {
    let universal = |delta| row("universal", None, None, delta);
    let random = |delta| row("random", Some(1), Some(0), delta);
    assert!(damage(&[]).is_none());
    assert!(damage(&[random(0.1)]).is_none());
    assert!(damage(&[AblationRow { n_neurons: 0, ..universal(0.0) }, random(0.0)]).is_none());
    for (of_universal, of_random) in [(0.1, 0.0), (0.1, -0.2), (-0.1, 0.2), (-0.1, -0.2)] {
        let found = damage(&[universal(of_universal), random(of_random)]).unwrap();
        assert_eq!(found.ratio, None, "{of_universal} and {of_random}");
    }
    let found = damage(&[universal(0.1), row("random", Some(2), Some(0), 0.3)]).unwrap();
    assert_eq!((found.control_delta_nats, found.ratio), (None, None), "no random set of the same size");
}
