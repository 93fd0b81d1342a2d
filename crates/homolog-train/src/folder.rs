//! The folder of a family: checkpoints in the Hugging Face layout, and what lets a second call go on.
//!
//! ```text
//! family.json  family.resolved.toml   what it is made from, every setting
//! logs/                               progress, one file a call
//! study.toml                          the study of these models on the held-out rows
//! tokenizer/  rows/                   made from the text once
//! seed-1/log.jsonl                    losses
//! seed-1/checkpoint-0/  ...           config.json, model.safetensors, tokenizer.json
//! seed-1/state.safetensors            weights and optimizer of an unfinished training
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use homolog_corpus::Counts;
use homolog_model::{Config, Isa};
use homolog_results::{
    FolderLock, TensorData, data_hash, read_tensors, remove_files, remove_siblings, write_bytes, write_tensors,
};
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
    /// Steps whose weights are kept.
    kept: BTreeSet<u64>,
    _lock: FolderLock,
}

const RECORD: &str = "family.json";
const SETTINGS: &str = "family.resolved.toml";

impl FamilyFolder {
    /// Claim the folder for this family, which may have been begun in it.
    ///
    /// A family without a trained step may still change: what its text turned out not to allow is corrected in the same folder.
    /// Errors: another family's, or a folder of something else.
    pub(crate) fn open(config: &FamilyConfig, options: &Options) -> Result<Self, Error> {
        let path = options.output.clone();
        let not_ours = |message: String| Error::NotAFamily { folder: path.clone(), message };
        if path.exists() && !path.is_dir() {
            return Err(not_ours("it is a file".into()));
        }
        // A kill may have left the settings without the record.
        let is_ours = |name: &str| name.starts_with('.') || name == SETTINGS;
        let is_empty = || {
            fs::read_dir(&path).is_ok_and(|mut entries| {
                entries.all(|entry| entry.is_ok_and(|entry| is_ours(&entry.file_name().to_string_lossy())))
            })
        };
        if path.exists() && !path.join(RECORD).exists() && !is_empty() {
            return Err(not_ours(format!("it holds files, but no {RECORD}")));
        }
        let lock = FolderLock::claim(&path)?;
        let models: Vec<PathBuf> = config.models().iter().map(|seeds| path.join(&seeds.name)).collect();
        remove_siblings(models.iter().chain(&[path.join("tokenizer"), path.join("rows")]))?;
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
        let read = |name: &str| {
            let path = path.join(name);
            fs::read_to_string(&path).map_err(|error| not_ours(format!("{}: {error}", path.display())))
        };
        let kept = config.checkpoints().into_iter().collect();
        // Only now that the lock is held: another program may have begun it in between.
        if path.join(RECORD).exists() {
            let record: Record =
                serde_json::from_str(&read(RECORD)?).map_err(|error| not_ours(format!("{RECORD}: {error}")))?;
            expect_same(&path, "format", &record.format.to_string(), &FORMAT.to_string())?;
            let begun = read(SETTINGS)?;
            if begun == settings && (record.is_finished || record.isa == fresh.isa) {
                return Ok(Self { path, record, kept, _lock: lock });
            }
            if has_trained(&path)? {
                if let Some((then, now)) = difference(&begun, &settings) {
                    expect_same(&path, "setting", &then, &now)?;
                }
                expect_same(&path, "instruction set", &record.isa, &fresh.isa)?;
            }
        }
        // The settings first: without a record they are nobody's, and written again.
        write_bytes(&path.join(SETTINGS), settings.as_bytes())?;
        let folder = Self { path, record: fresh, kept, _lock: lock };
        folder.write_record()?;
        Ok(folder)
    }

    /// The commit that began this family, if it is not this program's.
    pub(crate) fn other_commit(&self, options: &Options) -> Option<&str> {
        let begun = &self.record.code_commit;
        (*begun != options.code_commit).then_some(begun)
    }

