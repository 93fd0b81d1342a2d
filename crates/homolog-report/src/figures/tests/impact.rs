//! Figures of damage beside controls, of single neurons and of the family: what tables say, and nothing where they say nothing.

use homolog_results::DamageRow;

use super::*;
use crate::test_run::{N, THRESHOLD, impact};

fn names(run: &Run) -> Vec<String> {
    figures(run).into_iter().map(|figure| figure.name).collect()
}

/// Places of the rows of these words.
fn rows(figure: &Figure, cells: &[(&str, &str)]) -> Vec<usize> {
    let is_here = |at: &usize| cells.iter().all(|(column, word)| words(figure, column)[*at] == *word);
    (0..figure.data.n_rows()).filter(is_here).collect()
}

fn row(figure: &Figure, cells: &[(&str, &str)]) -> usize {
    *rows(figure, cells).first().unwrap_or_else(|| panic!("no {cells:?} in {}", figure.name))
}

fn damage(model: usize, control: &str, multiple: [Option<f64>; 3], ratio: [Option<f64>; 3]) -> DamageRow {
    DamageRow {
        model: MODELS[model].into(),
        checkpoint: Some(200),
        threshold: THRESHOLD,
        mode: "zero".into(),
        control: control.into(),
        n_neurons: 10,
        universal_delta_nats: 0.5,
        n_draws: 100,
        control_delta_nats: Some(0.1),
        ratio: ratio[0],
        ratio_low: ratio[1],
        ratio_high: ratio[2],
        equal_multiple: multiple[0],
        equal_multiple_low: multiple[1],
        equal_multiple_high: multiple[2],
        equal_multiple_reached: Some(0.9),
        greatest_multiple: Some(10),
        ..DamageRow::default()
    }
}

#[test]
fn the_third_control_stands_beside_the_others() {
    let (_folder, mut run) = run(&Options::default());
    run.settings.ablation_modes = vec!["zero".into()];
    run.ablation.push(ablation(0, "universal", (None, None), 10, 0.5));
    for (control, delta) in impact::CONTROLS.into_iter().zip([0.1, 0.2, 0.3]) {
        run.ablation.push(ablation(0, control, (Some(1), Some(0)), 10, delta));
    }
    let all = figures(&run);
    let doses = named(&all, "fig03-doses-seed-b");
    let at = row(doses, &[("ablated", "random, matched")]);
    assert_eq!(numbers(doses, "delta_loss_nats")[at], Some(0.3));
    let efficiency = named(&all, "fig04-efficiency-seed-b");
    let at = row(efficiency, &[("ablated", "random, matched")]);
    assert!((numbers(efficiency, "efficiency_micronats")[at].unwrap() - 30_000.0).abs() < 1e-6);
}

#[test]
fn bands_of_many_draws_leave_the_outermost_out_and_say_so() {
    let (_folder, mut run) = run(&Options::default());
    run.settings.ablation_modes = vec!["zero".into()];
    run.ablation.push(ablation(0, "universal", (None, None), 10, 0.5));
    let add = |run: &mut Run, multiple: u32, draws: std::ops::Range<u32>| {
        run.ablation.extend(draws.map(|draw| {
            ablation(0, "random", (Some(multiple), Some(draw)), u64::from(10 * multiple), 0.01 * f64::from(draw))
        }));
    };
    add(&mut run, 1, 0..20);
    add(&mut run, 2, 0..3);
    let band = |run: &Run, multiple: f64| {
        let all = figures(run);
        let figure = named(&all, "fig03-doses-seed-b");
        let is_here = |at: &usize| {
            words(figure, "ablated")[*at] == "random" && numbers(figure, "multiple")[*at] == Some(multiple)
        };
        let at = (0..figure.data.n_rows()).find(is_here).unwrap();
        let ends = ["delta_loss_nats_least", "delta_loss_nats_greatest"].map(|name| numbers(figure, name)[at].unwrap());
        (ends, figure.caption.clone())
    };
    let (ends, caption) = band(&run, 1.0);
    assert!(ends[0].abs() < 1e-9 && (ends[1] - 0.19).abs() < 1e-9, "20 draws have a range: {ends:?}");
    assert!(!caption.contains("central"), "{caption}");
    add(&mut run, 1, 20..41);
    let (ends, caption) = band(&run, 1.0);
    assert!((ends[0] - 0.01).abs() < 1e-9 && (ends[1] - 0.39).abs() < 1e-9, "the central 95 % of 0 to 40: {ends:?}");
    assert!(caption.contains("more than 20 draws (here up to 41) the central 95 %"), "{caption}");
    let (ends, _) = band(&run, 2.0);
    assert!(ends[0].abs() < 1e-9 && (ends[1] - 0.02).abs() < 1e-9, "3 draws have a range: {ends:?}");
    let all = figures(&run);
    let losses = named(&all, "fig03-ablation-loss-seed-b");
    assert!(losses.caption.contains("the central 95 %"), "{}", losses.caption);
}

