//! The run folder as a whole: whose it is, whether it is finished, and its manifest.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use homolog_model::{Checkpoint, Isa, TokenMask, Tokens};
use homolog_results::{
    EXPLORER_FILE, FileInput, FolderLock, Inputs as ManifestInputs, Manifest, REPORT_FILE, TokensInput, WeightsInput,
    file_hash, remove_files, write_bytes,
};
use serde_json::json;

use crate::artifacts::{self, Artifacts};
use crate::config::{AblationSection, Search};
use crate::inputs::Inputs;
use crate::stages::{ablate, attribute, classify, correlate, evaluate, evidence, follow, persist, windows};
use crate::tables::Tables;
use crate::{Error, Options, Progress, StudyConfig, audit, damage, family, vocabulary_table};

/// A run folder that is free, or holds this study.
pub(crate) struct RunFolder {
    path: PathBuf,
    /// Of an earlier call.
    manifest: Option<Manifest>,
    pub(crate) artifacts: Artifacts,
    /// Once something is written.
    lock: Option<FolderLock>,
    /// The folder was made by this call, and nothing is in it yet that tells of the study.
    is_new: bool,
}

impl RunFolder {
    /// Errors: the path is a file; the folder holds another study.
    pub(crate) fn open(config: &StudyConfig, options: &Options) -> Result<Self, Error> {
        let path = options.output.clone();
        if path.is_file() {
            return Err(Error::OutputIsFile { path });
        }
        let artifacts = Artifacts::new(&path, Vec::new());
        let mut folder = Self { path, manifest: None, artifacts, lock: None, is_new: false };
        folder.read(&config.study.name)?;
        Ok(folder)
    }

    /// What is in the folder now. Errors: another study.
    fn read(&mut self, name: &str) -> Result<(), Error> {
        self.manifest = Manifest::read(&self.path)?;
        let Some(manifest) = &self.manifest else { return Ok(()) };
        if manifest.study != name {
            let (path, found, wanted) = (self.path.clone(), manifest.study.clone(), name.to_owned());
            return Err(Error::OtherStudy { path, found, wanted });
        }
        self.artifacts.set_earlier(manifest.stages.clone());
        Ok(())
    }

    /// Keep other programs out, remove what a killed one has left half-written, and look again what is there: another may have been
    /// at work since the folder was opened.
    pub(crate) fn claim(&mut self, config: &StudyConfig) -> Result<(), Error> {
        if self.lock.is_none() {
            self.is_new = !self.path.exists();
            self.lock = Some(FolderLock::claim(&self.path)?);
            self.read(&config.study.name)?;
        }
        Ok(())
    }

    /// Something is in the folder that is worth keeping, though no study was run in it.
    pub(crate) fn keep(&mut self) {
        self.is_new = false;
    }

    /// How paths are written in the folder's files: relative ones from the folder, so that both can move together; absolute ones,
    /// and those that no path leads to, as they are.
    pub(crate) fn namer(&self) -> impl Fn(&Path) -> String + use<> {
        let folder = real(&self.path);
        move |path| {
            let relative = if path.is_absolute() { None } else { pathdiff::diff_paths(real(path), &folder) };
            relative.unwrap_or_else(|| real(path)).display().to_string()
        }
    }

    /// Whether an earlier call finished the same study and its tables and tensors are still there.
    pub(crate) fn is_finished(&self, config: &StudyConfig, inputs: &Inputs) -> bool {
        self.manifest.as_ref().is_some_and(|manifest| {
            let mut files = result_files(manifest);
            manifest.is_finished
                && manifest.study_key == study_key(config, inputs)
                && files.all(|(path, hash)| file_hash(&self.path.join(path)).is_ok_and(|found| found == *hash))
        })
    }

