#![expect(clippy::unwrap_used, reason = "tests")]

mod evidence;
mod impact;

use homolog_results::{AblationRow, PersistenceRow, SurvivalRow};

use super::*;
use crate::svg;
use crate::test_run::{self, MODELS, Options};
use crate::{Theme, Values};

fn run(options: &Options) -> (tempfile::TempDir, Run) {
    let folder = tempfile::tempdir().unwrap();
    let run = test_run::open(folder.path(), options);
    (folder, run)
}

fn named<'a>(figures: &'a [Figure], name: &str) -> &'a Figure {
    let names: Vec<&str> = figures.iter().map(|figure| figure.name.as_str()).collect();
    figures.iter().find(|figure| figure.name == name).unwrap_or_else(|| panic!("no {name} among {names:?}"))
}

fn numbers<'a>(figure: &'a Figure, column: &str) -> &'a [Option<f64>] {
    match &figure.data.columns.iter().find(|found| found.name == column).unwrap().values {
        Values::Numbers(numbers) => numbers,
        Values::Words(words) => panic!("{column}: {words:?}"),
    }
}

fn words<'a>(figure: &'a Figure, column: &str) -> &'a [String] {
    match &figure.data.columns.iter().find(|found| found.name == column).unwrap().values {
        Values::Words(words) => words,
        Values::Numbers(numbers) => panic!("{column}: {numbers:?}"),
    }
}

fn ablation(
    model: usize,
    set: &str,
    (multiple, draw): (Option<u32>, Option<u32>),
    n_neurons: u64,
    delta: f64,
) -> AblationRow {
    AblationRow {
        model: MODELS[model].into(),
        checkpoint: Some(200),
        threshold: Some(test_run::THRESHOLD),
        set: set.into(),
        layer: None,
        mode: "zero".into(),
        multiple,
        draw,
        n_neurons,
        loss_nats_clean: 3.0,
        loss_nats: 3.0 + delta,
        delta_loss_nats: delta,
        efficiency_nats: (n_neurons > 0).then(|| delta / n_neurons as f64),
        ..AblationRow::default()
    }
}

#[test]
fn every_figure_of_a_run_can_be_drawn_and_has_a_caption_with_its_numbers() {
    for steps in [vec![Some(0), Some(10), Some(200)], vec![None]] {
        let (_folder, run) = run(&Options { steps, ..Options::default() });
        let figures = figures(&run);
        assert!(figures.len() >= 4, "{}", figures.len());
        for figure in &figures {
            svg(figure, &Theme::default()).unwrap_or_else(|error| panic!("{}: {error}", figure.name));
            assert!(figure.caption.contains("models") || figure.caption.contains("predicted"), "{}", figure.caption);
        }
        let mut names: Vec<&str> = figures.iter().map(|figure| figure.name.as_str()).collect();
        names.dedup();
        assert_eq!(names.len(), figures.len());
        // A model may be called anything; a file may not.
        assert!(
            names.iter().all(|name| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)))
        );
    }
}

#[test]
fn the_family_is_the_mean_of_its_models_with_their_range() {
    let (_folder, mut run) = run(&Options::default());
    for row in run.emergence.iter_mut().filter(|row| row.layer == Some(1) && row.checkpoint == Some(200)) {
        row.share = [0.1, 0.4, 0.25][MODELS.iter().position(|model| *model == row.model).unwrap()];
        row.share_low = Some(-0.1);
    }
    let all = figures(&run);
    let figure = named(&all, "fig01-emergence-mean");
    let at = (0..numbers(figure, "share").len())
        .find(|&i| words(figure, "layer")[i] == "1" && words(figure, "checkpoint")[i] == "200")
        .unwrap();
    let found = ["share", "share_least", "share_greatest"].map(|column| numbers(figure, column)[at].unwrap());
    for (found, expected) in found.into_iter().zip([0.25, 0.1, 0.4]) {
        assert!((found - expected).abs() < 1e-12, "{found} {expected}");
    }
    let of_model = named(&all, "fig01-emergence-seed-a");
    assert_eq!(numbers(of_model, "share")[at], Some(0.4));
    assert!(figure.caption.contains("mean over the models") && of_model.caption.contains("95 % interval"));
    assert_eq!(numbers(of_model, "share_low")[at], Some(0.0), "cut where shares end");
    run.models.iter_mut().for_each(|row| row.n_blocks = None);
    assert!(named(&super::figures(&run), "fig01-emergence-seed-a").caption.contains("no error bars"));
}

