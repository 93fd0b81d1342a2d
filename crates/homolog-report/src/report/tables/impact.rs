//! Summaries of the family's numbers, of neurons ablated one by one, and of how like universal neurons their controls are.

use super::{by_checkpoint, dash, unless_empty};
use crate::Run;
use crate::impact_words::{CONTROLS, ends, level_words};
use crate::numbers::{count, digits};
use crate::run::checkpoint_words;

/// The claims about the family, a row each, at the study's threshold.
pub(super) fn family(run: &Run) -> String {
    let both = |least: Option<f64>, greatest: Option<f64>| match (least, greatest) {
        (Some(least), Some(greatest)) => format!("{} to {}", digits(least), digits(greatest)),
        _ => dash(),
    };
    let rows: Vec<Vec<String>> = run
        .family
        .iter()
        .filter(|row| row.threshold == run.threshold())
        .map(|row| {
            let since = row.from_checkpoint.map(|step| format!("step {step} to ")).unwrap_or_default();
            let of: Vec<&str> = [row.mode.as_deref(), row.control.as_deref()].into_iter().flatten().collect();
            vec![
                format!("{since}{}", checkpoint_words(row.checkpoint)),
                row.quantity.clone(),
                of.join(", "),
                count(u64::from(row.n_models)),
                row.estimate.map_or_else(dash, digits),
                ends(row.low, row.high, "", digits),
                both(row.without_one_low, row.without_one_high),
                row.p_value.map_or_else(dash, digits),
            ]
        })
        .collect();
    let interval = format!("{} interval over models and tokens", level_words(run));
    let columns = [
        "checkpoint",
        "quantity",
        "mode and random sets",
        "models",
        "value",
        &interval,
        "without one model",
        "permutation p",
    ];
    if rows.is_empty() {
        return String::new();
    }
    super::table("The family: means over its models", &columns, 3, &rows)
}

/// First order and exact, single and together.
pub(super) fn singles(run: &Run) -> String {
    let rows: Vec<Vec<String>> = by_checkpoint(run)
        .filter_map(|(model, checkpoint)| {
            let (name, step) = (&run.model_names()[model], run.checkpoints()[checkpoint]);
            let row = run.attribution.iter().find(|row| row.model == *name && row.checkpoint == step)?;
            let two = |value: Option<f64>| value.map_or_else(dash, |value| format!("{value:.2}"));
            let nats = |value: Option<f64>| value.map_or_else(dash, digits);
            Some(vec![
                checkpoint_words(step),
                name.clone(),
                two(row.random_corr),
                two(row.random_slope),
                two(row.top_slope),
                nats(row.joint_delta_nats),
                nats(row.sum_of_singles_nats),
                two(row.joint_over_singles),
                ends(row.joint_over_singles_low, row.joint_over_singles_high, "", |end| format!("{end:.2}")),
            ])
        })
        .collect();
    let interval = format!("{} interval", level_words(run));
    unless_empty(
        "Neurons set to zero one by one: first order against exact, and what universal ones add up to",
        &[
            "checkpoint",
            "model",
            "correlation, random sample",
            "slope, random sample",
            "slope, greatest",
            "all universal, nats",
            "one by one, summed, nats",
            "together over sum",
            &interval,
        ],
        &rows,
    )
}

/// Standardised differences of sets of the universal ones' size, a row a model, checkpoint and covariate.
pub(super) fn balance(run: &Run) -> String {
    let mut rows = Vec::new();
    for (model, checkpoint) in by_checkpoint(run) {
        let (name, step) = (&run.model_names()[model], run.checkpoints()[checkpoint]);
        let here = || {
            let rows = run.balance.iter().filter(|row| row.model == *name && row.checkpoint == step);
            rows.filter(|row| row.multiple == 1 && row.threshold == run.threshold())
        };
        let mut covariates: Vec<&String> = here().map(|row| &row.covariate).collect();
        covariates.sort();
        covariates.dedup();
        for covariate in covariates {
            let of = |control: &str| {
                let row = here().find(|row| row.covariate == *covariate && row.control == control);
                row.and_then(|row| row.standardized_difference).map_or_else(dash, |value| format!("{value:.2}"))
            };
            let mut cells = vec![checkpoint_words(step), name.clone(), covariate.clone()];
            cells.extend(CONTROLS.map(|(control, _)| of(control)));
            rows.push(cells);
        }
    }
    let mut columns = vec!["checkpoint", "model", "covariate"];
    columns.extend(CONTROLS.map(|(_, words)| words));
    if rows.is_empty() {
        return String::new();
    }
    super::table("How like universal neurons random sets of as many are: standardised differences", &columns, 3, &rows)
}
