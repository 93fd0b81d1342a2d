//! Neurons ablated one by one, beside what the first order says of them.

use homolog_results::SingleRow;

use super::ablation::MICRO;
use super::facts::{Facts, Subject};
use crate::impact_words::level_words;
use crate::numbers::{count, listed};
use crate::{Channel, Color, ColorKind, ColorScale, Data, Figure, Format, Mark, Run, Scale, ScaleKind, Shape, Width};

/// Why a neuron was ablated by itself, in the order in which points lie over each other.
const SAMPLES: [&str; 3] = ["random sample", "sample of universal", "greatest first order"];
/// Models whose numbers a caption gives one by one at most.
const N_NAMED: usize = 6;

/// The exact rise of the loss against the first-order estimate, at the last checkpoint.
pub(super) fn first_order(run: &Run, facts: &Facts, subject: &Subject) -> Option<Figure> {
    let rows: Vec<&SingleRow> =
        run.singles.iter().filter(|row| row.checkpoint == facts.last() && subject.has(&row.model)).collect();
    if rows.is_empty() {
        return None;
    }
    let micro = |nats: f64| nats * MICRO;
    let data = Data::default()
        .words("model", rows.iter().map(|row| row.model.clone()))
        .words("layer", rows.iter().map(|row| row.layer.to_string()))
        .words("neuron", rows.iter().map(|row| row.neuron.to_string()))
        .words("sample", rows.iter().map(|row| sample(row)))
        .numbers("first_order_micronats", rows.iter().map(|row| micro(row.attribution_zero_nats)))
        .numbers("exact_micronats", rows.iter().map(|row| micro(row.delta_loss_nats)))
        .numbers("exact_low_micronats", rows.iter().map(|row| row.delta_low.map(micro)))
        .numbers("exact_high_micronats", rows.iter().map(|row| row.delta_high.map(micro)));
    let estimates = || rows.iter().map(|row| micro(row.attribution_zero_nats));
    let (least, greatest) = (estimates().fold(0.0, f64::min), estimates().fold(0.0, f64::max));
    let end = |value: f64| Some(Channel::Value(value));
    let equal = Mark {
        x: end(least),
        y: end(least),
        x2: end(greatest),
        y2: end(greatest),
        ..Mark::new(Shape::Rule).in_color(Color::Ink)
    };
    let mut marks = vec![equal];
    let is_there = |sample_name: &&str| rows.iter().any(|row| sample(row) == *sample_name);
    // Those of all models would hide the points.
    let has_intervals = matches!(subject, Subject::Model(_));
    if has_intervals {
        let interval = Mark::new(Shape::Rule).at("first_order_micronats", "exact_low_micronats");
        marks.push(interval.to_y("exact_high_micronats").in_color(Color::Muted));
    }
    for name in SAMPLES.iter().filter(|name| is_there(name)) {
        let point = Mark::new(Shape::Point).at("first_order_micronats", "exact_micronats").colored("sample");
        marks.push(point.only("sample", name));
    }
    let intervals = if has_intervals {
        format!("; grey rules: {} interval by a bootstrap over rows", level_words(run))
    } else {
        String::new()
    };
    let linear_to = linear_to(&rows);
    let scale =
        |title: &str| Scale { title: title.into(), kind: ScaleKind::SymmetricLog { linear_to, format: Format::Plain } };
    Some(Figure {
        name: format!("fig19-first-order-{}", subject.slug(facts)),
        title: format!(
            "Single neurons: first order and exact, {}",
            match subject {
                Subject::Family => "all models",
                Subject::Model(name) => name,
            }
        ),
        caption: format!(
            "Rise of the loss when a single neuron is set to zero, against the first-order estimate of it (minus the sum of activation times \
             gradient), {} neurons{}, in millionths of a nat, linear up to {linear_to} on both sides of zero and logarithmic beyond; line: \
             both equal{}. A neuron of several samples has the colour of the last of: random sample \
             of all neurons, random sample of the universal ones, greatest first-order estimate whatever its sign.{} {} {}",
            count(rows.len() as u64),
            facts.at_last(),
            intervals,
            agreement(run, facts, subject),
            facts.universal(),
            facts.ablated()
        ),
        width: Width::Column,
        aspect: 1.0,
        data,
        marks,
        x: scale("First order (µnats)"),
        y: scale("Exact rise of loss (µnats)"),
        color: Some(ColorScale { title: "Neurons".into(), kind: ColorKind::Categories }),
        facet: None,
    })
}

fn sample(row: &SingleRow) -> &'static str {
    match row {
        SingleRow { is_top: true, .. } => SAMPLES[2],
        SingleRow { is_of_universal: true, .. } => SAMPLES[1],
        _ => SAMPLES[0],
    }
}

/// The power of ten at or below the median magnitude of what is drawn, in millionths: half of all points lie where the scale is logarithmic.
fn linear_to(rows: &[&SingleRow]) -> f64 {
    let of_row = |row: &&SingleRow| [row.attribution_zero_nats, row.delta_loss_nats].map(|nats| (nats * MICRO).abs());
    let mut magnitudes: Vec<f64> = rows.iter().flat_map(of_row).filter(|&magnitude| magnitude > 0.0).collect();
    magnitudes.sort_by(f64::total_cmp);
    magnitudes.get(magnitudes.len() / 2).map_or(1.0, |median| 10_f64.powf(median.log10().floor()))
}

/// Correlation and slope over the random sample, by model, as a sentence behind others.
fn agreement(run: &Run, facts: &Facts, subject: &Subject) -> String {
    let rows = run.attribution.iter().filter(|row| row.checkpoint == facts.last() && subject.has(&row.model));
    let words: Vec<String> = rows
        .filter_map(|row| {
            let corr = row.random_corr.map_or_else(|| "undefined".to_owned(), |corr| format!("{corr:.2}"));
            Some(format!("{corr} and {:.2} in {} ({})", row.random_slope?, row.model, row.n_random))
        })
        .collect();
    if words.is_empty() || words.len() > N_NAMED {
        return String::new();
    }
    format!(
        " Over the random sample, correlation and slope of the exact rise on the first order, in brackets how many neurons: {}.",
        listed(&words)
    )
}
