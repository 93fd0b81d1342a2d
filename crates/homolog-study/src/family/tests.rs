use std::collections::BTreeMap;

use homolog_test::{Seeded, Tol, assert_close};

use super::*;

const LEVEL: f64 = 0.95;

/// A family of models none of whose steps is known, resampled so often.
fn family(n_models: usize, n_resamples: usize) -> Family {
    let drawn = Resamples::new(n_models, SPARE * n_resamples, [1, 2, 3, 4]);
    let is_family = |counts: &&[u32]| counts.iter().filter(|&&count| count > 0).count() > 1;
    let models = (0..drawn.len()).map(|resample| drawn.counts(resample)).filter(is_family).take(n_resamples);
    let models: Vec<Vec<u32>> = models.map(<[u32]>::to_vec).collect();
    Family { threshold: 0.5, level: LEVEL, n_models, models, seed: 0, last: Vec::new(), steps: Vec::new() }
}

const QUANTITY: Quantity = Quantity { claim: "emerge", name: "share", from_checkpoint: None, checkpoint: None };

#[test]
fn a_mean_is_over_the_models_that_have_a_value_and_without_each() {
    let family = family(4, 300);
    let values = [Some(0.1), None, Some(0.3), Some(0.8)];
    let found = family.mean(|model, _| values[model]);
    assert_eq!(found.n_models, 3);
    let two = family.mean(|model, _| values[model].filter(|_| model != 3));
    let of_two = family.row(QUANTITY, two, Scale::Plain);
    assert_eq!((of_two.n_models, of_two.low), (2, None), "two of four say nothing of others");
    let row = family.row(QUANTITY, found, Scale::Plain);
    assert_close(&[row.estimate.unwrap_or(f64::NAN)], &[0.4], Tol::abs(1e-12));
    let ends = [row.without_one_low, row.without_one_high].map(|end| end.unwrap_or(f64::NAN));
    assert_close(&ends, &[0.2, 0.55], Tol::abs(1e-12));
    // t with two degrees of freedom is 4.3, the standard error of the three values 0.21.
    assert!(row.low < Some(-0.3) && row.low > Some(-0.9) && row.high > Some(1.1) && row.high < Some(1.7), "{row:?}");
}

#[test]
fn two_models_are_always_both_in_a_resample_and_not_left_out() {
    let family = family(2, 50);
    assert!(family.models.iter().all(|counts| counts == &[1, 1]));
    let row = family.row(QUANTITY, family.mean(|model, _| Some(model as f64)), Scale::Plain);
    assert_eq!((row.low, row.high, row.without_one_low), (Some(0.5), Some(0.5), None));
}

#[test]
fn what_is_undefined_in_most_resamples_has_no_interval() {
    let family = family(3, 200);
    let found = family.mean(|_, which| (which == Which::Plain || which == Which::Resample(3)).then_some(1.0));
    let row = family.row(QUANTITY, found, Scale::Plain);
    assert_eq!((row.estimate, row.low, row.without_one_low), (Some(1.0), None, None));
}

#[test]
fn packed_sets_come_back() {
    for n in [1, 63, 64, 65, 200] {
        let set: Vec<bool> = (0..n).map(|neuron| neuron * neuron % 7 < 3).collect();
        let members = Members::fixed(&set, 2, 3);
        let packed = Members::fixed(&set, 2, 3).pack();
        let counts = Counts::of(&members, Some(&packed), n);
        let overlap = counts.overlap(Which::Resample(1)).map(|overlap| (overlap.n_from, overlap.n_both));
        let n_members = set.iter().filter(|&&is_member| is_member).count() as u64;
        assert_eq!(overlap, Some((n_members, n_members)), "{n}");
    }
}

/// How often the interval of a mean over models covers the mean of the population that models are drawn from.
fn coverage(n_models: usize, n_worlds: usize) -> f64 {
    let family = family(n_models, 400);
    let mut seeded = Seeded::new(n_models as u64);
    let mut n_covered = 0;
    for _ in 0..n_worlds {
        let values = seeded.gaussians_f32(n_models, 1.0);
        let found = family.mean(|model, _| Some(f64::from(values[model])));
        let row = family.row(QUANTITY, found, Scale::Plain);
        n_covered += usize::from(row.low < Some(0.0) && row.high > Some(0.0));
    }
    n_covered as f64 / n_worlds as f64
}

/// Plain percentile intervals of three models would cover in 0.62 of the worlds, of five in 0.82 (measured so, before these were widened).
#[test]
#[expect(clippy::print_stdout, reason = "the figures that the docs quote")]
fn intervals_over_few_models_cover_what_they_say() {
    let found: BTreeMap<usize, f64> = [3, 5, 10, 20].into_iter().map(|n| (n, coverage(n, 1000))).collect();
    println!("share of 95 % intervals that cover, by models: {found:?}");
    for covered in found.values() {
        // Three times the binomial error of 1,000 worlds.
        assert!((covered - LEVEL).abs() < 0.021, "{found:?}");
    }
}

#[test]
fn an_interval_of_a_ratio_is_symmetric_in_its_logarithm_and_open_where_it_has_no_bound() {
    let family = family(5, 400);
    let ratios = [1.0, 2.0, 3.0, 4.0, 5.0];
    let row = family.row(QUANTITY, family.mean(|model, _| Some(ratios[model])), Scale::Log);
    let [low, high] = [row.low, row.high].map(|end| end.unwrap_or(f64::NAN));
    assert_close(&[low * high], &[9.0], Tol { abs: 0.0, rel: 1e-9 });
    assert!(low > 1.0 && low < 2.5, "{row:?}");
    let unbounded = |model: usize, which: Which| match which {
        Which::Resample(resample) if resample.is_multiple_of(20) => Some(f64::INFINITY),
        _ => Some(ratios[model]),
    };
    let row = family.row(QUANTITY, family.mean(unbounded), Scale::Log);
    assert_eq!((row.estimate, row.low, row.high), (Some(3.0), None, None));
}
