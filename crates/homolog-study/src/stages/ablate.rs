//! Functional impact: the loss with sets of neurons silenced, universal ones and random ones.

mod evaluate_sets;
mod sets;

use homolog_model::{Ablate, Ablation, NeuronId};
use homolog_results::{AblationRow, ModelRow, read_table, sort_rows, write_table};
use serde_json::json;

use super::correlate::{at_checkpoint, step_name};
use crate::artifacts::{self, Artifacts, Unit};
use crate::config::AblationMode;
use crate::inputs::Inputs;
use crate::{Error, Progress, StudyConfig};
use evaluate_sets::{SetLosses, evaluate_sets};
use sets::{RandomKind, SetId, Sets};

/// Raised whenever the arithmetic below changes.
pub(crate) const VERSION: u32 = 1;

/// What the ablation of one model at one step is made from.
pub(crate) struct Target<'a> {
    pub(crate) step_idx: usize,
    pub(crate) model_idx: usize,
    /// The model's clean loss on all loss rows.
    pub(crate) clean: &'a ModelRow,
    /// Universal neurons at the study's threshold, flat and ascending.
    pub(crate) universal: Vec<usize>,
    /// Mean activation of every neuron over the counted tokens, by flat number.
    pub(crate) means: Vec<f32>,
    /// Key of the correlations that `universal` and `means` come from.
    pub(crate) correlation_key: &'a str,
}

/// Rows of table `ablation` of one model at one step; and remarks for the manifest.
pub(crate) fn run(
    config: &StudyConfig,
    inputs: &Inputs,
    target: &Target<'_>,
    artifacts: &mut Artifacts,
    progress: &dyn Progress,
) -> Result<(Vec<AblationRow>, Vec<String>), Error> {
    let section = &config.ablation;
    let checkpoint = &inputs.checkpoints[target.step_idx][target.model_idx];
    let (name, step) = (&inputs.names[target.model_idx], inputs.steps[target.step_idx]);
    let rows = match section.tokens {
        0 => inputs.loss_tokens.n_rows(),
        tokens => (tokens / inputs.loss_tokens.context()).min(inputs.loss_tokens.n_rows()),
    };
    let user_sets: Vec<_> = inputs.sets.iter().filter(|set| set.is_for(name, step)).collect();
    let lists: Vec<_> = user_sets
        .iter()
        .map(|set| (&set.section.name, set.neurons.iter().map(ToString::to_string).collect::<Vec<_>>()))
        .collect();
    let decides = json!({
        "correlation": target.correlation_key,
        "weights": (&checkpoint.weights_hash, &checkpoint.config_hash),
        "loss_tokens": inputs.loss_tokens.hash(),
        "n_rows": rows,
        "threshold": config.universality.threshold,
        "random": (&section.modes, section.draws, &section.multiples, section.per_layer, section.seed),
        "precision": section.precision,
        "sets": lists,
        "row": (name, step, target.model_idx),
    });
    let key = artifacts::key("ablate", VERSION, &decides);
    let unit = Unit { stage: "ablate", of: format!("{name}, {}", step_name(step)), key, extension: "parquet" };
    let sets = Sets::new(config, &checkpoint.config, target, step);
    let path = artifacts.get_or_make(&unit, progress, |path| {
        let tokens = inputs.loss_tokens.first_rows(rows);
        let is_all = rows == inputs.loss_tokens.n_rows();
        let mut jobs = sets.configured();
        for set in &user_sets {
            jobs.push((
                SetId { threshold: None, ..SetId::own(&set.section.name) },
                set.neurons.iter().map(|id| id.flat(checkpoint.config.d_mlp)).collect(),
            ));
        }
        let mut jobs: Vec<Job> = section
            .modes
            .iter()
            .flat_map(|&mode| {
                jobs.iter().map(move |(id, neurons)| Job { id: id.clone(), neurons: neurons.clone(), mode })
            })
            .collect();
        let mut model = None;
        let mut losses = SetLosses { clean: target.clean.loss_nats, sets: Vec::new() };
        let mut table = Vec::new();
        while !jobs.is_empty() {
            let not_empty: Vec<&Job> = jobs.iter().filter(|job| !job.neurons.is_empty()).collect();
            if !not_empty.is_empty() || !is_all {
                let model = match &mut model {
                    Some(model) => model,
                    none => none.insert(checkpoint.load()?),
                };
                let ablations: Vec<Ablate> =
                    not_empty.iter().map(|job| job.ablate(&checkpoint.config, &target.means)).collect();
                progress.begin(
                    &format!("ablate {}", unit.of),
                    (tokens.n_rows() * (1 + ablations.len())) as u64,
                    "row evaluations",
                );
                losses = evaluate_sets(model, &tokens, &ablations, progress)?;
                progress.end();
            }
            let mut of_sets = losses.sets.iter().copied();
            for job in &jobs {
                let loss =
                    if job.neurons.is_empty() { losses.clean } else { of_sets.next().expect("a loss for every set") };
                if !loss.is_finite() {
                    let checkpoint = at_checkpoint(step);
                    return Err(Error::LossNotFinite {
                        model: name.clone(),
                        checkpoint,
                        what: format!("ablating {}", job.id.set),
                    });
                }
                table.push(job.row(name, step, losses.clean, loss));
            }
            losses.sets.clear();
            jobs = further_multiples(&sets, &section.modes, &table);
        }
        sort_rows(&mut table);
        Ok(write_table(path, &table, &[])?)
    })?;
    let rows = read_table(&path)?;
    let mut notes = sets.notes(section.modes.as_slice(), &unit.of);
    for (kind, mode, largest) in unreached(&section.modes, &rows) {
        notes.push(format!(
            "ablate {}: `{}` sets ({}) do less damage than the universal set up to multiple {largest}, and there are no more neurons",
            unit.of,
            kind.name(),
            mode.name()
        ));
    }
    Ok((rows, notes))
}

