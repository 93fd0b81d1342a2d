//! A run in other people's formats.

mod gurnee;
mod neuronpedia;
mod tables;

use std::io::{self, Write};
use std::path::Path;

use homolog_results::write_atomically;

use crate::{Error, Run, Written};

/// What a run is exported to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// Every table as `TABLE.csv`: nulls empty, `true` and `false`, numbers by their shortest digits that read back the same.
    Csv,
    /// `N-MODEL-CHECKPOINT.jsonl` for every model and checkpoint with windows: a line a neuron, fields named as in Neuronpedia's exports.
    ///
    /// `modelId`, `layer`, `index`, `maxActApprox`, `frac_nonzero`, `freq_hist_data_bar_heights`, `freq_hist_data_bar_values`,
    /// `correlated_neurons_indices`, `correlated_neurons_pearson`, `activations` (`tokens`, `values`, `maxValue`,
    /// `maxValueTokenIndex`). Ours: correlated neurons are the match in each *other model*, named in `correlated_neurons_models`, and their
    /// indices are layer * neurons a layer + index; `frac_nonzero` is the share of tokens with an activation greater than 0; bars are
    /// counts, at the middles of bins; `maxActApprox` is the exact maximum; `maxValue` is the greatest activation of a token that counts,
    /// and a window may have a greater one; tokens of a study without tokenizer are ids.
    Neuronpedia,
    /// `N-MODEL-CHECKPOINT.csv` for every model and checkpoint: a row a neuron, with those columns of Gurnee's neuron dataframes that a
    /// run has.
    ///
    /// `layer`, `neuron`, `max_corr`, `mean_corr`, `min_corr`, `max_baseline`, `min_baseline`, `mean_baseline`, `excess_corr`, in his order;
    /// his `universal.csv` are the rows with `excess_corr` > 0.5. His columns of weights (`w_in_norm`, `input_bias`, `w_out_norm`,
    /// `in_out_sim`, `l2_penalty`, `vocab_*`) and of activations *before* the nonlinearity (`mean`, `var`, `skew`, `kurt`, `sparsity`) are
    /// absent: a run has no weights, and its moments are of activations after it.
    Gurnee,
}

/// Writes the finished run in `folder` to the folder `output`; files of the same names are replaced.
///
/// `progress` is told what is written next.
/// Errors: no finished run, or (Neuronpedia) one without windows; files that cannot be read or written.
pub fn export(folder: &Path, format: ExportFormat, output: &Path, progress: &dyn Fn(&str)) -> Result<Written, Error> {
    match format {
        ExportFormat::Csv => tables::write(folder, output, progress),
        ExportFormat::Neuronpedia => neuronpedia::write(&Run::open(folder)?, output, progress),
        ExportFormat::Gurnee => gurnee::write(&Run::open(folder)?, output, progress),
    }
}

/// Name of the file of a model at a checkpoint: the model's place keeps names apart that differ in letters no file may have.
fn file_name(run: &Run, model: usize, checkpoint: usize, extension: &str) -> String {
    let plain = |letter: char| if letter.is_ascii_alphanumeric() || "-_.".contains(letter) { letter } else { '_' };
    let name: String = run.model_names()[model].chars().map(plain).collect();
    let step = run.checkpoints()[checkpoint].map(|step| format!("-{step}")).unwrap_or_default();
    format!("{model}-{name}{step}.{extension}")
}

/// Writes `path` whole or not at all, and says its size.
fn write_file(path: &Path, write: impl FnOnce(&mut dyn Write) -> Result<(), Error>) -> Result<u64, Error> {
    let mut outcome = Ok(());
    let mut n_bytes = 0;
    let written = write_atomically(path, |writer| {
        let mut counted = Counted { writer, n_bytes: 0 };
        outcome = write(&mut counted);
        n_bytes = counted.n_bytes;
        // What went wrong is told below; this only keeps the file from being renamed.
        let stop = || homolog_results::Error::NoFileName { path: path.to_owned() };
        if outcome.is_ok() { Ok(()) } else { Err(stop()) }
    });
    outcome?;
    written?;
    Ok(n_bytes)
}

/// For `map_err` of calls that write `path`.
fn cannot_write(path: &Path) -> impl Fn(io::Error) -> Error {
    move |source| Error::Results(homolog_results::Error::Write { path: path.to_owned(), source })
}

/// Counts what goes through it.
struct Counted<W> {
    writer: W,
    n_bytes: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.writer.write(bytes)?;
        self.n_bytes += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

#[cfg(test)]
mod tests;
