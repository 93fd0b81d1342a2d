//! The fixture family's study against float64 goldens, every number of them; and proof that each comparison can fail.

mod checks;
mod expected;
mod found;
mod precisions;

use expected::{Goldens, Mutation};
use found::Found;
use homolog_test::require_fixtures;

type Check = fn(&Found, &Goldens) -> Result<(), String>;

/// A test for each check: it holds, and with mutated goldens it does not.
macro_rules! checks {
    ($($check:ident: $mutations:expr,)+) => {
        $(#[test]
        fn $check() {
            let fixtures = require_fixtures!();
            holds_and_can_fail(Found::of(&fixtures), &fixtures, checks::$check, $mutations);
        })+
    };
}

/// Everything x 1.01; seed-a and seed-b exchanged; neurons 2k and 2k + 1 exchanged.
const EVERY: &[Mutation] = &[Mutation::Scale, Mutation::SwapModels, Mutation::SwapNeighbours];
/// For numbers that are not by neuron.
const SCALE_AND_SWAP_MODELS: &[Mutation] = &[Mutation::Scale, Mutation::SwapModels];

checks! {
    correlations_of_every_pair: EVERY,
    matched_neurons: EVERY,
    lowest_neurons: EVERY,
    baseline_of_every_pair: EVERY,
    sixteen_best: EVERY,
    excess_and_its_parts: EVERY,
    decisions: EVERY,
    moments: EVERY,
    histograms_of_known_rows: &[Mutation::Scale],
    losses_and_means: SCALE_AND_SWAP_MODELS,
    emergence: SCALE_AND_SWAP_MODELS,
    emergence_as_summarised: SCALE_AND_SWAP_MODELS,
    persistence_of_consecutive_checkpoints: SCALE_AND_SWAP_MODELS,
    persistence_of_all_pairs: SCALE_AND_SWAP_MODELS,
    stability: SCALE_AND_SWAP_MODELS,
    universal_sets: SCALE_AND_SWAP_MODELS,
    ablation_of_listed_sets: SCALE_AND_SWAP_MODELS,
    ablation_by_layer: SCALE_AND_SWAP_MODELS,
}

#[track_caller]
fn holds_and_can_fail(found: &Found, fixtures: &std::path::Path, check: Check, mutations: &[Mutation]) {
    check(found, &Goldens::open(fixtures, None)).unwrap_or_else(|complaint| panic!("{complaint}"));
    for &mutation in mutations {
        assert!(check(found, &Goldens::open(fixtures, Some(mutation))).is_err(), "{mutation:?} goes unnoticed");
    }
}

#[test]
fn histograms_count_every_neuron_once() {
    let fixtures = require_fixtures!();
    let found = Found::of(&fixtures);
    assert_eq!(found.histograms.names().len(), 30, "5 checkpoints x 6 ordered pairs");
    for name in found.histograms.names() {
        let (shape, counts) = found.histograms.u32(&name).unwrap();
        assert_eq!(shape, [2048, 40]);
        assert!(counts.chunks_exact(40).all(|row| row.iter().sum::<u32>() == 2048), "{name}");
    }
}

#[test]
fn every_row_is_there_once() {
    let fixtures = require_fixtures!();
    let found = Found::of(&fixtures);
    let (models, steps, thresholds, layers) = (3, 5, 7, 4 + 1);
    assert_eq!(found.models.len(), models * steps);
    assert_eq!(found.neurons.len(), models * steps);
    assert!(found.neurons.values().all(|rows| rows.len() == 2048));
    assert_eq!(found.matches.len(), models * (models - 1) * steps);
    assert!(found.matches.values().all(|rows| rows.len() == 2048));
    assert_eq!(found.emergence.len(), models * steps * thresholds * layers);
    assert_eq!(found.persistence.len(), models * (steps * (steps - 1) / 2) * thresholds * layers);
    assert_eq!(found.stability.len(), models * thresholds * layers * steps);
    for row in &found.models {
        // Read off the fixtures' README and summary: 160 rows of 128, 759 newlines and 165 <|endoftext|> not counted.
        assert_eq!((row.n_targets, row.n_tokens_counted, row.n_undefined), (160 * 127, 19_556, 0));
        assert_eq!(row.loss_tokens, "same");
    }
    assert_eq!(found.manifest.n_tokens_counted, 19_556);
    assert_eq!(found.manifest.n_undefined_pairs, 0);
    assert!(found.manifest.notes.iter().any(|note| note == homolog_results::notes::SAME_ROWS));
}

/// Where random neurons do less damage than as many universal ones, multiples go on by doubling until they do not, or the
/// neurons run out; and no further.
#[test]
fn multiples_double_until_the_damage_is_equal() {
    let fixtures = require_fixtures!();
    let found = Found::of(&fixtures);
    // At the other step ablated nobody is universal, as the study file there has another threshold.
    let rows: Vec<_> = found.ablation.iter().filter(|row| row.checkpoint == Some(1600)).cloned().collect();
    let n_doubled = crate::ablation::assert_multiples_go_on_as_they_should(&rows, (&[1], 512), &|row| {
        let universal = &found.neurons[&(row.model.clone(), row.checkpoint.unwrap())];
        (0..4).map(|layer| universal.iter().filter(|row| row.layer == layer && row.is_universal).count()).collect()
    });
    assert!(n_doubled > 0, "no multiple was doubled in this family, so nothing was shown");
}
