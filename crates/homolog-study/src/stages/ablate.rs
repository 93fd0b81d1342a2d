//! Functional impact: the loss with sets of neurons silenced, universal ones and random ones.

mod covariates;
mod evaluate_sets;
mod measured;
mod outcome;
mod rows;
mod sets;
mod silencing;
mod singles;
#[cfg(test)]
pub(crate) mod test_outcomes;

use homolog_model::{Checkpoint, Tokens};
use homolog_results::{AblationRow, AttributionRow, BalanceRow, SingleRow};
use homolog_stats::{Moments, Resamples};
use serde_json::json;

use super::attribute::Attributions;
use super::correlate::step_name;
use crate::artifacts::{self, Artifacts, Unit};
use crate::config::{AblationMode, AblationSection};
use crate::damage::{self, Damage};
use crate::inputs::Inputs;
use crate::{Error, Progress, StudyConfig};
pub(crate) use covariates::NeuronCovariates;
pub(crate) use evaluate_sets::GROUP;
pub(crate) use measured::Measured;
pub(crate) use sets::RandomKind;
use sets::{Reference, SetId, Sets};
use silencing::{Job, Silencing};

/// Raised whenever the arithmetic below changes.
pub(crate) const VERSION: u32 = 3;

/// Tells the streams of resampled rows from those of others.
const ROWS_STREAM: u64 = 0x726f_7773_0000_0000;

/// What the ablation of one model at one step is made from.
pub(crate) struct Target<'a> {
    pub(crate) step_idx: usize,
    pub(crate) model_idx: usize,
    /// Universal neurons at the study's threshold, flat and ascending.
    pub(crate) universal: Vec<usize>,
    /// Activations of every neuron over the counted tokens, by flat number.
    pub(crate) moments: &'a [Moments],
    pub(crate) attributions: &'a Attributions,
    /// Key of the correlations that `universal` and `moments` come from.
    pub(crate) correlation_key: &'a str,
}

/// What ablations of one model at one step say.
pub(crate) struct Ablated {
    pub(crate) rows: Vec<AblationRow>,
    pub(crate) damage: Vec<Damage>,
    pub(crate) balance: Vec<BalanceRow>,
    pub(crate) singles: Vec<SingleRow>,
    pub(crate) attribution: Option<AttributionRow>,
    /// Remarks for the manifest.
    pub(crate) notes: Vec<String>,
}

/// Silence the sets of one model at one step.
pub(crate) fn run(
    config: &StudyConfig,
    inputs: &Inputs,
    target: &Target<'_>,
    artifacts: &mut Artifacts,
    progress: &dyn Progress,
) -> Result<Ablated, Error> {
    let section = &config.ablation;
    let checkpoint = &inputs.checkpoints[target.step_idx][target.model_idx];
    let (name, step) = (&inputs.names[target.model_idx], inputs.steps[target.step_idx]);
    let tokens = loss_rows(config, inputs);
    let user_sets: Vec<_> = inputs.sets.iter().filter(|set| set.is_for(name, step)).collect();
    let lists: Vec<_> = user_sets
        .iter()
        .map(|set| (&set.section.name, set.neurons.iter().map(ToString::to_string).collect::<Vec<_>>()))
        .collect();
    let d_mlp = checkpoint.config.d_mlp;
    let covariates = NeuronCovariates::new(target.moments, &target.attributions.write_norm, d_mlp);
    let reference = Reference {
        name: "universal",
        threshold: Some(config.threshold()),
        neurons: &target.universal,
        model_idx: target.model_idx,
        step,
    };
    let sets = Sets::new(section, &checkpoint.config, reference, &covariates);
    let singles = singles::chosen(config, target.attributions, reference);
    let decides = json!({
        "correlation": target.correlation_key,
        "weights": (&checkpoint.weights_hash, &checkpoint.config_hash),
        "loss_tokens": tokens.hash(),
        "position_rows": section.modes.contains(&AblationMode::PositionMean).then_some(section.position_rows),
        "threshold": config.threshold(),
        // Who is universal is the rule's to say, and not in the key of the correlations.
        "universal": target.universal,
        "random": (&section.modes, section.draws, &section.multiples, section.per_layer, section.permutations, section.seed),
        "precision": section.precision,
        "sets": lists,
        "singles": singles.iter().map(|single| single.neuron).collect::<Vec<_>>(),
        "row": (name, step, target.model_idx),
    });
    let key = artifacts::key("ablate", VERSION, &decides);
    let unit = Unit { stage: "ablate", of: format!("{name}, {}", step_name(step)), key, extension: "safetensors" };
    let means: Vec<f32> = target.moments.iter().map(|moments| moments.mean as f32).collect();
    let path = artifacts.get_or_make(&unit, progress, |path| {
        let mut own = sets.configured();
        for set in &user_sets {
            let neurons = set.neurons.iter().map(|id| id.flat(d_mlp)).collect();
            own.push((SetId { threshold: None, ..SetId::own(&set.section.name) }, neurons));
        }
        let mut jobs = jobs(&section.modes, &own, sets.permutations());
        jobs.extend(singles.iter().map(singles::Single::job));
        let silencing = silencing(section, inputs, (name, step), checkpoint, tokens.clone(), &means);
        silencing.measure(&sets, &section.modes, jobs, progress)?.write(path)
    })?;
    let measured = Measured::read(&path)?;
    let resamples = resamples(section, tokens.n_rows());
    let rows = rows::rows((name, step), &measured, &resamples, section.level);
    let place = damage::Place { model: name, checkpoint: step, threshold: config.threshold() };
    let attribution = singles::attribution_row(&place, target, &measured, &singles, (&resamples, section));
    Ok(Ablated {
        notes: notes(&sets, &section.modes, &measured, &unit.of),
        damage: damage::of(&place, &measured, &section.modes, (&resamples, section)),
        balance: balance(&place, &sets, &covariates, &measured),
        singles: singles::rows(&place, target, d_mlp, &measured, &singles, (&resamples, section.level)),
        attribution,
        rows,
    })
}

