//! Which universal neurons last: their persistence by layer beside chance and ceiling, births and deaths between checkpoints, and how
//! long they go on.

use homolog_results::{PersistenceRow, SurvivalRow};

use super::emergence::with_band;
use super::facts::{Facts, Subject, step};
use super::with_spreads;
use crate::evidence_words::level;
use crate::numbers::{Spread, count};
use crate::{Color, ColorKind, ColorScale, Data, Facet, Figure, Mark, Run, Scale, Shape, Width};

/// Figure 2: share of the universal neurons of one checkpoint that are universal at a later one, by layer; what independent sets would
/// share, and what the same checkpoint shares with itself on other tokens, beside it.
pub(super) fn by_layer(run: &Run, facts: &Facts, subject: &Subject) -> Option<Figure> {
    let mut points: Vec<(&str, usize, String, &str, Option<Spread>)> = Vec::new();
    for span in ["to the next checkpoint", "from the first checkpoint"] {
        let is_of_span = |row: &PersistenceRow| {
            if span == "to the next checkpoint" { row.is_consecutive } else { row.is_from_first }
        };
        for (from, to) in pairs(facts) {
            let rows = |layer: usize| {
                let rows = run.persistence.iter().filter(|row| row.threshold == facts.threshold && is_of_span(row));
                let rows = rows.filter(move |row| (row.from_checkpoint, row.to_checkpoint) == (from, to));
                rows.filter(move |row| row.layer == Some(layer as u16) && row.n_from > 0 && subject.has(&row.model))
            };
            if (0..facts.n_layers).all(|layer| rows(layer).next().is_none()) {
                continue;
            }
            let has_ceiling = (0..facts.n_layers).any(|layer| rows(layer).any(|row| row.ceiling.is_some()));
            // Layers without a value too: they keep their place on the axis, and part the line.
            for layer in 0..facts.n_layers {
                let observed = Spread::of(rows(layer).filter_map(|row| row.persistence));
                let chance = Spread::of(rows(layer).map(|row| row.expected_by_chance / row.n_from as f64));
                points.push((span, layer, step(to), "observed", observed));
                points.push((span, layer, step(to), BY_CHANCE, chance));
                if has_ceiling {
                    let ceiling = Spread::of(rows(layer).filter_map(|row| row.ceiling));
                    points.push((span, layer, step(to), CEILING, ceiling));
                }
            }
        }
    }
    let data = Data::default()
        .words("span", points.iter().map(|point| point.0))
        .words("layer", points.iter().map(|point| point.1.to_string()))
        .words("later_checkpoint", points.iter().map(|point| point.2.clone()))
        .words("kind", points.iter().map(|point| point.3));
    let data = with_spreads(data, "share", &points.iter().map(|point| point.4).collect::<Vec<_>>());
    let line = Mark::new(Shape::Line).at("layer", "share").colored("later_checkpoint").only("kind", "observed");
    let beside = |kind: &str| {
        Mark::new(Shape::Line).at("layer", "share").colored("later_checkpoint").styled("kind").only("kind", kind)
    };
    let mut marks = with_band(subject, line.styled("kind"), "share");
    marks.push(beside(BY_CHANCE));
    let ceiling = if points.iter().any(|point| point.3 == CEILING) {
        marks.push(beside(CEILING));
        " Ceiling: what is found again at the same checkpoint on other tokens, the geometric mean of both checkpoints; of half the tokens \
         against the other half, so persistence may lie above it."
    } else {
        ""
    };
    (!points.is_empty()).then(|| Figure {
        name: format!("fig02-persistence-{}", subject.slug(facts)),
        title: format!("Persistence of universal neurons by layer, {}", subject.title()),
        caption: format!(
            "Percentage of the neurons that are universal at one checkpoint and again at the later one, by layer; dashed: what sets of the \
             same sizes chosen independently would share.{ceiling} Models without universal neurons in a layer at the earlier checkpoint do not count \
             there (n in the data), layers without any have no point. {} {} {}",
            facts.universal(),
            subject.spread(),
            facts.correlated()
        ),
        width: Width::Page,
        aspect: 0.7,
        data,
        marks,
        x: Scale::band("Layer"),
        y: Scale::share("Persistent neurons (%)"),
        color: Some(ColorScale { title: "Later step".into(), kind: ColorKind::Ordered }),
        facet: Some(Facet { column: "span".into(), n_columns: 2, has_own_y: false }),
    })
}

/// What is drawn beside the observed share.
const BY_CHANCE: &str = "by chance";
const CEILING: &str = "ceiling";

