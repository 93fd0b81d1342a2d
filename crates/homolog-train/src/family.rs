//! The map of a training: corpus, models, steps side by side, checkpoints.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use homolog_model::Tokens;
use rayon::prelude::*;

use crate::corpus::{self, Corpus};
use crate::folder::FamilyFolder;
use crate::log::{Line, Log};
use crate::trainer::Trainer;
use crate::{Error, FamilyConfig, Watch};

/// Between two states kept of a training, so that a kill costs no more; checkpoints and interruptions keep one besides.
const STATE_INTERVAL: Duration = Duration::from_mins(2);

/// What changes where a family is written, never its numbers.
#[derive(Clone, Debug)]
pub struct Options {
    /// The family's folder.
    pub output: PathBuf,
    /// Version of the program, for the record.
    pub homolog_version: String,
    /// Commit of the program, for the record.
    pub code_commit: String,
}

/// How a call of [`train`] ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Every checkpoint is there.
    Done {
        /// Name and held-out loss in nats, after the last step, of each model.
        held_out_loss_nats: Vec<(String, f64)>,
    },
    /// The folder held the finished family already: nothing was done.
    AlreadyDone,
}

/// Train a family, or what is left of it.
///
/// Models take their steps together, each on whatever threads are free; a model's weights depend on its seeds, the text and the
/// settings alone, on one machine type.
/// Errors: bad settings or text; a model that diverges; an interruption. Finished checkpoints stay, and a later call goes on.
pub fn train(config: &FamilyConfig, options: &Options, watch: &dyn Watch) -> Result<Outcome, Error> {
    let mut folder = FamilyFolder::open(config, options)?;
    if folder.record.is_finished {
        return Ok(Outcome::AlreadyDone);
    }
    watch.begin_family(&options.output);
    let corpus = corpus::prepare(config, &folder.path, &mut folder.record.text, watch)?;
    folder.write_record()?;
    let evaluation = evaluation_rows(config, &corpus.held_out)?;
    let model_config = config.model_config(corpus.d_vocab, corpus.end_of_text);

    let mut models = Vec::new();
    for seeds in config.models() {
        let mut trainer = Trainer::new(&model_config, &seeds, corpus.rows.n_rows());
        let is_resumed = folder.read_state(&mut trainer)?;
        let log = Log::open(&folder.of_model(&seeds).join("log.jsonl"), is_resumed.then_some(trainer.step))?;
        let mut model = InTraining { trainer, log };
        if !is_resumed {
            let line = Line::of_start(model.trainer.evaluate(&evaluation)?);
            model.log.push(&line)?;
            model.keep(config, &folder, &corpus)?;
        }
        models.push(model);
    }
    run(config, &folder, &corpus, &evaluation, &mut models, watch)?;
    let held_out_loss_nats =
        models.iter().map(|model| Ok((model.trainer.seeds.name.clone(), model.trainer.evaluate(&evaluation)?)));
    let held_out_loss_nats = held_out_loss_nats.collect::<Result<_, Error>>()?;
    folder.finish(config)?;
    Ok(Outcome::Done { held_out_loss_nats })
}

/// A model and its log.
struct InTraining {
    trainer: Trainer,
    log: Log,
}

impl InTraining {
    /// One step, its line in the log, and its checkpoint if it is one.
    fn advance(
        &mut self,
        config: &FamilyConfig,
        folder: &FamilyFolder,
        corpus: &Corpus,
        evaluation: &Tokens,
    ) -> Result<f64, Error> {
        let mut line = self.trainer.advance(config, &corpus.rows)?;
        let is_kept = config.checkpoints().contains(&line.step);
        if is_kept || line.step.is_multiple_of(config.training.evaluate_every()) {
            line.held_out_loss_nats = Some(self.trainer.evaluate(evaluation)?);
        }
        self.log.push(&line)?;
        if is_kept {
            self.keep(config, folder, corpus)?;
        }
        Ok(line.train_loss_nats.expect("a step has a loss"))
    }

    /// The checkpoint of this step if it is one, then the state: what the state is behind is there.
    fn keep(&self, config: &FamilyConfig, folder: &FamilyFolder, corpus: &Corpus) -> Result<(), Error> {
        if config.checkpoints().contains(&self.trainer.step) {
            folder.write_checkpoint(&self.trainer, corpus)?;
        }
        folder.write_state(&self.trainer)
    }
}

/// All steps that are left. Models may stand at different steps after a kill: who is behind goes first.
fn run(
    config: &FamilyConfig,
    folder: &FamilyFolder,
    corpus: &Corpus,
    evaluation: &Tokens,
    models: &mut [InTraining],
    watch: &dyn Watch,
) -> Result<(), Error> {
    let steps = config.training.steps;
    let step_tokens = (config.training.batch_rows * config.corpus.context) as u64;
    let n_left: u64 = models.iter().map(|model| steps - model.trainer.step).sum();
    watch.begin(&format!("train {} models", models.len()), n_left * step_tokens, "tokens");
    let mut last_state = Instant::now();
    while let Some(step) = models.iter().map(|model| model.trainer.step).min().filter(|&step| step < steps) {
        let losses: Vec<Result<f64, Error>> = models
            .par_iter_mut()
            .filter(|model| model.trainer.step == step)
            .map(|model| {
                let loss = model.advance(config, folder, corpus, evaluation);
                watch.advance(step_tokens);
                loss
            })
            .collect();
        let losses = losses.into_iter().collect::<Result<Vec<f64>, Error>>()?;
        let mean = losses.iter().sum::<f64>() / losses.len() as f64;
        watch.note(&format!("step {} of {steps}, loss {mean:.3}", step + 1));
        let is_cancelled = watch.is_cancelled();
        if is_cancelled || last_state.elapsed() >= STATE_INTERVAL {
            models.iter().try_for_each(|model| folder.write_state(&model.trainer))?;
            last_state = Instant::now();
        }
        if is_cancelled {
            return Err(Error::Interrupted);
        }
    }
    watch.end();
    Ok(())
}

/// The held-out rows of the losses in the log.
fn evaluation_rows(config: &FamilyConfig, held_out: &Tokens) -> Result<Tokens, Error> {
    let context = held_out.context();
    let n_rows = usize::try_from(config.training.evaluate_tokens).unwrap_or(usize::MAX) / context;
    if n_rows == 0 {
        return Err(Error::NoEvaluationRow { path: config.path.clone(), context });
    }
    Ok(held_out.first_rows(n_rows.min(held_out.n_rows())))
}
