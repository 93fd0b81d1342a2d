//! Which file a path of a URL stands for, if any.

use std::path::{Path, PathBuf};

/// The pages of a run, the one to begin with first.
pub(super) const PAGES: [&str; 2] = ["explorer/index.html", "report.html"];
/// What of a run folder is shown: the pages, and what they link to.
const SHOWN: [&str; 4] = ["explorer", "report.html", "figures", "tables"];

/// What a path stands for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// This file.
    File(PathBuf),
    /// A page at this path.
    Elsewhere(&'static str),
    /// Nothing that is shown.
    Nothing,
}

/// Looks below `root`, which has no symbolic link in it. Links that lead out of it, hidden files and `..` lead to nothing.
pub(super) fn find(root: &Path, path: &str) -> Found {
    if path == "/" {
        return PAGES.into_iter().find(|page| root.join(page).is_file()).map_or(Found::Nothing, Found::Elsewhere);
    }
    if path == "/explorer" || path == "/explorer/" {
        return Found::Elsewhere(PAGES[0]);
    }
    let file = decoded(path).and_then(|path| {
        let parts: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
        let is_plain = |part: &&str| !part.is_empty() && !part.starts_with('.') && !part.contains(['\\', ':', '\0']);
        (parts.iter().all(is_plain) && SHOWN.contains(parts.first()?)).then(|| parts.iter().collect::<PathBuf>())
    });
    let file = file.and_then(|file| root.join(file).canonicalize().ok());
    match file {
        Some(file) if file.starts_with(root) && file.is_file() => Found::File(file),
        _ => Found::Nothing,
    }
}

/// `%20` as what it stands for; none where that is no text.
fn decoded(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
            bytes.push((digit(rest.next())? * 16 + digit(rest.next())?) as u8);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

/// What a browser is told that a file is.
pub(super) fn media_type(path: &Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json") => "application/json",
        Some("csv") => "text/csv; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("pdf") => "application/pdf",
        _ => "application/octet-stream",
    }
}
