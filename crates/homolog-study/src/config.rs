//! The study file: its sections, defaults, and what makes it invalid.

mod ablation;
mod check;
mod evidence;
mod overrides;
mod pair;
mod persistence;
mod suggest;
#[cfg(test)]
mod tests;
mod universality;
mod windows;

use std::path::{Path, PathBuf};

use homolog_model::Precision;
use serde::{Deserialize, Serialize};

use crate::Error;
pub(crate) use ablation::OWN_SETS;
pub use ablation::{AblationMode, AblationSection, AttributionSection, SetSection};
pub use evidence::{EvidenceSection, NullsSection};
pub use pair::PairRequest;
pub use persistence::PersistenceSection;
pub(crate) use suggest::nearest;
use universality::EXCESS_THRESHOLD;
pub use universality::{FdrFamily, UniversalityRule, UniversalitySection};
pub use windows::{WindowCheckpoints, WindowsSection};

/// A study file with every default filled in. Paths are as written: relative to the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StudyConfig {
    /// Where the file is; not part of it.
    #[serde(skip)]
    pub path: PathBuf,
    /// `[study]`
    pub study: StudySection,
    /// `[[model]]`, at least two; the order seeds the rotations.
    #[serde(rename = "model", default)]
    pub models: Vec<ModelSection>,
    /// `[checkpoints]`; none: a model's path is the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoints: Option<CheckpointsSection>,
    /// `[corpus]`
    pub corpus: CorpusSection,
    /// `[correlation]`
    #[serde(default)]
    pub correlation: CorrelationSection,
    /// `[baseline]`
    #[serde(default)]
    pub baseline: BaselineSection,
    /// `[universality]`
    #[serde(default)]
    pub universality: UniversalitySection,
    /// `[evidence]`
    #[serde(default)]
    pub evidence: EvidenceSection,
    /// `[nulls]`
    #[serde(default)]
    pub nulls: NullsSection,
    /// `[persistence]`
    #[serde(default)]
    pub persistence: PersistenceSection,
    /// `[windows]`
    #[serde(default)]
    pub windows: WindowsSection,
    /// `[ablation]`
    #[serde(default)]
    pub ablation: AblationSection,
    /// `[attribution]`
    #[serde(default)]
    pub attribution: AttributionSection,
}

/// `[study]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StudySection {
    /// Names the run folder.
    pub name: String,
}

/// One `[[model]]`: an independently trained run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSection {
    /// How tables call it.
    pub name: String,
    /// Folder of the model, or of its checkpoints.
    pub path: PathBuf,
}

/// `[checkpoints]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckpointsSection {
    /// Training steps, ascending.
    pub steps: Vec<i64>,
    /// Folder of a step below the model's path; `{step}` stands for the number.
    #[serde(default = "default_pattern")]
    pub pattern: String,
}

fn default_pattern() -> String {
    "checkpoint-{step}".into()
}

/// `[corpus]`: ready-made rows, or text to make them from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CorpusSection {
    /// Rows of correlations and moments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_file: Option<PathBuf>,
    /// Rows of losses and ablations; none: those of `token_file`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_out_token_file: Option<PathBuf>,
    /// Instead of `token_file`: patterns of text files, read in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<PathBuf>,
    /// With `files`: folder of the tokenizer, or a `tokenizer.json`; none: the first model's folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokenizer: Option<PathBuf>,
    /// With `files`: positions of the rows of correlations; none: all the text gives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// With `files`: positions of the rows of losses, from documents of their own; 0: the same rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_out_tokens: Option<u64>,
    /// With `files`: whether each row begins with BOS; none until resolved: true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bos: Option<bool>,
    /// With `files`: field or column of the text in `.jsonl` and Parquet; none until resolved: "text".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text_field: Option<String>,
    /// Tokens of a row.
    pub context: usize,
    /// Ids whose positions are not counted; none until resolved.
    pub exclude_tokens: Option<Vec<u32>>,
}

