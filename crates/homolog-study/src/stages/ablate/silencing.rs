//! A model to silence neurons in: jobs are found, evaluated together, and more of them found from what these did.

use homolog_model::{Ablate, Ablation, Checkpoint, HookPoint, Model, NeuronId, Precision, Tokens};
use homolog_stats::derangement;
use rayon::prelude::*;

use super::evaluate_sets::{Replacement, Silenced, evaluate_sets};
use super::measured::{Measured, MeasuredSet};
use super::sets::{SetId, Sets};
use super::{further_multiples, sort};
use crate::config::AblationMode;
use crate::stages::correlate::{at_checkpoint, step_name};
use crate::{Error, Progress};

/// Rows whose activations are held at a time while means by position are taken.
const ROWS: usize = 8;

/// What silencing needs besides the sets.
pub(super) struct Silencing<'a> {
    pub(super) model: &'a str,
    pub(super) step: Option<i64>,
    pub(super) checkpoint: &'a Checkpoint,
    /// Rows of the losses.
    pub(super) tokens: Tokens,
    /// Mean activation of every neuron, by flat number.
    pub(super) means: &'a [f32],
    /// Rows that means by position are over.
    pub(super) position_rows: Tokens,
    pub(super) precision: Precision,
    /// Of the rows that stand in for each other.
    pub(super) seed: u64,
}

/// One set to silence, and what becomes of it.
pub(super) struct Job {
    pub(super) id: SetId,
    /// Flat, ascending.
    pub(super) neurons: Vec<usize>,
    pub(super) mode: AblationMode,
}

impl Silencing<'_> {
    /// Every job, and further multiples until random sets do the reference's damage. Errors: a loss that is not finite; interrupted.
    pub(super) fn measure(
        &self,
        sets: &Sets<'_>,
        modes: &[AblationMode],
        mut jobs: Vec<Job>,
        progress: &dyn Progress,
    ) -> Result<Measured, Error> {
        let model = self.checkpoint.load(self.precision)?;
        let n_rows = self.tokens.n_rows();
        let asks = |mode: AblationMode| jobs.iter().any(|job| job.mode == mode && !job.neurons.is_empty());
        let others = if asks(AblationMode::Resample) {
            derangement(n_rows, self.seed, 0).ok_or(Error::OneRowToResample)?
        } else {
            Vec::new()
        };
        let by_position = if asks(AblationMode::PositionMean) {
            position_means(&model, &self.position_rows, &format!("means by position, {}", self.model), progress)?
        } else {
            Vec::new()
        };
        let mut measured: Option<Measured> = None;
        while !jobs.is_empty() {
            let not_empty = jobs.iter().filter(|job| !job.neurons.is_empty());
            let silenced: Vec<Silenced<'_>> = not_empty.map(|job| self.silenced(job, &by_position)).collect();
            let work = format!("ablate {}, {}", self.model, step_name(self.step));
            progress.begin(&work, (n_rows * (1 + silenced.len())) as u64, "row evaluations");
            let (clean, found) = evaluate_sets(&model, &self.tokens, &silenced, &others, progress)?;
            progress.end();
            let measured = measured.get_or_insert_with(|| Measured { clean, sets: Vec::new() });
            let mut found = found.into_iter();
            for Job { id, neurons, mode } in jobs {
                // Without any neuron nothing changes.
                let outcome = if neurons.is_empty() { Some(measured.clean.clone()) } else { found.next() };
                let outcome = outcome.expect("an outcome for every set");
                if !outcome.loss_nats().is_finite() {
                    let (model, checkpoint) = (self.model.to_owned(), at_checkpoint(self.step));
                    return Err(Error::LossNotFinite { model, checkpoint, what: format!("ablating {}", id.set) });
                }
                measured.sets.push((MeasuredSet { id, mode, n_neurons: neurons.len() }, outcome));
            }
            jobs = further_multiples(sets, modes, measured);
        }
        let mut measured = measured.expect("the reference set is always a job");
        sort(&mut measured);
        Ok(measured)
    }

    fn silenced<'a>(&'a self, job: &Job, by_position: &'a [Vec<f32>]) -> Silenced<'a> {
        let config = &self.checkpoint.config;
        let neurons: Vec<NeuronId> = job.neurons.iter().map(|&flat| NeuronId::from_flat(flat, config.d_mlp)).collect();
        let replacement = match job.mode {
            AblationMode::Zero => Replacement::Fixed(Ablation::Zero),
            AblationMode::Mean => Replacement::Fixed(Ablation::Mean(self.means)),
            AblationMode::PositionMean => Replacement::Fixed(Ablation::ByPosition(by_position)),
            AblationMode::Resample => Replacement::OtherRow,
        };
        let neurons = Ablate::new(&neurons, Ablation::Zero, config.n_layers, config.d_mlp);
        Silenced { neurons, replacement }
    }
}

/// Mean activation at every position over rows, counted or not, by layer [`n_pos`, `d_mlp`]; summed in f64, rows in order.
fn position_means(model: &Model, tokens: &Tokens, name: &str, progress: &dyn Progress) -> Result<Vec<Vec<f32>>, Error> {
    let config = model.config();
    let mut sums = vec![vec![0.0_f64; tokens.context() * config.d_mlp]; config.n_layers];
    progress.begin(name, tokens.n_rows() as u64, "rows");
    for first in (0..tokens.n_rows()).step_by(ROWS) {
        let rows = first..(first + ROWS).min(tokens.n_rows());
        let captured = rows.into_par_iter().map(|row| -> Result<homolog_model::Capture, Error> {
            progress.check()?;
            let mut captured = homolog_model::Capture::new((0..config.n_layers).map(HookPoint::mlp_post));
            model.forward(tokens.batch(row..row + 1), &mut captured);
            progress.advance(1);
            Ok(captured)
        });
        let captured = captured.collect::<Result<Vec<_>, Error>>()?;
        sums.par_iter_mut().enumerate().for_each(|(layer, sums)| {
            for row in &captured {
                let values = row.get(HookPoint::mlp_post(layer));
                sums.iter_mut().zip(values).for_each(|(sum, &value)| *sum += f64::from(value));
            }
        });
    }
    progress.end();
    let n = tokens.n_rows() as f64;
    Ok(sums.into_iter().map(|sums| sums.into_iter().map(|sum| (sum / n) as f32).collect()).collect())
}
