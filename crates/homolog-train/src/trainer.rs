//! One model in training: weights, optimizer, and the steps that change them.

use homolog_model::{Differentiable, Dropout, Model, NoHooks, Parameters, Start, TokenBatch, Tokens};

use crate::config::{FamilyConfig, Seeds, TrainingSection};
use crate::data_order::DataOrder;
use crate::log::Line;
use crate::optimizer::{AdamW, clip};
use crate::stream::Stream;
use crate::{Error, init, schedule};

/// Rows of a forward pass where losses are evaluated.
const EVALUATION_ROWS: usize = 16;

/// A model after some steps.
pub(crate) struct Trainer {
    pub(crate) seeds: Seeds,
    pub(crate) parameters: Parameters,
    pub(crate) optimizer: AdamW,
    /// Updates made.
    pub(crate) step: u64,
    order: DataOrder,
}

impl Trainer {
    /// Before the first step.
    pub(crate) fn new(config: &homolog_model::Config, seeds: &Seeds, n_rows: usize) -> Self {
        let parameters = init::gpt2(config, seeds.init);
        let optimizer = AdamW::new(parameters.values().len());
        Self { order: DataOrder::new(seeds.data, n_rows), seeds: seeds.clone(), parameters, optimizer, step: 0 }
    }

    /// The next update; tells its loss, before the update.
    ///
    /// Errors: `Diverged` if loss or gradient is not finite; the weights are then those before the step.
    pub(crate) fn advance(&mut self, config: &FamilyConfig, rows: &Tokens) -> Result<Line, Error> {
        let training: &TrainingSection = &config.training;
        let step = self.step + 1;
        let context = rows.context();
        let mut ids = Vec::with_capacity(training.batch_rows * context);
        for row in self.order.batch(step, training.batch_rows) {
            ids.extend_from_slice(rows.batch(row..row + 1).ids);
        }
        let batch = TokenBatch { ids: &ids, context };
        let dropout_key = Stream::new("homolog-train 2026 dropout", &[self.seeds.data, step]).key();
        let dropout = Dropout::new(training.dropout, dropout_key);
        let mut found = Differentiable::new(&self.parameters).gradients(batch, dropout, &|_, _, _| {});
        let gradient_norm = clip(&mut found.parameters, training.clip_norm);
        for (what, value) in [("loss", found.loss_nats), ("gradient", gradient_norm)] {
            if !value.is_finite() {
                return Err(Error::Diverged { model: self.seeds.name.clone(), what, step });
            }
        }
        let learning_rate = schedule::learning_rate(training, step);
        self.optimizer.update(&mut self.parameters, &found.parameters, training, (step, learning_rate));
        self.step = step;
        Ok(Line {
            step,
            tokens: step * (training.batch_rows * context) as u64,
            learning_rate: Some(learning_rate),
            train_loss_nats: Some(found.loss_nats),
            gradient_norm: Some(gradient_norm),
            held_out_loss_nats: None,
        })
    }

    /// Mean loss over some rows, in nats.
    pub(crate) fn evaluate(&self, rows: &Tokens) -> Result<f64, Error> {
        let loss_nats = mean_loss(&self.parameters.model(), rows);
        if loss_nats.is_finite() {
            return Ok(loss_nats);
        }
        Err(Error::Diverged { model: self.seeds.name.clone(), what: "held-out loss", step: self.step })
    }
}

fn mean_loss(model: &Model, rows: &Tokens) -> f64 {
    let (mut total, mut n) = (0.0, 0);
    for first in (0..rows.n_rows()).step_by(EVALUATION_ROWS) {
        let batch = rows.batch(first..rows.n_rows().min(first + EVALUATION_ROWS));
        let losses = model.loss(batch, Start::Tokens, &mut NoHooks);
        total += losses.iter().map(|&loss| f64::from(loss)).sum::<f64>();
        n += losses.len();
    }
    total / n as f64
}
