use homolog_test::{Seeded, Tol, assert_close_f32, check_close};

use super::*;

const TOL: Tol = Tol { abs: 2e-6, rel: 2e-6 };

fn shape(n_heads: usize, d_head: usize) -> AttentionShape {
    AttentionShape { n_heads, d_head, score_scale: 1.0 / (d_head as f32).sqrt() }
}

#[test]
fn agrees_with_float64() {
    let mut seeded = Seeded::new(21);
    for (n_pos, n_heads, d_head) in [(1, 1, 1), (2, 2, 3), (63, 1, 8), (64, 2, 16), (65, 3, 5), (130, 2, 32)] {
        let shape = shape(n_heads, d_head);
        let qkv = seeded.gaussians_f32(n_pos * 3 * n_heads * d_head, 1.0);
        let mut z = vec![0.0; n_pos * n_heads * d_head];
        causal_attention(&qkv, shape, &mut z);
        assert_close_f32(&z, &reference::causal_attention(&qkv, shape, n_pos), TOL);
    }
}

#[test]
fn a_missing_inverse_layer_scale_would_be_seen() {
    let mut seeded = Seeded::new(22);
    let qkv = seeded.gaussians_f32(10 * 3 * 8, 1.0);
    let scaled = AttentionShape { score_scale: shape(1, 8).score_scale / 2.0, ..shape(1, 8) };
    let want = reference::causal_attention(&qkv, scaled, 10);
    assert!(check_close(&reference::causal_attention(&qkv, shape(1, 8), 10), &want, TOL).is_err());
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