/// Resamples of the loss rows: the same for every model and set, so that what is held against each other is resampled together.
fn resamples(section: &AblationSection, n_rows: usize) -> Resamples {
    Resamples::new(n_rows, section.resamples, [ROWS_STREAM, section.seed, 0, 0])
}

fn silencing<'a>(
    section: &AblationSection,
    inputs: &Inputs,
    (model, step): (&'a str, Option<i64>),
    checkpoint: &'a Checkpoint,
    tokens: Tokens,
    means: &'a [f32],
) -> Silencing<'a> {
    let n_rows = inputs.tokens.n_rows();
    let n_position_rows = if section.position_rows == 0 { n_rows } else { section.position_rows.min(n_rows) };
    let position_rows = inputs.tokens.spread(n_position_rows);
    let (precision, seed) = (section.precision, section.seed);
    Silencing { model, step, checkpoint, tokens, means, position_rows, precision, seed }
}

/// Every set in every mode, and the permutations in the first.
fn jobs(modes: &[AblationMode], sets: &[sets::NamedSet], permutations: Vec<sets::NamedSet>) -> Vec<Job> {
    let with_mode = |mode| sets.iter().map(move |(id, neurons)| Job { id: id.clone(), neurons: neurons.clone(), mode });
    let mut jobs: Vec<Job> = modes.iter().flat_map(|&mode| with_mode(mode)).collect();
    let first = modes.first().copied();
    jobs.extend(permutations.into_iter().zip(first.into_iter().cycle()).map(|((id, neurons), mode)| Job {
        id,
        neurons,
        mode,
    }));
    jobs
}

/// A row for every kind and multiple of random sets that was measured, and covariate.
fn balance(
    place: &damage::Place<'_>,
    sets: &Sets<'_>,
    covariates: &NeuronCovariates,
    measured: &Measured,
) -> Vec<BalanceRow> {
    let mut rows = Vec::new();
    for kind in RandomKind::ALL {
        let of_kind = measured.sets.iter().filter(|(set, _)| set.id.set == kind.name());
        let mut multiples: Vec<u32> = of_kind.filter_map(|(set, _)| set.id.multiple).collect();
        multiples.sort_unstable();
        multiples.dedup();
        for multiple in multiples {
            rows.extend(covariates.balance(sets.neurons(), (kind, multiple), &sets.drawn(kind, multiple)));
        }
    }
    for row in &mut rows {
        (row.model, row.checkpoint, row.threshold) = (place.model.to_owned(), place.checkpoint, place.threshold);
    }
    rows
}

/// What was asked for and is not in the table, or not reached by it; a line each.
fn notes(sets: &Sets<'_>, modes: &[AblationMode], measured: &Measured, unit: &str) -> Vec<String> {
    let mut notes = sets.notes(modes, unit);
    for (kind, mode, largest) in unreached(modes, measured, sets.reference()) {
        notes.push(format!(
            "ablate {unit}: `{}` sets ({}) do less damage than the set `{}` up to multiple {largest}, and there are no more neurons",
            kind.name(),
            mode.name(),
            sets.reference(),
        ));
    }
    notes
}

