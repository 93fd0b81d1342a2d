use homolog_test::reference_gpt2::pearson;
use homolog_test::{Tol, assert_close, check_close};

use super::*;
use crate::haar_rotation;
use crate::test_layer::TestLayer;

/// Correlations within 2e-6, of either sign, and one more f32 product. Measured: 2.4e-7 at mean/sd 0 and 30 alike.
const BASELINE: Tol = Tol::abs(2e-6);

const CHUNK: usize = 1000;

fn rotated(layer: &TestLayer, q: &[f64]) -> RotatedLayer {
    let sd: Vec<f64> = layer.moments(CHUNK).marginals().iter().map(|marginal| marginal.sd).collect();
    RotatedLayer::new(q, &sd, RotatedLayer::inverse_sd(q, &layer.covariance(CHUNK)), Precision::F32)
}

/// Rotate every activation of `other` in float64 and correlate directly; NaN where no correlation is defined.
fn twin(of: &TestLayer, other: &TestLayer, q: &[f64]) -> Vec<f64> {
    let n = other.n;
    let columns: Vec<Vec<f64>> = (0..n).map(|j| other.column(j)).collect();
    let column = |m: usize| {
        let mut column = vec![0.0; other.n_tokens()];
        for (q, other) in q[m * n..(m + 1) * n].iter().zip(&columns) {
            column.iter_mut().zip(other).for_each(|(sum, x)| *sum += q * x);
        }
        column
    };
    let rotated: Vec<Vec<f64>> = (0..n).map(column).collect();
    let maximum = |i| {
        let own = of.column(i);
        rotated.iter().filter_map(|rotated| pearson(&own, rotated)).reduce(f64::max).unwrap_or(f64::NAN)
    };
    (0..of.n).map(maximum).collect()
}

fn transposed(q: &[f64], n: usize) -> Vec<f64> {
    (0..n * n).map(|at| q[at % n * n + at / n]).collect()
}

#[test]
fn agrees_with_rotated_activations() {
    // One neuron more than a block; one; fewer than a tile.
    for (n_a, n_b, mean_over_sd) in [(97, 70, 0.0), (97, 70, 30.0), (1, 65, 3.0), (65, 1, 3.0), (7, 5, 3.0)] {
        let a = TestLayer::new(1, 2, (2000, n_a), mean_over_sd);
        let b = TestLayer::new(1, 3, (2000, n_b), mean_over_sd);
        let correlation = a.correlation(&b, CHUNK);

        let q = haar_rotation(n_b, 5);
        let mut maxima = vec![f64::NAN; n_a];
        baseline_maxima(&correlation, false, &rotated(&b, &q), &mut maxima);
        assert_close(&maxima, &twin(&a, &b, &q), BASELINE);

        let q = haar_rotation(n_a, 6);
        let mut maxima = vec![f64::NAN; n_b];
        baseline_maxima(&correlation, true, &rotated(&a, &q), &mut maxima);
        assert_close(&maxima, &twin(&b, &a, &q), BASELINE);
    }
}

#[test]
fn a_transposed_rotation_and_unrotated_spreads_would_be_seen() {
    let (a, b) = (TestLayer::new(1, 2, (2000, 20), 0.0), TestLayer::new(1, 3, (2000, 20), 0.0));
    let (correlation, q) = (a.correlation(&b, CHUNK), haar_rotation(20, 5));
    let want = twin(&a, &b, &q);
    let maxima = |is_transposed, rotated: &RotatedLayer| {
        let mut maxima = vec![f64::NAN; 20];
        baseline_maxima(&correlation, is_transposed, rotated, &mut maxima);
        maxima
    };
    let is_close = |got: Vec<f64>| check_close(&got, &want, BASELINE).is_ok();
    assert!(is_close(maxima(false, &rotated(&b, &q))));
    assert!(!is_close(maxima(false, &rotated(&b, &transposed(&q, 20)))), "Q transposed");
    assert!(!is_close(maxima(true, &rotated(&b, &q))), "sides swapped");
    let sd: Vec<f64> = b.moments(CHUNK).marginals().iter().map(|marginal| marginal.sd).collect();
    let unrotated = sd.iter().map(|sd| (1.0 / sd) as f32).collect();
    assert!(
        !is_close(maxima(false, &RotatedLayer::new(&q, &sd, unrotated, Precision::F32))),
        "deviations of the neurons themselves"
    );
    let unscaled =
        RotatedLayer::new(&q, &[1.0; 20], RotatedLayer::inverse_sd(&q, &b.covariance(CHUNK)), Precision::F32);
    assert!(!is_close(maxima(false, &unscaled)), "weights without the deviations");
}

