//! The neurons that two models share, most universal first, from the tables of a run.

use std::path::Path;

use homolog_results::{MatchRow, read_table};

use crate::Error;

/// Markdown of the neurons of the first model with the largest excess correlation in the second, and what they match there.
///
/// Errors: the table `matches` of `run_dir` cannot be read.
pub fn shared_neurons(run_dir: &Path, n_rows: usize) -> Result<String, Error> {
    let matches: Vec<MatchRow> = read_table(&run_dir.join("tables/matches.parquet"))?;
    let Some(first) = matches.first().map(|row| row.model.clone()) else { return Ok(String::new()) };
    let excess = |row: &MatchRow| Some(row.max_corr? - row.baseline?);
    let mut ranked: Vec<(f32, &MatchRow)> =
        matches.iter().filter(|row| row.model == first).filter_map(|row| Some((excess(row)?, row))).collect();
    // Ties keep the order of the table: the lower neuron first.
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut lines = vec![
        format!(
            "| neuron of {first} | neuron of {} | correlation | interval | cross-fitted | runner-up | baseline | excess | each other's best |",
            matches[0].other
        ),
        "|---|---|---:|---|---:|---:|---:|---:|---|".into(),
    ];
    let number = |value: Option<f32>| value.map_or("-".into(), |value| format!("{value:.4}"));
    for (excess, row) in ranked.into_iter().take(n_rows) {
        let matched = row.matched_layer.zip(row.matched_neuron);
        let interval = row.max_corr_low.zip(row.max_corr_high);
        lines.push(format!(
            "| {}.{} | {} | {} | {} | {} | {} | {} | {excess:.4} | {} |",
            row.layer,
            row.neuron,
            matched.map_or("-".into(), |(layer, neuron)| format!("{layer}.{neuron}")),
            number(row.max_corr),
            interval.map_or("-".into(), |(low, high)| format!("{low:.4} to {high:.4}")),
            number(row.cross_fitted_corr),
            number(row.second_corr),
            number(row.baseline),
            if row.is_mutual { "yes" } else { "no" }
        ));
    }
    Ok(lines.join("\n") + "\n")
}
