//! Legends: what colours and styles mean. They stand outside of the panels, never on data.

use crate::figure::{Channel, Color, Figure, Mark, Scale, ScaleKind, Shape};
use crate::font::{self, CAP_HEIGHT, LINE_HEIGHT};
use crate::rows::distinct;
use crate::theme::Theme;

use super::canvas::{Anchor, Canvas, Label, Rect};
use super::palette::Palette;
use super::scale::{Domain, Spread};
use super::style::{DASHES, draw_symbol};
use super::ticks::{Line, is_series, ticks, word_label};

/// More ordered words than this are told by a bar of steps, if they count up: a bar may leave some labels out.
const MOST_SWATCHES: usize = 8;
/// Thickness of a colour bar.
const BAR: f64 = 8.0;
/// Longest colour bar, and longest side by side with a figure.
const BAR_LENGTH: f64 = 130.0;
/// Longest word beside a colour bar.
const LONGEST: f64 = 90.0;

/// One legend.
#[derive(Clone, Debug)]
pub(crate) enum Legend {
    /// A swatch and a word each.
    Swatches { title: String, entries: Vec<(Swatch, String)> },
    /// A bar with ticks.
    Bar { title: String, domain: Domain, colors: Vec<String> },
}

/// What stands before a word of a legend.
#[derive(Clone, Debug)]
pub(crate) struct Swatch {
    shape: Shape,
    color: String,
    style: usize,
}

/// Every legend that a figure needs: that of its colours, and one for each column of styles that is not the colours'.
pub(crate) fn legends(figure: &Figure, theme: &Theme, palette: &Palette) -> Vec<Legend> {
    let mut legends = Vec::new();
    let colored: Vec<&Mark> = figure.marks.iter().filter(|mark| matches!(mark.color, Color::Field(_))).collect();
    let title = figure.color.as_ref().map_or("", |color| color.title.as_str()).to_owned();
    let color_column = colored.iter().find_map(|mark| match &mark.color {
        Color::Field(name) => Some(name),
        _ => None,
    });
    match palette {
        Palette::Words { words, colors, is_ordered } if !words.is_empty() && !is_on_axis(figure) => {
            let labels: Vec<String> = words.iter().map(|word| word_label(word)).collect();
            if *is_ordered && words.len() > MOST_SWATCHES && is_series(&labels) {
                legends.push(Legend::Bar { title, domain: Domain::Words(words.clone()), colors: colors.clone() });
            } else {
                let shape = swatch_shape(colored.iter().copied());
                let is_styled = colored.iter().any(|mark| mark.style.is_some() && mark.style.as_ref() == color_column);
                let swatch =
                    |i: usize| Swatch { shape, color: colors[i].clone(), style: if is_styled { i } else { 0 } };
                let entries = words.iter().enumerate().map(|(i, word)| (swatch(i), word_label(word))).collect();
                legends.push(Legend::Swatches { title, entries });
            }
        }
        Palette::Numbers(domain) if !colored.is_empty() => {
            let colors = (0..64).map(|i| theme.sequence_at((f64::from(i) + 0.5) / 64.0)).collect();
            legends.push(Legend::Bar { title, domain: domain.clone(), colors });
        }
        _ => {}
    }
    let mut styles: Vec<&String> = Vec::new();
    for column in figure.marks.iter().filter_map(|mark| mark.style.as_ref()) {
        if Some(column) != color_column && !styles.contains(&column) {
            styles.push(column);
        }
    }
    for column in styles {
        let styled: Vec<&Mark> = figure.marks.iter().filter(|mark| mark.style.as_ref() == Some(column)).collect();
        let shape = swatch_shape(styled.iter().copied());
        let words = style_words(figure, column);
        let swatch = |style| Swatch { shape, color: theme.ink.clone(), style };
        let entries = words.iter().enumerate().map(|(i, word)| (swatch(i), word_label(word))).collect();
        legends.push(Legend::Swatches { title: spoken(column), entries });
    }
    legends
}

/// A column's name as a title.
pub(crate) fn spoken(column: &str) -> String {
    let mut characters = column.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}", characters.as_str().replace('_', " "))
}

