use homolog_test::{Seeded, Tol, assert_close_f32, check_close};

use super::layer_norm;

fn reference(x: &[f32], w: &[f32], b: &[f32], eps: f64) -> Vec<f64> {
    let n = x.len() as f64;
    let mean = x.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
    let var = x.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / n;
    let row = x.iter().zip(w).zip(b);
    row.map(|((&x, &w), &b)| (f64::from(x) - mean) / (var + eps).sqrt() * f64::from(w) + f64::from(b)).collect()
}

#[test]
fn agrees_with_float64() {
    let mut seeded = Seeded::new(1);
    for d_model in [1, 2, 15, 16, 17, 63, 64, 65, 768] {
        for offset in [0.0, 1.0, 30.0] {
            let x: Vec<f32> = seeded.gaussians_f32(d_model, 1.0).iter().map(|v| v + offset).collect();
            let w = seeded.gaussians_f32(d_model, 1.0);
            let b = seeded.gaussians_f32(d_model, 1.0);
            let mut out = vec![0.0; d_model];
            layer_norm(&x, &w, &b, 1e-5, &mut out);
            let want = reference(&x, &w, &b, 1e-5);
            // A single value has variance 0, so its rounding error is divided by sqrt(eps).
            let tol = if d_model == 1 { 1e-3 } else { 3e-6 * (1.0 + f64::from(offset)) };
            assert_close_f32(&out, &want, Tol { abs: tol, rel: tol });
        }
    }
}

#[test]
fn an_unbiased_variance_would_be_seen() {
    let mut seeded = Seeded::new(2);
    let x = seeded.gaussians_f32(64, 1.0);
    let biased = reference(&x, &[1.0; 64], &[0.0; 64], 1e-5);
    let unbiased: Vec<f64> = biased.iter().map(|v| v * (63.0_f64 / 64.0).sqrt()).collect();
    assert!(check_close(&unbiased, &biased, Tol { abs: 3e-6, rel: 3e-6 }).is_err());
}
