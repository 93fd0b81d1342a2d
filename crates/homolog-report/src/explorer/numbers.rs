//! Numbers for showing: fewer bits, which compress to fewer bytes.

/// Bits of the mantissa that are kept in tables and courses: a relative error of 2^-15, the fifth digit.
const TABLE_BITS: u32 = 14;
/// In lists of best matches: 2^-12, the fourth digit.
const LIST_BITS: u32 = 11;

/// A number of a table.
pub(super) fn for_table(value: f32) -> f32 {
    rounded(value, TABLE_BITS)
}

/// A number of a list.
pub(super) fn for_list(value: f32) -> f32 {
    rounded(value, LIST_BITS)
}

/// To the nearest number with so many bits of mantissa, halves away from zero; NaN and infinity stay.
fn rounded(value: f32, n_bits: u32) -> f32 {
    if !value.is_finite() {
        return value;
    }
    let n_dropped = f32::MANTISSA_DIGITS - 1 - n_bits;
    let rounded = (value.to_bits() + (1 << (n_dropped - 1))) >> n_dropped << n_dropped;
    // Only next to the greatest number can this run over into infinity.
    Some(f32::from_bits(rounded)).filter(|rounded| rounded.is_finite()).unwrap_or(value)
}

/// Activations of some windows as whole numbers from -127 to 127, and the scale: activation = number / 127 * scale.
///
/// Numbers are even, so that the least step is 1/63 of the greatest magnitude; -128 stands where there is no activation (NaN).
pub(super) fn quantised(activations: &[f32], numbers: &mut Vec<i8>) -> f32 {
    const NONE: i8 = i8::MIN;
    const STEP: f32 = 2.0;
    let scale = activations.iter().filter(|value| value.is_finite()).fold(0.0_f32, |most, value| most.max(value.abs()));
    numbers.extend(activations.iter().map(|&value| {
        if !value.is_finite() {
            return NONE;
        }
        // The greatest is 127, which is odd: it alone is exact.
        let number = if scale > 0.0 { value / scale * 127.0 } else { 0.0 };
        if number.abs() >= 127.0 { number.signum() as i8 * 127 } else { ((number / STEP).round() * STEP) as i8 }
    }));
    scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_errs_by_half_a_step_at_most() {
        for at in 0..2000_u32 {
            let value = (at as f32 * 0.37).sin() * 10.0_f32.powi(at as i32 % 20 - 10);
            assert!((for_table(value) - value).abs() <= value.abs() * 2.0_f32.powi(-15), "{value}");
            assert!((for_list(value) - value).abs() <= value.abs() * 2.0_f32.powi(-12), "{value}");
            assert_eq!(for_list(value).to_bits() & 0xfff, 0);
        }
        assert!(for_table(f32::NAN).is_nan());
        assert_eq!(for_table(f32::NEG_INFINITY), f32::NEG_INFINITY);
        assert_eq!(for_table(f32::MAX), f32::MAX);
        assert_eq!(for_table(0.0), 0.0);
        assert_eq!(for_table(0.5), 0.5);
    }

    #[test]
    fn activations_come_back_within_a_step() {
        let activations = [0.0, 3.0, -0.17, f32::NAN, 1.234, 2.99];
        let mut numbers = Vec::new();
        let scale = quantised(&activations, &mut numbers);
        assert_eq!((scale, numbers[1], numbers[3]), (3.0, 127, -128));
        for (number, activation) in numbers.iter().zip(activations).filter(|(_, activation)| activation.is_finite()) {
            assert!((f32::from(*number) / 127.0 * scale - activation).abs() <= scale / 127.0 * 1.001, "{activation}");
        }
        assert!(numbers.iter().all(|number| number.abs_diff(0) == 127 || number % 2 == 0));
    }

    #[test]
    fn silent_windows_have_no_scale() {
        let mut numbers = Vec::new();
        assert_eq!(quantised(&[0.0, f32::NAN], &mut numbers), 0.0);
        assert_eq!(numbers, [0, -128]);
    }
}
