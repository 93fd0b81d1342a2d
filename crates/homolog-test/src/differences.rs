//! Central differences, which hold an analytic gradient against the function itself.

/// The gradient of `f` at `x`: (f(x + h) - f(x - h)) / 2h, one coordinate at a time.
///
/// h = 1e-5 max(1, |x|): with a third derivative near 1 the error is about 1e-10 of truncation and 1e-11 of rounding.
pub fn central_differences(x: &[f64], f: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    let mut moved = x.to_vec();
    let mut gradient = Vec::with_capacity(x.len());
    for i in 0..x.len() {
        let h = 1e-5 * x[i].abs().max(1.0);
        moved[i] = x[i] + h;
        let above = f(&moved);
        moved[i] = x[i] - h;
        gradient.push((above - f(&moved)) / (2.0 * h));
        moved[i] = x[i];
    }
    gradient
}

/// The inner product, for the scalar function whose gradient a backward pass gives.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len(), "dot lengths");
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The same values, wider.
pub fn widened(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&v| f64::from(v)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Tol, assert_close};

    #[test]
    fn the_gradient_of_a_cubic() {
        let gradient = central_differences(&[0.0, 2.0, -300.0], |x| x[0] + x[1].powi(3) - x[0] * x[2]);
        assert_close(&gradient, &[301.0, 12.0, 0.0], Tol { abs: 1e-6, rel: 1e-8 });
    }
}
