//! From values to places between 0 and 1 along a panel.

use crate::figure::{Channel, Figure, Format, Mark, Scale, ScaleKind, Shape, Values};
use crate::rows::distinct;

/// One of the two directions of a panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    X,
    Y,
}

/// How numbers are spread out before they are laid on a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Spread {
    Linear,
    Log,
    /// Linear up to this, a decade as long as the linear part beyond.
    SymmetricLog(f64),
}

impl Spread {
    pub(crate) fn apply(self, value: f64) -> f64 {
        match self {
            Self::Linear => value,
            Self::Log => value.log10(),
            Self::SymmetricLog(linear_to) => {
                let size = value.abs() / linear_to;
                value.signum() * if size <= 1.0 { size } else { 1.0 + size.log10() }
            }
        }
    }
}

/// What a scale reaches over.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Domain {
    Numbers { spread: Spread, from: f64, to: f64, format: Format },
    Words(Vec<String>),
}

impl Domain {
    /// Where a number is; below 0 or above 1 where it is outside.
    pub(crate) fn unit(&self, value: f64) -> f64 {
        match self {
            Self::Numbers { spread, from, to, .. } => {
                let [value, from, to] = [value, *from, *to].map(|value| spread.apply(value));
                (value - from) / (to - from)
            }
            Self::Words(words) => unit_of_word(words, &crate::rows::shortest(value)).unwrap_or(-1.0),
        }
    }

    /// Where the value of a row is; none where it is missing.
    pub(crate) fn place(&self, values: &Values, row: usize) -> Option<f64> {
        match self {
            Self::Numbers { .. } => values.number(row).map(|number| self.unit(number)),
            Self::Words(words) => unit_of_word(words, &values.word(row)?),
        }
    }

    /// Width of a band, of a scale of words.
    pub(crate) fn band(&self) -> Option<f64> {
        match self {
            Self::Words(words) => Some(1.0 / words.len().max(1) as f64),
            Self::Numbers { .. } => None,
        }
    }

    /// Where bars begin: at zero, or where the axis does.
    pub(crate) fn baseline(&self) -> f64 {
        match self {
            Self::Numbers { spread: Spread::Log, .. } | Self::Words(_) => 0.0,
            Self::Numbers { .. } => self.unit(0.0),
        }
    }
}

fn unit_of_word(words: &[String], word: &str) -> Option<f64> {
    let i = words.iter().position(|own| own == word)?;
    Some((i as f64 + 0.5) / words.len() as f64)
}

/// Whether bars lie: y is a band scale, and x is not.
pub(crate) fn has_lying_bars(figure: &Figure) -> bool {
    matches!(figure.y.kind, ScaleKind::Band) && !matches!(figure.x.kind, ScaleKind::Band)
}

/// The two channels of a mark along a direction.
pub(crate) fn ends(mark: &Mark, direction: Direction) -> [Option<&Channel>; 2] {
    match direction {
        Direction::X => [mark.x.as_ref(), mark.x2.as_ref()],
        Direction::Y => [mark.y.as_ref(), mark.y2.as_ref()],
    }
}

/// The domain of a figure's scale, for rows that `is_shown` takes.
pub(crate) fn domain(figure: &Figure, direction: Direction, is_shown: impl Fn(usize) -> bool) -> Domain {
    let scale = match direction {
        Direction::X => &figure.x,
        Direction::Y => &figure.y,
    };
    if matches!(scale.kind, ScaleKind::Band) {
        return Domain::Words(words(figure, direction, is_shown));
    }
    let extent = extent(figure, direction, is_shown);
    let has_fixed =
        matches!(scale.kind, ScaleKind::Linear { domain: Some(_), .. } | ScaleKind::Log { domain: Some(_) });
    if extent.is_none() && !has_fixed {
        // Ticks where nothing is drawn would claim that something was measured.
        return Domain::Words(Vec::new());
    }
    numbers(scale, extent)
}

fn words(figure: &Figure, direction: Direction, is_shown: impl Fn(usize) -> bool) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for mark in &figure.marks {
        for values in ends(mark, direction).into_iter().filter_map(|channel| figure.field(channel)) {
            let rows = mark.rows(&figure.data).into_iter().filter(|&row| is_shown(row));
            let new: Vec<String> = distinct(values, rows).into_iter().filter(|word| !all.contains(word)).collect();
            all.extend(new);
        }
    }
    all
}

/// Least and greatest value that the marks need; none where there is no value at all.
fn extent(figure: &Figure, direction: Direction, is_shown: impl Fn(usize) -> bool) -> Option<[f64; 2]> {
    let mut extent: Option<[f64; 2]> = None;
    let scale = if direction == Direction::X { &figure.x.kind } else { &figure.y.kind };
    let is_log = matches!(scale, ScaleKind::Log { .. });
    let mut take = |value: f64| {
        // Room for a bar at a small place may reach beyond zero, where a log scale does not.
        if is_log && value <= 0.0 {
            return;
        }
        let [from, to] = extent.unwrap_or([value, value]);
        extent = Some([from.min(value), to.max(value)]);
    };
    let value_direction = if has_lying_bars(figure) { Direction::X } else { Direction::Y };
    for mark in &figure.marks {
        let rows: Vec<usize> = mark.rows(&figure.data).into_iter().filter(|&row| is_shown(row)).collect();
        let channels = ends(mark, direction);
        for channel in channels {
            match channel {
                Some(Channel::Value(value)) => take(*value),
                Some(Channel::Field(_)) => {
                    let values = figure.field(channel);
                    rows.iter().filter_map(|&row| values?.number(row)).for_each(&mut take);
                }
                None => {}
            }
        }
        if mark.shape == Shape::Bar && channels[1].is_none() && !rows.is_empty() {
            if direction == value_direction && is_log {
                log_base(figure.field(channels[0]), &rows).into_iter().for_each(&mut take);
            } else if direction == value_direction {
                take(0.0);
            } else if let Some(values) = figure.field(channels[0]) {
                let half = least_distance(values, &rows).unwrap_or(1.0) / 2.0;
                for number in rows.iter().filter_map(|&row| values.number(row)) {
                    take(number - half);
                    take(number + half);
                }
            }
        }
    }
    extent
}

