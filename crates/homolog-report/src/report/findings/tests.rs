#![expect(clippy::unwrap_used, reason = "tests")]

mod evidence;
mod impact;

use homolog_results::{DamageRow, EmergenceRow, PersistenceRow, StabilityRow};

use super::*;
use crate::test_run::{self, MODELS, Options};

/// A run whose tables are those given here, all about the last of three checkpoints: 0, 10 and 200.
fn run(folder: &std::path::Path) -> Run {
    let mut run = test_run::open(folder, &Options::default());
    run.emergence.clear();
    run.without_impact();
    run.settings.ablation_modes = vec!["zero".to_owned()];
    run
}

fn emergence(model: usize, checkpoint: i64, layer: Option<u16>, threshold: f64, n_universal: u64) -> EmergenceRow {
    let n_neurons = if layer.is_some() { 100 } else { 200 };
    EmergenceRow {
        model: MODELS[model].to_owned(),
        checkpoint: Some(checkpoint),
        layer,
        threshold,
        n_neurons,
        n_universal,
        share: n_universal as f64 / n_neurons as f64,
        ..EmergenceRow::default()
    }
}

fn sentences(run: &Run, heading: &str) -> Vec<String> {
    of(run).into_iter().filter(|finding| finding.heading == heading).flat_map(|finding| finding.sentences).collect()
}

#[test]
fn shares_are_means_over_models_with_their_range() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = run(folder.path());
    for (model, n) in [10, 20, 24].into_iter().enumerate() {
        run.emergence.push(emergence(model, 200, None, 0.5, n));
        run.emergence.push(emergence(model, 200, None, 0.3, 2 * n));
        run.emergence.push(emergence(model, 200, Some(0), 0.5, n));
        run.emergence.push(emergence(model, 200, Some(1), 0.5, 0));
    }
    let found = sentences(&run, "Emergence");
    // (5 + 10 + 12) / 3 = 9; 54 of 600.
    assert_eq!(
        found[0],
        "At step 200 9.0 % (mean of 3 models, from 5.0 to 12.0 %) of the neurons are universal (excess > 0.5): 54 of 600."
    );
    assert_eq!(found[1], "At step 200, at other thresholds, the mean over models is 18.0 % above 0.3.");
    // (10 + 20 + 24) / 3 of 100.
    assert_eq!(
        found[2],
        "At step 200, by layer (from 0), the mean share over models is greatest in layer 0 (18.0 %) and least in layer 1 (0.0 %)."
    );
    let by_count: Vec<usize> =
        (0..3).map(|model| run.neurons(model, 2).is_universal_count.iter().filter(|&&is| is).count()).collect();
    let mean = by_count.iter().sum::<usize>() as f64 / 48.0;
    assert!(found[3].contains(&format!("it is {:.1} % (mean of 3 models", 100.0 * mean)), "{}", found[3]);
    assert!(!html(&run).to_lowercase().contains("confidence"));
    assert!(html(&run).contains("not an interval"));
}

#[test]
fn none_universal_is_said_with_the_greatest_excess() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = run(folder.path());
    run.emergence.extend((0..3).map(|model| emergence(model, 10, None, 0.5, 0)));
    let greatest = (0..3)
        .flat_map(|model| run.neurons(model, 1).excess_corr.clone())
        .filter(|excess| !excess.is_nan())
        .fold(f64::MIN, f64::max);
    let found = sentences(&run, "Emergence")[0].clone();
    let before = "At step 10 no neuron is universal (excess > 0.5): the greatest excess correlation of 600 neurons is ";
    let shown: f64 = found.strip_prefix(before).unwrap().strip_suffix('.').unwrap().parse().unwrap();
    assert!(shown <= greatest && greatest - shown <= 0.001_001, "{found} for {greatest}");
}

#[test]
fn an_excess_below_a_threshold_is_not_shown_as_the_threshold() {
    let shown = [0.4996, 0.5, 0.57, 0.0, -0.0001].map(|excess| format!("{:.3}", emergence::rounded_down(excess)));
    assert_eq!(shown, ["0.499", "0.500", "0.570", "0.000", "-0.001"]);
}

#[test]
fn layers_with_the_same_share_are_all_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = run(folder.path());
    // The same 60 neurons of 300, in another order of models: sums of the shares differ by rounding.
    for (layer, of_models) in [[10, 23, 27], [27, 10, 23]].into_iter().enumerate() {
        for (model, n) in of_models.into_iter().enumerate() {
            run.emergence.push(emergence(model, 200, Some(layer as u16), 0.5, n));
        }
    }
    let found = sentences(&run, "Emergence");
    assert!(found.iter().all(|sentence| !sentence.contains("by layer")), "{found:?}");
    let (greatest, least) =
        emergence::extremes(&[(0, 0.25), (1, 0.0), (2, 0.25), (3, 0.0), (4, 0.0), (5, 0.1)]).unwrap();
    assert_eq!((greatest.as_str(), least.as_str()), ("layers 0 and 2 (25.0 %)", "layers 1, 3 and 4 (0.0 %)"));
}

#[test]
fn empty_tables_say_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let run = run(folder.path());
    assert!(sentences(&run, "Persistence").is_empty() && sentences(&run, "Ablation").is_empty());
    let emergence = sentences(&run, "Emergence");
    assert!(emergence.len() == 1 && emergence[0].starts_with("By the rule"), "{emergence:?}");
}

