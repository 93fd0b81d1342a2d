//! Which places of an axis are marked, and how they are written.

use crate::figure::Format;
use crate::font;
use crate::rows::shortest;

use super::number::{compact, tick};
use super::scale::{Domain, Spread, round_step};

/// A mark on an axis.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tick {
    /// Where, from 0 to 1.
    pub(crate) at: f64,
    /// The number that stands there, of a scale of numbers.
    pub(crate) value: Option<f64>,
    /// What is written, its lines parted by newlines; nothing for the small ones between decades.
    pub(crate) label: String,
    /// The whole word, where the label was shortened.
    pub(crate) full: String,
}

impl Tick {
    fn new(domain: &Domain, value: f64, label: String) -> Self {
        Self { at: domain.unit(value), value: Some(value), full: label.clone(), label }
    }
}

/// Ticks of an axis, and how their labels stand.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Ticks {
    pub(crate) ticks: Vec<Tick>,
    /// Labels read upwards.
    pub(crate) is_turned: bool,
}

/// Where the labels go: beside each other, or below each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    Across,
    Down,
}

/// As many ticks as can be read on `length` points.
/// Labels of words longer than `longest` lose their middle.
pub(crate) fn ticks(domain: &Domain, length: f64, line: Line, size: f64, longest: f64) -> Ticks {
    match domain {
        Domain::Words(words) => words_ticks(words, length, line, size, longest),
        Domain::Numbers { spread, from, to, format } => {
            let candidates = match spread {
                Spread::Linear => linear(domain, [*from, *to], *format),
                Spread::Log => log(domain, [*from, *to]),
                Spread::SymmetricLog(linear_to) => symmetric(domain, [*from, *to], *linear_to, *format),
            };
            let room = if *spread == Spread::Linear { 2.0 } else { 1.0 };
            let last = candidates.last().cloned().unwrap_or_default();
            let fitting = candidates.into_iter().find(|ticks| fits(ticks, length, line, size, room));
            let ticks = fitting.unwrap_or_else(|| without_overlaps(last, length, line, size));
            Ticks { ticks, is_turned: false }
        }
    }
}

/// Whether labels keep their distance. `room` spreads numbers further apart than legibility asks for.
fn fits(ticks: &[Tick], length: f64, line: Line, size: f64, room: f64) -> bool {
    let labelled: Vec<&Tick> = ticks.iter().filter(|tick| !tick.label.is_empty()).collect();
    labelled.windows(2).all(|pair| {
        let distance = (pair[1].at - pair[0].at).abs() * length;
        match line {
            Line::Across => {
                let half = |tick: &Tick| font::width(&tick.label, size) / 2.0;
                distance >= half(pair[0]) + half(pair[1]) + size * 0.7 * room
            }
            Line::Down => distance >= size * 1.25 * room,
        }
    })
}

/// Leaves labels out that come too near to the one before, from the first on.
fn without_overlaps(mut ticks: Vec<Tick>, length: f64, line: Line, size: f64) -> Vec<Tick> {
    let mut kept: Option<Tick> = None;
    for tick in ticks.iter_mut().filter(|tick| !tick.label.is_empty()) {
        if kept.as_ref().is_some_and(|kept| !fits(&[kept.clone(), tick.clone()], length, line, size, 1.0)) {
            tick.label.clear();
        } else {
            kept = Some(tick.clone());
        }
    }
    ticks
}

/// Multiples of round steps, from many to few.
fn linear(domain: &Domain, [from, to]: [f64; 2], format: Format) -> Vec<Vec<Tick>> {
    let mut step = round_step((to - from) / 10.0);
    let mut candidates = Vec::new();
    for _ in 0..6 {
        let first = (from / step - 1e-6).ceil() as i64;
        let last = (to / step + 1e-6).floor() as i64;
        let multiples: Vec<f64> = (first..=last).map(|k| k as f64 * step).collect();
        if multiples.len() < 2 {
            break;
        }
        candidates.push(multiples.iter().map(|&at| Tick::new(domain, at, tick(at, step, format))).collect());
        step = round_step(step * 1.5);
    }
    let ends = [from, to].map(|at| Tick::new(domain, at, tick(at, round_step((to - from) / 100.0), format)));
    candidates.push(ends.to_vec());
    candidates
}

