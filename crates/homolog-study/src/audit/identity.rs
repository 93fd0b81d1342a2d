//! Checkpoints, or matrices of them, that are those of another step or model.
//!
//! Gains and biases do not count: at an initialisation all are alike, and in 16 bits they stay so for a while.

use std::collections::{BTreeMap, BTreeSet};

use homolog_results::AuditKind;

use super::evidence::{CheckpointEvidence, Evidence, TensorEvidence};
use super::{Found, Subjects};

/// Checkpoints at which a matrix must have been the same before it is taken to be frozen, not copied.
const LEAST_FROZEN: usize = 3;

/// Where a checkpoint is: step and model.
type Place = (usize, usize);

pub(super) fn check(subjects: &Subjects<'_>, evidence: &Evidence, found: &mut Vec<Found>, notes: &mut Vec<String>) {
    let places: Vec<(Place, &CheckpointEvidence)> = (0..subjects.names.len())
        .flat_map(|model| (0..subjects.steps.len()).map(move |step| (step, model)))
        .filter_map(|place| Some((place, evidence.at(place.0, place.1)?)))
        .collect();
    let digests: BTreeMap<Place, String> = places.iter().map(|(place, of)| (*place, of.digest())).collect();
    let frozen = frozen(subjects, &places, notes);
    let mut same_start = BTreeSet::new();
    for (at, &(place, of)) in places.iter().enumerate() {
        let is_start = |other: Place| has_same_start(subjects, &digests, place, other);
        let is_twin = |other: &Place| digests[other] == digests[&place];
        let others = || places.iter().map(|&(other, _)| other).filter(|&other| other != place);
        same_start.extend(others().filter(|other| is_twin(other) && is_start(*other)).map(|other| {
            let pair = [place.1, other.1];
            (pair[0].min(pair[1]), pair[0].max(pair[1]))
        }));
        let twins: Vec<Place> = others().filter(|other| is_twin(other) && !is_start(*other)).collect();
        // Of several that are one and the same the last is not told of again.
        if twins.iter().any(|twin| (twin.1, twin.0) > (place.1, place.0)) {
            let message = format!(
                "every value is that of {}: at most one of them is what its name says (or nothing was learnt in between); fetch them \
                 again from where they come from, or leave one out",
                listed(twins.iter().map(|&twin| subjects.place(twin, place.1)))
            );
            found.push(Found { step_idx: place.0, model_idx: place.1, kind: AuditKind::Identical, message });
        }
        if twins.is_empty() {
            let later = places[at + 1..]
                .iter()
                .filter(|(other, _)| !is_twin(other) && !is_initial_pair(subjects, place, *other));
            found.extend(partly_identical(subjects, &frozen, (place, of), later));
        }
    }
    if let Some(note) = same_start_note(subjects, &same_start) {
        notes.push(note);
    }
}

/// Both are step 0, of two models: these may begin alike, when their seeds decide something else.
fn is_initial_pair(subjects: &Subjects<'_>, place: Place, other: Place) -> bool {
    place.1 != other.1 && place.0 == other.0 && subjects.steps[place.0] == Some(0)
}

/// Two models that begin with the same weights and then part.
fn has_same_start(subjects: &Subjects<'_>, digests: &BTreeMap<Place, String>, place: Place, other: Place) -> bool {
    let parts = |step: usize| {
        let of = |model: usize| digests.get(&(step, model));
        of(place.1).zip(of(other.1)).is_some_and(|(a, b)| a != b)
    };
    is_initial_pair(subjects, place, other) && (0..subjects.steps.len()).any(parts)
}

fn same_start_note(subjects: &Subjects<'_>, pairs: &BTreeSet<(usize, usize)>) -> Option<String> {
    let models: BTreeSet<usize> = pairs.iter().flat_map(|&(a, b)| [a, b]).collect();
    let names = listed(models.iter().map(|&model| format!("`{}`", subjects.names[model])));
    (!models.is_empty()).then(|| {
        format!(
            "not all of {names} have an initialisation of their own: some share step 0 and differ in what followed, as in a crossed design; \
             neurons may match for that alone"
        )
    })
}

