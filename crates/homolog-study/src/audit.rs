//! The audit of checkpoints: are they what their names say? Evidence for each, and a warning for what does not fit.
//!
//! Published families have byte-identical steps, final weights under early names, seeds that do not descend from their own step 0
//! (docs/audit.md). `evidence` measures weights, the checks below it judge by what was measured alone, and nothing is repaired.

mod evidence;
mod identity;
mod markdown;
mod path;
mod settings;
mod start;

use std::fs;

use homolog_model::Checkpoint;
use homolog_results::{Audit, AuditKind, AuditWarning, AuditedCheckpoint, OtherCosine, write_bytes};
use serde_json::json;

use crate::artifacts::{self, Artifacts, Unit};
use crate::inputs::Inputs;
use crate::stages::correlate::step_name;
use crate::{Error, Options, Progress, StudyConfig};
use evidence::Evidence;
pub use markdown::markdown;

/// Raised whenever what is measured changes; what is made of it is judged anew in every call.
pub(crate) const VERSION: u32 = 1;

/// What is audited: checkpoints by [step][model], none where one cannot be read.
struct Subjects<'a> {
    steps: &'a [Option<i64>],
    names: &'a [String],
    checkpoints: Vec<Vec<Option<&'a Checkpoint>>>,
}

/// A warning whose place is yet to be named.
#[derive(Debug)]
struct Found {
    step_idx: usize,
    model_idx: usize,
    kind: AuditKind,
    message: String,
}

/// Audit the checkpoints of a study by themselves; needs no text, and writes nothing.
///
/// A checkpoint that cannot be read, at which a run would stop, is a warning here, so that one call tells of all.
pub fn audit(config: &StudyConfig, options: &Options, progress: &dyn Progress) -> Result<Audit, Error> {
    let steps = config.steps();
    let names: Vec<String> = config.models.iter().map(|model| model.name.clone()).collect();
    let mut found = Vec::new();
    let mut opened = Vec::new();
    progress.begin("open, hash and check", (steps.len() * names.len()) as u64, "checkpoints");
    for (step_idx, &step) in steps.iter().enumerate() {
        let mut of_step = Vec::new();
        for (model_idx, model) in config.models.iter().enumerate() {
            progress.check()?;
            let folder = config.locate(&config.folder(model, step));
            let checkpoint = Checkpoint::open(&folder, &options.allowed_config_keys);
            of_step.push(match checkpoint {
                Ok(checkpoint) => Some(checkpoint),
                Err(error) => {
                    let message = format!("a run would stop here: {error}");
                    found.push(Found { step_idx, model_idx, kind: AuditKind::Unreadable, message });
                    None
                }
            });
            progress.advance(1);
        }
        opened.push(of_step);
    }
    progress.end();
    let checkpoints = opened.iter().map(|of_step| of_step.iter().map(Option::as_ref).collect()).collect();
    let subjects = Subjects { steps: &steps, names: &names, checkpoints };
    let evidence = Evidence::measure(&subjects.checkpoints, progress)?;
    Ok(judge(&subjects, &evidence, found))
}

/// The audit of a run, before anything is computed with its models: told, kept in the manifest, and with `strict` an error if it warns.
pub(crate) fn run(
    inputs: &Inputs,
    options: &Options,
    artifacts: &mut Artifacts,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let hashes = |checkpoint: &Checkpoint| (checkpoint.weights_hash.clone(), checkpoint.config_hash.clone());
    let weights = inputs.checkpoints.iter().map(|of_step| of_step.iter().map(hashes).collect::<Vec<_>>());
    let key = artifacts::key("audit", VERSION, &json!({ "weights": weights.collect::<Vec<_>>() }));
    let unit = Unit { stage: "audit", of: "all checkpoints".into(), key, extension: "json" };
    let checkpoints = inputs.checkpoints.iter().map(|of_step| of_step.iter().map(Some).collect()).collect();
    let subjects = Subjects { steps: &inputs.steps, names: &inputs.names, checkpoints };
    let path = artifacts.get_or_make(&unit, progress, |path| {
        let evidence = Evidence::measure(&subjects.checkpoints, progress)?;
        let text = serde_json::to_vec(&evidence).expect("plain fields serialise");
        Ok(write_bytes(path, &text)?)
    })?;
    let damaged = || Error::DamagedState { path: path.clone() };
    let text = fs::read(&path).map_err(|_| damaged())?;
    let evidence: Evidence = serde_json::from_slice(&text).map_err(|_| damaged())?;
    let audit = judge(&subjects, &evidence, Vec::new());
    for warning in &audit.warnings {
        progress.say(&format!("warning: {}", warning.sentence()));
    }
    artifacts.set_audit(audit.clone())?;
    stop_if_strict(&audit, options)
}

