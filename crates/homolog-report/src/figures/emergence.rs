//! When universal neurons appear: by layer and checkpoint, by threshold, and in how many models.

use super::facts::{Facts, Subject, panel, step};
use super::{intervals, with_spreads};
use crate::evidence_words::{interval, within};
use crate::numbers::Spread;
use crate::rule_words::quantity;
use crate::{Color, ColorKind, ColorScale, Data, Facet, Figure, Mark, Run, Scale, Shape, Width};

/// Figure 1: percentage of universal neurons by layer, a line a checkpoint.
pub(super) fn by_layer(run: &Run, facts: &Facts, subject: &Subject) -> Option<Figure> {
    let at = |layer: usize, checkpoint: Option<i64>| {
        let rows = run.emergence.iter().filter(|row| row.checkpoint == checkpoint && row.threshold == facts.threshold);
        let rows = rows.filter(|row| row.layer == Some(layer as u16) && subject.has(&row.model));
        Spread::of(rows.map(|row| row.share))
    };
    // Of one model; means over models have none.
    let interval_at = |layer: usize, checkpoint: Option<i64>| {
        let Subject::Model(name) = subject else { return None };
        let is_here = |row: &&homolog_results::EmergenceRow| {
            row.model == *name && row.checkpoint == checkpoint && row.threshold == facts.threshold
        };
        let row = run.emergence.iter().filter(is_here).find(|row| row.layer == Some(layer as u16))?;
        Some(within([row.share_low?, row.share_high?]))
    };
    let points: Vec<(usize, Option<i64>, Spread)> = facts
        .checkpoints
        .iter()
        .flat_map(|&checkpoint| (0..facts.n_layers).map(move |layer| (layer, checkpoint)))
        .filter_map(|(layer, checkpoint)| Some((layer, checkpoint, at(layer, checkpoint)?)))
        .collect();
    let data = Data::default()
        .words("layer", points.iter().map(|point| point.0.to_string()))
        .words("checkpoint", points.iter().map(|point| step(point.1)));
    let data = with_spreads(data, "share", &points.iter().map(|point| Some(point.2)).collect::<Vec<_>>());
    let mut marks = with_band(subject, Mark::new(Shape::Line).at("layer", "share").colored("checkpoint"), "share");
    let intervals: Vec<Option<[f64; 2]>> = points.iter().map(|point| interval_at(point.0, point.1)).collect();
    let (data, spread) = match interval(run).filter(|_| intervals.iter().any(Option::is_some)) {
        Some(interval) => {
            let rule = Mark::new(Shape::Rule).at("layer", "share_low").to_y("share_high").colored("checkpoint");
            marks.insert(0, rule);
            let end = |at: usize| intervals.iter().map(move |ends| ends.map(|ends| ends[at]));
            let data = data.numbers("share_low", end(0)).numbers("share_high", end(1));
            let words = "One model as the reference; vertical rules:";
            (
                data,
                format!(
                    "{words} {interval}, matches and baselines held fixed, cut at 0 and 100 %, without length where no neuron comes near the threshold."
                ),
            )
        }
        None => (data, subject.spread().to_owned()),
    };
    (!points.is_empty()).then(|| Figure {
        name: format!("fig01-emergence-{}", subject.slug(facts)),
        title: format!("Universal neurons by layer and checkpoint, {}", subject.title()),
        caption: format!(
            "Percentage of the neurons of each layer that are universal, by checkpoint (training step). {} {spread}{} {}",
            facts.universal(),
            intervals::at_last(run, facts, subject),
            facts.correlated()
        ),
        width: Width::Column,
        aspect: 0.7,
        data,
        marks,
        x: Scale::band("Layer"),
        y: Scale::share("Universal neurons (% of layer)"),
        color: Some(ColorScale { title: "Training step".into(), kind: ColorKind::Ordered }),
        facet: None,
    })
}

/// `line` and its points, over the band of `NAME_least` and `NAME_greatest` where there is more than one model to it.
pub(super) fn with_band(subject: &Subject, line: Mark, name: &str) -> Vec<Mark> {
    let band = Mark { shape: Shape::Band, ..line.clone() };
    let band =
        Mark { y: Some(crate::Channel::Field(format!("{name}_least"))), ..band }.to_y(&format!("{name}_greatest"));
    let points = Mark { shape: Shape::Point, ..line.clone() };
    match subject {
        Subject::Family => vec![band, line, points],
        Subject::Model(_) => vec![line, points],
    }
}

