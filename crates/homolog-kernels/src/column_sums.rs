//! Sums of columns: the gradient of a bias.

#[cfg(test)]
mod tests;

use crate::elementwise::per_isa;

/// Rows summed in one f32 accumulator before it is added to the total.
const ROW_BLOCK: usize = 256;

/// Columns summed together: eight accumulators of the narrowest wide set.
const STRIP: usize = 64;

per_isa! {
    /// sums[j] += sum over rows of values[., j].
    ///
    /// Shapes: `values` [n_rows, n] row-major; `sums` [n].
    /// Precision: f32, at most 256 rows in one accumulator; within 2e-6 sqrt(n_rows) of f64 on unit Gaussians (test
    /// `agrees_with_float64`). NaN is carried.
    pub fn add_column_sums(values: &[f32], sums: &mut [f32]) {
        let n = sums.len();
        assert!(n > 0 && values.len().is_multiple_of(n), "add_column_sums shapes");
        for values in values.chunks(ROW_BLOCK * n) {
            for (strip, sums) in sums.chunks_mut(STRIP).enumerate() {
                let mut block = [0.0_f32; STRIP];
                for row in values.chunks_exact(n) {
                    let row = &row[strip * STRIP..];
                    if let Some(row) = row.first_chunk::<STRIP>() {
                        (0..STRIP).for_each(|j| block[j] += row[j]);
                    } else {
                        block.iter_mut().zip(row).for_each(|(sum, &value)| *sum += value);
                    }
                }
                sums.iter_mut().zip(&block).for_each(|(total, &sum)| *total += sum);
            }
        }
    }
}
