//! Text to a token file that studies can use again, and a manifest of what it was made from.

use std::path::{Path, PathBuf};

use homolog_corpus::{RowsSpec, find_files};
use homolog_model::Tokens;
use homolog_results::{TensorData, TextInput, remove_files, write_bytes, write_tensors};
use serde::Serialize;

use crate::stages::tokenize::Source;
use crate::{Error, Progress};

/// What to tokenize, and how.
#[derive(Clone, Debug)]
pub struct TokenizeRequest {
    /// Patterns of text files, from the working directory, read in this order.
    pub files: Vec<PathBuf>,
    /// Folder of the tokenizer, or a `tokenizer.json`.
    pub tokenizer: PathBuf,
    /// Tokens of a row.
    pub context: usize,
    /// Positions of all rows; none: all the text gives.
    pub tokens: Option<u64>,
    /// Positions of the held-out rows; 0: no split.
    pub held_out_tokens: Option<u64>,
    /// Whether each row begins with BOS.
    pub bos: bool,
    /// Field or column of the text in `.jsonl` and Parquet.
    pub text_field: String,
    /// The token file: `.u16`, `.u32` or `.safetensors`.
    pub output: PathBuf,
}

/// `tokens.u16.json`: what a token file was made from.
#[derive(Serialize)]
struct TokenManifest {
    format: u32,
    files: Vec<TokenFile>,
    context: usize,
    bos: bool,
    text_field: String,
    text: TextInput,
    tokens_asked: Option<u64>,
    held_out_tokens_asked: Option<u64>,
}

/// One of the files written.
#[derive(Serialize)]
struct TokenFile {
    path: String,
    n_rows: usize,
    /// As a study's manifest tells it.
    tokens_hash: String,
    held_out: bool,
}

/// Write the token file, the one of held-out rows beside it if there are any, and `OUTPUT.json`; tells as Markdown what was made.
///
/// Errors: an output of another format, an id beyond 65,535 for `.u16`; whatever is wrong with text or tokenizer.
pub fn tokenize(request: &TokenizeRequest, progress: &dyn Progress) -> Result<String, Error> {
    let extension = request.output.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    if !["u16", "u32", "safetensors"].contains(&extension) {
        return Err(Error::UnknownTokenOutput { path: request.output.clone() });
    }
    let files = find_files(Path::new(""), &request.files)?;
    let source = Source::of(files, request.tokenizer.clone(), progress)?;
    let spec = RowsSpec {
        context: request.context,
        bos: request.bos,
        tokens: request.tokens,
        held_out_tokens: request.held_out_tokens,
        text_field: request.text_field.clone(),
    };
    let rows = source.rows(&spec, progress)?;
    let held_out = request.output.with_extension(format!("held-out.{extension}"));
    let mut manifest_path = request.output.clone().into_os_string();
    manifest_path.push(".json");
    let manifest_path = PathBuf::from(manifest_path);
    // What an earlier call left goes first, the manifest before the rest and written last: a kill in between leaves rows without one,
    // never rows of one call and held-out rows of another.
    remove_files(&[manifest_path.clone(), held_out.clone(), request.output.clone()])?;
    let mut written = Vec::new();
    for (path, ids, is_held_out) in [(&request.output, rows.rows, false), (&held_out, rows.held_out, true)] {
        if ids.is_empty() {
            continue;
        }
        write(path, extension, &ids, request.context)?;
        let tokens = Tokens::new(path, ids, request.context)?;
        written.push(TokenFile {
            path: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            n_rows: tokens.n_rows(),
            tokens_hash: tokens.hash().to_owned(),
            held_out: is_held_out,
        });
    }
    let text = source.record(&rows.counts, &|path| path.display().to_string());
    let mut lines = vec![
        format!(
            "{} documents ({} held out, {} empty), {} tokens that filled no row dropped",
            text.n_documents, text.n_held_out_documents, text.n_empty_documents, text.n_dropped_tokens
        ),
        String::new(),
        "[corpus]".into(),
    ];
    for file in &written {
        let key = if file.held_out { "held_out_token_file" } else { "token_file" };
        lines.push(format!("{key} = \"{}\"  # {} rows", file.path, file.n_rows));
    }
    lines.push(format!("context = {}", request.context));
    let manifest = TokenManifest {
        format: 1,
        files: written,
        context: request.context,
        bos: request.bos,
        text_field: request.text_field.clone(),
        text,
        tokens_asked: request.tokens,
        held_out_tokens_asked: request.held_out_tokens,
    };
    let json = serde_json::to_string_pretty(&manifest).expect("plain fields serialise") + "\n";
    write_bytes(&manifest_path, json.as_bytes())?;
    Ok(lines.join("\n") + "\n")
}

fn write(path: &Path, extension: &str, ids: &[u32], context: usize) -> Result<(), Error> {
    let bytes: Vec<u8> = match extension {
        "u16" => {
            let too_large = |&&id: &&u32| id > u32::from(u16::MAX);
            if let Some(&id) = ids.iter().find(too_large) {
                return Err(Error::IdTooLarge { path: path.to_path_buf(), id });
            }
            ids.iter().flat_map(|&id| (id as u16).to_le_bytes()).collect()
        }
        "u32" => ids.iter().flat_map(|id| id.to_le_bytes()).collect(),
        _ => {
            let shape = vec![ids.len() / context, context];
            let tensor = ("tokens".to_owned(), TensorData::U32 { shape, data: ids.to_vec() });
            return Ok(write_tensors(path, &[tensor], &[])?);
        }
    };
    Ok(write_bytes(path, &bytes)?)
}