#[test]
fn a_family_has_no_mean_over_some_of_its_models() {
    let (_folder, mut run) = run(&Options::default());
    run.settings.ablation_modes = vec!["zero".into()];
    let draws = |multiple, deltas: [f64; 2]| {
        [(0, deltas[0]), (1, deltas[1])].map(|(draw, delta)| (Some(multiple), Some(draw), delta))
    };
    for model in 0..2 {
        run.ablation.push(ablation(model, "universal", (None, None), 10, 0.5));
        for (multiple, draw, delta) in draws(1, [0.1, 0.3]) {
            run.ablation.push(ablation(model, "random", (multiple, draw), 10, delta));
        }
    }
    // The third model has no universal neuron: it takes no part. The first has twice as many random ones, the second has not.
    run.ablation.push(ablation(2, "universal", (None, None), 0, 0.0));
    run.ablation.push(ablation(0, "random", (Some(2), Some(0)), 20, 0.9));
    let figures = figures(&run);
    let family = named(&figures, "fig03-ablation-loss-mean");
    assert_eq!(words(family, "ablated"), ["none", "universal", "random x1"]);
    for (found, expected) in numbers(family, "loss_nats").iter().zip([3.0, 3.5, 3.2]) {
        assert!((found.unwrap() - expected).abs() < 1e-12, "{found:?} {expected}");
    }
    let first = named(&figures, "fig03-ablation-loss-seed-b");
    assert_eq!(words(first, "ablated"), ["none", "universal", "random x1", "random x2"]);
    let range = ["loss_nats_least", "loss_nats_greatest"].map(|column| numbers(first, column)[2].unwrap());
    assert!((range[0] - 3.1).abs() < 1e-12 && (range[1] - 3.3).abs() < 1e-12, "{range:?}");
}

fn persistence(from: i64, to: i64, layer: Option<u16>, [n_from, n_to, n_both]: [u64; 3]) -> PersistenceRow {
    PersistenceRow {
        model: MODELS[0].into(),
        from_checkpoint: Some(from),
        to_checkpoint: Some(to),
        is_consecutive: true,
        is_from_first: from == 0,
        layer,
        threshold: test_run::THRESHOLD,
        n_from,
        n_to,
        n_both,
        persistence: (n_from > 0).then(|| n_both as f64 / n_from as f64),
        jaccard: None,
        expected_by_chance: 0.5,
        ..PersistenceRow::default()
    }
}

#[test]
fn layers_without_a_value_keep_their_place() {
    let (_folder, mut run) = run(&Options::default());
    // At first only the second layer has universal neurons, later both.
    run.persistence = vec![
        persistence(0, 10, Some(0), [0, 4, 0]),
        persistence(0, 10, Some(1), [2, 4, 1]),
        persistence(10, 200, Some(0), [4, 4, 4]),
        persistence(10, 200, Some(1), [4, 4, 2]),
    ];
    run.settings.ablation_modes = vec!["mean".into()];
    let of_layer = |checkpoint, layer, delta| AblationRow {
        checkpoint: Some(checkpoint),
        layer: Some(layer),
        mode: "mean".into(),
        ..ablation(0, "universal_layer", (None, None), 2, delta)
    };
    run.ablation = vec![of_layer(10, 1, 0.5), of_layer(200, 0, 0.25), of_layer(200, 1, 0.75)];
    let all = figures(&run);
    for name in ["fig02-persistence-seed-b", "fig05-efficiency-by-layer-seed-b"] {
        let mut layers = words(named(&all, name), "layer").to_vec();
        layers.dedup();
        assert_eq!(layers[..2], ["0", "1"], "{name}");
    }
    let shares = |kind: &str, later: &str| -> Vec<Option<f64>> {
        let figure = named(&all, "fig02-persistence-seed-b");
        let rows = 0..numbers(figure, "share").len();
        let is_asked = |&row: &usize| {
            let is_kind = words(figure, "kind")[row] == kind && words(figure, "later_checkpoint")[row] == later;
            is_kind && words(figure, "span")[row] == "to the next checkpoint"
        };
        rows.filter(is_asked).map(|row| numbers(figure, "share")[row]).collect()
    };
    assert_eq!(shares("observed", "10"), [None, Some(0.5)]);
    assert_eq!(shares("observed", "200"), [Some(1.0), Some(0.5)]);
    assert_eq!(shares("by chance", "10"), [None, Some(0.25)]);
    let efficiency = named(&all, "fig05-efficiency-by-layer-seed-b");
    assert!(efficiency.caption.contains("set to their mean"), "{}", efficiency.caption);
    let found: Vec<Option<f64>> = numbers(efficiency, "efficiency_micronats").to_vec();
    assert_eq!(found, [None, Some(250_000.0), Some(125_000.0), Some(375_000.0)]);
    assert_eq!(numbers(efficiency, "n")[..2], [None, Some(1.0)]);
}