/// Where bars of a log scale stand: at 1, or at a power of ten below the least of them; none where no bar is.
fn log_base(values: Option<&Values>, rows: &[usize]) -> Option<f64> {
    let least = rows.iter().filter_map(|&row| values?.number(row)).min_by(f64::total_cmp)?;
    Some(10_f64.powf(least.log10().ceil() - 1.0).min(1.0))
}

/// Least distance of two different values.
pub(crate) fn least_distance(values: &Values, rows: &[usize]) -> Option<f64> {
    let mut numbers: Vec<f64> = rows.iter().filter_map(|&row| values.number(row)).collect();
    numbers.sort_by(f64::total_cmp);
    let distances = numbers.windows(2).map(|pair| pair[1] - pair[0]).filter(|&distance| distance > 0.0);
    distances.min_by(f64::total_cmp)
}

fn numbers(scale: &Scale, extent: Option<[f64; 2]>) -> Domain {
    match scale.kind {
        ScaleKind::Linear { domain, has_zero, format } => {
            let zero = |[from, to]: [f64; 2]| if has_zero { [from.min(0.0), to.max(0.0)] } else { [from, to] };
            let [from, to] = domain.map_or_else(|| round_linear(zero(extent.unwrap_or([0.0, 1.0]))), zero);
            Domain::Numbers { spread: Spread::Linear, from, to, format }
        }
        ScaleKind::Log { domain } => {
            let [from, to] = domain.unwrap_or_else(|| round_log(extent.unwrap_or([1.0, 10.0])));
            Domain::Numbers { spread: Spread::Log, from, to, format: Format::Plain }
        }
        ScaleKind::SymmetricLog { linear_to, format } => {
            let [from, to] = extent.unwrap_or([0.0, linear_to]);
            let outer = |value: f64| {
                let [_, rounded] = round_log([value.abs().max(linear_to); 2].map(|value| value * 0.999_999_999));
                rounded.max(linear_to)
            };
            // Both ends at round values; zero where the data do not cross it by much.
            let low = if from < -linear_to {
                -outer(from)
            } else if from < 0.0 {
                -linear_to
            } else {
                0.0
            };
            let high = if to > linear_to {
                outer(to)
            } else if to > 0.0 || low == 0.0 {
                linear_to
            } else {
                0.0
            };
            Domain::Numbers { spread: Spread::SymmetricLog(linear_to), from: low, to: high, format }
        }
        ScaleKind::Band => Domain::Words(Vec::new()),
    }
}

/// The least of 1, 2 and 5 times a power of ten that is not below `step`.
pub(crate) fn round_step(step: f64) -> f64 {
    let unit = 10_f64.powf(step.log10().floor());
    let factor = [1.0, 2.0, 5.0, 10.0].into_iter().find(|factor| factor * unit >= step * (1.0 - 1e-9));
    factor.unwrap_or(10.0) * unit
}

/// Outwards to multiples of a round step, of which there are about seven; a single value gets room on both sides.
fn round_linear([from, to]: [f64; 2]) -> [f64; 2] {
    let size = from.abs().max(to.abs());
    if to - from <= size * 1e-9 {
        let room = if size == 0.0 { 1.0 } else { round_step(size * 0.1) };
        return if from == 0.0 { [0.0, 1.0] } else { [from - room, to + room] };
    }
    let step = round_step((to - from) / 7.0);
    let outwards = |value: f64, round: fn(f64) -> f64| {
        let nearest = (value / step).round();
        // A value that is a multiple but for rounding stays where it is.
        let multiple = if (value / step - nearest).abs() < 1e-9 { nearest } else { round(value / step) };
        multiple * step
    };
    [outwards(from, f64::floor), outwards(to, f64::ceil)]
}

/// Outwards to 1, 2 or 5 times a power of ten; a single value gets room on both sides.
fn round_log([from, to]: [f64; 2]) -> [f64; 2] {
    let high = round_step(to);
    // The greatest that is not above is the inverse of the least that is not below the inverse, but for 2 and 5.
    let below = |value: f64| {
        let unit = 10_f64.powf(value.log10().floor());
        let factor = [5.0, 2.0, 1.0].into_iter().find(|factor| factor * unit <= value * (1.0 + 1e-9));
        factor.unwrap_or(1.0) * unit
    };
    let low = below(from);
    if high / low < 1.5 { [low / 2.0, high * 2.0] } else { [low, high] }
}