    /// Whether the weights of this step are kept.
    pub(crate) fn is_kept(&self, step: u64) -> bool {
        self.kept.contains(&step)
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

    pub(crate) fn state(&self, seeds: &Seeds) -> PathBuf {
        self.of_model(seeds).join("state.safetensors")
    }

    /// Keep weights and optimizer, so that a later call goes on at this step.
    pub(crate) fn write_state(&self, trainer: &Trainer) -> Result<(), Error> {
        let tensors = state_tensors(trainer);
        let metadata = [
            ("model", trainer.seeds.name.clone()),
            ("step", trainer.step.to_string()),
            ("data_hash", data_hash(&tensors)),
        ];
        let metadata = metadata.map(|(key, value)| (key.to_owned(), value));
        Ok(write_tensors(&self.state(&trainer.seeds), &tensors, &metadata)?)
    }

    /// Take up the state that an earlier call kept; whether there was one. `steps`: of the training.
    pub(crate) fn read_state(&self, trainer: &mut Trainer, steps: u64) -> Result<bool, Error> {
        let path = self.state(&trainer.seeds);
        if !path.exists() {
            return Ok(false);
        }
        let bad = |message: String| Error::BadState { path: path.clone(), message };
        let tensors = read_tensors(&path).map_err(|error| bad(error.to_string()))?;
        let said = |key: &str| tensors.metadata().get(key).map(String::as_str).unwrap_or_default();
        if said("model") != trainer.seeds.name || said("data_hash") != tensors.data_hash() {
            return Err(bad(format!("it is not what was written for {}", trainer.seeds.name)));
        }
        let step = said("step").parse().ok().filter(|step| *step <= steps);
        trainer.step = step.ok_or_else(|| bad(format!("its step {:?} is none of the training", said("step"))))?;
        let n = trainer.parameters.values().len();
        let values = |name: &str| -> Result<Vec<f32>, Error> {
            let (_, values) = tensors.f32(name).map_err(|error| bad(error.to_string()))?;
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

    /// Write the study file of the models and checkpoints that there will be.
    pub(crate) fn write_study(&self, config: &FamilyConfig) -> Result<(), Error> {
        let text = self.record.text.as_ref().expect("a family has rows once its text is read");
        let study = config.study(Path::new(""), text.d_vocab);
        Ok(write_bytes(&self.path.join("study.toml"), study.as_bytes())?)
    }

    /// Every checkpoint is there: states are of no more use.
    pub(crate) fn finish(&mut self, config: &FamilyConfig) -> Result<(), Error> {
        self.check_checkpoints(config)?;
        self.record.is_finished = true;
        self.write_record()?;
        self.remove_states(config)
    }

    /// What an earlier call finished is still there; states go that a kill may have left.
    pub(crate) fn check_finished(&self, config: &FamilyConfig) -> Result<(), Error> {
        self.check_checkpoints(config)?;
        self.remove_states(config)
    }

    fn check_checkpoints(&self, config: &FamilyConfig) -> Result<(), Error> {
        let models = config.models();
        let all = models.iter().flat_map(|seeds| self.kept.iter().map(|&step| self.checkpoint(seeds, step)));
        match all.into_iter().find(|path| !path.join("model.safetensors").exists()) {
            Some(path) => Err(Error::CheckpointGone { path }),
            None => Ok(()),
        }
    }

    fn remove_states(&self, config: &FamilyConfig) -> Result<(), Error> {
        let states: Vec<PathBuf> = config.models().iter().map(|seeds| self.state(seeds)).collect();
        Ok(remove_files(&states)?)
    }
}

fn state_tensors(trainer: &Trainer) -> [(String, TensorData); 3] {
    let tensor =
        |name: &str, data: &[f32]| (name.to_owned(), TensorData::F32 { shape: vec![data.len()], data: data.to_vec() });
    [
        tensor("parameters", trainer.parameters.values()),
        tensor("first_moment", &trainer.optimizer.first_moment),
        tensor("second_moment", &trainer.optimizer.second_moment),
    ]
}

/// Whether any model in this folder has a log: from then on settings stay.
fn has_trained(family: &Path) -> Result<bool, Error> {
    let unreadable = |source| Error::Unwritable { path: family.to_path_buf(), source };
    for entry in fs::read_dir(family).map_err(unreadable)? {
        if entry.map_err(unreadable)?.path().join("log.jsonl").exists() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The first setting that differs, then and now, each with its key.
fn difference(then: &str, now: &str) -> Option<(String, String)> {
    let settings = |text: &str| {
        let sections: toml::Table = toml::from_str(text).unwrap_or_default();
        let keys = sections.into_iter().flat_map(|(section, keys)| {
            let keys = keys.as_table().cloned().unwrap_or_default();
            keys.into_iter().map(move |(key, value)| (format!("{section}.{key}"), value.to_string()))
        });
        keys.collect::<BTreeMap<String, String>>()
    };
    let (then, now) = (settings(then), settings(now));
    let differing = then.keys().chain(now.keys()).find(|key| then.get(*key) != now.get(*key))?;
    let told = |settings: &BTreeMap<String, String>| match settings.get(differing) {
        Some(value) => format!("{differing} = {value}"),
        None => format!("{differing} not given"),
    };
    Some((told(&then), told(&now)))
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
