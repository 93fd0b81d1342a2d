//! From outcomes to rows of table `ablation`.

use homolog_results::{AblationRow, sort_rows};
use homolog_stats::{Resamples, mean_bca};
use rayon::prelude::*;

use super::measured::{Measured, MeasuredSet};
use super::outcome::Outcome;
use super::sets::SetId;

/// A row for every set but single neurons, sorted. `resamples` are of the rows of tokens.
pub(super) fn rows(
    place: (&str, Option<i64>),
    measured: &Measured,
    resamples: &Resamples,
    level: f64,
) -> Vec<AblationRow> {
    let of_sets = measured.sets.par_iter().filter(|(set, _)| set.id.single.is_none());
    let mut rows: Vec<AblationRow> =
        of_sets.map(|(set, outcome)| row(place, set, (outcome, &measured.clean), resamples, level)).collect();
    sort_rows(&mut rows);
    rows
}

fn row(
    (model, checkpoint): (&str, Option<i64>),
    MeasuredSet { id, mode, n_neurons }: &MeasuredSet,
    (outcome, clean): (&Outcome, &Outcome),
    resamples: &Resamples,
    level: f64,
) -> AblationRow {
    let SetId { threshold, set, layer, multiple, draw, .. } = id.clone();
    let (loss_nats_clean, loss_nats) = (clean.loss_nats(), outcome.loss_nats());
    let delta_loss_nats = loss_nats - loss_nats_clean;
    let (delta_low, delta_high) = mean_bca(&outcome.rises(clean), resamples, level).unzip();
    let (delta_first_nats, delta_rest_nats) = outcome.split_rise(clean);
    AblationRow {
        model: model.to_owned(),
        checkpoint,
        threshold,
        set,
        layer: layer.map(|layer| layer as u16),
        mode: mode.name().to_owned(),
        multiple,
        draw: draw.map(|draw| draw as u32),
        n_neurons: *n_neurons as u64,
        loss_nats_clean,
        loss_nats,
        delta_loss_nats,
        delta_low,
        delta_high,
        delta_first_nats,
        delta_rest_nats,
        kl_nats: outcome.kl_nats(),
        top1_agreement: outcome.top1_agreement(),
        efficiency_nats: (*n_neurons > 0).then(|| delta_loss_nats / *n_neurons as f64),
    }
}
