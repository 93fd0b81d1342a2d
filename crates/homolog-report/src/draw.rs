//! The folder `figures/` of a run.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::{fs, io};

use homolog_results::{remove_files, write_bytes};
use rayon::prelude::*;
use serde_json::{Value, json};

use crate::progress::{Progress, go_on};
use crate::{Error, Figure, Theme, files};

/// What figures there are, in the folder: names, titles and captions.
const INDEX: &str = "index.json";

/// Writes every figure into `folder`, and `index.json` with their names, titles and captions; says which files the figures are, in their
/// order.
///
/// Figures that the index of an earlier call names and that are not among these are removed: of a study that has changed they would tell what
/// is no longer so. Other files are left alone.
/// Errors: a figure cannot be drawn, a file cannot be written, or `progress` says to stop.
pub fn draw_all(figures: &[Figure], theme: &Theme, folder: &Path, progress: &Progress) -> Result<Vec<PathBuf>, Error> {
    let drawn = draw(figures, theme, folder, progress)?;
    let index = folder.join(INDEX);
    for name in earlier(&index)?.iter().filter(|name| figures.iter().all(|figure| figure.name != **name)) {
        remove_files(&files::EXTENSIONS.map(|extension| folder.join(format!("{name}.{extension}"))))?;
    }
    let entry = |figure: &Figure| json!({ "name": figure.name, "title": figure.title, "caption": figure.caption });
    let entries: Vec<Value> = figures.iter().map(entry).collect();
    write_bytes(&index, format!("{:#}\n", Value::from(entries)).as_bytes())?;
    Ok(drawn)
}

/// Names in the index of an earlier call; none without one, or where somebody else has written it. A name is of a file in this folder.
fn earlier(index: &Path) -> Result<Vec<String>, Error> {
    let text = match fs::read_to_string(index) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(Error::read(index))?,
    };
    let entries: Vec<Value> = serde_json::from_str(&text).unwrap_or_default();
    let names = entries.iter().filter_map(|entry| entry["name"].as_str());
    Ok(names.filter(|name| Path::new(name).file_name().is_some_and(|file| file == *name)).map(str::to_owned).collect())
}

/// Writes these figures into `folder`, and says which files they are.
///
/// Errors: as of [`draw_all`].
pub fn draw(figures: &[Figure], theme: &Theme, folder: &Path, progress: &Progress) -> Result<Vec<PathBuf>, Error> {
    let (n_done, n_figures) = (AtomicU64::new(0), figures.len() as u64);
    let drawn: Vec<Vec<PathBuf>> = figures
        .par_iter()
        .map(|figure| {
            let paths = files::write(figure, theme, folder)?;
            go_on(progress, n_done.fetch_add(1, Ordering::Relaxed) + 1, n_figures)?;
            Ok(paths)
        })
        .collect::<Result<_, Error>>()?;
    Ok(drawn.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests;
