//! Everything a study reads, opened and checked against each other before any computation.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};

use homolog_model::{Checkpoint, NeuronId, TokenMask, Tokens, Vocabulary};
use homolog_results::{TextInput, VocabularyRow, file_hash};

use crate::blocks::Blocks;
use crate::config::{BaselineKind, ModelSection, SetSection};
use crate::run_folder::RunFolder;
use crate::stages::tokenize;
use crate::vocabulary_table;
use crate::{Error, Options, Progress, StudyConfig};

/// Models, tokens and sets of a study.
pub(crate) struct Inputs {
    /// Training steps, ascending; one none when the study names no checkpoints.
    pub(crate) steps: Vec<Option<i64>>,
    /// Names, in the order of the study file.
    pub(crate) names: Vec<String>,
    /// [step][model]
    pub(crate) checkpoints: Vec<Vec<Checkpoint>>,
    /// Rows of correlations and moments.
    pub(crate) tokens: Tokens,
    /// Their counted positions.
    pub(crate) mask: TokenMask,
    /// Them in blocks that are left out in turn.
    pub(crate) blocks: Blocks,
    /// The runs in which they are correlated: see [`Blocks::runs`]; one where the study asks for no halves.
    pub(crate) runs: Vec<Range<usize>>,
    /// Rows of losses.
    pub(crate) loss_tokens: Tokens,
    /// Whether those are other rows than `tokens`.
    pub(crate) is_held_out: bool,
    /// Ids that are not counted, ascending.
    pub(crate) exclude_tokens: Vec<u32>,
    /// Where `tokens` lie.
    pub(crate) tokens_path: PathBuf,
    /// Where `loss_tokens` lie, if they are other rows.
    pub(crate) held_out_path: Option<PathBuf>,
    /// What the rows were made from, if not ready-made.
    pub(crate) text: Option<TextInput>,
    /// Hash of the tokenizer all models share, or `unproved`.
    pub(crate) tokenizer: String,
    /// The text of its tokens; none where no tokenizer files are known.
    pub(crate) vocabulary: Vec<VocabularyRow>,
    /// Users' ablation sets, read.
    pub(crate) sets: Vec<NeuronSet>,
}

/// A user's set of neurons.
pub(crate) struct NeuronSet {
    pub(crate) section: SetSection,
    /// Ascending.
    pub(crate) neurons: Vec<NeuronId>,
    /// BLAKE3 of the list.
    pub(crate) file_hash: String,
}

impl NeuronSet {
    /// Whether the set is meant for this model and step.
    pub(crate) fn is_for(&self, model: &str, step: Option<i64>) -> bool {
        let SetSection { models, checkpoints, .. } = &self.section;
        let is_model = models.as_ref().is_none_or(|models| models.iter().any(|name| name == model));
        let is_step = checkpoints.as_ref().is_none_or(|steps| step.is_some_and(|step| steps.contains(&step)));
        is_model && is_step
    }
}

impl Inputs {
    /// Open every checkpoint, token file and neuron list; make rows where the study names text, in `folder`.
    pub(crate) fn open(
        config: &StudyConfig,
        options: &Options,
        folder: &mut RunFolder,
        progress: &dyn Progress,
    ) -> Result<Self, Error> {
        let steps = config.steps();
        let checkpoints = open_checkpoints(config, options, progress)?;
        let Models { names, tokenizer, sets } = Models::check(config, &checkpoints)?;

        let rows = Rows::open(config, folder, progress)?;
        let d_vocab = checkpoints[0][0].config.d_vocab;
        for tokens in [Some(&rows.tokens), rows.held_out.as_ref()].into_iter().flatten() {
            tokens.check_vocabulary(d_vocab)?;
        }
        let exclude_tokens = exclude_tokens(config, &checkpoints, &rows.excluded)?;
        let mask = TokenMask::new(&rows.tokens, &exclude_tokens);
        if mask.n_tokens_counted() == 0 {
            return Err(Error::NothingCounted { path: rows.path });
        }
        let permutes = config.baseline.kind == BaselineKind::PermutedRows || config.nulls.permuted_rows > 0;
        if permutes && rows.tokens.n_rows() < 2 {
            let message = "permuted rows (baseline.kind = permuted-rows, or nulls.permuted_rows) need two rows of tokens at least; use another null or \
                 more text"
                    .into();
            return Err(Error::BadSetting { path: config.path.clone(), message });
        }
        // The same rows under another name are not held out.
        let is_held_out = rows.held_out.as_ref().is_some_and(|held_out| held_out.hash() != rows.tokens.hash());
        let vocabulary = vocabulary(config, &checkpoints)?;
        let vocabulary = vocabulary.map(|vocabulary| vocabulary_table::rows(&vocabulary, &rows.tokens));
        let documents = (rows.separator, config.corpus.bos.unwrap_or(false));
        // One where nobody asks.
        let n_blocks = if config.evidence.enabled { config.evidence.blocks } else { 1 };
        let blocks = Blocks::new(&rows.tokens, &mask, n_blocks, documents);
        let runs = if config.evidence.is_cross_fitted() { blocks.runs() } else { vec![rows.tokens.positions()] };
        let Rows { tokens, path, held_out, held_out_path, text, .. } = rows;
        Ok(Self {
            steps,
            names,
            checkpoints,
            loss_tokens: held_out.unwrap_or_else(|| tokens.clone()),
            tokens,
            mask,
            blocks,
            runs,
            is_held_out,
            exclude_tokens,
            tokens_path: path,
            held_out_path,
            text,
            tokenizer,
            vocabulary: vocabulary.unwrap_or_default(),
            sets,
        })
    }

