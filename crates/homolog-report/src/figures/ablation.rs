//! What universal neurons are worth: losses without them and without random ones, doses, and the loss a neuron.

use homolog_results::{AblationRow, DamageRow};

use super::course;
use super::emergence::with_band;
use super::facts::{Facts, Subject, panel};
use super::with_spreads;
use crate::impact_words::{CONTROLS, FEW_DRAWS, level, level_words};
use crate::numbers::Spread;
use crate::{Channel, Color, ColorKind, ColorScale, Data, Facet, Figure, Mark, Run, Scale, ScaleKind, Shape, Width};

/// One point of a figure: words that place it, and a number over draws or models.
struct Point {
    step: Option<i64>,
    mode: String,
    series: String,
    x: f64,
    value: Option<Spread>,
}

/// What the value of ablated neurons is called in print.
pub(super) fn set_to(mode: &str) -> String {
    match mode {
        "zero" => "set to zero".into(),
        "mean" => "set to their mean".into(),
        "position-mean" => "set to their mean by position".into(),
        "resample" => "set to another row's values".into(),
        other => format!("set to {other}"),
    }
}

/// The spread of `of` over the rows that `is_of` takes: over draws for one model, over the models' own means for the family. Of more than
/// [`FEW_DRAWS`] draws its ends are those of the central part, since the least and the greatest of them grow with their number.
///
/// Sets without neurons are none. The family has a mean only where every model with universal neurons (in the same layer, if rows have
/// one) has a row: else its line would go on with fewer models and jump.
fn spread(
    run: &Run,
    facts: &Facts,
    subject: &Subject,
    (step, mode): (Option<i64>, &str),
    is_of: impl Fn(&AblationRow) -> bool,
    of: impl Fn(&AblationRow) -> Option<f64>,
) -> Option<Spread> {
    let rows = |model: &String| {
        let is_here = |row: &&AblationRow| {
            let is_place = row.checkpoint == step && row.mode == mode && row.threshold == Some(facts.threshold);
            row.model == *model && is_place && row.n_neurons > 0
        };
        run.ablation.iter().filter(is_here).collect::<Vec<_>>()
    };
    let of_model = |model: &String| Spread::of(rows(model).into_iter().filter(|row| is_of(row)).filter_map(&of));
    match subject {
        Subject::Family => {
            let layer = run.ablation.iter().find(|row| is_of(row)).and_then(|row| row.layer);
            let is_universal =
                |row: &&AblationRow| row.layer == layer && matches!(row.set.as_str(), "universal" | "universal_layer");
            let has_universal = |model: &&String| rows(model).into_iter().any(|row| is_universal(&row));
            let means: Option<Vec<f64>> = facts
                .models
                .iter()
                .filter(has_universal)
                .map(|model| of_model(model).map(|spread| spread.mean))
                .collect();
            Spread::of(means?)
        }
        Subject::Model(name) => {
            let draws: Vec<f64> = rows(name).into_iter().filter(|row| is_of(row)).filter_map(&of).collect();
            if draws.len() > FEW_DRAWS { Spread::central(draws, level(run)) } else { Spread::of(draws) }
        }
    }
}

/// What points, bands and rules are, as a sentence for captions.
fn explained(run: &Run, subject: &Subject, points: &[Point]) -> String {
    match subject {
        Subject::Family => {
            "Lines: mean over the models that have universal neurons there (n in the data), of means over draws; bands: least and greatest \
             of them (a range, no interval)."
                .to_owned()
        }
        Subject::Model(_) => {
            format!("Lines: mean over random draws; bands: {}", draws_shown(run, points))
        }
    }
}

/// What bands or rules over the draws of one model reach, behind a colon.
fn draws_shown(run: &Run, points: &[Point]) -> String {
    let of_many =
        points.iter().filter_map(|point| point.value).filter(|value| value.n > FEW_DRAWS).map(|value| value.n);
    match of_many.max() {
        Some(n) => format!(
            "least and greatest draw, or of more than {FEW_DRAWS} draws (here up to {n}) the central {} of them (a range of draws, no interval \
             of their mean).",
            level_words(run)
        ),
        None => "least and greatest draw (a range, no interval).".to_owned(),
    }
}

fn values(points: &[Point]) -> Vec<Option<Spread>> {
    points.iter().map(|point| point.value).collect()
}

