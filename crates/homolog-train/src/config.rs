//! The family file: its sections, defaults, and what makes it invalid.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use homolog_model::Config;
use serde::{Deserialize, Serialize};

use crate::{Error, corpus, schedule};

/// A family file with every default filled in. Paths are as written: relative to the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FamilyConfig {
    /// Where the file is; not part of it.
    #[serde(skip)]
    pub path: PathBuf,
    /// `[family]`
    pub family: FamilySection,
    /// `[corpus]`
    pub corpus: CorpusSection,
    /// `[tokenizer]`
    #[serde(default)]
    pub tokenizer: TokenizerSection,
    /// `[model]`
    #[serde(default)]
    pub model: ModelSection,
    /// `[seeds]`
    pub seeds: SeedsSection,
    /// `[training]`
    pub training: TrainingSection,
    /// `[checkpoints]`
    #[serde(default)]
    pub checkpoints: CheckpointsSection,
}

/// `[family]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FamilySection {
    /// Names the folder.
    pub name: String,
}

/// `[corpus]`: text; documents whose hash says so (1 in 20) are held out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CorpusSection {
    /// Patterns of text files, read in this order.
    pub files: Vec<PathBuf>,
    /// Tokens of a row, and positions of the models.
    pub context: usize,
    /// Whether each row begins with `<|endoftext|>`.
    #[serde(default = "yes")]
    pub bos: bool,
    /// Field or column of the text in `.jsonl` and Parquet.
    #[serde(default = "default_text_field")]
    pub text_field: String,
    /// Positions of the training rows, from the first documents; none: all the text gives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// Positions of the held-out rows at most, drawn at random from those of the held-out documents; none: all of them. Beside `tokens`
    /// no more than a 20th of these are looked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_out_tokens: Option<u64>,
}

fn yes() -> bool {
    true
}

fn default_text_field() -> String {
    "text".into()
}

/// `[tokenizer]`: one that exists, or the size of one to make.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TokenizerSection {
    /// Folder of the tokenizer, or a `tokenizer.json`; none: a byte-level BPE is trained on the corpus.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// Tokens of the one to train, 256 bytes and `<|endoftext|>` among them; none until resolved: 2,048.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub d_vocab: Option<usize>,
}

/// Tokens of a trained tokenizer at least: all bytes and `<|endoftext|>`.
const LEAST_VOCABULARY: usize = 257;

/// Parameters of a model at most: eight times GPT-2 Small.
const MOST_PARAMETERS: u64 = 1_000_000_000;

/// `[model]`: the shape of every model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelSection {
    /// Blocks.
    pub n_layers: usize,
    /// Width of the residual stream.
    pub d_model: usize,
    /// Attention heads of a block.
    pub n_heads: usize,
    /// Neurons of a block; none until resolved: 4 `d_model`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub d_mlp: Option<usize>,
    /// Attention scores are also divided by (layer + 1), as in the CRFM models.
    pub scale_attn_by_inverse_layer_idx: bool,
}

impl Default for ModelSection {
    fn default() -> Self {
        Self { n_layers: 4, d_model: 128, n_heads: 4, d_mlp: None, scale_attn_by_inverse_layer_idx: false }
    }
}

/// `[seeds]`: `both`, or `init` and `data`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SeedsSection {
    /// Models that differ in everything: each number seeds the initialisation and the data order of one model.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub both: Vec<u64>,
    /// Seeds of the initialisation, crossed with `data`: every pair of them is a model.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub init: Vec<u64>,
    /// Seeds of the data order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub data: Vec<u64>,
}

/// The seeds of one model, and its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seeds {
    /// `seed-1`, or `init-1-data-10` in a crossed design.
    pub name: String,
    /// Of the initialisation.
    pub init: u64,
    /// Of the data order.
    pub data: u64,
}

