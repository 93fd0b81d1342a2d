//! One checkpoint of all models: activations stream once, every pair is accumulated from them.

mod capture;
mod reduce;

use std::path::PathBuf;

use homolog_model::{Config, Model, NeuronId};
use homolog_stats::{Chunk, CrossCovariance, MomentsAccumulator};
use rayon::prelude::*;
use serde_json::json;

use crate::artifacts::{self, Artifacts, Unit};
use crate::inputs::Inputs;
use crate::plan::{self, CHUNK_TOKENS, Shape, Tile};
use crate::results::CheckpointCorrelation;
use crate::{Error, Options, Progress, StudyConfig};
use capture::CountedActivations;
use reduce::Reduction;

/// Raised whenever the arithmetic below changes.
pub(crate) const VERSION: u32 = 1;

/// The artifact of one step, and its key.
pub(crate) struct Correlated {
    pub(crate) path: PathBuf,
    pub(crate) key: String,
}

/// Moments of every neuron; extremes and baseline of every ordered pair of models, at one step.
pub(crate) fn run(
    config: &StudyConfig,
    inputs: &Inputs,
    step_idx: usize,
    options: &Options,
    artifacts: &mut Artifacts,
    progress: &dyn Progress,
) -> Result<Correlated, Error> {
    let checkpoints = &inputs.checkpoints[step_idx];
    let hashes: Vec<_> = checkpoints.iter().map(|c| (&c.weights_hash, &c.config_hash)).collect();
    let decides = json!({
        "weights": hashes,
        "tokens": inputs.tokens.hash(),
        "exclude_tokens": inputs.exclude_tokens,
        "correlation": config.correlation,
        "baseline": config.baseline,
    });
    let key = artifacts::key("correlate", VERSION, &decides);
    let unit =
        Unit { stage: "correlate", of: step_name(inputs.steps[step_idx]), key: key.clone(), extension: "safetensors" };
    let path = artifacts.get_or_make(&unit, progress, |path| {
        let models = checkpoints.iter().map(homolog_model::Checkpoint::load).collect::<Result<Vec<_>, _>>()?;
        let shapes: Vec<Shape> = models.iter().map(|model| shape(model.config())).collect();
        let chunk_rows = (CHUNK_TOKENS / inputs.tokens.context()).max(1);
        let chunk_tokens = chunk_rows * inputs.tokens.context();
        let n_threads = rayon::current_num_threads();
        let (top_k, n_draws) = (config.correlation.top_k, config.baseline.draws);
        let passes = plan::passes(&shapes, chunk_tokens, top_k, n_draws, options.memory_bytes, n_threads)?;
        if passes.len() > 1 {
            let budget = plan::gigabytes(options.memory_bytes);
            progress.say(&format!(
                "{} {}: {} passes over the tokens, to stay within {budget}",
                unit.stage,
                unit.of,
                passes.len()
            ));
        }
        let mut reduction = Reduction::new(&shapes, &config.correlation, &config.baseline);
        let mut moments: Vec<Vec<MomentsAccumulator>> =
            shapes.iter().map(|shape| vec![MomentsAccumulator::new(shape.d_mlp); shape.n_layers]).collect();
        for (pass_idx, tiles) in passes.iter().enumerate() {
            let total = (inputs.tokens.n_rows() * inputs.tokens.context()) as u64;
            let of_passes =
                if passes.len() > 1 { format!(", pass {} of {}", pass_idx + 1, passes.len()) } else { String::new() };
            progress.begin(&format!("correlate {}{of_passes}", unit.of), total, "tokens");
            let mut pass = Pass::new(&models, &shapes, tiles, pass_idx == 0);
            for first in (0..inputs.tokens.n_rows()).step_by(chunk_rows) {
                let rows = first..(first + chunk_rows).min(inputs.tokens.n_rows());
                pass.add_chunk(inputs, rows, options.batch_rows, &mut moments, progress);
            }
            if pass_idx == 0 {
                check_finite(inputs, step_idx, &moments)?;
            }
            progress.end();
            reduction.add_pass(pass.into_covariances(), &moments, progress);
        }
        let moments =
            moments.iter().map(|layers| layers.iter().flat_map(MomentsAccumulator::moments).collect()).collect();
        CheckpointCorrelation { moments, pairs: reduction.into_pairs() }.write(path)
    })?;
    Ok(Correlated { path, key })
}