/// Multiples of random sets of any kind that were drawn, ascending.
fn multiples(run: &Run) -> Vec<u32> {
    let of_controls = run.ablation.iter().filter(|row| CONTROLS.iter().any(|control| control.0 == row.set));
    let mut multiples: Vec<u32> = of_controls.filter_map(|row| row.multiple).collect();
    multiples.sort_unstable();
    multiples.dedup();
    multiples
}

/// Figure 3: the loss of the whole model, without its universal neurons, and without random ones in multiples of their number; a panel a
/// checkpoint, since what training changes is far more than what ablation does.
pub(super) fn losses(run: &Run, facts: &Facts, subject: &Subject) -> Option<Figure> {
    let multiples = multiples(run);
    let mut points = Vec::new();
    for &step in &facts.checkpoints {
        for mode in &facts.modes {
            let of_set = |set: &'static str, multiple: Option<u32>, of: fn(&AblationRow) -> f64| {
                let is_of = |row: &AblationRow| row.set == set && row.multiple == multiple;
                spread(run, facts, subject, (step, mode), is_of, |row| Some(of(row)))
            };
            let mut add = |series: String, value: Option<Spread>| {
                if value.is_some() {
                    points.push(Point { step, mode: mode.clone(), series, x: 0.0, value });
                }
            };
            add("none".into(), of_set("universal", None, |row| row.loss_nats_clean));
            add("universal".into(), of_set("universal", None, |row| row.loss_nats));
            for &multiple in &multiples {
                add(format!("random x{multiple}"), of_set("random", Some(multiple), |row| row.loss_nats));
            }
        }
    }
    let data = Data::default()
        .words("checkpoint", points.iter().map(|point| panel(point.step)))
        .words("ablated_neurons_are", points.iter().map(|point| set_to(&point.mode)))
        .words("ablated", points.iter().map(|point| point.series.clone()));
    let data = with_spreads(data, "loss_nats", &values(&points));
    let point = Mark::new(Shape::Point).at("ablated", "loss_nats").colored("ablated_neurons_are");
    let range =
        Mark::new(Shape::Rule).at("ablated", "loss_nats_least").to_y("loss_nats_greatest").in_color(Color::Muted);
    // The range over models would show how their losses differ with nothing ablated.
    let marks = match subject {
        Subject::Family => vec![point],
        Subject::Model(_) => vec![range, point],
    };
    let spread = match subject {
        Subject::Family => "Points: mean over the models that have universal neurons (of means over draws).".to_owned(),
        Subject::Model(_) => format!("Points: mean over random draws; rules: {}", draws_shown(run, &points)),
    };
    (!points.is_empty()).then(|| Figure {
        name: format!("fig03-ablation-loss-{}", subject.slug(facts)),
        title: format!("Loss without universal and without random neurons, {}", subject.title()),
        caption: format!(
            "Loss with nothing ablated (none), with all universal neurons ablated, and with random non-universal ones, as many (x1) and \
             multiples of it, a panel a training step with a scale of its own.{} {} {spread} {}",
            met(run, facts, subject),
            facts.universal(),
            facts.ablated()
        ),
        width: Width::Page,
        aspect: 0.7,
        data,
        marks,
        x: Scale::band("Ablated"),
        y: Scale::linear("Loss (nats per token)"),
        color: Some(ColorScale { title: "Ablated neurons".into(), kind: ColorKind::Categories }),
        facet: Some(Facet { column: "checkpoint".into(), n_columns: 3, has_own_y: true }),
    })
}

/// Where random neurons do the damage of universal ones at the last checkpoint, as a sentence for captions; what was not reached is said.
fn met(run: &Run, facts: &Facts, subject: &Subject) -> String {
    let Some(mode) = facts.modes.first() else { return String::new() };
    let rows = run.damage.iter().filter(|row| row.checkpoint == facts.last() && row.threshold == facts.threshold);
    let rows: Vec<&DamageRow> =
        rows.filter(|row| row.control == "random" && row.mode == *mode && subject.has(&row.model)).collect();
    let (n, at, done) = (rows.len(), facts.at_last(), set_to(mode));
    let multiple = |multiple: f64| if multiple < 1.0 { "less than 1".into() } else { format!("{multiple:.1}") };
    let met = Spread::of(rows.iter().filter_map(|row| row.equal_multiple));
    let greatest = rows.iter().filter_map(|row| row.greatest_multiple).max().unwrap_or(0);
    match (n, met) {
        (0, _) => String::new(),
        (1, Some(met)) => {
            format!(
                " Random neurons, {done}, cost as much{at} at {} times the number of universal ones.",
                multiple(met.mean)
            )
        }
        (_, Some(met)) if met.n == n && met.least >= 1.0 => format!(
            " Random neurons, {done}, cost as much{at} at {:.1} times the number of universal ones (mean of {n} models, from {:.1} to {:.1}).",
            met.mean, met.least, met.greatest
        ),
        (_, Some(met)) => format!(
            " Random neurons, {done}, cost as much{at} at {} to {} times the number of universal ones in {} of {n} models; what was measured \
             goes to {greatest} times.",
            multiple(met.least),
            multiple(met.greatest),
            met.n
        ),
        (_, None) => format!(
            " Up to {greatest} times the number of universal ones, random neurons, {done}, never cost as much{at}, or universal ones cost \
             nothing."
        ),
    }
}