impl CorpusSection {
    /// Whether rows are made from text.
    pub fn is_text(&self) -> bool {
        !self.files.is_empty()
    }
}

/// `[correlation]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CorrelationSection {
    /// Of the forwards' products with weights, of correlations and of baselines.
    pub precision: Precision,
    /// Best matches kept of each neuron and pair.
    pub top_k: usize,
    /// How the best match is found.
    pub search: Search,
    /// `[correlation.screening]`, of search `screened`.
    pub screening: ScreeningSection,
}

impl Default for CorrelationSection {
    fn default() -> Self {
        Self { precision: Precision::F32, top_k: 16, search: Search::Exact, screening: ScreeningSection::default() }
    }
}

impl CorrelationSection {
    /// What of the section decides a result: of an exact search nothing of the screening.
    pub(crate) fn deciding(&self) -> serde_json::Value {
        match self.search {
            Search::Exact => serde_json::json!({ "precision": self.precision, "top_k": self.top_k }),
            Search::Screened => serde_json::to_value(self).expect("plain values serialise"),
        }
    }
}

/// How the best match of a neuron is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Search {
    /// Every pair of neurons over all tokens.
    Exact,
    /// Every pair over a sample of the tokens; over all of them only candidates, and what these leave in doubt.
    Screened,
}

/// `[correlation.screening]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScreeningSection {
    /// Positions of the sample on which every pair of neurons is correlated; whole rows at even distances.
    pub tokens: usize,
    /// Candidates kept of each neuron and other model.
    pub candidates: usize,
    /// Positions on which candidates are narrowed before all tokens are read; skipped where that is less than twice the sample, or
    /// all there are.
    pub narrowing_tokens: usize,
    /// Standard errors by which a match must lie above what a neuron that is no candidate could reach.
    pub margin: f64,
    /// Neurons of each model, drawn at random, that are computed exactly too: they tell how far the rest can be trusted.
    pub audit: usize,
    /// Of the audited neurons.
    pub audit_seed: u64,
    /// Whether neurons whose excess correlation lies close to a threshold are computed exactly.
    pub exact_near_thresholds: bool,
}

impl Default for ScreeningSection {
    fn default() -> Self {
        Self {
            tokens: 50_000,
            candidates: 32,
            narrowing_tokens: 400_000,
            margin: 5.0,
            audit: 128,
            audit_seed: 0,
            exact_near_thresholds: true,
        }
    }
}

/// `[baseline]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BaselineSection {
    /// What is done to the other model.
    pub kind: BaselineKind,
    /// Draws whose maxima are averaged.
    pub draws: usize,
    /// Of the draws.
    pub seed: u64,
}

impl Default for BaselineSection {
    fn default() -> Self {
        Self { kind: BaselineKind::Orthogonal, draws: 1, seed: 0 }
    }
}

/// The null against which a correlation is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BaselineKind {
    /// Haar-orthogonal rotation within each layer.
    Orthogonal,
    /// Gaussian matrix with rows of unit norm.
    GaussianRows,
    /// Rows of tokens permuted, positions kept.
    PermutedRows,
}

impl std::fmt::Display for BaselineKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Orthogonal => "orthogonal",
            Self::GaussianRows => "gaussian-rows",
            Self::PermutedRows => "permuted-rows",
        })
    }
}

/// Settings of the study format that this version cannot carry out: (section, key, what to do instead).
const NOT_BUILT: [(&str, &str, &str); 2] = [
    ("model", "hub", "give the model's folder as `path`"),
    ("corpus", "hub", "give text as `files` or rows of tokens as `token_file`"),
];