/// "checkpoint 1600", or "models" when a study names no checkpoints.
pub(crate) fn step_name(step: Option<i64>) -> String {
    step.map_or_else(|| "models".into(), |step| format!("checkpoint {step}"))
}

/// " at checkpoint 1600" after a model's name, or nothing when a study names no checkpoints.
pub(crate) fn at_checkpoint(step: Option<i64>) -> String {
    step.map(|step| format!(" at checkpoint {step}")).unwrap_or_default()
}

fn shape(config: &Config) -> Shape {
    let &Config { n_layers, d_mlp, d_model, d_vocab, n_ctx, .. } = config;
    let per_block = 4 * d_model * d_model + 2 * d_model * d_mlp;
    let embeddings = d_model * (d_vocab * if config.is_tied { 1 } else { 2 } + n_ctx);
    Shape { n_layers, d_mlp, weight_bytes: 4 * (n_layers * per_block + embeddings) as u64 }
}

fn check_finite(inputs: &Inputs, step_idx: usize, moments: &[Vec<MomentsAccumulator>]) -> Result<(), Error> {
    for (model, layers) in moments.iter().enumerate() {
        for (layer, accumulator) in layers.iter().enumerate() {
            if let Some(index) = accumulator.first_not_finite() {
                let checkpoint = at_checkpoint(inputs.steps[step_idx]);
                let neuron = NeuronId { layer, index }.to_string();
                return Err(Error::NotFinite { model: inputs.names[model].clone(), checkpoint, neuron });
            }
        }
    }
    Ok(())
}

/// One pass over the tokens: the models it needs, their current chunk, and the covariances it accumulates.
struct Pass<'a> {
    models: &'a [Model],
    /// [model][layer]; empty for a model that this pass does not need.
    chunks: Vec<Vec<Chunk>>,
    covariances: Vec<(Tile, CrossCovariance)>,
    /// The first pass also accumulates moments.
    is_first: bool,
}

impl<'a> Pass<'a> {
    fn new(models: &'a [Model], shapes: &[Shape], tiles: &[Tile], is_first: bool) -> Self {
        let is_needed =
            |model: usize| is_first || tiles.iter().any(|tile| tile.sides().iter().any(|side| side.0 == model));
        let chunks = shapes.iter().enumerate().map(|(model, shape)| {
            let n_layers = if is_needed(model) { shape.n_layers } else { 0 };
            (0..n_layers).map(|_| Chunk::new(shape.d_mlp)).collect()
        });
        let covariance = |&tile: &Tile| {
            let [a, b] = tile.sides();
            (tile, CrossCovariance::new(shapes[a.0].d_mlp, shapes[b.0].d_mlp))
        };
        Self { models, chunks: chunks.collect(), covariances: tiles.iter().map(covariance).collect(), is_first }
    }

    fn add_chunk(
        &mut self,
        inputs: &Inputs,
        rows: std::ops::Range<usize>,
        batch_rows: usize,
        moments: &mut [Vec<MomentsAccumulator>],
        progress: &dyn Progress,
    ) {
        for (model, chunks) in self.models.iter().zip(&mut self.chunks).filter(|(_, chunks)| !chunks.is_empty()) {
            chunks.iter_mut().for_each(Chunk::clear);
            for first in rows.clone().step_by(batch_rows) {
                let batch = first..(first + batch_rows).min(rows.end);
                let mut hooks = CountedActivations { chunks, mask: &inputs.mask, first_row: first };
                model.forward(inputs.tokens.batch(batch), &mut hooks);
            }
        }
        let is_first = self.is_first;
        self.chunks.par_iter_mut().zip(moments).for_each(|(chunks, moments)| {
            chunks.par_iter_mut().zip(moments).for_each(|(chunk, moments)| {
                if is_first {
                    chunk.pack_with_moments(moments);
                } else {
                    chunk.pack_again(moments);
                }
            });
        });
        let chunk = |(model, layer): (usize, usize)| &self.chunks[model][layer];
        self.covariances.par_iter_mut().for_each(|(tile, covariance)| {
            let [a, b] = tile.sides();
            covariance.add(chunk(a), chunk(b));
        });
        progress.advance((rows.len() * inputs.tokens.context()) as u64);
    }

    fn into_covariances(self) -> Vec<(Tile, CrossCovariance)> {
        self.covariances
    }
}
