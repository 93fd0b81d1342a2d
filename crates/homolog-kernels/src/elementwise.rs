//! Scalar functions written so that loops over them vectorise, and the macro that compiles such a loop once per
//! instruction set. No fused multiply-add is asked for, so all sets give the same bits.

/// e^x within 2 ulp: 2^n times a degree-5 polynomial on |r| <= ln(2)/2 (coefficients: Cephes `expf`, S. Moshier).
/// NaN stays NaN; 0 below -87.3 (no subnormals), infinity above 88.3.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    // Adding 1.5 * 2^23 leaves round(x / ln 2) in the low mantissa bits: rounding without a conversion instruction.
    const ROUND: f32 = 12_582_912.0;
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = x - n * LN2_HIGH - n * LN2_LOW;
    let mut p = 1.987_569_1e-4_f32;
    p = p * r + 1.398_2e-3;
    p = p * r + 8.333_452e-3;
    p = p * r + 4.166_579_6e-2;
    p = p * r + 1.666_666_5e-1;
    p = p * r + 0.5;
    let p = p * (r * r) + r + 1.0;
    let power_of_two = f32::from_bits(shifted.to_bits().wrapping_add(127) << 23);
    if x > 88.3 {
        f32::INFINITY
    } else if x < -87.3 {
        0.0
    } else {
        p * power_of_two
    }
}

// Plain loops over arrays below: an iterator's own functions are not always inlined into one that enables an instruction set, and were
// seventh of a small model's training step.

/// Sum of products in the order of [`lane_sum`]. Both slices have the same length.
#[inline(always)]
pub(crate) fn lane_dot(a: &[f32], b: &[f32]) -> f32 {
    debug_assert_eq!(a.len(), b.len(), "lane_dot lengths");
    let mut lanes = [0.0_f32; 16];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<16>(), b.as_chunks::<16>());
    for chunk in 0..a.len() {
        for i in 0..16 {
            lanes[i] += a[chunk][i] * b[chunk][i];
        }
    }
    for i in 0..a_rest.len() {
        lanes[i] += a_rest[i] * b_rest[i];
    }
    lane_total(lanes)
}

/// Sum in 16 lanes, then a fixed tree: vectorises, and the order is the same on every machine.
#[inline(always)]
pub(crate) fn lane_sum(values: &[f32], term: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0.0_f32; 16];
    let (chunks, rest) = values.as_chunks::<16>();
    for chunk in chunks {
        for i in 0..16 {
            lanes[i] += term(chunk[i]);
        }
    }
    for i in 0..rest.len() {
        lanes[i] += term(rest[i]);
    }
    lane_total(lanes)
}

/// Sum of 16 lanes by a fixed tree.
#[inline(always)]
pub(crate) fn lane_total(mut lanes: [f32; 16]) -> f32 {
    for width in [8, 4, 2, 1] {
        for lane in 0..width {
            lanes[lane] += lanes[lane + width];
        }
    }
    lanes[0]
}

/// Largest value; NaN if any value is NaN. `values` must not be empty.
#[inline(always)]
pub(crate) fn lane_max(values: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; 16];
    let larger = |a: f32, b: f32| if b > a || b.is_nan() { b } else { a };
    let (chunks, rest) = values.as_chunks::<16>();
    for chunk in chunks {
        for i in 0..16 {
            lanes[i] = if chunk[i] > lanes[i] || chunk[i].is_nan() { chunk[i] } else { lanes[i] };
        }
    }
    for &value in rest {
        lanes[0] = larger(lanes[0], value);
    }
    lanes.into_iter().reduce(larger).expect("sixteen lanes")
}

/// Define `fn name(args)` that runs `body` compiled for the instruction set in force.
macro_rules! per_isa {
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $body:block) => {
        $(#[$meta])*
        $vis fn $name($($arg: $ty),*) {
            #[inline(always)]
            fn body($($arg: $ty),*) $body

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn avx2($($arg: $ty),*) { body($($arg),*) }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,avx512f")]
            fn avx512($($arg: $ty),*) { body($($arg),*) }

            match $crate::isa::Isa::current() {
                // SAFETY: `Isa::current` returns only sets that the CPU reports.
                #[cfg(target_arch = "x86_64")]
                $crate::isa::Isa::Avx512 | $crate::isa::Isa::Amx => unsafe { avx512($($arg),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                $crate::isa::Isa::Avx2 => unsafe { avx2($($arg),*) },
                _ => body($($arg),*),
            }
        }
    };
}
pub(crate) use per_isa;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_within_two_ulp() {
        let mut worst = 0.0_f64;
        for step in 0..1_700_000 {
            let x = -86.0 + step as f32 * 1e-4;
            let want = f64::from(x).exp();
            let error = (f64::from(exp(x)) - want).abs() / (want * f64::from(f32::EPSILON));
            assert!(error <= 2.0, "x {x}: {error} epsilon");
            worst = worst.max(error);
        }
        // A wrong coefficient would be far beyond; a perfect result would mean the comparison does not see anything.
        assert!(worst > 0.1);
    }

    #[test]
    fn exp_carries_the_ends() {
        assert!(exp(f32::NAN).is_nan());
        assert_eq!((exp(f32::NEG_INFINITY), exp(f32::INFINITY)), (0.0, f32::INFINITY));
        assert_eq!(exp(0.0), 1.0);
    }

    #[test]
    fn lanes_sum_and_max_over_ragged_lengths() {
        for n in [1, 15, 16, 17, 63, 64, 65] {
            let values: Vec<f32> = (0..n).map(|i| ((i * 7) % 11) as f32).collect();
            assert_eq!(lane_sum(&values, |x| x), values.iter().sum::<f32>(), "n {n}");
            assert_eq!(lane_max(&values), values.iter().copied().fold(0.0, f32::max), "n {n}");
            let mut holed = values;
            holed[n / 2] = f32::NAN;
            assert!(lane_max(&holed).is_nan() && lane_sum(&holed, |x| x).is_nan(), "n {n}");
        }
    }
}