/// The words of a column of styles, in order.
pub(crate) fn style_words(figure: &Figure, column: &str) -> Vec<String> {
    let Some(values) = figure.data.column(column) else { return Vec::new() };
    let marks = figure.marks.iter().filter(|mark| mark.style.as_deref() == Some(column));
    let mut rows: Vec<usize> = marks.flat_map(|mark| mark.rows(&figure.data)).collect();
    rows.sort_unstable();
    rows.dedup();
    distinct(values, rows.into_iter())
}

/// Whether the words of all colours already stand on a band axis.
pub(crate) fn is_on_axis(figure: &Figure) -> bool {
    let is_axis = |channel: &Option<Channel>, scale: &Scale, name: &str| {
        matches!(scale.kind, ScaleKind::Band) && *channel == Some(Channel::Field(name.to_owned()))
    };
    figure.marks.iter().all(|mark| match &mark.color {
        Color::Field(name) => is_axis(&mark.x, &figure.x, name) || is_axis(&mark.y, &figure.y, name),
        _ => true,
    })
}

/// Lines say most about what to look for, then points, then areas.
fn swatch_shape<'a>(marks: impl Iterator<Item = &'a Mark>) -> Shape {
    let rank = |shape: Shape| match shape {
        Shape::Line => 0,
        Shape::Point => 1,
        Shape::Bar | Shape::Cell | Shape::Hexbin { .. } | Shape::Band => 2,
        Shape::Rule | Shape::Text => 3,
    };
    marks.map(|mark| mark.shape).min_by_key(|&shape| rank(shape)).unwrap_or(Shape::Bar)
}

/// Places of a legend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Right,
    Above,
}

impl Legend {
    fn title(&self) -> &str {
        match self {
            Self::Swatches { title, .. } | Self::Bar { title, .. } => title,
        }
    }

    /// Width that it would like to have on the right, beside panels that give a colour bar this height.
    pub(crate) fn natural_width(&self, theme: &Theme, height: f64) -> f64 {
        let body = match self {
            Self::Swatches { entries, .. } => {
                let widest = entries.iter().map(|(_, word)| font::width(word, theme.label_size)).fold(0.0, f64::max);
                entries.first().map_or(0.0, |(swatch, _)| swatch.width()) + 4.0 + widest
            }
            Self::Bar { domain, .. } => {
                let ticks = ticks(domain, bar_height(height), Line::Down, theme.label_size, LONGEST);
                let labels = ticks.ticks.iter().map(|tick| font::width(&tick.label, theme.label_size));
                BAR + theme.tick_length + 2.0 + labels.fold(0.0, f64::max)
            }
        };
        // A title may be wrapped, a word of it not.
        let words = self.title().split_whitespace().map(|word| font::width(word, theme.title_size));
        body.max(words.fold(0.0, f64::max)).max(font::width(self.title(), theme.title_size).min(70.0))
    }

    /// Draws it with its upper left corner at `at` and returns its height; without a canvas it is only measured.
    pub(crate) fn draw(&self, mut canvas: Option<&mut Canvas>, theme: &Theme, at: Rect, side: Side) -> f64 {
        if let Some(canvas) = canvas.as_deref_mut() {
            canvas.open("legend", "");
        }
        let height = match (self, side) {
            (Self::Swatches { entries, .. }, Side::Right) => {
                let top = self.draw_title(canvas.as_deref_mut(), theme, at);
                let step = theme.label_size * 1.35;
                for (i, (swatch, word)) in entries.iter().enumerate() {
                    let middle = at.y + top + (i as f64 + 0.5) * step;
                    draw_entry(canvas.as_deref_mut(), theme, swatch, word, Rect { y: middle, ..at });
                }
                top + step * entries.len() as f64
            }
            (Self::Swatches { entries, .. }, Side::Above) => self.draw_flow(canvas.as_deref_mut(), theme, entries, at),
            (Self::Bar { domain, colors, .. }, Side::Right) => {
                let top = self.draw_title(canvas.as_deref_mut(), theme, at) + theme.label_size * 0.4;
                let bar = Rect { x: at.x, y: at.y + top, width: BAR, height: bar_height(at.height) };
                if let Some(canvas) = canvas.as_deref_mut() {
                    draw_bar(canvas, theme, domain, colors, bar, side);
                }
                top + bar.height + theme.label_size * 0.5
            }
            (Self::Bar { domain, colors, .. }, Side::Above) => {
                let top = self.draw_title(canvas.as_deref_mut(), theme, at);
                // Half of a label may stand out on either side.
                let inset = widest_label(domain, theme, at.width.min(BAR_LENGTH)) / 2.0;
                let width = (at.width - 2.0 * inset).clamp(20.0, BAR_LENGTH);
                let bar = Rect { x: at.x + inset, y: at.y + top, width, height: BAR * 0.75 };
                if let Some(canvas) = canvas.as_deref_mut() {
                    draw_bar(canvas, theme, domain, colors, bar, side);
                }
                top + bar.height + theme.tick_length + theme.label_size * 1.3
            }
        };
        if let Some(canvas) = canvas {
            canvas.close();
        }
        height
    }

