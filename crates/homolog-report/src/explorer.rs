//! What the explorer reads, as docs/explorer.md says: all neurons as a folder of script files, or a selection for inside of the report.
//!
//! Numbers come from the tables and tensors of the run, rounded (see `numbers.rs`). So that a folder of the paper's size stays under 160 MB,
//! large runs have tables of some checkpoints only, fewer best matches than are kept, and coarser activations.

mod course;
mod detail;
mod index;
mod numbers;
mod page;
mod selection;
mod table;
mod text;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use homolog_results::{TensorFile, write_bytes};
use rayon::prelude::*;

use crate::bundle::Bundle;
use crate::progress::{Progress, go_on};
use crate::run::{TokenRows, Windows};
use crate::{Error, Run};
use numbers::Fineness;
pub(crate) use page::{SCRIPT, STYLE};
pub(crate) use selection::{Scope, Selection};

/// Rows of tables, over models and checkpoints, up to which the folder has tables of every checkpoint; a larger run's has those of the
/// last checkpoint and of those with windows, and its details are coarse.
const MAX_TABLE_ROWS: usize = 250_000;
/// Rows of the corpus in a bundle of text.
const ROWS_PER_TEXT: usize = 64;

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Files.
    pub n_files: u64,
    /// Their size together.
    pub n_bytes: u64,
}

/// What all bundles of one explorer have in common.
pub(crate) struct Source<'a> {
    run: &'a Run,
    selection: Selection,
    /// Places of the checkpoints with tables.
    table_checkpoints: Vec<usize>,
    /// Places of the checkpoints that have windows of every model.
    window_checkpoints: Vec<usize>,
    fineness: Fineness,
    /// [model, checkpoint]
    windows: Vec<Option<Windows>>,
    top_k: Option<TensorFile>,
    tokens: Option<TokenRows>,
}

/// Writes the folder `explorer`: `index.html`, and `data/` with every neuron. What an earlier call left in `data/` is removed.
///
/// `progress` is told of files.
pub fn write_explorer(run: &Run, folder: &Path, progress: &Progress) -> Result<Written, Error> {
    let source = Source::new(run, Selection::all(run))?;
    let bundles = source.names();
    let n_files = bundles.len() as u64 + 1;
    let (n_done, n_bytes) = (AtomicU64::new(0), AtomicU64::new(0));
    let write = |path: &Path, text: &str| {
        write_bytes(path, text.as_bytes())?;
        n_bytes.fetch_add(text.len() as u64, Ordering::Relaxed);
        go_on(progress, n_done.fetch_add(1, Ordering::Relaxed) + 1, n_files)
    };
    let data = folder.join("data");
    bundles.par_iter().try_for_each(|&name| {
        let text = format!("homolog.add(\"{name}\",\"{}\");\n", source.bundle(name)?.to_base64());
        write(&data.join(name.to_string()).with_extension("js"), &text)
    })?;
    write(&folder.join("index.html"), &page::index_html())?;
    remove_others(&data, &bundles.iter().map(|name| format!("{name}.js")).collect())?;
    Ok(Written { n_files, n_bytes: n_bytes.into_inner() })
}

/// The bundles that stand inside of the report: name and base64 of each; and what a reader must know of the selection.
pub(crate) fn inline_bundles(run: &Run) -> Result<Vec<(String, String)>, Error> {
    let source = Source::new(run, Selection::universal(run))?;
    let pack = |&name: &Name| Ok((name.to_string(), source.bundle(name)?.to_base64()));
    source.names().par_iter().map(pack).collect()
}

/// Names of bundles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Name {
    Index,
    Table { model: usize, checkpoint: usize },
    Course { model: usize },
    Detail { model: usize, checkpoint: usize, layer: usize },
    Text(usize),
    Vocabulary,
}

impl std::fmt::Display for Name {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Index => write!(formatter, "index"),
            Self::Table { model, checkpoint } => write!(formatter, "table-{model}-{checkpoint}"),
            Self::Course { model } => write!(formatter, "course-{model}"),
            Self::Detail { model, checkpoint, layer } => write!(formatter, "detail-{model}-{checkpoint}-{layer}"),
            Self::Text(text) => write!(formatter, "text-{text}"),
            Self::Vocabulary => write!(formatter, "vocabulary"),
        }
    }
}

