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

/// What changes where and how fast a family is trained, never its numbers.
#[derive(Clone, Debug)]
pub struct Options {
    /// The family's folder.
    pub output: PathBuf,
    /// For how long a model takes steps before all are looked at, an interruption among them: short for whoever waits, long beside a step.
    pub round: Duration,
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
/// Models train side by side, each on whatever threads are free; a model's weights depend on its seeds, the text and the
/// settings alone, on one machine type.
/// Errors: bad settings or text; a model that diverges, once the others are done; an interruption. Finished checkpoints stay, and a later
/// call goes on.
pub fn train(config: &FamilyConfig, options: &Options, watch: &dyn Watch) -> Result<Outcome, Error> {
    let mut folder = FamilyFolder::open(config, options)?;
    if folder.record.is_finished {
        folder.check_finished(config)?;
        return Ok(Outcome::AlreadyDone);
    }
    watch.begin_family(&options.output);
    if let Some(commit) = folder.other_commit(options) {
        watch.say(&format!(
            "this family was begun by another build ({commit}); should the two compute differently, it is neither's"
        ));
    }
    let corpus = corpus::prepare(config, &folder.path, &mut folder.record.text, watch)?;
    let evaluation = evaluation_rows(config, &corpus.held_out)?;
    folder.write_record()?;
    folder.write_study(config)?;
    let mut models = begin(config, &folder, &corpus, &evaluation, watch)?;
    run(config, &folder, (&corpus, &evaluation), &mut models, options.round, watch)?;
    if let Some(diverged) = models.iter_mut().find_map(|model| model.diverged.take()) {
        return Err(diverged);
    }
    let loss = |model: &InTraining| Ok((model.trainer.seeds.name.clone(), model.trainer.evaluate(&evaluation)?));
    let held_out_loss_nats = models.iter().map(loss).collect::<Result<_, Error>>()?;
    folder.finish(config)?;
    Ok(Outcome::Done { held_out_loss_nats })
}

/// A model and its log.
struct InTraining {
    trainer: Trainer,
    log: Log,
    /// Why it does not go on.
    diverged: Option<Error>,
}

impl InTraining {
    fn is_at_work(&self, config: &FamilyConfig) -> bool {
        self.diverged.is_none() && self.trainer.step < config.training.steps
    }

    /// One step, its line in the log, and its checkpoint if it is one.
    fn advance(
        &mut self,
        config: &FamilyConfig,
        folder: &FamilyFolder,
        corpus: &Corpus,
        evaluation: &Tokens,
    ) -> Result<f64, Error> {
        let mut line = self.trainer.advance(config, &corpus.rows)?;
        let is_kept = folder.is_kept(line.step);
        if is_kept || line.step.is_multiple_of(config.training.evaluate_every()) {
            line.held_out_loss_nats = Some(self.trainer.evaluate(evaluation)?);
        }
        self.log.push(&line)?;
        if is_kept {
            folder.write_checkpoint(&self.trainer, corpus)?;
            self.keep(folder)?;
        }
        Ok(line.train_loss_nats.expect("a step has a loss"))
    }

    /// The state, once what it is ahead of is on the disk: checkpoints and the log.
    fn keep(&self, folder: &FamilyFolder) -> Result<(), Error> {
        self.log.sync()?;
        folder.write_state(&self.trainer)
    }
}

/// The models before their first step, or where an earlier call left them.
fn begin(
    config: &FamilyConfig,
    folder: &FamilyFolder,
    corpus: &Corpus,
    evaluation: &Tokens,
    watch: &dyn Watch,
) -> Result<Vec<InTraining>, Error> {
    let model_config = config.model_config(corpus.d_vocab, corpus.end_of_text);
    let mut models = Vec::new();
    watch.begin("begin the models", config.models().len() as u64, "models");
    for seeds in config.models() {
        let mut trainer = Trainer::new(&model_config, &seeds, corpus.rows.n_rows());
        let is_resumed = folder.read_state(&mut trainer, config.training.steps)?;
        let log = folder.of_model(&seeds).join("log.jsonl");
        let log = Log::open(&log, is_resumed.then_some(trainer.step), &folder.state(&seeds))?;
        let mut model = InTraining { trainer, log, diverged: None };
        if !is_resumed {
            let line = Line::of_start(model.trainer.evaluate(evaluation)?);
            model.log.push(&line)?;
            if folder.is_kept(0) {
                folder.write_checkpoint(&model.trainer, corpus)?;
            }
            model.keep(folder)?;
        }
        models.push(model);
        watch.advance(1);
        if watch.is_cancelled() {
            return Err(Error::Interrupted);
        }
    }
    watch.end();
    Ok(models)
}

/// All steps that are left, in rounds: every model at work takes steps for a while, then all are looked at.
fn run(
    config: &FamilyConfig,
    folder: &FamilyFolder,
    (corpus, evaluation): (&Corpus, &Tokens),
    models: &mut [InTraining],
    round: Duration,
    watch: &dyn Watch,
) -> Result<(), Error> {
    let steps = config.training.steps;
    let step_tokens = (config.training.batch_rows * config.corpus.context) as u64;
    let n_left: u64 = models.iter().map(|model| steps - model.trainer.step).sum();
    watch.begin(&format!("train {} models", models.len()), n_left * step_tokens, "tokens");
    let mut last_state = Instant::now();
    while models.iter().any(|model| model.is_at_work(config)) {
        let at_work = models.par_iter_mut().filter(|model| model.is_at_work(config));
        let losses = at_work.map(|model| {
            let began = Instant::now();
            loop {
                match model.advance(config, folder, corpus, evaluation) {
                    Ok(loss) => {
                        watch.advance(step_tokens);
                        if !model.is_at_work(config) || began.elapsed() >= round {
                            return Ok(Some(loss));
                        }
                    }
                    // The others go on: what they have learned is worth keeping.
                    Err(error @ Error::Diverged { .. }) => {
                        watch.say(&error.to_string());
                        model.diverged = Some(error);
                        return Ok(None);
                    }
                    Err(error) => return Err(error),
                }
            }
        });
        let losses: Vec<Result<Option<f64>, Error>> = losses.collect();
        let losses: Vec<f64> = losses.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
        if let Some(step) = models.iter().map(|model| model.trainer.step).min().filter(|_| !losses.is_empty()) {
            let mean = losses.iter().sum::<f64>() / losses.len() as f64;
            watch.note(&format!("step {step} of {steps}, loss {mean:.3}"));
        }
        let is_cancelled = watch.is_cancelled();
        if is_cancelled || last_state.elapsed() >= STATE_INTERVAL {
            models.iter().try_for_each(|model| model.keep(folder))?;
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
