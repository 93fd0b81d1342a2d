//! Where everything stands: panels, margins from measured text, legends beside them.

use crate::figure::{Facet, Figure, Values, Width};
use crate::font::{self, CAP_HEIGHT, LINE_HEIGHT};
use crate::rows::distinct;
use crate::theme::Theme;

use super::canvas::Rect;
use super::legend::{Legend, Side, spoken};
use super::scale::{Direction, Domain, domain};
use super::ticks::{Line, Ticks, ticks, word_label};

/// Room at the edges of a figure.
const PAD: f64 = 4.0;
/// Between an axis's labels and its title, and between labels and ticks.
const GAP: f64 = 3.0;
/// Narrowest panel; where facets ask for more of them in a row, fewer stand in it.
const NARROWEST: f64 = 44.0;

/// One panel.
#[derive(Clone, Debug)]
pub(crate) struct Panel {
    pub(crate) rect: Rect,
    /// Whether a row of the data is in it.
    pub(crate) is_shown: Vec<bool>,
    pub(crate) heading: Option<String>,
    pub(crate) y: Domain,
    pub(crate) y_ticks: Ticks,
    pub(crate) has_x_labels: bool,
    pub(crate) has_y_labels: bool,
}

/// A legend in its place.
#[derive(Clone, Debug)]
pub(crate) struct PlacedLegend {
    pub(crate) legend: Legend,
    pub(crate) rect: Rect,
    pub(crate) side: Side,
}

/// Places of everything in a figure.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) width: f64,
    pub(crate) height: f64,
    pub(crate) panels: Vec<Panel>,
    pub(crate) x: Domain,
    pub(crate) x_ticks: Ticks,
    pub(crate) legends: Vec<PlacedLegend>,
    /// Around all panels.
    pub(crate) grid: Rect,
    /// Lines of the x title, and the middle of the first.
    pub(crate) x_title: (Vec<String>, f64),
    /// Lines of the y title, and the middle of the first.
    pub(crate) y_title: (Vec<String>, f64),
    /// Where the middle of the y title is along y.
    pub(crate) y_title_middle: f64,
}

/// What labels of axes need on each side of a panel.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Margins {
    left: f64,
    right: f64,
    /// What labels stand out on both sides together, with some room: neighbours' must not touch.
    between: f64,
    below: f64,
    /// What the widest legend on the right needs.
    legend: f64,
}

