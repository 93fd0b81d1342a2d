//! Functional impact: the loss with sets of neurons silenced, universal ones and random ones.

mod evaluate_sets;
mod sets;

use homolog_model::{Ablate, Ablation, Checkpoint, NeuronId, Precision, Tokens};
use homolog_results::{AblationRow, ModelRow, read_table, sort_rows, write_table};
use serde_json::json;

use super::correlate::{at_checkpoint, step_name};
use crate::artifacts::{self, Artifacts, Unit};
use crate::config::AblationMode;
use crate::inputs::Inputs;
use crate::{Error, Progress, StudyConfig};
use evaluate_sets::{SetLosses, evaluate_sets};
use sets::{RandomKind, Reference, SetId, Sets};

/// Raised whenever the arithmetic below changes.
pub(crate) const VERSION: u32 = 2;

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
    let rows = n_rows(config, inputs);
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
        "threshold": config.threshold(),
        // Who is universal is the rule's to say, and not in the key of the correlations.
        "universal": target.universal,
        "random": (&section.modes, section.draws, &section.multiples, section.per_layer, section.seed),
        "precision": section.precision,
        "sets": lists,
        "row": (name, step, target.model_idx),
    });
    let key = artifacts::key("ablate", VERSION, &decides);
    let unit = Unit { stage: "ablate", of: format!("{name}, {}", step_name(step)), key, extension: "parquet" };
    let reference = Reference {
        name: "universal",
        threshold: Some(config.threshold()),
        neurons: &target.universal,
        model_idx: target.model_idx,
        step,
    };
    let sets = Sets::new(section, &checkpoint.config, reference);
    let path = artifacts.get_or_make(&unit, progress, |path| {
        let mut jobs = sets.configured();
        for set in &user_sets {
            jobs.push((
                SetId { threshold: None, ..SetId::own(&set.section.name) },
                set.neurons.iter().map(|id| id.flat(checkpoint.config.d_mlp)).collect(),
            ));
        }
        let target = Ablated {
            model: name,
            step,
            checkpoint,
            tokens: inputs.loss_tokens.first_rows(rows),
            clean: (rows == inputs.loss_tokens.n_rows()).then_some(target.clean.loss_nats),
            means: &target.means,
            precision: section.precision,
        };
        let mut table = target.table(&sets, &jobs, &section.modes, progress)?;
        sort_rows(&mut table);
        Ok(write_table(path, &table, &[])?)
    })?;
    let rows = read_table(&path)?;
    let notes = notes(&sets, &section.modes, &rows, &unit.of);
    Ok((rows, notes))
}

/// What was asked for and is not in the table, or not reached by it; a line each.
fn notes(sets: &Sets<'_>, modes: &[AblationMode], rows: &[AblationRow], unit: &str) -> Vec<String> {
    let mut notes = sets.notes(modes, unit);
    for (kind, mode, largest) in unreached(modes, rows, sets.reference()) {
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
    /// Mean activation of every neuron, by flat number; empty unless a mode is `mean`.
    pub(crate) means: &'a [f32],
}

/// Rows of table `ablation` of a list, and remarks. `inputs` holds the one model at the one step.
pub(crate) fn of_list(
    config: &StudyConfig,
    inputs: &Inputs,
    list: &List<'_>,
    progress: &dyn Progress,
) -> Result<(Vec<AblationRow>, Vec<String>), Error> {
    let (checkpoint, step) = (&inputs.checkpoints[0][0], inputs.steps[0]);
    let section = &config.ablation;
    let reference =
        Reference { name: list.name, threshold: None, neurons: list.neurons, model_idx: list.model_idx, step };
    let sets = Sets::new(section, &checkpoint.config, reference);
    let target = Ablated {
        model: &inputs.names[0],
        step,
        checkpoint,
        tokens: inputs.loss_tokens.first_rows(n_rows(config, inputs)),
        clean: None,
        means: list.means,
        precision: section.precision,
    };
    let mut table = target.table(&sets, &sets.configured(), &section.modes, progress)?;
    sort_rows(&mut table);
    let notes = notes(&sets, &section.modes, &table, &format!("{}, {}", inputs.names[0], step_name(step)));
    Ok((table, notes))
}

/// Rows that sets are evaluated on.
fn n_rows(config: &StudyConfig, inputs: &Inputs) -> usize {
    match config.ablation.tokens {
        0 => inputs.loss_tokens.n_rows(),
        tokens => (tokens / inputs.loss_tokens.context()).min(inputs.loss_tokens.n_rows()),
    }
}

/// A model to silence neurons in, and the rows to find the loss on.
struct Ablated<'a> {
    model: &'a str,
    step: Option<i64>,
    checkpoint: &'a Checkpoint,
    tokens: Tokens,
    /// Loss of the clean model on these rows, if it is known.
    clean: Option<f64>,
    means: &'a [f32],
    precision: Precision,
}