    /// `held_out` or `same`.
    pub(crate) fn loss_tokens_name(&self) -> &'static str {
        if self.is_held_out { "held_out" } else { "same" }
    }
}

/// [step][model]
pub(crate) fn open_checkpoints(
    config: &StudyConfig,
    options: &Options,
    progress: &dyn Progress,
) -> Result<Vec<Vec<Checkpoint>>, Error> {
    let steps = config.steps();
    progress.begin("open, hash and check", (steps.len() * config.models.len()) as u64, "checkpoints");
    let open = |model: &ModelSection, step| {
        progress.check()?;
        let folder = config.locate(&config.folder(model, step));
        let checkpoint = Checkpoint::open(&folder, &options.allowed_config_keys)?;
        progress.advance(1);
        Ok(checkpoint)
    };
    let of_step = |&step: &Option<i64>| config.models.iter().map(|model| open(model, step)).collect();
    let checkpoints = steps.iter().map(of_step).collect::<Result<_, Error>>()?;
    progress.end();
    Ok(checkpoints)
}

/// What is known of the models once they are held against each other and the study file.
pub(crate) struct Models {
    names: Vec<String>,
    tokenizer: String,
    sets: Vec<NeuronSet>,
}

impl Models {
    /// Errors: tokenizers or shapes that differ, rows too long, lists of neurons that do not fit.
    pub(crate) fn check(config: &StudyConfig, checkpoints: &[Vec<Checkpoint>]) -> Result<Self, Error> {
        let names: Vec<String> = config.models.iter().map(|model| model.name.clone()).collect();
        let tokenizer = shared_tokenizer(config, &names, checkpoints)?;
        check_shapes(config, &names, checkpoints)?;
        let sets = read_sets(config, &names, checkpoints)?;
        if config.corpus.is_text() {
            check_tokenizer(config, checkpoints[0][0].vocabulary.as_ref())?;
        }
        Ok(Self { names, tokenizer, sets })
    }
}

/// Rows of tokens, ready-made or made from text.
struct Rows {
    tokens: Tokens,
    path: PathBuf,
    held_out: Option<Tokens>,
    held_out_path: Option<PathBuf>,
    text: Option<TextInput>,
    /// What ends a document, where the rows were made from text.
    separator: Option<u32>,
    /// Ids that the tokenizer of the text would not count: end of text and newline.
    excluded: BTreeSet<u32>,
}

impl Rows {
    fn open(config: &StudyConfig, folder: &mut RunFolder, progress: &dyn Progress) -> Result<Self, Error> {
        let context = config.corpus.context;
        let Some(file) = &config.corpus.token_file else {
            folder.claim(config)?;
            let name = folder.namer();
            let made = tokenize::run(config, &mut folder.artifacts, &name, progress)?;
            return Ok(Self {
                held_out_path: made.held_out.is_some().then(|| made.path.clone()),
                path: made.path,
                tokens: made.tokens,
                held_out: made.held_out,
                text: Some(made.text),
                separator: made.end_of_text,
                excluded: made.end_of_text.into_iter().chain(made.newline).collect(),
            });
        };
        let path = config.locate(file);
        let held_out_path = config.corpus.held_out_token_file.as_ref().map(|file| config.locate(file));
        Ok(Self {
            tokens: Tokens::read(&path, context)?,
            path,
            held_out: held_out_path.as_ref().map(|path| Tokens::read(path, context)).transpose()?,
            held_out_path,
            text: None,
            separator: None,
            excluded: BTreeSet::new(),
        })
    }
}

