//! Float64 twins of the products: three loops.
#![cfg(test)]

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
