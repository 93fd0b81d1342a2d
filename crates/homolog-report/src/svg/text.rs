//! Words among the marks: in cells, or beside points where no other word stands.

use crate::figure::{Color, Mark, ScaleKind, Shape, Values};
use crate::font;
use crate::theme::is_dark;

use super::canvas::{Anchor, Canvas, Label, Rect};
use super::marks::Frame;
use super::number::{aligned, rounded};
use super::scale::Direction;

/// Directions in which a word may stand from its point, the most usual first.
const DIRECTIONS: [(f64, f64); 8] =
    [(1.0, 0.0), (0.0, -1.0), (0.0, 1.0), (-1.0, 0.0), (0.8, -0.8), (0.8, 0.8), (-0.8, -0.8), (-0.8, 0.8)];

/// Draws the words of a mark; says whether there are any.
pub(crate) fn draw(canvas: &mut Canvas, frame: &Frame<'_>, mark: &Mark) -> bool {
    let Some(values) = mark.text.as_ref().and_then(|column| frame.figure.data.column(column)) else { return false };
    let is_in_cells = matches!((&frame.figure.x.kind, &frame.figure.y.kind), (ScaleKind::Band, ScaleKind::Band));
    let mut words: Vec<(f64, f64, String, String)> = Vec::new();
    let rows = frame.rows(mark);
    let greatest = rows.iter().filter_map(|&row| values.number(row)).map(f64::abs).fold(0.0, f64::max);
    for row in rows {
        let place = (frame.unit(Direction::X, mark.x.as_ref(), row), frame.unit(Direction::Y, mark.y.as_ref(), row));
        let ((Some(x), Some(y)), Some(color), Some(word)) =
            (place, frame.color(mark, row), written(values, row, is_in_cells.then_some(greatest)))
        else {
            continue;
        };
        let is_inside = |unit: f64| (-1e-9..=1.0 + 1e-9).contains(&unit);
        if !word.is_empty() && is_inside(x) && is_inside(y) {
            let color = if is_in_cells { color_on_cell(frame, mark, row).unwrap_or(color) } else { color };
            words.push((frame.at(Direction::X, x), frame.at(Direction::Y, y), word, color));
        }
    }
    if is_in_cells {
        draw_centred(canvas, frame, &words);
    } else {
        draw_beside(canvas, frame, &words);
    }
    !words.is_empty()
}

/// The word of a row; numbers below each other, of which `greatest` is the greatest, have the same decimals.
fn written(values: &Values, row: usize, greatest: Option<f64>) -> Option<String> {
    match values {
        Values::Numbers(_) => {
            values.number(row).map(|number| greatest.map_or_else(|| rounded(number), |most| aligned(number, most)))
        }
        Values::Words(words) => Some(words[row].clone()),
    }
}

/// White on a dark cell, ink on others, unless the mark asks for a colour of its own.
fn color_on_cell(frame: &Frame<'_>, mark: &Mark, row: usize) -> Option<String> {
    let cell = frame.figure.marks.iter().find(|mark| mark.shape == Shape::Cell)?;
    let under = frame.color(cell, row).filter(|_| mark.color == Color::Ink)?;
    Some(if is_dark(&under) { "#ffffff".to_owned() } else { frame.theme.ink.clone() })
}

/// Written into cells, smaller where they are narrow; where even that does not fit, not at all, for the colours say it too.
fn draw_centred(canvas: &mut Canvas, frame: &Frame<'_>, words: &[(f64, f64, String, String)]) {
    let (Some(band_x), Some(band_y)) = (frame.x.band(), frame.panel.y.band()) else { return };
    let (width, height) = (band_x * frame.panel.rect.width, band_y * frame.panel.rect.height);
    let widest = words.iter().map(|(_, _, word, _)| font::width(word, 1.0)).fold(0.0, f64::max);
    let size = frame.theme.label_size.min((width - 1.5) / widest.max(0.1)).min(height / 1.15);
    if size < 4.0 {
        return;
    }
    for (x, y, word, color) in words {
        let label =
            Label { text: word, x: *x, y: *y, size, anchor: Anchor::Middle, is_turned: false, color, class: "text" };
        canvas.text(&label, None);
    }
}

/// Written beside their points, each where it covers neither another word nor an edge; a word that had to go further has a line.
fn draw_beside(canvas: &mut Canvas, frame: &Frame<'_>, words: &[(f64, f64, String, String)]) {
    let size = frame.theme.label_size;
    let panel = frame.panel.rect;
    let radius = frame.theme.point_radius;
    let mut taken: Vec<Rect> = words
        .iter()
        .map(|&(x, y, ..)| Rect { x: x - radius, y: y - radius, width: 2.0 * radius, height: 2.0 * radius })
        .collect();
    for (x, y, word, color) in words {
        let word = font::elide(word, size, panel.width);
        let candidate = |distance: f64, (dx, dy): (f64, f64)| {
            let anchor = if dx > 0.0 {
                Anchor::Start
            } else if dx < 0.0 {
                Anchor::End
            } else {
                Anchor::Middle
            };
            // Above and below a word has to clear its own height, at the sides only the point.
            let step_y = distance + if dx == 0.0 { size * 0.4 } else { 0.0 };
            Label {
                text: &word,
                x: x + dx * distance,
                y: y + dy * step_y,
                size,
                anchor,
                is_turned: false,
                color,
                class: "text",
            }
        };
        let covered = |label: &Label<'_>| {
            let rect = label.rect();
            let wide = Rect { x: rect.x - 1.0, y: rect.y - 1.0, width: rect.width + 2.0, height: rect.height + 2.0 };
            let n_taken = taken.iter().filter(|other| wide.overlaps(**other)).count();
            n_taken + if panel.contains(rect) { 0 } else { 100 }
        };
        let distances = [radius + 2.0, 8.0, 14.0, 22.0, 32.0, 45.0];
        let candidates = distances.into_iter().flat_map(|distance| DIRECTIONS.map(|direction| (distance, direction)));
        let mut best: Option<(usize, f64, Label<'_>)> = None;
        for (distance, direction) in candidates {
            let label = candidate(distance, direction);
            let n_covered = covered(&label);
            if best.as_ref().is_none_or(|(least, ..)| n_covered < *least) {
                best = Some((n_covered, distance, label));
            }
            if n_covered == 0 {
                break;
            }
        }
        let Some((_, distance, label)) = best else { continue };
        let rect = label.rect();
        if distance > 10.0 {
            let end = (x.clamp(rect.x, rect.right()), y.clamp(rect.y, rect.bottom()));
            let stroke = format!("stroke=\"{}\" stroke-width=\"0.35\"", frame.theme.muted);
            canvas.line([*x, *y, end.0, end.1], &stroke);
        }
        canvas.text(&label, None);
        taken.push(rect);
    }
}
