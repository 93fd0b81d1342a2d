//! Summaries of how sure shares are, and of the sets that agree all round.

use std::collections::BTreeSet;

use homolog_results::CliqueRow;

use super::{by_checkpoint, dash, unless_empty};
use crate::Run;
use crate::evidence_words::{interval, share_interval};
use crate::numbers::{count, mean, percent};
use crate::run::{Neurons, checkpoint_words};

/// Shares at the study's threshold with intervals, what is surely and possibly universal, and means of matches chosen twice.
pub(super) fn intervals(run: &Run) -> String {
    let Some(interval) = interval(run) else { return String::new() };
    let rows: Vec<Vec<String>> = by_checkpoint(run)
        .filter_map(|(model, checkpoint)| {
            let (name, step) = (&run.model_names()[model], run.checkpoints()[checkpoint]);
            let is_here = |row: &&homolog_results::EmergenceRow| {
                let is_place = row.model == *name && row.checkpoint == step && row.layer.is_none();
                is_place && row.threshold == run.threshold()
            };
            let row = run.emergence.iter().find(is_here)?;
            let neurons = run.neurons(model, checkpoint);
            let corr = |of: &dyn Fn(&Neurons, usize) -> f64| {
                let places =
                    (0..neurons.excess_corr.len()).filter(|&place| !neurons.cross_fitted_excess[place].is_nan());
                mean(places.map(|place| of(neurons, place))).map_or_else(dash, |mean| format!("{mean:.3}"))
            };
            Some(vec![
                checkpoint_words(step),
                name.clone(),
                percent(row.share),
                share_interval(row.share_low?, row.share_high?),
                row.n_surely.map_or_else(dash, count),
                row.n_possibly.map_or_else(dash, count),
                corr(&|neurons, place| neurons.excess_corr[place]),
                corr(&|neurons, place| f64::from(neurons.cross_fitted_excess[place])),
            ])
        })
        .collect();
    unless_empty(
        "How sure: universal neurons at the study\u{2019}s threshold, and the mean excess chosen twice",
        &[
            "checkpoint",
            "model",
            "universal",
            &interval,
            "surely universal",
            "possibly universal",
            "mean excess",
            "mean excess, cross-fitted",
        ],
        &rows,
    )
}

/// Sets that agree all round by size, a row a checkpoint.
pub(super) fn sets(run: &Run) -> String {
    if run.cliques.is_empty() {
        return String::new();
    }
    let n_models = run.model_names().len() as u32;
    let sizes: Vec<u32> = (n_models.min(3)..=n_models).collect();
    let titles: Vec<String> = sizes.iter().map(|size| format!("of {size} models")).collect();
    let rows: Vec<Vec<String>> = run
        .checkpoints()
        .iter()
        .map(|&step| {
            let sets = |is_wanted: &dyn Fn(&CliqueRow) -> bool| {
                let rows = run.cliques.iter().filter(|row| row.checkpoint == step && is_wanted(row));
                count(rows.map(|row| row.clique).collect::<BTreeSet<u32>>().len() as u64)
            };
            let mut cells = vec![checkpoint_words(step)];
            cells.extend(sizes.iter().map(|&size| sets(&|row| row.n_models == size)));
            cells.push(sets(&|row| row.is_universal));
            cells
        })
        .collect();
    let mut columns = vec!["checkpoint"];
    columns.extend(titles.iter().map(String::as_str));
    columns.push("of all, and universal");
    super::table("Sets of neurons that are each other\u{2019}s best match all round", &columns, 1, &rows)
}
