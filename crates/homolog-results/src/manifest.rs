//! `manifest.json` of a run folder: what the run was made from, and what it has made so far.
//!
//! Paths in it are relative to the run folder, unless the user gave an absolute one. It alone may hold wall times and the machine's
//! instruction set; tables and tensors hold neither.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{Audit, Error, store};

/// The record of a run. Written anew after every stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Format of the file: [`Manifest::FORMAT`].
    pub format: u32,
    /// Version of homolog that wrote the run.
    pub homolog_version: String,
    /// Commit of the code that wrote the run.
    pub code_commit: String,
    /// Keys of `config.json` that the user let pass although they are not known.
    pub allowed_config_keys: Vec<String>,
    /// Name of the study.
    pub study: String,
    /// Key of the resolved study, hexadecimal; tells a folder that holds another study.
    pub study_key: String,
    /// BLAKE3 of `study.resolved.toml`, hexadecimal.
    pub resolved_hash: String,
    /// Whether every stage is done.
    pub is_finished: bool,
    /// Instruction set that the kernels of the last call ran on.
    pub isa: String,
    /// Precision of correlations, the forwards behind them included: `f32`, `bf16x3` or `bf16`.
    pub precision: String,
    /// Precision of losses and ablations.
    pub ablation_precision: String,
    /// Threads used.
    pub n_threads: u64,
    /// Hash of the tokenizer, or `unproved` when only vocabularies could be compared.
    pub tokenizer: String,
    /// What was read.
    pub inputs: Inputs,
    /// Seeds by use, such as `baseline` and `ablation`.
    pub seeds: BTreeMap<String, u64>,
    /// Positions that correlations and moments are over.
    pub n_tokens_counted: u64,
    /// Token ids that do not count as inputs.
    pub exclude_tokens: Vec<u32>,
    /// Pairs of neurons whose correlation is undefined, because one of them is constant.
    pub n_undefined_pairs: u64,
    /// Stages done, in order.
    pub stages: Vec<StageRecord>,
    /// Tables written.
    pub tables: Vec<TableRecord>,
    /// Tensor files written.
    pub tensors: Vec<FileRecord>,
    /// What a reader has to know besides, one sentence each (a multiple that gave no row, the same rows used twice).
    pub notes: Vec<String>,
    /// What the audit of checkpoints found; null in runs of before there was one.
    #[serde(default)]
    pub audit: Option<Audit>,
}

/// What a run was made from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Inputs {
    /// Rows of correlations and moments.
    pub tokens: TokensInput,
    /// Rows of losses and ablations; null when they are those of `tokens`.
    pub held_out_tokens: Option<TokensInput>,
    /// The text that the rows were made from; null when they came ready-made.
    pub text: Option<TextInput>,
    /// Every checkpoint of every model.
    pub weights: Vec<WeightsInput>,
    /// Users' lists of neurons.
    pub neuron_lists: Vec<FileInput>,
}

/// Text and tokenizer that rows were made from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TextInput {
    /// The text files, in the order in which they were read.
    pub files: Vec<FileInput>,
    /// The tokenizer's folder or file.
    pub tokenizer: String,
    /// BLAKE3 of what decides the tokenizer, hexadecimal.
    pub tokenizer_hash: String,
    /// Documents read; those held out and those empty among them.
    pub n_documents: u64,
    /// Documents whose tokens went to the held-out rows.
    pub n_held_out_documents: u64,
    /// Documents without text, passed over.
    pub n_empty_documents: u64,
    /// Documents passed over because the rows they were for were full.
    pub n_unused_documents: u64,
    /// Files that were not read, since all rows were there.
    pub n_unread_files: u64,
    /// Tokens that filled no whole row and were dropped, of both kinds of rows.
    pub n_dropped_tokens: u64,
}

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileInput {
    /// The file.
    pub path: String,
    /// BLAKE3 of its bytes, hexadecimal.
    pub hash: String,
}

/// One set of token rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TokensInput {
    /// The token file.
    pub path: String,
    /// BLAKE3 of the rows, hexadecimal.
    pub tokens_hash: String,
    /// Rows.
    pub n_rows: u64,
    /// Tokens a row.
    pub context: u64,
    /// Counted positions.
    pub n_tokens_counted: u64,
}

/// The weights of one checkpoint of one model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WeightsInput {
    /// Name of the model in the study file.
    pub model: String,
    /// Training step; null when the study names no checkpoints.
    pub checkpoint: Option<i64>,
    /// The model's folder.
    pub path: String,
    /// BLAKE3 of the weights, hexadecimal.
    pub weights_hash: String,
    /// BLAKE3 of the bytes of `config.json`, hexadecimal.
    pub config_file_hash: String,
}

/// One unit of a stage that is done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageRecord {
    /// Name of the stage.
    pub stage: String,
    /// What it was done for, such as a checkpoint.
    pub unit: String,
    /// Key of stage, parameters and inputs, hexadecimal; an equal key means that the artifact can be used again.
    pub key: String,
    /// The artifact, relative to the run folder.
    pub artifact: String,
    /// BLAKE3 of the artifact's bytes, hexadecimal.
    pub artifact_hash: String,
    /// Instruction set that it was made on.
    pub isa: String,
    /// Time it took.
    pub wall_seconds: f64,
}

/// One table written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TableRecord {
    /// Name of the table.
    pub name: String,
    /// The file, relative to the run folder.
    pub path: String,
    /// Rows.
    pub n_rows: u64,
    /// Size of the file.
    pub n_bytes: u64,
    /// BLAKE3 of the file's bytes, hexadecimal.
    pub hash: String,
}

/// One file written that is no table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileRecord {
    /// The file, relative to the run folder.
    pub path: String,
    /// Size of the file.
    pub n_bytes: u64,
    /// BLAKE3 of the file's bytes, hexadecimal.
    pub hash: String,
}

/// The one field that every format has.
#[derive(Deserialize)]
struct Format {
    format: u32,
}

impl Manifest {
    /// The only format that is written and read.
    pub const FORMAT: u32 = 3;
    /// Name of the file in the run folder.
    pub const FILE_NAME: &'static str = "manifest.json";

    /// Writes the manifest into `run_dir`, whole or not at all.
    ///
    /// Panics: if `format` is not [`Manifest::FORMAT`].
    pub fn write(&self, run_dir: &Path) -> Result<(), Error> {
        assert_eq!(self.format, Self::FORMAT, "a manifest is written in the current format only");
        let mut text = serde_json::to_string_pretty(self).expect("plain fields with string keys serialise");
        text.push('\n');
        store::write_bytes(&run_dir.join(Self::FILE_NAME), text.as_bytes())
    }

    /// Reads the manifest of `run_dir`; `None` when there is no such file.
    pub fn read(run_dir: &Path) -> Result<Option<Self>, Error> {
        let path = run_dir.join(Self::FILE_NAME);
        let bytes = match fs::read(&path).map_err(Error::read(&path)) {
            Err(Error::MissingFile { .. }) => return Ok(None),
            bytes => bytes?,
        };
        let not_a_manifest = |source| Error::NotAManifest { path: path.clone(), source };
        // The format first: another one may lack fields of this, and that would hide the cause.
        let Format { format } = serde_json::from_slice(&bytes).map_err(not_a_manifest)?;
        if format != Self::FORMAT {
            return Err(Error::UnknownManifestVersion { path, found: format, supported: Self::FORMAT });
        }
        serde_json::from_slice(&bytes).map(Some).map_err(not_a_manifest)
    }
}

#[cfg(test)]
mod tests;
