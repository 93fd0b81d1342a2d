//! The corpus' files: found by pattern, told apart by name, hashed.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use crate::Error;
use crate::progress::Progress;

/// How the documents lie in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// `.txt`
    Text,
    /// `.jsonl`
    Lines,
    /// `.parquet`
    Parquet,
}

/// How its bytes are compressed. Parquet compresses by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compression {
    None,
    Gzip,
    Zstd,
}

/// The format that the name tells; upper case is read as lower case.
pub(crate) fn format(path: &Path) -> Result<(Layout, Compression), Error> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let (stem, compression) = if let Some(stem) = name.strip_suffix(".gz") {
        (stem, Compression::Gzip)
    } else if let Some(stem) = name.strip_suffix(".zst") {
        (stem, Compression::Zstd)
    } else {
        (name.as_str(), Compression::None)
    };
    let layout = match stem.rsplit_once('.').map(|(_, extension)| extension) {
        Some("txt") => Layout::Text,
        Some("jsonl") => Layout::Lines,
        Some("parquet") if compression == Compression::None => Layout::Parquet,
        _ => return Err(Error::UnknownExtension { path: path.to_path_buf() }),
    };
    Ok((layout, compression))
}

/// The files that `patterns` name, relative to `base`: patterns in their order, the matches of one sorted by path.
///
/// `*` and `?` stay inside a folder and do not match a leading dot, `**` is any depth of folders; a pattern that is the
/// name of a file means that file, whatever it contains. Folders are no matches.
///
/// Errors: a pattern without a match, a file matched twice (also through links), a name that tells no format.
pub fn find_files(base: &Path, patterns: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    let mut matched_by: HashMap<PathBuf, &PathBuf> = HashMap::new();
    for pattern in patterns {
        let matches = matches_of(base, pattern)?;
        if matches.is_empty() {
            return Err(Error::NoMatch { pattern: pattern.clone(), base: base.to_path_buf() });
        }
        for path in matches {
            format(&path)?;
            let real = fs::canonicalize(&path).map_err(|source| Error::Unreadable { path: path.clone(), source })?;
            if let Some(first) = matched_by.insert(real, pattern) {
                return Err(Error::MatchedTwice { path, first: first.clone(), second: pattern.clone() });
            }
            files.push(path);
        }
    }
    Ok(files)
}

fn matches_of(base: &Path, pattern: &Path) -> Result<Vec<PathBuf>, Error> {
    let literal = base.join(pattern);
    if literal.is_file() {
        return Ok(vec![literal]);
    }
    let bad = |message: String| Error::BadPattern { pattern: pattern.to_path_buf(), message };
    let text = pattern.to_str().ok_or_else(|| bad("it is not UTF-8".into()))?;
    let whole = if pattern.is_absolute() {
        text.to_string()
    } else {
        let base = base.to_str().ok_or_else(|| bad(format!("the folder {} is not UTF-8", base.display())))?;
        Path::new(&glob::Pattern::escape(base)).join(text).to_string_lossy().into_owned()
    };
    let options =
        glob::MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };
    let mut matches = Vec::new();
    for path in glob::glob_with(&whole, options).map_err(|error| bad(error.to_string()))? {
        let path = path.map_err(|error| Error::Unreadable { path: error.path().into(), source: error.into() })?;
        if path.is_file() {
            matches.push(path);
        }
    }
    matches.sort();
    Ok(matches)
}

/// BLAKE3 of each file's bytes as they lie on the disk, in hexadecimal, in the order of `files`.
///
/// `progress`: see [`make_rows`](crate::make_rows).
pub fn hash_files(files: &[PathBuf], progress: &(dyn Fn(u64) -> bool + Sync)) -> Result<Vec<String>, Error> {
    let mut buffer = vec![0; 1 << 20];
    files.iter().map(|path| hash_file(path, &mut buffer, progress)).collect()
}

fn hash_file(path: &Path, buffer: &mut [u8], progress: &Progress) -> Result<String, Error> {
    let unreadable = |source| Error::Unreadable { path: path.to_path_buf(), source };
    let mut file = File::open(path).map_err(unreadable)?;
    let mut hasher = blake3::Hasher::new();
    loop {
        let n_bytes = match file.read(buffer) {
            Ok(0) => return Ok(hasher.finalize().to_hex().to_string()),
            Ok(n_bytes) => n_bytes,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(unreadable(error)),
        };
        hasher.update(&buffer[..n_bytes]);
        if !progress(n_bytes as u64) {
            return Err(Error::Interrupted);
        }
    }
}

#[cfg(test)]
mod tests;
