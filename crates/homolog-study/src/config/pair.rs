//! The study of two models that needs no study file.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use homolog_model::Config;
use toml::{Table, Value};

use super::StudyConfig;
use crate::Error;

/// Rows are no longer than this unless told otherwise: what the paper's rows are.
const LONGEST_CONTEXT: usize = 512;

/// Two models and what they read.
#[derive(Clone, Debug)]
pub struct PairRequest {
    /// Model folders, from the working directory.
    pub models: [PathBuf; 2],
    /// A token file, or patterns of text files.
    pub corpus: Vec<PathBuf>,
    /// Folder of the tokenizer of the text; none: the first model's.
    pub tokenizer: Option<PathBuf>,
    /// Tokens of a row; none: what both models can take, 512 at most.
    pub context: Option<usize>,
    /// Positions of the rows made from text; none: all.
    pub tokens: Option<u64>,
}

impl StudyConfig {
    /// A study of two models without ablation, with some settings changed as in [`StudyConfig::read`].
    ///
    /// Errors: a config of the models cannot be read; those of a study file.
    pub fn of_pair(
        request: &PairRequest,
        allowed_config_keys: &BTreeSet<String>,
        set: &[String],
    ) -> Result<Self, Error> {
        let [a, b] = names(&request.models);
        let context = match request.context {
            Some(context) => context,
            None => context_of(&request.models, allowed_config_keys)?,
        };
        let path = |path: &Path| {
            Value::from(std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf()).display().to_string())
        };
        let mut corpus = Table::from_iter([("context".to_owned(), Value::from(context as i64))]);
        let is_rows = |file: &Path| {
            let extension = file.extension().and_then(|extension| extension.to_str());
            matches!(extension, Some("u16" | "u32" | "npy" | "safetensors"))
        };
        match &request.corpus[..] {
            [file] if is_rows(file) => {
                corpus.insert("token_file".into(), path(file));
            }
            files => {
                corpus.insert("files".into(), files.iter().map(|file| path(file)).collect::<Vec<_>>().into());
                corpus.insert("held_out_tokens".into(), 0.into());
            }
        }
        if let Some(tokenizer) = &request.tokenizer {
            corpus.insert("tokenizer".into(), path(tokenizer));
        }
        if let Some(tokens) = request.tokens {
            corpus.insert("tokens".into(), Value::from(i64::try_from(tokens).unwrap_or(i64::MAX)));
        }
        let model = |name: &String, folder: &Path| {
            Value::Table(Table::from_iter([
                ("name".to_owned(), name.as_str().into()),
                ("path".to_owned(), path(folder)),
            ]))
        };
        let models = vec![model(&a, &request.models[0]), model(&b, &request.models[1])];
        // Other folders of the same names are another comparison.
        let folders: Vec<String> = request.models.iter().map(|folder| path(folder).to_string()).collect();
        let which = blake3::hash(folders.join("\n").as_bytes()).to_hex();
        let study_name = format!("compare-{a}-{b}-{}", &which[..6]).replace(['/', '\\'], "_");
        let study = Table::from_iter([
            ("study".to_owned(), Value::Table(Table::from_iter([("name".to_owned(), study_name.into())]))),
            ("model".to_owned(), models.into()),
            ("corpus".to_owned(), corpus.into()),
            ("ablation".to_owned(), Value::Table(Table::from_iter([("enabled".to_owned(), false.into())]))),
        ]);
        let text = toml::to_string(&study).expect("plain values serialise");
        Self::parse(&text, Path::new("the two models"), set)
    }
}

/// The last part of each path, with as many before it as it takes to tell them apart.
fn names(models: &[PathBuf; 2]) -> [String; 2] {
    let parts = |path: &PathBuf| -> Vec<String> {
        let parts = path.components().filter(|part| matches!(part, Component::Normal(_)));
        parts.map(|part| part.as_os_str().to_string_lossy().replace(['+', '|'], "_")).collect()
    };
    let [a, b] = [parts(&models[0]), parts(&models[1])];
    let suffix = |parts: &[String], n: usize| parts[parts.len().saturating_sub(n)..].join("/");
    for n in 1..=a.len().max(b.len()) {
        let names = [suffix(&a, n), suffix(&b, n)];
        if names[0] != names[1] && names.iter().all(|name| !name.is_empty()) {
            return names;
        }
    }
    ["a".into(), "b".into()]
}

fn context_of(models: &[PathBuf; 2], allowed_config_keys: &BTreeSet<String>) -> Result<usize, Error> {
    let mut context = LONGEST_CONTEXT;
    for model in models {
        context = context.min(Config::read(model, allowed_config_keys)?.n_ctx);
    }
    Ok(context)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_models_apart() {
        let of = |a: &str, b: &str| names(&[a.into(), b.into()]);
        assert_eq!(of("family/seed-a", "family/seed-b/"), ["seed-a", "seed-b"]);
        assert_eq!(of("x/seed-a/last", "x/seed-b/last"), ["seed-a/last", "seed-b/last"]);
        assert_eq!(of("one", "other/one"), ["one", "other/one"]);
        assert_eq!(of("a+b", "c"), ["a_b", "c"]);
        assert_eq!(of("same", "same"), ["a", "b"]);
        assert_eq!(of("..", "."), ["a", "b"]);
    }
}
