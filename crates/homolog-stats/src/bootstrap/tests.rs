#![expect(clippy::unwrap_used, reason = "tests")]

use homolog_test::{Seeded, Tol, assert_close, check_close};
use proptest::prelude::*;

use super::*;

/// Normal distribution functions of two libraries: 1e-10 was seen.
const TOL: Tol = Tol { abs: 0.0, rel: 1e-9 };

/// Sample, and 39 means of resamples that `scipy.stats.bootstrap(rng=default_rng(1))` of scipy 1.17.1 drew.
const SAMPLE: [f64; 10] = [0.3, -0.1, 2.2, 0.7, 0.05, 5.1, -0.4, 0.9, 1.3, 0.2];
const SCIPY_MEANS: [f64; 39] = [
    1.085, 1.24, 1.215, 1.05, 0.5, 1.26, 0.815, 0.98, 1.465, 2.26, 0.99, 0.81, 0.765, 0.685, 1.47, 0.435, 1.09, 0.535,
    1.37, 0.775, 0.915, 1.3, 0.72, 0.655, 1.72, 1.095, 1.0, 1.43, 2.045, 1.38, 0.58, 0.55, 1.17, 0.91, 0.51, 1.495,
    1.17, 1.005, 0.685,
];

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn means_without(values: &[f64]) -> Vec<f64> {
    let sum: f64 = values.iter().sum();
    values.iter().map(|x| (sum - x) / (values.len() - 1) as f64).collect()
}

#[test]
fn agrees_with_scipy() {
    // scipy 1.17.1: bootstrap((sample,), np.mean, method="BCa", n_resamples=0, bootstrap_result=...) for the same replicates.
    let of_scipy = [
        (0.5, [0.772_463_475_234_283_3, 1.356_878_273_494_998_5]),
        (0.9, [0.538_362_388_533_730_1, 2.079_839_220_654_448_7]),
        (0.95, [0.511_366_620_230_153, 2.204_545_325_467_127]),
    ];
    let without = means_without(&SAMPLE);
    for (level, want) in of_scipy {
        let (low, high) = bca_interval(1.025, &SCIPY_MEANS, &without, level).unwrap();
        assert_close(&[low, high], &want, TOL);
        // Mutants: no acceleration, and another bias.
        let symmetric: Vec<f64> = (0..10).map(|i| 1.025 + f64::from(i) - 4.5).collect();
        let (low, high) = bca_interval(1.025, &SCIPY_MEANS, &symmetric, level).unwrap();
        assert!(check_close(&[low, high], &want, TOL).is_err());
        let (low, high) = bca_interval(1.1, &SCIPY_MEANS, &without, level).unwrap();
        assert!(check_close(&[low, high], &want, TOL).is_err());
    }
    // np.percentile of the same.
    for (level, want) in [(0.5, [0.7425, 1.28]), (0.9, [0.509, 1.7525]), (0.95, [0.496_75, 2.055_75])] {
        let (low, high) = percentile_interval(&SCIPY_MEANS, level).unwrap();
        assert_close(&[low, high], &want, TOL);
    }
}

#[test]
fn ties_count_half_as_scipy_counts_them() {
    // All 256 resamples of four values, 24 of which have the mean of the four; scipy 1.17.1 as above.
    let sample = [1.0, 2.0, 4.0, 16.0];
    let replicate = |at: usize| (0..4).map(|place| sample[at >> (2 * place) & 3]).sum::<f64>() / 4.0;
    let replicates: Vec<f64> = (0..256).map(replicate).collect();
    let interval = |estimate: f64, level| {
        let (low, high) = bca_interval(estimate, &replicates, &means_without(&sample), level).unwrap();
        [low, high]
    };
    for (level, want) in [(0.5, [4.75, 9.0]), (0.8, [2.25, 10.508_656_659_955_982]), (0.95, [1.75, 13.0])] {
        assert_close(&interval(mean(&sample), level), &want, TOL);
    }
    // Mutant: ties counted as below, or above.
    assert!(check_close(&interval(5.75 + 1e-9, 0.8), &[2.25, 10.508_656_659_955_982], TOL).is_err());
}

#[test]
fn resamples_draw_every_unit_alike_and_as_many_as_there_are() {
    let resamples = Resamples::new(20, 5000, [1, 2, 3, 4]);
    assert_eq!((resamples.len(), resamples.n_units(), resamples.is_empty()), (5000, 20, false));
    let mut totals = [0_u32; 20];
    let mut squares = 0.0;
    for resample in 0..5000 {
        let counts = resamples.counts(resample);
        assert_eq!(counts.iter().sum::<u32>(), 20);
        totals.iter_mut().zip(counts).for_each(|(total, count)| *total += count);
        squares += counts.iter().map(|&count| f64::from(count).powi(2)).sum::<f64>();
    }
    // Five standard deviations of a binomial count of 100,000 at 1/20, and E c^2 = 2 - 1/20 of a single one.
    assert!(totals.iter().all(|&total| total.abs_diff(5000) < 345), "{totals:?}");
    assert!((squares / 100_000.0 - 1.95).abs() < 0.04, "{squares}");
}

