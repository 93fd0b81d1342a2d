//! A step 0 that is no initialisation.
//!
//! Initialisations differ (Gaussian, uniform, orthogonal, of any spread), but none that is in use gives the gains of one layer norm
//! different values, and none has the heavy tails that training gives to matrices. Only these two are warned of.

use homolog_results::AuditKind;

use super::evidence::{CheckpointEvidence, Evidence, TensorEvidence};
use super::{Found, Subjects};

/// Kurtosis that most matrices must pass: a Gaussian has 3, uniform and truncated ones less, orthogonal ones about 3; trained GPT-2s
/// pass 3.3 after a few hundred steps and reach tens.
const TRAINED_KURTOSIS: f64 = 4.0;
/// Values of a matrix whose kurtosis counts: its sampling error is sqrt(24 / n), here 0.08.
const LEAST_VALUES: u64 = 4096;
/// GPT-2's standard deviation of matrices that do not write to the residual stream.
const USUAL_SD: f64 = 0.02;
/// A spread farther from it than by this factor is noted.
const USUAL_WITHIN: f64 = 2.0;

pub(super) fn check(subjects: &Subjects<'_>, evidence: &Evidence, found: &mut Vec<Found>, notes: &mut Vec<String>) {
    let Some(step) = subjects.steps.iter().position(|&step| step == Some(0)) else { return };
    let mut spreads = Vec::new();
    for model in 0..subjects.names.len() {
        let Some(of) = evidence.at(step, model) else { continue };
        if let Some(signs) = trained_signs(of) {
            let message = format!("no initialisation: {signs}; fetch it again, or leave checkpoint 0 out");
            found.push(Found { step_idx: step, model_idx: model, kind: AuditKind::TrainedStart, message });
        } else if let Some(sd) = unusual_spread(of) {
            spreads.push(format!("{} {sd:.4}", subjects.names[model]));
        }
    }
    if !spreads.is_empty() {
        notes.push(format!(
            "at checkpoint 0 the matrices that read the residual stream have a spread (standard deviation, median) other than GPT-2's \
             {USUAL_SD}: {}",
            super::identity::listed(spreads.into_iter())
        ));
    }
}

/// What shows that a checkpoint was trained.
fn trained_signs(of: &CheckpointEvidence) -> Option<String> {
    let is_gain = |tensor: &&TensorEvidence| {
        [".ln_1.weight", ".ln_2.weight"].iter().any(|end| tensor.name.ends_with(end)) || tensor.name == "ln_f.weight"
    };
    let gains: Vec<&TensorEvidence> = of.tensors.iter().filter(is_gain).collect();
    let trained: Vec<&&TensorEvidence> = gains.iter().filter(|tensor| !tensor.is_constant()).collect();
    if let Some(first) = trained.first() {
        return Some(format!(
            "the gains of {} of {} layer norms differ from each other, those of `{}` from {:.4} to {:.4}, which only training does",
            trained.len(),
            gains.len(),
            first.name,
            first.least,
            first.greatest,
        ));
    }
    let kurtoses: Vec<f64> =
        of.matrices().filter(|tensor| tensor.n_values >= LEAST_VALUES).filter_map(|tensor| tensor.kurtosis).collect();
    let n_heavy = kurtoses.iter().filter(|&&kurtosis| kurtosis > TRAINED_KURTOSIS).count();
    (n_heavy > 0 && 2 * n_heavy > kurtoses.len()).then(|| {
        let greatest = kurtoses.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        format!(
            "{n_heavy} of {} matrices have heavier tails than any initialisation (kurtosis up to {greatest:.1}; a Gaussian has 3)",
            kurtoses.len(),
        )
    })
}

/// The median spread of the matrices that read the residual stream, if it is far from GPT-2's.
fn unusual_spread(of: &CheckpointEvidence) -> Option<f64> {
    let reads =
        |tensor: &&TensorEvidence| tensor.name.ends_with(".c_attn.weight") || tensor.name.ends_with(".c_fc.weight");
    let mut spreads: Vec<f64> = of.matrices().filter(reads).map(|tensor| tensor.sd).collect();
    spreads.sort_by(f64::total_cmp);
    let median = *spreads.get(spreads.len() / 2)?;
    let is_usual = median < USUAL_SD * USUAL_WITHIN && median * USUAL_WITHIN > USUAL_SD;
    (!is_usual).then_some(median)
}
