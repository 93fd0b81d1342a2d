//! What can go wrong between a family file and its last checkpoint.

use std::io;
use std::path::PathBuf;

/// An error of this crate. Messages are fragments that name the file and end in what to do.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message says it")]
pub enum Error {
    #[error("{}: {source}; is this the family file?", path.display())]
    UnreadableFamily { path: PathBuf, source: io::Error },

    #[error("{}: {message}", path.display())]
    BadFamily { path: PathBuf, message: String },

    #[error("{}: {message}", path.display())]
    BadSetting { path: PathBuf, message: String },

    #[error(
        "{}: a batch of {batch_rows} rows is larger than the corpus, which gives {n_rows} rows of {context} tokens for training; \
         lower training.batch_rows or add text",
        path.display()
    )]
    BatchLargerThanCorpus { path: PathBuf, batch_rows: usize, n_rows: usize, context: usize },

    #[error(
        "{}: no row is held out, so there is nothing to evaluate on: one document in 20 is, by its hash; give more documents (a .txt file, what \
         <|endoftext|> ends in it, a line of .jsonl), raise corpus.held_out_tokens, or raise corpus.tokens, a 20th of which is held out at most",
        path.display()
    )]
    NothingHeldOut { path: PathBuf },

    #[error("{}: training.evaluate_tokens is less than a row of {context}; raise it", path.display())]
    NoEvaluationRow { path: PathBuf, context: usize },

    #[error(
        "{} holds a family that was begun with another {what} ({then}; now {now}); give another --output, or remove the folder",
        folder.display()
    )]
    OtherFamily { folder: PathBuf, what: String, then: String, now: String },

    #[error("{} is no folder of a family: {message}; give another --output", folder.display())]
    NotAFamily { folder: PathBuf, message: String },

    #[error("{}: this checkpoint is gone; put it back, or train the family again into another --output", path.display())]
    CheckpointGone { path: PathBuf },

    #[error("{}: {message}; remove it, and the model is trained again from step 0", path.display())]
    BadState { path: PathBuf, message: String },

    #[error("{}: {source}; make room or give another --output", path.display())]
    Unwritable { path: PathBuf, source: io::Error },

    #[error(
        "{model} diverged: its {what} is not finite at step {step}; its checkpoints are kept; train with a lower training.learning_rate or more warmup_steps into another --output"
    )]
    Diverged { model: String, what: &'static str, step: u64 },

    #[error("interrupted")]
    Interrupted,

    #[error(transparent)]
    Corpus(homolog_corpus::Error),

    #[error(transparent)]
    Model(#[from] homolog_model::Error),

    #[error(transparent)]
    Results(#[from] homolog_results::Error),
}

/// An interrupted reading is an interrupted training.
impl From<homolog_corpus::Error> for Error {
    fn from(error: homolog_corpus::Error) -> Self {
        match error {
            homolog_corpus::Error::Interrupted => Self::Interrupted,
            error => Self::Corpus(error),
        }
    }
}
