use homolog_test::{Seeded, Tol, assert_close, assert_close_f32, check_close, widened};

use super::*;
use crate::cross_entropy;

/// Where logits reach 30 they are off by 1e-6, and so is the divergence. Measured: 2.4e-7, and 3e-6 of itself.
const KL: Tol = Tol { abs: 3e-7, rel: 5e-6 };
const LOSS: Tol = Tol { abs: 2e-6, rel: 3e-7 };

/// (n_pos, d_model, d_vocab, sd of W_U) around the edges of the blocks of positions and of the vocabulary.
const SHAPES: [(usize, usize, usize, f64); 6] =
    [(0, 4, 7, 1.0), (1, 1, 1, 1.0), (3, 4, 2, 1.0), (193, 8, 1025, 1.0), (65, 16, 2049, 0.3), (7, 64, 63, 1.0)];

struct Case {
    clean: Vec<f32>,
    /// A little changed, much changed, not changed.
    changed: Vec<Vec<f32>>,
    w_u: Vec<f32>,
    targets: Vec<u32>,
    d_model: usize,
    d_vocab: usize,
}

fn case((n_pos, d_model, d_vocab, sd): (usize, usize, usize, f64)) -> Case {
    let mut seeded = Seeded::new((n_pos + d_vocab) as u64);
    let clean = seeded.gaussians_f32(n_pos * d_model, 1.0);
    let mut moved = |by: f64| {
        let noise = seeded.gaussians_f32(n_pos * d_model, by);
        clean.iter().zip(noise).map(|(x, noise)| x + noise).collect::<Vec<f32>>()
    };
    let changed = vec![moved(1e-3), moved(1.0), clean.clone()];
    let w_u = seeded.gaussians_f32(d_model * d_vocab, sd);
    let targets = (0..n_pos).map(|_| seeded.below(d_vocab) as u32).collect();
    Case { clean, changed, w_u, targets, d_model, d_vocab }
}

impl Case {
    fn run(&self) -> Vec<Vec<Prediction>> {
        let changed: Vec<&[f32]> = self.changed.iter().map(Vec::as_slice).collect();
        let packed = Packed::from_rows(&self.w_u, self.d_vocab, self.d_model, self.d_vocab);
        predictions(&self.clean, &changed, &packed, &self.targets)
    }

    /// [n_pos][d_vocab] in f64.
    fn logits(&self, x: &[f32]) -> Vec<Vec<f64>> {
        let (x, w_u) = (widened(x), widened(&self.w_u));
        let logit = |x: &[f64], v: usize| (0..self.d_model).map(|i| x[i] * w_u[i * self.d_vocab + v]).sum();
        x.chunks_exact(self.d_model).map(|x| (0..self.d_vocab).map(|v| logit(x, v)).collect()).collect()
    }

    fn reference(&self, x: &[f32]) -> Vec<(f64, f64, u32)> {
        let (clean, logits) = (self.logits(&self.clean), self.logits(x));
        let positions = clean.iter().zip(&logits).zip(&self.targets);
        positions.map(|((clean, logits), &target)| reference::prediction(clean, logits, target)).collect()
    }
}

#[test]
fn agrees_with_float64() {
    for shape in SHAPES {
        let case = case(shape);
        let found = case.run();
        assert_eq!(found.len(), 4);
        for (found, x) in found.iter().zip(std::iter::once(&case.clean).chain(&case.changed)) {
            let want = case.reference(x);
            let column = |of: fn(&Prediction) -> f32| found.iter().map(of).collect::<Vec<f32>>();
            assert_close_f32(&column(|found| found.loss), &want.iter().map(|want| want.0).collect::<Vec<_>>(), LOSS);
            assert_close_f32(&column(|found| found.kl), &want.iter().map(|want| want.1).collect::<Vec<_>>(), KL);
            assert!(found.iter().map(|found| found.top).eq(want.iter().map(|want| want.2)), "{shape:?}");
        }
    }
}

#[test]
fn losses_have_the_bits_of_the_cross_entropy() {
    for shape in SHAPES {
        let case = case(shape);
        let packed = Packed::from_rows(&case.w_u, case.d_vocab, case.d_model, case.d_vocab);
        for (found, x) in case.run().iter().zip(std::iter::once(&case.clean).chain(&case.changed)) {
            let mut loss = vec![0.0; case.targets.len()];
            cross_entropy(x, &packed, &case.targets, &mut loss);
            assert!(found.iter().map(|found| found.loss.to_bits()).eq(loss.iter().map(|loss| loss.to_bits())));
        }
    }
}

#[test]
fn what_is_predicted_does_not_depend_on_what_else_is() {
    let case = case(SHAPES[3]);
    let packed = Packed::from_rows(&case.w_u, case.d_vocab, case.d_model, case.d_vocab);
    let alone = predictions(&case.clean, &[&case.changed[1]], &packed, &case.targets);
    assert_eq!(alone[1], case.run()[2]);
}

#[test]
fn the_divergence_the_other_way_round_would_be_seen() {
    let mut case = case(SHAPES[3]);
    let got: Vec<f64> = case.run()[2].iter().map(|found| f64::from(found.kl)).collect();
    let changed = case.changed[1].clone();
    let clean = std::mem::replace(&mut case.clean, changed);
    let reversed: Vec<f64> = case.reference(&clean).iter().map(|want| want.1).collect();
    assert!(check_close(&got, &reversed, KL).is_err());
    assert_close(&got, &got, KL);
}

#[test]
fn equal_logits_give_the_first_token() {
    let packed = Packed::from_rows(&[0.0; 600], 300, 2, 300);
    let found = predictions(&[1.0, 2.0], &[&[2.0, 1.0]], &packed, &[5]);
    assert!(found.iter().all(|found| found[0].top == 0 && found[0].kl.abs() < 1e-7), "{found:?}");
}

#[test]
fn nan_is_not_hidden() {
    let mut case = case((4, 8, 1500, 1.0));
    case.changed[0][8] = f32::NAN;
    let found = case.run();
    assert!(found[1][1].loss.is_nan() && found[1][1].kl.is_nan() && found[1][0].kl.is_finite());
    assert!(found[0].iter().chain(&found[2]).all(|found| found.loss.is_finite() && found.kl.is_finite()));
    case.clean[0] = f32::NAN;
    let found = case.run();
    assert!(found.iter().take(3).all(|found| found[0].kl.is_nan()), "{found:?}");
}
