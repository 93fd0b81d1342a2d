//! What of `study.resolved.toml` is needed to show a run: the file holds every setting, defaults included.

use std::fs;
use std::path::Path;

use toml::{Table, Value};

use crate::Error;

/// What makes a neuron universal; `threshold` and `thresholds` are of this rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Its excess correlation is greater than the threshold.
    Excess,
    /// Its best match correlates above the threshold in `count_models` other models.
    Count,
    /// Its q-value is at most the threshold.
    Fdr,
}

/// Threshold of the excess rule in a study of another rule.
const EXCESS_THRESHOLD: f64 = 0.5;

/// Settings of a run.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The whole file.
    pub(crate) table: Table,
    /// Its text.
    pub(crate) text: String,
    /// `universality.rule`
    pub(crate) rule: Rule,
    /// `universality.threshold`
    pub(crate) threshold: f64,
    /// `universality.thresholds`, ascending, with `threshold` among them.
    pub(crate) thresholds: Vec<f64>,
    /// `universality.count_threshold`
    pub(crate) count_threshold: f64,
    /// `universality.count_models`
    pub(crate) count_models: u64,
    /// `universality.fdr`
    pub(crate) fdr: f64,
    /// `evidence.level`, of intervals.
    pub(crate) level: f64,
    /// `correlation.top_k`
    pub(crate) top_k: usize,
    /// `baseline.kind`
    pub(crate) baseline_kind: String,
    /// `baseline.draws`
    pub(crate) baseline_draws: u64,
    /// `ablation.modes`; empty without ablation.
    pub(crate) ablation_modes: Vec<String>,
    /// `ablation.tokens`: tokens of the loss rows that ablations are measured on, rounded down to whole rows; 0 for all.
    pub(crate) ablation_tokens: u64,
}

impl Settings {
    /// Name of the file in a run folder.
    pub(crate) const FILE_NAME: &'static str = "study.resolved.toml";

    pub(super) fn read(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(Self::FILE_NAME);
        let text = fs::read_to_string(&path).map_err(Error::read(&path))?;
        let table: Table = text.parse().map_err(|source| Error::NotToml { path: path.clone(), source })?;
        let missing = |key: &'static str| Error::Setting { path: path.clone(), key };
        let value = |key: &'static str| {
            let (section, name) = key.split_once('.').expect("keys have a section");
            table.get(section).and_then(|section| section.get(name)).ok_or_else(|| missing(key))
        };
        let float = |key| value(key).and_then(|value| as_float(value).ok_or_else(|| missing(key)));
        let whole = |key| {
            let number = value(key)?.as_integer().and_then(|number| u64::try_from(number).ok());
            number.ok_or_else(|| missing(key))
        };
        let rule = match value("universality.rule")?.as_str() {
            Some("excess") => Rule::Excess,
            Some("count") => Rule::Count,
            Some("fdr") => Rule::Fdr,
            _ => return Err(missing("universality.rule")),
        };
        let thresholds = value("universality.thresholds")?.as_array().map(|list| list.iter().map(as_float).collect());
        let mut thresholds: Vec<f64> = thresholds.flatten().ok_or_else(|| missing("universality.thresholds"))?;
        thresholds.sort_by(f64::total_cmp);
        let is_ablated = value("ablation.enabled")?.as_bool().ok_or_else(|| missing("ablation.enabled"))?;
        let modes = || {
            let list = value("ablation.modes")?.as_array();
            let modes = list.and_then(|list| list.iter().map(|mode| mode.as_str().map(str::to_owned)).collect());
            modes.ok_or_else(|| missing("ablation.modes"))
        };
        Ok(Self {
            rule,
            threshold: float("universality.threshold")?,
            thresholds,
            count_threshold: float("universality.count_threshold")?,
            count_models: whole("universality.count_models")?,
            fdr: float("universality.fdr")?,
            level: float("evidence.level")?,
            top_k: whole("correlation.top_k")? as usize,
            baseline_kind: value("baseline.kind")?.as_str().ok_or_else(|| missing("baseline.kind"))?.to_owned(),
            baseline_draws: whole("baseline.draws")?,
            ablation_modes: if is_ablated { modes()? } else { Vec::new() },
            ablation_tokens: whole("ablation.tokens")?,
            text,
            table,
        })
    }

    /// Threshold of the excess rule, which stands beside every other.
    pub(crate) fn excess_threshold(&self) -> f64 {
        if self.rule == Rule::Excess { self.threshold } else { EXCESS_THRESHOLD }
    }

    /// A setting as the file writes it, for those that are only shown; `None` where the file has none.
    pub(crate) fn shown(&self, section: &str, name: &str) -> Option<String> {
        Some(match self.table.get(section)?.get(name)? {
            Value::String(text) => text.clone(),
            value => value.to_string(),
        })
    }
}

/// A number; whole ones are written without a point by people.
fn as_float(value: &Value) -> Option<f64> {
    value.as_float().or_else(|| value.as_integer().map(|number| number as f64))
}