/// Damage against the number of random neurons, a panel a checkpoint; where it meets that of the universal ones.
pub(super) fn doses(run: &Run, facts: &Facts, subject: &Subject) -> Option<Figure> {
    let mode = facts.modes.first()?;
    let multiples = multiples(run);
    let mut points = Vec::new();
    for &step in &facts.checkpoints {
        for (control, title) in CONTROLS {
            for &multiple in &multiples {
                let is_of = |row: &AblationRow| row.set == control && row.multiple == Some(multiple);
                let value = spread(run, facts, subject, (step, mode), is_of, |row| Some(row.delta_loss_nats));
                let x = f64::from(multiple);
                if value.is_some() {
                    points.push(Point { step, mode: mode.clone(), series: title.into(), x, value });
                }
            }
        }
        let is_of = |row: &AblationRow| row.set == "universal";
        let value = spread(run, facts, subject, (step, mode), is_of, |row| Some(row.delta_loss_nats));
        let ends = [multiples.first(), multiples.last()];
        for x in ends.into_iter().flatten().map(|&multiple| f64::from(multiple)) {
            if value.is_some() {
                points.push(Point { step, mode: mode.clone(), series: "universal".into(), x, value });
            }
        }
    }
    let data = Data::default()
        .words("checkpoint", points.iter().map(|point| panel(point.step)))
        .words("ablated", points.iter().map(|point| point.series.clone()))
        .numbers("multiple", points.iter().map(|point| point.x));
    let data = with_spreads(data, "delta_loss_nats", &values(&points));
    let line = Mark::new(Shape::Line).at("multiple", "delta_loss_nats").colored("ablated");
    let band = Mark { shape: Shape::Band, y: Some(Channel::Field("delta_loss_nats_least".into())), ..line.clone() };
    points.iter().any(|point| point.series != "universal").then(|| Figure {
        name: format!("fig03-doses-{}", subject.slug(facts)),
        title: format!("Damage of random neurons by their number, {}", subject.title()),
        caption: format!(
            "Rise of the loss when random non-universal neurons are {} (matched: like universal ones of the same layer in activation, output \
             weights and how often they are active), against their number as a multiple of that of the universal \
             neurons; level line: the universal neurons themselves.{} {} {} {}",
            set_to(mode),
            met(run, facts, subject),
            facts.universal(),
            explained(run, subject, &points),
            facts.ablated()
        ),
        width: Width::Page,
        aspect: 0.8,
        data,
        marks: vec![band.to_y("delta_loss_nats_greatest"), line],
        x: Scale { title: "Random neurons per universal neuron".into(), kind: ScaleKind::Log { domain: None } },
        y: Scale::linear("Rise of loss (nats)"),
        color: Some(ColorScale { title: "Ablated".into(), kind: ColorKind::Categories }),
        facet: Some(Facet { column: "checkpoint".into(), n_columns: 3, has_own_y: true }),
    })
}

/// Millionths: what a single neuron is worth is of this order.
pub(super) const MICRO: f64 = 1e6;

