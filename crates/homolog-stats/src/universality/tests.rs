use homolog_test::{Tol, assert_close};
use proptest::prelude::*;

use super::*;

/// Of pairs (`max_corr`, baseline); none is an undefined one.
fn of(pairs: &[Option<(f64, f64)>]) -> Universality {
    let score = |pair: &Option<(f64, f64)>| pair.map(|(max_corr, baseline)| PairScore { max_corr, baseline });
    Universality::of(&pairs.iter().map(score).collect::<Vec<_>>())
}

fn flat(universality: &Universality) -> Vec<f64> {
    let Universality { max_corr, mean_corr, min_corr, max_baseline, mean_baseline, min_baseline, excess_corr } =
        *universality;
    let values = [max_corr, mean_corr, min_corr, max_baseline, mean_baseline, min_baseline, excess_corr];
    values.into_iter().flatten().collect()
}

#[test]
fn scores_are_extremes_and_means_over_the_other_models() {
    let pairs = [Some((0.75, 0.25)), Some((0.5, 0.125)), Some((1.0, 0.375)), Some((0.25, 0.25))];
    // Eighths, so that every mean is exact.
    assert_close(&flat(&of(&pairs)), &[1.0, 0.625, 0.25, 0.375, 0.25, 0.125, 0.375], Tol::EXACT);
    assert_close(&flat(&of(&pairs[..1])), &[0.75, 0.75, 0.75, 0.25, 0.25, 0.25, 0.5], Tol::EXACT);
}

#[test]
fn an_undefined_pair_drops_out_and_does_not_count_as_zero() {
    let (first, second) = (Some((0.75, 0.25)), Some((0.5, 0.125)));
    assert_eq!(of(&[first, None, second]), of(&[first, second]));
    assert_ne!(of(&[first, None, second]), of(&[first, Some((0.0, 0.0)), second]));
}

#[test]
fn undefined_against_every_model_is_undefined_and_not_universal() {
    for pairs in [&[][..], &[None, None]] {
        let universality = of(pairs);
        assert_eq!(universality, Universality::default());
        assert!(flat(&universality).is_empty() && !universality.is_universal(-2.0));
    }
}

#[test]
fn the_threshold_is_strict() {
    let universality = of(&[Some((0.75, 0.25))]);
    assert!(!universality.is_universal(0.5));
    assert!(universality.is_universal(0.5_f64.next_down()));
    assert!(!of(&[Some((0.875, 0.75))]).is_universal(0.5), "a large correlation over a large baseline");
}

proptest! {
    #[test]
    fn means_lie_between_extremes_and_excess_is_their_difference(
        pairs in prop::collection::vec(prop::option::of((-1.0..1.0, -1.0..1.0)), 1..6),
    ) {
        let mut reversed = pairs.clone();
        reversed.reverse();
        let (got, again) = (flat(&of(&pairs)), flat(&of(&reversed)));
        // Sums of at most five f64 in another order.
        let tol = 1e-15;
        if let [max, mean, min, max_baseline, mean_baseline, min_baseline, excess] = got[..] {
            prop_assert!(min <= mean + tol && mean <= max + tol);
            prop_assert!(min_baseline <= mean_baseline + tol && mean_baseline <= max_baseline + tol);
            prop_assert!((excess - (mean - mean_baseline)).abs() <= tol);
            prop_assert!(got.iter().zip(again).all(|(x, y)| (x - y).abs() <= tol));
        } else {
            prop_assert!(pairs.iter().all(Option::is_none));
        }
    }
}
