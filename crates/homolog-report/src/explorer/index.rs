//! Bundle `index`: what there is.

use serde_json::{Map, Value, json};

use super::numbers::Fineness;
use super::{MAX_TABLE_ROWS, ROWS_PER_TEXT, Scope, Source, table};

pub(super) fn meta(source: &Source<'_>) -> Map<String, Value> {
    let run = source.run;
    let models: Vec<Value> = run
        .model_names()
        .iter()
        .enumerate()
        .map(|(model, name)| {
            let shape = run.shape(model);
            json!({ "name": name, "n_layers": shape.n_layers, "d_mlp": shape.d_mlp })
        })
        .collect();
    let columns: Vec<Value> = table::columns(source)
        .iter()
        .map(|column| {
            let kind = match column.of {
                table::Of::Number(_) | table::Of::Single(_) => "number",
                table::Of::Integer(_) => "integer",
                table::Of::Flag(_) | table::Of::IsControl => "flag",
            };
            json!({ "name": column.name, "title": column.title, "help": column.help, "kind": kind })
        })
        .collect();
    let windows = source.window_checkpoints.first().and_then(|&checkpoint| source.windows(0, checkpoint));
    let meta = json!({
        "study": run.manifest.study,
        "scope": match source.selection.scope {
            Scope::All => "all",
            Scope::Selected => "selected",
        },
        "models": models,
        "checkpoints": run.checkpoints(),
        "table_checkpoints": source.table_checkpoints,
        "window_checkpoints": source.window_checkpoints,
        "threshold": run.threshold(),
        "count_threshold": run.settings.count_threshold,
        "n_tokens_counted": run.manifest.n_tokens_counted,
        "window_tokens": windows.map_or(0, |windows| windows.window_tokens),
        "n_windows": windows.map_or(0, |windows| windows.n_kept.min(source.fineness.max_windows)),
        "n_partner_windows": windows.map_or(0, |windows| windows.n_with_partners.min(source.fineness.max_partner_windows)),
        "n_bins": windows.map_or(0, |windows| windows.n_bins),
        "top_k": source.n_best(),
        "rows_per_text": if source.texts().is_some() { ROWS_PER_TEXT } else { 0 },
        "context": run.manifest.inputs.tokens.context,
        "is_screened": source.is_screened(),
        "has_vocabulary": run.vocabulary.is_some(),
        "columns": columns,
        "notes": notes(source),
        "tables": "The tables of this run are Parquet files in its folder tables/, with a row for every neuron in neurons.parquet \
                   and one for every neuron and other model in matches.parquet.",
    });
    match meta {
        Value::Object(meta) => meta,
        _ => unreachable!("an object was just written"),
    }
}

fn notes(source: &Source<'_>) -> Vec<String> {
    let mut notes = source.selection.notes.clone();
    let run = source.run;
    if source.window_checkpoints.is_empty() {
        notes.push("This study kept no windows: there is no text to show.".to_owned());
    }
    if run.vocabulary.is_none() {
        notes.push("This study had no tokenizer: tokens are shown by their ids.".to_owned());
    }
    if source.selection.scope == Scope::All && source.table_checkpoints.len() < run.checkpoints().len() {
        notes.push(format!(
            "Of checkpoints but the last, and those with windows, only the course is shown: the run has more than {MAX_TABLE_ROWS} \
             rows of neurons."
        ));
    }
    if source.fineness == Fineness::COARSE && !source.window_checkpoints.is_empty() {
        notes.push(
            "Of each neuron the first eight windows are shown. Activations in them are in steps of a 16th of the neuron's greatest, those of matches of an 8th and on two windows at most; \
             counts of histograms are rounded by up to 7 %. The files in tensors/ have all."
                .to_owned(),
        );
    }
    if source.n_best() < run.settings.top_k && source.top_k.is_some() {
        notes.push(format!(
            "Of {} best matches kept of each neuron the first {} are shown; the rest are in tensors/topk.safetensors.",
            run.settings.top_k,
            source.n_best()
        ));
    }
    if source.is_screened() {
        notes.push(
            "The search was screened: best matches after the first, and lowest correlations, are those among candidates."
                .to_owned(),
        );
    }
    notes.push("Numbers are rounded to four or five digits; the tables have all.".to_owned());
    notes
}
