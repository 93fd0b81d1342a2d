//! Bars: standing or lying, beside each other or stacked.

use crate::figure::{Channel, Mark, ScaleKind};

use super::canvas::{Canvas, Rect};
use super::marks::Frame;
use super::palette::Palette;
use super::scale::{Direction, Domain, has_lying_bars, least_distance};

/// Share of a band that its bars fill.
const FILLED: f64 = 0.8;

/// Offset from the middle of its band, and width, of a row's place among bars that stand beside each other; both on the scale.
pub(crate) fn dodge(frame: &Frame<'_>, domain: &Domain, row: usize) -> Option<(f64, f64)> {
    let (column, band) = (frame.dodge?, domain.band()?);
    // Only along the axis of the bars, of which there is one: both scales are bands only under cells.
    let is_along_bars = match frame.figure.x.kind {
        ScaleKind::Band => std::ptr::eq(domain, frame.x),
        _ => has_lying_bars(frame.figure),
    };
    let Palette::Words { words, .. } = frame.palette else { return None };
    let word = frame.figure.data.column(column)?.word(row)?;
    let i = words.iter().position(|own| *own == word).filter(|_| is_along_bars)?;
    let width = band * FILLED / words.len() as f64;
    Some(((i as f64 + 0.5 - words.len() as f64 / 2.0) * width, width))
}

/// Draws the bars of a mark; says whether there are any.
pub(crate) fn draw(canvas: &mut Canvas, frame: &Frame<'_>, mark: &Mark) -> bool {
    let (along, value) =
        if has_lying_bars(frame.figure) { (Direction::Y, Direction::X) } else { (Direction::X, Direction::Y) };
    let [place, place2, end, end2] = match along {
        Direction::X => [&mark.x, &mark.x2, &mark.y, &mark.y2],
        Direction::Y => [&mark.y, &mark.y2, &mark.x, &mark.x2],
    }
    .map(Option::as_ref);
    let rows = frame.rows(mark);
    let domain = frame.domain(along);
    let half = half_width(frame, domain, place, &rows);
    let mut bars = Vec::new();
    for row in rows {
        let (Some(at), Some(to), Some(color)) =
            (frame.unit(along, place, row), frame.unit(value, end, row), frame.color(mark, row))
        else {
            continue;
        };
        let from = match end2 {
            None => frame.domain(value).baseline(),
            Some(_) => match frame.unit(value, end2, row) {
                Some(from) => from,
                None => continue,
            },
        };
        let sides = if place2.is_some() {
            let Some(other) = frame.unit(along, place2, row) else { continue };
            [at, other]
        } else {
            let half = dodge(frame, domain, row).map_or(half, |(_, width)| width / 2.0);
            [at - half, at + half]
        };
        bars.push((sides, [from, to], color));
    }
    let is_outside = |unit: &f64| !(-1e-9..=1.0 + 1e-9).contains(unit);
    let has_outside = bars.iter().any(|(sides, ends, _)| sides.iter().chain(ends).any(is_outside));
    if has_outside {
        canvas.open_clipped(frame.panel.rect);
    }
    for (sides, ends, color) in &bars {
        let [a, b] = sides.map(|unit| frame.at(along, unit));
        let [c, d] = ends.map(|unit| frame.at(value, unit));
        let ([x1, x2], [y1, y2]) = if along == Direction::X { ([a, b], [c, d]) } else { ([c, d], [a, b]) };
        let rect = Rect { x: x1.min(x2), y: y1.min(y2), width: (x2 - x1).abs(), height: (y2 - y1).abs() };
        canvas.rect(rect, &format!("fill=\"{color}\""));
    }
    if has_outside {
        canvas.close_clipped();
    }
    !bars.is_empty()
}

/// Half the width of a bar that stands alone at its place: of its band, or of the least distance between two.
fn half_width(frame: &Frame<'_>, domain: &Domain, place: Option<&Channel>, rows: &[usize]) -> f64 {
    if let Some(band) = domain.band() {
        return band * FILLED / 2.0;
    }
    let Domain::Numbers { from, to, .. } = domain else { return 0.0 };
    let distance = frame.figure.field(place).and_then(|values| least_distance(values, rows));
    // Of the scale's own length, which on a linear scale is the same everywhere; one bar alone is as wide as its axis made room for.
    distance.unwrap_or(1.0) / (to - from) / 2.0 * 0.96
}
