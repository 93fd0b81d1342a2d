//! Comparison of computed numbers with expected ones, in a way that NaN, a wrong length and a wrong sign cannot pass.
//!
//! `assert_close` is what tests call; `check_close` answers without a panic, so that a mutant can be shown to fail.

use std::fmt;

#[cfg(test)]
mod tests;

/// How far a value may lie from the wanted one: `|got - want| <= abs + rel * |want|`.
///
/// Tests name their tolerances as constants with a reason.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tol {
    /// Absolute part, in the units of the values.
    pub abs: f64,
    /// Part relative to the magnitude of the wanted value, dimensionless.
    pub rel: f64,
}

impl Tol {
    /// Every value must be equal (`0.0` and `-0.0` are).
    pub const EXACT: Self = Self { abs: 0.0, rel: 0.0 };

    /// A tolerance with an absolute part only.
    pub const fn abs(abs: f64) -> Self {
        Self { abs, rel: 0.0 }
    }
}

/// Why two slices are not close.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mismatch {
    /// The slices differ in length; nothing was compared.
    Length {
        /// Length of what was computed.
        got: usize,
        /// Length of what was expected.
        want: usize,
    },
    /// At least one value is out of tolerance; this is the worst (the first of those equally bad, and NaN is worse than any number).
    Value {
        /// Where the worst value stands.
        index: usize,
        /// The computed value there.
        got: f64,
        /// The expected value there.
        want: f64,
        /// Difference over tolerance, above 1; infinite for NaN, unequal infinities and any difference at zero tolerance.
        ratio: f64,
        /// How many values are out of tolerance.
        n_bad: usize,
        /// How many values were compared.
        n_values: usize,
    },
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { got, want } => write!(f, "lengths differ: got {got}, want {want}"),
            Self::Value { index, got, want, ratio, n_bad, n_values } => write!(
                f,
                "{n_bad} of {n_values} values out of tolerance; worst at index {index}: got {got:e}, want {want:e}, \
                 |difference| {:e} is {ratio:.3e} times the tolerance",
                (got - want).abs()
            ),
        }
    }
}

impl std::error::Error for Mismatch {}

/// Compares value by value; see [`Tol`] for the rule.
///
/// NaN is never close to anything, NaN included. An infinity is close only to the same infinity. Two empty slices are close.
pub fn check_close(got: &[f64], want: &[f64], tol: Tol) -> Result<(), Mismatch> {
    check(got.len(), want.len(), |i| (got[i], want[i]), tol)
}

/// [`check_close`] for computed `f32` values; the comparison itself is in `f64`.
pub fn check_close_f32(got: &[f32], want: &[f64], tol: Tol) -> Result<(), Mismatch> {
    check(got.len(), want.len(), |i| (f64::from(got[i]), want[i]), tol)
}

/// Panics unless [`check_close`] agrees, with the worst index, both values there and the ratio to the tolerance.
#[track_caller]
pub fn assert_close(got: &[f64], want: &[f64], tol: Tol) {
    if let Err(mismatch) = check_close(got, want, tol) {
        panic!("not close ({tol:?}): {mismatch}");
    }
}

/// Panics unless [`check_close_f32`] agrees; see [`assert_close`].
#[track_caller]
pub fn assert_close_f32(got: &[f32], want: &[f64], tol: Tol) {
    if let Err(mismatch) = check_close_f32(got, want, tol) {
        panic!("not close ({tol:?}): {mismatch}");
    }
}

fn check(n_got: usize, n_want: usize, at: impl Fn(usize) -> (f64, f64), tol: Tol) -> Result<(), Mismatch> {
    assert!(tol.abs >= 0.0 && tol.rel >= 0.0 && tol.abs.is_finite() && tol.rel.is_finite(), "not a tolerance: {tol:?}");
    if n_got != n_want {
        return Err(Mismatch::Length { got: n_got, want: n_want });
    }
    let mut n_bad = 0;
    let mut worst: Option<(usize, f64, f64, f64)> = None;
    for index in 0..n_got {
        let (got, want) = at(index);
        let ratio = ratio_to_tolerance(got, want, tol);
        if ratio > 1.0 {
            n_bad += 1;
            if worst.is_none_or(|w| badness(got, want, ratio) > badness(w.1, w.2, w.3)) {
                worst = Some((index, got, want, ratio));
            }
        }
    }
    match worst {
        None => Ok(()),
        Some((index, got, want, ratio)) => Err(Mismatch::Value { index, got, want, ratio, n_bad, n_values: n_got }),
    }
}

/// At most 1 means close.
#[expect(clippy::float_cmp, reason = "equality is the first rule of closeness")]
fn ratio_to_tolerance(got: f64, want: f64, tol: Tol) -> f64 {
    // Bit-equal values of any size, and equal infinities, whose difference would be NaN.
    if got == want {
        return 0.0;
    }
    // A finite value against an infinite one would pass as "infinite difference <= infinite tolerance".
    if !got.is_finite() || !want.is_finite() {
        return f64::INFINITY;
    }
    let difference = (got - want).abs();
    let allowed = tol.abs + tol.rel * want.abs();
    if difference <= allowed {
        // Division may round up at the very edge.
        (difference / allowed).min(1.0)
    } else {
        (difference / allowed).max(1.0 + f64::EPSILON)
    }
}

/// Orders failures: NaN, then infinite ratios, then by ratio; ties by the difference.
fn badness(got: f64, want: f64, ratio: f64) -> (bool, f64, f64) {
    (got.is_nan() || want.is_nan(), ratio, (got - want).abs())
}
