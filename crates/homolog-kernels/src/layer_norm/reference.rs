//! Float64 twins of layer norm and of its gradient, one row at a time.
#![cfg(test)]

/// What both need of a row: (x - mean) / sqrt(var + eps), and 1 / sqrt(var + eps).
fn normalized(x: &[f64], eps: f64) -> (Vec<f64>, f64) {
    let n = x.len() as f64;
    let mean = x.iter().sum::<f64>() / n;
    let var = x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
    let scale = 1.0 / (var + eps).sqrt();
    (x.iter().map(|v| (v - mean) * scale).collect(), scale)
}

pub(super) fn layer_norm(x: &[f64], w: &[f64], b: &[f64], eps: f64) -> Vec<f64> {
    let row = |x| {
        let scaled = normalized(x, eps).0.into_iter().zip(w).zip(b);
        scaled.map(|((n, w), b)| n * w + b).collect::<Vec<f64>>()
    };
    x.chunks_exact(w.len()).flat_map(row).collect()
}

/// The gradients of x, w and b, by the whole Jacobian of each row: d n_j / d x_i = scale (delta_ij - 1/N - n_i n_j / N).
pub(super) fn layer_norm_backward(x: &[f64], w: &[f64], eps: f64, d_out: &[f64]) -> [Vec<f64>; 3] {
    let d_model = w.len();
    let (mut d_x, mut d_w, mut d_b) = (vec![0.0; x.len()], vec![0.0; d_model], vec![0.0; d_model]);
    let rows = x.chunks_exact(d_model).zip(d_out.chunks_exact(d_model)).zip(d_x.chunks_exact_mut(d_model));
    for ((x, d_out), d_x) in rows {
        let (n, scale) = normalized(x, eps);
        for j in 0..d_model {
            d_w[j] += d_out[j] * n[j];
            d_b[j] += d_out[j];
            for i in 0..d_model {
                let delta = if i == j { 1.0 } else { 0.0 };
                d_x[i] += d_out[j] * w[j] * scale * (delta - (1.0 + n[i] * n[j]) / d_model as f64);
            }
        }
    }
    [d_x, d_w, d_b]
}
