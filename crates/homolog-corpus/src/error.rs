//! What can be wrong with text, its files or a tokenizer.

use std::path::PathBuf;

/// A variant per cause; each names the file, and the line or row where there is one. Messages end in what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The pattern is not one.
    #[error("corpus files `{pattern}`: {message}; * ? [ and ** are special, [*] is a plain star")]
    BadPattern {
        /// As given.
        pattern: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// No file has such a name.
    #[error("corpus files `{pattern}`: there is no such file in {base}; correct the pattern or the folder")]
    NoMatch {
        /// As given.
        pattern: PathBuf,
        /// What it is relative to.
        base: PathBuf,
    },
    /// One file under two names or two patterns: its text would count twice.
    #[error("{path} is matched twice, by `{first}` and by `{second}`; name each file once")]
    MatchedTwice {
        /// The file.
        path: PathBuf,
        /// The first pattern.
        first: PathBuf,
        /// The second; the same one where two links of it lead to one file.
        second: PathBuf,
    },
    /// The name tells no format.
    #[error(
        "{path}: its name ends in none of .txt .jsonl .parquet (the first two also with .gz or .zst); rename or convert it"
    )]
    UnknownExtension {
        /// The file.
        path: PathBuf,
    },
    /// Compressed bytes that do not decompress.
    #[error("{path} does not decompress ({message}); fetch or compress it again")]
    BadCompression {
        /// The file.
        path: PathBuf,
        /// The codec's complaint.
        message: String,
    },
    /// Far more text than the file has bytes, which no natural text has.
    #[error("{path} decompresses to more than {limit} bytes, 64 times its size; if that is meant, decompress it first")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Bytes of text that were let through.
        limit: u64,
    },
    /// Bytes that are not UTF-8.
    #[error("{path}{}: byte {offset} of the text is not UTF-8; convert the file to UTF-8", at_line(*line))]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// From 1; none in a `.txt`.
        line: Option<u64>,
        /// Of the decompressed file, from 0.
        offset: u64,
    },
    /// A line of a `.jsonl` without anything on it.
    #[error("{path}:{line}: the line is blank; each line is one JSON object: remove it")]
    BlankLine {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: u64,
    },
    /// A line of a `.jsonl` that is no JSON object with the text in it.
    #[error(
        "{path}:{line}: {message}; each line is one JSON object whose key `{field}` is the text: correct it or `text_field`"
    )]
    BadLine {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: u64,
        /// The key of the text.
        field: String,
        /// What is wrong.
        message: String,
    },
    /// A Parquet file without the column.
    #[error(
        "{path}: it has no column `{field}`; its columns are {columns}: name the one with the text as `text_field`"
    )]
    NoColumn {
        /// The file.
        path: PathBuf,
        /// The column asked for.
        field: String,
        /// Those it has.
        columns: String,
    },
    /// A column that is no text.
    #[error("{path}: column `{field}` is {found}, not text; name a column of strings as `text_field`")]
    NotText {
        /// The file.
        path: PathBuf,
        /// The column.
        field: String,
        /// Its type.
        found: String,
    },
    /// A row without text.
    #[error("{path}: row {row} of column `{field}` is null; remove such rows, or make them empty strings")]
    NullText {
        /// The file.
        path: PathBuf,
        /// From 0, over the whole file.
        row: u64,
        /// The column.
        field: String,
    },
    /// Not a Parquet file, or a damaged one.
    #[error("{path} is not a readable Parquet file (at row {row}: {message}); fetch or write it again")]
    BadParquet {
        /// The file.
        path: PathBuf,
        /// The reader's complaint.
        message: String,
        /// The first row, from 0, that was not read.
        row: u64,
    },
    /// The folder holds no tokenizer.
    #[error(
        "{path} holds no tokenizer: neither tokenizer.json nor vocab.json with merges.txt; copy them from the model"
    )]
    NoTokenizer {
        /// The folder.
        path: PathBuf,
    },
    /// A tokenizer file that is not understood.
    #[error("{path} is not a usable tokenizer ({message}); copy it from the model again")]
    BadTokenizer {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// A tokenizer that gives other ids each time.
    #[error("{path}: the tokenizer drops merges at random (`dropout`); set `dropout` to null")]
    RandomTokenizer {
        /// The file.
        path: PathBuf,
    },
    /// The tokenizer refuses a text.
    #[error("{path}: the tokenizer fails on the document that begins {begin:?} ({message})")]
    NotTokenized {
        /// The text's file, or the tokenizer's.
        path: PathBuf,
        /// The first characters of the text.
        begin: String,
        /// The tokenizer's complaint.
        message: String,
    },
    /// A run of whitespace on which the tokenizer's regular expressions give up without a word, or a word that would take too long or
    /// too much memory.
    #[error(
        "{path}: the document that begins {begin:?} has more than {limit} {what} in a row, on which tokenizers \
         go wrong, or take hours or gigabytes; shorten such runs"
    )]
    TooLongRun {
        /// The text's file.
        path: PathBuf,
        /// The first characters of the text.
        begin: String,
        /// The kind of characters.
        what: &'static str,
        /// The longest run that is let through.
        limit: usize,
    },
    /// The tokenizer has no token to begin rows with.
    #[error(
        "{tokenizer}: it has no token <|endoftext|> to begin each row with; set `bos = false`, or use another tokenizer"
    )]
    NoBos {
        /// The tokenizer.
        tokenizer: PathBuf,
    },
    /// The tokenizer has no token to put between documents.
    #[error(
        "{tokenizer}: it has no token <|endoftext|> to separate documents with; use another tokenizer, or one document only"
    )]
    NoSeparator {
        /// The tokenizer.
        tokenizer: PathBuf,
    },
    /// A row would hold no text.
    #[error("context = {context} leaves no token of text in a row; make it {least} or more")]
    ContextTooShort {
        /// As given.
        context: usize,
        /// The least that does.
        least: usize,
    },
    /// Not one row was asked for.
    #[error("{key} = {tokens} is less than one row of {context} tokens; ask for {context} or more")]
    LessThanOneRow {
        /// `tokens` or `held_out_tokens`.
        key: &'static str,
        /// As given.
        tokens: u64,
        /// Tokens of a row.
        context: usize,
    },
    /// More was asked for than the text holds.
    #[error(
        "tokens = {tokens} is {wanted} rows of {context}, but the text holds {found} ({found_tokens} tokens) beside \
         {n_held_out} held-out rows; ask for at most {found_tokens}, or add text{hint}"
    )]
    TooFewTokens {
        /// As given.
        tokens: u64,
        /// Rows that it comes to.
        wanted: u64,
        /// Rows there are.
        found: u64,
        /// Tokens of these.
        found_tokens: u64,
        /// Rows of the held-out side.
        n_held_out: u64,
        /// Tokens of a row.
        context: usize,
        /// Whether there is a held-out side to give up.
        hint: &'static str,
    },
    /// More held-out text was asked for than the text holds.
    #[error(
        "held_out_tokens = {tokens} is {wanted} rows of {context}, but the documents whose hash says held out (one in \
         twenty) hold {found} ({found_tokens} tokens); ask for at most {found_tokens}, or add text"
    )]
    TooFewHeldOutTokens {
        /// As given.
        tokens: u64,
        /// Rows that it comes to.
        wanted: u64,
        /// Rows there are.
        found: u64,
        /// Tokens of these.
        found_tokens: u64,
        /// Tokens of a row.
        context: usize,
    },
    /// The text does not fill one row.
    #[error(
        "the text does not fill one row of {context} tokens: {n_documents} documents, {n_empty} empty, {n_held_out} held \
         out; {hint}"
    )]
    NoRows {
        /// Tokens of a row.
        context: usize,
        /// Documents read.
        n_documents: u64,
        /// Of these without text.
        n_empty: u64,
        /// Of these on the held-out side.
        n_held_out: u64,
        /// What to do.
        hint: &'static str,
    },
    /// A tokenizer could not be made.
    #[error("no tokenizer could be made of the text: {message}; give an existing one")]
    NotTrained {
        /// What `tokenizers` says.
        message: String,
    },
    /// The text has too few different words for a vocabulary of this size.
    #[error("the text gives a vocabulary of {found} tokens, not of {d_vocab}; ask for {found} at most, or add text")]
    TooPoorText {
        /// Tokens asked for.
        d_vocab: usize,
        /// Tokens there are.
        found: usize,
    },
    /// The caller asked to stop.
    #[error("interrupted while text was read; run it again")]
    Interrupted,
}

fn at_line(line: Option<u64>) -> String {
    line.map(|line| format!(":{line}")).unwrap_or_default()
}
