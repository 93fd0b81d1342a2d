//! The folder of a family: checkpoints in the Hugging Face layout, and what lets a second call go on.
//!
//! ```text
//! family.json  family.resolved.toml   what it is made from, every setting
//! study.toml                          the study of these models on the held-out rows
//! tokenizer/  rows/                   made from the text once
//! seed-1/log.jsonl                    losses
//! seed-1/checkpoint-0/  ...           config.json, model.safetensors, tokenizer.json
//! seed-1/state.safetensors            weights and optimizer of an unfinished training
//! ```

use std::fs;
use std::path::{Path, PathBuf};

use homolog_corpus::Counts;
use homolog_model::{Config, Isa};
use homolog_results::{FolderLock, TensorData, read_tensors, remove_files, write_bytes, write_tensors};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::config::Seeds;
use crate::corpus::Corpus;
use crate::family::Options;
use crate::trainer::Trainer;
use crate::{Error, FamilyConfig};

/// Raised when `family.json` or a state changes its meaning.
const FORMAT: u32 = 1;

/// `family.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    format: u32,
    family: String,
    /// Of the program that began it.
    homolog_version: String,
    code_commit: String,
    /// Instruction set: sums are taken in another order on another.
    isa: String,
    pub(crate) text: Option<TextRecord>,
    /// Once every checkpoint is there.
    pub(crate) is_finished: bool,
}

/// What the rows were made from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TextRecord {
    /// Of each file, in order.
    pub(crate) files_hash: Vec<String>,
    pub(crate) tokenizer_hash: String,
    pub(crate) d_vocab: usize,
    pub(crate) end_of_text: Option<u32>,
    pub(crate) train_rows_hash: String,
    pub(crate) held_out_rows_hash: String,
    pub(crate) counts: Counts,
}

/// An error unless what a family was begun with is what it finds now.
pub(crate) fn expect_same(folder: &Path, what: &str, then: &str, now: &str) -> Result<(), Error> {
    if then == now {
        return Ok(());
    }
    let [then, now] = [then, now].map(str::to_owned);
    Err(Error::OtherFamily { folder: folder.to_path_buf(), what: what.to_owned(), then, now })
}

/// The folder, claimed for this program.
pub(crate) struct FamilyFolder {
    pub(crate) path: PathBuf,
    pub(crate) record: Record,
    _lock: FolderLock,
}

const RECORD: &str = "family.json";
const SETTINGS: &str = "family.resolved.toml";