/// `[training]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingSection {
    /// Updates.
    pub steps: u64,
    /// Rows of a batch.
    #[serde(default = "default_batch_rows")]
    pub batch_rows: usize,
    /// Peak learning rate.
    #[serde(default = "default_learning_rate")]
    pub learning_rate: f64,
    /// That of the last step; none until resolved: a tenth of the peak.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_learning_rate: Option<f64>,
    /// Steps of the linear rise; none until resolved: a 20th of `steps`, at least 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warmup_steps: Option<u64>,
    /// Of matrices and embeddings; biases and layer norms do not decay.
    #[serde(default = "default_weight_decay")]
    pub weight_decay: f64,
    /// `AdamW`'s, of the mean gradient.
    #[serde(default = "default_beta1")]
    pub beta1: f64,
    /// `AdamW`'s, of the mean square.
    #[serde(default = "default_beta2")]
    pub beta2: f64,
    /// `AdamW`'s.
    #[serde(default = "default_epsilon")]
    pub epsilon: f64,
    /// Largest Euclidean norm of a gradient.
    #[serde(default = "default_clip_norm")]
    pub clip_norm: f64,
    /// Share of the embedding's values, and of those that attention and MLP add to the residual stream, dropped in every step
    /// (GPT-2's `embd_pdrop` and `resid_pdrop`); the seed of the data order decides which. The written config.json has them 0: it says
    /// how the model is to be run, and this how it was trained.
    #[serde(default)]
    pub dropout: f64,
    /// Steps between two losses on the held-out rows; none until resolved: a 20th of `steps`, at least 1. Every checkpoint has one too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evaluate_every: Option<u64>,
    /// Held-out positions of those losses, rounded down to rows.
    #[serde(default = "default_evaluate_tokens")]
    pub evaluate_tokens: u64,
}

fn default_batch_rows() -> usize {
    16
}

fn default_learning_rate() -> f64 {
    1e-3
}

fn default_weight_decay() -> f64 {
    0.1
}

fn default_beta1() -> f64 {
    0.9
}

fn default_beta2() -> f64 {
    0.95
}

fn default_epsilon() -> f64 {
    1e-8
}

fn default_clip_norm() -> f64 {
    1.0
}

fn default_evaluate_tokens() -> u64 {
    8192
}

impl TrainingSection {
    pub(crate) fn min_learning_rate(&self) -> f64 {
        self.min_learning_rate.expect("filled when the file was read")
    }

    pub(crate) fn warmup_steps(&self) -> u64 {
        self.warmup_steps.expect("filled when the file was read")
    }

    pub(crate) fn evaluate_every(&self) -> u64 {
        self.evaluate_every.expect("filled when the file was read")
    }
}

/// `[checkpoints]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CheckpointsSection {
    /// The steps to keep; none: step 0 and `count` log-spaced ones.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<u64>,
    /// Checkpoints besides step 0 where `steps` names none.
    pub count: usize,
}

impl Default for CheckpointsSection {
    fn default() -> Self {
        Self { steps: Vec::new(), count: 8 }
    }
}

