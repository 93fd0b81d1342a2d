//! What an explorer of neurons shows: the text on which each neuron is most active, how its activations are spread, and what its
//! matches in the other models do on the same text.
//!
//! Two passes over the rows of the correlations, in their precision: the first keeps each neuron's windows and histogram (`tops`), the
//! second, over the rows of those windows alone, what the matches do there (`partners`).

mod partners;
#[cfg(test)]
mod tests;
mod tops;

use std::path::{Path, PathBuf};

use homolog_model::{Checkpoint, Model, NeuronId, TokenBatch};
use homolog_results::{FileRecord, TensorData, Tensors, file_hash, read_tensors, write_tensors};
use homolog_stats::Moments;
use serde_json::json;

use super::correlate::step_name;
use crate::artifacts::{self, Artifacts, Unit};
use crate::inputs::Inputs;
use crate::results::CheckpointCorrelation;
use crate::{Error, Options, Progress, StudyConfig};
use partners::{Partners, Request};
use tops::Tops;

/// Raised whenever the arithmetic below changes, or the form of an artifact.
pub(crate) const VERSION: u32 = 1;

/// Stands for "no window" where fewer than `top` texts were met.
const NO_ROW: u32 = u32::MAX;
/// The rows that windows are of, relative to the run folder.
const ROWS_FILE: &str = "tensors/tokens.safetensors";

/// What is kept of one model at one step.
pub(crate) struct Kept {
    step_idx: usize,
    model_idx: usize,
    /// The artifact of its windows.
    tops: PathBuf,
    /// By place of the other model, the artifact in which its matches are.
    partners: Vec<(usize, PathBuf)>,
}

/// Windows of every model at one step; none where the study asks for none.
pub(crate) fn run(
    config: &StudyConfig,
    inputs: &Inputs,
    step_idx: usize,
    correlation: &CheckpointCorrelation,
    options: &Options,
    artifacts: &mut Artifacts,
    progress: &dyn Progress,
) -> Result<Vec<Kept>, Error> {
    if !config.windows.is_at(step_idx, inputs.steps.len()) {
        return Ok(Vec::new());
    }
    let stage = Stage { config, inputs, step_idx, options, progress };
    let n_models = inputs.names.len();
    let mut kept = Vec::new();
    for (model_idx, moments) in correlation.moments.iter().enumerate() {
        let tops = stage.tops(model_idx, moments, artifacts)?;
        kept.push(Kept { step_idx, model_idx, tops, partners: Vec::new() });
    }
    if config.windows.partner_windows == 0 {
        return Ok(kept);
    }
    let firsts = kept.iter().map(|kept| FirstWindows::read(&kept.tops, config.windows.partner_windows));
    let firsts = firsts.collect::<Result<Vec<_>, Error>>()?;
    for other in 0..n_models {
        let path = stage.partners(other, &firsts, correlation, artifacts)?;
        let of_others = kept.iter_mut().filter(|kept| kept.model_idx != other);
        of_others.for_each(|kept| kept.partners.push((other, path.clone())));
    }
    Ok(kept)
}

/// First position of the window of `length` positions in a row of `row_tokens` that shows a peak: three quarters of it come before the
/// peak, or what the row has.
fn window_start(peak: usize, length: usize, row_tokens: usize) -> usize {
    peak.saturating_sub(length * 3 / 4).min(row_tokens - length)
}

/// One step's work.
struct Stage<'a> {
    config: &'a StudyConfig,
    inputs: &'a Inputs,
    step_idx: usize,
    options: &'a Options,
    progress: &'a dyn Progress,
}

