//! A figure as SVG: one pass from its value to text, measured with the bundled font.
//!
//! `layout` says where everything stands, `scale` and `ticks` what axes reach over and mark, `palette` and `legend` what colours mean,
//! `marks` draws the data. Everything is in points.

mod axes;
mod bars;
mod canvas;
mod layout;
mod legend;
mod marks;
mod number;
mod palette;
mod scale;
mod style;
mod text;
mod ticks;

use crate::Error;
use crate::check::check;
use crate::figure::Figure;
use crate::theme::Theme;

pub(crate) use legend::{is_on_axis, spoken, style_words};
pub(crate) use palette::Palette;
pub(crate) use scale::{Direction, Domain, Spread, has_lying_bars, least_distance};
pub(crate) use ticks::Ticks;

use canvas::{Anchor, Canvas, Label};
use legend::legends;
use marks::{Frame, dodge_column};

/// Draws a figure. Equal figures and themes give equal bytes.
///
/// Errors: the figure's columns, channels and scales do not fit together.
pub fn svg(figure: &Figure, theme: &Theme) -> Result<String, Error> {
    check(figure)?;
    let palette = Palette::of(figure, theme);
    let layout = layout::layout(figure, theme, legends(figure, theme, &palette));
    let dodge = dodge_column(figure, &palette);
    let mut canvas = Canvas::new(layout.width, layout.height, &figure.title, &figure.caption, &theme.background);
    for panel in &layout.panels {
        canvas.open("panel", "");
        axes::draw_grid(&mut canvas, theme, &layout, panel);
        let frame = Frame { figure, theme, palette: &palette, panel, x: &layout.x, dodge };
        let mut is_drawn = false;
        for mark in &figure.marks {
            is_drawn |= marks::draw(&mut canvas, &frame, mark);
        }
        if !is_drawn {
            let label = Label {
                text: "no data",
                x: panel.rect.x + panel.rect.width / 2.0,
                y: panel.rect.y + panel.rect.height / 2.0,
                size: theme.label_size,
                anchor: Anchor::Middle,
                is_turned: false,
                color: &theme.muted,
                class: "no-data",
            };
            canvas.text(&label, None);
        }
        axes::draw_axes(&mut canvas, theme, &layout, panel);
        canvas.close();
    }
    axes::draw_titles(&mut canvas, figure, theme, &layout);
    for legend in &layout.legends {
        legend.legend.draw(Some(&mut canvas), theme, legend.rect, legend.side);
    }
    Ok(canvas.finish())
}

/// What a figure says only through its data: domains, colours, and the size of a panel.
pub(crate) struct Resolved {
    pub(crate) x: Domain,
    pub(crate) y: Domain,
    pub(crate) palette: Palette,
    pub(crate) dodge: Option<String>,
    pub(crate) panel_size: (f64, f64),
    /// Of every panel.
    pub(crate) x_ticks: Ticks,
    /// Of the first panel.
    pub(crate) y_ticks: Ticks,
}

/// What a figure that was checked resolves to.
pub(crate) fn resolve(figure: &Figure, theme: &Theme) -> Resolved {
    let palette = Palette::of(figure, theme);
    let layout = layout::layout(figure, theme, legends(figure, theme, &palette));
    let rect = layout.panels[0].rect;
    Resolved {
        x_ticks: layout.x_ticks,
        y_ticks: layout.panels[0].y_ticks.clone(),
        x: layout.x,
        y: scale::domain(figure, Direction::Y, |_| true),
        dodge: dodge_column(figure, &palette).map(str::to_owned),
        palette,
        panel_size: (rect.width, rect.height),
    }
}

#[cfg(test)]
pub(crate) mod tests;