/// The ceiling is drawn as far as it is known, and said in the caption.
#[test]
fn persistence_stands_below_its_ceiling() {
    let (_folder, mut run) = run(&Options::default());
    let with_ceiling = |ceiling: Option<f64>| {
        vec![
            PersistenceRow { ceiling, ..persistence(0, 10, Some(0), [4, 4, 2]) },
            persistence(10, 200, Some(0), [4, 4, 2]),
        ]
    };
    run.persistence = with_ceiling(Some(0.75));
    let all = figures(&run);
    let figure = named(&all, "fig02-persistence-seed-b");
    let of_kind = |kind: &str| -> Vec<(String, Option<f64>)> {
        let rows = (0..words(figure, "kind").len()).filter(|&row| words(figure, "kind")[row] == kind);
        let rows = rows.filter(|&row| words(figure, "span")[row] == "to the next checkpoint");
        rows.map(|row| (words(figure, "later_checkpoint")[row].clone(), numbers(figure, "share")[row])).collect()
    };
    assert_eq!(of_kind("ceiling"), [("10".to_owned(), Some(0.75)), ("10".to_owned(), None)]);
    assert_eq!(of_kind("observed").len(), 4);
    assert!(figure.caption.contains("Ceiling:"), "{}", figure.caption);
    run.persistence = with_ceiling(None);
    let all = figures(&run);
    let figure = named(&all, "fig02-persistence-seed-b");
    assert!(!words(figure, "kind").contains(&"ceiling".to_owned()) && !figure.caption.contains("Ceiling:"));
}

/// A curve begins with all of them, and each model has its own.
#[test]
fn survival_begins_at_one() {
    let (_folder, mut run) = run(&Options::default());
    let row = |model: usize, time: f64, n_at_risk: u64, survival: f64| SurvivalRow {
        model: MODELS[model].into(),
        threshold: test_run::THRESHOLD,
        rule: "plain".into(),
        scale: "checkpoints".into(),
        from: time,
        time: Some(time),
        n_at_risk: Some(n_at_risk),
        survival,
        survival_low: Some(survival / 2.0),
        survival_high: Some(1.0),
        ..SurvivalRow::default()
    };
    run.survival = vec![
        // Lives that begin at the last checkpoint: nobody knows how long they are.
        row(0, 0.0, 9, 1.0),
        row(0, 1.0, 6, 0.5),
        row(0, 2.0, 2, 0.25),
        row(1, 1.0, 4, 0.75),
        SurvivalRow { rule: "hysteresis".into(), ..row(0, 1.0, 6, 0.9) },
        SurvivalRow { layer: Some(0), ..row(0, 1.0, 6, 0.9) },
        SurvivalRow { scale: "steps".into(), ..row(0, 1.0, 6, 0.9) },
        SurvivalRow { threshold: 0.9, ..row(0, 1.0, 6, 0.9) },
    ];
    let all = figures(&run);
    let figure = named(&all, "fig22-survival");
    assert_eq!(words(figure, "model"), [MODELS[0], MODELS[0], MODELS[0], MODELS[1], MODELS[1]]);
    assert_eq!(numbers(figure, "checkpoints"), [0.0, 1.0, 2.0, 0.0, 1.0].map(Some));
    assert_eq!(numbers(figure, "survival"), [1.0, 0.5, 0.25, 1.0, 0.75].map(Some));
    assert_eq!(numbers(figure, "survival_low"), [1.0, 0.25, 0.125, 1.0, 0.375].map(Some));
    assert!(figure.caption.contains("10 lives"), "{}", figure.caption);
    run.survival.clear();
    assert!(figures(&run).iter().all(|figure| figure.name != "fig22-survival"));
}

#[test]
fn names_of_models_never_make_one_file_of_two() {
    let folder = tempfile::tempdir().unwrap();
    let (_source, run) = run(&Options::default());
    let names = ["mean", "a/b", "a-b", "A-b", "a-b-3"].map(String::from);
    let slugs = facts::slugs(&names);
    for slug in &slugs {
        // On a disk that knows no capitals.
        std::fs::File::create_new(folder.path().join(slug.to_lowercase())).unwrap_or_else(|_| panic!("{slugs:?}"));
    }
    assert_eq!(slugs[1], "a-b");
    assert!(!slugs.contains(&"mean".to_owned()));
    let mut names: Vec<String> = figures(&run).into_iter().map(|figure| figure.name.to_lowercase()).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), figures(&run).len());
}

