//! Checkpoints that do not stand where training would have left them: of another run, in another order, at another step.
//!
//! Both pure kinds of course, the straight line and the random walk, take weights farther away the longer they go on: of three steps the
//! outer two are farthest apart, on a line because distances add, on a walk because their squares do. Angles seen from zero add on a
//! line likewise, and on a walk their cosines multiply. A checkpoint is out of order when both measures say that the outer two are nearer
//! to each other than one of them is to the middle.

mod norms;
mod order;

use std::collections::BTreeSet;

use homolog_results::AuditKind;

use super::evidence::{CheckpointEvidence, Evidence, cosine};
use super::{Found, Subjects};

/// By so much a checkpoint must be nearer to another model's step before than to its own: after a long way from step 0 both cosines are
/// near 0 (0.016 and 0.006 in a family trained at twenty times the usual rate), and siblings of one initialisation begin side by side.
const LEAST_LEAD: f64 = 0.05;
/// Where the other models keep so much more of their step before than of each other's, a model must keep ...
const LEAST_CONTRAST: f64 = 0.2;
/// ... this share of it too.
const LEAST_KEPT: f64 = 0.25;

/// A checkpoint: step and model.
type Place = (usize, usize);

pub(super) fn check(subjects: &Subjects<'_>, evidence: &Evidence, found: &mut Vec<Found>) {
    for model in 0..subjects.names.len() {
        let strangers = strangers(subjects, evidence, model, found);
        order::check(subjects, evidence, model, &strangers, found);
    }
    norms::check(subjects, evidence, found);
}

/// Steps of a model that do not descend from its step before.
fn strangers(subjects: &Subjects<'_>, evidence: &Evidence, model: usize, found: &mut Vec<Found>) -> BTreeSet<usize> {
    let mut strangers = BTreeSet::new();
    for step in 1..subjects.steps.len() {
        let Some(message) = not_descended(subjects, evidence, (step, model)) else { continue };
        // The step before was the stranger, if this one descends from the one before that.
        let is_back = strangers.contains(&(step - 1)) && descends_from_last(evidence, (step, model));
        if !is_back {
            strangers.insert(step);
            found.push(Found { step_idx: step, model_idx: model, kind: AuditKind::NotDescended, message });
        }
    }
    strangers
}

/// Whether a checkpoint is nearer to the step before its step before than to that.
fn descends_from_last(evidence: &Evidence, (step, model): Place) -> bool {
    let last = || {
        let (of, last) = (evidence.at(step, model)?, evidence.at(step.checked_sub(2)?, model)?);
        cosine(of.sum_squares(), last.sum_squares(), of.before_last()?)
    };
    last().zip(evidence.cosine_before(step, model)).is_some_and(|(last, before)| last > before)
}

fn not_descended(subjects: &Subjects<'_>, evidence: &Evidence, (step, model): Place) -> Option<String> {
    let own = evidence.cosine_before(step, model)?;
    let others = || (0..subjects.names.len()).filter(|&other| other != model);
    // A model with the same weights at the step before tells nothing.
    let is_apart = |other: &usize| {
        let before = evidence.at(step - 1, model).and_then(|before| before.others[*other]);
        before.and_then(|distances| distances.same_step).is_none_or(|distance| distance > 0.0)
    };
    let nearest = others()
        .filter(is_apart)
        .filter_map(|other| Some((other, evidence.cosine_to_others_before(step, model, other)?)))
        .max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)));
    // Those that were the same at the step before must have kept as much of it.
    let of_twins = others().filter(|other| !is_apart(other)).filter_map(|other| evidence.cosine_before(step, other));
    let usual = median(others().filter_map(|other| evidence.cosine_before(step, other)).collect());
    let usual = usual.into_iter().chain(of_twins).reduce(f64::max);
    let of_others = nearest.map_or(0.0, |(_, cosine)| cosine.max(0.0));
    let is_nearer_to_others = nearest.is_some_and(|(_, cosine)| own + LEAST_LEAD < cosine);
    let keeps_too_little = usual
        .is_some_and(|usual| usual - of_others > LEAST_CONTRAST && own < of_others + LEAST_KEPT * (usual - of_others));
    if !is_nearer_to_others && !keeps_too_little {
        return None;
    }
    let before = subjects.step(step - 1);
    let nearest = nearest.map(|(other, cosine)| format!(", to `{}`'s {cosine:.4}", subjects.names[other]));
    let usual = usual.map(|usual| format!(", where other models have {usual:.4} to their own"));
    Some(format!(
        "its cosine to its own {before} is {own:.4}{}{}: one of the two is of another run; fetch both again, or leave the model out",
        nearest.unwrap_or_default(),
        usual.unwrap_or_default(),
    ))
}

/// The middle one, the upper of two: of two others one may be wrong.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// A checkpoint's matrices as a vector of the logarithms of their norms.
fn log_norms(of: &CheckpointEvidence) -> Vec<f64> {
    of.matrices().map(|tensor| 0.5 * tensor.sum_squares.ln()).collect()
}
