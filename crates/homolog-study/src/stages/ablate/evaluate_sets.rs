//! The losses of many sets over the same rows: a row's clean pass is computed once, and each set starts from it at its first
//! ablated layer.

use std::collections::BTreeSet;

use homolog_model::{Ablate, Capture, HookPoint, Model, Start, Tokens};
use rayon::prelude::*;

use crate::stages::evaluate::{n_targets, sum};
use crate::{Error, Progress};

/// Mean losses in nats.
pub(super) struct SetLosses {
    pub(super) clean: f64,
    /// In the order of the sets.
    pub(super) sets: Vec<f64>,
}

/// Loss of the clean model and of each ablated one over all rows. No set may be empty.
///
/// Rows are independent and run in parallel; a row's losses are summed in f64, then rows in order.
pub(super) fn evaluate_sets(
    model: &Model,
    tokens: &Tokens,
    sets: &[Ablate],
    progress: &dyn Progress,
) -> Result<SetLosses, Error> {
    let first_layers: Vec<usize> = sets.iter().map(|set| set.first_layer().expect("no set is empty")).collect();
    let starts: BTreeSet<usize> = first_layers.iter().copied().collect();
    let row_losses = |row: usize| -> Result<Vec<f64>, Error> {
        let batch = tokens.batch(row..row + 1);
        let points = starts.iter().flat_map(|&layer| [HookPoint::resid_mid(layer), HookPoint::mlp_post(layer)]);
        let mut clean = Capture::new(points);
        let mut losses = vec![sum(&model.loss(batch, Start::Tokens, &mut clean))];
        for (set, &layer) in sets.iter().zip(&first_layers) {
            progress.check()?;
            let resid_mid = clean.get(HookPoint::resid_mid(layer));
            let start = Start::MlpPost { layer, resid_mid, mlp_post: clean.get(HookPoint::mlp_post(layer)) };
            losses.push(sum(&model.loss(batch, start, &mut set.clone())));
        }
        progress.advance(losses.len() as u64);
        Ok(losses)
    };
    let rows = (0..tokens.n_rows()).into_par_iter().map(row_losses).collect::<Result<Vec<_>, Error>>()?;
    let mean = |set: usize| rows.iter().map(|row| row[set]).sum::<f64>() / n_targets(tokens) as f64;
    Ok(SetLosses { clean: mean(0), sets: (1..=sets.len()).map(mean).collect() })
}