impl<'a> Source<'a> {
    fn new(run: &'a Run, selection: Selection) -> Result<Self, Error> {
        let (n_models, n_checkpoints) = (run.model_names().len(), run.checkpoints().len());
        let mut windows = Vec::with_capacity(n_models * n_checkpoints);
        for model in 0..n_models {
            for checkpoint in 0..n_checkpoints {
                windows.push(run.windows(model, checkpoint)?);
            }
        }
        let tokens = run.token_rows()?;
        let has_windows = |checkpoint: &usize| {
            tokens.is_some() && (0..n_models).all(|model| windows[model * n_checkpoints + checkpoint].is_some())
        };
        let mut window_checkpoints: Vec<usize> = (0..n_checkpoints).filter(has_windows).collect();
        let n_neurons: usize = (0..n_models).map(|model| run.shape(model).n_neurons()).sum();
        let last = run.last_checkpoint();
        let table_checkpoints = match selection.scope {
            Scope::Selected => vec![last],
            Scope::All if n_neurons * n_checkpoints <= MAX_TABLE_ROWS => (0..n_checkpoints).collect(),
            Scope::All => (0..n_checkpoints).filter(|at| *at == last || window_checkpoints.contains(at)).collect(),
        };
        let is_large = selection.scope == Scope::All && n_neurons * n_checkpoints > MAX_TABLE_ROWS;
        let fineness = if is_large { Fineness::COARSE } else { Fineness::FINE };
        window_checkpoints.retain(|at| table_checkpoints.contains(at));
        let top_k = run.top_k_file()?;
        Ok(Self { run, selection, table_checkpoints, window_checkpoints, fineness, windows, top_k, tokens })
    }

    fn windows(&self, model: usize, checkpoint: usize) -> Option<&Windows> {
        let windows = self.windows[model * self.run.checkpoints().len() + checkpoint].as_ref();
        windows.filter(|_| self.window_checkpoints.contains(&checkpoint))
    }

    /// Whether the search was among candidates.
    fn is_screened(&self) -> bool {
        !self.run.screening.is_empty()
    }

    /// Best matches shown.
    fn n_best(&self) -> usize {
        if self.top_k.is_some() { self.run.settings.top_k.min(self.fineness.max_top_k) } else { 0 }
    }

    /// The corpus, where the folder carries it.
    fn texts(&self) -> Option<&TokenRows> {
        let is_wanted = self.selection.scope == Scope::All && !self.window_checkpoints.is_empty();
        self.tokens.as_ref().filter(|_| is_wanted)
    }

    /// Every bundle, `index` first.
    fn names(&self) -> Vec<Name> {
        let mut names = vec![Name::Index];
        for model in 0..self.run.model_names().len() {
            names.push(Name::Course { model });
            for &checkpoint in &self.table_checkpoints {
                names.push(Name::Table { model, checkpoint });
                let layers = (0..self.run.shape(model).n_layers).filter(|&layer| {
                    let listed = self.selection.of_layer(model, layer, self.run.shape(model));
                    !listed.is_empty()
                });
                names.extend(layers.map(|layer| Name::Detail { model, checkpoint, layer }));
            }
        }
        if let Some(tokens) = self.texts() {
            names.extend((0..tokens.n_rows.div_ceil(ROWS_PER_TEXT)).map(Name::Text));
        }
        names.extend(self.run.vocabulary.as_ref().map(|_| Name::Vocabulary));
        names
    }

    fn bundle(&self, name: Name) -> Result<Bundle, Error> {
        Ok(match name {
            Name::Index => Bundle::with_meta(index::meta(self)),
            Name::Table { model, checkpoint } => table::bundle(self, model, checkpoint),
            Name::Course { model } => course::bundle(self, model),
            Name::Detail { model, checkpoint, layer } => detail::bundle(self, model, checkpoint, layer)?,
            Name::Text(text) => text::rows(self, text)?,
            Name::Vocabulary => text::vocabulary(self),
        })
    }
}

/// Files of an earlier call whose bundles this one does not have.
fn remove_others(data: &Path, names: &BTreeSet<String>) -> Result<(), Error> {
    let mut others = Vec::new();
    for entry in fs::read_dir(data).map_err(Error::read(data))? {
        let entry = entry.map_err(Error::read(data))?;
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if path.extension().is_some_and(|extension| extension == "js") && !names.contains(&name) {
            others.push(path);
        }
    }
    Ok(homolog_results::remove_files(&others)?)
}

#[cfg(test)]
mod tests;
