use homolog_test::{Seeded, Tol, assert_close, assert_close_f32, central_differences, check_close, widened};

use super::*;

const TOL: Tol = Tol { abs: 2e-6, rel: 3e-7 };

/// (n_pos, d_model, d_vocab, sd of W_U) around the edges of the blocks of positions and of the vocabulary.
const SHAPES: [(usize, usize, usize, f64); 6] =
    [(0, 4, 7, 1.0), (1, 1, 1, 1.0), (3, 4, 2, 1.0), (193, 8, 1025, 1.0), (65, 16, 2049, 0.3), (7, 64, 63, 1.0)];

fn reference(x: &[f32], w_u: &[f32], targets: &[u32], d_model: usize) -> Vec<f64> {
    reference::loss(&reference::logits(&widened(x), &widened(w_u), d_model), targets)
}

fn case(n_pos: usize, d_model: usize, d_vocab: usize, sd: f64) -> (Vec<f32>, Vec<f32>, Vec<u32>) {
    let mut seeded = Seeded::new((n_pos + d_vocab) as u64);
    let x = seeded.gaussians_f32(n_pos * d_model, 1.0);
    let w_u = seeded.gaussians_f32(d_model * d_vocab, sd);
    let targets = (0..n_pos).map(|_| seeded.below(d_vocab) as u32).collect();
    (x, w_u, targets)
}

#[test]
fn agrees_with_float64() {
    for (n_pos, d_model, d_vocab, sd) in SHAPES {
        let (x, w_u, targets) = case(n_pos, d_model, d_vocab, sd);
        let mut loss = vec![0.0; n_pos];
        cross_entropy(&x, &Packed::from_rows(&w_u, d_vocab, d_model, d_vocab), &targets, &mut loss);
        assert_close_f32(&loss, &reference(&x, &w_u, &targets, d_model), TOL);
    }
}

#[test]
fn labels_shifted_by_one_would_be_seen() {
    let (x, w_u, mut targets) = case(9, 8, 50, 1.0);
    let want = reference(&x, &w_u, &targets, 8);
    targets.rotate_left(1);
    assert!(check_close(&reference(&x, &w_u, &targets, 8), &want, TOL).is_err());
}

#[test]
fn a_nan_logit_is_not_hidden() {
    let (mut x, w_u, targets) = case(4, 8, 1500, 1.0);
    x[8] = f32::NAN;
    let mut loss = vec![0.0; 4];
    cross_entropy(&x, &Packed::from_rows(&w_u, 1500, 8, 1500), &targets, &mut loss);
    assert!(loss[1].is_nan() && !loss[0].is_nan());
}

/// Probabilities: the error of a logit, up to 1e-6 where logits reach 30, is their relative error.
const BACKWARD_TOL: Tol = Tol { abs: 1e-7, rel: 5e-6 };

#[test]
fn backward_agrees_with_float64() {
    for (n_pos, d_model, d_vocab, sd) in SHAPES {
        let (x, w_u, targets) = case(n_pos, d_model, d_vocab, sd);
        let scale = 0.7;
        let (mut loss, mut d_logits) = (vec![f32::NAN; n_pos], vec![f32::NAN; n_pos * d_vocab]);
        let packed = Packed::from_rows(&w_u, d_vocab, d_model, d_vocab);
        cross_entropy_backward(&x, &packed, &targets, scale, &mut loss, &mut d_logits);
        let logits = reference::logits(&widened(&x), &widened(&w_u), d_model);
        assert_close_f32(&loss, &reference::loss(&logits, &targets), TOL);
        assert_close_f32(&d_logits, &reference::backward(&logits, &targets, f64::from(scale)), BACKWARD_TOL);
    }
}

#[test]
fn the_backward_twin_agrees_with_differences() {
    let (x, w_u, targets) = case(3, 4, 9, 1.0);
    let logits = reference::logits(&widened(&x), &widened(&w_u), 4);
    let want = central_differences(&logits, |logits| 0.7 * reference::loss(logits, &targets).iter().sum::<f64>());
    assert_close(&reference::backward(&logits, &targets, 0.7), &want, Tol::abs(1e-9));
}

#[test]
fn mutants_of_the_gradient_would_be_seen() {
    let (x, w_u, mut targets) = case(9, 8, 50, 1.0);
    let logits = reference::logits(&widened(&x), &widened(&w_u), 8);
    let want = reference::backward(&logits, &targets, 0.7);
    let is_seen = |mutant: &[f64]| check_close(mutant, &want, BACKWARD_TOL).is_err();
    assert!(is_seen(&reference::backward(&logits, &targets, 0.7 * 1.01)), "another scale");
    targets.rotate_left(1);
    assert!(is_seen(&reference::backward(&logits, &targets, 0.7)), "labels shifted by one");
}

#[test]
fn a_nan_logit_is_not_hidden_backward() {
    let (mut x, w_u, targets) = case(4, 8, 1500, 1.0);
    x[8] = f32::NAN;
    let (mut loss, mut d_logits) = (vec![0.0; 4], vec![0.0; 4 * 1500]);
    cross_entropy_backward(&x, &Packed::from_rows(&w_u, 1500, 8, 1500), &targets, 1.0, &mut loss, &mut d_logits);
    assert!(loss[1].is_nan() && d_logits[1500..3000].iter().all(|d| d.is_nan()));
    assert!(loss[0].is_finite() && d_logits[..1500].iter().all(|d| d.is_finite()));
}

#[test]
fn the_gradient_of_a_position_has_the_same_bits_alone_and_among_others() {
    let (x, w_u, targets) = case(20, 8, 300, 1.0);
    let packed = Packed::from_rows(&w_u, 300, 8, 300);
    let run = |positions: std::ops::Range<usize>| {
        let (mut loss, mut d_logits) = (vec![0.0; positions.len()], vec![0.0; positions.len() * 300]);
        let x = &x[positions.start * 8..positions.end * 8];
        cross_entropy_backward(x, &packed, &targets[positions], 1.0, &mut loss, &mut d_logits);
        (loss, d_logits)
    };
    let ((all, all_d), (one, one_d)) = (run(0..20), run(13..14));
    assert_eq!((&one[..], &one_d[..]), (&all[13..14], &all_d[13 * 300..14 * 300]));
}
