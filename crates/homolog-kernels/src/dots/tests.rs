use homolog_test::{Seeded, Tol, assert_close, check_close};

use super::*;

/// The obvious loop.
fn reference(a: &[f32], b: &[f32], n_tokens: usize, pairs: &[(u32, u32)]) -> Vec<f64> {
    let column = |values: &[f32], i: u32| values[i as usize * n_tokens..][..n_tokens].to_vec();
    let dot = |&(i, j): &(u32, u32)| {
        column(a, i).iter().zip(column(b, j)).map(|(&x, y)| f64::from(x) * f64::from(y)).sum::<f64>()
    };
    pairs.iter().map(dot).collect()
}

fn all_pairs(n_a: u32, n_b: u32) -> Vec<(u32, u32)> {
    (0..n_a).flat_map(|i| (0..n_b).map(move |j| (i, j))).collect()
}

#[test]
fn agrees_with_float64() {
    let mut seeded = Seeded::new(61);
    for n_tokens in [0, 1, 15, 17, 511, 512, 513, 2048] {
        let (a, b) = (seeded.gaussians_f32(3 * n_tokens, 1.0), seeded.gaussians_f32(5 * n_tokens, 1.0));
        let pairs = all_pairs(3, 5);
        let mut sums = vec![0.0; pairs.len()];
        add_dots(&a, &b, n_tokens, 0..n_tokens, &pairs, &mut sums);
        // |a||b| is about n_tokens.
        let tol = Tol::abs(1e-6 * n_tokens as f64);
        assert_close(&sums, &reference(&a, &b, n_tokens, &pairs), tol);
    }
}

#[test]
fn sums_are_added_to_and_no_pair_depends_on_another() {
    let mut seeded = Seeded::new(62);
    let n_tokens = 700;
    let (a, b) = (seeded.gaussians_f32(4 * n_tokens, 1.0), seeded.gaussians_f32(4 * n_tokens, 1.0));
    let pairs = all_pairs(4, 4);
    let mut sums = vec![0.0; pairs.len()];
    add_dots(&a, &b, n_tokens, 0..n_tokens, &pairs, &mut sums);
    for (pair, sum) in pairs.iter().zip(&sums) {
        let mut alone = [0.0];
        add_dots(&a, &b, n_tokens, 0..n_tokens, &[*pair], &mut alone);
        assert_eq!(alone[0].to_bits(), sum.to_bits());
    }
    let once = sums.clone();
    add_dots(&a, &b, n_tokens, 0..n_tokens, &pairs, &mut sums);
    assert_close(&sums, &once.iter().map(|sum| 2.0 * sum).collect::<Vec<_>>(), Tol::abs(0.0));
    let shifted: Vec<(u32, u32)> = pairs.iter().map(|&(i, j)| (i, (j + 1) % 4)).collect();
    let want = reference(&a, &b, n_tokens, &shifted);
    assert!(check_close(&once, &want, Tol::abs(1e-6 * n_tokens as f64)).is_err(), "another neuron would be seen");
}

#[test]
fn nan_and_infinity_are_carried() {
    let (mut a, b) = (vec![1.0_f32; 40], vec![1.0_f32; 20]);
    a[3] = f32::NAN;
    a[27] = f32::INFINITY;
    let mut sums = [0.0; 2];
    add_dots(&a, &b, 20, 0..20, &[(0, 0), (1, 0)], &mut sums);
    assert!(sums[0].is_nan() && sums[1] == f64::INFINITY);
}

#[test]
fn some_tokens_are_those_tokens_alone() {
    let mut seeded = Seeded::new(63);
    let n_tokens = 900;
    let (a, b) = (seeded.gaussians_f32(2 * n_tokens, 1.0), seeded.gaussians_f32(2 * n_tokens, 1.0));
    let pairs = all_pairs(2, 2);
    let some = |values: &[f32]| [&values[100..800], &values[n_tokens + 100..n_tokens + 800]].concat();
    let mut sums = vec![0.0; pairs.len()];
    add_dots(&a, &b, n_tokens, 100..800, &pairs, &mut sums);
    let mut want = vec![0.0; pairs.len()];
    add_dots(&some(&a), &some(&b), 700, 0..700, &pairs, &mut want);
    assert_close(&sums, &want, Tol::abs(0.0));
    let other = reference(&a, &b, n_tokens, &pairs);
    assert!(check_close(&sums, &other, Tol::abs(1e-6 * n_tokens as f64)).is_err(), "all tokens would be seen");
}