impl StudyConfig {
    /// Read and check a study file, with some settings changed: each of `set` is a `key=value`, the key a path
    /// with dots (`model.0.path` for the first model), the value TOML or plain text.
    ///
    /// Errors: unreadable, not TOML, unknown keys, settings that contradict each other. What depends on the models (ids,
    /// positions, files) is checked when they are opened.
    pub fn read(path: &Path, set: &[String]) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| Error::UnreadableStudy { path: path.to_path_buf(), source })?;
        Self::parse(&text, path, set)
    }

    /// The same from text; `path` is where relative paths start from.
    pub fn parse(text: &str, path: &Path, set: &[String]) -> Result<Self, Error> {
        let bad = |error: &toml::de::Error| Error::BadStudy {
            path: path.to_path_buf(),
            message: suggest::with_suggestion(&error.to_string()),
        };
        let mut table: toml::Table = toml::from_str(text).map_err(|error| bad(&error))?;
        for setting in set {
            overrides::apply(&mut table, setting)
                .map_err(|message| Error::BadOverride { setting: setting.clone(), message })?;
        }
        for (section, key, instead) in NOT_BUILT {
            let has_key = |section: &toml::Value| section.get(key).is_some();
            let is_used = table.get(section).is_some_and(|value| match value {
                toml::Value::Array(sections) => sections.iter().any(has_key),
                section => has_key(section),
            });
            if is_used {
                let (setting, instead) = (format!("{section}.{key}"), instead.to_owned());
                return Err(Error::NotBuilt { path: path.to_path_buf(), setting, instead });
            }
        }
        // From the text where nothing was changed, so that the message shows the line.
        let config = if set.is_empty() { toml::from_str(text) } else { table.try_into() };
        let mut config: Self = config.map_err(|error| match bad(&error) {
            Error::BadStudy { path, message } if !set.is_empty() && message.contains("invalid type") => {
                let hint = "a text that reads like a number or date goes in quotes: --set 'key=\"2024\"'";
                Error::BadStudy { path, message: format!("{}\n{hint}", message.trim_end()) }
            }
            error => error,
        })?;
        config.path = path.to_path_buf();
        config.fill();
        config.check()?;
        Ok(config)
    }

    /// The file that `study.resolved.toml` holds.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("sections of plain values serialise")
    }

    /// A path of the file, found from where the file is.
    pub fn locate(&self, path: &Path) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(path)
    }

    /// Training steps; one none when the study names no checkpoints.
    pub fn steps(&self) -> Vec<Option<i64>> {
        match &self.checkpoints {
            Some(checkpoints) => checkpoints.steps.iter().map(|&step| Some(step)).collect(),
            None => vec![None],
        }
    }

    /// Folder of one model at one step.
    pub fn folder(&self, model: &ModelSection, step: Option<i64>) -> PathBuf {
        match (&self.checkpoints, step) {
            (Some(checkpoints), Some(step)) => {
                model.path.join(checkpoints.pattern.replace("{step}", &step.to_string()))
            }
            _ => model.path.clone(),
        }
    }

    /// Other models in which the count rule asks for a match.
    pub fn count_models(&self) -> usize {
        self.universality.count_models.expect("filled when the file was read")
    }

    /// What a neuron's score must pass.
    pub fn threshold(&self) -> f64 {
        self.universality.threshold.expect("filled when the file was read")
    }

    /// What an excess must pass by the excess rule, whether or not that is the study's.
    pub fn excess_threshold(&self) -> f64 {
        match self.universality.rule {
            UniversalityRule::Excess => self.threshold(),
            UniversalityRule::Count | UniversalityRule::Fdr => EXCESS_THRESHOLD,
        }
    }

    /// All thresholds of the sweep, ascending.
    pub fn thresholds(&self) -> &[f64] {
        self.universality.thresholds.as_deref().expect("filled when the file was read")
    }

    fn fill(&mut self) {
        if let Some(checkpoints) = &mut self.checkpoints {
            checkpoints.steps.sort_unstable();
        }
        if self.corpus.is_text() {
            self.corpus.bos.get_or_insert(true);
            self.corpus.text_field.get_or_insert_with(|| "text".into());
        }
        self.universality.fill(self.models.len().saturating_sub(1));
        self.ablation.multiples.sort_unstable();
        self.ablation.modes.sort_unstable();
    }
}
