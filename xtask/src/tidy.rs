//! `cargo xtask tidy`: the house rules (HOUSE-RULES 2.1 to 2.10) that neither the compiler nor clippy knows.
//!
//! Each rule is a function from text to violations; this file walks the tree and prints them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

mod decisions;
mod edges;
mod names;
mod rust_file;
mod source;
#[cfg(test)]
mod tests;

/// A broken rule at a place. Lines count from 1.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Violation {
    /// Relative to the workspace root.
    path: PathBuf,
    line: usize,
    message: String,
    /// A warning is printed and does not fail.
    is_warning: bool,
}

impl Violation {
    fn new(path: &Path, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.into(), line, message: message.into(), is_warning: false }
    }
}

pub(crate) fn run(root: &Path) -> Result<()> {
    let violations = check(root)?;
    for Violation { path, line, message, is_warning } in &violations {
        let kind = if *is_warning { "warning" } else { "error" };
        println!("{}:{line}: {kind}: {message}", path.display());
    }
    let n_errors = violations.iter().filter(|violation| !violation.is_warning).count();
    println!("tidy: {n_errors} violations, {} warnings", violations.len() - n_errors);
    ensure!(n_errors == 0, "tidy found {n_errors} violations");
    Ok(())
}

fn check(root: &Path) -> Result<Vec<Violation>> {
    let mut violations = edges::check(root)?;
    let mut files = Vec::new();
    for folder in ["crates", "xtask"] {
        list_files(&root.join(folder), &mut files)?;
    }
    for path in &files {
        let relative = path.strip_prefix(root).expect("listed below the root");
        violations.extend(names::check_path(relative));
        let is_rust = path.extension().is_some_and(|extension| extension == "rs");
        let is_toml = path.extension().is_some_and(|extension| extension == "toml");
        if is_rust || is_toml {
            let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
            violations.extend(if is_rust {
                rust_file::check(relative, &text)
            } else {
                rust_file::check_manifest(relative, &text)
            });
        }
    }
    violations.extend(decisions::check(root)?);
    violations.sort();
    Ok(violations)
}

/// All files below a folder in a fixed order; build outputs and hidden files are left out.
fn list_files(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with('.') || name == "target" || name == "node_modules" {
            continue;
        }
        if path.is_dir() {
            list_files(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