/// Lays a figure out.
pub(crate) fn layout(figure: &Figure, theme: &Theme, legends: Vec<Legend>) -> Layout {
    let width = figure.width.points();
    let x = domain(figure, Direction::X, |_| true);
    let mut panels = panels(figure);
    let side = side(figure, theme, &legends);
    let has_legend_beside = side == Side::Right && !legends.is_empty();
    let mut top = PAD;
    let mut placed = Vec::new();
    if side == Side::Above {
        for legend in legends.clone() {
            let rect = Rect { x: PAD, y: top, width: width - 2.0 * PAD, height: 0.0 };
            let height = legend.draw(None, theme, rect, Side::Above);
            placed.push(PlacedLegend { legend, rect: Rect { height, ..rect }, side });
            top += height + 3.0;
        }
    }

    let heading = if figure.facet.is_some() { theme.title_size * 1.6 } else { theme.label_size * 0.5 };
    let has_own_y = figure.facet.as_ref().is_some_and(|facet| facet.has_own_y);
    let title_step = theme.title_size * LINE_HEIGHT;
    let mut n_columns = figure.facet.as_ref().map_or(1, |facet| facet.n_columns).clamp(1, panels.len());
    let mut margins = Margins {
        left: 10.0,
        right: PAD,
        between: 11.0,
        below: theme.tick_length + GAP + theme.label_size,
        legend: 0.0,
    };
    // Titles of y may need more than one line, which is known only when the panels' height is; two passes settle it.
    let mut y_lines = usize::from(!figure.y.title.is_empty());
    let mut x_ticks = Ticks::default();
    let mut beside = 0.0;
    // Margins only grow while panels only shrink, and narrower panels have no wider labels: this ends soon.
    for pass in 0..12 {
        beside = if has_legend_beside { margins.legend + 12.0 } else { 0.0 };
        let left = PAD + y_lines as f64 * title_step + if y_lines > 0 { GAP } else { 0.0 };
        let gap_x = if has_own_y { margins.between.max(margins.right + margins.left + 6.0) } else { margins.between };
        let inner = |n: usize| width - left - margins.left - margins.right - PAD - beside - (n - 1) as f64 * gap_x;
        while n_columns > 1 && inner(n_columns) / (n_columns as f64) < NARROWEST {
            n_columns -= 1;
        }
        let panel_width = (inner(n_columns) / n_columns as f64).max(NARROWEST / 2.0);
        let panel_height = (panel_width * figure.aspect).max(20.0);
        let row_step = panel_height + heading + 7.0;
        let n_panels = panels.len();
        for (i, panel) in panels.iter_mut().enumerate() {
            let (row, column) = (i / n_columns, i % n_columns);
            panel.rect = Rect {
                x: left + margins.left + column as f64 * (panel_width + gap_x),
                y: top + heading + row as f64 * row_step,
                width: panel_width,
                height: panel_height,
            };
            // The panel below an outer one is missing at most in the last row.
            panel.has_x_labels = i + n_columns >= n_panels;
            panel.has_y_labels = has_own_y || column == 0;
            panel.y_ticks = ticks(&panel.y, panel_height, Line::Down, theme.label_size, width * 0.27);
        }
        x_ticks = ticks(&x, panel_width, Line::Across, theme.label_size, width * 0.27);
        let needed = needed(theme, &panels, &x_ticks, panel_width);
        let grid_height = grid(&panels).height;
        let lines = title(&figure.y.title, theme, grid_height.max(60.0));
        // The first guesses may have been far off, for panels too large or too small: what they asked for is forgotten.
        let least = |old: f64| if pass < 2 { 0.0 } else { old };
        let grown = Margins {
            left: needed.left.max(least(margins.left)),
            right: needed.right.max(least(margins.right)),
            between: needed.between.max(least(margins.between)),
            below: needed.below,
            // A bar of other length has other ticks.
            legend: widest(&legends, theme, legend_room(grid_height)).max(least(margins.legend)),
        };
        let is_settled = pass >= 2 && grown == Margins { below: grown.below, ..margins } && lines.len() <= y_lines;
        y_lines = lines.len().max(if pass < 2 { 0 } else { y_lines });
        margins = grown;
        if is_settled {
            break;
        }
    }

    let grid = grid(&panels);
    let bottom = grid.bottom();
    let x_lines = title(&figure.x.title, theme, (width - beside - 2.0 * PAD).min(grid.width.max(150.0)));
    let below = bottom + margins.below;
    let x_middle = below + GAP + title_step / 2.0;
    let height = below + if x_lines.is_empty() { 0.0 } else { GAP + x_lines.len() as f64 * title_step } + PAD;
    let y_lines = title(&figure.y.title, theme, grid.height.max(60.0));
    // A title that is longer than one low panel stands out above it, not below, where the x title is.
    let y_length = y_lines.iter().map(|line| font::width(line, theme.title_size)).fold(0.0, f64::max);
    let y_title_middle = (grid.y + grid.height / 2.0).min(below - y_length / 2.0);
    let shift = (top - (y_title_middle - y_length / 2.0)).max(0.0);
    let mut height = height;

    if side == Side::Right {
        let at_x = width - PAD - margins.legend;
        let mut y = panels[0].rect.y - if figure.facet.is_some() { heading } else { 0.0 };
        for legend in legends {
            let room = Rect { x: at_x, y, width: margins.legend, height: legend_room(grid.height) };
            let taken = legend.draw(None, theme, room, Side::Right);
            placed.push(PlacedLegend { legend, rect: room, side });
            y += taken + 8.0;
        }
        height = height.max(y - 8.0 + PAD);
    }
    let mut layout = Layout {
        width,
        height: (height + shift).ceil(),
        panels,
        x,
        x_ticks,
        legends: placed,
        grid,
        x_title: (x_lines, x_middle),
        y_title: (y_lines, PAD + title_step / 2.0),
        y_title_middle,
    };
    if shift > 0.0 {
        layout.shift_down(shift);
    }
    layout
}

/// Lines of an axis's title, at most three.
fn title(text: &str, theme: &Theme, available: f64) -> Vec<String> {
    let mut lines = font::wrap(text, theme.title_size, available);
    if lines.len() > 3 {
        let rest = lines.split_off(2).join(" ");
        lines.push(font::elide(&rest, theme.title_size, available));
    }
    lines
}

impl Layout {
    /// Moves everything but legends above.
    fn shift_down(&mut self, by: f64) {
        for panel in &mut self.panels {
            panel.rect.y += by;
        }
        for legend in self.legends.iter_mut().filter(|legend| legend.side == Side::Right) {
            legend.rect.y += by;
        }
        self.grid.y += by;
        self.x_title.1 += by;
        self.y_title_middle += by;
    }
}