/// With `strict` an error if the audit warns.
pub(crate) fn stop_if_strict(audit: &Audit, options: &Options) -> Result<(), Error> {
    if !options.strict || audit.warnings.is_empty() {
        return Ok(());
    }
    Err(Error::AuditWarns { warnings: audit.warnings.iter().map(AuditWarning::sentence).collect() })
}

/// Everything the audit says, from what was measured.
fn judge(subjects: &Subjects<'_>, evidence: &Evidence, mut found: Vec<Found>) -> Audit {
    let mut notes = Vec::new();
    identity::check(subjects, evidence, &mut found, &mut notes);
    path::check(subjects, evidence, &mut found);
    start::check(subjects, evidence, &mut found, &mut notes);
    settings::check(subjects, &mut found, &mut notes);
    // Stable: of one checkpoint in the order of the checks.
    found.sort_by_key(|found| (found.model_idx, found.step_idx));
    let warnings = found.into_iter().map(|found| AuditWarning {
        kind: found.kind,
        model: subjects.names[found.model_idx].clone(),
        checkpoint: subjects.steps[found.step_idx],
        message: found.message,
    });
    let places = (0..subjects.names.len()).flat_map(|model| (0..subjects.steps.len()).map(move |step| (step, model)));
    let checkpoints = places.filter_map(|place| audited(subjects, evidence, place));
    Audit { checkpoints: checkpoints.collect(), warnings: warnings.collect(), notes }
}

/// The evidence for one checkpoint, in short.
fn audited(
    subjects: &Subjects<'_>,
    evidence: &Evidence,
    (step_idx, model_idx): (usize, usize),
) -> Option<AuditedCheckpoint> {
    let of = evidence.at(step_idx, model_idx)?;
    let others = (0..subjects.names.len()).filter(|&other| other != model_idx);
    let others = others.map(|other| OtherCosine {
        model: subjects.names[other].clone(),
        same_step: evidence.cosine_to_other(step_idx, model_idx, other),
        step_before: evidence.cosine_to_others_before(step_idx, model_idx, other),
    });
    Some(AuditedCheckpoint {
        model: subjects.names[model_idx].clone(),
        checkpoint: subjects.steps[step_idx],
        digest: of.digest(),
        n_tensors: of.tensors.len() as u64,
        n_values: of.tensors.iter().map(|tensor| tensor.n_values).sum(),
        norm: of.sum_squares().sqrt(),
        distance_before: of.before().map(f64::sqrt),
        cosine_before: evidence.cosine_before(step_idx, model_idx),
        others: others.collect(),
    })
}

impl Subjects<'_> {
    /// "checkpoint 1600", or "the model" when a study names no checkpoints.
    fn step(&self, step_idx: usize) -> String {
        self.steps[step_idx].map_or_else(|| "the model".into(), |step| step_name(Some(step)))
    }

    /// "checkpoint 1600", or with the name of the model if that is another than `model_idx`.
    fn place(&self, (step_idx, other_idx): (usize, usize), model_idx: usize) -> String {
        match (self.steps[step_idx], &self.names[other_idx]) {
            (None, name) => format!("`{name}`"),
            (Some(step), _) if other_idx == model_idx => step_name(Some(step)),
            (Some(step), name) => format!("`{name}` at {}", step_name(Some(step))),
        }
    }
}
