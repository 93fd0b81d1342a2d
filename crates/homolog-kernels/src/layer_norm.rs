//! Layer normalisation.

mod reference;
#[cfg(test)]
mod tests;

use crate::elementwise::{lane_dot, lane_sum, per_isa};

per_isa! {
    /// Layer norm of each row of `x`: (x - mean) / sqrt(var + eps) * w + b, var biased (over N), eps inside the root.
    ///
    /// Shapes: `x`, `out` [n_rows, d_model]; `w`, `b` [d_model].
    /// Precision: f32, sums in 16 lanes; within 3e-6 of f64 on rows of mean/sd up to 30 (test `agrees_with_float64`).
    pub fn layer_norm(x: &[f32], w: &[f32], b: &[f32], eps: f32, out: &mut [f32]) {
        let d_model = w.len();
        assert!(b.len() == d_model && x.len() == out.len() && x.len().is_multiple_of(d_model), "layer_norm shapes");
        for (x, out) in x.chunks_exact(d_model).zip(out.chunks_exact_mut(d_model)) {
            let mean = lane_sum(x, |v| v) / d_model as f32;
            let var = lane_sum(x, |v| (v - mean) * (v - mean)) / d_model as f32;
            let scale = 1.0 / (var + eps).sqrt();
            for i in 0..d_model {
                out[i] = (x[i] - mean) * scale * w[i] + b[i];
            }
        }
    }
}

/// Rows whose parameter gradients are summed in one f32 accumulator.
const ROW_BLOCK: usize = 256;

per_isa! {
    /// The gradient of [`layer_norm`]: adds to `d_x`, `d_w` and `d_b`.
    ///
    /// With n = (x - mean) / sqrt(var + eps) and g = d_out w: d_x += (g - mean(g) - n mean(g n)) / sqrt(var + eps),
    /// d_w += sum over rows of d_out n, d_b += sum over rows of d_out.
    /// Shapes: `x`, `d_out`, `d_x` [n_rows, d_model]; `w`, `d_w`, `d_b` [d_model].
    /// Precision: f32, at most 256 rows in one accumulator; within 1e-5 (1 + |d|) of f64 on unit Gaussians, `d_x` within
    /// 1e-6 (test `backward_agrees_with_float64_and_adds`).
    pub fn layer_norm_backward(
        x: &[f32],
        w: &[f32],
        eps: f32,
        d_out: &[f32],
        d_x: &mut [f32],
        d_w: &mut [f32],
        d_b: &mut [f32],
    ) {
        let d_model = w.len();
        assert!(x.len() == d_out.len() && x.len() == d_x.len(), "layer_norm_backward shapes");
        assert!(d_w.len() == d_model && d_b.len() == d_model && x.len().is_multiple_of(d_model), "layer_norm_backward shapes");
        let mut buffer = vec![0.0; 4 * d_model];
        let (normalized, rest) = buffer.split_at_mut(d_model);
        let (g, rest) = rest.split_at_mut(d_model);
        let (block_w, block_b) = rest.split_at_mut(d_model);
        let block = ROW_BLOCK * d_model;
        for ((x, d_out), d_x) in x.chunks(block).zip(d_out.chunks(block)).zip(d_x.chunks_mut(block)) {
            block_w.fill(0.0);
            block_b.fill(0.0);
            let rows = x.chunks_exact(d_model).zip(d_out.chunks_exact(d_model)).zip(d_x.chunks_exact_mut(d_model));
            for ((x, d_out), d_x) in rows {
                let mean = lane_sum(x, |v| v) / d_model as f32;
                let var = lane_sum(x, |v| (v - mean) * (v - mean)) / d_model as f32;
                let scale = 1.0 / (var + eps).sqrt();
                for i in 0..d_model {
                    normalized[i] = (x[i] - mean) * scale;
                    g[i] = d_out[i] * w[i];
                    block_w[i] += d_out[i] * normalized[i];
                    block_b[i] += d_out[i];
                }
                let mean_g = lane_sum(g, |v| v) / d_model as f32;
                let mean_gn = lane_dot(g, normalized) / d_model as f32;
                for i in 0..d_model {
                    d_x[i] += (g[i] - mean_g - normalized[i] * mean_gn) * scale;
                }
            }
            for i in 0..d_model {
                d_w[i] += block_w[i];
                d_b[i] += block_b[i];
            }
        }
    }
}