/// Matrices by model that never change, which is told once.
fn frozen<'a>(
    subjects: &Subjects<'_>,
    places: &[(Place, &'a CheckpointEvidence)],
    notes: &mut Vec<String>,
) -> BTreeSet<(usize, &'a str)> {
    let mut frozen = BTreeSet::new();
    for (model, name) in subjects.names.iter().enumerate() {
        let of: Vec<&CheckpointEvidence> =
            places.iter().filter(|(place, _)| place.1 == model).map(|&(_, of)| of).collect();
        if of.len() < LEAST_FROZEN {
            continue;
        }
        let is_frozen = |tensor: &&TensorEvidence| {
            of.iter()
                .all(|of| of.tensors.iter().any(|other| other.name == tensor.name && other.digest == tensor.digest))
        };
        let same: Vec<&str> = of[0].matrices().filter(is_frozen).map(|tensor| &*tensor.name).collect();
        // Where all are, the checkpoints are copies, which is told of each.
        if !same.is_empty() && same.len() < of[0].matrices().count() {
            let names = listed(same.iter().map(|tensor| format!("`{tensor}`")));
            notes.push(format!("{name}: the same at every checkpoint, so frozen in training, is {names}"));
            frozen.extend(same.iter().map(|&tensor| (model, tensor)));
        }
    }
    frozen
}

/// A warning of the later checkpoint that has most of this one's values.
fn partly_identical<'a>(
    subjects: &Subjects<'_>,
    frozen: &BTreeSet<(usize, &str)>,
    (place, of): (Place, &CheckpointEvidence),
    later: impl Iterator<Item = &'a (Place, &'a CheckpointEvidence)>,
) -> Option<Found> {
    let counts = |tensor: &&TensorEvidence| !tensor.is_constant() && !frozen.contains(&(place.1, &*tensor.name));
    let candidates: Vec<&TensorEvidence> = of.matrices().filter(counts).collect();
    let shared = |other: &CheckpointEvidence| -> Vec<&TensorEvidence> {
        let digests: BTreeMap<&str, &str> = other.matrices().map(|tensor| (&*tensor.name, &*tensor.digest)).collect();
        let is_shared = |tensor: &&TensorEvidence| digests.get(&*tensor.name) == Some(&&*tensor.digest);
        candidates.iter().copied().filter(is_shared).collect()
    };
    let n_values = |tensors: &[&TensorEvidence]| tensors.iter().map(|tensor| tensor.n_values).sum::<u64>();
    let shares = later.map(|&(other, evidence)| (other, shared(evidence)));
    // The first of those with most, which is not what `max_by_key` gives.
    let most = shares.reduce(|a, b| if n_values(&b.1) > n_values(&a.1) { b } else { a });
    let (other, shared) = most.filter(|(_, shared)| !shared.is_empty())?;
    let matrices: Vec<&TensorEvidence> = of.matrices().collect();
    let message = format!(
        "{} of {} matrices ({:.0} % of their values), such as `{}`, are those of {}, the others are not: a file of one was put under the \
         name of the other; fetch both again",
        shared.len(),
        matrices.len(),
        100.0 * n_values(&shared) as f64 / n_values(&matrices) as f64,
        shared[0].name,
        subjects.place(other, place.1),
    );
    Some(Found { step_idx: place.0, model_idx: place.1, kind: AuditKind::PartlyIdentical, message })
}

/// "a, b and c", of many only the first.
pub(super) fn listed(items: impl Iterator<Item = String>) -> String {
    const MOST: usize = 4;
    let mut items: Vec<String> = items.collect();
    let n_more = items.len().saturating_sub(MOST);
    items.truncate(MOST);
    if n_more > 0 {
        return format!("{} and {n_more} more", items.join(", "));
    }
    match items.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => items.concat(),
    }
}