fn persistence(model: usize, from: i64, to: i64, n_from: u64, n_both: u64, by_chance: f64) -> PersistenceRow {
    PersistenceRow {
        model: MODELS[model].to_owned(),
        from_checkpoint: Some(from),
        to_checkpoint: Some(to),
        is_consecutive: true,
        is_from_first: from == 0,
        layer: None,
        threshold: 0.5,
        n_from,
        n_to: 50,
        n_both,
        persistence: (n_from > 0).then(|| n_both as f64 / n_from as f64),
        jaccard: None,
        expected_by_chance: by_chance,
        ..PersistenceRow::default()
    }
}

#[test]
fn persistence_stands_beside_chance_and_is_undefined_where_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = run(folder.path());
    run.persistence = vec![
        persistence(0, 10, 200, 40, 10, 4.0),
        persistence(1, 10, 200, 20, 15, 1.0),
        persistence(2, 10, 200, 0, 0, 0.0),
        persistence(0, 0, 10, 0, 0, 0.0),
    ];
    run.stability = vec![StabilityRow {
        model: MODELS[0].to_owned(),
        layer: None,
        threshold: 0.5,
        k: 3,
        n_universal_at_least_k: 0,
    }];
    assert_eq!(
        sentences(&run, "Persistence"),
        [
            "Of the neurons universal at step 10, 50.0 % (mean of 2 models, from 25.0 to 75.0 %) are universal at step 200 too (25 of 60; \
             one model has none at step 10); were the two sets independent within each layer, 7.5 % would be.",
            "No neuron is universal at step 0, so persistence from there is undefined.",
            "No neuron is universal at all 3 checkpoints.",
        ]
    );
}

#[test]
fn persistence_stands_below_its_ceiling_and_beside_what_neurons_do() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = run(folder.path());
    run.persistence = vec![PersistenceRow {
        ceiling: Some(0.75),
        mean_self_corr: Some(0.625),
        mean_self_corr_others: Some(0.5),
        matches_kept: Some(0.25),
        ..persistence(0, 10, 200, 40, 10, 4.0)
    }];
    let found = sentences(&run, "Persistence");
    let wanted = "10.0 % would be. Where nothing changes but the tokens (either half of them, at the same checkpoints), 75.0 % (one model) are \
                  found again. Their activations at the one and the other correlate at 0.625 (the other neurons' at 0.500; means of neurons \
                  and models); 25.0 % of their best matches are the same neuron at both.";
    assert!(found[0].ends_with(wanted), "{}", found[0]);
}

fn damage(model: usize, control: &str, universal: f64, of_controls: f64, equal_multiple: Option<f64>) -> DamageRow {
    DamageRow {
        model: MODELS[model].to_owned(),
        checkpoint: Some(200),
        threshold: 0.5,
        mode: "zero".to_owned(),
        control: control.to_owned(),
        n_neurons: 10,
        universal_delta_nats: universal,
        n_draws: 2,
        control_delta_nats: Some(of_controls),
        ratio: Some(universal / of_controls),
        equal_multiple,
        greatest_multiple: Some(5),
        ..DamageRow::default()
    }
}

#[test]
fn damages_stand_beside_those_of_random_sets_and_meet_where_measured() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = run(folder.path());
    for (model, universal, equal_multiple) in [(0, 0.5, Some(3.5)), (1, 0.9, None)] {
        run.damage.push(damage(model, "random", universal, 0.2, equal_multiple));
        run.damage.push(damage(model, "random_layer_matched", universal, 0.3, equal_multiple));
    }
    let found = sentences(&run, "Ablation");
    assert_eq!(
        found[0],
        "At step 200, setting the universal neurons to zero changes the loss by 0.700 nats (mean of 2 models, from 0.500 to 0.900); as many \
         random neurons that are not universal, by 0.200 nats (mean of 2 models, from 0.200 to 0.200) (means of 2 draws); as many of each \
         layer, by 0.300 nats (mean of 2 models, from 0.300 to 0.300)."
    );
    let meetings = found[1].split(": ").nth(1).unwrap();
    assert_eq!(meetings, "3.5x for seed-b and more than 5x for seed-a.");
    assert_eq!(found.len(), 2);
    // 65 tokens are 10 of the 70 rows of 6.
    run.settings.ablation_tokens = 65;
    let found = sentences(&run, "Ablation");
    assert_eq!(found.len(), 3);
    assert!(found[2].contains("over the first 50 predicted tokens of the 350 that"), "{}", found[2]);
    run.damage.clear();
    assert!(sentences(&run, "Ablation").is_empty());
}

#[test]
fn what_does_not_meet_is_said_so() {
    let words = |universal, equal_multiple| meeting(&damage(0, "random", universal, 0.2, equal_multiple)).unwrap();
    assert_eq!(words(0.1, Some(0.5)), "less than 1x");
    assert_eq!(words(0.2, Some(1.0)), "1.0x");
    assert_eq!(words(9.0, None), "more than 5x");
    assert_eq!(words(-0.1, None), "none, the universal neurons doing no damage");
    assert_eq!(meeting(&DamageRow { greatest_multiple: None, ..damage(0, "random", 0.1, 0.2, None) }), None);
}
