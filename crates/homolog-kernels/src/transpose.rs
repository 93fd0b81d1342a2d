//! Rows to columns.

use crate::elementwise::per_isa;

/// Rows and columns transposed together: a line of the one layout and a line of the other are both used up while they are in cache.
const BLOCK: usize = 32;

per_isa! {
    /// out[j, i] = a[i, j].
    ///
    /// Shapes: `a` [n_rows, n_columns], `out` [n_columns, n_rows], both row-major.
    pub fn transpose(a: &[f32], n_columns: usize, out: &mut [f32]) {
        assert!(a.len() == out.len() && a.len().is_multiple_of(n_columns.max(1)), "transpose shapes");
        let n_rows = a.len().checked_div(n_columns).unwrap_or(0);
        for row in (0..n_rows).step_by(BLOCK) {
            for column in (0..n_columns).step_by(BLOCK) {
                let (height, width) = (BLOCK.min(n_rows - row), BLOCK.min(n_columns - column));
                let from = (&a[row * n_columns + column..], n_columns);
                transpose_block(from, height, width, (&mut out[column * n_rows + row..], n_rows));
            }
        }
    }
}

/// out[t * out_stride + i] = a[i * stride + t] for i < n_rows, t < depth.
#[inline(always)]
pub(crate) fn transpose_block<T: Copy>(
    (a, stride): (&[T], usize),
    n_rows: usize,
    depth: usize,
    (out, out_stride): (&mut [T], usize),
) {
    if n_rows == 0 || depth == 0 {
        return;
    }
    assert!(a.len() >= (n_rows - 1) * stride + depth, "transpose_block: A has {} values", a.len());
    assert!(out.len() >= (depth - 1) * out_stride + n_rows, "transpose_block: room for {} values", out.len());
    // Four by four, which the compiler makes loads, shuffles and stores of vectors.
    let (whole_rows, whole_depth) = (n_rows / 4 * 4, depth / 4 * 4);
    for t in (0..whole_depth).step_by(4) {
        for i in (0..whole_rows).step_by(4) {
            // SAFETY: i + 3 < n_rows and t + 3 < depth, whose extents are checked above.
            unsafe {
                let from = a.as_ptr().add(i * stride + t);
                let row = |i: usize| *from.add(i * stride).cast::<[T; 4]>();
                let rows = [row(0), row(1), row(2), row(3)];
                let to = out.as_mut_ptr().add(t * out_stride + i);
                for t in 0..4 {
                    *to.add(t * out_stride).cast::<[T; 4]>() = [rows[0][t], rows[1][t], rows[2][t], rows[3][t]];
                }
            }
        }
    }
    for i in 0..n_rows {
        for t in if i < whole_rows { whole_depth } else { 0 }..depth {
            out[t * out_stride + i] = a[i * stride + t];
        }
    }
}

#[cfg(test)]
mod tests {
    use homolog_test::Seeded;

    use super::*;

    #[test]
    fn rows_become_columns_at_every_size() {
        for (n_rows, n_columns) in [(0, 3), (3, 0), (1, 1), (4, 31), (33, 32), (70, 65)] {
            let a = Seeded::new(8).gaussians_f32(n_rows * n_columns, 1.0);
            let mut out = vec![f32::NAN; a.len()];
            transpose(&a, n_columns, &mut out);
            for (at, &value) in a.iter().enumerate() {
                let (i, j) = (at / n_columns, at % n_columns);
                assert_eq!(out[j * n_rows + i].to_bits(), value.to_bits(), "({i}, {j}) of {n_rows} x {n_columns}");
            }
        }
    }
}
