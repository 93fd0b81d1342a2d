//! Text to rows of tokens, made once and found again by the hashes of text and tokenizer.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use homolog_corpus::{Counts, RowsSpec, Tokenizer, find_files, hash_files, make_rows};
use homolog_model::Tokens;
use homolog_results::{FileInput, TensorData, TextInput, read_tensors, write_tensors};
use serde_json::json;

use crate::artifacts::{self, Artifacts, Unit};
use crate::{Error, Progress, StudyConfig};

/// Raised whenever the rules below change, or the artifact's form.
pub(crate) const VERSION: u32 = 2;

/// What became of the text, in the artifact's metadata as JSON.
const COUNTS: &str = "counts";

/// Rows made from text.
pub(crate) struct Tokenized {
    /// The artifact that holds both kinds of rows.
    pub(crate) path: PathBuf,
    pub(crate) tokens: Tokens,
    /// None if no document is held out.
    pub(crate) held_out: Option<Tokens>,
    pub(crate) text: TextInput,
    pub(crate) end_of_text: Option<u32>,
    pub(crate) newline: Option<u32>,
}

/// Text files and tokenizer, opened and hashed.
pub(crate) struct Source {
    pub(crate) files: Vec<PathBuf>,
    hashes: Vec<String>,
    pub(crate) tokenizer_path: PathBuf,
    pub(crate) tokenizer: Tokenizer,
}

impl Source {
    /// Of the study's `[corpus]`.
    pub(crate) fn open(config: &StudyConfig, progress: &dyn Progress) -> Result<Self, Error> {
        let base = config.locate(Path::new(""));
        let files = find_files(&base, &config.corpus.files)?;
        Self::of(files, tokenizer_path(config), progress)
    }

    pub(crate) fn of(files: Vec<PathBuf>, tokenizer_path: PathBuf, progress: &dyn Progress) -> Result<Self, Error> {
        let tokenizer = Tokenizer::open(&tokenizer_path)?;
        let hashes = with_bytes("hash text", &files, progress, |read| hash_files(&files, read))?;
        Ok(Self { files, hashes, tokenizer_path, tokenizer })
    }

    /// Everything but paths that decides the rows.
    fn decides(&self, spec: &RowsSpec) -> serde_json::Value {
        let formats: Vec<_> = self.files.iter().map(|file| extensions(file)).collect();
        json!({
            "files": self.hashes,
            "formats": formats,
            "tokenizer": self.tokenizer.hash(),
            "context": spec.context,
            "bos": spec.bos,
            "tokens": (spec.tokens, spec.held_out_tokens),
            "text_field": spec.text_field,
        })
    }

    /// Rows, and what became of the text.
    pub(crate) fn rows(&self, spec: &RowsSpec, progress: &dyn Progress) -> Result<homolog_corpus::Rows, Error> {
        with_bytes("tokenize", &self.files, progress, |read| make_rows(&self.files, &self.tokenizer, spec, read))
    }

    /// For a manifest; `name` says how a path is written there.
    pub(crate) fn record(&self, counts: &Counts, name: &dyn Fn(&Path) -> String) -> TextInput {
        let files = self.files.iter().zip(&self.hashes);
        TextInput {
            files: files.map(|(path, hash)| FileInput { path: name(path), hash: hash.clone() }).collect(),
            tokenizer: name(&self.tokenizer_path),
            tokenizer_hash: self.tokenizer.hash().to_owned(),
            n_documents: counts.n_documents,
            n_held_out_documents: counts.n_held_out_documents,
            n_empty_documents: counts.n_empty_documents,
            n_unused_documents: counts.n_unused_documents,
            n_unread_files: counts.n_unread_files,
            n_dropped_tokens: counts.n_dropped_tokens + counts.n_dropped_held_out_tokens,
        }
    }
}

/// As the study file says, else the first model's folder.
pub(crate) fn tokenizer_path(config: &StudyConfig) -> PathBuf {
    match &config.corpus.tokenizer {
        Some(path) => config.locate(path),
        None => config.locate(&config.folder(&config.models[0], config.steps()[0])),
    }
}

