//! Summaries of the tables, folded away; the tables themselves are files.

mod certainty;
mod impact;

use homolog_results::DamageRow;

use super::findings::{LAYER_MATCHED, MATCHED, RANDOM, damage, meeting};
use super::html::{escaped, table};
use crate::Run;
use crate::impact_words::{ends, level_words};
use crate::numbers::{count, digits, percent};
use crate::rule_words::shorthand;
use crate::run::checkpoint_words;

pub(super) fn html(run: &Run) -> String {
    let files: Vec<String> = run
        .manifest
        .tables
        .iter()
        .map(|file| {
            format!("<a href=\"{}\">{}</a> ({} rows)", escaped(&file.path), escaped(&file.name), count(file.n_rows))
        })
        .collect();
    let files = if files.is_empty() {
        String::new()
    } else {
        format!("<p>Beside this page, as Parquet: {}.</p>\n", files.join(", "))
    };
    [
        files,
        models(run),
        emergence(run),
        certainty::intervals(run),
        certainty::sets(run),
        persistence(run),
        ablation(run),
        impact::balance(run),
        impact::singles(run),
        impact::family(run),
    ]
    .concat()
}

fn models(run: &Run) -> String {
    let rows: Vec<Vec<String>> = by_checkpoint(run)
        .filter_map(|(model, checkpoint)| {
            let (name, step) = (&run.model_names()[model], run.checkpoints()[checkpoint]);
            let row = run.models.iter().find(|row| row.model == *name && row.checkpoint == step)?;
            Some(vec![
                checkpoint_words(step),
                name.clone(),
                format!("{:.4}", row.loss_nats),
                count(row.n_targets),
                count(row.n_undefined),
            ])
        })
        .collect();
    unless_empty(
        "Models and their losses",
        &["checkpoint", "model", "loss, nats", "over so many tokens", "constant neurons"],
        &rows,
    )
}

fn emergence(run: &Run) -> String {
    let thresholds = &run.settings.thresholds;
    let titles: Vec<String> = thresholds.iter().map(|&threshold| shorthand(&run.settings, threshold)).collect();
    let mut columns = vec!["checkpoint", "model", "neurons"];
    columns.extend(titles.iter().map(String::as_str));
    let rows: Vec<Vec<String>> = by_checkpoint(run)
        .filter_map(|(model, checkpoint)| {
            let (name, step) = (&run.model_names()[model], run.checkpoints()[checkpoint]);
            let of = |threshold: f64| {
                run.emergence.iter().find(|row| {
                    let is_place = row.model == *name && row.checkpoint == step && row.layer.is_none();
                    is_place && row.threshold == threshold
                })
            };
            let mut cells = vec![checkpoint_words(step), name.clone(), count(of(run.threshold())?.n_neurons)];
            let share = |threshold: f64| {
                of(threshold).map_or_else(dash, |row| format!("{} ({})", count(row.n_universal), percent(row.share)))
            };
            cells.extend(thresholds.iter().map(|&threshold| share(threshold)));
            Some(cells)
        })
        .collect();
    unless_empty("Universal neurons, all layers, by threshold", &columns, &rows)
}

fn persistence(run: &Run) -> String {
    let rows: Vec<Vec<String>> = run
        .model_names()
        .iter()
        .flat_map(|name| {
            let is_wanted = move |row: &&homolog_results::PersistenceRow| {
                row.model == *name && row.layer.is_none() && row.threshold == run.threshold() && row.is_consecutive
            };
            run.persistence.iter().filter(is_wanted).map(|row| {
                vec![
                    name.clone(),
                    format!("{} to {}", checkpoint_words(row.from_checkpoint), checkpoint_words(row.to_checkpoint)),
                    count(row.n_from),
                    count(row.n_to),
                    count(row.n_both),
                    format!("{:.1}", row.expected_by_chance),
                    row.persistence.map_or_else(dash, percent),
                    row.jaccard.map_or_else(dash, |jaccard| format!("{jaccard:.3}")),
                ]
            })
        })
        .collect();
    unless_empty(
        "Persistence from one checkpoint to the next, all layers",
        &["model", "checkpoints", "universal before", "after", "both", "both by chance", "persistence", "Jaccard"],
        &rows,
    )
}

fn ablation(run: &Run) -> String {
    let mut rows = Vec::new();
    for mode in &run.settings.ablation_modes {
        for (model, checkpoint) in by_checkpoint(run) {
            let place = (model, checkpoint);
            let Some(random) = damage(run, place, mode, RANDOM) else { continue };
            let of_controls = |row: &DamageRow| row.control_delta_nats.map(digits);
            rows.push(vec![
                checkpoint_words(run.checkpoints()[checkpoint]),
                run.model_names()[model].clone(),
                mode.clone(),
                count(random.n_neurons),
                digits(random.universal_delta_nats),
                ends(random.universal_delta_low, random.universal_delta_high, "", digits),
                of_controls(random).unwrap_or_else(dash),
                damage(run, place, mode, LAYER_MATCHED).and_then(of_controls).unwrap_or_else(dash),
                damage(run, place, mode, MATCHED).and_then(of_controls).unwrap_or_else(dash),
                meeting(random).unwrap_or_else(dash),
            ]);
        }
    }
    let interval = format!("{} interval over rows", level_words(run));
    let columns = [
        "checkpoint",
        "model",
        "mode",
        "universal neurons",
        "damage, nats",
        &interval,
        "of as many random",
        "of as many random of each layer",
        "of as many matched",
        "equal damage at",
    ];
    if rows.is_empty() {
        return String::new();
    }
    table("Ablation of the universal neurons, all layers at once; random sets are means over draws", &columns, 3, &rows)
}

/// Models within checkpoints.
fn by_checkpoint(run: &Run) -> impl Iterator<Item = (usize, usize)> + use<> {
    let (n_models, n_checkpoints) = (run.model_names().len(), run.checkpoints().len());
    (0..n_checkpoints).flat_map(move |checkpoint| (0..n_models).map(move |model| (model, checkpoint)))
}

fn unless_empty(title: &str, columns: &[&str], rows: &[Vec<String>]) -> String {
    if rows.is_empty() { String::new() } else { table(title, columns, 2, rows) }
}

/// For what is undefined.
fn dash() -> String {
    "\u{2013}".to_owned()
}