    /// The title, wrapped; returns the height that it takes.
    fn draw_title(&self, mut canvas: Option<&mut Canvas>, theme: &Theme, at: Rect) -> f64 {
        let lines = font::wrap(self.title(), theme.title_size, at.width);
        let step = theme.title_size * LINE_HEIGHT;
        for (i, line) in lines.iter().enumerate() {
            if let Some(canvas) = canvas.as_deref_mut() {
                let y = at.y + (i as f64 + 0.5) * step;
                let label = Label {
                    text: line,
                    x: at.x,
                    y,
                    size: theme.title_size,
                    anchor: Anchor::Start,
                    is_turned: false,
                    color: &theme.ink,
                    class: "legend-title",
                };
                canvas.text(&label, Some(self.title()));
            }
        }
        lines.len() as f64 * step + if lines.is_empty() { 0.0 } else { 2.0 }
    }

    /// Title and entries one after another, in as many rows as they need; returns their height.
    fn draw_flow(&self, mut canvas: Option<&mut Canvas>, theme: &Theme, entries: &[(Swatch, String)], at: Rect) -> f64 {
        let gap = 10.0;
        let step = theme.title_size * 1.35;
        let title_width = font::width(self.title(), theme.title_size);
        let widths: Vec<f64> = entries
            .iter()
            .map(|(swatch, word)| (swatch.width() + 4.0 + font::width(word, theme.label_size)).min(at.width))
            .collect();
        let total = widths.iter().map(|width| width + gap).sum::<f64>() - gap;
        let is_beside_title = title_width + gap + total <= at.width;
        let mut top = 0.0;
        if is_beside_title {
            // On the line of the entries.
            let rect = Rect { y: at.y + (step - theme.title_size * LINE_HEIGHT) / 2.0, ..at };
            self.draw_title(canvas.as_deref_mut(), theme, rect);
        } else {
            top = self.draw_title(canvas.as_deref_mut(), theme, at);
        }
        // More than one row of entries is easier to read in columns.
        let is_one_row = is_beside_title || total <= at.width;
        let widest = widths.iter().copied().fold(0.0, f64::max);
        let n_columns = (((at.width + gap) / (widest + gap)).floor() as usize).max(1);
        let start = if is_beside_title && title_width > 0.0 { title_width + gap } else { 0.0 };
        let mut x = at.x + start;
        for (i, (swatch, word)) in entries.iter().enumerate() {
            let (place_x, row) =
                if is_one_row { (x, 0) } else { (at.x + (i % n_columns) as f64 * (widest + gap), i / n_columns) };
            let place = Rect { x: place_x, y: at.y + top + (row as f64 + 0.5) * step, width: widths[i], height: 0.0 };
            draw_entry(canvas.as_deref_mut(), theme, swatch, word, place);
            x += widths[i] + gap;
        }
        let n_rows = if is_one_row { 1 } else { entries.len().div_ceil(n_columns) };
        top + n_rows as f64 * step + 2.0
    }
}

impl Swatch {
    fn width(&self) -> f64 {
        match self.shape {
            Shape::Line | Shape::Rule => 14.0,
            Shape::Point => 5.0,
            _ => 8.0,
        }
    }
}

/// Height of a colour bar that stands in so much room: its ticks depend on it.
fn bar_height(room: f64) -> f64 {
    room.clamp(40.0, BAR_LENGTH)
}

