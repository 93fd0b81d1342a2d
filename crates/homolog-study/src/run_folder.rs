//! The run folder as a whole: whose it is, whether it is finished, and its manifest.

use std::collections::BTreeMap;
use std::path::PathBuf;

use homolog_model::{Isa, TokenMask, Tokens};
use homolog_results::{Inputs as ManifestInputs, Manifest, TokensInput, WeightsInput, file_hash, write_bytes};
use serde_json::json;

use crate::artifacts::{self, Artifacts};
use crate::inputs::Inputs;
use crate::stages::{ablate, correlate, evaluate};
use crate::tables::{TENSOR_FILES, Tables};
use crate::{Error, Options, StudyConfig};

/// A run folder that is free, or holds this study.
pub(crate) struct RunFolder {
    path: PathBuf,
    /// Of an earlier call.
    manifest: Option<Manifest>,
}

impl RunFolder {
    /// Errors: the path is a file; the folder holds another study.
    pub(crate) fn open(config: &StudyConfig, options: &Options) -> Result<Self, Error> {
        let path = options.output.clone();
        if path.is_file() {
            return Err(Error::OutputIsFile { path });
        }
        let manifest = Manifest::read(&path)?;
        match &manifest {
            Some(manifest) if manifest.study != config.study.name => {
                Err(Error::OtherStudy { path, found: manifest.study.clone(), wanted: config.study.name.clone() })
            }
            _ => Ok(Self { path, manifest }),
        }
    }

    /// Whether an earlier call finished the same study and its tables and tensors are still there.
    pub(crate) fn is_finished(&self, config: &StudyConfig, inputs: &Inputs) -> bool {
        self.manifest.as_ref().is_some_and(|manifest| {
            let is_intact = |table: &homolog_results::TableRecord| {
                file_hash(&self.path.join(&table.path)).is_ok_and(|hash| hash == table.hash)
            };
            manifest.is_finished
                && manifest.study_key == study_key(config, inputs)
                && manifest.tables.iter().all(is_intact)
                && TENSOR_FILES.iter().all(|file| self.path.join(file).is_file())
        })
    }

    /// Claim the folder: resolved study file and a manifest that says unfinished.
    pub(crate) fn begin(&self, config: &StudyConfig, inputs: &Inputs, options: &Options) -> Result<(), Error> {
        let mut resolved = config.clone();
        resolved.corpus.exclude_tokens = Some(inputs.exclude_tokens.clone());
        // The manifest first: whatever happens next, the folder no longer claims to be finished.
        new_manifest(config, inputs, options).write(&self.path)?;
        Ok(write_bytes(&self.path.join("study.resolved.toml"), resolved.to_toml().as_bytes())?)
    }

    /// Write tables, tensors and the finished manifest.
    pub(crate) fn finish(
        &self,
        config: &StudyConfig,
        inputs: &Inputs,
        options: &Options,
        artifacts: &Artifacts,
        tables: &Tables,
    ) -> Result<(), Error> {
        let mut manifest = new_manifest(config, inputs, options);
        let weights: Vec<&str> = manifest.inputs.weights.iter().map(|input| input.weights_hash.as_str()).collect();
        let metadata = [
            ("homolog.study_key".to_owned(), manifest.study_key.clone()),
            ("homolog.tokens_hash".to_owned(), inputs.tokens.hash().to_owned()),
            ("homolog.loss_tokens_hash".to_owned(), inputs.loss_tokens.hash().to_owned()),
            ("homolog.weights_hash".to_owned(), blake3::hash(weights.join("\n").as_bytes()).to_hex().to_string()),
            ("homolog.loss_tokens".to_owned(), inputs.loss_tokens_name().to_owned()),
            ("homolog.precision".to_owned(), manifest.precision.clone()),
        ];
        manifest.tables = tables.write(&self.path, &metadata)?;
        manifest.stages = artifacts.records().to_vec();
        manifest.n_undefined_pairs = tables.n_undefined_pairs;
        manifest.notes.clone_from(&tables.notes);
        manifest.is_finished = true;
        Ok(manifest.write(&self.path)?)
    }
}

/// Everything that decides the tables, and nothing else: no paths, no study name.
fn study_key(config: &StudyConfig, inputs: &Inputs) -> String {
    let hashes = |models: &Vec<homolog_model::Checkpoint>| {
        models.iter().map(|c| (c.weights_hash.clone(), c.config_hash.clone())).collect::<Vec<_>>()
    };
    let sets = inputs.sets.iter().map(|set| {
        let neurons: Vec<String> = set.neurons.iter().map(ToString::to_string).collect();
        (&set.section.name, &set.section.models, &set.section.checkpoints, neurons)
    });
    let ablation = &config.ablation;
    let decides = json!({
        "names": inputs.names,
        "steps": inputs.steps,
        "weights": inputs.checkpoints.iter().map(hashes).collect::<Vec<_>>(),
        "tokens": (inputs.tokens.hash(), inputs.loss_tokens.hash(), inputs.loss_tokens_name()),
        "exclude_tokens": inputs.exclude_tokens,
        "correlation": config.correlation,
        "baseline": config.baseline,
        "universality": config.universality,
        "ablation": (ablation.enabled, &ablation.modes, ablation.draws, &ablation.multiples, ablation.per_layer, ablation.seed, ablation.tokens, ablation.precision),
        "sets": sets.collect::<Vec<_>>(),
        "versions": (correlate::VERSION, evaluate::VERSION, ablate::VERSION),
    });
    artifacts::key("study", 1, &decides)
}

fn new_manifest(config: &StudyConfig, inputs: &Inputs, options: &Options) -> Manifest {
    let tokens_input = |path: &PathBuf, tokens: &Tokens| TokensInput {
        path: path.display().to_string(),
        tokens_hash: tokens.hash().to_owned(),
        n_rows: tokens.n_rows() as u64,
        context: tokens.context() as u64,
        n_tokens_counted: TokenMask::new(tokens, &inputs.exclude_tokens).n_tokens_counted() as u64,
    };
    let weights = inputs.steps.iter().zip(&inputs.checkpoints).flat_map(|(&step, checkpoints)| {
        let models = config.models.iter().zip(checkpoints);
        models.map(move |(model, checkpoint)| WeightsInput {
            model: model.name.clone(),
            checkpoint: step,
            path: config.folder(model, step).display().to_string(),
            weights_hash: checkpoint.weights_hash.clone(),
        })
    });
    let held_out = config.corpus.held_out_token_file.as_ref();
    Manifest {
        format: Manifest::FORMAT,
        homolog_version: options.homolog_version.clone(),
        code_commit: options.code_commit.clone(),
        study: config.study.name.clone(),
        study_key: study_key(config, inputs),
        is_finished: false,
        isa: Isa::current().to_string(),
        precision: config.correlation.precision.to_string(),
        n_threads: rayon::current_num_threads() as u64,
        tokenizer: inputs.tokenizer.clone(),
        inputs: ManifestInputs {
            tokens: tokens_input(&config.corpus.token_file, &inputs.tokens),
            held_out_tokens: held_out.map(|path| tokens_input(path, &inputs.loss_tokens)),
            weights: weights.collect(),
        },
        seeds: BTreeMap::from([("ablation".into(), config.ablation.seed), ("baseline".into(), config.baseline.seed)]),
        n_tokens_counted: inputs.mask.n_tokens_counted() as u64,
        exclude_tokens: inputs.exclude_tokens.clone(),
        n_undefined_pairs: 0,
        stages: Vec::new(),
        tables: Vec::new(),
        notes: Vec::new(),
    }
}
