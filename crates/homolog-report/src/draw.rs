//! The folder `figures/` of a run.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use crate::progress::{Progress, go_on};
use crate::{Error, Figure, Theme, files};

/// Writes every figure into `folder`, and says which files these are, in the order of the figures.
///
/// Figures of an earlier call that are not among these are removed where `is_all`: of a study that has changed they would tell what is no
/// longer so. Files that no figure of ours can be called are left alone.
/// Errors: a figure cannot be drawn, a file cannot be written, or `progress` says to stop.
pub fn draw(
    figures: &[Figure],
    theme: &Theme,
    folder: &Path,
    is_all: bool,
    progress: &Progress,
) -> Result<Vec<PathBuf>, Error> {
    let (n_done, n_figures) = (AtomicU64::new(0), figures.len() as u64);
    let drawn: Vec<Vec<PathBuf>> = figures
        .par_iter()
        .map(|figure| {
            let paths = files::write(figure, theme, folder)?;
            go_on(progress, n_done.fetch_add(1, Ordering::Relaxed) + 1, n_figures)?;
            Ok(paths)
        })
        .collect::<Result<_, Error>>()?;
    let drawn: Vec<PathBuf> = drawn.into_iter().flatten().collect();
    if is_all {
        remove_others(folder, &drawn.iter().collect())?;
    }
    Ok(drawn)
}

/// Removes `figNN-*` files that are not `drawn`.
fn remove_others(folder: &Path, drawn: &BTreeSet<&PathBuf>) -> Result<(), Error> {
    for entry in fs::read_dir(folder).map_err(Error::read(folder))? {
        let path = entry.map_err(Error::read(folder))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is_ours = name.strip_prefix("fig").is_some_and(|rest| {
            let number = rest.split('-').next().unwrap_or_default();
            number.len() == 2 && number.bytes().all(|digit| digit.is_ascii_digit())
        });
        let has_our_extension = files::EXTENSIONS.iter().any(|extension| name.ends_with(&format!(".{extension}")));
        if is_ours && has_our_extension && !drawn.contains(&path) {
            fs::remove_file(&path).map_err(Error::remove(&path))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