/// Figure 4: loss a neuron, universal and random, over checkpoints.
pub(super) fn efficiency(run: &Run, facts: &Facts, subject: &Subject) -> Option<Figure> {
    if facts.checkpoints.len() < 2 {
        return None;
    }
    let mut points = Vec::new();
    for &step in &facts.checkpoints {
        for mode in &facts.modes {
            for (set, title) in [("universal", "universal")].into_iter().chain(CONTROLS) {
                let is_of = |row: &AblationRow| row.set == set && row.multiple.is_none_or(|multiple| multiple == 1);
                let value = spread(run, facts, subject, (step, mode), is_of, |row| {
                    row.efficiency_nats.map(|nats| nats * MICRO)
                });
                let x = step.map_or(0.0, |step| step as f64);
                if value.is_some() {
                    points.push(Point { step, mode: mode.clone(), series: title.into(), x, value });
                }
            }
        }
    }
    let data = Data::default()
        .words("ablated_neurons_are", points.iter().map(|point| set_to(&point.mode)))
        .numbers("step", points.iter().map(|point| point.x))
        .words("ablated", points.iter().map(|point| point.series.clone()));
    let data = with_spreads(data, "efficiency_micronats", &values(&points));
    let line = Mark::new(Shape::Line).at("step", "efficiency_micronats").colored("ablated");
    (!points.is_empty()).then(|| Figure {
        name: format!("fig04-efficiency-{}", subject.slug(facts)),
        title: format!("Ablation efficiency over training, {}", subject.title()),
        caption: format!(
            "Rise of the loss a neuron when all universal neurons are ablated, and when as many random non-universal ones are, from all \
             layers alike, as many from each layer, or matched to universal ones of the same layer in activation, output weights and how \
             often they are active. Checkpoints without universal neurons have no point. {} {} {}",
            facts.universal(),
            explained(run, subject, &points),
            facts.ablated()
        ),
        width: Width::Page,
        aspect: 0.7,
        data,
        marks: with_band(&Subject::Family, line, "efficiency_micronats"),
        x: course::steps(points.iter().filter_map(|point| point.step)),
        y: Scale::linear("Rise of loss a neuron (µnats)"),
        color: Some(ColorScale { title: "Ablated".into(), kind: ColorKind::Categories }),
        facet: Some(Facet { column: "ablated_neurons_are".into(), n_columns: 2, has_own_y: true }),
    })
}

/// Figure 5: loss a neuron by layer, a panel a checkpoint.
pub(super) fn efficiency_by_layer(run: &Run, facts: &Facts, subject: &Subject) -> Option<Figure> {
    let mode = facts.modes.first()?;
    let mut points = Vec::new();
    for &step in &facts.checkpoints {
        for (set, title) in [("universal_layer", "universal"), ("random_layer", "random, same layer")] {
            let of_layer = |layer: usize| {
                let is_of = |row: &AblationRow| row.set == set && row.layer == Some(layer as u16);
                spread(run, facts, subject, (step, mode), is_of, |row| row.efficiency_nats.map(|nats| nats * MICRO))
            };
            let values: Vec<Option<Spread>> = (0..facts.n_layers).map(of_layer).collect();
            if values.iter().all(Option::is_none) {
                continue;
            }
            // Layers without a value too: they keep their place on the axis, and part the line.
            let point = |(layer, &value): (usize, &Option<Spread>)| Point {
                step,
                mode: mode.clone(),
                series: title.into(),
                x: layer as f64,
                value,
            };
            points.extend(values.iter().enumerate().map(point));
        }
    }
    let data = Data::default()
        .words("checkpoint", points.iter().map(|point| panel(point.step)))
        .words("layer", points.iter().map(|point| point.x.to_string()))
        .words("ablated", points.iter().map(|point| point.series.clone()));
    let data = with_spreads(data, "efficiency_micronats", &values(&points));
    let line = Mark::new(Shape::Line).at("layer", "efficiency_micronats").colored("ablated");
    (!points.is_empty()).then(|| Figure {
        name: format!("fig05-efficiency-by-layer-{}", subject.slug(facts)),
        title: format!("Ablation efficiency by layer, {}", subject.title()),
        caption: format!(
            "Rise of the loss a neuron when the universal neurons of one layer are {}, and when as many random non-universal \
             ones of the same layer are, a panel a training step. Layers without universal neurons have no point. {} {} {}",
            set_to(mode),
            facts.universal(),
            explained(run, subject, &points),
            facts.ablated()
        ),
        width: Width::Page,
        aspect: 0.8,
        data,
        marks: with_band(&Subject::Family, line, "efficiency_micronats"),
        x: Scale::band("Layer"),
        y: Scale::linear("Rise of loss a neuron (µnats)"),
        color: Some(ColorScale { title: "Ablated".into(), kind: ColorKind::Categories }),
        facet: Some(Facet { column: "checkpoint".into(), n_columns: 3, has_own_y: true }),
    })
}
