//! Shapes of marks within one panel.

use std::collections::BTreeMap;

use crate::figure::{Channel, Color, Figure, Mark, ScaleKind, Shape};
use crate::theme::Theme;

use super::bars;
use super::canvas::{Canvas, Rect};
use super::layout::Panel;
use super::legend::style_words;
use super::palette::Palette;
use super::scale::{Direction, Domain};
use super::style::{DASHES, draw_symbol};
use super::text;

/// A panel with what places and colours marks in it.
pub(crate) struct Frame<'a> {
    pub(crate) figure: &'a Figure,
    pub(crate) theme: &'a Theme,
    pub(crate) palette: &'a Palette,
    pub(crate) panel: &'a Panel,
    pub(crate) x: &'a Domain,
    /// Column by whose colours bars stand beside each other.
    pub(crate) dodge: Option<&'a str>,
}

impl Frame<'_> {
    pub(crate) fn domain(&self, direction: Direction) -> &Domain {
        match direction {
            Direction::X => self.x,
            Direction::Y => &self.panel.y,
        }
    }

    /// Place in the figure of a place on a scale.
    pub(crate) fn at(&self, direction: Direction, unit: f64) -> f64 {
        match direction {
            Direction::X => self.panel.rect.x + unit * self.panel.rect.width,
            Direction::Y => self.panel.y_at(unit),
        }
    }

    /// Place on a scale of a channel in a row, none where its value is missing. On a band scale beside grouped bars: in its group.
    pub(crate) fn unit(&self, direction: Direction, channel: Option<&Channel>, row: usize) -> Option<f64> {
        let domain = self.domain(direction);
        match channel? {
            Channel::Value(value) => Some(domain.unit(*value)),
            Channel::Field(name) => {
                let unit = domain.place(self.figure.data.column(name)?, row)?;
                Some(unit + bars::dodge(self, domain, row).map_or(0.0, |(offset, _)| offset))
            }
        }
    }

    /// Rows of a mark in this panel.
    pub(crate) fn rows(&self, mark: &Mark) -> Vec<usize> {
        mark.rows(&self.figure.data).into_iter().filter(|&row| self.panel.is_shown[row]).collect()
    }

    pub(crate) fn color(&self, mark: &Mark, row: usize) -> Option<String> {
        self.palette.color(self.figure, self.theme, mark, row)
    }

    /// Number of a row's dash or symbol.
    fn style(&self, mark: &Mark, words: &[String], row: usize) -> usize {
        let values = mark.style.as_ref().and_then(|column| self.figure.data.column(column));
        let word = values.and_then(|values| values.word(row));
        word.and_then(|word| words.iter().position(|own| *own == word)).unwrap_or(0)
    }
}

/// Draws one mark; says whether anything came of its rows.
pub(crate) fn draw(canvas: &mut Canvas, frame: &Frame<'_>, mark: &Mark) -> bool {
    canvas.open(mark.shape.name(), "");
    let is_drawn = match mark.shape {
        Shape::Line => draw_lines(canvas, frame, mark),
        Shape::Band => draw_bands(canvas, frame, mark),
        Shape::Bar => bars::draw(canvas, frame, mark),
        Shape::Cell => draw_cells(canvas, frame, mark),
        Shape::Hexbin { n_across } => draw_hexagons(canvas, frame, mark, n_across),
        Shape::Point => draw_points(canvas, frame, mark),
        Shape::Rule => draw_rules(canvas, frame, mark),
        Shape::Text => text::draw(canvas, frame, mark),
    };
    canvas.close();
    is_drawn
}

/// Whether a place is in the panel; a hair outside counts, for what was rounded.
fn is_inside(unit: f64) -> bool {
    (-1e-9..=1.0 + 1e-9).contains(&unit)
}

/// Draws within the panel's edges where some place is outside of them.
fn clipped(canvas: &mut Canvas, frame: &Frame<'_>, has_outside: bool, draw: impl FnOnce(&mut Canvas)) {
    if has_outside {
        canvas.open_clipped(frame.panel.rect);
    }
    draw(canvas);
    if has_outside {
        canvas.close_clipped();
    }
}