impl Stage<'_> {
    fn checkpoint(&self, model_idx: usize) -> &Checkpoint {
        &self.inputs.checkpoints[self.step_idx][model_idx]
    }

    fn unit(&self, stage: &'static str, model_idx: usize, key: String) -> Unit<'static> {
        let (name, step) = (&self.inputs.names[model_idx], self.inputs.steps[self.step_idx]);
        Unit { stage, of: format!("{name}, {}", step_name(step)), key, extension: "safetensors" }
    }

    fn load(&self, model_idx: usize) -> Result<Model, Error> {
        Ok(self.checkpoint(model_idx).load(self.config.correlation.precision)?)
    }

    /// The artifact of a model's windows and histograms; the ends of the histograms are its moments'.
    fn tops(&self, model_idx: usize, moments: &[Moments], artifacts: &mut Artifacts) -> Result<PathBuf, Error> {
        let &Self { config, inputs, progress, .. } = self;
        let checkpoint = self.checkpoint(model_idx);
        let section = &config.windows;
        let decides = json!({
            "weights": (&checkpoint.weights_hash, &checkpoint.config_hash),
            "tokens": inputs.tokens.hash(),
            "exclude_tokens": inputs.exclude_tokens,
            "precision": config.correlation.precision,
            "windows": (section.top, section.length(inputs.tokens.context()), section.bins),
        });
        let unit = self.unit("windows", model_idx, artifacts::key("windows", VERSION, &decides));
        artifacts.get_or_make(&unit, progress, |path| {
            let model = self.load(model_idx)?;
            let ranges: Vec<(f64, f64)> = moments.iter().map(|moments| (moments.min, moments.max)).collect();
            let mut tops = Tops::new(section, (&inputs.tokens, &inputs.mask), &ranges, checkpoint.config.d_mlp);
            let (n_rows, context) = (inputs.tokens.n_rows(), inputs.tokens.context());
            progress.begin(&format!("windows of {}", unit.of), (n_rows * context) as u64, "tokens");
            for first in (0..n_rows).step_by(self.options.batch_rows) {
                progress.check()?;
                let batch = inputs.tokens.batch(first..(first + self.options.batch_rows).min(n_rows));
                tops.begin_batch(first);
                model.forward(batch, &mut tops);
                progress.advance(batch.ids.len() as u64);
            }
            progress.end();
            drop(model);
            Ok(write_tensors(path, &tops.into_tensors(), &[])?)
        })
    }

    /// The artifact of what neurons of `other` do on the first windows of neurons of all other models that they are the match of.
    fn partners(
        &self,
        other: usize,
        firsts: &[FirstWindows],
        correlation: &CheckpointCorrelation,
        artifacts: &mut Artifacts,
    ) -> Result<PathBuf, Error> {
        let &Self { config, inputs, progress, .. } = self;
        let checkpoint = self.checkpoint(other);
        let d_mlp = checkpoint.config.d_mlp;
        let length = config.windows.length(inputs.tokens.context());
        let mut sizes = Vec::new();
        let mut requests = Vec::new();
        for (model, first) in firsts.iter().enumerate().filter(|(model, _)| *model != other) {
            let pair = &correlation.pairs[&(model, other)];
            let n_windows = config.windows.partner_windows;
            sizes.push((model, first.rows.len() / n_windows));
            for (place, (&row, &start)) in first.rows.iter().zip(&first.starts).enumerate() {
                let matched = if row == NO_ROW { None } else { pair.best(place / n_windows, 0) };
                requests.extend(matched.map(|(_, flat)| {
                    let neuron = NeuronId::from_flat(flat, d_mlp);
                    let [layer, index] = [neuron.layer, neuron.index].map(|number| number as u32);
                    Request { row, layer, index, start, model: model as u32, place: place as u32 }
                }));
            }
        }
        requests.sort_unstable();
        let decides = json!({
            "weights": (&checkpoint.weights_hash, &checkpoint.config_hash),
            "tokens": inputs.tokens.hash(),
            "precision": config.correlation.precision,
            "windows": (config.windows.partner_windows, length),
            "neurons": sizes,
            "requests": partners::hash(&requests),
        });
        let unit = self.unit("partners", other, artifacts::key("partners", VERSION, &decides));
        artifacts.get_or_make(&unit, progress, |path| {
            let mut partners = Partners::new(&requests, &sizes, (config.windows.partner_windows, length));
            let rows = partners.rows();
            if !rows.is_empty() {
                let model = self.load(other)?;
                let context = inputs.tokens.context();
                progress.begin(&format!("matches in {}", unit.of), (rows.len() * context) as u64, "tokens");
                for rows in rows.chunks(self.options.batch_rows) {
                    progress.check()?;
                    let of_row = |&row: &u32| inputs.tokens.batch(row as usize..row as usize + 1).ids;
                    let ids: Vec<u32> = rows.iter().flat_map(of_row).copied().collect();
                    partners.begin_batch(rows);
                    model.forward(TokenBatch { ids: &ids, context }, &mut partners);
                    progress.advance(ids.len() as u64);
                }
                progress.end();
            }
            Ok(write_tensors(path, &partners.into_tensors(), &[])?)
        })
    }
}

