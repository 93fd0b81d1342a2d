//! How exactly matrix products multiply, and the bf16 that the faster ones multiply in.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Arithmetic of matrix products. It is a property of the packed operand: [`crate::product`] and its like follow that.
///
/// Sums are f32 within a block of terms whatever the precision. CPUs without bf16 units (AMX) compute the same thing with their
/// f32 kernels on rounded operands: as fast as `f32` at best for `bf16`, a third as fast for `bf16x3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// Operands as they are.
    F32,
    /// Operands split in two: x = hi + lo with hi = bf16(x), lo = bf16(x - hi); products hi hi + hi lo + lo hi. An error of some
    /// 4e-6 of |A||B|.
    Bf16x3,
    /// Operands rounded to bf16, nearest even. An error of some 2e-3 of |A||B|.
    Bf16,
}

impl Precision {
    /// Every one, in descending order of exactness.
    pub const ALL: [Self; 3] = [Self::F32, Self::Bf16x3, Self::Bf16];
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::F32 => "f32",
            Self::Bf16x3 => "bf16x3",
            Self::Bf16 => "bf16",
        })
    }
}

/// The nearest bf16, ties to even, as an f32. NaN stays NaN; beyond 3.39e38 it is infinity.
#[inline(always)]
pub(crate) fn rounded(x: f32) -> f32 {
    let bits = x.to_bits();
    let nearest = bits.wrapping_add(0x7fff + (bits >> 16 & 1));
    // A NaN must not round to infinity.
    let bits = if x.is_nan() { bits | 0x0040_0000 } else { nearest };
    f32::from_bits(bits & 0xffff_0000)
}

/// hi = bf16(x) and lo = bf16(x - hi), so that x = hi + lo within 2^-17 of x; lo of what is not finite is 0.
#[inline(always)]
pub(crate) fn split(x: f32) -> (f32, f32) {
    let hi = rounded(x);
    let lo = rounded(x - hi);
    (hi, if hi.is_finite() { lo } else { 0.0 })
}

/// hi where it multiplies a lo: 0 if it is not finite, for hi hi has said so already, and infinity times a lo of 0 would be NaN.
#[inline(always)]
pub(crate) fn finite(hi: f32) -> f32 {
    if hi.is_finite() { hi } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_to_nearest_even() {
        for (x, want) in [
            (0.0, 0.0),
            (-0.0, -0.0),
            (1.0, 1.0),
            // bf16 has 8 significant bits: its neighbours of 1 are 1 - 2^-8 and 1 + 2^-7.
            (1.0 + 1.0 / 256.0, 1.0),
            (1.0 + 3.0 / 256.0, 1.0 + 1.0 / 64.0),
            (1.0 + 1.0 / 256.0 + f32::EPSILON, 1.0 + 1.0 / 128.0),
            (-1.0 - 3.0 / 256.0, -1.0 - 1.0 / 64.0),
            (f32::INFINITY, f32::INFINITY),
            (f32::NEG_INFINITY, f32::NEG_INFINITY),
            (f32::MAX, f32::INFINITY),
            // The smallest bf16, and half of it: a tie with 0.
            (f32::from_bits(0x0001_0000), f32::from_bits(0x0001_0000)),
            (f32::from_bits(0x0000_8000), 0.0),
        ] {
            assert_eq!(rounded(x).to_bits(), want.to_bits(), "{x}");
        }
        for nan in [0x7f80_0001, 0x7fff_ffff, 0xff80_0001, 0xffff_ffff] {
            assert!(rounded(f32::from_bits(nan)).is_nan(), "{nan:x}");
        }
    }

    #[test]
    fn halves_add_up() {
        let mut worst = 0.0_f64;
        for step in 0..100_000_u32 {
            let x = f32::from_bits(0x3f80_0000 + step * 83);
            let (hi, lo) = split(x);
            assert_eq!((rounded(hi), rounded(lo)), (hi, lo), "both are bf16");
            worst = worst.max((f64::from(x) - f64::from(hi) - f64::from(lo)).abs() / f64::from(x));
        }
        assert!(worst <= 2.0_f64.powi(-17) && worst > 2.0_f64.powi(-19), "{worst}");
        for x in [f32::INFINITY, f32::NEG_INFINITY, f32::MAX] {
            let (hi, lo) = split(x);
            assert_eq!((hi.is_infinite(), lo, finite(hi)), (true, 0.0, 0.0));
        }
        let (hi, lo) = split(f32::NAN);
        assert_eq!((hi.is_nan(), lo, finite(hi)), (true, 0.0, 0.0));
    }

    #[test]
    fn names_are_those_of_the_study_file() {
        assert_eq!(Precision::ALL.map(|precision| precision.to_string()), ["f32", "bf16x3", "bf16"]);
    }
}
