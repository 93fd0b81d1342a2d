//! A run folder held against its manifest: are inputs, tables and artifacts still what they were?

use std::path::{Path, PathBuf};

use homolog_corpus::Tokenizer;
use homolog_model::{Checkpoint, Tokens};
use homolog_results::{Manifest, TokensInput, file_hash};

use crate::{Error, Progress};

/// What became of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Its hash is that of the manifest.
    Same,
    /// It is another.
    Differs,
    /// It cannot be read, for this reason.
    Unreadable(String),
}

/// One file of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// `table`, `tensors`, `artifact`, `weights`, `config`, `study`, `tokens`, `text`, `tokenizer`, `neuron list`.
    pub what: &'static str,
    /// The file, from the working directory.
    pub path: PathBuf,
    /// What became of it.
    pub finding: Finding,
}

/// A run folder verified.
#[derive(Clone, Debug)]
pub struct Verification {
    /// Name of the study.
    pub study: String,
    /// Whether the run is finished: an unfinished one has no tables to verify.
    pub is_finished: bool,
    /// Everything the manifest names.
    pub files: Vec<Verified>,
}

/// Hash everything that the manifest of `run_dir` names. Paths in it are taken from the run folder.
///
/// Errors: no manifest, or one that cannot be read; interrupted. What is wrong with a file is a finding.
pub fn verify(run_dir: &Path, progress: &dyn Progress) -> Result<Verification, Error> {
    let manifest = Manifest::read(run_dir)?.ok_or_else(|| Error::NotARun { path: run_dir.to_path_buf() })?;
    let inputs = &manifest.inputs;
    let mut checks: Vec<Check<'_>> = Vec::new();
    checks.extend(manifest.tables.iter().map(|table| Check::new("table", &table.path, &table.hash, hash_file)));
    checks.extend(manifest.tensors.iter().map(|file| Check::new("tensors", &file.path, &file.hash, hash_file)));
    let artifacts = manifest.stages.iter();
    checks.extend(artifacts.map(|stage| Check::new("artifact", &stage.artifact, &stage.artifact_hash, hash_file)));
    checks.extend(inputs.weights.iter().map(|weights| {
        Check::new("weights", &weights.path, &weights.weights_hash, |path| Ok(Checkpoint::hash_weights(path)?))
    }));
    let configs: Vec<String> = inputs.weights.iter().map(|weights| format!("{}/config.json", weights.path)).collect();
    checks.extend(
        inputs
            .weights
            .iter()
            .zip(&configs)
            .map(|(weights, path)| Check::new("config", path, &weights.config_file_hash, hash_file)),
    );
    checks.push(Check::new("study", "study.resolved.toml", &manifest.resolved_hash, hash_file));
    match &inputs.text {
        Some(text) => {
            checks.extend(text.files.iter().map(|file| Check::new("text", &file.path, &file.hash, hash_file)));
            let hash = |path: &Path| Ok(Tokenizer::open(path)?.hash().to_owned());
            checks.push(Check::new("tokenizer", &text.tokenizer, &text.tokenizer_hash, hash));
        }
        None => checks.extend([Some(&inputs.tokens), inputs.held_out_tokens.as_ref()].into_iter().flatten().map(rows)),
    }
    checks.extend(inputs.neuron_lists.iter().map(|list| Check::new("neuron list", &list.path, &list.hash, hash_file)));

    progress.begin("verify", checks.len().max(1) as u64, "files");
    let mut files = Vec::new();
    for Check { what, path, hash, of } in &checks {
        progress.check()?;
        let path = run_dir.join(path);
        let finding = match of(&path) {
            Ok(found) if found == **hash => Finding::Same,
            Ok(_) => Finding::Differs,
            Err(error) => Finding::Unreadable(error.to_string()),
        };
        files.push(Verified { what, path, finding });
        progress.advance(1);
    }
    progress.end();
    Ok(Verification { study: manifest.study, is_finished: manifest.is_finished, files })
}

/// The hash of a file or folder as it is now.
type Hash = dyn Fn(&Path) -> Result<String, Error>;

/// One file to hash.
struct Check<'a> {
    what: &'static str,
    /// From the run folder.
    path: &'a str,
    hash: &'a str,
    of: Box<Hash>,
}

impl<'a> Check<'a> {
    fn new(
        what: &'static str,
        path: &'a str,
        hash: &'a str,
        of: impl Fn(&Path) -> Result<String, Error> + 'static,
    ) -> Self {
        Self { what, path, hash, of: Box::new(of) }
    }
}

fn rows(tokens: &TokensInput) -> Check<'_> {
    let context = tokens.context as usize;
    let of = move |path: &Path| Ok(Tokens::read(path, context)?.hash().to_owned());
    Check::new("tokens", &tokens.path, &tokens.tokens_hash, of)
}

fn hash_file(path: &Path) -> Result<String, Error> {
    Ok(file_hash(path)?)
}