/// Share of universal neurons against the threshold, a line a checkpoint: how much hangs on the cut.
pub(super) fn thresholds(run: &Run, facts: &Facts) -> Option<Figure> {
    let mut points: Vec<(f64, Option<i64>, Spread)> = Vec::new();
    for &checkpoint in &facts.checkpoints {
        let rows = || run.emergence.iter().filter(move |row| row.checkpoint == checkpoint && row.layer.is_none());
        let mut thresholds: Vec<f64> = rows().map(|row| row.threshold).collect();
        thresholds.sort_by(f64::total_cmp);
        thresholds.dedup();
        points.extend(thresholds.into_iter().filter_map(|threshold| {
            let shares = rows().filter(|row| row.threshold == threshold).map(|row| row.share);
            Some((threshold, checkpoint, Spread::of(shares)?))
        }));
    }
    let data = Data::default()
        .numbers("threshold", points.iter().map(|point| point.0))
        .words("checkpoint", points.iter().map(|point| step(point.1)));
    let data = with_spreads(data, "share", &points.iter().map(|point| Some(point.2)).collect::<Vec<_>>());
    let line = Mark::new(Shape::Line).at("threshold", "share").colored("checkpoint");
    let mut marks = with_band(&Subject::Family, line, "share");
    let rule = Mark::new(Shape::Rule).in_color(Color::Muted);
    marks.insert(0, Mark { x: Some(crate::Channel::Value(facts.threshold)), ..rule });
    (!points.is_empty()).then(|| Figure {
        name: "fig09-thresholds".into(),
        title: "Universal neurons by threshold".into(),
        caption: format!(
            "Percentage of all neurons that are universal against the threshold on the {}; vertical rule: the study's own, {}. {} {}",
            quantity(&run.settings),
            facts.threshold,
            Subject::Family.spread(),
            facts.correlated()
        ),
        width: Width::Column,
        aspect: 0.7,
        data,
        marks,
        x: Scale::linear(&format!("Threshold on {}", quantity(&run.settings))),
        y: Scale::share("Universal neurons (%)"),
        color: Some(ColorScale { title: "Training step".into(), kind: ColorKind::Ordered }),
        facet: None,
    })
}

/// How many neurons correlate above the count threshold in k of the other models.
pub(super) fn models_above(run: &Run, facts: &Facts) -> Option<Figure> {
    let n_others = facts.models.len().saturating_sub(1);
    let mut points: Vec<(usize, Option<i64>, Spread)> = Vec::new();
    for (at, &checkpoint) in facts.checkpoints.iter().enumerate() {
        let shares: Vec<Vec<f64>> = (0..facts.models.len())
            .map(|model| {
                let mut counts = vec![0_u64; n_others + 1];
                for &n_models in &run.neurons(model, at).n_models_above {
                    counts[n_models as usize] += 1;
                }
                let n = counts.iter().sum::<u64>().max(1) as f64;
                counts.iter().map(|&count| count as f64 / n).collect()
            })
            .collect();
        let of_k = |k: usize| Some((k, checkpoint, Spread::of(shares.iter().map(|shares| shares[k]))?));
        points.extend((1..=n_others).filter_map(of_k));
    }
    let data = Data::default()
        .words("n_models", points.iter().map(|point| point.0.to_string()))
        .words("checkpoint", points.iter().map(|point| panel(point.1)));
    let data = with_spreads(data, "share", &points.iter().map(|point| Some(point.2)).collect::<Vec<_>>());
    let bar = Mark::new(Shape::Bar).at("n_models", "share").in_color(Color::Category(0));
    let range = Mark::new(Shape::Rule).at("n_models", "share_least").to_y("share_greatest");
    (!points.is_empty()).then(|| Figure {
        name: "fig10-models-above".into(),
        title: "Neurons found again in k other models".into(),
        caption: format!(
            "Percentage of neurons whose best match correlates above {} in exactly k of the other {n_others} models, by training step. \
             Bars: mean over the models as reference in turn; rules: least and greatest of them (a range, no interval). {}",
            run.settings.count_threshold,
            facts.correlated()
        ),
        width: Width::Page,
        aspect: 0.9,
        data,
        marks: vec![bar, range],
        x: Scale::band("Other models, k"),
        y: Scale::share("Neurons (%)"),
        color: None,
        facet: Some(Facet { column: "checkpoint".into(), n_columns: 3, has_own_y: false }),
    })
}