#[test]
fn the_identity_gives_the_plain_maximum() {
    let (a, b) = (TestLayer::new(1, 2, (500, 9), 3.0), TestLayer::new(1, 3, (500, 11), 3.0));
    let identity: Vec<f64> = (0..121).map(|at| f64::from(u8::from(at % 12 == 0))).collect();
    let correlation = a.correlation(&b, CHUNK);
    let mut maxima = vec![f64::NAN; 9];
    baseline_maxima(&correlation, false, &rotated(&b, &identity), &mut maxima);
    let want = correlation.values().chunks_exact(11).map(|row| row.iter().copied().fold(-1.0, f64::max));
    assert_close(&maxima, &want.collect::<Vec<_>>(), BASELINE);
}

#[test]
fn the_maximum_runs_over_layers() {
    let a = TestLayer::new(1, 2, (500, 9), 3.0);
    let layers = [TestLayer::new(1, 3, (500, 11), 3.0), TestLayer::new(1, 4, (500, 11), 3.0)];
    let q = [haar_rotation(11, 5), haar_rotation(11, 6)];
    let run = |order: [usize; 2]| {
        let mut maxima = vec![f64::NAN; 9];
        for layer in order {
            let correlation = a.correlation(&layers[layer], CHUNK);
            baseline_maxima(&correlation, false, &rotated(&layers[layer], &q[layer]), &mut maxima);
        }
        maxima
    };
    let of_layers = [twin(&a, &layers[0], &q[0]), twin(&a, &layers[1], &q[1])];
    let want: Vec<f64> = of_layers[0].iter().zip(&of_layers[1]).map(|(x, y)| x.max(*y)).collect();
    assert_close(&run([0, 1]), &want, BASELINE);
    assert_close(&run([1, 0]), &run([0, 1]), Tol::EXACT);
    assert!(of_layers.iter().all(|layer| check_close(layer, &want, BASELINE).is_err()), "each layer wins somewhere");
}

#[test]
fn a_constant_neuron_takes_no_part_and_has_no_baseline() {
    let a = TestLayer::new(1, 2, (500, 9), 3.0).with_constant(4, 0.1);
    let b = TestLayer::new(1, 3, (500, 11), 3.0).with_constant(0, -1.7).with_constant(7, 0.0);
    let correlation = a.correlation(&b, CHUNK);
    for (is_transposed, of, other) in [(false, &a, &b), (true, &b, &a)] {
        let q = haar_rotation(other.n, 5);
        let mut maxima = vec![f64::NAN; of.n];
        baseline_maxima(&correlation, is_transposed, &rotated(other, &q), &mut maxima);
        let want = twin(of, other, &q);
        for (got, want) in maxima.iter().zip(&want) {
            assert_eq!(got.is_nan(), want.is_nan(), "{got} {want}");
        }
        let defined = |values: &[f64]| values.iter().copied().filter(|value| !value.is_nan()).collect::<Vec<_>>();
        assert_eq!(defined(&want).len(), of.n - if is_transposed { 2 } else { 1 });
        assert_close(&defined(&maxima), &defined(&want), BASELINE);
    }
}

#[test]
fn a_wholly_constant_layer_leaves_the_maxima_as_they_are() {
    let a = TestLayer::new(1, 2, (500, 3), 3.0);
    let b = TestLayer::new(1, 3, (500, 5), 3.0).map(|_| 0.1);
    let correlation = a.correlation(&b, CHUNK);
    let mut maxima = vec![f64::NAN, -0.5, 0.5];
    baseline_maxima(&correlation, false, &rotated(&b, &haar_rotation(5, 5)), &mut maxima);
    assert!(maxima[0].is_nan());
    assert_close(&maxima[1..], &[-0.5, 0.5], Tol::EXACT);
    let mut maxima = vec![f64::NAN; 5];
    baseline_maxima(&correlation, true, &rotated(&a, &haar_rotation(3, 5)), &mut maxima);
    assert!(maxima.iter().all(|maximum| maximum.is_nan()), "no constant neuron has a baseline");
}

#[test]
fn thread_counts_change_no_bit() {
    let (a, b) = (TestLayer::new(1, 2, (500, 200), 3.0), TestLayer::new(1, 3, (500, 70), 3.0));
    let (correlation, rotated) = (a.correlation(&b, CHUNK), rotated(&b, &haar_rotation(70, 5)));
    let run = |n_threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().expect("a pool");
        let mut maxima = vec![f64::NAN; 200];
        pool.install(|| baseline_maxima(&correlation, false, &rotated, &mut maxima));
        maxima.into_iter().map(f64::to_bits).collect::<Vec<_>>()
    };
    assert_eq!(run(1), run(3));
}
