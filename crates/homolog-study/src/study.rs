//! The map of a study, in the order of the paper's method section.
//!
//! Tokens, then forward passes with hooks, then correlations of every pair of models; from them excess and universality
//! (emergence), their overlap between checkpoints (persistence), and the loss with universal neurons silenced (impact). Beside
//! them, for whoever looks at single neurons, the text on which each is most active.
//! Source: Nandan et al. 2025, arXiv:2508.00903; Gurnee et al. 2024, arXiv:2401.12181.

use std::path::PathBuf;

use homolog_model::Isa;

use crate::arithmetic;
use crate::audit;
use crate::damage;
use crate::inputs::Inputs;
use crate::results::CheckpointCorrelation;
use crate::run_folder::RunFolder;
use crate::stages::{ablate, classify, correlate, evaluate, persist, windows};
use crate::summary::Summary;
use crate::tables::Tables;
use crate::{Error, Options, Progress, StudyConfig};

/// How a call of [`run`] ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The study is done; the summary is Markdown.
    Done {
        /// The run folder.
        folder: PathBuf,
        /// A table per checkpoint and model, and what a reader must know.
        summary: String,
    },
    /// The folder held the finished study already: nothing was done.
    AlreadyDone {
        /// The run folder.
        folder: PathBuf,
    },
}

/// Run a study, or what is left of it.
pub fn run(config: &StudyConfig, options: &Options, progress: &dyn Progress) -> Result<Outcome, Error> {
    let mut folder = RunFolder::open(config, options)?;
    let inputs = Inputs::open(config, options, &mut folder, progress)?;
    if folder.is_finished(config, &inputs) {
        folder.stop_if_strict(options)?;
        return Ok(Outcome::AlreadyDone { folder: options.output.clone() });
    }
    folder.begin(config, &inputs, options, progress)?;
    if let Some(advice) = arithmetic::advice(config, Isa::current()) {
        progress.say(&advice);
    }
    let artifacts = &mut folder.artifacts;
    audit::run(&inputs, options, artifacts, progress)?;
    let mut tables = Tables::default();
    tables.vocabulary.clone_from(&inputs.vocabulary);
    let mut excess = Vec::new();
    for step_idx in 0..inputs.steps.len() {
        let correlated = correlate::run(config, &inputs, step_idx, options, artifacts, progress)?;
        let correlation = CheckpointCorrelation::read(&correlated.path, inputs.names.len())?;
        let classified = classify::run(config, &inputs, step_idx, &correlation);
        tables.add_correlation(config, &inputs, step_idx, &correlation);
        for model_idx in 0..inputs.names.len() {
            let moments = &correlation.moments[model_idx];
            let precision = config.ablation.precision;
            let clean = evaluate::run(&inputs, (step_idx, model_idx), precision, moments, artifacts, progress)?;
            if config.ablation.enabled {
                let members = classify::members(&classified.excess[model_idx], config.universality.threshold);
                let target = ablate::Target {
                    step_idx,
                    model_idx,
                    clean: &clean,
                    universal: (0..members.len()).filter(|&neuron| members[neuron]).collect(),
                    means: moments.iter().map(|moments| moments.mean as f32).collect(),
                    correlation_key: &correlated.key,
                };
                let (rows, notes) = ablate::run(config, &inputs, &target, artifacts, progress)?;
                tables.ablation.extend(rows);
                tables.notes.extend(notes);
            }
            tables.models.push(clean);
        }
        tables.windows.extend(windows::run(config, &inputs, step_idx, &correlation, options, artifacts, progress)?);
        tables.neurons.extend(classified.neurons);
        tables.matches.extend(classified.matches);
        tables.emergence.extend(classified.emergence);
        tables.screening.extend(classified.screening);
        excess.push(classified.excess);
    }
    (tables.persistence, tables.stability) = persist::run(config, &inputs, &excess);
    tables.damage = damage::rows(&tables.ablation);
    tables.sort();
    let summary = Summary::new(config, &inputs, &tables);
    tables.notes.extend(summary.notes.clone());
    folder.finish(&inputs, &tables)?;
    Ok(Outcome::Done { folder: options.output.clone(), summary: summary.to_markdown(&options.output) })
}
