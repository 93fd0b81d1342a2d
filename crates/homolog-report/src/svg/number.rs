//! How numbers are written on axes and legends.

use crate::figure::Format;
use crate::rows::shortest;

/// A tick at `value` of a scale whose ticks are `step` apart: all digits that tell neighbours apart, and no more.
pub(crate) fn tick(value: f64, step: f64, format: Format) -> String {
    // What should be zero came out of a sum of steps.
    let value = if value.abs() < step * 1e-6 { 0.0 } else { value };
    if format == Format::Percent {
        return signed(&format!("{:.*}%", decimals(step * 100.0), value * 100.0));
    }
    let size = value.abs();
    if value == 0.0 && !(1e-4..1.0).contains(&step) {
        return "0".to_owned();
    }
    for (unit, letter) in [(1e6, "M"), (1e3, "k")] {
        if size >= unit * 0.999_999_999 && size < 1e9 && decimals(step / unit) <= 3 {
            return signed(&format!("{}{letter}", trimmed(&format!("{:.*}", decimals(step / unit), value / unit))));
        }
    }
    // Of a small step at a greater value a power of ten would spare no digit: 1.0000001, not 1.0000001×10⁰.
    if (step < 1e-4 && size < 1e-2) || size >= 1e9 {
        return scientific(value, step);
    }
    signed(&format!("{:.*}", decimals(step), value))
}

/// A number that stands by itself, such as the checkpoint of a band or a legend: `80k` for 80,000, all digits where fewer would not do.
pub(crate) fn compact(value: f64) -> String {
    let size = value.abs();
    for (unit, letter) in [(1e9, "G"), (1e6, "M"), (1e3, "k")] {
        let scaled = shortest((value / unit * 1e6).round() / 1e6);
        let n_digits = scaled.bytes().filter(u8::is_ascii_digit).count();
        if size >= unit
            && n_digits <= 3
            && scaled.parse().is_ok_and(|back: f64| (back * unit - value).abs() < unit * 1e-9)
        {
            return signed(&format!("{scaled}{letter}"));
        }
    }
    if value != 0.0 && !(1e-4..1e12).contains(&size) {
        scientific(value, size * 1e-2)
    } else {
        signed(&shortest(value))
    }
}

/// Numbers in cells: the same decimals for all of them, so that they can be compared.
pub(crate) fn aligned(value: f64, greatest: f64) -> String {
    if greatest >= 1e4 || (greatest > 0.0 && greatest < 1e-3) {
        return rounded(value);
    }
    let n_decimals = match greatest {
        0.0 | 100.0.. => 0,
        10.0.. => 1,
        0.1.. => 2,
        _ => 4,
    };
    let text = format!("{value:.n_decimals$}");
    let is_zero = text.bytes().all(|byte| matches!(byte, b'-' | b'0' | b'.'));
    if is_zero { text.replace('-', "") } else { signed(&text) }
}

/// A number among marks: three digits that count.
pub(crate) fn rounded(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let exponent = value.abs().log10().floor();
    let unit = 10_f64.powf(exponent - 2.0);
    if value.fract() == 0.0 && exponent < 6.0 {
        return compact(value);
    }
    if exponent >= 3.0 {
        return compact((value / unit).round() * unit);
    }
    if exponent < -4.0 {
        return scientific(value, unit);
    }
    signed(&trimmed(&format!("{:.*}", (2.0 - exponent).max(0.0) as usize, value)))
}

/// `2×10⁻⁶`, or `10⁻⁶`.
fn scientific(value: f64, step: f64) -> String {
    let mut exponent = value.abs().log10().floor();
    // 9.9999999 is 10.
    if value.abs() / 10_f64.powf(exponent) > 9.999_999_99 {
        exponent += 1.0;
    }
    let unit = 10_f64.powf(exponent);
    let mantissa = trimmed(&format!("{:.*}", decimals(step / unit), value / unit));
    let power: String = format!("{exponent}").chars().map(superscript).collect();
    match mantissa.as_str() {
        "1" => format!("10{power}"),
        "-1" => format!("−10{power}"),
        _ => signed(&format!("{mantissa}×10{power}")),
    }
}

fn superscript(character: char) -> char {
    match character {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        digit => char::from_u32('⁰' as u32 + digit.to_digit(10).unwrap_or(0)).unwrap_or(digit),
    }
}

/// Decimals that tell multiples of `step` apart.
fn decimals(step: f64) -> usize {
    (0..12)
        .find(|&n| {
            let scaled = step * 10_f64.powi(n);
            scaled.round() >= 1.0 && (scaled - scaled.round()).abs() < 1e-6 * scaled.max(1.0)
        })
        .unwrap_or(12) as usize
}

fn trimmed(text: &str) -> String {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text.to_owned() }
}

/// With the minus sign of typography instead of a hyphen.
fn signed(text: &str) -> String {
    text.replace('-', "−")
}

#[cfg(test)]
mod tests;
