//! Neurons as lines of JSON with Neuronpedia's names: see [`super::ExportFormat::Neuronpedia`].

use std::path::Path;

use homolog_results::VocabularyRow;
use serde_json::{Value, json};

use super::{cannot_write, file_name, write_file};
use crate::run::{NO_NEURON, TokenRows, Windows};
use crate::{Error, Run, Written};

pub(super) fn write(run: &Run, output: &Path, progress: &dyn Fn(&str)) -> Result<Written, Error> {
    let mut written = Written { n_files: 0, n_bytes: 0 };
    let tokens = run.token_rows()?;
    for model in 0..run.model_names().len() {
        for checkpoint in 0..run.checkpoints().len() {
            let (Some(windows), Some(tokens)) = (run.windows(model, checkpoint)?, &tokens) else { continue };
            let name = file_name(run, model, checkpoint, "jsonl");
            progress(&name);
            let path = output.join(name);
            let source = Source { run, model, checkpoint, windows, tokens };
            written.n_bytes += write_file(&path, |writer| {
                for layer in 0..run.shape(model).n_layers {
                    for line in source.layer(layer)? {
                        writeln!(writer, "{line}").map_err(cannot_write(&path))?;
                    }
                }
                Ok(())
            })?;
            written.n_files += 1;
        }
    }
    if written.n_files == 0 {
        let remedy = "run the study with `[windows] checkpoints = \"final\"` and export again";
        return Err(Error::NotInRun { folder: run.folder().to_owned(), what: "windows", remedy });
    }
    Ok(written)
}

/// One model at one checkpoint.
struct Source<'a> {
    run: &'a Run,
    model: usize,
    checkpoint: usize,
    windows: Windows,
    tokens: &'a TokenRows,
}

impl Source<'_> {
    /// The neurons of a layer.
    fn layer(&self, layer: usize) -> Result<Vec<Value>, Error> {
        let d_mlp = self.run.shape(self.model).d_mlp;
        let places = layer * d_mlp..(layer + 1) * d_mlp;
        let (n_kept, length) = (self.windows.n_kept, self.windows.window_tokens);
        let rows = self.windows.row(places.clone())?;
        let starts = self.windows.start(places.clone())?;
        let peaks = self.windows.peak(places.clone())?;
        let activations = self.windows.activation(places.clone())?;
        let histogram = self.windows.histogram(places.clone())?;
        let n_bins = self.windows.n_bins;
        let one = |(at, place): (usize, usize)| {
            let mut texts = Vec::new();
            for window in at * n_kept..(at + 1) * n_kept {
                if rows[window] != NO_NEURON {
                    let values = &activations[window * length..][..length];
                    let (start, peak) = (starts[window] as usize, peaks[window] as usize);
                    texts.push(self.window(rows[window] as usize, start, peak, values)?);
                }
            }
            Ok(self.neuron(place, &histogram[at * n_bins..][..n_bins], &texts))
        };
        places.enumerate().map(one).collect()
    }

    fn neuron(&self, place: usize, histogram: &[u32], activations: &[Value]) -> Value {
        let run = self.run;
        let neurons = run.neurons(self.model, self.checkpoint);
        let (layer, index) = run.shape(self.model).neuron(place);
        let (low, high) = (neurons.act_min[place], neurons.act_max[place]);
        let width = (high - low) / histogram.len() as f64;
        let middles: Vec<f64> = (0..histogram.len()).map(|bin| low + (bin as f64 + 0.5) * width).collect();
        let matches: Vec<(usize, u32, f32)> = run
            .others(self.model)
            .map(|other| (other, run.matches(self.model, other, self.checkpoint)))
            .map(|(other, matches)| (other, matches.matched[place], matches.max_corr[place]))
            .filter(|found| found.1 != NO_NEURON)
            .collect();
        let step = run.checkpoints()[self.checkpoint].map(|step| format!("@{step}")).unwrap_or_default();
        json!({
            "modelId": format!("{}{step}", run.model_names()[self.model]),
            "layer": layer.to_string(),
            "index": index.to_string(),
            "maxActApprox": high,
            "frac_nonzero": neurons.frac_positive[place],
            "freq_hist_data_bar_heights": histogram,
            "freq_hist_data_bar_values": middles,
            "correlated_neurons_indices": matches.iter().map(|found| found.1).collect::<Vec<_>>(),
            "correlated_neurons_pearson": matches.iter().map(|found| found.2).collect::<Vec<_>>(),
            "correlated_neurons_models": matches.iter().map(|found| &run.model_names()[found.0]).collect::<Vec<_>>(),
            "activations": activations,
        })
    }

    /// Tokens and their activations, up to the first position without. `peak` is that of the file, from the row's first token: a token
    /// that is not counted may be more active.
    fn window(&self, row: usize, start: usize, peak: usize, values: &[f32]) -> Result<Value, Error> {
        let n = values.iter().position(|value| value.is_nan()).unwrap_or(values.len());
        let values = &values[..n];
        let ids = self.tokens.window(row, start, n, self.windows.path())?;
        let vocabulary = self.run.vocabulary.as_deref().unwrap_or_default();
        let text = |id: &u32| match find(vocabulary, *id) {
            Some(row) => row.text.clone(),
            None => id.to_string(),
        };
        let texts: Vec<String> = ids.iter().map(text).collect();
        let outside = || Error::OutsideCorpus { path: self.windows.path().to_owned(), row, start: peak };
        let at = peak.checked_sub(start).filter(|&at| at < n).ok_or_else(outside)?;
        Ok(json!({
            "tokens": texts,
            "values": values,
            "maxValue": values[at],
            "maxValueTokenIndex": at,
        }))
    }
}

fn find(vocabulary: &[VocabularyRow], id: u32) -> Option<&VocabularyRow> {
    vocabulary.binary_search_by_key(&id, |row| row.token).ok().map(|at| &vocabulary[at])
}
