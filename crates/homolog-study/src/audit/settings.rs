//! Configs and tokenizers that differ where they should not.

use std::collections::BTreeMap;

use homolog_model::{Checkpoint, Config, Vocabulary};
use homolog_results::AuditKind;
use serde_json::Value;

use super::{Found, Subjects};

pub(super) fn check(subjects: &Subjects<'_>, found: &mut Vec<Found>, notes: &mut Vec<String>) {
    let at = |(step, model): (usize, usize)| subjects.checkpoints[step][model];
    let first_of =
        |model: usize| (0..subjects.steps.len()).map(|step| (step, model)).find(|&place| at(place).is_some());
    let Some(first) = (0..subjects.names.len()).find_map(first_of) else { return };
    let with_vocabulary = |&place: &(usize, usize)| at(place).is_some_and(|of| of.vocabulary.is_some());
    let places =
        || (0..subjects.names.len()).flat_map(|model| (0..subjects.steps.len()).map(move |step| (step, model)));
    let known = places().find(with_vocabulary);
    for place in places() {
        let Some(checkpoint) = at(place) else { continue };
        // A model's checkpoints against its first, and its first against that of the first model: each difference is told once.
        let of_model = first_of(place.1).unwrap_or(first);
        let other = if place == of_model { first } else { of_model };
        let differences = at(other).map(|other| differences(checkpoint, other)).unwrap_or_default();
        if !differences.is_empty() {
            let other = subjects.place(other, place.1);
            let message = format!(
                "config.json differs from that of {other}: {}; one of the two computes something else than what was trained, unless \
                 models of two kinds are compared on purpose",
                differences.join(", ")
            );
            found.push(Found { step_idx: place.0, model_idx: place.1, kind: AuditKind::ConfigsDiffer, message });
        }
        let of_known = known.filter(|&known| known != place).and_then(|known| Some((known, at(known)?)));
        let difference = of_known.and_then(|(known, other)| Some((known, vocabulary_difference(checkpoint, other)?)));
        if let Some((known, difference)) = difference {
            let other = subjects.place(known, place.1);
            let message = format!(
                "its tokenizer is not that of {other}: {difference}; a run stops here, for the same ids would mean other text"
            );
            found.push(Found { step_idx: place.0, model_idx: place.1, kind: AuditKind::TokenizersDiffer, message });
        }
    }
    let is_unproved = places().any(|place| at(place).is_some_and(|of| of.vocabulary.is_none()));
    if is_unproved {
        notes.push(
            "not every folder has tokenizer files: of those without, only the size of the vocabulary can be compared"
                .into(),
        );
    }
}

fn vocabulary_difference(a: &Checkpoint, b: &Checkpoint) -> Option<String> {
    let [a, b]: [&Vocabulary; 2] = [b.vocabulary.as_ref()?, a.vocabulary.as_ref()?];
    a.difference(b)
}

/// Keys by which two configs differ, as `config.json` has them.
fn differences(of: &Checkpoint, other: &Checkpoint) -> Vec<String> {
    let [here, there] = [keys(&of.config), keys(&other.config)];
    let differing = here.iter().filter(|(key, value)| there.get(*key) != Some(value));
    differing.map(|(key, value)| format!("{key} is {value}, there {}", there[key])).collect()
}

fn keys(config: &Config) -> BTreeMap<String, Value> {
    let json = config.to_json(None);
    let mut keys: BTreeMap<String, Value> =
        json.as_object().into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect();
    keys.insert("special tokens".into(), config.special_tokens.iter().copied().collect());
    keys
}