#[test]
fn what_random_neurons_never_reached_is_said() {
    let (_folder, mut run) = run(&Options::default());
    run.settings.ablation_modes = vec!["zero".into()];
    let damage = |model: usize, equal_multiple| homolog_results::DamageRow {
        model: MODELS[model].into(),
        checkpoint: Some(200),
        threshold: test_run::THRESHOLD,
        mode: "zero".into(),
        control: "random".into(),
        n_neurons: 10,
        universal_delta_nats: 0.5,
        n_draws: 2,
        control_delta_nats: Some(0.1),
        ratio: Some(5.0),
        equal_multiple,
        greatest_multiple: Some(10),
        ..homolog_results::DamageRow::default()
    };
    for model in 0..2 {
        run.ablation.push(ablation(model, "universal", (None, None), 10, 0.5));
        run.ablation.push(ablation(model, "random", (Some(1), Some(0)), 10, 0.1));
    }
    run.damage = vec![damage(0, Some(5.0)), damage(1, None)];
    let caption = |run: &Run, name: &str| named(&figures(run), name).caption.clone();
    let found = caption(&run, "fig03-ablation-loss-mean");
    assert!(found.contains("at 5.0 to 5.0 times the number of universal ones in 1 of 2 models"), "{found}");
    assert!(found.contains("goes to 10 times"), "{found}");
    assert!(caption(&run, "fig03-ablation-loss-seed-a").contains("never cost as much"));
    run.damage[1].equal_multiple = Some(3.0);
    let found = caption(&run, "fig03-ablation-loss-mean");
    assert!(found.contains("at 4.0 times the number of universal ones (mean of 2 models, from 3.0 to 5.0)"), "{found}");
    run.damage[1].equal_multiple = Some(0.5);
    assert!(caption(&run, "fig03-ablation-loss-seed-a").contains("at less than 1 times"));
}

#[test]
fn captions_name_the_null_and_the_tokens_that_were_used() {
    let (_folder, mut run) = run(&Options::default());
    run.settings.baseline_kind = "permuted-rows".into();
    run.settings.ablation_modes = vec!["zero".into()];
    run.ablation.push(ablation(0, "universal", (None, None), 10, 0.5));
    // Of rows of 6 positions the first four are ablated: 20 predicted tokens of the 350 that the models' loss is over.
    run.settings.ablation_tokens = 24;
    let figures = figures(&run);
    for figure in &figures {
        assert!(!figure.caption.contains("rotated"), "{}", figure.caption);
    }
    assert!(named(&figures, "fig06-densities").caption.contains("exchanged rows"));
    assert!(named(&figures, "fig03-ablation-loss-mean").caption.contains("over 20 predicted"));
    assert!(named(&figures, "fig12-loss").caption.contains("over 350 predicted"));
}

#[test]
fn universal_neurons_stay_come_and_go() {
    let (_folder, mut run) = run(&Options::default());
    run.persistence = vec![persistence(0, 10, None, [5, 9, 3])];
    let figures = figures(&run);
    let figure = named(&figures, "fig11-births-and-deaths");
    assert_eq!(words(figure, "change")[..3], ["stayed", "came", "went"]);
    assert_eq!(numbers(figure, "n_from")[..3], [Some(0.0), Some(3.0), Some(0.0)]);
    assert_eq!(numbers(figure, "n_to")[..3], [Some(3.0), Some(9.0), Some(-2.0)]);
}

#[test]
fn rows_of_the_heatmap_add_to_one() {
    let (_folder, run) = run(&Options::default());
    let figures = figures(&run);
    let figure = named(&figures, "fig08-matched-layers");
    let all = words(figure, "neurons").iter().zip(words(figure, "layer")).zip(numbers(figure, "share"));
    let of_layer_1: f64 =
        all.filter(|((kind, layer), _)| *kind == "all neurons" && *layer == "1").filter_map(|(_, share)| *share).sum();
    assert!((of_layer_1 - 1.0).abs() < 1e-12, "{of_layer_1}");
}

#[test]
fn a_density_has_area_one() {
    let values: Vec<f64> = (0..500).map(|i| f64::from(i % 97) / 120.0 - 0.1).collect();
    let area: f64 = correlation::density(&values).iter().map(|(_, density)| density * correlation::BIN).sum();
    assert!((area - 1.0).abs() < 1e-9, "{area}");
    assert!(correlation::density(&[]).is_empty());
}

#[test]
fn a_run_without_ablations_has_no_figure_of_them() {
    let (_folder, run) = run(&Options { steps: vec![None], ..Options::default() });
    assert!(run.ablation.is_empty());
    let names: Vec<String> = figures(&run).into_iter().map(|figure| figure.name).collect();
    assert!(
        !names.iter().any(|name| ["fig02", "fig03", "fig04", "fig05", "fig11", "fig12"].contains(&&name[..5])),
        "{names:?}"
    );
}