fn widest_label(domain: &Domain, theme: &Theme, length: f64) -> f64 {
    let ticks = ticks(domain, length, Line::Across, theme.label_size, LONGEST);
    ticks.ticks.iter().map(|tick| font::width(&tick.label, theme.label_size)).fold(0.0, f64::max)
}

/// Swatch and word; `at.y` is their middle.
fn draw_entry(canvas: Option<&mut Canvas>, theme: &Theme, swatch: &Swatch, word: &str, at: Rect) {
    let Some(canvas) = canvas else { return };
    let color = &swatch.color;
    match swatch.shape {
        Shape::Line | Shape::Rule => {
            let dash = DASHES[swatch.style % DASHES.len()];
            let dash = if dash.is_empty() { String::new() } else { format!(" stroke-dasharray=\"{dash}\"") };
            let attributes = format!("stroke=\"{color}\" stroke-width=\"{}\"{dash}", theme.line_width * 1.3);
            canvas.line([at.x, at.y, at.x + swatch.width(), at.y], &attributes);
        }
        Shape::Point => draw_symbol(
            canvas,
            swatch.style,
            (at.x + swatch.width() / 2.0, at.y),
            theme.point_radius * 1.3,
            &format!("fill=\"{color}\""),
        ),
        _ => {
            let height = theme.label_size * CAP_HEIGHT * 1.1;
            let rect = Rect { x: at.x, y: at.y - height / 2.0, width: swatch.width(), height };
            canvas.rect(rect, &format!("fill=\"{color}\""));
        }
    }
    let text = font::elide(word, theme.label_size, at.right() - (at.x + swatch.width() + 4.0) + 0.01);
    let label = Label {
        text: &text,
        x: at.x + swatch.width() + 4.0,
        y: at.y,
        size: theme.label_size,
        anchor: Anchor::Start,
        is_turned: false,
        color: &theme.ink,
        class: "legend-label",
    };
    canvas.text(&label, Some(word));
}

/// A colour bar with its ticks: to its right, or below it.
fn draw_bar(canvas: &mut Canvas, theme: &Theme, domain: &Domain, colors: &[String], bar: Rect, side: Side) {
    let n = colors.len() as f64;
    canvas.open("colour-bar", "");
    for (i, color) in colors.iter().enumerate() {
        // Each slice reaches to the end of the bar, under the next: no seam can be seen between them.
        let from = i as f64 / n;
        let slice = match side {
            Side::Right => Rect { height: bar.height * (1.0 - from), ..bar },
            Side::Above => Rect { x: bar.x + bar.width * from, width: bar.width * (1.0 - from), ..bar },
        };
        canvas.rect(slice, &format!("fill=\"{color}\""));
    }
    canvas.close();
    let (length, line) = match side {
        Side::Right => (bar.height, Line::Down),
        Side::Above => (bar.width, Line::Across),
    };
    let stroke = format!("stroke=\"{}\" stroke-width=\"{}\"", theme.ink, theme.axis_width);
    let mut ticks = ticks(domain, length, line, theme.label_size, LONGEST);
    if matches!(domain, Domain::Numbers { spread: Spread::Log, .. }) {
        ticks.ticks.retain(|tick| !tick.label.is_empty());
    }
    for tick in &ticks.ticks {
        let label = |x, y, anchor| Label {
            text: &tick.label,
            x,
            y,
            size: theme.label_size,
            anchor,
            is_turned: false,
            color: &theme.ink,
            class: "legend-tick",
        };
        match side {
            Side::Right => {
                let y = bar.bottom() - tick.at * bar.height;
                canvas.line([bar.right(), y, bar.right() + theme.tick_length, y], &stroke);
                canvas.text(&label(bar.right() + theme.tick_length + 2.0, y, Anchor::Start), Some(&tick.full));
            }
            Side::Above => {
                let x = bar.x + tick.at * bar.width;
                canvas.line([x, bar.bottom(), x, bar.bottom() + theme.tick_length], &stroke);
                let y = bar.bottom() + theme.tick_length + theme.label_size * 0.65;
                canvas.text(&label(x, y, Anchor::Middle), Some(&tick.full));
            }
        }
    }
}
