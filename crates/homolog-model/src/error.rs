//! What can be wrong with a model folder or a token file.

use std::path::PathBuf;

/// A variant per cause; each names the file. Messages end in what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// No weights in the folder.
    #[error("{folder} holds neither model.safetensors nor pytorch_model.bin, whole or in shards{hint}")]
    NoWeights {
        /// The model folder.
        folder: PathBuf,
        /// Why, perhaps, and what to do.
        hint: String,
    },
    /// `config.json` is not JSON of the expected form.
    #[error("{path}: {message}; compare it with the config.json of a GPT-2 model")]
    BadConfig {
        /// The config file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// A key that may change the arithmetic and is not understood.
    #[error(
        "{path}: the key `{key}` is not known, so the model's arithmetic is not either; if it changes nothing, pass \
         --allow-config-key {key}"
    )]
    UnknownConfigKey {
        /// The config file.
        path: PathBuf,
        /// The key.
        key: String,
    },
    /// A known key with a value whose arithmetic is not implemented.
    #[error("{path}: `{key}` is {value}, which is not supported ({supported}); use a model that has it")]
    UnsupportedConfig {
        /// The config file.
        path: PathBuf,
        /// The key.
        key: String,
        /// Its value.
        value: String,
        /// What would be.
        supported: String,
    },
    /// The index of sharded weights is not sound, or its shards are not as it says.
    #[error("{path}: {message}; fetch the whole model folder again")]
    BadShards {
        /// The index.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// `pytorch_model.bin` is not what `torch.save` makes of a state dict.
    #[error(
        "{path} {message}; fetch it again, or where PyTorch is installed: python -c \"import torch; p = '{path}'; \
         torch.save({{k: v.contiguous() for k, v in torch.load(p, weights_only=True).items()}}, p)\""
    )]
    BadPickle {
        /// The weight file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// A pickle that is more than tensors.
    #[error(
        "{path} names `{global}`, which would run code; nothing in a pickle is run, so get the weights from somewhere \
         you trust, best as model.safetensors"
    )]
    CodeInPickle {
        /// The weight file.
        path: PathBuf,
        /// The function or class.
        global: String,
    },
    /// A pickle in the format before `PyTorch` 1.6.
    #[error(
        "{path} is a pickle of PyTorch before 1.6, which cannot be read; convert it where PyTorch is installed: \
         python -c \"import torch; p = '{path}'; torch.save(torch.load(p, weights_only=True), p)\""
    )]
    LegacyPickle {
        /// The weight file.
        path: PathBuf,
    },
    /// The weight file is not a safetensors file.
    #[error("{path} is not a readable safetensors file ({message}); fetch or convert it again")]
    BadSafetensors {
        /// The weight or token file.
        path: PathBuf,
        /// The reader's complaint.
        message: String,
    },
    /// A tensor that the config calls for is not there.
    #[error("{path}: tensor `{tensor}` is missing; the file is incomplete or belongs to another config.json")]
    MissingTensor {
        /// The weight file.
        path: PathBuf,
        /// The tensor.
        tensor: String,
    },
    /// A tensor that no GPT-2 has.
    #[error("{path}: tensor `{tensor}` is not part of a GPT-2 language model; remove it if it is not used")]
    UnexpectedTensor {
        /// The weight file.
        path: PathBuf,
        /// The tensor.
        tensor: String,
    },
    /// A tensor of another shape than the config says.
    #[error(
        "{path}: tensor `{tensor}` has shape {found:?}, config.json calls for {expected:?}; one of the two is of another model"
    )]
    ShapeMismatch {
        /// The weight file.
        path: PathBuf,
        /// The tensor.
        tensor: String,
        /// Shape by the config.
        expected: Vec<usize>,
        /// Shape in the file.
        found: Vec<usize>,
    },
    /// A tensor in a type that is not a weight type.
    #[error("{path}: tensor `{tensor}` is of type {dtype}; convert it to F32, F16 or BF16")]
    UnknownDtype {
        /// The weight or token file.
        path: PathBuf,
        /// The tensor.
        tensor: String,
        /// Its type.
        dtype: String,
    },
    /// NaN or infinity among the weights.
    #[error(
        "{path}: tensor `{tensor}` holds {value} at element {element}; this checkpoint is damaged, fetch it again or leave it out"
    )]
    NotFinite {
        /// The weight file.
        path: PathBuf,
        /// The tensor.
        tensor: String,
        /// First element that is not finite.
        element: usize,
        /// Its value.
        value: f32,
    },
    /// The weights are not those that were hashed and checked.
    #[error("{path} has changed since the run began; leave checkpoints alone while they are studied, and run again")]
    Changed {
        /// The weight file.
        path: PathBuf,
    },
    /// The file says tied, its tensors say otherwise.
    #[error(
        "{path}: config.json says tie_word_embeddings, but lm_head.weight differs from wte.weight; correct one of the two"
    )]
    TiedButDifferent {
        /// The weight file.
        path: PathBuf,
    },
    /// A token file whose name does not tell its format.
    #[error("{path}: token files end in .u16, .u32, .npy or .safetensors; rename or convert it")]
    UnknownTokenFormat {
        /// The token file.
        path: PathBuf,
    },
    /// A token file that is not what its name says.
    #[error("{path}: {message}")]
    BadTokenFile {
        /// The token file.
        path: PathBuf,
        /// What is wrong and what to do.
        message: String,
    },
    /// A token file that is not whole rows.
    #[error(
        "{path} holds {n_tokens} tokens, which is not a whole number of rows of {context}; set corpus.context to the length the rows were made with"
    )]
    NotWholeRows {
        /// The token file.
        path: PathBuf,
        /// Tokens in the file.
        n_tokens: usize,
        /// Row length asked for.
        context: usize,
    },
    /// A token id outside the vocabulary.
    #[error(
        "{path}: token {id} in row {row}, position {position} is outside the vocabulary of {d_vocab}; the rows were made with another tokenizer"
    )]
    TokenOutsideVocabulary {
        /// The token file.
        path: PathBuf,
        /// The id.
        id: u32,
        /// Row, from 0.
        row: usize,
        /// Position in the row, from 0.
        position: usize,
        /// Size of the vocabulary.
        d_vocab: usize,
    },
    /// Tokenizer files that cannot be understood.
    #[error("{path}: {message}; remove the file if it does not belong to the model")]
    BadVocabulary {
        /// The tokenizer file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
}
