//! Axes, headings and titles.

use crate::figure::Figure;
use crate::font::{self, CAP_HEIGHT, LINE_HEIGHT};
use crate::theme::Theme;

use super::canvas::{Anchor, Canvas, Label};
use super::layout::{Layout, Panel};
use super::scale::Domain;

/// Faint lines at the labelled ticks, below the data.
pub(crate) fn draw_grid(canvas: &mut Canvas, theme: &Theme, layout: &Layout, panel: &Panel) {
    if theme.grid_width <= 0.0 {
        return;
    }
    canvas.open("grid", &format!("stroke=\"{}\" stroke-width=\"{}\"", theme.grid, theme.grid_width));
    let rect = panel.rect;
    for tick in layout.x_ticks.ticks.iter().filter(|tick| !tick.label.is_empty()) {
        let x = rect.x + tick.at * rect.width;
        canvas.line([x, rect.y, x, rect.bottom()], "");
    }
    for tick in panel.y_ticks.ticks.iter().filter(|tick| !tick.label.is_empty()) {
        let y = panel.y_at(tick.at);
        canvas.line([rect.x, y, rect.right(), y], "");
    }
    canvas.close();
}

/// The left and the lower axis of a panel, and its heading.
pub(crate) fn draw_axes(canvas: &mut Canvas, theme: &Theme, layout: &Layout, panel: &Panel) {
    let rect = panel.rect;
    let label_size = theme.label_size;
    let stroke = format!("stroke=\"{}\" stroke-width=\"{}\" stroke-linecap=\"square\"", theme.ink, theme.axis_width);
    canvas.open("axes", &stroke);
    canvas.line([rect.x, rect.bottom(), rect.right(), rect.bottom()], "");
    canvas.line([rect.x, rect.y, rect.x, rect.bottom()], "");
    for tick in &layout.x_ticks.ticks {
        let x = rect.x + tick.at * rect.width;
        let length = if tick.label.is_empty() { theme.tick_length * 0.55 } else { theme.tick_length };
        canvas.line([x, rect.bottom(), x, rect.bottom() + length], "");
    }
    for tick in &panel.y_ticks.ticks {
        let y = panel.y_at(tick.at);
        let length = if tick.label.is_empty() { theme.tick_length * 0.55 } else { theme.tick_length };
        canvas.line([rect.x - length, y, rect.x, y], "");
    }
    canvas.close();
    canvas.open("tick-labels", "");
    let label = |text, x, y, anchor, is_turned, class| Label {
        text,
        x,
        y,
        size: label_size,
        anchor,
        is_turned,
        color: &theme.ink,
        class,
    };
    let under = rect.bottom() + theme.tick_length + 3.0;
    for tick in layout.x_ticks.ticks.iter().filter(|tick| panel.has_x_labels && !tick.label.is_empty()) {
        let x = rect.x + tick.at * rect.width;
        if layout.x_ticks.is_turned {
            canvas.text(&label(&tick.label, x, under, Anchor::End, true, "tick-x"), Some(&tick.full));
            continue;
        }
        for (i, line) in tick.label.lines().enumerate() {
            let y = under + label_size * (CAP_HEIGHT / 2.0 + i as f64 * LINE_HEIGHT);
            canvas.text(&label(line, x, y, Anchor::Middle, false, "tick-x"), None);
        }
    }
    for tick in panel.y_ticks.ticks.iter().filter(|tick| panel.has_y_labels && !tick.label.is_empty()) {
        let label =
            label(&tick.label, rect.x - theme.tick_length - 2.0, panel.y_at(tick.at), Anchor::End, false, "tick-y");
        canvas.text(&label, Some(&tick.full));
    }
    canvas.close();
    if let Some(heading) = &panel.heading {
        let text = font::elide(heading, theme.title_size, rect.width);
        let label = Label {
            text: &text,
            x: rect.x,
            y: rect.y - theme.title_size * 0.75,
            size: theme.title_size,
            anchor: Anchor::Start,
            is_turned: false,
            color: &theme.ink,
            class: "heading",
        };
        canvas.text(&label, Some(heading));
    }
}

/// The titles of both axes, in the middle of all panels.
pub(crate) fn draw_titles(canvas: &mut Canvas, figure: &Figure, theme: &Theme, layout: &Layout) {
    let step = theme.title_size * LINE_HEIGHT;
    let (x_lines, x_first) = &layout.x_title;
    let (y_lines, y_first) = &layout.y_title;
    let widest = x_lines.iter().map(|line| font::width(line, theme.title_size)).fold(0.0, f64::max);
    // A title wider than the panels stays within the figure.
    let half = widest / 2.0 + 3.0;
    let middle = (layout.grid.x + layout.grid.width / 2.0).min(layout.width - half).max(half);
    for (i, line) in x_lines.iter().enumerate() {
        let label = Label {
            text: line,
            x: middle,
            y: x_first + i as f64 * step,
            size: theme.title_size,
            anchor: Anchor::Middle,
            is_turned: false,
            color: &theme.ink,
            class: "title-x",
        };
        canvas.text(&label, Some(&figure.x.title));
    }
    for (i, line) in y_lines.iter().enumerate() {
        let label = Label {
            text: line,
            x: y_first + i as f64 * step,
            y: layout.y_title_middle,
            size: theme.title_size,
            anchor: Anchor::Middle,
            is_turned: true,
            color: &theme.ink,
            class: "title-y",
        };
        canvas.text(&label, Some(&figure.y.title));
    }
}

impl Panel {
    /// Height in the figure of a place on the y scale: numbers grow upwards, words are read downwards.
    pub(crate) fn y_at(&self, unit: f64) -> f64 {
        let share = if matches!(self.y, Domain::Words(_)) { unit } else { 1.0 - unit };
        self.rect.y + share * self.rect.height
    }
}
