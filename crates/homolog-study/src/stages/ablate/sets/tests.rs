use std::collections::BTreeSet;
use std::path::Path;

use homolog_model::Config;
use homolog_test::tiny_gpt2::{Gpt2Shape, Layout};

use super::*;
use crate::StudyConfig;

const D_MLP: usize = 40;

fn study(ablation: &str) -> StudyConfig {
    let text = format!(
        "[study]\nname = \"x\"\n[corpus]\ntoken_file = \"t.u16\"\ncontext = 8\n[[model]]\nname = \"a\"\npath = \"a\"\n\
         [[model]]\nname = \"b\"\npath = \"b\"\n[ablation]\n{ablation}"
    );
    StudyConfig::parse(&text, Path::new("study.toml"), &[]).expect("a sound study")
}

/// Two layers of 40 neurons.
fn model() -> Config {
    let (folder, shape) = (tempfile::tempdir().expect("a folder"), Gpt2Shape::tiny());
    shape.write(folder.path(), &shape.random(1, 0.1), &Layout::PLAIN);
    Config::read(folder.path(), &BTreeSet::new()).expect("a GPT-2")
}

/// Covariates in which every neuron differs from every other.
fn covariates() -> NeuronCovariates {
    let value = |neuron: usize| (neuron as f64 * 1.7).sin();
    let stratum = (0..2 * D_MLP).map(|neuron| neuron / D_MLP).collect();
    let values = vec![(0..2 * D_MLP).map(value).collect()];
    NeuronCovariates { covariates: homolog_stats::Covariates { values, stratum } }
}

/// Six universal neurons in layer 0, three in layer 1.
fn universal() -> Vec<usize> {
    vec![0, 3, 4, 17, 38, 39, 40, 55, 79]
}

/// What `look` sees of the sets of a model and step.
fn with_sets<T>(ablation: &str, (model_idx, step): (usize, Option<i64>), look: impl FnOnce(&Sets<'_>) -> T) -> T {
    let (study, universal) = (study(ablation), universal());
    let reference = Reference { name: "universal", threshold: Some(0.5), neurons: &universal, model_idx, step };
    look(&Sets::new(&study.ablation, &model(), reference, &covariates()))
}

fn drawn(sets: &Sets<'_>, kind: RandomKind, multiple: u32) -> Vec<BTreeSet<usize>> {
    sets.random(kind, multiple).into_iter().map(|(_, neurons)| neurons.into_iter().collect()).collect()
}

#[test]
fn random_sets_are_nested_disjoint_from_the_universal_one_and_of_the_size_asked_for() {
    with_sets("draws = 4", (0, Some(7)), |sets| {
        let universal: BTreeSet<usize> = universal().into_iter().collect();
        for kind in RandomKind::ALL {
            let mut smaller = vec![BTreeSet::new(); 4];
            for multiple in 1..=5 {
                let larger = drawn(sets, kind, multiple);
                assert_eq!(larger.len(), 4);
                for (smaller, larger) in smaller.iter().zip(&larger) {
                    assert_eq!(larger.len(), 9 * multiple as usize, "{kind:?}");
                    assert!(smaller.is_subset(larger) && larger.is_disjoint(&universal), "{kind:?} x {multiple}");
                }
                if kind != RandomKind::Uniform {
                    let in_first = |set: &BTreeSet<usize>| set.range(..D_MLP).count();
                    assert!(larger.iter().all(|set| in_first(set) == 6 * multiple as usize));
                }
                smaller = larger;
            }
            assert_eq!(smaller.iter().collect::<BTreeSet<_>>().len(), 4, "draws differ");
        }
        // 80 - 9 = 71 neurons for 7 x 9, not for 8 x 9; 34 of layer 0 for 5 x 6, not for 6 x 6.
        let n = |kind, multiple| sets.random(kind, multiple).len();
        assert_eq!([n(RandomKind::Uniform, 7), n(RandomKind::Uniform, 8)], [4, 0]);
        assert_eq!([n(RandomKind::LayerMatched, 5), n(RandomKind::LayerMatched, 6)], [4, 0]);
        assert_eq!(n(RandomKind::Uniform, u32::MAX), 0, "no overflow");
    });
}

#[test]
fn another_seed_model_or_step_draws_other_sets_and_the_same_ones_the_same() {
    let first = |ablation: &str, of| with_sets(ablation, of, |sets| drawn(sets, RandomKind::Uniform, 1));
    let of = [
        first("draws = 1", (0, Some(7))),
        first("draws = 1\nseed = 1", (0, Some(7))),
        first("draws = 1", (1, Some(7))),
        first("draws = 1", (0, Some(8))),
        first("draws = 1", (0, None)),
    ];
    assert_eq!(of.iter().collect::<BTreeSet<_>>().len(), of.len());
    assert_eq!(first("draws = 1", (0, Some(7))), of[0]);
    assert_eq!(first("draws = 3", (0, Some(7)))[0], of[0][0], "more draws leave the first ones as they are");
    assert_eq!(first("draws = 1\nmultiples = [7]", (0, Some(7))), of[0], "and so do other multiples");
}

#[test]
fn sets_by_layer_are_the_layers_part_and_as_many_others() {
    with_sets("draws = 2\nmultiples = [1]", (0, None), |sets| {
        let configured = sets.configured();
        let of = |name: &str, layer| {
            let is_it = |(id, _): &&NamedSet| id.set == name && id.layer == layer;
            configured.iter().filter(is_it).map(|(_, neurons)| neurons.clone()).collect::<Vec<_>>()
        };
        assert_eq!(of("universal", None), [universal()]);
        assert_eq!(of("universal_layer", Some(0)), [[0, 3, 4, 17, 38, 39]]);
        assert_eq!(of("universal_layer", Some(1)), [[40, 55, 79]]);
        for (layer, n) in [(0, 6), (1, 3)] {
            let random = of("random_layer", Some(layer));
            assert_eq!(random.len(), 2);
            for set in random {
                assert!(set.is_sorted() && set.len() == n && set.iter().all(|flat| flat / D_MLP == layer), "{set:?}");
                assert!(set.iter().all(|flat| !universal().contains(flat)), "{set:?}");
            }
        }
        assert_eq!(configured.len(), 1 + 3 * 2 + 2 * (1 + 2));
    });
    with_sets("draws = 2\nmultiples = [1]\nper_layer = false", (0, None), |sets| {
        assert!(sets.configured().iter().all(|(id, _)| id.layer.is_none()));
    });
}

#[test]
fn what_there_are_not_enough_neurons_for_is_noted() {
    with_sets("multiples = [5, 6, 8]", (0, None), |sets| {
        let notes = sets.notes(&[AblationMode::Zero], "a, models");
        let lacking = [
            "`random` set of multiple 8",
            "`random_layer_matched` set of multiple 6",
            "`random_layer_matched` set of multiple 8",
            "`random_matched` set of multiple 6",
            "`random_matched` set of multiple 8",
        ];
        assert_eq!(notes.len(), lacking.len(), "{notes:?}");
        for (note, lacking) in notes.iter().zip(lacking) {
            assert!(note.contains(lacking) && note.contains("ablate a, models"), "{note}");
        }
    });
}
