//! Float64 twins of the products: three loops.
#![cfg(test)]

use crate::precision::{Precision, rounded, split};

/// A [m, k] B [k, n] + bias, all row-major.
pub(super) fn product(a: &[f32], b: &[f32], bias: &[f32], (m, k, n): (usize, usize, usize)) -> Vec<f64> {
    let mut out = vec![0.0; m * n];
    for i in 0..m {
        for j in 0..n {
            let sum: f64 = (0..k).map(|t| f64::from(a[i * k + t]) * f64::from(b[t * n + j])).sum();
            out[i * n + j] = sum + f64::from(bias[j]);
        }
    }
    out
}

/// A^T B of A [t, m], B [t, n], row-major.
pub(super) fn gram(a: &[f32], b: &[f32], (t, m, n): (usize, usize, usize)) -> Vec<f64> {
    let mut out = vec![0.0; m * n];
    for i in 0..m {
        for j in 0..n {
            out[i * n + j] = (0..t).map(|s| f64::from(a[s * m + i]) * f64::from(b[s * n + j])).sum();
        }
    }
    out
}

/// What a precision makes of two values' product: of rounded ones, or the three products of their halves, in f64.
pub(super) fn term(precision: Precision, x: f32, y: f32) -> f64 {
    let wide = f64::from;
    match precision {
        Precision::F32 => wide(x) * wide(y),
        Precision::Bf16 => wide(rounded(x)) * wide(rounded(y)),
        Precision::Bf16x3 => {
            let ((x, x_rest), (y, y_rest)) = (split(x), split(y));
            wide(x) * wide(y) + wide(x) * wide(y_rest) + wide(x_rest) * wide(y)
        }
    }
}

/// A [m, k] B [k, n] in a precision, and |A||B|, which errors are measured by.
pub(super) fn product_in(
    precision: Precision,
    a: &[f32],
    b: &[f32],
    (m, k, n): (usize, usize, usize),
) -> (Vec<f64>, Vec<f64>) {
    let (mut out, mut size) = (vec![0.0; m * n], vec![0.0; m * n]);
    for i in 0..m {
        for j in 0..n {
            for t in 0..k {
                let (x, y) = (a[i * k + t], b[t * n + j]);
                out[i * n + j] += term(precision, x, y);
                size[i * n + j] += (f64::from(x) * f64::from(y)).abs();
            }
        }
    }
    (out, size)
}