    /// What the audit of a finished study warned of is an error with `strict`.
    pub(crate) fn stop_if_strict(&self, options: &Options) -> Result<(), Error> {
        let audit = self.manifest.as_ref().and_then(|manifest| manifest.audit.as_ref());
        audit.map_or(Ok(()), |audit| audit::stop_if_strict(audit, options))
    }

    /// Claim the folder for the study: resolved study file and a manifest that says unfinished. Results of earlier settings are
    /// removed, lest they be taken for results of these; what they were made from stays in `artifacts/`.
    ///
    /// Errors: the folder holds a study of the same name of other models; another program is at work in it.
    pub(crate) fn begin(
        &mut self,
        config: &StudyConfig,
        inputs: &Inputs,
        options: &Options,
        progress: &dyn Progress,
    ) -> Result<(), Error> {
        self.claim(config)?;
        let resolved = self.resolved(config, inputs).to_toml();
        let resolved_hash = blake3::hash(resolved.as_bytes()).to_hex().to_string();
        let manifest = Manifest { resolved_hash, ..self.new_manifest(config, inputs, options)? };
        if let Some(earlier) = self.manifest.as_ref().filter(|earlier| earlier.study_key != manifest.study_key) {
            if is_of_other_models(&earlier.inputs.weights, &manifest.inputs.weights) {
                let (path, study) = (self.path.clone(), config.study.name.clone());
                return Err(Error::OtherModels { path, study });
            }
            let files: Vec<PathBuf> = result_files(earlier).map(|(path, _)| self.path.join(path)).collect();
            if files.iter().any(|file| file.exists()) {
                progress.say(
                    "the study, or the program, has changed since its last run: its results are removed, finished work that still holds is used",
                );
            }
            // Of these settings still, but no longer finished: a kill before all are gone leaves them known for what they are.
            Manifest { is_finished: false, ..earlier.clone() }.write(&self.path)?;
            remove_files(&files)?;
        }
        // Whatever shows the tables of an earlier call must not stand beside those of this one.
        remove_files(&[REPORT_FILE, EXPLORER_FILE].map(|page| self.path.join(page)))?;
        self.artifacts.keep(manifest)?;
        self.is_new = false;
        progress.begin_run(&self.path);
        Ok(write_bytes(&self.path.join("study.resolved.toml"), resolved.as_bytes())?)
    }

    /// The study with every default, paths from the run folder: runs again from there.
    fn resolved(&self, config: &StudyConfig, inputs: &Inputs) -> StudyConfig {
        let name = self.namer();
        let named = |path: &Path| PathBuf::from(name(&config.locate(path)));
        let mut resolved = config.clone();
        resolved.corpus.exclude_tokens = Some(inputs.exclude_tokens.clone());
        for model in &mut resolved.models {
            model.path = named(&model.path);
        }
        let corpus = &mut resolved.corpus;
        for path in [&mut corpus.token_file, &mut corpus.held_out_token_file, &mut corpus.tokenizer] {
            *path = path.as_deref().map(named);
        }
        corpus.files = corpus.files.iter().map(|pattern| named(pattern)).collect();
        for set in &mut resolved.ablation.sets {
            set.file = named(&set.file);
        }
        resolved
    }

    /// Write tables, tensors and the finished manifest.
    pub(crate) fn finish(&self, config: &StudyConfig, inputs: &Inputs, tables: &Tables) -> Result<(), Error> {
        let mut manifest = self.artifacts.to_manifest();
        let weights: Vec<&str> = manifest.inputs.weights.iter().map(|input| input.weights_hash.as_str()).collect();
        let metadata = [
            ("homolog.study_key".to_owned(), manifest.study_key.clone()),
            ("homolog.tokens_hash".to_owned(), inputs.tokens.hash().to_owned()),
            ("homolog.loss_tokens_hash".to_owned(), inputs.loss_tokens.hash().to_owned()),
            ("homolog.weights_hash".to_owned(), blake3::hash(weights.join("\n").as_bytes()).to_hex().to_string()),
            ("homolog.loss_tokens".to_owned(), inputs.loss_tokens_name().to_owned()),
            ("homolog.precision".to_owned(), manifest.precision.clone()),
            ("homolog.ablation_precision".to_owned(), manifest.ablation_precision.clone()),
        ];
        (manifest.tables, manifest.tensors) = tables.write(config, inputs, &self.path, &metadata)?;
        manifest.n_undefined_pairs = tables.n_undefined_pairs;
        manifest.notes.clone_from(&tables.notes);
        manifest.is_finished = true;
        Ok(manifest.write(&self.path)?)
    }

