//! Text to a tokenizer and rows, once; a later call finds them in the family's folder.

use std::path::{Path, PathBuf};

use homolog_corpus::{RowsSpec, Tokenizer, find_files, hash_files, make_rows, train_tokenizer};
use homolog_model::Tokens;
use homolog_results::write_bytes;

use crate::folder::{TextRecord, expect_same};
use crate::stream::Stream;
use crate::{Error, FamilyConfig, Watch};

/// What the models are trained and evaluated on.
pub(crate) struct Corpus {
    pub(crate) rows: Tokens,
    pub(crate) held_out: Tokens,
    /// Bytes of the `tokenizer.json` that made them.
    pub(crate) tokenizer_json: Vec<u8>,
    pub(crate) d_vocab: usize,
    pub(crate) end_of_text: Option<u32>,
}

/// Where in the family's folder they lie.
pub(crate) const TOKENIZER: &str = "tokenizer/tokenizer.json";
const ROWS: [&str; 2] = ["rows/train", "rows/held-out"];

/// A token file of the folder: 16 bits an id where they suffice.
pub(crate) fn token_file(d_vocab: usize, is_held_out: bool) -> PathBuf {
    let extension = if d_vocab <= 1 << 16 { "u16" } else { "u32" };
    Path::new(ROWS[usize::from(is_held_out)]).with_extension(extension)
}

/// The corpus of a family, made or found again; `record` is what an earlier call made it from, and gets what it is made from now.
///
/// Errors: another text than the family was begun with; whatever is wrong with it.
pub(crate) fn prepare(
    config: &FamilyConfig,
    folder: &Path,
    record: &mut Option<TextRecord>,
    watch: &dyn Watch,
) -> Result<Corpus, Error> {
    let base = config.path.parent().unwrap_or(Path::new(""));
    let files = find_files(base, &config.corpus.files)?;
    let is_wanted = |n: u64| {
        watch.advance(n);
        !watch.is_cancelled()
    };
    let n_bytes = files.iter().filter_map(|file| file.metadata().ok()).map(|metadata| metadata.len()).sum();
    watch.begin("look at the text", n_bytes, "bytes");
    let files_hash = hash_files(&files, &is_wanted)?;
    watch.end();
    if let Some(record) = record {
        expect_same(folder, "text", &short(&record.files_hash), &short(&files_hash))?;
        return read(config, folder, record);
    }

    let tokenizer_path = folder.join(TOKENIZER);
    let json = if let Some(path) = &config.tokenizer.path {
        Tokenizer::open(&config.locate(path))?.to_json()?
    } else {
        let d_vocab = config.tokenizer.d_vocab.expect("filled when the file was read");
        watch.begin("make a tokenizer", n_bytes, "bytes");
        let json = train_tokenizer(&files, &config.corpus.text_field, d_vocab, &is_wanted)?;
        watch.end();
        json
    };
    write_bytes(&tokenizer_path, &json)?;
    let tokenizer = Tokenizer::open(&tokenizer_path)?;
    let spec = RowsSpec {
        context: config.corpus.context,
        bos: config.corpus.bos,
        tokens: config.corpus.tokens,
        held_out_tokens: None,
        text_field: config.corpus.text_field.clone(),
    };
    watch.begin("tokenize", n_bytes, "bytes");
    let rows = make_rows(&files, &tokenizer, &spec, &is_wanted)?;
    watch.end();
    let held_out = held_out(config, &rows.held_out)?;
    let mut hashes = Vec::new();
    for (ids, is_held_out) in [(&rows.rows, false), (&held_out, true)] {
        let path = folder.join(token_file(tokenizer.d_vocab(), is_held_out));
        let is_short = tokenizer.d_vocab() <= 1 << 16;
        let bytes = |id: &u32| id.to_le_bytes()[..if is_short { 2 } else { 4 }].to_vec();
        write_bytes(&path, &ids.iter().flat_map(bytes).collect::<Vec<u8>>())?;
        hashes.push(Tokens::new(&path, ids.clone(), config.corpus.context)?.hash().to_owned());
    }
    let made = TextRecord {
        files_hash,
        tokenizer_hash: tokenizer.hash().to_owned(),
        d_vocab: tokenizer.d_vocab(),
        end_of_text: tokenizer.end_of_text(),
        train_rows_hash: hashes[0].clone(),
        held_out_rows_hash: hashes[1].clone(),
        counts: rows.counts,
    };
    let corpus = read(config, folder, &made)?;
    *record = Some(made);
    Ok(corpus)
}

/// The held-out rows in a random order, as many as the settings want: so the first rows, by which losses are evaluated and neurons
/// ablated, are a fair sample of all documents.
fn held_out(config: &FamilyConfig, ids: &[u32]) -> Result<Vec<u32>, Error> {
    let context = config.corpus.context;
    let n_found = ids.len() / context;
    let n_wanted = config.corpus.held_out_tokens.map_or(n_found as u64, |tokens| tokens / context as u64);
    if n_found == 0 || n_wanted == 0 {
        return Err(Error::NothingHeldOut { path: config.path.clone() });
    }
    let order = Stream::new("homolog-train 2026 held-out rows", &[]).order(n_found);
    let drawn = order.into_iter().take(usize::try_from(n_wanted).unwrap_or(usize::MAX));
    Ok(drawn.flat_map(|row| &ids[row as usize * context..][..context]).copied().collect())
}

/// One hash for those of all files.
fn short(files_hash: &[String]) -> String {
    format!("{} files, BLAKE3 {}", files_hash.len(), blake3::hash(files_hash.concat().as_bytes()).to_hex())
}

/// The files that an earlier call, or this one, wrote.
fn read(config: &FamilyConfig, folder: &Path, record: &TextRecord) -> Result<Corpus, Error> {
    let [rows, held_out] = [false, true].map(|is_held_out| folder.join(token_file(record.d_vocab, is_held_out)));
    let rows = Tokens::read(&rows, config.corpus.context)?;
    let held_out = Tokens::read(&held_out, config.corpus.context)?;
    expect_same(folder, "training rows", &record.train_rows_hash, rows.hash())?;
    expect_same(folder, "held-out rows", &record.held_out_rows_hash, held_out.hash())?;
    let path = folder.join(TOKENIZER);
    let tokenizer = Tokenizer::open(&path)?;
    expect_same(folder, "tokenizer", &record.tokenizer_hash, tokenizer.hash())?;
    let batch_rows = config.training.batch_rows;
    if batch_rows > rows.n_rows() {
        return Err(Error::BatchLargerThanCorpus {
            path: config.path.clone(),
            batch_rows,
            n_rows: rows.n_rows(),
            context: rows.context(),
        });
    }
    Ok(Corpus {
        rows,
        held_out,
        tokenizer_json: tokenizer.to_json()?,
        d_vocab: record.d_vocab,
        end_of_text: record.end_of_text,
    })
}