#[test]
fn keys_decide_and_more_resamples_begin_with_the_fewer() {
    let few = Resamples::new(7, 3, [1, 0, 0, 0]);
    let more = Resamples::new(7, 5, [1, 0, 0, 0]);
    assert_eq!(few, Resamples::new(7, 3, [1, 0, 0, 0]));
    (0..3).for_each(|resample| assert_eq!(few.counts(resample), more.counts(resample)));
    for key in [[2, 0, 0, 0], [1, 1, 0, 0], [1, 0, 1, 0], [1, 0, 0, 1]] {
        assert_ne!(Resamples::new(7, 3, key), few);
    }
    assert!(Resamples::new(0, 3, [0; 4]).counts(2).is_empty());
    assert!(Resamples::new(3, 0, [0; 4]).is_empty());
    assert!(Resamples::new(0, 2, [0; 4]).means(&[]).iter().all(|x| x.is_nan()));
}

#[test]
fn means_are_weighted_by_the_counts_and_those_of_equal_values_equal() {
    let resamples = Resamples::new(10, 50, [3; 4]);
    let means = resamples.means(&SAMPLE);
    let slow = |resample: usize| {
        let counts = resamples.counts(resample);
        let drawn = SAMPLE.iter().zip(counts).flat_map(|(&x, &count)| std::iter::repeat_n(x, count as usize));
        mean(&drawn.collect::<Vec<_>>())
    };
    let want: Vec<f64> = (0..50).map(slow).collect();
    assert_close(&means, &want, Tol::abs(1e-13));
    let shifted: Vec<f64> = (1..51).map(|resample| want[resample % 50]).collect();
    assert!(check_close(&means, &shifted, Tol::abs(1e-13)).is_err(), "means of other resamples");
    assert!(resamples.means(&[0.1; 10]).iter().all(|&x| x == 0.1));
    assert_eq!(mean_bca(&[0.1; 10], &resamples, 0.95), Some((0.1, 0.1)));
}

#[test]
fn the_interval_of_a_mean_is_that_of_its_parts() {
    let resamples = Resamples::new(10, 500, [9; 4]);
    let got = mean_bca(&SAMPLE, &resamples, 0.95).unwrap();
    let want = bca_interval(mean(&SAMPLE), &resamples.means(&SAMPLE), &means_without(&SAMPLE), 0.95).unwrap();
    assert_close(&[got.0, got.1], &[want.0, want.1], Tol::abs(1e-12));
    assert!(got.0 < mean(&SAMPLE) && mean(&SAMPLE) < got.1);
    // Longer towards the tail of the sample.
    assert!(got.1 - mean(&SAMPLE) > 1.2 * (mean(&SAMPLE) - got.0), "{got:?}");
}

#[test]
fn what_has_no_interval_has_none() {
    let (replicates, without) = ([0.0, 1.0, 2.0, 3.0], [1.0, 1.5, 2.0]);
    assert!(bca_interval(1.5, &replicates, &without, 0.9).is_some());
    // The acceleration is a sixth at most.
    let one_decides: Vec<f64> = (0..200).map(|unit| if unit == 7 { -1.0 } else { 1.0 }).collect();
    for (name, estimate, replicates, without) in [
        ("one unit", 1.5, &replicates[..], &without[..1]),
        ("no replicate", 1.5, &[], &without),
        ("NaN estimate", f64::NAN, &replicates, &without),
        ("infinite replicate", 1.5, &[0.0, f64::INFINITY], &without),
        ("undefined without a unit", 1.5, &replicates, &[1.0, f64::NAN]),
        ("all above", -1.0, &replicates, &without),
        ("all below", 4.0, &replicates, &without),
        ("no unit matters", 1.5, &replicates, &[1.5, 1.5]),
        ("no stretch", 2.9, &replicates, &one_decides),
    ] {
        let got = bca_interval(estimate, replicates, without, 0.999_999_999_9);
        assert_eq!(got, None, "{name}");
    }
    assert_eq!(bca_interval(2.0, &[3.0; 5], &without, 0.9), Some((2.0, 2.0)));
    assert_eq!(mean_bca(&[1.0], &Resamples::new(1, 10, [0; 4]), 0.9), None);
    assert_eq!(mean_bca(&[], &Resamples::new(0, 10, [0; 4]), 0.9), None);
    assert_eq!(mean_bca(&[1.0, f64::NAN], &Resamples::new(2, 10, [0; 4]), 0.9), None);
}