    fn new_manifest(&self, config: &StudyConfig, inputs: &Inputs, options: &Options) -> Result<Manifest, Error> {
        let name = self.namer();
        let tokens_input = |path: &Path, tokens: &Tokens| TokensInput {
            path: name(path),
            tokens_hash: tokens.hash().to_owned(),
            n_rows: tokens.n_rows() as u64,
            context: tokens.context() as u64,
            n_tokens_counted: TokenMask::new(tokens, &inputs.exclude_tokens).n_tokens_counted() as u64,
        };
        let weights = inputs.steps.iter().zip(&inputs.checkpoints).flat_map(|(&step, checkpoints)| {
            let models = config.models.iter().zip(checkpoints);
            let name = &name;
            models.map(move |(model, checkpoint)| {
                Ok(WeightsInput {
                    model: model.name.clone(),
                    checkpoint: step,
                    path: name(&config.locate(&config.folder(model, step))),
                    weights_hash: checkpoint.weights_hash.clone(),
                    config_file_hash: file_hash(&checkpoint.folder.join("config.json"))?,
                })
            })
        });
        let lists = inputs
            .sets
            .iter()
            .map(|set| FileInput { path: name(&config.locate(&set.section.file)), hash: set.file_hash.clone() });
        Ok(Manifest {
            format: Manifest::FORMAT,
            homolog_version: options.homolog_version.clone(),
            code_commit: options.code_commit.clone(),
            allowed_config_keys: options.allowed_config_keys.iter().cloned().collect(),
            study: config.study.name.clone(),
            study_key: study_key(config, inputs),
            resolved_hash: String::new(),
            is_finished: false,
            isa: Isa::current().to_string(),
            precision: config.correlation.precision.to_string(),
            ablation_precision: config.ablation.precision.to_string(),
            n_threads: rayon::current_num_threads() as u64,
            tokenizer: inputs.tokenizer.clone(),
            inputs: ManifestInputs {
                tokens: tokens_input(&inputs.tokens_path, &inputs.tokens),
                held_out_tokens: inputs.held_out_path.as_ref().map(|path| tokens_input(path, &inputs.loss_tokens)),
                text: inputs.text.clone(),
                weights: weights.collect::<Result<_, Error>>()?,
                neuron_lists: lists.collect(),
            },
            seeds: seeds(config),
            n_tokens_counted: inputs.mask.n_tokens_counted() as u64,
            exclude_tokens: inputs.exclude_tokens.clone(),
            n_undefined_pairs: 0,
            stages: Vec::new(),
            tables: Vec::new(),
            tensors: Vec::new(),
            notes: Vec::new(),
            audit: None,
        })
    }
}

impl Drop for RunFolder {
    /// A folder that was made for a study whose inputs then proved wrong is not left behind.
    fn drop(&mut self) {
        if self.is_new {
            FolderLock::remove_empty(&self.path);
        }
    }
}

/// An absolute path without links or `..` in it, but for the last part: what a link is called matters, where its folder lies too. Parts
/// that do not exist yet are as they are written.
fn real(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let Some(parent) = absolute.parent() else { return absolute };
    let existing = parent.ancestors().find_map(|folder| Some((folder.canonicalize().ok()?, folder)));
    existing.map_or(absolute.clone(), |(real, folder)| real.join(absolute.strip_prefix(folder).unwrap_or(&absolute)))
}