impl FamilyConfig {
    /// Read and check a family file.
    ///
    /// Errors: unreadable, not TOML, unknown keys, settings that contradict each other. What depends on the text is checked
    /// when that is read.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| Error::UnreadableFamily { path: path.to_path_buf(), source })?;
        Self::parse(&text, path)
    }

    /// The same from text; `path` is where relative paths start from.
    pub fn parse(text: &str, path: &Path) -> Result<Self, Error> {
        let mut config: Self = toml::from_str(text)
            .map_err(|error| Error::BadFamily { path: path.to_path_buf(), message: error.to_string() })?;
        config.path = path.to_path_buf();
        config.fill();
        config.check()?;
        Ok(config)
    }

    /// The file that `family.resolved.toml` holds.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("sections of plain values serialise")
    }

    /// A path of the file, found from where the file is.
    pub fn locate(&self, path: &Path) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(path)
    }

    /// One entry a model, in the order of the file: of a crossed design the initialisations in turn, each with every data order.
    pub fn models(&self) -> Vec<Seeds> {
        let SeedsSection { both, init, data } = &self.seeds;
        let both = both.iter().map(|&seed| Seeds { name: format!("seed-{seed}"), init: seed, data: seed });
        let crossed = init.iter().flat_map(|&init| {
            data.iter().map(move |&data| Seeds { name: format!("init-{init}-data-{data}"), init, data })
        });
        both.chain(crossed).collect()
    }

    /// A study file of all models and checkpoints on the held-out rows, for `homolog run`.
    ///
    /// `family`: the family's folder, seen from where the file will be. `d_vocab`: of the tokenizer.
    pub fn study(&self, family: &Path, d_vocab: usize) -> String {
        let quoted = |path: PathBuf| toml::Value::from(path.to_string_lossy().into_owned()).to_string();
        let name = toml::Value::from(self.family.name.clone());
        let models = self.models().into_iter().map(|seeds| {
            let path = quoted(family.join(&seeds.name));
            format!("[[model]]\nname = \"{}\"\npath = {path}\n\n", seeds.name)
        });
        let steps: Vec<String> = self.checkpoints().iter().map(u64::to_string).collect();
        let token_file = quoted(family.join(corpus::token_file(d_vocab, true)));
        format!(
            "[study]\nname = {name}\n\n{}[checkpoints]\nsteps = [{}]\n\n[corpus]\ntoken_file = {token_file}\ncontext = {}\n",
            models.collect::<String>(),
            steps.join(", "),
            self.corpus.context
        )
    }

    /// The steps whose weights are kept, ascending.
    pub fn checkpoints(&self) -> Vec<u64> {
        schedule::checkpoints(&self.checkpoints, self.training.steps)
    }

    /// Shape and arithmetic of the models.
    pub(crate) fn model_config(&self, d_vocab: usize, end_of_text: Option<u32>) -> Config {
        let ModelSection { n_layers, d_model, n_heads, d_mlp, scale_attn_by_inverse_layer_idx } = self.model;
        Config {
            n_layers,
            n_heads,
            d_model,
            d_head: d_model / n_heads,
            d_mlp: d_mlp.expect("filled when the file was read"),
            d_vocab,
            n_ctx: self.corpus.context,
            eps: 1e-5,
            nonlinearity: homolog_model::Nonlinearity::GeluNew,
            is_head_scaled: true,
            is_inverse_layer_scaled: scale_attn_by_inverse_layer_idx,
            is_tied: true,
            special_tokens: end_of_text.into_iter().collect(),
        }
    }

    fn fill(&mut self) {
        if self.tokenizer.path.is_none() {
            self.tokenizer.d_vocab.get_or_insert(2048);
        }
        self.model.d_mlp.get_or_insert(self.model.d_model.saturating_mul(4));
        let training = &mut self.training;
        let twentieth = (training.steps / 20).max(1);
        training.min_learning_rate.get_or_insert(training.learning_rate / 10.0);
        training.warmup_steps.get_or_insert(twentieth);
        training.evaluate_every.get_or_insert(twentieth);
        self.checkpoints.steps.sort_unstable();
    }

    fn check(&self) -> Result<(), Error> {
        let fail = |message: String| Err(Error::BadSetting { path: self.path.clone(), message });
        let name = &self.family.name;
        if name.is_empty() || name.starts_with('.') || name.contains(['/', '\\']) || name.contains(char::is_control) {
            return fail(format!("family.name {name:?} must be usable as a folder name"));
        }
        if self.corpus.files.is_empty() {
            return fail("corpus.files names no text; list files or patterns of them".into());
        }
        if self.corpus.context < 2 {
            return fail("corpus.context must be at least 2, for a loss to exist".into());
        }
        match (&self.tokenizer.path, self.tokenizer.d_vocab) {
            (Some(_), Some(_)) => {
                return fail(
                    "[tokenizer] has path and d_vocab; give one that exists, or the size of one to train".into(),
                );
            }
            (None, Some(d_vocab)) if d_vocab < LEAST_VOCABULARY => {
                return fail(format!(
                    "tokenizer.d_vocab = {d_vocab} is smaller than {LEAST_VOCABULARY}: 256 bytes and <|endoftext|>; raise it"
                ));
            }
            _ => {}
        }
        self.check_model(fail)?;
        self.check_seeds(fail)?;
        self.check_training(fail)
    }

    fn check_model(&self, fail: impl Fn(String) -> Result<(), Error>) -> Result<(), Error> {
        let ModelSection { n_layers, d_model, n_heads, d_mlp, .. } = self.model;
        let sizes = [("n_layers", n_layers), ("d_model", d_model), ("n_heads", n_heads), ("d_mlp", d_mlp.unwrap_or(1))];
        if let Some((key, _)) = sizes.iter().find(|(_, size)| *size == 0) {
            return fail(format!("model.{key} must be at least 1"));
        }
        if !d_model.is_multiple_of(n_heads) {
            return fail(format!("model.d_model {d_model} is not a multiple of model.n_heads {n_heads}"));
        }
        let d_vocab = self.tokenizer.d_vocab.unwrap_or(LEAST_VOCABULARY);
        let too_large = [n_layers, d_model, d_mlp.unwrap_or(1), self.corpus.context, d_vocab]
            .into_iter()
            .any(|size| size > 1 << 24);
        let n_parameters = || {
            let d_mlp = d_mlp.unwrap_or(1) as u64;
            let (n_layers, d_model) = (n_layers as u64, d_model as u64);
            let block = d_model.checked_mul(4 * d_model + 2 * d_mlp)?.checked_mul(n_layers)?;
            d_model.checked_mul((d_vocab + self.corpus.context) as u64)?.checked_add(block)
        };
        match (!too_large).then(n_parameters).flatten() {
            Some(n) if n <= MOST_PARAMETERS => Ok(()),
            _ => fail(format!(
                "[model] with this context and vocabulary has more than {MOST_PARAMETERS} parameters, beyond what a family on a CPU is \
                 for; lower n_layers, d_model or d_mlp"
            )),
        }
    }

    fn check_seeds(&self, fail: impl Fn(String) -> Result<(), Error>) -> Result<(), Error> {
        let SeedsSection { both, init, data } = &self.seeds;
        if both.is_empty() && (init.is_empty() || data.is_empty()) {
            return fail("[seeds] needs `both = [1, 2, 3]`, or `init` and `data`, which are crossed".into());
        }
        let is_crossed = !init.is_empty() || !data.is_empty();
        if is_crossed && !both.is_empty() {
            return fail("[seeds] has `both` beside `init` or `data`; give `both`, or the other two".into());
        }
        for (key, seeds) in [("both", both), ("init", init), ("data", data)] {
            let mut seen = BTreeSet::new();
            if let Some(repeated) = seeds.iter().find(|seed| !seen.insert(**seed)) {
                return fail(format!("seeds.{key} names {repeated} twice"));
            }
            // TOML has no larger integers, and family.resolved.toml must hold them.
            if let Some(large) = seeds.iter().find(|seed| i64::try_from(**seed).is_err()) {
                return fail(format!("seeds.{key} names {large}, which is beyond 2^63 - 1"));
            }
        }
        Ok(())
    }

    fn check_training(&self, fail: impl Fn(String) -> Result<(), Error>) -> Result<(), Error> {
        let training = &self.training;
        if training.steps == 0 {
            return fail("training.steps must be at least 1".into());
        }
        // `AdamW` takes powers of an i32.
        if training.steps > i32::MAX as u64 {
            return fail(format!("training.steps = {} is beyond 2^31 - 1", training.steps));
        }
        if training.batch_rows == 0 {
            return fail("training.batch_rows must be at least 1".into());
        }
        if training.warmup_steps() == 0 || training.warmup_steps() > training.steps {
            return fail(format!("training.warmup_steps must be 1 to {}, the steps", training.steps));
        }
        if training.evaluate_every() == 0 {
            return fail("training.evaluate_every must be at least 1".into());
        }
        // As f32, in which they are used.
        let is_positive = |value: f64| value as f32 > 0.0 && (value as f32).is_finite();
        let positive = [
            ("learning_rate", training.learning_rate),
            ("epsilon", training.epsilon),
            ("clip_norm", training.clip_norm),
        ];
        if let Some((key, value)) = positive.into_iter().find(|(_, value)| !is_positive(*value)) {
            return fail(format!("training.{key} = {value} must be a positive number"));
        }
        let least = training.min_learning_rate();
        if !(0.0..=training.learning_rate).contains(&least) {
            return fail(format!("training.min_learning_rate = {least} must lie between 0 and learning_rate"));
        }
        for (key, value) in [("beta1", training.beta1), ("beta2", training.beta2)] {
            if !(0.0..1.0).contains(&(value as f32)) {
                return fail(format!("training.{key} = {value} must be at least 0 and less than 1"));
            }
        }
        if !(0.0..1.0).contains(&training.dropout) {
            return fail(format!("training.dropout = {} must be at least 0 and less than 1", training.dropout));
        }
        if !(0.0..1.0).contains(&(training.weight_decay * training.learning_rate)) {
            return fail(format!(
                "training.weight_decay = {} must not be negative, nor reach 1 / learning_rate",
                training.weight_decay
            ));
        }
        let listed = &self.checkpoints.steps;
        // They are sorted.
        if let Some((repeated, _)) = listed.iter().zip(listed.iter().skip(1)).find(|(step, next)| step == next) {
            return fail(format!("checkpoints.steps names {repeated} twice"));
        }
        if let Some(beyond) = listed.iter().find(|&&step| step > training.steps) {
            return fail(format!("checkpoints.steps names {beyond}, but training ends at step {}", training.steps));
        }
        // More than this many folders serve nobody.
        if listed.is_empty() && !(1..=10_000).contains(&self.checkpoints.count) {
            return fail("checkpoints.count must be 1 to 10000, or list checkpoints.steps".into());
        }
        Ok(())
    }
}
