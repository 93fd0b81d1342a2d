//! From values to colours.

use crate::figure::{Color, ColorKind, Figure, Format, Mark};
use crate::rows::distinct;
use crate::theme::Theme;

use super::scale::{Domain, Spread, round_step};

/// A figure's colour scale over what its marks draw.
#[derive(Clone, Debug)]
pub(crate) enum Palette {
    /// Every mark has a fixed colour.
    Fixed,
    /// One colour for each word.
    Words { words: Vec<String>, colors: Vec<String>, is_ordered: bool },
    /// Colours along the theme's sequence.
    Numbers(Domain),
}

impl Palette {
    pub(crate) fn of(figure: &Figure, theme: &Theme) -> Self {
        let Some(scale) = &figure.color else { return Self::Fixed };
        let fields = figure.marks.iter().filter_map(|mark| match &mark.color {
            Color::Field(name) => Some((mark, figure.data.column(name)?)),
            _ => None,
        });
        if let ColorKind::Sequence { domain, is_log, format } = scale.kind {
            let numbers = fields.flat_map(|(mark, values)| {
                let rows = mark.rows(&figure.data);
                rows.into_iter().filter_map(move |row| values.number(row))
            });
            return Self::Numbers(sequence(domain, is_log, format, numbers));
        }
        let mut words: Vec<String> = Vec::new();
        for (mark, values) in fields {
            let own = distinct(values, mark.rows(&figure.data).into_iter());
            let new: Vec<String> = own.into_iter().filter(|word| !words.contains(word)).collect();
            words.extend(new);
        }
        let is_ordered = scale.kind == ColorKind::Ordered;
        let colors = theme.word_colors(words.len(), is_ordered);
        Self::Words { words, colors, is_ordered }
    }

    /// The colour of a mark in a row; none where its number is missing.
    pub(crate) fn color(&self, figure: &Figure, theme: &Theme, mark: &Mark, row: usize) -> Option<String> {
        match &mark.color {
            Color::Field(name) => {
                let values = figure.data.column(name)?;
                match self {
                    Self::Fixed => None,
                    Self::Words { words, colors, .. } => {
                        let word = values.word(row)?;
                        words.iter().position(|own| *own == word).map(|i| colors[i].clone())
                    }
                    Self::Numbers(domain) => Some(theme.sequence_at(domain.unit(values.number(row)?))),
                }
            }
            Color::Category(i) => Some(theme.categories[i % theme.categories.len()].clone()),
            Color::Muted => Some(theme.muted.clone()),
            Color::Ink => Some(theme.ink.clone()),
        }
    }
}

fn sequence(domain: Option<[f64; 2]>, is_log: bool, format: Format, numbers: impl Iterator<Item = f64>) -> Domain {
    let extent = numbers.fold(None, |extent: Option<[f64; 2]>, number| {
        let [from, to] = extent.unwrap_or([number, number]);
        Some([from.min(number), to.max(number)])
    });
    let [mut from, mut to] =
        domain.or(extent).unwrap_or([if is_log { 1.0 } else { 0.0 }, if is_log { 10.0 } else { 1.0 }]);
    if domain.is_none() && !is_log && to > from {
        // Ends that are round to a fiftieth: a least value of 0.0003 beside a greatest of 1 is a bar from 0.
        let step = round_step((to - from) / 50.0);
        (from, to) = ((from / step).floor() * step, (to / step).ceil() * step);
    }
    // One value has no extent: its colour is that of the middle.
    if to - from <= from.abs().max(to.abs()) * 1e-9 {
        let room = if to == 0.0 { 1.0 } else { to.abs() / 2.0 };
        (from, to) = if is_log { (from / 2.0, to * 2.0) } else { (from - room, to + room) };
    }
    Domain::Numbers { spread: if is_log { Spread::Log } else { Spread::Linear }, from, to, format }
}
