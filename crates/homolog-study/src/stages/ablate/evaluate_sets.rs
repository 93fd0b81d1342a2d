//! What many sets do over the same rows: a row's clean pass is computed once, each set starts from it at its first ablated layer, and
//! several sets are unembedded together.

use std::collections::BTreeSet;

use homolog_model::{Ablate, Ablation, Capture, HookPoint, Model, Prediction, Start, Tokens};
use rayon::prelude::*;

use super::outcome::{Outcome, RowOutcome};
use crate::{Error, Progress};

/// Sets whose residual streams are held at a time, for one pass over the vocabulary.
pub(crate) const GROUP: usize = 16;

/// What becomes of the neurons of a set.
#[derive(Clone, Copy)]
pub(super) enum Replacement<'a> {
    /// The same in every row.
    Fixed(Ablation<'a>),
    /// What the neuron has at the same position of another row.
    OtherRow,
}

/// A set of neurons and what becomes of them.
pub(super) struct Silenced<'a> {
    pub(super) neurons: Ablate<'static>,
    pub(super) replacement: Replacement<'a>,
}

/// Outcome of the clean model, and of each set, over all rows. No set may be empty.
///
/// `others` [row] says which row stands in for each where activations are taken from another. Rows are independent and run in parallel;
/// within a row losses and divergences are summed in f64 in order.
pub(super) fn evaluate_sets(
    model: &Model,
    tokens: &Tokens,
    sets: &[Silenced<'_>],
    others: &[usize],
    progress: &dyn Progress,
) -> Result<(Outcome, Vec<Outcome>), Error> {
    let n_layers = model.config().n_layers;
    let takes_other = sets.iter().any(|set| matches!(set.replacement, Replacement::OtherRow));
    let starts: BTreeSet<usize> = sets.iter().filter_map(|set| set.neurons.first_layer()).collect();
    let of_row = |row: usize| -> Result<Vec<RowOutcome>, Error> {
        let batch = tokens.batch(row..row + 1);
        let points = starts.iter().flat_map(|&layer| [HookPoint::resid_mid(layer), HookPoint::mlp_post(layer)]);
        let mut clean = Capture::new(points);
        let clean_resid = model.resid_final(batch, Start::Tokens, &mut clean);
        let mut other = Vec::new();
        if takes_other {
            let mut captured = Capture::new((0..n_layers).map(HookPoint::mlp_post));
            model.forward(tokens.batch(others[row]..others[row] + 1), &mut captured);
            other = (0..n_layers).map(|layer| captured.get(HookPoint::mlp_post(layer)).to_vec()).collect();
        }
        let mut outcomes = Vec::with_capacity(1 + sets.len());
        let mut clean_predictions: Vec<Prediction> = Vec::new();
        // Without a set the clean predictions are wanted all the same.
        let groups = sets.chunks(GROUP).chain(sets.is_empty().then_some(sets));
        for group in groups {
            let mut changed = Vec::with_capacity(group.len());
            for Silenced { neurons, replacement } in group {
                progress.check()?;
                let layer = neurons.first_layer().expect("no set is empty");
                let resid_mid = clean.get(HookPoint::resid_mid(layer));
                let start = Start::MlpPost { layer, resid_mid, mlp_post: clean.get(HookPoint::mlp_post(layer)) };
                let ablation = match replacement {
                    Replacement::Fixed(ablation) => *ablation,
                    Replacement::OtherRow => Ablation::ByPosition(&other),
                };
                changed.push(model.resid_final(batch, start, &mut neurons.with(ablation)));
            }
            let mut found = model.predictions(batch.ids, &clean_resid, &changed).into_iter();
            let of_clean = found.next().unwrap_or_default();
            if outcomes.is_empty() {
                outcomes.push(RowOutcome::of(&of_clean, &of_clean));
                clean_predictions = of_clean;
            }
            outcomes.extend(found.map(|found| RowOutcome::of(&found, &clean_predictions)));
        }
        progress.advance(outcomes.len() as u64);
        Ok(outcomes)
    };
    let rows = (0..tokens.n_rows()).into_par_iter().map(of_row).collect::<Result<Vec<_>, Error>>()?;
    let of_set = |set: usize| Outcome::of_rows(rows.iter().map(|row| row[set]), tokens.context() - 1);
    Ok((of_set(0), (1..=sets.len()).map(of_set).collect()))
}
