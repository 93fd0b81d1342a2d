//! Power sums of columns about a provisional mean, in one pass that also centres the values.

#[cfg(test)]
mod tests;

use crate::elementwise::per_isa;

/// What one pass over some tokens adds to the sums of one column. d = x - shift, rounded to f32.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PowerSums {
    /// Sums of d, d^2, d^3, d^4, in f64.
    pub of_powers: [f64; 4],
    /// Smallest x.
    pub min: f32,
    /// Largest x.
    pub max: f32,
    /// Tokens with x > 0.
    pub n_positive: u64,
}

impl PowerSums {
    /// The sums over no tokens.
    pub const EMPTY: Self = Self { of_powers: [0.0; 4], min: f32::INFINITY, max: f32::NEG_INFINITY, n_positive: 0 };
}

/// Columns summed together: one cache line of f32.
const STRIP: usize = 16;

per_isa! {
    /// Replace every x of `values` by d = x - shift, and add the tokens to `sums`.
    ///
    /// Shapes: `values` [n_tokens, n] row-major; `shift`, `sums` [n]. Tokens are added in order, so chunking changes no bit.
    /// NaN is carried into the sums (and from there into every statistic), not into min and max.
    pub fn centre_and_sum(values: &mut [f32], shift: &[f32], sums: &mut [PowerSums]) {
        let n = shift.len();
        assert!(sums.len() == n && values.len().is_multiple_of(n), "centre_and_sum shapes");
        for first in (0..n).step_by(STRIP) {
            let width = STRIP.min(n - first);
            let mut strip_shift = [0.0; STRIP];
            strip_shift[..width].copy_from_slice(&shift[first..first + width]);
            let sums = &mut sums[first..first + width];
            let mut powers = [[0.0_f64; STRIP]; 4];
            let mut min = [f32::INFINITY; STRIP];
            let mut max = [f32::NEG_INFINITY; STRIP];
            let mut n_positive = [0_u32; STRIP];
            for (i, sums) in sums.iter().enumerate() {
                for power in 0..4 {
                    powers[power][i] = sums.of_powers[power];
                }
                (min[i], max[i]) = (sums.min, sums.max);
            }
            for row in values.chunks_exact_mut(n) {
                let row = &mut row[first..first + width];
                let mut x = [0.0_f32; STRIP];
                x[..width].copy_from_slice(row);
                let mut d = [0.0_f32; STRIP];
                for i in 0..STRIP {
                    d[i] = x[i] - strip_shift[i];
                    min[i] = if x[i] < min[i] { x[i] } else { min[i] };
                    max[i] = if x[i] > max[i] { x[i] } else { max[i] };
                    n_positive[i] += u32::from(x[i] > 0.0);
                    let wide = f64::from(d[i]);
                    let square = wide * wide;
                    powers[0][i] += wide;
                    powers[1][i] += square;
                    powers[2][i] += square * wide;
                    powers[3][i] += square * square;
                }
                row.copy_from_slice(&d[..width]);
            }
            for (i, sums) in sums.iter_mut().enumerate() {
                for power in 0..4 {
                    sums.of_powers[power] = powers[power][i];
                }
                (sums.min, sums.max) = (min[i], max[i]);
                sums.n_positive += u64::from(n_positive[i]);
            }
        }
    }
}
