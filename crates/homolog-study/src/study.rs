//! The map of a study, in the order of the paper's method section.
//!
//! Tokens, then forward passes with hooks, then correlations of every pair of models; from them excess and universality
//! (emergence), their overlap between checkpoints (persistence), and the loss with universal neurons silenced (impact). Beside
//! them how sure each match is and what chance alone gives, and for whoever looks at single neurons the text on which each is most
//! active.
//! Source: Nandan et al. 2025, arXiv:2508.00903; Gurnee et al. 2024, arXiv:2401.12181.

use std::path::PathBuf;

use homolog_model::Isa;

use crate::arithmetic;
use crate::audit;
use crate::cliques_table::MutualMatches;
use crate::continuity_table::Continuity;
use crate::family::Family;
use crate::inputs::Inputs;
use crate::matches_table::StepArtifacts;
use crate::results::CheckpointCorrelation;
use crate::run_folder::RunFolder;
use crate::stages::evidence::with_evidence;
use crate::stages::nulls::Discoveries;
use crate::stages::{ablate, attribute, classify, correlate, evaluate, evidence, follow, nulls, persist, windows};
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
    let mut standings: Vec<Vec<classify::Standing>> = Vec::new();
    let mut untrained = None;
    let mut family = Family::new(config);
    let d_mlp: Vec<usize> = inputs.checkpoints[0].iter().map(|checkpoint| checkpoint.config.d_mlp).collect();
    let mut damage = Vec::new();
    for step_idx in 0..inputs.steps.len() {
        let correlated = correlate::run(config, &inputs, step_idx, options, artifacts, progress)?;
        let correlation = CheckpointCorrelation::read(&correlated.path, inputs.names.len())?;
        let of_step = (&correlated, &correlation);
        let evidence = evidence::run(config, &inputs, step_idx, of_step, options, artifacts, progress)?;
        let paths = nulls::run(config, &inputs, step_idx, untrained.as_deref(), options, artifacts, progress)?;
        let discoveries = Discoveries::new(config, &inputs, step_idx, &correlation);
        let mutual = MutualMatches::new(&correlation);
        let step = classify::Step {
            config,
            inputs: &inputs,
            at: step_idx,
            correlated: &correlation,
            evidence: evidence.as_ref(),
            discoveries: &discoveries,
            mutual: &mutual,
            previous: standings.last().map(Vec::as_slice),
        };
        let mut classified = classify::run(&step);
        tables.add_correlation(config, &inputs, step_idx, (&correlation, evidence.as_ref()));
        tables.nulls.extend(nulls::rows(config, &inputs, step_idx, (&correlation, &discoveries), &paths)?);
        tables.cliques.extend(mutual.rows(config, &inputs, step_idx, &correlation));
        for model_idx in 0..inputs.names.len() {
            let moments = &correlation.moments[model_idx];
            let precision = config.ablation.precision;
            let clean = evaluate::run(&inputs, (step_idx, model_idx), precision, moments, artifacts, progress)?;
            let means: Vec<f32> = moments.iter().map(|moments| moments.mean as f32).collect();
            let of_means = (means.as_slice(), correlated.key.as_str());
            let attributions = attribute::run(config, &inputs, (step_idx, model_idx), of_means, artifacts, progress)?;
            if let Some(attributions) = &attributions {
                let name = &inputs.names[model_idx];
                let rows = classified.neurons.iter_mut().filter(|row| row.model == *name);
                attributions.fill(rows);
            }
            if let Some(attributions) = attributions.as_ref().filter(|_| config.ablation.enabled) {
                let rule = config.universality.rule;
                let members = classify::members(rule, &classified.standings[model_idx].scores, config.threshold());
                let target = ablate::Target {
                    step_idx,
                    model_idx,
                    universal: (0..members.len()).filter(|&neuron| members[neuron]).collect(),
                    moments,
                    attributions,
                    correlation_key: &correlated.key,
                };
                let ablated = ablate::run(config, &inputs, &target, artifacts, progress)?;
                damage.extend(tables.add_ablation(ablated));
            }
            tables.models.push(with_evidence(clean, &inputs, evidence.as_ref()));
        }
        tables.windows.extend(windows::run(config, &inputs, step_idx, &correlation, options, artifacts, progress)?);
        tables.neurons.extend(classified.neurons);
        tables.emergence.extend(classified.emergence);
        tables.screening.extend(classified.screening);
        family.add_step(config, &correlation, evidence.as_ref(), (&classified.standings, &d_mlp));
        standings.push(classified.standings);
        if inputs.steps[step_idx] == Some(0) {
            untrained = Some(correlated.path.clone());
        }
        let evidence = evidence.map(|evidence| evidence.path);
        tables.steps.push(StepArtifacts { correlated: correlated.path, evidence, nulls: paths });
    }
    let followed = follow::run(config, &inputs, options, artifacts, progress)?;
    tables.lasting = persist::run(config, &inputs, &standings, followed.as_deref())?;
    tables.continuity = followed.map(|followed| Continuity { followed, standings });
    tables.family = family.rows(&inputs, &damage);
    tables.sort();
    let summary = Summary::new(config, &inputs, &tables);
    tables.notes.extend(summary.notes.clone());
    folder.finish(config, &inputs, &tables)?;
    Ok(Outcome::Done { folder: options.output.clone(), summary: summary.to_markdown(&options.output) })
}