/// Factors of powers of ten within a range: all of `factors` at every `every`-th power labelled, small ticks between.
fn decades([from, to]: [f64; 2], factors: &[f64], every: i32) -> Vec<(f64, bool)> {
    let (first, last) = (from.log10().floor() as i32, to.log10().ceil() as i32);
    let mut ticks = Vec::new();
    for exponent in first..=last {
        for factor in 1..10 {
            let value = f64::from(factor) * 10_f64.powi(exponent);
            if value >= from * (1.0 - 1e-9) && value <= to * (1.0 + 1e-9) {
                ticks.push((value, exponent % every == 0 && factors.contains(&f64::from(factor))));
            }
        }
    }
    // Small ticks say that an axis is logarithmic; where there are very many decades, its labels do.
    if last - first > 8 {
        ticks.retain(|&(value, is_labelled)| is_labelled || is_power_of_ten(value));
    }
    ticks
}

fn is_power_of_ten(value: f64) -> bool {
    let exponent = value.log10();
    (exponent - exponent.round()).abs() < 1e-9
}

/// 1-2-5 where that fits, else decades, else every second or third of them.
fn log(domain: &Domain, range: [f64; 2]) -> Vec<Vec<Tick>> {
    let label = |value: f64, is_labelled: bool| if is_labelled { power_label(value) } else { String::new() };
    let choices: [(&[f64], i32); 7] =
        [(&[1.0, 2.0, 5.0], 1), (&[1.0, 3.0], 1), (&[1.0], 1), (&[1.0], 2), (&[1.0], 3), (&[1.0], 5), (&[1.0], 10)];
    let mut candidates: Vec<Vec<Tick>> = choices
        .iter()
        .map(|(factors, every)| decades(range, factors, *every))
        .filter(|ticks| ticks.iter().filter(|(_, is_labelled)| *is_labelled).count() >= 2)
        .map(|ticks| ticks.into_iter().map(|(at, labelled)| Tick::new(domain, at, label(at, labelled))).collect())
        .collect();
    if candidates.is_empty() {
        // Less than one step of 1-2-5: the same values as on a linear scale.
        candidates = linear(domain, range, Format::Plain);
    }
    candidates
}

/// A power of ten, or 2 or 5 of them; from 0.001 on, the digits are as short as the power.
fn power_label(value: f64) -> String {
    let unit = 10_f64.powf((value.log10() + 1e-9).floor());
    tick(value, if unit >= 0.999e-3 { unit.min(1.0) } else { unit.min(1e-5) }, Format::Plain)
}

/// Zero, the end of the linear part, and decades beyond, on each side that the range has.
fn symmetric(domain: &Domain, [from, to]: [f64; 2], linear_to: f64, format: Format) -> Vec<Vec<Tick>> {
    let choices: [(&[f64], i32); 6] =
        [(&[1.0, 2.0, 5.0], 1), (&[1.0, 3.0], 1), (&[1.0], 1), (&[1.0], 2), (&[1.0], 3), (&[1.0], 5)];
    let label = |value: f64| match format {
        Format::Percent => tick(value, value.abs(), format),
        Format::Plain => compact((value * 1e12).round() / 1e12),
    };
    let mut candidates: Vec<Vec<Tick>> = Vec::new();
    for with_linear_end in [true, false] {
        for (factors, every) in choices {
            let side = |end: f64, sign: f64| -> Vec<Tick> {
                if end <= 0.0 {
                    return Vec::new();
                }
                let mut beyond = decades([linear_to, end.max(linear_to)], factors, every);
                let has_end =
                    beyond.iter().any(|&(value, is_labelled)| is_labelled && (value / linear_to - 1.0).abs() < 1e-9);
                beyond.retain(|&(value, _)| has_end || (value / linear_to - 1.0).abs() > 1e-9);
                if with_linear_end && !has_end {
                    beyond.insert(0, (linear_to, true));
                }
                let write = |(value, is_labelled): (f64, bool)| {
                    let text = if is_labelled { label(sign * value) } else { String::new() };
                    Tick::new(domain, sign * value, text)
                };
                beyond.into_iter().map(write).collect()
            };
            let mut ticks = side(-from, -1.0);
            ticks.reverse();
            ticks.push(Tick::new(domain, 0.0, if format == Format::Percent { "0%" } else { "0" }.to_owned()));
            ticks.extend(side(to, 1.0));
            candidates.push(ticks);
        }
    }
    candidates
}