fn spec(config: &StudyConfig) -> RowsSpec {
    let corpus = &config.corpus;
    RowsSpec {
        context: corpus.context,
        bos: corpus.bos.unwrap_or(true),
        tokens: corpus.tokens,
        held_out_tokens: corpus.held_out_tokens,
        text_field: corpus.text_field.clone().unwrap_or_else(|| "text".into()),
    }
}

/// Rows of the study's text.
pub(crate) fn run(
    config: &StudyConfig,
    artifacts: &mut Artifacts,
    name: &dyn Fn(&Path) -> String,
    progress: &dyn Progress,
) -> Result<Tokenized, Error> {
    let source = Source::open(config, progress)?;
    let spec = spec(config);
    let key = artifacts::key("tokenize", VERSION, &source.decides(&spec));
    let unit = Unit { stage: "tokenize", of: "text".into(), key, extension: "safetensors" };
    let path = artifacts.get_or_make(&unit, progress, |path| {
        let rows = source.rows(&spec, progress)?;
        let counts = serde_json::to_string(&rows.counts).expect("plain numbers serialise");
        let ids = |ids: Vec<u32>| TensorData::U32 { shape: vec![ids.len() / spec.context, spec.context], data: ids };
        let tensors = [("tokens".to_owned(), ids(rows.rows)), ("held_out".to_owned(), ids(rows.held_out))];
        Ok(write_tensors(path, &tensors, &[(COUNTS.to_owned(), counts)])?)
    })?;
    let tensors = read_tensors(&path)?;
    let tokens = Tokens::new(&path, tensors.u32("tokens")?.1, spec.context)?;
    let held_out = tensors.u32("held_out")?.1;
    let held_out = if held_out.is_empty() { None } else { Some(Tokens::new(&path, held_out, spec.context)?) };
    let counts = tensors.metadata().get(COUNTS).and_then(|counts| serde_json::from_str::<Counts>(counts).ok());
    let counts = counts.ok_or_else(|| Error::DamagedState { path: path.clone() })?;
    Ok(Tokenized {
        text: source.record(&counts, name),
        end_of_text: source.tokenizer.end_of_text(),
        newline: source.tokenizer.newline(),
        path,
        tokens,
        held_out,
    })
}

/// `jsonl.gz` of `a.b.jsonl.gz`: what decides how a file is read.
fn extensions(file: &Path) -> String {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let parts: Vec<&str> = name.rsplit('.').collect();
    match parts[..] {
        [packed @ ("gz" | "zst"), format, ..] => format!("{format}.{packed}"),
        [format, ..] => format.to_owned(),
        [] => String::new(),
    }
}

/// Work over files whose progress is counted in bytes.
fn with_bytes<T>(
    work: &str,
    files: &[PathBuf],
    progress: &dyn Progress,
    run: impl FnOnce(&(dyn Fn(u64) -> bool + Sync)) -> Result<T, homolog_corpus::Error>,
) -> Result<T, Error> {
    let total: u64 = files.iter().filter_map(|file| std::fs::metadata(file).ok()).map(|metadata| metadata.len()).sum();
    let left = AtomicU64::new(total);
    progress.begin(work, total.max(1), "bytes");
    let done = run(&|read| {
        // Estimates may overshoot; the bar does not.
        let before = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| Some(left.saturating_sub(read)));
        progress.advance(before.unwrap_or(0).min(read));
        !progress.is_cancelled()
    })?;
    // Reading stops when all rows are there.
    progress.advance(left.load(Ordering::Relaxed) + u64::from(total == 0));
    progress.end();
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_told_by_the_last_extensions() {
        let of = |name: &str| extensions(Path::new(name));
        assert_eq!(of("a/b.txt"), "txt");
        assert_eq!(of("a.b.jsonl.gz"), "jsonl.gz");
        assert_eq!(of("x.parquet"), "parquet");
        assert_eq!(of("x.txt.zst"), "txt.zst");
    }

    #[test]
    fn counts_survive_as_json() {
        let counts = Counts { n_documents: 1, n_held_out_documents: 2, n_empty_documents: 3, ..Counts::default() };
        let text = serde_json::to_string(&counts).expect("plain numbers");
        assert_eq!(serde_json::from_str::<Counts>(&text).ok(), Some(counts));
        assert!(serde_json::from_str::<Counts>("[1, 2]").is_err());
    }
}
