//! Checkpoints that do not lie between the steps before and after them.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use homolog_results::AuditKind;

use super::super::evidence::{Evidence, cosine};
use super::super::{Found, Subjects};

/// Above 0, since noise that shrinks as the learning rate falls leaves later weights nearer to all others; two exchanged steps of a random
/// walk have 0.41, of a line 1, and of weights of which training keeps the share r from one to the next sqrt(1 + r) - 1.
const LEAST_SHORTFALL: f64 = 0.1;
/// A matrix alone is out of order when the outer two are nearer by a tenth: of small ones (positions, mostly) some are by less in sound
/// families, down to 0.95.
const MATRIX_MARGIN: f64 = 0.9;
/// So many of the matrices, one in this number, are more than chance, and at least two.
const MATRIX_SHARE: usize = 4;

/// A vector's distances at three steps in a row: squared, and squared norms.
struct Triple {
    norms: [f64; 3],
    /// First to second, second to third, first to third.
    distances: [f64; 3],
}

/// First to second, second to third, first to third: distances, or angles seen from zero.
type Sides = [f64; 3];

impl Triple {
    /// Distances and angles; none where two of the vectors are the same.
    fn sides(&self) -> Option<[Sides; 2]> {
        let [first, second, outer] = self.distances;
        if self.distances.contains(&0.0) {
            return None;
        }
        let [a, b, c] = self.norms;
        let angles = [cosine(a, b, first)?, cosine(b, c, second)?, cosine(a, c, outer)?].map(f64::acos);
        Some([self.distances.map(f64::sqrt), angles])
    }
}

/// By how much the outer side is shorter than the longer of the others, as a share of the shorter: at most 1. Of a step in its place it
/// is at most 0, in the worst case: noise that fills the weights and is new at every step. Angles that vanish in rounding give NaN, which
/// is above nothing.
fn shortfall([first, second, outer]: Sides) -> f64 {
    (first.max(second) - outer) / first.min(second)
}

/// The outer side by the longer of the others.
fn ratio([first, second, outer]: Sides) -> f64 {
    outer / first.max(second)
}

/// What is said of a step that is out of order.
struct Misplaced {
    message: String,
    /// By how much the way through the steps is shorter without it.
    detour: f64,
}

pub(super) fn check(
    subjects: &Subjects<'_>,
    evidence: &Evidence,
    model: usize,
    strangers: &BTreeSet<usize>,
    found: &mut Vec<Found>,
) {
    let is_copy = |kind: AuditKind| matches!(kind, AuditKind::Identical | AuditKind::PartlyIdentical);
    let copies = found.iter().filter(|found| found.model_idx == model && is_copy(found.kind));
    let copies: BTreeSet<usize> = copies.map(|found| found.step_idx).collect();
    let mut misplaced = BTreeMap::new();
    for middle in 1..subjects.steps.len().saturating_sub(1) {
        // What a stranger or a copy does to those beside it is its own fault.
        let is_beside_copy = [middle - 1, middle + 1].iter().any(|step| copies.contains(step));
        let is_clear = !(middle - 1..=middle + 1).any(|step| strangers.contains(&step));
        if is_clear && (!is_beside_copy || copies.contains(&middle)) {
            misplaced.extend(is_misplaced(subjects, evidence, model, middle).map(|told| (middle, told)));
        }
    }
    let mut told = |step: usize, message: String| {
        found.push(Found { step_idx: step, model_idx: model, kind: AuditKind::OutOfOrder, message });
    };
    let way = Way { evidence, model };
    let mut exchanged = BTreeSet::new();
    for step in 0..subjects.steps.len().saturating_sub(1) {
        let are_suspect = misplaced.contains_key(&step) || misplaced.contains_key(&(step + 1));
        if are_suspect && !exchanged.contains(&step) && way.is_shorter_exchanged(step, subjects.steps.len()) {
            exchanged.extend([step, step + 1]);
            let other = subjects.step(step + 1);
            told(
                step,
                format!(
                    "it and {other} stand in the wrong order: exchanged, each lies between its neighbours, as they are not; the two \
                     names are exchanged, or one of them is another step's: fetch both again"
                ),
            );
        }
    }
    // Beside a checkpoint from afar its neighbour looks misplaced too: the one that is the longer way round is meant.
    let is_in_shadow = |step: usize, of: usize| {
        let detour = |step: usize| misplaced.get(&step).map(|misplaced: &Misplaced| misplaced.detour);
        detour(step).zip(detour(of)).is_some_and(|(detour, of)| detour < of)
    };
    for (&step, misplaced) in misplaced.iter().filter(|(step, _)| !exchanged.contains(step)) {
        let neighbours = [Some(step + 1), step.checked_sub(1)];
        if !neighbours.into_iter().flatten().any(|of| is_in_shadow(step, of)) {
            told(step, misplaced.message.clone());
        }
    }
}