/// Colour, style, and the places along x of its rows.
type Group = (String, usize, Vec<(f64, usize)>);

/// Rows by colour and style, in order of first appearance, each in order of x.
fn groups(frame: &Frame<'_>, mark: &Mark) -> Vec<Group> {
    let words = mark.style.as_ref().map_or_else(Vec::new, |column| style_words(frame.figure, column));
    let mut index: BTreeMap<(String, usize), usize> = BTreeMap::new();
    let mut groups: Vec<Group> = Vec::new();
    // Words of more categories than colours would share one: lines are told apart by the word, not by its colour.
    let values = match &mark.color {
        Color::Field(name) if matches!(frame.palette, Palette::Words { .. }) => frame.figure.data.column(name),
        _ => None,
    };
    for row in frame.rows(mark) {
        let (Some(color), Some(x)) = (frame.color(mark, row), frame.unit(Direction::X, mark.x.as_ref(), row)) else {
            continue;
        };
        let style = frame.style(mark, &words, row);
        let key =
            values.and_then(|values| values.word(row)).map_or_else(|| color.clone(), std::borrow::Cow::into_owned);
        let group = *index.entry((key, style)).or_insert_with(|| {
            groups.push((color, style, Vec::new()));
            groups.len() - 1
        });
        groups[group].2.push((x, row));
    }
    for (_, _, rows) in &mut groups {
        rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    groups
}

/// Pieces of a row of points that are not parted by a missing one.
fn pieces<T: Copy>(points: impl Iterator<Item = Option<T>>) -> Vec<Vec<T>> {
    let mut pieces = vec![Vec::new()];
    for point in points {
        match (point, pieces.last_mut()) {
            (Some(point), Some(piece)) => piece.push(point),
            _ => pieces.push(Vec::new()),
        }
    }
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

fn draw_lines(canvas: &mut Canvas, frame: &Frame<'_>, mark: &Mark) -> bool {
    let theme = frame.theme;
    let mut is_drawn = false;
    for (color, style, rows) in groups(frame, mark) {
        let places = rows.iter().map(|&(x, row)| Some((x, frame.unit(Direction::Y, mark.y.as_ref(), row)?)));
        let pieces = pieces(places);
        is_drawn |= !pieces.is_empty();
        let has_outside = pieces.iter().flatten().any(|&(x, y)| !is_inside(x) || !is_inside(y));
        clipped(canvas, frame, has_outside, |canvas| {
            for piece in &pieces {
                let points: Vec<(f64, f64)> =
                    piece.iter().map(|&(x, y)| (frame.at(Direction::X, x), frame.at(Direction::Y, y))).collect();
                if let [(x, y)] = points[..] {
                    // A line through one point would not be seen.
                    canvas.circle(x, y, theme.line_width * 1.1, &format!("fill=\"{color}\""));
                    continue;
                }
                let dash = DASHES[style % DASHES.len()];
                let dash = if dash.is_empty() { String::new() } else { format!(" stroke-dasharray=\"{dash}\"") };
                let attributes = format!(
                    "fill=\"none\" stroke=\"{color}\" stroke-width=\"{}\" stroke-linejoin=\"round\"{dash}",
                    theme.line_width
                );
                canvas.path(&points, false, &attributes);
            }
        });
    }
    is_drawn
}

fn draw_bands(canvas: &mut Canvas, frame: &Frame<'_>, mark: &Mark) -> bool {
    let mut is_drawn = false;
    for (color, _, rows) in groups(frame, mark) {
        let places = rows.iter().map(|&(x, row)| {
            let y = frame.unit(Direction::Y, mark.y.as_ref(), row)?;
            Some((x, y, frame.unit(Direction::Y, mark.y2.as_ref(), row)?))
        });
        let pieces = pieces(places);
        is_drawn |= !pieces.is_empty();
        let has_outside =
            pieces.iter().flatten().any(|&(x, y, y2)| [x, y, y2].into_iter().any(|unit| !is_inside(unit)));
        let attributes = format!("fill=\"{color}\" fill-opacity=\"{}\"", frame.theme.band_opacity);
        clipped(canvas, frame, has_outside, |canvas| {
            for piece in &pieces {
                let edge = |piece: &(f64, f64, f64), y: f64, shift: f64| {
                    (frame.at(Direction::X, piece.0) + shift, frame.at(Direction::Y, y))
                };
                // A band at one place would have no width.
                let half = if piece.len() == 1 { 2.0 } else { 0.0 };
                let mut points: Vec<(f64, f64)> = piece.iter().map(|place| edge(place, place.1, -half)).collect();
                if half > 0.0 {
                    points.push(edge(&piece[0], piece[0].1, half));
                }
                points.extend(piece.iter().rev().map(|place| edge(place, place.2, half)));
                if half > 0.0 {
                    points.push(edge(&piece[0], piece[0].2, -half));
                }
                canvas.path(&points, true, &attributes);
            }
        });
    }
    is_drawn
}

fn draw_cells(canvas: &mut Canvas, frame: &Frame<'_>, mark: &Mark) -> bool {
    let (Some(band_x), Some(band_y)) = (frame.x.band(), frame.panel.y.band()) else { return false };
    let (width, height) = (band_x * frame.panel.rect.width, band_y * frame.panel.rect.height);
    let mut cells = Vec::new();
    for row in frame.rows(mark) {
        let place = (frame.unit(Direction::X, mark.x.as_ref(), row), frame.unit(Direction::Y, mark.y.as_ref(), row));
        let ((Some(x), Some(y)), Some(color)) = (place, frame.color(mark, row)) else { continue };
        cells.push((frame.at(Direction::Y, y) - height / 2.0, frame.at(Direction::X, x) - width / 2.0, color));
    }
    cells.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    // Each reaches a hair under its neighbours to the right and below, which are drawn later: viewers leave no seams between them.
    let panel = frame.panel.rect;
    canvas.open("cells", "shape-rendering=\"crispEdges\"");
    for (y, x, color) in &cells {
        let rect = Rect {
            x: *x,
            y: *y,
            width: (width + 0.25).min(panel.right() - x),
            height: (height + 0.25).min(panel.bottom() - y),
        };
        canvas.rect(rect, &format!("fill=\"{color}\""));
    }
    canvas.close();
    !cells.is_empty()
}

fn draw_hexagons(canvas: &mut Canvas, frame: &Frame<'_>, mark: &Mark, n_across: u32) -> bool {
    let width = frame.panel.rect.width / f64::from(n_across);
    let radius = width / 3.0_f64.sqrt();
    let mut hexagons = Vec::new();
    for row in frame.rows(mark) {
        let place = (frame.unit(Direction::X, mark.x.as_ref(), row), frame.unit(Direction::Y, mark.y.as_ref(), row));
        let ((Some(x), Some(y)), Some(color)) = (place, frame.color(mark, row)) else { continue };
        hexagons.push((frame.at(Direction::X, x), frame.at(Direction::Y, y), color));
    }
    // Those at the edges stand out of the panel by a part.
    clipped(canvas, frame, true, |canvas| {
        for (x, y, color) in &hexagons {
            let (half, quarter) = (width / 2.0, radius / 2.0);
            let corners =
                [(0.0, -radius), (half, -quarter), (half, quarter), (0.0, radius), (-half, quarter), (-half, -quarter)];
            let points: Vec<(f64, f64)> = corners.iter().map(|(dx, dy)| (x + dx, y + dy)).collect();
            canvas.path(&points, true, &format!("fill=\"{color}\" stroke=\"{color}\" stroke-width=\"0.35\""));
        }
    });
    !hexagons.is_empty()
}

fn draw_points(canvas: &mut Canvas, frame: &Frame<'_>, mark: &Mark) -> bool {
    let words = mark.style.as_ref().map_or_else(Vec::new, |column| style_words(frame.figure, column));
    let mut is_drawn = false;
    for row in frame.rows(mark) {
        let place = (frame.unit(Direction::X, mark.x.as_ref(), row), frame.unit(Direction::Y, mark.y.as_ref(), row));
        let ((Some(x), Some(y)), Some(color)) = (place, frame.color(mark, row)) else { continue };
        if !is_inside(x) || !is_inside(y) {
            continue;
        }
        let at = (frame.at(Direction::X, x), frame.at(Direction::Y, y));
        let attributes = format!("fill=\"{color}\" fill-opacity=\"{}\"", frame.theme.point_opacity);
        draw_symbol(canvas, frame.style(mark, &words, row), at, frame.theme.point_radius, &attributes);
        is_drawn = true;
    }
    is_drawn
}

fn draw_rules(canvas: &mut Canvas, frame: &Frame<'_>, mark: &Mark) -> bool {
    let has_field = mark.positions().iter().any(|(_, channel)| matches!(channel, Some(Channel::Field(_))));
    let mut rows = frame.rows(mark);
    let is_colored = matches!(mark.color, Color::Field(_));
    if !has_field && !is_colored {
        // The same for every row, and there even without one.
        rows = vec![0];
    }
    let mut is_drawn = false;
    for row in rows {
        let Some(color) = frame.color(mark, row) else { continue };
        let unit = |direction, channel: &Option<Channel>| match channel {
            None => Some(None),
            some => frame.unit(direction, some.as_ref(), row).map(Some),
        };
        let x_ends = (unit(Direction::X, &mark.x), unit(Direction::X, &mark.x2));
        let y_ends = (unit(Direction::Y, &mark.y), unit(Direction::Y, &mark.y2));
        // A missing value: there is no telling where the rule would be.
        let ((Some(x), Some(x2)), (Some(y), Some(y2))) = (x_ends, y_ends) else { continue };
        let ends = match (x, y) {
            (Some(x), Some(y)) => [x, x2.unwrap_or(x), y, y2.unwrap_or(y)],
            (Some(x), None) => [x, x, 0.0, 1.0],
            (None, Some(y)) => [0.0, 1.0, y, y],
            (None, None) => continue,
        };
        let outside = ends.iter().any(|&end| !is_inside(end));
        let [x, x2] = [ends[0], ends[1]].map(|unit| frame.at(Direction::X, unit));
        let [y, y2] = [ends[2], ends[3]].map(|unit| frame.at(Direction::Y, unit));
        let attributes = format!("stroke=\"{color}\" stroke-width=\"{}\"", frame.theme.axis_width * 1.2);
        clipped(canvas, frame, outside, |canvas| canvas.line([x, y, x2, y2], &attributes));
        is_drawn |= has_field;
    }
    is_drawn
}

/// The column by whose colours bars stand beside each other: where some place of a band scale has bars of more than one colour.
pub(crate) fn dodge_column<'a>(figure: &'a Figure, palette: &Palette) -> Option<&'a str> {
    if !matches!(palette, Palette::Words { .. }) {
        return None;
    }
    figure.marks.iter().filter(|mark| mark.shape == Shape::Bar).find_map(|mark| {
        let lies = super::scale::has_lying_bars(figure);
        let (place, kind, second) =
            if lies { (&mark.y, &figure.y.kind, &mark.x2) } else { (&mark.x, &figure.x.kind, &mark.y2) };
        let (Color::Field(color), Some(Channel::Field(place)), ScaleKind::Band, None) =
            (&mark.color, place, kind, second)
        else {
            return None;
        };
        let (colors, places) = (figure.data.column(color)?, figure.data.column(place)?);
        let mut first: BTreeMap<String, String> = BTreeMap::new();
        let is_shared = mark.rows(&figure.data).into_iter().any(|row| {
            let (Some(place), Some(color)) = (places.word(row), colors.word(row)) else { return false };
            *first.entry(place.into_owned()).or_insert_with(|| color.to_string()) != color
        });
        is_shared.then_some(color.as_str())
    })
}