/// Every word, turned words, or every second, third... word.
fn words_ticks(words: &[String], length: f64, line: Line, size: f64, longest: f64) -> Ticks {
    let labels: Vec<String> = words.iter().map(|word| word_label(word)).collect();
    let n = words.len().max(1) as f64;
    let all: Vec<Tick> = labels
        .iter()
        .zip(words)
        .enumerate()
        .map(|(i, (label, word))| Tick {
            at: (i as f64 + 0.5) / n,
            value: None,
            label: label.clone(),
            full: word.clone(),
        })
        .collect();
    let thinned = |every: usize| -> Vec<Tick> { all.iter().step_by(every).cloned().collect() };
    if line == Line::Down {
        let every = every_fitting(&all, length, line, size);
        return Ticks { ticks: shortened(thinned(every), size, longest), is_turned: false };
    }
    // A lone label has no neighbour to touch, and may still be wider than the panel that it stands under.
    if labels.iter().all(|label| font::width(label, size) <= length) && fits(&all, length, line, size, 0.8) {
        return Ticks { ticks: all, is_turned: false };
    }
    if is_series(&labels) {
        return Ticks { ticks: thinned(every_fitting(&all, length, line, size)), is_turned: false };
    }
    if let Some(ticks) = wrapped(&all, length, size) {
        return Ticks { ticks, is_turned: false };
    }
    // Names, none of which may be missing while there is room for a line of text each.
    let every = every_fitting(&all, length, Line::Down, size);
    Ticks { ticks: shortened(thinned(every), size, longest.min(90.0)), is_turned: true }
}

/// Words on two or three lines, if all of them fit so.
fn wrapped(all: &[Tick], length: f64, size: f64) -> Option<Vec<Tick>> {
    let available = length / all.len() as f64 - size * 0.5;
    let wrap = |tick: &Tick| {
        let is_short = tick.label.split_whitespace().all(|word| font::width(word, size) <= available);
        let lines = if is_short { font::wrap(&tick.label, size, available) } else { Vec::new() };
        (1..=3).contains(&lines.len()).then(|| Tick { label: lines.join("\n"), ..tick.clone() })
    };
    all.iter().map(wrap).collect()
}

/// The least distance of labels that keeps them apart.
fn every_fitting(all: &[Tick], length: f64, line: Line, size: f64) -> usize {
    let choices = [1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 50, 64, 100, 128, 200, 256, 500, 1000];
    let thinned = |every: usize| -> Vec<Tick> { all.iter().step_by(every).cloned().collect() };
    choices
        .into_iter()
        .find(|&every| fits(&thinned(every), length, line, size, if line == Line::Down { 1.0 } else { 0.8 }))
        .unwrap_or(all.len().max(1))
}

fn shortened(mut ticks: Vec<Tick>, size: f64, longest: f64) -> Vec<Tick> {
    for tick in &mut ticks {
        tick.label = font::elide(&tick.label, size, longest);
    }
    ticks
}

/// Numbers are written as short as they read back; other words are as they are.
pub(crate) fn word_label(word: &str) -> String {
    // A name such as `007` is no number that somebody wrote by itself.
    let number = word.parse().ok().filter(|number: &f64| number.is_finite() && shortest(*number) == word);
    number.map_or_else(|| word.to_owned(), compact)
}

/// Whether the labels count up, so that those left out can be guessed: numbers after one and the same word.
pub(crate) fn is_series(labels: &[String]) -> bool {
    let is_part = |character: char| character.is_ascii_digit() || "−.,".contains(character);
    let prefix = |label: &str| label.chars().take_while(|&character| !is_part(character)).collect::<String>();
    let first = labels.first().map(|label| prefix(label));
    labels.iter().all(|label| {
        let own = prefix(label);
        let rest = label[own.len()..].trim_end_matches(['k', 'M', 'G', '%']);
        first.as_ref() == Some(&own) && !rest.is_empty() && rest.chars().all(is_part)
    })
}