impl FamilyFolder {
    /// Claim the folder for this family, which may have been begun in it.
    ///
    /// Errors: another family's, or a folder of something else.
    pub(crate) fn open(config: &FamilyConfig, options: &Options) -> Result<Self, Error> {
        let path = options.output.clone();
        let not_ours = |message: String| Error::NotAFamily { folder: path.clone(), message };
        if path.exists() && !path.is_dir() {
            return Err(not_ours("it is a file".into()));
        }
        let is_empty = || {
            fs::read_dir(&path).is_ok_and(|mut entries| {
                entries.all(|entry| entry.is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with('.')))
            })
        };
        let has_record = path.join(RECORD).exists();
        if path.exists() && !has_record && !is_empty() {
            return Err(not_ours(format!("it holds files, but no {RECORD}")));
        }
        let lock = FolderLock::claim(&path)?;
        let fresh = Record {
            format: FORMAT,
            family: config.family.name.clone(),
            homolog_version: options.homolog_version.clone(),
            code_commit: options.code_commit.clone(),
            isa: Isa::current().to_string(),
            text: None,
            is_finished: false,
        };
        let settings = config.to_toml();
        if !has_record {
            write_bytes(&path.join(SETTINGS), settings.as_bytes())?;
            let folder = Self { path, record: fresh, _lock: lock };
            folder.write_record()?;
            return Ok(folder);
        }
        let read = |name: &str| {
            let path = path.join(name);
            fs::read_to_string(&path).map_err(|error| not_ours(format!("{}: {error}", path.display())))
        };
        let record: Record =
            serde_json::from_str(&read(RECORD)?).map_err(|error| not_ours(format!("{RECORD}: {error}")))?;
        let begun = read(SETTINGS)?;
        let differing = begun.lines().zip(settings.lines()).find(|(then, now)| then != now);
        if let Some((then, now)) = differing.or((begun != settings).then_some(("fewer settings", "more"))) {
            expect_same(&path, "setting", then, now)?;
        }
        expect_same(&path, "format", &record.format.to_string(), &FORMAT.to_string())?;
        if !record.is_finished {
            expect_same(&path, "instruction set", &record.isa, &fresh.isa)?;
        }
        Ok(Self { path, record, _lock: lock })
    }

    pub(crate) fn write_record(&self) -> Result<(), Error> {
        let json = serde_json::to_string_pretty(&self.record).expect("plain fields serialise") + "\n";
        Ok(write_bytes(&self.path.join(RECORD), json.as_bytes())?)
    }

    pub(crate) fn of_model(&self, seeds: &Seeds) -> PathBuf {
        self.path.join(&seeds.name)
    }

    /// Folder of a checkpoint, which is there whole or not at all.
    pub(crate) fn checkpoint(&self, seeds: &Seeds, step: u64) -> PathBuf {
        self.of_model(seeds).join(format!("checkpoint-{step}"))
    }

    /// Write the weights of this step as a folder that `transformers` opens, unless it is there: steps that are done again after a
    /// kill give the same bytes.
    pub(crate) fn write_checkpoint(&self, trainer: &Trainer, corpus: &Corpus) -> Result<(), Error> {
        let path = self.checkpoint(&trainer.seeds, trainer.step);
        if path.exists() {
            return Ok(());
        }
        let being_written = path.with_file_name(format!(".checkpoint-{}.tmp", trainer.step));
        let failed = |source| Error::Unwritable { path: path.clone(), source };
        if being_written.exists() {
            fs::remove_dir_all(&being_written).map_err(failed)?;
        }
        let config = trainer.parameters.config();
        let pretty = |value| serde_json::to_string_pretty(&value).expect("a JSON value") + "\n";
        let config_json = pretty(config.to_json(corpus.end_of_text));
        write_bytes(&being_written.join("config.json"), config_json.as_bytes())?;
        write_bytes(&being_written.join("tokenizer.json"), &corpus.tokenizer_json)?;
        let tokenizer_config = pretty(tokenizer_config(config, corpus.end_of_text.is_some()));
        write_bytes(&being_written.join("tokenizer_config.json"), tokenizer_config.as_bytes())?;
        write_bytes(&being_written.join("model.safetensors"), &trainer.parameters.to_safetensors())?;
        fs::rename(&being_written, &path).map_err(failed)
    }

    fn state(&self, seeds: &Seeds) -> PathBuf {
        self.of_model(seeds).join("state.safetensors")
    }

    /// Keep weights and optimizer, so that a later call goes on at this step.
    pub(crate) fn write_state(&self, trainer: &Trainer) -> Result<(), Error> {
        let tensor = |name: &str, data: &[f32]| {
            (name.to_owned(), TensorData::F32 { shape: vec![data.len()], data: data.to_vec() })
        };
        let tensors = [
            tensor("parameters", trainer.parameters.values()),
            tensor("first_moment", &trainer.optimizer.first_moment),
            tensor("second_moment", &trainer.optimizer.second_moment),
        ];
        let metadata = [("step".to_owned(), trainer.step.to_string())];
        Ok(write_tensors(&self.state(&trainer.seeds), &tensors, &metadata)?)
    }

    /// Take up the state that an earlier call kept; whether there was one.
    pub(crate) fn read_state(&self, trainer: &mut Trainer) -> Result<bool, Error> {
        let path = self.state(&trainer.seeds);
        if !path.exists() {
            return Ok(false);
        }
        let bad = |message: String| Error::BadState { path: path.clone(), message };
        let tensors = read_tensors(&path)?;
        let step = tensors.metadata().get("step").and_then(|step| step.parse().ok());
        trainer.step = step.ok_or_else(|| bad("it names no step".into()))?;
        let n = trainer.parameters.values().len();
        let values = |name: &str| -> Result<Vec<f32>, Error> {
            let (_, values) = tensors.f32(name)?;
            if values.len() == n {
                Ok(values)
            } else {
                Err(bad(format!("`{name}` has {} values, not {n}", values.len())))
            }
        };
        trainer.parameters.values_mut().copy_from_slice(&values("parameters")?);
        trainer.optimizer.first_moment = values("first_moment")?;
        trainer.optimizer.second_moment = values("second_moment")?;
        Ok(true)
    }

    /// Every checkpoint is there: states are of no more use.
    pub(crate) fn finish(&mut self, config: &FamilyConfig) -> Result<(), Error> {
        let corpus = self.record.text.as_ref().expect("a family that was trained has rows");
        let study = config.study(Path::new(""), corpus.d_vocab);
        write_bytes(&self.path.join("study.toml"), study.as_bytes())?;
        self.record.is_finished = true;
        self.write_record()?;
        let states: Vec<PathBuf> = config.models().iter().map(|seeds| self.state(seeds)).collect();
        Ok(remove_files(&states)?)
    }
}

/// `tokenizer_config.json`: what `transformers` needs to open a `tokenizer.json` by itself.
fn tokenizer_config(config: &Config, has_end_of_text: bool) -> serde_json::Value {
    let end_of_text = has_end_of_text.then_some("<|endoftext|>");
    json!({
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": end_of_text,
        "eos_token": end_of_text,
        "unk_token": end_of_text,
        "model_max_length": config.n_ctx,
        "clean_up_tokenization_spaces": false,
    })
}
