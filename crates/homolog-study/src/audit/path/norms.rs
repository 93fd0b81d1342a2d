//! Checkpoints whose norms are those of the other models at another step.
//!
//! Norms grow in training, and at one step nearly alike in models that differ in their seeds. So a checkpoint from afar is known even at
//! the first and the last step, which lie between no others.

use homolog_results::AuditKind;

use super::super::evidence::Evidence;
use super::super::{Found, Subjects};
use super::log_norms;

/// Below this relative difference of norms nothing is said.
const LEAST_DIFFERENCE: f64 = 0.05;
/// The other step must be nearer by this.
const FACTOR: f64 = 4.0;
/// Of fewer models no majority could be right.
const LEAST_MODELS: usize = 3;

pub(super) fn check(subjects: &Subjects<'_>, evidence: &Evidence, found: &mut Vec<Found>) {
    let (n_steps, n_models) = (subjects.steps.len(), subjects.names.len());
    if n_models < LEAST_MODELS || n_steps < 3 {
        return;
    }
    let norms: Vec<Vec<Option<Vec<f64>>>> =
        (0..n_steps).map(|step| (0..n_models).map(|model| evidence.at(step, model).map(log_norms)).collect()).collect();
    // [model][step][other step]: to the nearest of the other models.
    let difference = |model: usize, step: usize, other_step: usize| -> Option<f64> {
        let of = norms[step][model].as_ref()?;
        let others = (0..n_models).filter(|&other| other != model);
        others.filter_map(|other| rms_difference(of, norms[other_step][other].as_ref()?)).reduce(f64::min)
    };
    let nearest = |model: usize, step: usize| {
        let differences = (0..n_steps).filter_map(|other| Some((other, difference(model, step, other)?)));
        differences.min_by(|a, b| a.1.total_cmp(&b.1))
    };
    for model in 0..n_models {
        let places: Vec<Option<(usize, f64)>> = (0..n_steps).map(|step| nearest(model, step)).collect();
        let n_at_home = (0..n_steps).filter(|&step| places[step].is_some_and(|(other, _)| other == step)).count();
        for step in 0..n_steps {
            let (Some((other_step, there)), Some(here)) = (places[step], difference(model, step, step)) else {
                continue;
            };
            // A model whose norms go another way altogether was trained in another way, which is no fault of one checkpoint.
            let is_usual = 2 * n_at_home >= n_steps;
            let others = (0..n_models).filter(|&other| other != model);
            let do_others_agree =
                others.filter_map(|other| difference(other, step, step)).all(|other| 2.0 * other < here);
            let is_elsewhere = other_step != step && here > LEAST_DIFFERENCE && FACTOR * there < here;
            if is_elsewhere && is_usual && do_others_agree {
                let message = format!(
                    "the norms of its matrices differ from the other models' by {:.1} %, from theirs at {} by {:.1} %: it looks like a \
                     later or earlier step under this name; fetch it again, or leave it out",
                    100.0 * here,
                    subjects.step(other_step),
                    100.0 * there,
                );
                found.push(Found { step_idx: step, model_idx: model, kind: AuditKind::LikeAnotherStep, message });
            }
        }
    }
}

/// None where one has other matrices, or a matrix of zeros.
fn rms_difference(a: &[f64], b: &[f64]) -> Option<f64> {
    if a.len() != b.len() || a.is_empty() || a.iter().chain(b).any(|norm| !norm.is_finite()) {
        return None;
    }
    let squares = a.iter().zip(b).map(|(a, b)| (a - b).powi(2));
    Some((squares.sum::<f64>() / a.len() as f64).sqrt())
}
