//! The loss of every model at every checkpoint, nothing ablated.

use homolog_model::{Model, NoHooks, Precision, Start, Tokens};
use homolog_results::{ModelRow, read_table, write_table};
use homolog_stats::Moments;
use rayon::prelude::*;
use serde_json::json;

use super::correlate::{at_checkpoint, step_name};
use crate::artifacts::{self, Artifacts, Unit};
use crate::inputs::Inputs;
use crate::{Error, Progress};

/// Raised whenever the arithmetic below changes.
pub(crate) const VERSION: u32 = 2;

/// One row of table `models`.
pub(crate) fn run(
    inputs: &Inputs,
    (step_idx, model_idx): (usize, usize),
    precision: Precision,
    moments: &[Moments],
    artifacts: &mut Artifacts,
    progress: &dyn Progress,
) -> Result<ModelRow, Error> {
    let checkpoint = &inputs.checkpoints[step_idx][model_idx];
    let (name, step) = (&inputs.names[model_idx], inputs.steps[step_idx]);
    let decides = json!({
        "weights": (&checkpoint.weights_hash, &checkpoint.config_hash),
        "loss_tokens": inputs.loss_tokens.hash(),
        "tokens": inputs.tokens.hash(),
        "exclude_tokens": inputs.exclude_tokens,
        "precision": precision,
        "row": (name, step, inputs.loss_tokens_name()),
    });
    let key = artifacts::key("evaluate", VERSION, &decides);
    let unit = Unit { stage: "evaluate", of: format!("{name}, {}", step_name(step)), key, extension: "parquet" };
    let path = artifacts.get_or_make(&unit, progress, |path| {
        let model = checkpoint.load(precision)?;
        let tokens = &inputs.loss_tokens;
        progress.begin(&format!("loss of {}", unit.of), (tokens.n_rows() * tokens.context()) as u64, "tokens");
        let loss_nats = mean_loss(&model, tokens, progress)?;
        progress.end();
        if !loss_nats.is_finite() {
            let checkpoint = at_checkpoint(step);
            return Err(Error::LossNotFinite { model: name.clone(), checkpoint, what: "the clean model".into() });
        }
        let row = ModelRow {
            model: name.clone(),
            checkpoint: step,
            loss_nats,
            n_targets: n_targets(tokens),
            n_tokens_counted: inputs.mask.n_tokens_counted() as u64,
            n_undefined: moments.iter().filter(|moments| moments.is_constant()).count() as u64,
            weights_hash: checkpoint.weights_hash.clone(),
            tokens_hash: inputs.tokens.hash().to_owned(),
            loss_tokens: inputs.loss_tokens_name().to_owned(),
            // What intervals rest on is known where they are made.
            ..ModelRow::default()
        };
        Ok(write_table(path, &[row], &[])?)
    })?;
    Ok(read_table(&path)?.remove(0))
}

/// Predicted tokens: every position but the first of each row.
pub(crate) fn n_targets(tokens: &Tokens) -> u64 {
    (tokens.n_rows() * (tokens.context() - 1)) as u64
}

/// Mean cross-entropy in nats over all predicted tokens: per token f32, summed in f64 by row, then over rows in order.
pub(crate) fn mean_loss(model: &Model, tokens: &Tokens, progress: &dyn Progress) -> Result<f64, Error> {
    let row_loss = |row: usize| {
        progress.check()?;
        let losses = model.loss(tokens.batch(row..row + 1), Start::Tokens, &mut NoHooks);
        progress.advance(tokens.context() as u64);
        Ok(sum(&losses))
    };
    let rows = (0..tokens.n_rows()).into_par_iter().map(row_loss).collect::<Result<Vec<f64>, Error>>()?;
    Ok(rows.iter().sum::<f64>() / n_targets(tokens) as f64)
}

/// Losses of a row, summed in f64 in order.
pub(crate) fn sum(losses: &[f32]) -> f64 {
    losses.iter().map(|&loss| f64::from(loss)).sum()
}
