use homolog_test::{Tol, assert_close};

use super::*;

fn config() -> StudyConfig {
    let text = "[study]\nname = \"s\"\n[[model]]\nname = \"a\"\npath = \"a\"\n[[model]]\nname = \"b\"\npath = \"b\"\n\
                [checkpoints]\nsteps = [1, 2]\n[corpus]\ntoken_file = \"t.u16\"\ncontext = 8\n[universality]\nthreshold = 0.3";
    StudyConfig::parse(text, Path::new("s.toml"), &[]).expect("a study")
}

fn neuron(model: &str, step: i64, [max_corr, baseline, excess]: [Option<f64>; 3]) -> NeuronRow {
    NeuronRow {
        model: model.into(),
        checkpoint: Some(step),
        layer: 0,
        neuron: 0,
        max_corr,
        mean_corr: max_corr,
        min_corr: max_corr,
        max_baseline: baseline,
        mean_baseline: baseline,
        min_baseline: baseline,
        excess_corr: excess,
        is_exact: true,
        is_universal: false,
        n_models_above: 0,
        is_universal_count: false,
        act_mean: 0.0,
        act_var: 1.0,
        act_skew: None,
        act_kurt: None,
        act_min: 0.0,
        act_max: 1.0,
        frac_positive: 0.5,
        ..NeuronRow::default()
    }
}

fn emergence(model: &str, step: i64, threshold: f64, n_universal: u64) -> EmergenceRow {
    EmergenceRow {
        model: model.into(),
        checkpoint: Some(step),
        layer: None,
        threshold,
        n_neurons: 10,
        n_universal,
        share: n_universal as f64 / 10.0,
        ..EmergenceRow::default()
    }
}

fn ablation(model: &str, set: &str, multiple: Option<u32>, n_neurons: u64, delta: f64) -> AblationRow {
    AblationRow {
        model: model.into(),
        checkpoint: Some(2),
        threshold: Some(0.3),
        set: set.into(),
        layer: None,
        mode: "zero".into(),
        multiple,
        draw: multiple.map(|_| 0),
        n_neurons,
        loss_nats_clean: 1.0,
        loss_nats: 1.0 + delta,
        delta_loss_nats: delta,
        efficiency_nats: None,
        ..AblationRow::default()
    }
}

#[test]
fn means_shares_and_damages_are_those_of_the_rows() {
    let neurons = [
        neuron("a", 1, [Some(0.9), Some(0.8), Some(0.1)]),
        neuron("b", 1, [Some(0.7), Some(0.4), Some(0.3)]),
        // A constant neuron has no correlation and drops out.
        neuron("b", 1, [None; 3]),
    ];
    let emergence =
        [emergence("a", 2, 0.3, 2), emergence("b", 2, 0.3, 4), emergence("a", 2, 0.5, 9), emergence("a", 1, 0.3, 0)];
    let persistence =
        [("a", 2, 1, 0.4), ("b", 6, 3, 2.4)].map(|(model, n_from, n_both, expected_by_chance)| PersistenceRow {
            model: model.into(),
            from_checkpoint: Some(1),
            to_checkpoint: Some(2),
            is_consecutive: true,
            is_from_first: true,
            layer: None,
            threshold: 0.3,
            n_from,
            n_to: 9,
            n_both,
            persistence: None,
            jaccard: None,
            expected_by_chance,
            ..PersistenceRow::default()
        });
    let mut other_mode = ablation("a", "universal", None, 2, 100.0);
    other_mode.mode = "mean".into();
    let rows = [
        ablation("a", "universal", None, 2, 0.5),
        ablation("a", "random", Some(1), 2, 0.1),
        ablation("a", "random", Some(1), 2, 0.3),
        ablation("a", "random", Some(5), 10, 7.0),
        // A model without universal neurons says nothing about them.
        ablation("b", "universal", None, 0, 0.0),
        other_mode,
    ];
    let course = Course::of(&config(), &[], &neurons, &emergence, &persistence, &rows);
    let [first, second] = &course.checkpoints[..] else { panic!("two checkpoints") };
    let means = [first.max_corr, first.baseline, first.excess_corr].map(|mean| mean.expect("two neurons"));
    assert_close(&means, &[0.8, 0.6, 0.2], Tol { abs: 1e-12, rel: 0.0 });
    assert_eq!((first.persistence, first.damage_nats, first.loss_nats), (None, None, None));
    assert_eq!((second.n_universal, second.share), (6, Some((0.2, 0.4))));
    let (share, by_chance) = second.persistence.expect("eight before");
    assert_close(&[share, by_chance], &[0.5, 0.35], Tol { abs: 1e-12, rel: 0.0 });
    let [universal, random, same_layers] = second.damage_nats.expect("a set");
    assert_close(&[universal.expect("a"), random.expect("two draws")], &[0.5, 0.2], Tol { abs: 1e-12, rel: 0.0 });
    assert_eq!(same_layers, None);

    let table = course.to_markdown();
    assert!(table.contains("| 1 | - | 0.800 | 0.600 | 0.200 | 0.0-0.0 % | - | - | - | - | - |"), "{table}");
    assert!(table.contains("| 2 | - | - | - | - | 20.0-40.0 % | 50.0 % | 35.0 % | 0.5000 | 0.2000 | - |"), "{table}");
}
