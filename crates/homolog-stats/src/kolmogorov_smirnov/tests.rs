#![expect(clippy::unwrap_used, reason = "tests")]

use homolog_test::{Seeded, Tol, assert_close};
use proptest::prelude::*;

use super::*;

#[test]
fn agrees_with_scipy() {
    // scipy 1.17.1: stats.ks_2samp(a, b).statistic, special.kolmogorov(sqrt(m) statistic).
    let a: Vec<f64> = (0..30).map(|i| f64::from(i * 37 % 101) / 101.0).collect();
    let b: Vec<f64> = (0..45).map(|i| (f64::from(i * 53 % 97) / 97.0).powi(2)).collect();
    let tol = Tol::abs(1e-12);
    let got = KolmogorovSmirnov::new(&a, &b).unwrap();
    assert_close(&[got.statistic, got.p], &[0.288_888_888_888_888_86, 0.099_120_495_119_194_16], tol);
    // With ties, within a sample and between them.
    let c: Vec<f64> = (0..30).map(|i| f64::from(i * 37 % 10) / 10.0).collect();
    let d: Vec<f64> = (0..25).map(|i| (f64::from(i * 7 % 10) / 1.2).round() / 10.0).collect();
    let got = KolmogorovSmirnov::new(&c, &d).unwrap();
    assert_close(&[got.statistic, got.p], &[0.12, 0.989_431_762_350_304_4], tol);
    let itself = KolmogorovSmirnov::new(&a, &a).unwrap();
    assert_eq!((itself.statistic, itself.p), (0.0, 1.0));
    let want = [
        (0.1, 1.0),
        (0.2, 0.999_999_999_999_495),
        (0.25, 0.999_999_973_176_189_9),
        (0.5, 0.963_945_243_664_875_1),
        (0.8, 0.544_142_411_574_198_1),
        (1.0, 0.269_999_671_677_354_56),
        (1.36, 0.049_485_876_755_377_876),
        (3.0, 3.045_995_948_942_526e-8),
    ];
    for (x, p) in want {
        assert_close(&[limit(x)], &[p], Tol::abs(1e-12));
    }
}

#[test]
fn nothing_to_compare_has_no_distance() {
    assert_eq!(KolmogorovSmirnov::new(&[], &[1.0]), None);
    assert_eq!(KolmogorovSmirnov::new(&[1.0], &[]), None);
    assert_eq!(KolmogorovSmirnov::new(&[1.0, f64::NAN], &[1.0]), None);
    assert_eq!(KolmogorovSmirnov::new(&[1.0], &[2.0]).unwrap().statistic, 1.0);
}

#[test]
fn p_is_uniform_between_samples_of_one_distribution_and_small_between_others() {
    let mut seeded = Seeded::new(1);
    let mut share_below = |level: f64, shift: f64| {
        let mut is_below = || {
            let [a, b] = [0.0, shift].map(|shift| (0..200).map(|_| seeded.gaussian() + shift).collect::<Vec<_>>());
            KolmogorovSmirnov::new(&a, &b).unwrap().p <= level
        };
        (0..1000).filter(|_| is_below()).count() as f64 / 1000.0
    };
    // Five standard errors, and the limit's error at samples of 200.
    assert!((share_below(0.5, 0.0) - 0.5).abs() < 0.08 + 0.04);
    assert!((share_below(0.05, 0.0) - 0.05).abs() < 0.034 + 0.01);
    assert!(share_below(0.05, 0.5) > 0.95);
}

proptest! {
    #[test]
    fn is_the_largest_distance_of_the_shares_below_any_value(
        a in prop::collection::vec(0_u8..12, 1..30), b in prop::collection::vec(0_u8..12, 1..30),
    ) {
        let [a, b] = [a, b].map(|sample| sample.into_iter().map(f64::from).collect::<Vec<_>>());
        let share = |sample: &[f64], x: f64| sample.iter().filter(|&&y| y <= x).count() as f64 / sample.len() as f64;
        let want = (0..12).map(|x| (share(&a, f64::from(x)) - share(&b, f64::from(x))).abs()).fold(0.0, f64::max);
        let (got, back) = (KolmogorovSmirnov::new(&a, &b).unwrap(), KolmogorovSmirnov::new(&b, &a).unwrap());
        prop_assert_eq!(got.statistic, want);
        prop_assert_eq!(got, back);
    }
}