#[test]
fn equal_damage_has_its_interval_and_open_ends_are_drawn_as_far_as_was_measured() {
    let (_folder, mut run) = run(&Options::default());
    run.settings.ablation_modes = vec!["zero".into()];
    assert!(!names(&run).contains(&"fig18-equal-damage-seed-b".to_owned()));
    run.damage = vec![
        damage(0, "random", [Some(3.0), Some(2.0), Some(6.0)], [Some(5.0), Some(4.0), Some(7.0)]),
        damage(0, "random_matched", [Some(4.0), Some(0.0), None], [Some(2.0), None, None]),
        DamageRow {
            equal_multiple_reached: None,
            greatest_multiple: Some(40),
            ..damage(1, "random_matched", [None, None, None], [None, None, None])
        },
    ];
    let all = figures(&run);
    let figure = named(&all, "fig18-equal-damage-seed-b");
    let values = |panel: &str| {
        let at = row(figure, &[("panel", panel), ("checkpoint", "200")]);
        let numbers = ["times", "times_low", "times_high", "times_drawn_to"].map(|name| numbers(figure, name)[at]);
        (numbers, words(figure, "interval")[at].clone())
    };
    let closed = |numbers: [f64; 3]| ([numbers[0], numbers[1], numbers[2], numbers[2]].map(Some), "closed".to_owned());
    assert_eq!(values("equal damage, random"), closed([3.0, 2.0, 6.0]));
    assert_eq!(values("ratio, random"), closed([5.0, 4.0, 7.0]));
    assert_eq!(values("equal damage, matched"), ([Some(4.0), Some(0.0), None, Some(10.0)], "open above".to_owned()));
    assert_eq!(values("ratio, matched"), ([Some(2.0), None, None, None], "none".to_owned()));
    for words in [
        "3.0 (2.0 to 6.0) for random and 4.0 (0.0 or more, open above) for random, matched",
        "Of 1 intervals the upper end lies beyond",
        "1 points have no interval",
    ] {
        assert!(figure.caption.contains(words), "{words}: {}", figure.caption);
    }
    svg(figure, &Theme::default()).unwrap();
    // Neither point nor interval: no figure of that model.
    assert!(!names(&run).contains(&"fig18-equal-damage-seed-a".to_owned()));
    // Of the family what its own table says, whose matched multiple is open.
    let family = named(&all, "fig18-equal-damage-mean");
    let at = row(family, &[("panel", "equal damage, matched"), ("checkpoint", "200")]);
    assert_eq!(numbers(family, "times")[at], Some(1.5));
    assert_eq!(numbers(family, "times_drawn_to")[at], Some(10.0), "as far as both models go");
    assert_eq!(rows(family, &[("interval", "open above")]).len(), 1, "only where multiples were measured");
}