#[test]
fn replicates_that_never_arrive_give_infinite_ends() {
    let never = f64::INFINITY;
    assert_eq!(percentile_interval(&[3.0, 1.0, 2.0, 4.0, never], 0.5), Some((2.0, 4.0)));
    assert_eq!(percentile_interval(&[3.0, 1.0, 2.0, 4.0, never], 0.51), Some((1.98, never)));
    assert_eq!(percentile_interval(&[never; 3], 0.5), Some((never, never)));
    assert_eq!(percentile_interval(&[2.5], 0.5), Some((2.5, 2.5)));
    assert_eq!(percentile_interval(&[], 0.5), None);
    assert_eq!(percentile_interval(&[1.0, f64::NAN], 0.5), None);
    assert_eq!(percentile_interval(&[1.0, f64::NEG_INFINITY], 0.5), None);
}

#[test]
#[should_panic(expected = "between 0 and 1")]
fn a_level_in_percent_is_refused() {
    percentile_interval(&[1.0], 95.0);
}

#[test]
#[should_panic(expected = "a value a unit")]
fn values_of_other_units_are_refused() {
    mean_bca(&[1.0, 2.0], &Resamples::new(3, 10, [0; 4]), 0.95);
}

/// An exponential value, of mean 1.
fn exponential(seeded: &mut Seeded) -> f64 {
    -(1.0 - seeded.uniform()).ln()
}

/// A log-normal value of mean 1: its skewness is 6.2, and seldom seen.
fn log_normal(seeded: &mut Seeded) -> f64 {
    (seeded.gaussian() - 0.5).exp()
}

/// Share of intervals that cover the mean, 1, of n values, and of those that lie below it and above it.
fn coverage(value: fn(&mut Seeded) -> f64, n_replicates: u64, n: usize, n_resamples: usize, level: f64) -> [f64; 3] {
    let resamples = Resamples::new(n, n_resamples, [11; 4]);
    let mut counts = [0.0; 3];
    for at in 0..n_replicates {
        let mut seeded = Seeded::new(500 + at);
        let values: Vec<f64> = (0..n).map(|_| value(&mut seeded)).collect();
        let (low, high) = mean_bca(&values, &resamples, level).unwrap();
        counts[if high < 1.0 { 1 } else { usize::from(low > 1.0) * 2 }] += 1.0;
    }
    counts.map(|count| count / n_replicates as f64)
}

#[test]
fn intervals_of_skewed_rows_cover_their_mean() {
    // 400 replicates: three binomial standard errors of sqrt(0.95 * 0.05 / 400) = 0.011.
    let [covered, ..] = coverage(exponential, 400, 80, 1000, 0.95);
    assert!((covered - 0.95).abs() < 0.033, "{covered}");
    // Mutant: intervals of another level.
    assert!((coverage(exponential, 400, 80, 1000, 0.85)[0] - 0.95).abs() > 0.033);
}

#[test]
#[ignore = "slow tier: cargo xtask slow"]
#[expect(clippy::print_stdout, reason = "docs/method.md quotes it")]
fn intervals_of_skewed_rows_cover_at_every_size() {
    // 4,000 replicates: four binomial standard errors of 0.0034, about what docs/method.md says.
    for (n, wants) in [(20, [0.92, 0.88]), (80, [0.94, 0.92]), (320, [0.95, 0.93])] {
        for ((name, value), want) in
            [("exponential", exponential as fn(&mut Seeded) -> f64), ("log-normal", log_normal)].into_iter().zip(wants)
        {
            let [covered, below, above] = coverage(value, 4000, n, 2000, 0.95);
            println!("{n} {name} rows: {covered} covered, {below} below, {above} above");
            assert!((covered - want).abs() < 0.014, "{covered} of {n} {name}");
        }
    }
}

proptest! {
    #[test]
    fn scale_and_sign_do_what_they_should(rng_seed in any::<u64>(), n in 3_usize..40) {
        let mut seeded = Seeded::new(rng_seed);
        let values: Vec<f64> = (0..n).map(|_| seeded.gaussian().exp()).collect();
        let resamples = Resamples::new(n, 200, [rng_seed, 0, 0, 0]);
        let Some((low, high)) = mean_bca(&values, &resamples, 0.9) else { return Ok(()) };
        prop_assert!(low <= high);
        let of = |f: &dyn Fn(&f64) -> f64| mean_bca(&values.iter().map(f).collect::<Vec<_>>(), &resamples, 0.9).unwrap();
        let close = Tol { abs: 1e-9, rel: 1e-9 };
        let (scaled_low, scaled_high) = of(&|x| 4.0 * x - 8.0);
        prop_assert!(check_close(&[scaled_low, scaled_high], &[4.0 * low - 8.0, 4.0 * high - 8.0], close).is_ok());
        let (mirrored_low, mirrored_high) = of(&|x| -x);
        prop_assert!(check_close(&[mirrored_low, mirrored_high], &[-high, -low], close).is_ok());
    }
}
