#![expect(clippy::unwrap_used, reason = "tests")]

use homolog_test::reference_gpt2;
use homolog_test::{Seeded, Tol, assert_close};

use super::*;
use crate::test_layer::TestLayer;
use crate::{Chunk, CrossCovariance, MomentsAccumulator, Precision};

fn pearson(a: &[f64], b: &[f64]) -> f64 {
    reference_gpt2::pearson(a, b).unwrap()
}

/// Best on one half, measured on the other, from the correlations of both.
fn twin(corrs: [&[f64]; 2]) -> f64 {
    let best = |corrs: &[f64]| (0..corrs.len()).max_by(|&i, &j| corrs[i].total_cmp(&corrs[j])).unwrap();
    f64::midpoint(corrs[1][best(corrs[0])], corrs[0][best(corrs[1])])
}

#[test]
fn a_match_is_chosen_on_one_half_and_measured_on_the_other() {
    let corrs = [[0.1, 0.9, 0.3], [0.2, 0.4, 0.5]];
    let mut fit = CrossFit::NONE;
    (0..3).for_each(|j| fit.push([corrs[0][j], corrs[1][j]], j as u32));
    assert_eq!(fit.estimate(), Some(f64::midpoint(0.4, 0.3)));
    assert_eq!(fit.estimate(), Some(twin([&corrs[0], &corrs[1]])));
    assert_eq!(fit.is_same_match(), Some(false));
    // Mutants: the plain maximum, and one measured where it was chosen.
    assert!(fit.estimate() != Some(0.9) && fit.estimate() != Some(f64::midpoint(0.9, 0.5)));
    // What is undefined on one half cannot be measured.
    fit.push([0.99, f64::NAN], 3);
    fit.push([f64::NAN, 0.99], 3);
    assert_eq!(fit.estimate(), Some(f64::midpoint(0.4, 0.3)));
    assert_eq!((CrossFit::NONE.estimate(), CrossFit::NONE.is_same_match()), (None, None));
    // The order in which neurons come does not matter, nor do ties.
    let mut backwards = CrossFit::NONE;
    (0..3).rev().for_each(|j| backwards.push([corrs[0][j], corrs[1][j]], j as u32));
    assert_eq!(backwards, fit);
    backwards.push([0.9, 0.5], 0);
    assert_eq!(backwards.chosen.map(|best| best.neuron), [0, 0]);
}