/// Of the tokenizer that makes the rows of text, else of the first model that has tokenizer files.
fn vocabulary(config: &StudyConfig, checkpoints: &[Vec<Checkpoint>]) -> Result<Option<Vocabulary>, Error> {
    let of_text = if config.corpus.is_text() { text_vocabulary(config)? } else { None };
    Ok(of_text.or_else(|| checkpoints.iter().flatten().find_map(|checkpoint| checkpoint.vocabulary.clone())))
}

/// Of the tokenizer of a study that names text.
fn text_vocabulary(config: &StudyConfig) -> Result<Option<Vocabulary>, Error> {
    let path = tokenize::tokenizer_path(config);
    Ok(if path.is_dir() { Vocabulary::find(&path)? } else { Some(Vocabulary::of_tokenizer_json(&path)?) })
}

/// The tokenizer of the text must be that of the models, where both can be read.
fn check_tokenizer(config: &StudyConfig, of_models: Option<&Vocabulary>) -> Result<(), Error> {
    let of_text = text_vocabulary(config)?;
    match of_models.zip(of_text.as_ref()).and_then(|(of_models, of_text)| of_models.difference(of_text)) {
        Some(difference) => Err(Error::OtherTokenizer { path: tokenize::tokenizer_path(config), difference }),
        None => Ok(()),
    }
}

/// Models are compared by the vocabulary of their tokenizer files where all have them, else by its size alone.
fn shared_tokenizer(config: &StudyConfig, names: &[String], checkpoints: &[Vec<Checkpoint>]) -> Result<String, Error> {
    let differ = |second: usize, what: String| Error::ModelsDiffer {
        path: config.path.clone(),
        first: names[0].clone(),
        second: names[second].clone(),
        what,
    };
    let first = &checkpoints[0][0];
    let mut is_proved = first.vocabulary.is_some();
    for checkpoint in checkpoints {
        for (model, checkpoint) in checkpoint.iter().enumerate() {
            let (size, expected) = (checkpoint.config.d_vocab, first.config.d_vocab);
            if size != expected {
                return Err(differ(model, format!("the size of their vocabularies ({expected} and {size})")));
            }
            match (&first.vocabulary, &checkpoint.vocabulary) {
                (Some(first), Some(second)) => {
                    if let Some(difference) = first.difference(second) {
                        return Err(differ(model, format!("their tokenizers: {difference}")));
                    }
                }
                _ => is_proved = false,
            }
        }
    }
    let hash = first.vocabulary.as_ref().filter(|_| is_proved).map(homolog_model::Vocabulary::hash);
    Ok(hash.unwrap_or_else(|| "unproved".into()))
}

fn check_shapes(config: &StudyConfig, names: &[String], checkpoints: &[Vec<Checkpoint>]) -> Result<(), Error> {
    let (path, context) = (|| config.path.clone(), config.corpus.context);
    for (step, models) in checkpoints.iter().enumerate() {
        for (model, checkpoint) in models.iter().enumerate() {
            let n_ctx = checkpoint.config.n_ctx;
            if context > n_ctx {
                return Err(Error::ContextTooLong { path: path(), model: names[model].clone(), context, n_ctx });
            }
            let shape = |step: usize| {
                let config = &checkpoints[step][model].config;
                (config.n_layers, config.d_mlp)
            };
            if shape(step) != shape(0) {
                let what = format!("shape between checkpoints: {:?} and {:?} (layers, d_mlp)", shape(0), shape(step));
                let name = || names[model].clone();
                return Err(Error::ModelsDiffer { path: path(), first: name(), second: name(), what });
            }
        }
    }
    Ok(())
}

