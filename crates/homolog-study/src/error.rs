//! What can stop a study.

use std::path::PathBuf;

use crate::plan::bytes_text;

/// A variant per cause. Messages name the file and end in what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A model folder or token file is wrong.
    #[error(transparent)]
    Model(#[from] homolog_model::Error),
    /// Text or a tokenizer is wrong.
    #[error(transparent)]
    Corpus(homolog_corpus::Error),
    /// An artifact, table or manifest cannot be written or read.
    #[error(transparent)]
    Results(#[from] homolog_results::Error),
    /// The study file cannot be read.
    #[error("cannot read the study file {path}: {source}")]
    UnreadableStudy {
        /// The study file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The study file is not TOML of the expected form.
    #[error("{path} is not a study file:\n{message}")]
    BadStudy {
        /// The study file.
        path: PathBuf,
        /// The parser's complaint, with line and caret.
        message: String,
    },
    /// A `--set` that cannot be applied.
    #[error("--set {setting}: {message}")]
    BadOverride {
        /// As given.
        setting: String,
        /// What is wrong and what to do.
        message: String,
    },
    /// A setting that contradicts itself or the models.
    #[error("{path}: {message}")]
    BadSetting {
        /// The study file.
        path: PathBuf,
        /// Which setting, what is wrong with it, what to do.
        message: String,
    },
    /// A setting of the study format that this version cannot carry out.
    #[error("{path}: `{setting}` is part of the study format but not built yet; {instead}")]
    NotBuilt {
        /// The study file.
        path: PathBuf,
        /// The setting.
        setting: String,
        /// What to do instead.
        instead: String,
    },
    /// Models of one study must have the same vocabulary and tokenizer.
    #[error(
        "{path}: models `{first}` and `{second}` differ in {what}; a study compares models that read the same tokens"
    )]
    ModelsDiffer {
        /// The study file.
        path: PathBuf,
        /// One model.
        first: String,
        /// The other.
        second: String,
        /// In what.
        what: String,
    },
    /// The tokenizer of the text is not that of the models.
    #[error("the tokenizer in {path} is not that of the models: {difference}; set corpus.tokenizer to the models' own")]
    OtherTokenizer {
        /// The tokenizer's folder.
        path: PathBuf,
        /// The first token or merge in which they differ.
        difference: String,
    },
    /// A token file to be written in no known format.
    #[error("{path}: token files are written as .u16, .u32 or .safetensors; end --output in one of these")]
    UnknownTokenOutput {
        /// The file to write.
        path: PathBuf,
    },
    /// A token id that does not fit the format.
    #[error("{path}: token {id} does not fit in 16 bits; end --output in .u32")]
    IdTooLarge {
        /// The file to write.
        path: PathBuf,
        /// The id.
        id: u32,
    },
    /// Rows longer than a model's positions.
    #[error("{path}: corpus.context is {context}, but model `{model}` has {n_ctx} positions; make shorter rows")]
    ContextTooLong {
        /// The study file.
        path: PathBuf,
        /// The model.
        model: String,
        /// Length of a row.
        context: usize,
        /// Positions of the model.
        n_ctx: usize,
    },
    /// No position is left to count.
    #[error("{path}: every token is among corpus.exclude_tokens, so nothing is counted; exclude fewer")]
    NothingCounted {
        /// The token file.
        path: PathBuf,
    },
    /// A user's neuron list that cannot be used.
    #[error("{path}: {message}")]
    BadNeuronList {
        /// The list.
        path: PathBuf,
        /// What is wrong and what to do.
        message: String,
    },
    /// The output path is a file.
    #[error("the output path {path} is a file; name a folder with --output")]
    OutputIsFile {
        /// The path.
        path: PathBuf,
    },
    /// The output folder holds another study.
    #[error("{path} holds the study `{found}`, not `{wanted}`; choose another folder with --output")]
    OtherStudy {
        /// The folder.
        path: PathBuf,
        /// The study in it.
        found: String,
        /// The study to run.
        wanted: String,
    },
    /// The folder is not that of a run.
    #[error("{path} holds no manifest.json, so it is no run folder; give the folder that `homolog run` wrote to")]
    NotARun {
        /// The folder.
        path: PathBuf,
    },
    /// The audit of checkpoints warns, and the user wants it to be believed.
    #[error(
        "the audit of checkpoints warns, and --strict stops at that:\n  {}\ncorrect the checkpoints, or run without --strict",
        warnings.join("\n  ")
    )]
    AuditWarns {
        /// A sentence each.
        warnings: Vec<String>,
    },
    /// The user has asked to stop.
    #[error("interrupted")]
    Interrupted,
    /// What an unfinished run has left cannot be read.
    #[error("{path} is damaged; delete it, and the checkpoint that it is of begins anew")]
    DamagedState {
        /// The file.
        path: PathBuf,
    },
    /// Mode `resample` takes activations from another row, and there is none.
    #[error(
        "ablation.modes has \"resample\", which takes another row's activations, and there is one row only; raise ablation.tokens, or leave the mode out"
    )]
    OneRowToResample,
    /// No position of a screened search's sample is counted.
    #[error(
        "none of the {n_rows} sampled rows has a counted position; raise correlation.screening.tokens or use correlation.search = \"exact\""
    )]
    NothingSampled {
        /// Rows of the sample.
        n_rows: usize,
    },
    /// Rows of null `permuted-rows` share no counted position.
    #[error(
        "baseline.kind = permuted-rows: no position is counted in both rows of any pair of a draw; use another null or exclude fewer tokens"
    )]
    NothingCountedTwice,
    /// The output folder holds a study of the same name of other models.
    #[error(
        "{path} holds a study that is also named `{study}`, but of none of these weights; choose another folder with --output, or another study.name"
    )]
    OtherModels {
        /// The folder.
        path: PathBuf,
        /// The name of both.
        study: String,
    },
    /// The memory budget is too small for even one layer pair.
    #[error(
        "--memory {} is too little: models, one chunk of activations and the smallest pass take {}; allow that much, or use fewer models",
        bytes_text(*budget_bytes),
        bytes_text(*needed_bytes)
    )]
    TooLittleMemory {
        /// Bytes allowed.
        budget_bytes: u64,
        /// Bytes needed.
        needed_bytes: u64,
    },
    /// A forward pass overflowed.
    #[error(
        "model `{model}`{checkpoint}: the activation of neuron {neuron} is not finite; its weights overflow f32, leave the checkpoint out"
    )]
    NotFinite {
        /// The model.
        model: String,
        /// " at checkpoint N", or empty.
        checkpoint: String,
        /// The first such neuron.
        neuron: String,
    },
    /// A loss is NaN or infinite.
    #[error(
        "model `{model}`{checkpoint}: the loss of {what} is not finite; its weights overflow f32, leave the checkpoint out"
    )]
    LossNotFinite {
        /// The model.
        model: String,
        /// " at checkpoint N", or empty.
        checkpoint: String,
        /// Of which run.
        what: String,
    },
}

impl From<homolog_corpus::Error> for Error {
    fn from(error: homolog_corpus::Error) -> Self {
        match error {
            homolog_corpus::Error::Interrupted => Self::Interrupted,
            error => Self::Corpus(error),
        }
    }
}