impl Width {
    /// In points, of which an inch has 72.
    pub fn points(self) -> f64 {
        match self {
            Self::Column => 234.0,
            Self::Page => 486.0,
        }
    }
}

/// Legends stand on the right of a wide figure, as long as they leave most of it to the data.
fn side(figure: &Figure, theme: &Theme, legends: &[Legend]) -> Side {
    if figure.width == Width::Page && widest(legends, theme, 200.0) <= 130.0 { Side::Right } else { Side::Above }
}

/// Width of the widest legend beside panels, where a colour bar is given this height.
fn widest(legends: &[Legend], theme: &Theme, height: f64) -> f64 {
    legends.iter().map(|legend| legend.natural_width(theme, height)).fold(0.0, f64::max).ceil()
}

/// Height of a colour bar beside panels of this height.
fn legend_room(grid_height: f64) -> f64 {
    grid_height * 0.75
}

/// What is around all panels.
fn grid(panels: &[Panel]) -> Rect {
    let first = panels[0].rect;
    let right = panels.iter().map(|panel| panel.rect.right()).fold(0.0, f64::max);
    let bottom = panels.iter().map(|panel| panel.rect.bottom()).fold(0.0, f64::max);
    Rect { width: right - first.x, height: bottom - first.y, ..first }
}

/// The panels in order, not yet placed.
fn panels(figure: &Figure) -> Vec<Panel> {
    let n_rows = figure.data.n_rows();
    let shared = |is_shown: Vec<bool>, heading: Option<String>, y: Domain| Panel {
        rect: Rect::default(),
        is_shown,
        heading,
        y,
        y_ticks: Ticks::default(),
        has_x_labels: true,
        has_y_labels: true,
    };
    let all_y = domain(figure, Direction::Y, |_| true);
    let one = || vec![shared(vec![true; n_rows], None, all_y.clone())];
    let Some(Facet { column, has_own_y, .. }) = &figure.facet else { return one() };
    let Some(values) = figure.data.column(column) else { return one() };
    let words = distinct(values, 0..n_rows);
    if words.is_empty() {
        return one();
    }
    let panel = |word: &String| {
        let is_shown: Vec<bool> = (0..n_rows).map(|row| values.word(row).is_some_and(|own| own == *word)).collect();
        let y = if *has_own_y { domain(figure, Direction::Y, |row| is_shown[row]) } else { all_y.clone() };
        // A number alone would not say of what.
        let label = word_label(word);
        let heading = if matches!(values, Values::Numbers(_)) { format!("{} {label}", spoken(column)) } else { label };
        shared(is_shown, Some(heading), y)
    };
    words.iter().map(panel).collect()
}

/// Margins that the labels of these ticks take up.
fn needed(theme: &Theme, panels: &[Panel], x_ticks: &Ticks, panel_width: f64) -> Margins {
    let width = |label: &str| font::width(label, theme.label_size);
    let labelled = panels.iter().filter(|panel| panel.has_y_labels);
    let widest = labelled.flat_map(|panel| &panel.y_ticks.ticks).map(|tick| width(&tick.label)).fold(0.0, f64::max);
    let widest_line = |label: &str| label.lines().map(width).fold(0.0, f64::max);
    let half = |label: &str| if x_ticks.is_turned { theme.label_size / 2.0 } else { widest_line(label) / 2.0 };
    let over_left = x_ticks.ticks.iter().map(|tick| half(&tick.label) - tick.at * panel_width).fold(0.0, f64::max);
    let over_right =
        x_ticks.ticks.iter().map(|tick| half(&tick.label) - (1.0 - tick.at) * panel_width).fold(0.0, f64::max);
    let tall = if x_ticks.is_turned {
        x_ticks.ticks.iter().map(|tick| width(&tick.label)).fold(0.0, f64::max)
    } else {
        let n_lines = x_ticks.ticks.iter().map(|tick| tick.label.lines().count()).max().unwrap_or(1).max(1);
        theme.label_size * (CAP_HEIGHT + (n_lines - 1) as f64 * LINE_HEIGHT)
    };
    Margins {
        left: (theme.tick_length + GAP + widest).max(over_left + 2.0),
        right: over_right + 2.0,
        between: (over_left + over_right + theme.label_size * 1.4).max(11.0),
        below: theme.tick_length + GAP + tall,
        legend: 0.0,
    }
}
