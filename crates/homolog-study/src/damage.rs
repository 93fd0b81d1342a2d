//! Table `damage`: the loss that universal neurons cost beside that of random ones, from the rows of table `ablation`.

#[cfg(test)]
mod tests;

use homolog_results::{AblationRow, DamageRow};

/// Raised whenever the arithmetic below changes.
pub(crate) const VERSION: u32 = 1;

/// Kinds of random sets over all layers.
const CONTROLS: [&str; 2] = ["random", "random_layer_matched"];

/// A row for every set of universal neurons that is not empty, and every kind of random sets.
pub(crate) fn rows(ablation: &[AblationRow]) -> Vec<DamageRow> {
    let of_sets = |row: &&AblationRow| row.set == "universal" && row.n_neurons > 0;
    let pairs = ablation.iter().filter(of_sets).flat_map(|row| CONTROLS.map(|control| (row, control)));
    pairs.filter_map(|(universal, control)| against(universal, control, ablation)).collect()
}

/// None without random sets of this kind.
fn against(universal: &AblationRow, control: &str, ablation: &[AblationRow]) -> Option<DamageRow> {
    let is_beside = |row: &&AblationRow| {
        let is_control = row.set == control && row.mode == universal.mode && row.threshold == universal.threshold;
        is_control && row.model == universal.model && row.checkpoint == universal.checkpoint
    };
    let mut by_multiple: Vec<(u32, Vec<f64>)> = Vec::new();
    for row in ablation.iter().filter(is_beside) {
        let multiple = row.multiple?;
        match by_multiple.iter_mut().find(|entry| entry.0 == multiple) {
            Some(entry) => entry.1.push(row.delta_loss_nats),
            None => by_multiple.push((multiple, vec![row.delta_loss_nats])),
        }
    }
    by_multiple.sort_by_key(|entry| entry.0);
    let mean = |deltas: &[f64]| deltas.iter().sum::<f64>() / deltas.len() as f64;
    let curve: Vec<(f64, f64)> =
        by_multiple.iter().map(|(multiple, deltas)| (f64::from(*multiple), mean(deltas))).collect();
    let same_size = by_multiple.iter().find(|entry| entry.0 == 1);
    let control_delta_nats = same_size.map(|entry| mean(&entry.1));
    let universal_delta_nats = universal.delta_loss_nats;
    let harmful = control_delta_nats.filter(|&delta| delta > 0.0 && universal_delta_nats > 0.0);
    Some(DamageRow {
        model: universal.model.clone(),
        checkpoint: universal.checkpoint,
        threshold: universal.threshold?,
        mode: universal.mode.clone(),
        control: control.to_owned(),
        n_neurons: universal.n_neurons,
        universal_delta_nats,
        n_draws: same_size.map_or(0, |entry| entry.1.len() as u32),
        control_delta_nats,
        ratio: harmful.map(|delta| universal_delta_nats / delta),
        equal_multiple: crossing(&curve, universal_delta_nats),
        greatest_multiple: Some(by_multiple.last()?.0),
    })
}

/// Where the piecewise linear curve from (0, 0) through `points` first reaches `level`; none for a level that is not positive
/// or never reached.
fn crossing(points: &[(f64, f64)], level: f64) -> Option<f64> {
    if level <= 0.0 {
        return None;
    }
    let mut last = (0.0, 0.0);
    for &(x, y) in points {
        if y >= level {
            return Some(last.0 + (x - last.0) * (level - last.1) / (y - last.1));
        }
        last = (x, y);
    }
    None
}