/// Whether two studies have nothing to do with each other: where both have the same model at the same checkpoint, its weights are never
/// the same; and where they have none such, no model has the name or the weights of another's.
fn is_of_other_models(earlier: &[WeightsInput], now: &[WeightsInput]) -> bool {
    let pairs = || earlier.iter().flat_map(|earlier| now.iter().map(move |now| (earlier, now)));
    if pairs().any(|(earlier, now)| earlier.weights_hash == now.weights_hash) {
        return false;
    }
    let is_same_place =
        pairs().any(|(earlier, now)| (&earlier.model, earlier.checkpoint) == (&now.model, now.checkpoint));
    is_same_place || !pairs().any(|(earlier, now)| earlier.model == now.model)
}

/// What random numbers of the study come from.
fn seeds(config: &StudyConfig) -> BTreeMap<String, u64> {
    let audit = (config.correlation.search == Search::Screened).then_some(config.correlation.screening.audit_seed);
    let permuted = (config.nulls.permuted_rows > 0).then_some(config.nulls.seed);
    let always = [("ablation".to_owned(), config.ablation.seed), ("baseline".to_owned(), config.baseline.seed)];
    let asked = [("audit", audit), ("nulls", permuted)];
    let asked = asked.into_iter().filter_map(|(name, seed)| Some((name.to_owned(), seed?)));
    always.into_iter().chain(asked).collect()
}

/// Path in the run folder and hash of every file of results.
fn result_files(manifest: &Manifest) -> impl Iterator<Item = (&String, &String)> {
    let tables = manifest.tables.iter().map(|table| (&table.path, &table.hash));
    tables.chain(manifest.tensors.iter().map(|file| (&file.path, &file.hash)))
}

/// Everything that decides the tables, and nothing else: no paths, no study name.
fn study_key(config: &StudyConfig, inputs: &Inputs) -> String {
    let hashes = |models: &Vec<Checkpoint>| {
        models.iter().map(|c| (c.weights_hash.clone(), c.config_hash.clone())).collect::<Vec<_>>()
    };
    let sets = inputs.sets.iter().map(|set| {
        let neurons: Vec<String> = set.neurons.iter().map(ToString::to_string).collect();
        (&set.section.name, &set.section.models, &set.section.checkpoints, neurons)
    });
    // Counts follow from the tokens.
    let vocabulary = inputs.vocabulary.iter().map(|row| (row.token, &row.text, row.is_utf8));
    let ablation = &config.ablation;
    let decides = json!({
        "names": inputs.names,
        "steps": inputs.steps,
        "weights": inputs.checkpoints.iter().map(hashes).collect::<Vec<_>>(),
        "tokens": (inputs.tokens.hash(), inputs.loss_tokens.hash(), inputs.loss_tokens_name()),
        "exclude_tokens": inputs.exclude_tokens,
        "correlation": config.correlation.deciding(),
        "baseline": config.baseline,
        "universality": config.universality,
        "evidence": config.evidence,
        "nulls": config.nulls,
        // Of no matter where no evidence is asked for.
        "blocks": config.evidence.enabled.then(|| inputs.blocks.ranges().map(|block| block.end).collect::<Vec<_>>()),
        "ablation": AblationSection { sets: Vec::new(), ..ablation.clone() },
        "attribution": config.attribution,
        "sets": sets.collect::<Vec<_>>(),
        "windows": config.windows.deciding(),
        "persistence": config.persistence,
        "vocabulary": vocabulary.collect::<Vec<_>>(),
        "versions": (correlate::VERSION, classify::VERSION, evaluate::VERSION, ablate::VERSION, persist::VERSION, windows::VERSION, evidence::VERSION, damage::VERSION, vocabulary_table::VERSION, attribute::VERSION, family::VERSION, follow::VERSION),
    });
    artifacts::key("study", 1, &decides)
}
