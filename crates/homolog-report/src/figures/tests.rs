#![expect(clippy::unwrap_used, reason = "tests")]

use homolog_results::{AblationRow, PersistenceRow};

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
    assert!(figure.caption.contains("mean over the models") && of_model.caption.contains("no error bars"));
}

#[test]
fn a_family_has_no_mean_over_some_of_its_models() {
    let (_folder, mut run) = run(&Options::default());
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

#[test]
fn universal_neurons_stay_come_and_go() {
    let (_folder, mut run) = run(&Options::default());
    run.persistence = vec![PersistenceRow {
        model: MODELS[0].into(),
        from_checkpoint: Some(0),
        to_checkpoint: Some(10),
        is_consecutive: true,
        is_from_first: true,
        layer: None,
        threshold: test_run::THRESHOLD,
        n_from: 5,
        n_to: 9,
        n_both: 3,
        persistence: Some(0.6),
        jaccard: Some(3.0 / 11.0),
        expected_by_chance: 1.0,
    }];
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
