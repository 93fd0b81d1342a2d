//! Checkpoints that do not lie between the steps before and after them.

use std::collections::{BTreeMap, BTreeSet};

use homolog_results::AuditKind;

use super::super::evidence::{Evidence, cosine};
use super::super::{Found, Subjects};

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

impl Triple {
    /// Of the outer two's distance to the larger of the others, and of the angles seen from zero; none where two are the same.
    fn ratios(&self) -> Option<(f64, f64)> {
        let [first, second, outer] = self.distances;
        if self.distances.contains(&0.0) {
            return None;
        }
        let [a, b, c] = self.norms;
        let [before, after, across] =
            [cosine(a, b, first)?, cosine(b, c, second)?, cosine(a, c, outer)?].map(f64::acos);
        // Angles of nearly equal vectors vanish in rounding.
        let angles = if before.max(after) > 0.0 { across / before.max(after) } else { 1.0 };
        Some(((outer / first.max(second)).sqrt(), angles))
    }
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
    let mut misplaced = BTreeMap::new();
    for middle in 1..subjects.steps.len().saturating_sub(1) {
        // What a stranger does to those beside it is its own fault.
        if !(middle - 1..=middle + 1).any(|step| strangers.contains(&step)) {
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
                    "it and {other} look exchanged: in the other order each lies between its neighbours, in this one not; fetch both \
                     again, or correct the folders' names"
                ),
            );
        }
    }
    let is_in_shadow = |step: usize, of: usize| {
        let detour = |step: usize| misplaced.get(&step).map(|misplaced: &Misplaced| misplaced.detour);
        detour(step).zip(detour(of)).is_some_and(|(detour, of)| 2.0 * detour < of)
    };
    for (&step, misplaced) in misplaced.iter().filter(|(step, _)| !exchanged.contains(step)) {
        // Beside a checkpoint from afar its neighbour looks misplaced too.
        if !is_in_shadow(step, step + 1) && !(step > 0 && is_in_shadow(step, step - 1)) {
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
    let (by_distance, by_angle) = whole.ratios()?;
    let [first, second, outer] = whole.distances.map(f64::sqrt);
    let detour = first + second - outer;
    let (last, next) = (subjects.step(middle - 1), subjects.step(middle + 1));
    if by_distance < 1.0 && by_angle < 1.0 {
        let message = format!(
            "it does not lie between {last} and {next}: these are {outer:.4} apart, it is {first:.4} from the one and {second:.4} from the \
             other; it, or one of the two, is not what its name says: fetch them again, or leave it out"
        );
        return Some(Misplaced { message, detour });
    }
    let matrices = before.matrices().zip(this.matrices()).zip(after.matrices()).filter(|((a, b), c)| {
        let distances = [b.before, c.before, c.before_last];
        let [Some(first), Some(second), Some(outer)] = distances else { return false };
        let triple = Triple { norms: [a.sum_squares, b.sum_squares, c.sum_squares], distances: [first, second, outer] };
        triple.ratios().is_some_and(|(distance, angle)| distance < MATRIX_MARGIN && angle < MATRIX_MARGIN)
    });
    let names: Vec<&str> = matrices.map(|((_, this), _)| &*this.name).collect();
    let n_matrices = this.matrices().count();
    (names.len() >= 2 && names.len() * MATRIX_SHARE >= n_matrices).then(|| {
        let message = format!(
            "{} of its {n_matrices} matrices, such as `{}`, do not lie between those of {last} and {next}, the others do: part of it is \
             not what its name says; fetch it again, or leave it out",
            names.len(),
            names[0],
        );
        Misplaced { message, detour }
    })
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
