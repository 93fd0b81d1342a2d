use homolog_test::{Seeded, Tol, assert_close_f32, check_close};

use super::*;

const TOL: Tol = Tol { abs: 2e-6, rel: 3e-7 };

fn reference(x: &[f32], w_u: &[f32], targets: &[u32], d_model: usize) -> Vec<f64> {
    let d_vocab = w_u.len() / d_model;
    let position = |(t, &target): (usize, &u32)| {
        let logit = |v: usize| -> f64 {
            (0..d_model).map(|i| f64::from(x[t * d_model + i]) * f64::from(w_u[i * d_vocab + v])).sum()
        };
        let logits: Vec<f64> = (0..d_vocab).map(logit).collect();
        let max = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        max + logits.iter().map(|l| (l - max).exp()).sum::<f64>().ln() - logits[target as usize]
    };
    targets.iter().enumerate().map(position).collect()
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
    for (n_pos, d_model, d_vocab, sd) in
        [(1, 1, 1, 1.0), (3, 4, 2, 1.0), (193, 8, 1025, 1.0), (65, 16, 2049, 0.3), (7, 64, 63, 1.0)]
    {
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