fn is_misplaced(subjects: &Subjects<'_>, evidence: &Evidence, model: usize, middle: usize) -> Option<Misplaced> {
    let of = |step: usize| evidence.at(step, model);
    let (before, this, after) = (of(middle - 1)?, of(middle)?, of(middle + 1)?);
    let whole = Triple {
        norms: [before, this, after].map(super::super::evidence::CheckpointEvidence::sum_squares),
        distances: [this.before()?, after.before()?, after.before_last()?],
    };
    let sides = whole.sides()?;
    let [first, second, outer] = sides[0];
    let detour = first + second - outer;
    let (last, next) = (subjects.step(middle - 1), subjects.step(middle + 1));
    if sides.into_iter().all(|sides| shortfall(sides) > LEAST_SHORTFALL) {
        let message = format!(
            "it does not lie between {last} and {next}: these are {outer:.4} apart, it is {first:.4} from the one and {second:.4} from the \
             other; it, or one of the two, is not what its name says: fetch them again, or leave it out"
        );
        return Some(Misplaced { message, detour });
    }
    let matrices = before.matrices().zip(this.matrices()).zip(after.matrices());
    let matrices = matrices.filter_map(|((a, b), c)| {
        let distances = [b.before?, c.before?, c.before_last?];
        let sides = Triple { norms: [a.sum_squares, b.sum_squares, c.sum_squares], distances }.sides()?;
        sides.into_iter().all(|sides| ratio(sides) < MATRIX_MARGIN).then_some((&*b.name, distances))
    });
    let matrices: Vec<(&str, [f64; 3])> = matrices.collect();
    let n_matrices = this.matrices().count();
    if matrices.len() < 2 || matrices.len() * MATRIX_SHARE < n_matrices {
        return None;
    }
    let message = format!(
        "{} of its {n_matrices} matrices, such as `{}`, do not lie between those of {last} and {next}, the others do: part of it, or of \
         one of the two, is not what its name says; fetch them again, or leave it out",
        matrices.len(),
        matrices[0].0,
    );
    let [first, second, outer] =
        [0, 1, 2].map(|side| matrices.iter().map(|(_, distances)| distances[side]).sum::<f64>().sqrt());
    Some(Misplaced { message, detour: first + second - outer })
}

/// A model's way through its checkpoints.
struct Way<'a> {
    evidence: &'a Evidence,
    model: usize,
}

impl Way<'_> {
    /// Squared distance between two steps, one or two apart.
    fn distance(&self, a: usize, b: usize) -> Option<f64> {
        let (first, second) = (a.min(b), a.max(b));
        let of = self.evidence.at(second, self.model)?;
        match second - first {
            1 => of.before(),
            _ => of.before_last(),
        }
    }

    /// Whether a step and the next, exchanged, each lie between their neighbours.
    fn is_shorter_exchanged(&self, step: usize, n_steps: usize) -> bool {
        let is_between = |middle: usize, a: usize, b: usize| {
            let distances = [self.distance(a, b), self.distance(a, middle), self.distance(middle, b)];
            matches!(distances, [Some(outer), Some(first), Some(second)] if outer > first && outer > second)
        };
        let is_first = step == 0 || is_between(step + 1, step - 1, step);
        let is_last = step + 2 >= n_steps || is_between(step, step + 1, step + 2);
        // Two steps have no neighbours to be between.
        is_first && is_last && n_steps > 2
    }
}
