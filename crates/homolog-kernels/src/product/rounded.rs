//! Products in bf16 on CPUs without bf16 units: the f32 kernels on operands that are rounded, or split and laid end to end.
//!
//! A product of two bf16 is exact in f32, so these kernels compute what units for bf16 would, but for the order of additions. They
//! gain no speed: what they are for is that a result means the same on every machine.

use crate::precision::{finite, rounded, split};

/// Round every value.
#[inline(always)]
pub(super) fn round(values: &[f32], out: &mut [f32]) {
    for (out, &x) in out.iter_mut().zip(values) {
        *out = rounded(x);
    }
}

/// The terms of a strip of A, or of a panel of B, three times over: A's [hi, hi, lo] meet B's [hi, lo, hi].
///
/// Shapes: `values` [depth][n]; `out` [3 depth][n].
#[inline(always)]
pub(super) fn split_terms<const IS_A: bool>(values: &[f32], out: &mut [f32]) {
    let (first, rest) = out[..3 * values.len()].split_at_mut(values.len());
    let (second, third) = rest.split_at_mut(values.len());
    for i in 0..values.len() {
        let (hi, lo) = split(values[i]);
        first[i] = hi;
        (second[i], third[i]) = if IS_A { (finite(hi), lo) } else { (lo, finite(hi)) };
    }
}
