//! Dashes of lines and symbols of points, by which words are told apart without colour.

use super::canvas::Canvas;

/// Patterns of lines, the first unbroken.
pub(crate) const DASHES: [&str; 6] = ["", "4 2", "1.2 1.6", "6 2 1.2 2", "2.5 1.2", "8 2"];

/// How many symbols [`draw_symbol`] knows.
pub(crate) const N_SYMBOLS: usize = 6;

/// A symbol of about the area of a disc of this radius.
pub(crate) fn draw_symbol(canvas: &mut Canvas, style: usize, (x, y): (f64, f64), radius: f64, attributes: &str) {
    let r = radius;
    let corners: &[(f64, f64)] = match style % N_SYMBOLS {
        0 => return canvas.circle(x, y, r, attributes),
        1 => &[(-0.89, -0.89), (0.89, -0.89), (0.89, 0.89), (-0.89, 0.89)],
        2 => &[(0.0, -1.4), (1.25, 0.8), (-1.25, 0.8)],
        3 => &[(0.0, -1.35), (1.35, 0.0), (0.0, 1.35), (-1.35, 0.0)],
        4 => &[(0.0, 1.4), (1.25, -0.8), (-1.25, -0.8)],
        _ => &[
            (-0.4, -1.3),
            (0.4, -1.3),
            (0.4, -0.4),
            (1.3, -0.4),
            (1.3, 0.4),
            (0.4, 0.4),
            (0.4, 1.3),
            (-0.4, 1.3),
            (-0.4, 0.4),
            (-1.3, 0.4),
            (-1.3, -0.4),
            (-0.4, -0.4),
        ],
    };
    let points: Vec<(f64, f64)> = corners.iter().map(|(dx, dy)| (x + dx * r, y + dy * r)).collect();
    canvas.path(&points, true, attributes);
}