/// Share of the neurons that became universal which still are, by checkpoints after: a curve a model.
pub(super) fn survival(run: &Run, facts: &Facts) -> Option<Figure> {
    let is_wanted = |row: &&SurvivalRow| {
        row.threshold == facts.threshold && row.layer.is_none() && row.rule == "plain" && row.scale == "checkpoints"
    };
    // Model, checkpoints after birth, survival and its interval, lives that have come so far.
    let mut points: Vec<(&str, f64, [Option<f64>; 3], u64)> = Vec::new();
    let mut n_lives = 0;
    for model in &facts.models {
        let rows: Vec<&SurvivalRow> =
            run.survival.iter().filter(is_wanted).filter(|row| row.model == *model && row.from > 0.0).collect();
        let Some(n) = rows.first().and_then(|row| row.n_at_risk) else { continue };
        n_lives += n;
        points.push((model, 0.0, [Some(1.0); 3], n));
        points.extend(rows.iter().map(|row| {
            (
                model.as_str(),
                row.from,
                [Some(row.survival), row.survival_low, row.survival_high],
                row.n_at_risk.unwrap_or(0),
            )
        }));
    }
    let column = |at: usize| points.iter().map(move |point| point.2[at]).collect::<Vec<_>>();
    let data = Data::default()
        .words("model", points.iter().map(|point| point.0))
        .numbers("checkpoints", points.iter().map(|point| point.1))
        .numbers("survival", column(0))
        .numbers("survival_low", column(1))
        .numbers("survival_high", column(2))
        .numbers("n_at_risk", points.iter().map(|point| point.3 as f64));
    let line = Mark::new(Shape::Line).at("checkpoints", "survival").colored("model");
    let band = Mark::new(Shape::Band).at("checkpoints", "survival_low").to_y("survival_high").colored("model");
    let dots = Mark { shape: Shape::Point, ..line.clone() };
    (!points.is_empty()).then(|| Figure {
        name: "fig22-survival".into(),
        title: "How long universal neurons stay universal".into(),
        caption: format!(
            "Percentage of the neurons that became universal after the first checkpoint and have been at every checkpoint since, by checkpoints \
             after the first at which they were (Kaplan and Meier's estimate; {} lives that could be seen for a checkpoint or more, those that go on at the last \
             checkpoint are censored there; bands: {} intervals, neurons taken for independent). Neurons universal at the first checkpoint are left \
             out, as is a second life. {} {}",
            count(n_lives),
            level(run),
            facts.universal(),
            facts.correlated()
        ),
        width: Width::Column,
        aspect: 0.8,
        data,
        marks: vec![band, line, dots],
        x: Scale::linear("Checkpoints after becoming universal"),
        y: Scale::share("Still universal (%)"),
        color: Some(ColorScale { title: "Model".into(), kind: ColorKind::Categories }),
        facet: None,
    })
}

/// Every earlier and later checkpoint.
fn pairs(facts: &Facts) -> Vec<(Option<i64>, Option<i64>)> {
    let later = |(i, &from): (usize, &Option<i64>)| facts.checkpoints[i + 1..].iter().map(move |&to| (from, to));
    facts.checkpoints.iter().enumerate().flat_map(later).collect()
}

/// Universal neurons that stayed, came and went between consecutive checkpoints.
pub(super) fn births_and_deaths(run: &Run, facts: &Facts) -> Option<Figure> {
    let mut rows: Vec<(String, &str, f64, f64)> = Vec::new();
    for pair in facts.checkpoints.windows(2) {
        let of_pair = run.persistence.iter().filter(|row| row.threshold == facts.threshold && row.layer.is_none());
        let of_pair: Vec<&PersistenceRow> =
            of_pair.filter(|row| (row.from_checkpoint, row.to_checkpoint) == (pair[0], pair[1])).collect();
        let sum = |of: fn(&PersistenceRow) -> u64| of_pair.iter().map(|row| of(row)).sum::<u64>() as f64;
        let (stayed, from, to) = (sum(|row| row.n_both), sum(|row| row.n_from), sum(|row| row.n_to));
        let label = format!("{} to {}", step(pair[0]), step(pair[1]));
        rows.push((label.clone(), "stayed", 0.0, stayed));
        rows.push((label.clone(), "came", stayed, to));
        rows.push((label, "went", 0.0, stayed - from));
    }
    let data = Data::default()
        .words("checkpoints", rows.iter().map(|row| row.0.clone()))
        .words("change", rows.iter().map(|row| row.1))
        .numbers("n_from", rows.iter().map(|row| row.2))
        .numbers("n_to", rows.iter().map(|row| row.3));
    let bar = Mark::new(Shape::Bar).at("checkpoints", "n_to").to_y("n_from").colored("change");
    let zero = Mark { y: Some(crate::Channel::Value(0.0)), ..Mark::new(Shape::Rule).in_color(Color::Ink) };
    (!rows.is_empty()).then(|| Figure {
        name: "fig11-births-and-deaths".into(),
        title: "Universal neurons that stay, come and go".into(),
        caption: format!(
            "Between consecutive checkpoints: neurons universal at both (stayed), at the later one only (came) and, below zero, at the \
             earlier one only (went); summed over the models as reference in turn. {} {}",
            facts.universal(),
            facts.correlated()
        ),
        width: Width::Column,
        aspect: 0.8,
        data,
        marks: vec![bar, zero],
        x: Scale::band("Training steps"),
        y: Scale::linear("Universal neurons"),
        color: Some(ColorScale { title: "Neurons that".into(), kind: ColorKind::Categories }),
        facet: None,
    })
}