/// One loss to find: a set and what becomes of it.
struct Job {
    id: SetId,
    /// Flat, ascending.
    neurons: Vec<usize>,
    mode: AblationMode,
}

impl Job {
    fn ablate(&self, config: &homolog_model::Config, means: &[f32]) -> Ablate {
        let neurons: Vec<NeuronId> = self.neurons.iter().map(|&flat| NeuronId::from_flat(flat, config.d_mlp)).collect();
        let ablation = match self.mode {
            AblationMode::Zero => Ablation::Zero,
            AblationMode::Mean => Ablation::Mean(means),
        };
        Ablate::new(&neurons, ablation, config.n_layers, config.d_mlp)
    }

    fn row(&self, model: &str, checkpoint: Option<i64>, clean: f64, loss: f64) -> AblationRow {
        let n_neurons = self.neurons.len() as u64;
        AblationRow {
            model: model.to_owned(),
            checkpoint,
            threshold: self.id.threshold,
            set: self.id.set.clone(),
            layer: self.id.layer.map(|layer| layer as u16),
            mode: self.mode.name().to_owned(),
            multiple: self.id.multiple,
            draw: self.id.draw.map(|draw| draw as u32),
            n_neurons,
            loss_nats_clean: clean,
            loss_nats: loss,
            delta_loss_nats: loss - clean,
            efficiency_nats: (n_neurons > 0).then(|| (loss - clean) / n_neurons as f64),
        }
    }
}

/// The largest multiple so far of every kind of random set and mode whose mean damage has not reached the universal set's.
fn unreached(modes: &[AblationMode], table: &[AblationRow]) -> Vec<(RandomKind, AblationMode, u32)> {
    let mut unreached = Vec::new();
    for &mode in modes {
        let of_mode = || table.iter().filter(move |row| row.mode == mode.name());
        let universal = of_mode().find(|row| row.set == "universal").expect("the universal set is always evaluated");
        for kind in RandomKind::ALL {
            let rows = || of_mode().filter(move |row| row.set == kind.name());
            let Some(largest) = rows().filter_map(|row| row.multiple).max() else { continue };
            let deltas: Vec<f64> =
                rows().filter(|row| row.multiple == Some(largest)).map(|row| row.delta_loss_nats).collect();
            if deltas.iter().sum::<f64>() / (deltas.len() as f64) < universal.delta_loss_nats {
                unreached.push((kind, mode, largest));
            }
        }
    }
    unreached
}

/// Sets of twice the largest multiple wherever the universal set's damage is not reached; none where the neurons have run out.
fn further_multiples(sets: &Sets<'_>, modes: &[AblationMode], table: &[AblationRow]) -> Vec<Job> {
    let further = |(kind, mode, largest): (RandomKind, AblationMode, u32)| {
        let next = sets.random(kind, largest.saturating_mul(2));
        next.into_iter().map(move |(id, neurons)| Job { id, neurons, mode })
    };
    unreached(modes, table).into_iter().flat_map(further).collect()
}
