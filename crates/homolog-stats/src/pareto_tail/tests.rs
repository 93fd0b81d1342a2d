#![expect(clippy::unwrap_used, reason = "tests")]

use homolog_test::{Seeded, Tol, assert_close};

use super::*;

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_unstable_by(f64::total_cmp);
    values
}

/// Quantiles of 1 - u to the power of -`shape`, or of an exponential, at n places.
fn quantiles(n: usize, shape: f64) -> Vec<f64> {
    let quantile = |at: usize| {
        let survival = 1.0 - (at as f64 + 0.5) / n as f64;
        if shape == 0.0 { -survival.ln() } else { (survival.powf(-shape) - 1.0) / shape }
    };
    (0..n).map(quantile).collect()
}

#[test]
fn survival_is_scipy_s() {
    // scipy 1.17.1, stats.genpareto.sf(x, shape, scale=0.7).
    for (shape, x, want) in [
        (0.0, 3.0, 0.013_763_786_733_050_402),
        (0.2, 3.0, 0.045_266_137_524_811_935),
        (0.2, 50.0, 1.198_315_871_858_203_7e-6),
        (1e-14, 3.0, 0.013_763_786_733_051_673),
    ] {
        let tail = ParetoTail { threshold: 1.5, scale: 0.7, shape, share: 1.0 };
        assert_close(&[tail.survival(1.5 + x)], &[want], Tol { abs: 0.0, rel: 1e-12 });
        let tail = ParetoTail { share: 0.05, ..tail };
        assert_close(&[tail.survival(1.5 + x), tail.survival(0.3)], &[0.05 * want, 0.05], Tol { abs: 0.0, rel: 1e-12 });
    }
}

#[test]
fn the_tail_of_a_known_distribution_is_found() {
    for shape in [0.0, 0.1, 0.3] {
        let tail = ParetoTail::fit(&quantiles(5000, shape)).unwrap();
        // Beyond a threshold the scale grows with the shape; 250 quantiles in place of a distribution cost some of its end.
        let scale = 1.0 + shape * tail.threshold;
        assert_close(&[tail.shape, tail.scale / scale], &[shape, 1.0], Tol::abs(0.03));
        assert_close(&[tail.share], &[251.0 / 5001.0], Tol::abs(1e-15));
    }
}

#[test]
fn a_bounded_tail_is_taken_for_an_exponential_one() {
    // Uniform: shape -1.
    let tail = ParetoTail::fit(&(0..2000).map(|at| f64::from(at) / 2000.0).collect::<Vec<_>>()).unwrap();
    assert_eq!(tail.shape, 0.0);
    assert_close(&[tail.threshold, tail.scale], &[0.9495, 0.025_25], Tol::abs(1e-12));
    assert!(tail.survival(1.2) > 0.0, "nothing is impossible");
}

#[test]
fn too_little_to_fit_is_not_fitted() {
    assert_eq!(ParetoTail::fit(&quantiles(999, 0.0)), None);
    assert!(ParetoTail::fit(&quantiles(1000, 0.0)).is_some());
    assert_eq!(ParetoTail::fit(&[]), None);
    assert_eq!(ParetoTail::fit(&[0.5; 1500]), None);
    let mut with_nan = quantiles(1000, 0.0);
    with_nan[999] = f64::NAN;
    assert_eq!(ParetoTail::fit(&with_nan), None);
}

#[test]
fn chances_a_hundred_times_beyond_the_sample_are_right_to_a_factor() {
    // Of samples of 5,000 exponential values, the fitted chance of a value that one in 500,000 exceeds.
    let mut seeded = Seeded::new(1);
    let mut log_ratio = || {
        let sample = sorted((0..5000).map(|_| -(1.0 - seeded.uniform()).ln()).collect());
        (ParetoTail::fit(&sample).unwrap().survival(500_000_f64.ln()) * 500_000.0).log10()
    };
    let ratios = sorted((0..200).map(|_| log_ratio()).collect());
    // No negative shape: never far too small; a shape that chance made positive: now and then ten times too large.
    assert!(
        ratios[10] > -0.6 && ratios[100].abs() < 0.4 && ratios[190] < 1.3,
        "{:?}",
        [ratios[10], ratios[100], ratios[190]]
    );
}