/// Neurons of the user's choosing silenced in one model at one step, beside random sets of the same size.
pub(crate) struct List<'a> {
    /// How the table calls the list.
    pub(crate) name: &'a str,
    /// Flat, ascending.
    pub(crate) neurons: &'a [usize],
    /// Place of the model in the study: random sets are those that the study would draw.
    pub(crate) model_idx: usize,
    /// Activations of every neuron, by flat number.
    pub(crate) moments: &'a [Moments],
    /// Norm of the output weights of every neuron.
    pub(crate) write_norm: &'a [f64],
}

/// Rows of table `ablation` of a list, and remarks. `inputs` holds the one model at the one step.
pub(crate) fn of_list(
    config: &StudyConfig,
    inputs: &Inputs,
    list: &List<'_>,
    progress: &dyn Progress,
) -> Result<(Vec<AblationRow>, Vec<String>), Error> {
    let (checkpoint, step, name) = (&inputs.checkpoints[0][0], inputs.steps[0], &inputs.names[0]);
    let section = &config.ablation;
    let reference =
        Reference { name: list.name, threshold: None, neurons: list.neurons, model_idx: list.model_idx, step };
    let covariates = NeuronCovariates::new(list.moments, list.write_norm, checkpoint.config.d_mlp);
    let sets = Sets::new(section, &checkpoint.config, reference, &covariates);
    let means: Vec<f32> = list.moments.iter().map(|moments| moments.mean as f32).collect();
    let tokens = loss_rows(config, inputs);
    let resamples = resamples(section, tokens.n_rows());
    let jobs = jobs(&section.modes, &sets.configured(), sets.permutations());
    let silencing = silencing(section, inputs, (name, step), checkpoint, tokens, &means);
    let measured = silencing.measure(&sets, &section.modes, jobs, progress)?;
    let rows = rows::rows((name, step), &measured, &resamples, section.level);
    let notes = notes(&sets, &section.modes, &measured, &format!("{name}, {}", step_name(step)));
    Ok((rows, notes))
}

/// Rows that sets are evaluated on.
pub(crate) fn loss_rows(config: &StudyConfig, inputs: &Inputs) -> Tokens {
    let tokens = &inputs.loss_tokens;
    match config.ablation.tokens {
        0 => tokens.clone(),
        wanted => tokens.first_rows((wanted / tokens.context()).min(tokens.n_rows())),
    }
}

/// In the order of table `ablation`.
fn sort(measured: &mut Measured) {
    let key = |set: &measured::MeasuredSet| {
        let SetId { set, layer, multiple, draw, single, .. } = &set.id;
        (set.clone(), *layer, *multiple, *draw, *single)
    };
    measured.sets.sort_by_cached_key(|(set, _)| (key(set), set.mode.name()));
}

/// The largest multiple so far of every kind of random set and mode whose mean damage has not reached that of the set `reference`.
fn unreached(modes: &[AblationMode], measured: &Measured, reference: &str) -> Vec<(RandomKind, AblationMode, u32)> {
    let mut unreached = Vec::new();
    for &mode in modes {
        let (_, of_reference) = measured.set(reference, mode).expect("the reference set is always evaluated");
        for kind in RandomKind::ALL {
            let rows = || measured.sets.iter().filter(move |(set, _)| set.mode == mode && set.id.set == kind.name());
            let Some(largest) = rows().filter_map(|(set, _)| set.id.multiple).max() else { continue };
            let of_largest = rows().filter(|(set, _)| set.id.multiple == Some(largest));
            let losses: Vec<f64> = of_largest.map(|(_, outcome)| outcome.loss_nats()).collect();
            if losses.iter().sum::<f64>() / (losses.len() as f64) < of_reference.loss_nats() {
                unreached.push((kind, mode, largest));
            }
        }
    }
    unreached
}

/// Sets of twice the largest multiple wherever the reference set's damage is not reached; none where the neurons have run out.
fn further_multiples(sets: &Sets<'_>, modes: &[AblationMode], measured: &Measured) -> Vec<Job> {
    let further = |(kind, mode, largest): (RandomKind, AblationMode, u32)| {
        let next = sets.random(kind, largest.saturating_mul(2));
        next.into_iter().map(move |(id, neurons)| Job { id, neurons, mode })
    };
    unreached(modes, measured, sets.reference()).into_iter().flat_map(further).collect()
}
