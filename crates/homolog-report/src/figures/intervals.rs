//! How sure shares of universal neurons are: intervals over blocks of text, by checkpoint and model.

use super::facts::{Facts, Subject, step};
use crate::evidence_words::{interval, level, share_interval, within};
use crate::numbers::{listed, percent};
use crate::{Color, Data, Facet, Figure, Mark, Run, Scale, Shape, Width};

/// Models that a caption names one by one at most.
const N_NAMED: usize = 6;

/// The share of each model at the last checkpoint with its interval, as a sentence behind others; empty where there is none.
pub(super) fn at_last(run: &Run, facts: &Facts, subject: &Subject) -> String {
    let Some(interval) = interval(run) else { return String::new() };
    let is_wanted = |row: &&homolog_results::EmergenceRow| {
        row.checkpoint == facts.last() && row.layer.is_none() && row.threshold == facts.threshold
    };
    let rows = run.emergence.iter().filter(is_wanted).filter(|row| subject.has(&row.model));
    let shares: Vec<String> = rows
        .filter_map(|row| {
            let ends = share_interval(row.share_low?, row.share_high?);
            Some(format!("{} in {} ({ends})", percent(row.share), row.model))
        })
        .collect();
    if shares.is_empty() || shares.len() > N_NAMED {
        return String::new();
    }
    format!(" Over all layers{}, with the {interval}: {}.", facts.at_last(), listed(&shares))
}

/// Share of universal neurons by checkpoint with its interval, and between what is surely and what is possibly universal; a panel a model.
pub(super) fn shares(run: &Run, facts: &Facts) -> Option<Figure> {
    let interval = interval(run)?;
    let of_model = |model: &String| {
        let is_wanted = |row: &&homolog_results::EmergenceRow| {
            row.model == *model && row.layer.is_none() && row.threshold == facts.threshold
        };
        run.emergence.iter().filter(is_wanted).collect::<Vec<_>>()
    };
    let rows: Vec<_> = facts.models.iter().flat_map(of_model).collect();
    let ends = |low: Option<f64>, high: Option<f64>| Some(within([low?, high?]));
    let shares: Vec<_> = rows.iter().map(|row| ends(row.share_low, row.share_high)).collect();
    if shares.iter().all(Option::is_none) {
        return None;
    }
    let of_all = |n: Option<u64>, n_neurons: u64| n.map(|n| n as f64 / n_neurons as f64);
    let data = Data::default()
        .words("model", rows.iter().map(|row| row.model.clone()))
        .words("checkpoint", rows.iter().map(|row| step(row.checkpoint)))
        .numbers("share", rows.iter().map(|row| row.share))
        .numbers("share_low", shares.iter().map(|ends| ends.map(|[low, _]| low)))
        .numbers("share_high", shares.iter().map(|ends| ends.map(|[_, high]| high)))
        .numbers("share_surely", rows.iter().map(|row| of_all(row.n_surely, row.n_neurons)))
        .numbers("share_possibly", rows.iter().map(|row| of_all(row.n_possibly, row.n_neurons)));
    let color = Color::Category(0);
    let line = Mark::new(Shape::Line).at("checkpoint", "share").in_color(color.clone());
    let marks = vec![
        Mark::new(Shape::Band).at("checkpoint", "share_surely").to_y("share_possibly").in_color(Color::Muted),
        Mark::new(Shape::Rule).at("checkpoint", "share_low").to_y("share_high").in_color(color.clone()),
        line.clone(),
        Mark { shape: Shape::Point, ..line },
    ];
    Some(Figure {
        name: "fig13-intervals".into(),
        title: "Universal neurons by checkpoint, and how sure".into(),
        caption: format!(
            "Percentage of all neurons that are universal, a panel a model as the reference. {} Vertical rules: {interval}, matches and \
             baselines held fixed, cut at 0 and 100 %; where no neuron comes near the threshold they have no length. Grey band: from \
             the neurons whose own {} interval lies wholly above the threshold to those whose interval reaches above it. None of it tells of \
             other models. {}",
            facts.universal(),
            level(run),
            facts.correlated()
        ),
        width: Width::Page,
        aspect: 0.8,
        data,
        marks,
        x: Scale::band("Training step"),
        y: Scale::share("Universal neurons (%)"),
        color: None,
        facet: Some(Facet { column: "model".into(), n_columns: 3, has_own_y: false }),
    })
}