impl Ablated<'_> {
    /// A row for every set and mode, and for further multiples until random sets do the reference's damage.
    fn table(
        &self,
        sets: &Sets<'_>,
        configured: &[(SetId, Vec<usize>)],
        modes: &[AblationMode],
        progress: &dyn Progress,
    ) -> Result<Vec<AblationRow>, Error> {
        let with_mode =
            |mode| configured.iter().map(move |(id, neurons)| Job { id: id.clone(), neurons: neurons.clone(), mode });
        let mut jobs: Vec<Job> = modes.iter().flat_map(|&mode| with_mode(mode)).collect();
        let mut model = None;
        let mut losses = self.clean.map(|clean| SetLosses { clean, sets: Vec::new() });
        let mut table = Vec::new();
        while !jobs.is_empty() {
            let not_empty: Vec<&Job> = jobs.iter().filter(|job| !job.neurons.is_empty()).collect();
            let mut found = match &losses {
                Some(losses) if not_empty.is_empty() => SetLosses { clean: losses.clean, sets: Vec::new() },
                _ => {
                    let model = match &mut model {
                        Some(model) => model,
                        none => none.insert(self.checkpoint.load(self.precision)?),
                    };
                    let ablations: Vec<Ablate> =
                        not_empty.iter().map(|job| job.ablate(&self.checkpoint.config, self.means)).collect();
                    let total = (self.tokens.n_rows() * (1 + ablations.len())) as u64;
                    let work = format!("ablate {}, {}", self.model, step_name(self.step));
                    progress.begin(&work, total, "row evaluations");
                    let found = evaluate_sets(model, &self.tokens, &ablations, progress)?;
                    progress.end();
                    found
                }
            };
            let mut of_sets = std::mem::take(&mut found.sets).into_iter();
            for job in &jobs {
                let loss =
                    if job.neurons.is_empty() { found.clean } else { of_sets.next().expect("a loss for every set") };
                if !loss.is_finite() {
                    let (model, checkpoint) = (self.model.to_owned(), at_checkpoint(self.step));
                    return Err(Error::LossNotFinite { model, checkpoint, what: format!("ablating {}", job.id.set) });
                }
                table.push(job.row(self.model, self.step, found.clean, loss));
            }
            losses = Some(found);
            jobs = further_multiples(sets, modes, &table);
        }
        Ok(table)
    }
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

/// The largest multiple so far of every kind of random set and mode whose mean damage has not reached that of the set `reference`.
fn unreached(modes: &[AblationMode], table: &[AblationRow], reference: &str) -> Vec<(RandomKind, AblationMode, u32)> {
    let mut unreached = Vec::new();
    for &mode in modes {
        let of_mode = || table.iter().filter(move |row| row.mode == mode.name());
        let reference = of_mode().find(|row| row.set == reference).expect("the reference set is always evaluated");
        for kind in RandomKind::ALL {
            let rows = || of_mode().filter(move |row| row.set == kind.name());
            let Some(largest) = rows().filter_map(|row| row.multiple).max() else { continue };
            let deltas: Vec<f64> =
                rows().filter(|row| row.multiple == Some(largest)).map(|row| row.delta_loss_nats).collect();
            if deltas.iter().sum::<f64>() / (deltas.len() as f64) < reference.delta_loss_nats {
                unreached.push((kind, mode, largest));
            }
        }
    }
    unreached
}

/// Sets of twice the largest multiple wherever the reference set's damage is not reached; none where the neurons have run out.
fn further_multiples(sets: &Sets<'_>, modes: &[AblationMode], table: &[AblationRow]) -> Vec<Job> {
    let further = |(kind, mode, largest): (RandomKind, AblationMode, u32)| {
        let next = sets.random(kind, largest.saturating_mul(2));
        next.into_iter().map(move |(id, neurons)| Job { id, neurons, mode })
    };
    unreached(modes, table, sets.reference()).into_iter().flat_map(further).collect()
}
