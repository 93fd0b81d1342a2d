use homolog_test::{Seeded, Tol, assert_close, assert_close_f32, central_differences, check_close, dot, widened};

use super::*;

const TOL: Tol = Tol { abs: 2e-6, rel: 2e-6 };

/// Sums over up to 300 queries, two products deep.
const BACKWARD_TOL: Tol = Tol { abs: 1e-6, rel: 1e-6 };

/// (n_pos, n_heads, d_head) around the edges of a block of queries, of a group of lanes and of a tile, no positions included.
const SHAPES: [(usize, usize, usize); 11] = [
    (0, 1, 4),
    (1, 1, 1),
    (2, 2, 3),
    (47, 2, 17),
    (48, 1, 4),
    (49, 3, 16),
    (63, 1, 8),
    (64, 2, 16),
    (65, 3, 5),
    (130, 2, 32),
    (300, 1, 12),
];

fn shape(n_heads: usize, d_head: usize) -> AttentionShape {
    AttentionShape { n_heads, d_head, score_scale: 1.0 / (d_head as f32).sqrt() }
}

#[test]
fn agrees_with_float64() {
    let mut seeded = Seeded::new(21);
    for (n_pos, n_heads, d_head) in SHAPES {
        let shape = shape(n_heads, d_head);
        let qkv = seeded.gaussians_f32(n_pos * 3 * n_heads * d_head, 1.0);
        let mut z = vec![0.0; n_pos * n_heads * d_head];
        causal_attention(&qkv, shape, &mut z);
        assert_close_f32(&z, &reference::causal_attention(&widened(&qkv), shape), TOL);
    }
}

#[test]
fn a_missing_inverse_layer_scale_would_be_seen() {
    let mut seeded = Seeded::new(22);
    let qkv = widened(&seeded.gaussians_f32(10 * 3 * 8, 1.0));
    let scaled = AttentionShape { score_scale: shape(1, 8).score_scale / 2.0, ..shape(1, 8) };
    let want = reference::causal_attention(&qkv, scaled);
    assert!(check_close(&reference::causal_attention(&qkv, shape(1, 8)), &want, TOL).is_err());
}

#[test]
fn the_future_changes_no_bit_of_the_past() {
    let mut seeded = Seeded::new(23);
    let (n_pos, shape) = (100, shape(2, 4));
    let mut qkv = seeded.gaussians_f32(n_pos * 24, 1.0);
    let run = |qkv: &[f32]| {
        let mut z = vec![0.0; n_pos * 8];
        causal_attention(qkv, shape, &mut z);
        z
    };
    let before = run(&qkv);
    let changed = 40;
    qkv[changed * 24..].iter_mut().for_each(|v| *v = 3.0 - *v);
    let after = run(&qkv);
    assert_eq!(before[..changed * 8], after[..changed * 8]);
    assert_ne!(before[changed * 8..], after[changed * 8..]);
}

#[test]
fn backward_agrees_with_float64() {
    let mut seeded = Seeded::new(24);
    for (n_pos, n_heads, d_head) in SHAPES {
        let shape = shape(n_heads, d_head);
        let qkv = seeded.gaussians_f32(n_pos * 3 * n_heads * d_head, 1.0);
        let d_z = seeded.gaussians_f32(n_pos * n_heads * d_head, 1.0);
        let mut d_qkv = vec![f32::NAN; qkv.len()];
        causal_attention_backward(&qkv, shape, &d_z, &mut d_qkv);
        let want = reference::causal_attention_backward(&widened(&qkv), shape, &widened(&d_z), true);
        assert_close_f32(&d_qkv, &want, BACKWARD_TOL);
    }
}

#[test]
fn the_backward_twin_agrees_with_differences() {
    let mut seeded = Seeded::new(25);
    for (n_pos, n_heads, d_head) in [(1, 1, 1), (2, 2, 3), (7, 2, 4)] {
        let shape = shape(n_heads, d_head);
        let qkv = widened(&seeded.gaussians_f32(n_pos * 3 * n_heads * d_head, 1.0));
        let d_z = widened(&seeded.gaussians_f32(n_pos * n_heads * d_head, 1.0));
        let want = central_differences(&qkv, |qkv| dot(&d_z, &reference::causal_attention(qkv, shape)));
        let got = reference::causal_attention_backward(&qkv, shape, &d_z, true);
        assert_close(&got, &want, Tol { abs: 1e-8, rel: 1e-8 });
    }
}

#[test]
fn a_forgotten_mean_and_a_missing_scale_would_be_seen() {
    let mut seeded = Seeded::new(26);
    let (n_pos, shape) = (10, shape(2, 4));
    let qkv = widened(&seeded.gaussians_f32(n_pos * 24, 1.0));
    let d_z = widened(&seeded.gaussians_f32(n_pos * 8, 1.0));
    let want = reference::causal_attention_backward(&qkv, shape, &d_z, true);
    let no_mean = reference::causal_attention_backward(&qkv, shape, &d_z, false);
    assert!(check_close(&no_mean, &want, BACKWARD_TOL).is_err());
    // The pattern with its scale, the gradient without.
    let is_value = |at: usize| at % 24 >= 16;
    let no_scale: Vec<f64> = (0..want.len()).map(|at| if is_value(at) { want[at] } else { 2.0 * want[at] }).collect();
    assert!(check_close(&no_scale, &want, BACKWARD_TOL).is_err());
}

#[test]
fn the_gradient_of_the_past_reaches_no_future_key() {
    let mut seeded = Seeded::new(27);
    let (n_pos, shape) = (100, shape(2, 4));
    let mut qkv = seeded.gaussians_f32(n_pos * 24, 1.0);
    let mut d_z = seeded.gaussians_f32(n_pos * 8, 1.0);
    let last = 40;
    d_z[(last + 1) * 8..].fill(0.0);
    let run = |qkv: &[f32]| {
        let mut d_qkv = vec![f32::NAN; qkv.len()];
        causal_attention_backward(qkv, shape, &d_z, &mut d_qkv);
        d_qkv
    };
    let before = run(&qkv);
    assert!(before[(last + 1) * 24..].iter().all(|&d| d == 0.0));
    assert!(before[..(last + 1) * 24].iter().any(|&d| d != 0.0));
    qkv[(last + 1) * 24..].iter_mut().for_each(|v| *v = 3.0 - *v);
    assert_eq!(run(&qkv)[..(last + 1) * 24], before[..(last + 1) * 24]);
}

#[test]
fn nan_is_carried_backward() {
    let mut seeded = Seeded::new(28);
    let (n_pos, shape) = (70, shape(1, 4));
    let (qkv, d_z) = (seeded.gaussians_f32(n_pos * 12, 1.0), seeded.gaussians_f32(n_pos * 4, 1.0));
    let run = |qkv: &[f32], d_z: &[f32]| {
        let mut d_qkv = vec![0.0; qkv.len()];
        causal_attention_backward(qkv, shape, d_z, &mut d_qkv);
        d_qkv
    };
    let mut holed = d_z.clone();
    holed[66 * 4] = f32::NAN;
    let d_qkv = run(&qkv, &holed);
    // The query of that position, and every key and value it sees.
    assert!(d_qkv[66 * 12].is_nan() && d_qkv[4].is_nan() && d_qkv[8].is_nan());
    let mut holed = qkv.clone();
    holed[66 * 12 + 8] = f32::NAN;
    assert!(run(&holed, &d_z)[66 * 12].is_nan() && run(&holed, &d_z)[69 * 12].is_nan());
}
