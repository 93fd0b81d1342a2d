//! Float64 matrix products, for what is off the hot path: the `gemm` crate behind a checked interface.

/// A row-major float64 matrix, optionally read transposed.
#[derive(Clone, Copy)]
pub struct Operand<'a> {
    /// Row-major values, `n_rows` * `n_columns` of them, as stored.
    pub values: &'a [f64],
    /// Columns as stored.
    pub n_columns: usize,
    /// Read as the transpose.
    pub is_transposed: bool,
}

impl Operand<'_> {
    /// (rows, columns, row stride, column stride) as read.
    fn layout(&self) -> (usize, usize, isize, isize) {
        let n_columns = self.n_columns;
        assert!(n_columns > 0 && self.values.len().is_multiple_of(n_columns), "whole rows of {n_columns}");
        let n_rows = self.values.len() / n_columns;
        if self.is_transposed {
            (n_columns, n_rows, 1, n_columns as isize)
        } else {
            (n_rows, n_columns, n_columns as isize, 1)
        }
    }
}

/// out = alpha out + beta A B on one thread, so that the order of additions is fixed.
///
/// Shapes: A [m, k], B [k, n] as read; `out` [m, n] row-major.
/// Panics: if the shapes do not agree.
pub fn product_f64(alpha: f64, beta: f64, a: Operand<'_>, b: Operand<'_>, out: &mut [f64]) {
    let (m, k, a_row, a_column) = a.layout();
    let (k_b, n, b_row, b_column) = b.layout();
    assert_eq!((k, out.len()), (k_b, m * n), "product_f64 shapes: k, m * n");
    // SAFETY: the strides address exactly the m * k, k * n and m * n elements whose lengths are checked above, and `out`
    // is borrowed exclusively.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            1,
            n as isize,
            alpha != 0.0,
            a.values.as_ptr(),
            a_column,
            a_row,
            b.values.as_ptr(),
            b_column,
            b_row,
            alpha,
            beta,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use homolog_test::{Seeded, Tol, assert_close};

    use super::*;

    #[test]
    fn agrees_with_plain_loops_in_every_orientation() {
        let mut seeded = Seeded::new(5);
        for (m, k, n) in [(1, 1, 1), (3, 5, 2), (64, 65, 63)] {
            for (a_transposed, b_transposed) in [(false, false), (true, false), (false, true), (true, true)] {
                let a: Vec<f64> = (0..m * k).map(|_| seeded.gaussian()).collect();
                let b: Vec<f64> = (0..k * n).map(|_| seeded.gaussian()).collect();
                let start: Vec<f64> = (0..m * n).map(|_| seeded.gaussian()).collect();
                let at = |i: usize, l: usize| if a_transposed { a[l * m + i] } else { a[i * k + l] };
                let bt = |l: usize, j: usize| if b_transposed { b[j * k + l] } else { b[l * n + j] };
                let want: Vec<f64> = (0..m * n)
                    .map(|ij| {
                        let sum: f64 = (0..k).map(|l| at(ij / n, l) * bt(l, ij % n)).sum();
                        0.5 * start[ij] - 2.0 * sum
                    })
                    .collect();
                let a =
                    Operand { values: &a, n_columns: if a_transposed { m } else { k }, is_transposed: a_transposed };
                let b =
                    Operand { values: &b, n_columns: if b_transposed { k } else { n }, is_transposed: b_transposed };
                let mut out = start;
                product_f64(0.5, -2.0, a, b, &mut out);
                assert_close(&out, &want, Tol { abs: 1e-12, rel: 1e-12 });
            }
        }
    }
}
