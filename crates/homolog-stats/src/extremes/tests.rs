use homolog_test::Seeded;
use proptest::prelude::*;

use super::*;

/// Sort everything: defined pairs by correlation descending, then by neuron ascending.
fn sorted(pairs: &[(f64, u32)]) -> Vec<(f64, u32)> {
    let mut defined: Vec<(f64, u32)> = pairs.iter().copied().filter(|pair| !pair.0.is_nan()).collect();
    defined.sort_by(|x, y| y.0.total_cmp(&x.0).then(x.1.cmp(&y.1)));
    defined
}

fn pushed(pairs: &[(f64, u32)], top_k: usize) -> Extremes {
    let mut extremes = Extremes::new(top_k);
    for &(corr, neuron) in pairs {
        extremes.push(corr, neuron);
    }
    extremes
}

fn bins(pairs: &[(f64, u32)]) -> Vec<(usize, u32)> {
    let extremes = pushed(pairs, 2);
    extremes.histogram().iter().copied().enumerate().filter(|&(_, count)| count > 0).collect()
}

#[test]
fn nothing_pushed_is_nothing_kept() {
    let extremes = Extremes::new(5);
    assert_eq!((extremes.best(), extremes.lowest(), extremes.n_undefined()), (&[][..], None, 0));
    assert_eq!(extremes.histogram().iter().sum::<u32>(), 0);
}

#[test]
fn undefined_pairs_are_counted_and_never_kept() {
    let extremes = pushed(&[(f64::NAN, 0), (-0.5, 1), (f64::NAN, 2), (-f64::NAN, 3)], 5);
    assert_eq!((extremes.best(), extremes.lowest()), (&[(-0.5, 1)][..], Some((-0.5, 1))));
    assert_eq!((extremes.n_undefined(), extremes.histogram().iter().sum::<u32>()), (3, 1));
    assert_eq!(pushed(&[(f64::NAN, 0)], 1).lowest(), None);
}

#[test]
fn top_1_still_has_a_runner_up() {
    let pairs = [(0.1, 0), (0.3, 1), (0.2, 2)];
    assert_eq!(pushed(&pairs, 1).best(), [(0.3, 1), (0.2, 2)]);
    assert_eq!(pushed(&pairs, 0).best(), [(0.3, 1), (0.2, 2)]);
    assert_eq!(pushed(&pairs, 3).best().len(), 3);
    assert_eq!(pushed(&pairs, 16).best().len(), 3, "no more than there are");
}

#[test]
fn the_ends_of_the_range_fall_into_the_end_bins() {
    assert_eq!(bins(&[(-1.0, 0), (-1.0 - 1e-7, 1), (-0.96, 2)]), [(0, 3)]);
    assert_eq!(bins(&[(1.0, 0), (1.0 + 1e-7, 1), (0.96, 2)]), [(39, 3)]);
    assert_eq!(bins(&[(-1e-9, 0), (0.0, 1), (-0.0, 2), (0.049, 3)]), [(19, 1), (20, 3)], "closed below");
    assert_eq!(bins(&[(-0.94, 0), (0.94, 1)]), [(1, 1), (38, 1)]);
}

#[test]
fn the_largest_and_the_smallest_stay_apart_when_signs_differ() {
    // A maximum by absolute value would take the first.
    let extremes = pushed(&[(-0.9, 0), (0.5, 1), (0.2, 2)], 2);
    assert_eq!((extremes.best(), extremes.lowest()), (&[(0.5, 1), (0.2, 2)][..], Some((-0.9, 0))));
}

proptest! {
    #[test]
    fn agrees_with_sorting_everything_in_any_order(
        levels in prop::collection::vec(prop::option::weighted(0.9, -10_i8..=10), 0..200),
        top_k in 1_usize..20,
        rng_seed: u64,
    ) {
        // Few levels, so that there are ties; none is an undefined pair.
        let corr = |level: &Option<i8>| level.map_or(f64::NAN, |level| f64::from(level) / 10.0);
        let pairs: Vec<(f64, u32)> = levels.iter().map(corr).zip(0..).collect();
        let shuffled: Vec<(f64, u32)> =
            Seeded::new(rng_seed).permutation(pairs.len()).into_iter().map(|at| pairs[at]).collect();
        let extremes = pushed(&shuffled, top_k);
        prop_assert!(extremes == pushed(&pairs, top_k), "order matters");
        let all = sorted(&pairs);
        prop_assert_eq!(extremes.best(), &all[..all.len().min(top_k.max(2))]);
        let least = all.last().map(|pair| pair.0);
        prop_assert_eq!(extremes.lowest(), all.iter().copied().find(|pair| Some(pair.0) == least));
        prop_assert_eq!(extremes.histogram().iter().sum::<u32>() as usize, all.len());
        prop_assert_eq!(extremes.n_undefined() as usize, pairs.len() - all.len());
    }
}

#[test]
fn going_on_from_what_was_kept_changes_nothing() {
    let mut seeded = Seeded::new(8);
    let pairs: Vec<(f64, u32)> = (0..200)
        .map(|j| (if seeded.below(9) == 0 { f64::NAN } else { seeded.below(101) as f64 / 50.0 - 1.0 }, j))
        .collect();
    for split in [0, 1, 2, 100, 200] {
        let first = pushed(&pairs[..split], 4);
        let mut resumed = Extremes::restore(4, first.best(), first.lowest(), *first.histogram(), first.n_undefined());
        pairs[split..].iter().for_each(|&(corr, neuron)| resumed.push(corr, neuron));
        assert_eq!(resumed, pushed(&pairs, 4), "split at {split}");
    }
}