/// Two layers, their tokens in two halves by chunks of 100: by the estimator, and by correlations of whole columns.
#[test]
fn halves_of_two_layers_agree_with_their_columns() {
    let (n_a, n_b) = (70, 90);
    let a = TestLayer::new(1, 2, (1200, n_a), 3.0).with_constant(4, 0.5);
    let b = TestLayer::new(1, 3, (1200, n_b), 0.0);
    let mut moments = [MomentsAccumulator::new(n_a), MomentsAccumulator::new(n_b)];
    let mut halves = [CrossCovariance::new(n_a, n_b), CrossCovariance::new(n_a, n_b)];
    for at in 0..12 {
        let chunks: Vec<Chunk> = [&a, &b]
            .iter()
            .zip(&mut moments)
            .map(|(layer, moments)| {
                let mut chunk = Chunk::new(layer.n, Precision::F32);
                chunk.grow(100).copy_from_slice(&layer.values[at * 100 * layer.n..(at + 1) * 100 * layer.n]);
                chunk.pack_with_moments(moments, at % 2);
                chunk
            })
            .collect();
        halves[at % 2].add(&chunks[0], &chunks[1]);
    }
    let (mut of_a, mut of_b) = (vec![CrossFit::NONE; n_a], vec![CrossFit::NONE; n_b]);
    let [marginals_a, marginals_b] = moments.each_ref().map(MomentsAccumulator::marginals_of_halves);
    let [first, second] = &halves;
    let n_tokens = moments[0].n_tokens_of_halves();
    CrossCovariance::cross_fit(
        [first, second],
        n_tokens,
        [&marginals_a, &marginals_b],
        (1000, &mut of_a),
        (2000, &mut of_b),
    );
    let column = |layer: &TestLayer, j: usize, half: usize| -> Vec<f64> {
        layer.column(j).chunks(100).skip(half).step_by(2).flatten().copied().collect()
    };
    let corr = |i: usize, j: usize, half: usize| pearson(&column(&a, i, half), &column(&b, j, half));
    for (i, fit) in of_a.iter().enumerate() {
        if i == 4 {
            assert_eq!(fit.estimate(), None, "constant");
            continue;
        }
        let corrs = [0, 1].map(|half| (0..n_b).map(|j| corr(i, j, half)).collect::<Vec<_>>());
        assert_close(&[fit.estimate().unwrap()], &[twin([&corrs[0], &corrs[1]])], Tol::abs(4e-6));
        assert!(fit.chosen.iter().all(|best| (2000..2090).contains(&best.neuron)));
    }
    for (j, fit) in of_b.iter().enumerate() {
        let corrs = [0, 1].map(|half| (0..n_a).filter(|&i| i != 4).map(|i| corr(i, j, half)).collect::<Vec<_>>());
        assert_close(&[fit.estimate().unwrap()], &[twin([&corrs[0], &corrs[1]])], Tol::abs(4e-6));
        assert!(fit.chosen.iter().all(|best| (1000..1070).contains(&best.neuron)));
    }
    let whole = {
        let mut whole = halves;
        let [first, second] = &mut whole;
        first.merge(second);
        let [first, _] = whole;
        first.into_correlation(1200, &moments[0].marginals(), &moments[1].marginals())
    };
    assert_close(&[whole.values()[5 * n_b + 7]], &[pearson(&a.column(5), &b.column(7))], Tol::abs(2e-6));
}

/// One neuron and 200 rivals, the first twenty with the same true correlation: whichever is chosen, the truth is known. The maximum
/// is too large, the cross-fitted one is not.
#[test]
fn the_bias_of_a_maximum_is_gone() {
    for (true_corr, n_replicates) in [(0.0, 400), (0.6, 400)] {
        let (n_tokens, n_rivals) = (120, 200);
        let (mut maxima, mut cross_fitted) = (Vec::new(), Vec::new());
        for replicate in 0..n_replicates {
            let mut seeded = Seeded::new(1000 + replicate);
            let neuron: Vec<f64> = (0..n_tokens).map(|_| seeded.gaussian()).collect();
            let mut fit = CrossFit::NONE;
            let mut maximum = f64::NEG_INFINITY;
            for j in 0..n_rivals {
                let corr: f64 = if j < 20 { true_corr } else { 0.0 };
                let rival: Vec<f64> =
                    neuron.iter().map(|x| corr * x + (1.0 - corr * corr).sqrt() * seeded.gaussian()).collect();
                let (x, y) = (neuron.split_at(n_tokens / 2), rival.split_at(n_tokens / 2));
                fit.push([pearson(x.0, y.0), pearson(x.1, y.1)], j);
                maximum = maximum.max(pearson(&neuron, &rival));
            }
            maxima.push(maximum);
            cross_fitted.push(fit.estimate().unwrap());
        }
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let se = |values: &[f64]| {
            let of = mean(values);
            (values.iter().map(|value| (value - of).powi(2)).sum::<f64>()).sqrt() / values.len() as f64
        };
        let (plain, crossed) = (mean(&maxima), mean(&cross_fitted));
        assert!(plain > true_corr + 5.0 * se(&maxima), "maximum {plain} of a truth of {true_corr}");
        assert!(
            (crossed - true_corr).abs() < 3.0 * se(&cross_fitted),
            "cross-fitted {crossed} of a truth of {true_corr}"
        );
    }
}