/// As the study file says; else the special tokens of the models and the newline of their tokenizer, and `of_text` of the
/// tokenizer that made the rows.
fn exclude_tokens(
    config: &StudyConfig,
    checkpoints: &[Vec<Checkpoint>],
    of_text: &BTreeSet<u32>,
) -> Result<Vec<u32>, Error> {
    let d_vocab = checkpoints[0][0].config.d_vocab;
    let is_known = |id: &u32| (*id as usize) < d_vocab;
    let fail = |message: String| Err(Error::BadSetting { path: config.path.clone(), message });
    if let Some(exclude) = &config.corpus.exclude_tokens {
        if let Some(id) = exclude.iter().find(|id| !is_known(id)) {
            return fail(format!("corpus.exclude_tokens names {id}, outside the vocabulary of {d_vocab}"));
        }
        return Ok(exclude.iter().copied().collect::<BTreeSet<_>>().into_iter().collect());
    }
    let of = |checkpoint: &Checkpoint| {
        let of_tokenizer =
            checkpoint.vocabulary.iter().flat_map(|vocabulary| [vocabulary.end_of_text(), vocabulary.newline()]);
        let ids = checkpoint.config.special_tokens.iter().copied().chain(of_tokenizer.flatten());
        // A config may name ids that its own vocabulary lacks (Hugging Face's defaults): they cannot occur.
        ids.filter(is_known).collect::<BTreeSet<u32>>()
    };
    let first = of(&checkpoints[0][0]);
    if checkpoints.iter().flatten().any(|checkpoint| of(checkpoint) != first) {
        return fail(
            "the models' special tokens differ; set corpus.exclude_tokens to the ids that are not to be counted".into(),
        );
    }
    Ok(first.union(of_text).copied().collect())
}

fn read_sets(config: &StudyConfig, names: &[String], checkpoints: &[Vec<Checkpoint>]) -> Result<Vec<NeuronSet>, Error> {
    let shapes = checkpoints.iter().flatten().zip(names.iter().cycle());
    let sets = config.ablation.sets.iter().filter(|_| config.ablation.enabled);
    sets.map(|section| read_set(config, section, shapes.clone())).collect()
}

fn read_set<'a>(
    config: &StudyConfig,
    section: &SetSection,
    shapes: impl Iterator<Item = (&'a Checkpoint, &'a String)>,
) -> Result<NeuronSet, Error> {
    let path = config.locate(&section.file);
    let neurons = read_neurons(&path)?;
    let set = NeuronSet { section: section.clone(), neurons, file_hash: file_hash(&path)? };
    for (checkpoint, name) in shapes {
        let is_meant = section.models.as_ref().is_none_or(|models| models.contains(name));
        let fits =
            |neuron: &&NeuronId| neuron.layer < checkpoint.config.n_layers && neuron.index < checkpoint.config.d_mlp;
        if let Some(neuron) = set.neurons.iter().find(|neuron| is_meant && !fits(neuron)) {
            let message = format!("neuron {neuron} is not one of model `{name}`; name the models that the list is for");
            return Err(Error::BadNeuronList { path, message });
        }
    }
    Ok(set)
}

/// Read a CSV file with columns layer and neuron; other columns are not looked at.
fn read_neurons(path: &Path) -> Result<Vec<NeuronId>, Error> {
    let bad = |message: String| Error::BadNeuronList { path: path.to_path_buf(), message };
    let mut reader =
        csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(path).map_err(|error| bad(error.to_string()))?;
    let header = reader.headers().map_err(|error| bad(error.to_string()))?.clone();
    let column = |name: &str| {
        header
            .iter()
            .position(|column| column == name)
            .ok_or_else(|| bad(format!("has no column `{name}`; its first line must name layer and neuron")))
    };
    let (layer, neuron) = (column("layer")?, column("neuron")?);
    let mut neurons = BTreeSet::new();
    for (line, record) in reader.records().enumerate() {
        let record = record.map_err(|error| bad(error.to_string()))?;
        let number = |column: usize| {
            let text = record.get(column).unwrap_or_default();
            text.parse().map_err(|_| bad(format!("line {}: {text:?} is not a whole number", line + 2)))
        };
        let id = NeuronId { layer: number(layer)?, index: number(neuron)? };
        if !neurons.insert(id) {
            return Err(bad(format!("line {}: neuron {id} is listed twice; list it once", line + 2)));
        }
    }
    Ok(neurons.into_iter().collect())
}
