use crate::figure::Format;

use super::{aligned, compact, rounded, tick};

#[test]
fn ticks_have_the_digits_that_tell_them_apart() {
    let plain = |value, step| tick(value, step, Format::Plain);
    assert_eq!(plain(0.1 + 0.2, 0.1), "0.3");
    assert_eq!(plain(1.0, 0.25), "1.00");
    assert_eq!(plain(-1e-17, 0.2), "0.0");
    assert_eq!(plain(-0.5, 0.5), "−0.5");
    assert_eq!(plain(0.0, 20_000.0), "0");
    assert_eq!(plain(20_000.0, 20_000.0), "20k");
    assert_eq!(plain(1500.0, 500.0), "1.5k");
    assert_eq!(plain(5e6, 1e6), "5M");
    assert_eq!(plain(1_000_002.0, 1.0), "1000.002k");
    assert_eq!(plain(2e-6, 1e-6), "2×10⁻⁶");
    assert_eq!(plain(1.000_000_1, 1e-7), "1.0000001");
    assert_eq!(plain(1e-5, 1e-5), "10⁻⁵");
    assert_eq!(plain(3e12, 1e12), "3×10¹²");
    assert_eq!(tick(0.15, 0.05, Format::Percent), "15%");
    assert_eq!(tick(0.0025, 0.0005, Format::Percent), "0.25%");
}

#[test]
fn numbers_by_themselves_are_short_only_where_nothing_is_lost() {
    let cases = [
        (0.0, "0"),
        (38.0, "38"),
        (1200.0, "1.2k"),
        (1234.0, "1234"),
        (80_000.0, "80k"),
        (5e6, "5M"),
        (397_000.0, "397k"),
        (-0.5, "−0.5"),
        (1e-7, "10⁻⁷"),
    ];
    for (value, written) in cases {
        assert_eq!(compact(value), written);
    }
}

#[test]
fn numbers_among_marks_have_three_digits_that_count() {
    for (value, written) in
        [(0.123_456, "0.123"), (12.345, "12.3"), (0.000_123_4, "0.000123"), (42.0, "42"), (0.0, "0")]
    {
        assert_eq!(rounded(value), written);
    }
    assert_eq!(aligned(-0.001, 1.0), "0.00");
    assert_eq!(aligned(0.895, 1.0), "0.90");
    assert_eq!(aligned(120.4, 730.0), "120");
}
