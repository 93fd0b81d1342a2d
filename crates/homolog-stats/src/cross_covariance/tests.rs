use homolog_test::reference_gpt2::pearson;
use homolog_test::{Seeded, Tol, assert_close, check_close};
use proptest::prelude::*;

use super::*;
use crate::Precision;
use crate::test_layer::TestLayer;

/// What DESIGN section 5 promises of f32 products in chunks added in f64. Measured: 5.7e-7 on Gaussians at any mean/sd up to 30,
/// 7.6e-7 on heavy tails.
const CORRELATION: Tol = Tol::abs(2e-6);

const CHUNK: usize = 4096;

/// All pairs by the two-pass definition in float64; NaN where undefined.
fn twin(a: &TestLayer, b: &TestLayer) -> Vec<f64> {
    let of_b: Vec<Vec<f64>> = (0..b.n).map(|j| b.column(j)).collect();
    let row = |i| {
        let of_a = a.column(i);
        of_b.iter().map(move |of_b| pearson(&of_a, of_b).unwrap_or(f64::NAN)).collect::<Vec<_>>()
    };
    (0..a.n).flat_map(row).collect()
}

fn transposed(correlation: &Correlation) -> Vec<f64> {
    let n_a = correlation.values.len() / correlation.n_b;
    (0..correlation.values.len()).map(|at| correlation.values[at % n_a * correlation.n_b + at / n_a]).collect()
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn agrees_with_two_pass() {
    for mean_over_sd in [0.0, 3.0, 30.0] {
        for (n_tokens, n_a, n_b) in [(2, 3, 2), (63, 1, 1), (64, 65, 1), (65, 63, 64), (256, 64, 65), (9001, 33, 65)] {
            let a = TestLayer::new(1, 2, (n_tokens, n_a), mean_over_sd);
            let b = TestLayer::new(1, 3, (n_tokens, n_b), mean_over_sd);
            assert_close(a.correlation(&b, CHUNK).values(), &twin(&a, &b), CORRELATION);
        }
        // Heavy-tailed, as activations are after the nonlinearity.
        let a = TestLayer::new(1, 2, (5000, 33), mean_over_sd).map(|x| x.max(0.0).powi(3));
        let b = TestLayer::new(1, 3, (5000, 40), mean_over_sd).map(|x| x.max(0.0).powi(3));
        assert_close(a.correlation(&b, CHUNK).values(), &twin(&a, &b), CORRELATION);
    }
}

/// Rounded values have other covariances, while deviations are of values as they come: so a neuron's correlation with itself is off
/// too. Measured: 3.3e-6 and 4.5e-4, on layers with themselves.
#[test]
fn lower_precisions_agree_with_two_pass() {
    for (precision, tol, better) in
        [(Precision::Bf16x3, Tol::abs(1e-5), Tol::abs(1e-9)), (Precision::Bf16, Tol::abs(1e-3), Tol::abs(1e-5))]
    {
        for mean_over_sd in [0.0, 30.0] {
            let a = TestLayer::new(1, 2, (5000, 33), mean_over_sd);
            let b = TestLayer::new(1, 3, (5000, 40), mean_over_sd);
            let heavy = |layer: &TestLayer| layer.clone().map(|x| x.max(0.0).powi(3));
            for (a, b) in [(heavy(&a), heavy(&b)), (a.clone(), a), (b.clone(), b)] {
                let got = a.correlation_in(precision, &b, 2048);
                let want = twin(&a, &b);
                assert_close(got.values(), &want, tol);
                assert!(check_close(got.values(), &want, better).is_err(), "{precision} is as good as a better one");
            }
        }
    }
}

#[test]
fn tokens_out_of_step_swapped_columns_and_a_wrong_count_would_be_seen() {
    let (a, b) = (TestLayer::new(1, 2, (500, 8), 3.0), TestLayer::new(1, 3, (500, 8), 3.0));
    let want = twin(&a, &b);
    let shifted = TestLayer { n: 8, values: [&b.values[8..], &b.values[..8]].concat() };
    assert!(check_close(a.correlation(&shifted, CHUNK).values(), &want, CORRELATION).is_err());
    let mut swapped = a.correlation(&b, CHUNK);
    swapped.values.chunks_exact_mut(8).for_each(|row| row.swap(0, 1));
    assert!(check_close(swapped.values(), &want, CORRELATION).is_err());
    assert!(check_close(&transposed(&a.correlation(&b, CHUNK)), &want, CORRELATION).is_err());
    let over_n_minus_1: Vec<f64> = want.iter().map(|corr| corr * 500.0 / 499.0).collect();
    assert!(check_close(&over_n_minus_1, &want, CORRELATION).is_err());
}

#[test]
fn correlations_fill_their_range() {
    let (a, b) = (TestLayer::new(1, 2, (500, 40), 0.0), TestLayer::new(1, 3, (500, 40), 0.0));
    let correlation = a.correlation(&b, CHUNK);
    let extreme = |pick: fn(f64, f64) -> f64| correlation.values().iter().copied().fold(0.0, pick);
    assert!(extreme(f64::max) > 0.8 && extreme(f64::min) < -0.8, "the twin is tested over the whole of [-1, 1]");
}

#[test]
fn a_neuron_correlates_with_itself_by_1() {
    for mean_over_sd in [0.0, 3.0, 30.0] {
        let layer = TestLayer::new(1, 2, (5000, 65), mean_over_sd);
        let correlation = layer.correlation(&layer, CHUNK);
        let diagonal: Vec<f64> = (0..65).map(|i| correlation.values()[i * 65 + i]).collect();
        assert_close(&diagonal, &[1.0; 65], Tol::abs(1e-6));
    }
}

#[test]
fn swapping_the_sides_transposes_bit_for_bit() {
    let (a, b) = (TestLayer::new(1, 2, (1000, 33), 3.0), TestLayer::new(1, 3, (1000, 65), 3.0));
    assert_eq!(bits(&transposed(&a.correlation(&b, 400))), bits(b.correlation(&a, 400).values()));
}

#[test]
fn a_sign_flip_flips_the_sign_bit_for_bit() {
    let (a, b) = (TestLayer::new(1, 2, (1000, 33), 3.0), TestLayer::new(1, 3, (1000, 65), 3.0));
    let flipped: Vec<f64> = a.clone().map(|x| -x).correlation(&b, 400).values().iter().map(|corr| -corr).collect();
    assert_eq!(bits(&flipped), bits(a.correlation(&b, 400).values()));
}

#[test]
fn a_constant_neuron_is_undefined_and_nothing_else_is() {
    let a = TestLayer::new(1, 2, (300, 5), 3.0).with_constant(2, 0.1);
    let b = TestLayer::new(1, 3, (300, 7), 3.0).with_constant(0, 0.0).with_constant(6, -1.7);
    let correlation = a.correlation(&b, 100);
    let is_undefined: Vec<bool> = correlation.values().iter().map(|corr| corr.is_nan()).collect();
    let want: Vec<bool> = (0..5 * 7).map(|at| at / 7 == 2 || [0, 6].contains(&(at % 7))).collect();
    assert_eq!(is_undefined, want);
    let defined = |values: &[f64]| values.iter().copied().filter(|corr| !corr.is_nan()).collect::<Vec<_>>();
    assert_close(&defined(correlation.values()), &defined(&twin(&a, &b)), CORRELATION);
}

#[test]
fn covariance_is_correlation_times_both_deviations() {
    let layer = TestLayer::new(1, 2, (5000, 20), 3.0);
    let columns: Vec<Vec<f64>> = (0..20).map(|j| layer.column(j)).collect();
    let centred = |x: &[f64]| {
        let mean = x.iter().sum::<f64>() / 5000.0;
        x.iter().map(|x| x - mean).collect::<Vec<_>>()
    };
    let columns: Vec<Vec<f64>> = columns.iter().map(|column| centred(column)).collect();
    let cov = |at: usize| columns[at / 20].iter().zip(&columns[at % 20]).map(|(x, y)| x * y).sum::<f64>() / 5000.0;
    let want: Vec<f64> = (0..400).map(cov).collect();
    // Deviations are at most 0.7, so a correlation's tolerance is ample.
    assert_close(&layer.covariance(CHUNK), &want, CORRELATION);
}

/// Correlations of 130 neurons of a with 65 + 64 of b: three blocks of columns, the last of one; some undefined, some equal.
fn made_up() -> Correlation {
    let mut seeded = Seeded::new(4);
    let mut corr = || if seeded.below(9) == 0 { f64::NAN } else { seeded.below(101) as f64 / 50.0 - 1.0 };
    Correlation { n_b: 129, values: (0..130 * 129).map(|_| corr()).collect() }
}

/// Flat numbers of 130 neurons.
fn numbers(first: u32) -> Vec<u32> {
    (first..first + 130).collect()
}

#[test]
fn scans_show_each_neuron_its_own_correlations() {
    let correlation = made_up();
    let mut of_a = vec![Extremes::new(3); 130];
    correlation.scan_rows(1000, &mut of_a);
    let mut of_b = vec![Extremes::new(3); 129];
    correlation.scan_columns(&numbers(2000), &mut of_b);
    let mut want_a = vec![Extremes::new(3); 130];
    let mut want_b = vec![Extremes::new(3); 129];
    for (at, &corr) in correlation.values().iter().enumerate() {
        let (i, j) = (at / 129, at % 129);
        want_a[i].push(corr, 1000 + j as u32);
        want_b[j].push(corr, 2000 + i as u32);
    }
    assert!(of_a == want_a, "rows");
    assert!(of_b == want_b, "columns");
    // A scan of the transpose is another one.
    let transposed = Correlation { n_b: 130, values: transposed(&correlation) };
    let mut of_a = vec![Extremes::new(3); 129];
    transposed.scan_rows(2000, &mut of_a);
    assert!(of_a == want_b, "rows of the transpose");
    assert!(of_a[0] != want_a[0]);
}

#[test]
fn thread_counts_change_no_bit() {
    let (a, b) = (TestLayer::new(1, 2, (1000, 130), 3.0), TestLayer::new(1, 3, (1000, 129), 3.0));
    let run = |n_threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().expect("a pool");
        pool.install(|| {
            let correlation = a.correlation(&b, 400);
            let mut of_b = vec![Extremes::new(3); 129];
            correlation.scan_columns(&numbers(0), &mut of_b);
            (bits(correlation.values()), of_b)
        })
    };
    assert!(run(1) == run(3));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn positive_affine_maps_change_only_the_last_digits(scale in 0.01_f32..100.0, shift in -3.0_f32..3.0) {
        let (a, b) = (TestLayer::new(1, 2, (600, 9), 0.0), TestLayer::new(1, 3, (600, 17), 3.0));
        let mapped = a.clone().map(|x| scale * (x + shift));
        // The map itself rounds, up to 2e-6 of a deviation, but independently from token to token.
        let (got, want) = (mapped.correlation(&b, CHUNK), a.correlation(&b, CHUNK));
        prop_assert_eq!(check_close(got.values(), want.values(), CORRELATION), Ok(()));
    }

    #[test]
    fn the_order_of_tokens_and_the_chunks_change_only_the_last_digits(rng_seed: u64, chunk in 100_usize..700) {
        let (a, b) = (TestLayer::new(1, 2, (600, 9), 3.0), TestLayer::new(1, 3, (600, 17), 3.0));
        let order = Seeded::new(rng_seed).permutation(600);
        let permuted = |layer: &TestLayer| {
            let values = order.iter().flat_map(|&token| layer.values[token * layer.n..][..layer.n].to_vec()).collect();
            TestLayer { n: layer.n, values }
        };
        let (got, want) = (permuted(&a).correlation(&permuted(&b), chunk), a.correlation(&b, CHUNK));
        prop_assert_eq!(check_close(got.values(), want.values(), CORRELATION), Ok(()));
    }
}

#[test]
fn maxima_of_rows_and_columns_are_those_of_the_scans() {
    let correlation = made_up();
    let (mut of_a, mut of_b) = (vec![Extremes::new(3); 130], vec![Extremes::new(3); 129]);
    correlation.scan_rows(0, &mut of_a);
    correlation.scan_columns(&numbers(0), &mut of_b);
    let best = |of: &[Extremes]| of.iter().map(|extremes| extremes.best()[0].0).collect::<Vec<_>>();
    let (mut rows, mut columns) = (vec![f64::NAN; 130], vec![f64::NAN; 129]);
    correlation.raise_row_maxima(&mut rows);
    correlation.raise_column_maxima(&mut columns);
    assert_eq!((bits(&rows), bits(&columns)), (bits(&best(&of_a)), bits(&best(&of_b))));
    // A higher maximum of another layer stays, and what is undefined throughout stays undefined.
    let mut rows = vec![2.0, f64::NAN];
    Correlation { n_b: 2, values: vec![0.5, -0.5, f64::NAN, f64::NAN] }.raise_row_maxima(&mut rows);
    assert!(rows[0] == 2.0 && rows[1].is_nan());
}
