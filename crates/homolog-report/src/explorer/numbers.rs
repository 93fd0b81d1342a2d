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

/// How much of the details is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fineness {
    /// Best matches of a neuron in another model, at most.
    pub(super) max_top_k: usize,
    /// Quantised activations are multiples of this.
    pub(super) step: i8,
    /// Likewise those of matches.
    pub(super) partner_step: i8,
    /// Windows of a neuron, at most.
    pub(super) max_windows: usize,
    /// Of these, those on which matches are shown, at most.
    pub(super) max_partner_windows: usize,
    /// Leading bits of a histogram's counts.
    pub(super) count_bits: u32,
}

impl Fineness {
    /// All that there is.
    pub(super) const FINE: Self = Self {
        max_top_k: usize::MAX,
        step: 1,
        partner_step: 1,
        max_windows: usize::MAX,
        max_partner_windows: usize::MAX,
        count_bits: 32,
    };
    /// For runs of the paper's size, whose details would take more than twice as much: eight windows, activations in steps of a 16th of the
    /// greatest, those of matches of an 8th and on two windows, counts within 7 %.
    pub(super) const COARSE: Self =
        Self { max_top_k: 3, step: 8, partner_step: 16, max_windows: 8, max_partner_windows: 2, count_bits: 4 };
}

/// Activations of some windows as whole numbers from -127 to 127, and the scale: activation = number / 127 * scale.
///
/// The scale is the greatest magnitude among counted tokens; tokens that are not counted stop at it, since the first token of a row can be
/// a hundred times as active as all others. Numbers are multiples of `step`, or +-127; -128 stands where there is no activation (NaN).
pub(super) fn quantised(activations: &[f32], is_counted: &[bool], step: i8, numbers: &mut Vec<i8>) -> f32 {
    const NONE: i8 = i8::MIN;
    const GREATEST: f32 = 127.0;
    let step = f32::from(step);
    let counted = activations.iter().zip(is_counted).filter(|(value, is_counted)| **is_counted && value.is_finite());
    let scale = counted.fold(0.0_f32, |most, (value, _)| most.max(value.abs()));
    numbers.extend(activations.iter().map(|&value| {
        if !value.is_finite() {
            return NONE;
        }
        let number = if scale > 0.0 { value / scale * GREATEST } else { 0.0 };
        // The greatest is exact, and no multiple lies beyond it.
        let multiple = if number.abs() >= GREATEST { number } else { (number / step).round() * step };
        multiple.clamp(-GREATEST, GREATEST) as i8
    }));
    scale
}

/// A count by its leading bits, the rest rounded.
pub(super) fn leading(count: u32, n_bits: u32) -> u32 {
    let n_dropped = (u32::BITS - count.leading_zeros()).saturating_sub(n_bits);
    if n_dropped == 0 {
        return count;
    }
    let rounded = (u64::from(count) + (1 << (n_dropped - 1))) >> n_dropped << n_dropped;
    u32::try_from(rounded).unwrap_or(count)
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
        assert_eq!([for_table(0.0), for_table(0.5)], [0.0, 0.5]);
    }

    #[test]
    fn activations_come_back_within_half_a_step() {
        let activations = [0.0, 3.0, -0.17, f32::NAN, 1.234, 2.99, -3.0];
        for step in [1, 4, 8] {
            let mut numbers = Vec::new();
            let scale = quantised(&activations, &[true; 7], step, &mut numbers);
            assert_eq!((scale, numbers[1], numbers[3], numbers[6]), (3.0, 127, -128, -127));
            for (number, activation) in numbers.iter().zip(activations).filter(|(_, activation)| activation.is_finite())
            {
                let error = (f32::from(*number) / 127.0 * scale - activation).abs();
                assert!(error <= f32::from(step) / 2.0 * scale / 127.0 * 1.001, "{activation} in steps of {step}");
                assert!(number.unsigned_abs() == 127 || number % step == 0, "{number} in steps of {step}");
            }
        }
    }

    #[test]
    fn silent_windows_have_no_scale() {
        let mut numbers = Vec::new();
        assert_eq!(quantised(&[0.0, f32::NAN], &[true; 2], 1, &mut numbers), 0.0);
        assert_eq!(numbers, [0, -128]);
    }

    #[test]
    fn tokens_that_are_not_counted_stop_at_the_greatest_that_is() {
        let mut numbers = Vec::new();
        let activations = [300.0, 1.0, 2.0, -150.0, 0.5];
        let scale = quantised(&activations, &[false, true, true, false, false], 1, &mut numbers);
        assert_eq!((scale, numbers.as_slice()), (2.0, [127, 64, 127, -127, 32].as_slice()));
    }

    #[test]
    fn counts_keep_their_leading_bits() {
        let counts = [0, 1, 31, 32, 33, 1000, u32::MAX];
        assert_eq!(counts.map(|count| leading(count, 32)), counts);
        assert_eq!(counts.map(|count| leading(count, 5)), [0, 1, 31, 32, 34, 992, u32::MAX]);
    }
}