/// Where the first windows of a model's neurons are, [n, `partner_windows`] each.
struct FirstWindows {
    rows: Vec<u32>,
    starts: Vec<u32>,
}

impl FirstWindows {
    fn read(tops: &Path, n_windows: usize) -> Result<Self, Error> {
        let tensors = read_tensors(tops)?;
        let first = |name: &str| {
            let (shape, values) = tensors.u32(name)?;
            Ok::<_, Error>(
                values.chunks_exact(shape[1]).flat_map(|of_neuron| &of_neuron[..n_windows]).copied().collect(),
            )
        };
        Ok(Self { rows: first("row")?, starts: first("start")? })
    }
}

/// Write `tensors/windows-STEP-MODEL.safetensors` of a run folder, by place of the step and the model in the study, and the rows that
/// the windows are of; nothing where no windows are kept.
///
/// Of n neurons, layer-major: `row`, `start`, `peak`, `n_duplicates` u32 [n, top] and `activation` f32 [n, top, window] are windows by
/// descending activation at the peak, 4294967295 and NaN where there are fewer; `histogram` u32 [n, bins] counts the activations at
/// counted positions in equal bins between the least and the greatest, all in the first bin where these are equal;
/// `partner.OTHER.activation` f32 [n, `partner_windows`, window] is that of the neuron's match in another model, by its place, on the
/// first windows; NaN where it has none. `rows` u32 [`n_rows`, context] of the other file are the rows of the correlations.
pub(crate) fn write(
    kept: &[Kept],
    inputs: &Inputs,
    run_dir: &Path,
    metadata: &[(String, String)],
) -> Result<Vec<FileRecord>, Error> {
    if kept.is_empty() {
        return Ok(Vec::new());
    }
    let mut records = Vec::new();
    let mut write = |path: String, tensors: &[(String, TensorData)], metadata: &[(String, String)]| {
        let file = run_dir.join(&path);
        write_tensors(&file, tensors, metadata)?;
        let n_bytes = std::fs::metadata(&file).map_or(0, |metadata| metadata.len());
        records.push(FileRecord { path, n_bytes, hash: file_hash(&file)? });
        Ok::<_, Error>(())
    };
    for kept in kept {
        let of_model = ("homolog.model".to_owned(), inputs.names[kept.model_idx].clone());
        let step = inputs.steps[kept.step_idx].map(|step| ("homolog.checkpoint".to_owned(), step.to_string()));
        let metadata: Vec<_> = metadata.iter().cloned().chain([of_model]).chain(step).collect();
        let path = format!("tensors/windows-{}-{}.safetensors", kept.step_idx, kept.model_idx);
        write(path, &kept.tensors()?, &metadata)?;
    }
    let tokens = &inputs.tokens;
    let shape = vec![tokens.n_rows(), tokens.context()];
    let rows = TensorData::U32 { shape, data: tokens.batch(0..tokens.n_rows()).ids.to_vec() };
    write(ROWS_FILE.to_owned(), &[("rows".to_owned(), rows)], metadata)?;
    Ok(records)
}

impl Kept {
    /// Of the artifacts what one result file holds.
    fn tensors(&self) -> Result<Vec<(String, TensorData)>, Error> {
        let f32s = |tensors: &Tensors, from: &str, name: String| {
            let (shape, data) = tensors.f32(from)?;
            Ok::<_, Error>((name, TensorData::F32 { shape: shape.to_vec(), data }))
        };
        let tops = read_tensors(&self.tops)?;
        let mut tensors = vec![f32s(&tops, "activation", "activation".into())?];
        for name in ["row", "start", "peak", "n_duplicates", "histogram"] {
            let (shape, data) = tops.u32(name)?;
            tensors.push((name.to_owned(), TensorData::U32 { shape: shape.to_vec(), data }));
        }
        drop(tops);
        for (other, path) in &self.partners {
            let from = partners::tensor_name(self.model_idx);
            tensors.push(f32s(&read_tensors(path)?, &from, format!("partner.{other}.activation"))?);
        }
        Ok(tensors)
    }
}
