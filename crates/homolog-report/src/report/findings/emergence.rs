//! How many neurons are universal, when, where, and by which rule.

use homolog_results::EmergenceRow;

use super::at;
use crate::Run;
use crate::numbers::{Spread, count, listed, mean, percent};
use crate::rule_words::{beyond, shorthand};
use crate::run::{Rule, checkpoint_words};

pub(super) fn sentences(run: &Run) -> Vec<String> {
    let threshold = run.threshold();
    let last = run.last_checkpoint();
    let mut sentences: Vec<String> =
        (0..run.checkpoints().len()).filter_map(|checkpoint| share(run, checkpoint)).collect();
    // The last checkpoint first: it is what a reader asks for.
    sentences.reverse();
    let others: Vec<f64> = run.settings.thresholds.iter().copied().filter(|&other| other != threshold).collect();
    let sweep: Vec<String> = others
        .iter()
        .filter_map(|&other| {
            let shares: Vec<f64> = rows(run, last, other).map(|row| row.share).collect();
            Some(format!("{} {}", percent(mean(shares)?), beyond(&run.settings, other)))
        })
        .collect();
    if !sweep.is_empty() {
        let place = at(run, last);
        sentences.push(format!("{place}, at other thresholds, the mean over models is {}.", listed(&sweep)));
    }
    sentences.extend(by_layer(run));
    sentences.extend(by_count(run));
    sentences
}

/// All layers together.
fn rows(run: &Run, checkpoint: usize, threshold: f64) -> impl Iterator<Item = &EmergenceRow> {
    let step = run.checkpoints()[checkpoint];
    run.emergence.iter().filter(move |row| row.checkpoint == step && row.layer.is_none() && row.threshold == threshold)
}

fn share(run: &Run, checkpoint: usize) -> Option<String> {
    let threshold = run.threshold();
    let rows: Vec<&EmergenceRow> = rows(run, checkpoint, threshold).collect();
    let over = Spread::of(rows.iter().map(|row| row.share))?;
    let n_universal: u64 = rows.iter().map(|row| row.n_universal).sum();
    let n_neurons: u64 = rows.iter().map(|row| row.n_neurons).sum();
    let (place, rule) = (at(run, checkpoint), shorthand(&run.settings, threshold));
    if n_universal == 0 {
        let excess = (0..run.model_names().len())
            .flat_map(|model| run.neurons(model, checkpoint).excess_corr.iter().copied())
            .filter(|excess| !excess.is_nan())
            .reduce(f64::max);
        let greatest = match excess {
            Some(excess) => format!(
                "the greatest excess correlation of {} neurons is {:.3}",
                count(n_neurons),
                rounded_down(excess)
            ),
            None => "no excess correlation is defined".to_owned(),
        };
        return Some(format!("{place} no neuron is universal ({rule}): {greatest}."));
    }
    Some(format!(
        "{place} {} of the neurons are universal ({rule}): {} of {}.",
        over.percent(),
        count(n_universal),
        count(n_neurons)
    ))
}

/// To three digits after the point, and never above: 0.4996 beside "none above 0.5" must not read 0.500.
pub(super) fn rounded_down(value: f64) -> f64 {
    let nearest = (value * 1000.0).round() / 1000.0;
    if nearest > value { nearest - 0.001 } else { nearest }
}

/// The layers with the greatest and the least share, all of them where several have it, where all models have the same layers.
fn by_layer(run: &Run) -> Option<String> {
    let last = run.last_checkpoint();
    let step = run.checkpoints()[last];
    let shape = run.shape(0);
    if (1..run.model_names().len()).any(|model| run.shape(model) != shape) || shape.n_layers < 2 {
        return None;
    }
    let share = |layer: u16| {
        let is_wanted = |row: &&EmergenceRow| {
            row.checkpoint == step && row.layer == Some(layer) && row.threshold == run.threshold()
        };
        // Of whole numbers, in no order that rounding could tell: layers with as many are equal. Models have equal layers.
        let (n_universal, n_neurons) = run
            .emergence
            .iter()
            .filter(is_wanted)
            .fold((0, 0), |(n_universal, n), row| (n_universal + row.n_universal, n + row.n_neurons));
        (n_neurons > 0).then(|| (layer, n_universal as f64 / n_neurons as f64))
    };
    let shares: Vec<(u16, f64)> = (0..shape.n_layers as u16).filter_map(share).collect();
    let (greatest, least) = extremes(&shares)?;
    Some(format!(
        "{}, by layer (from 0), the mean share over models is greatest in {greatest} and least in {least}.",
        at(run, last)
    ))
}

/// The layers with the greatest share and those with the least, in words; none where all have the same.
pub(super) fn extremes(shares: &[(u16, f64)]) -> Option<(String, String)> {
    let greatest = shares.iter().map(|of_layer| of_layer.1).reduce(f64::max)?;
    let least = shares.iter().map(|of_layer| of_layer.1).reduce(f64::min)?;
    if greatest == least {
        return None;
    }
    let with = |share: f64| {
        let layers = shares.iter().filter(|of_layer| of_layer.1 == share).map(|of_layer| of_layer.0.to_string());
        let layers: Vec<String> = layers.collect();
        let noun = if layers.len() == 1 { "layer" } else { "layers" };
        format!("{noun} {} ({})", listed(&layers), percent(share))
    };
    Some((with(greatest), with(least)))
}

/// The other rule, where the study's own is not it.
fn by_count(run: &Run) -> Option<String> {
    if run.settings.rule == Rule::Count {
        return None;
    }
    let last = run.last_checkpoint();
    let shares = (0..run.model_names().len())
        .map(|model| &run.neurons(model, last).is_universal_count)
        .filter(|flags| !flags.is_empty())
        .map(|flags| flags.iter().filter(|&&is| is).count() as f64 / flags.len() as f64);
    let over = Spread::of(shares)?;
    let (least, n) = (run.settings.count_threshold, run.settings.count_models);
    let step = checkpoint_words(run.checkpoints()[last]);
    Some(format!(
        "By the rule that the best match must correlate above {least} in at least {n} other models, without a baseline, it is {} at \
         {step}.",
        over.percent()
    ))
}
