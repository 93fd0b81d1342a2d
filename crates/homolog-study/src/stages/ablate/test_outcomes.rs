//! Outcomes made up for tests: every row predicts one token.

use super::measured::MeasuredSet;
use super::outcome::Outcome;
use super::sets::SetId;
use crate::config::AblationMode;

const LOSS: f64 = 4.0;

/// The same loss in every row.
pub(crate) fn clean(n_rows: usize) -> Outcome {
    outcome(&vec![0.0; n_rows])
}

/// A set of a name, multiple and draw, set to zero, with a rise of the loss in each row.
pub(crate) fn set(
    name: &str,
    (multiple, draw): (Option<u32>, Option<usize>),
    n_neurons: usize,
    rises: &[f64],
) -> (MeasuredSet, Outcome) {
    let id = SetId { threshold: Some(0.5), multiple, draw, ..SetId::own(name) };
    (MeasuredSet { id, mode: AblationMode::Zero, n_neurons }, outcome(rises))
}

fn outcome(rises: &[f64]) -> Outcome {
    let loss: Vec<f64> = rises.iter().map(|rise| LOSS + rise).collect();
    let zeros = || vec![0.0; rises.len()];
    Outcome { n_targets: 1, loss_first: loss.clone(), loss, kl: zeros(), n_same_top: zeros() }
}