#[test]
fn single_neurons_stand_where_first_order_and_ablation_put_them() {
    let (_folder, mut run) = run(&Options::default());
    let all = figures(&run);
    let figure = named(&all, "fig19-first-order-seed-a");
    assert_eq!(figure.data.n_rows(), N / 2);
    let at = row(figure, &[("layer", "1"), ("neuron", "4")]);
    let micro = 1e6 * impact::first_order(1, 12);
    for (column, wanted) in [
        ("first_order_micronats", micro),
        ("exact_micronats", 1.25 * micro),
        ("exact_low_micronats", 1.25 * micro - 20.0),
        ("exact_high_micronats", 1.25 * micro + 30.0),
    ] {
        assert!((numbers(figure, column)[at].unwrap() - wanted).abs() < 1e-9, "{column}");
    }
    let samples = |name: &str| rows(figure, &[("sample", name)]).len();
    assert_eq!(
        ["greatest first order", "sample of universal", "random sample"].map(samples),
        [2, 2, 4],
        "neurons 0 and 2, 4 and 6, and those of the second layer"
    );
    assert!(figure.caption.contains("0.80 and 1.25 in seed-a (6)"), "{}", figure.caption);
    assert_eq!(named(&all, "fig19-first-order-mean").data.n_rows(), 3 * N / 2);
    svg(figure, &Theme::default()).unwrap();
    run.singles.clear();
    assert!(!names(&run).iter().any(|name| name.starts_with("fig19")));
}

#[test]
fn balance_is_of_sets_of_one_size_at_the_last_checkpoint() {
    let (_folder, mut run) = run(&Options::default());
    let all = figures(&run);
    let figure = named(&all, "fig20-balance");
    assert_eq!(figure.data.n_rows(), 3 * 3 * 4);
    let at = row(figure, &[("model", "seed-a"), ("covariate", "output weights (log norm)"), ("control", "random")]);
    assert_eq!(numbers(figure, "standardized_difference")[at], Some(impact::difference(1, 0, 3)));
    let greatest = (0..12).map(|at| impact::difference(at / 4, 2, at % 4).abs()).fold(0.0, f64::max);
    assert!(figure.caption.contains(&format!("{greatest:.2} for random, matched")), "{}", figure.caption);
    svg(figure, &Theme::default()).unwrap();
    run.balance.iter_mut().for_each(|row| row.checkpoint = Some(10));
    assert!(!names(&run).contains(&"fig20-balance".to_owned()));
}

#[test]
fn the_familys_claims_stand_with_intervals_and_without_each_model() {
    let (_folder, mut run) = run(&Options::default());
    let all = figures(&run);
    let figure = named(&all, "fig21-family");
    let value = |series: &str, checkpoint: &str, column: &str| {
        numbers(figure, column)[row(figure, &[("series", series), ("checkpoint", checkpoint)])]
    };
    for (column, wanted) in [
        ("value", 3.0),
        ("value_least", 2.4),
        ("value_greatest", 3.9),
        ("without_one_model_least", 2.7),
        ("without_one_model_greatest", 3.3),
        ("n_models", 3.0),
    ] {
        assert!((value("share universal", "200", column).unwrap() - wanted).abs() < 1e-9, "{column}");
    }
    assert_eq!(value("persistence", "0", "value"), None, "nothing lies before the first checkpoint");
    assert_eq!(value("persistence", "10", "value"), Some(40.0));
    assert_eq!(value("persistence by chance", "200", "value"), Some(3.0));
    assert_eq!(value("random, matched", "200", "value"), Some(2.0));
    for words in [
        "share universal 3.0 % (95 % interval 2.4 to 3.9 %; without one model 2.7 to 3.3 %)",
        "random, matched 2.0 (95 % interval 1.4 to 3.0; without one model 1.8 to 2.4)",
    ] {
        assert!(figure.caption.contains(words), "{words}: {}", figure.caption);
    }
    svg(figure, &Theme::default()).unwrap();
    run.family.iter_mut().for_each(|row| row.estimate = None);
    assert!(!names(&run).contains(&"fig21-family".to_owned()));
}
