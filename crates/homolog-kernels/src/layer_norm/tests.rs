use homolog_test::{Seeded, Tol, assert_close, assert_close_f32, central_differences, check_close, dot, widened};

use super::{layer_norm, layer_norm_backward, reference};

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
            let want = reference::layer_norm(&widened(&x), &widened(&w), &widened(&b), 1e-5);
            // A single value has variance 0, so its rounding error is divided by sqrt(eps).
            let tol = if d_model == 1 { 1e-3 } else { 3e-6 * (1.0 + f64::from(offset)) };
            assert_close_f32(&out, &want, Tol { abs: tol, rel: tol });
        }
    }
}

#[test]
fn an_unbiased_variance_would_be_seen() {
    let mut seeded = Seeded::new(2);
    let x = widened(&seeded.gaussians_f32(64, 1.0));
    let biased = reference::layer_norm(&x, &[1.0; 64], &[0.0; 64], 1e-5);
    let unbiased: Vec<f64> = biased.iter().map(|v| v * (63.0_f64 / 64.0).sqrt()).collect();
    assert!(check_close(&unbiased, &biased, Tol { abs: 3e-6, rel: 3e-6 }).is_err());
}

/// x, w, d_out of one shape; x has mean 1.
fn case(seeded: &mut Seeded, n_rows: usize, d_model: usize) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
    let x = seeded.gaussians_f32(n_rows * d_model, 1.0).iter().map(|v| v + 1.0).collect();
    (x, seeded.gaussians_f32(d_model, 1.0), seeded.gaussians_f32(n_rows * d_model, 1.0))
}

#[test]
fn backward_agrees_with_float64_and_adds() {
    let mut seeded = Seeded::new(3);
    for (n_rows, d_model) in
        [(0, 3), (1, 2), (3, 15), (2, 16), (5, 17), (63, 64), (64, 63), (65, 65), (515, 20), (2, 768)]
    {
        let (x, w, d_out) = case(&mut seeded, n_rows, d_model);
        let starts = [x.len(), d_model, d_model].map(|n| seeded.gaussians_f32(n, 1.0));
        let [mut d_x, mut d_w, mut d_b] = starts.clone();
        layer_norm_backward(&x, &w, 1e-5, &d_out, &mut d_x, &mut d_w, &mut d_b);
        let want = reference::layer_norm_backward(&widened(&x), &widened(&w), 1e-5, &widened(&d_out));
        for (((got, start), want), tol) in
            [d_x, d_w, d_b].iter().zip(&starts).zip(&want).zip([D_X_TOL, SUM_TOL, SUM_TOL])
        {
            let want: Vec<f64> = start.iter().zip(want).map(|(&start, want)| f64::from(start) + want).collect();
            assert_close_f32(got, &want, tol);
        }
    }
}

/// A few roundings of values near 1.
const D_X_TOL: Tol = Tol { abs: 1e-6, rel: 1e-6 };

/// Sums of up to 515 rows.
const SUM_TOL: Tol = Tol { abs: 1e-5, rel: 1e-5 };

#[test]
fn the_backward_twin_agrees_with_differences() {
    let mut seeded = Seeded::new(4);
    for (n_rows, d_model) in [(1, 2), (2, 3), (3, 17)] {
        let (x, w, d_out) = case(&mut seeded, n_rows, d_model);
        let (x, w, d_out) = (widened(&x), widened(&w), widened(&d_out));
        let b = vec![0.5; d_model];
        let scalar = |x: &[f64], w: &[f64], b: &[f64]| dot(&d_out, &reference::layer_norm(x, w, b, 1e-2));
        let [d_x, d_w, d_b] = reference::layer_norm_backward(&x, &w, 1e-2, &d_out);
        let tol = Tol { abs: 1e-7, rel: 1e-7 };
        assert_close(&d_x, &central_differences(&x, |x| scalar(x, &w, &b)), tol);
        assert_close(&d_w, &central_differences(&w, |w| scalar(&x, w, &b)), tol);
        assert_close(&d_b, &central_differences(&b, |b| scalar(&x, &w, b)), tol);
    }
}

#[test]
fn forgotten_terms_of_the_gradient_would_be_seen() {
    let mut seeded = Seeded::new(5);
    let (x, w, d_out) = case(&mut seeded, 1, 64);
    let (x, w, d_out) = (widened(&x), widened(&w), widened(&d_out));
    let [want, ..] = reference::layer_norm_backward(&x, &w, 1e-5, &d_out);
    let is_seen = |mutant: Vec<f64>| check_close(&mutant, &want, D_X_TOL).is_err();
    assert!(is_seen(want.iter().map(|d| d * (63.0_f64 / 64.0).sqrt()).collect()), "an unbiased variance");
    let normalized = reference::layer_norm(&x, &[1.0; 64], &[0.0; 64], 1e-5);
    let scale = (normalized[0] - normalized[1]) / (x[0] - x[1]);
    let g: Vec<f64> = d_out.iter().zip(&w).map(|(d, w)| d * w).collect();
    let mean_g = g.iter().sum::<f64>() / 64.0;
    let mean_gn = dot(&g, &normalized) / 64.0;
    let formula = |of_mean: f64, of_sd: f64| -> Vec<f64> {
        (0..64).map(|i| (g[i] - of_mean * mean_g - of_sd * normalized[i] * mean_gn) * scale).collect()
    };
    assert!(!is_seen(formula(1.0, 1.0)), "the formula itself");
    assert!(is_seen(formula(0.0, 1.0)), "a forgotten gradient of the mean");
    assert!(is_seen(formula(1.0, 0.0)), "a forgotten gradient of the variance");
}

#[test]
fn nan_is_carried_backward() {
    let mut seeded = Seeded::new(6);
    let (mut x, w, d_out) = case(&mut seeded, 3, 20);
    x[25] = f32::NAN;
    let (mut d_x, mut d_w, mut d_b) = (vec![0.0; 60], vec![0.0; 20], vec![0.0; 20]);
    layer_norm_backward(&x, &w, 1e-5, &d_out, &mut d_x, &mut d_w, &mut d_b);
    assert!(d_x[20..40].iter().chain(&d_w).all(|v| v.is_nan()));
    assert!(d_x[..20].iter().chain(&d_x[40..]).chain(&d_b).all(|v| v.is_finite()));
}
