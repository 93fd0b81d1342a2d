//! Whether a neuron goes on doing the same: its activations and its weights at one checkpoint of a model against those at a later one.
//!
//! Being universal at two checkpoints says nothing of that: a neuron may lose one meaning and find another.

mod cosines;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use homolog_model::{Checkpoint, Model, TokenMask, Tokens};
use homolog_results::{TensorData, open_tensors, write_tensors};
use serde_json::json;

use super::correlate;
use super::correlate::same_neurons::same_neurons;
use crate::artifacts::{self, Artifacts, Unit};
use crate::inputs::Inputs;
use crate::plan::Shape;
use crate::plan::footprint::follow_bytes;
use crate::{Error, Options, Progress, StudyConfig};

/// Raised whenever the arithmetic below changes, or the form of the artifact.
pub(crate) const VERSION: u32 = 1;

/// Two steps, the earlier first.
pub(crate) type Span = (usize, usize);

/// Consecutive steps, and the first with each later one, ascending.
pub(crate) fn spans(n_steps: usize) -> Vec<Span> {
    let consecutive = (1..n_steps).map(|to| (to - 1, to));
    let spans: BTreeSet<Span> = consecutive.chain((1..n_steps).map(|to| (0, to))).collect();
    spans.into_iter().collect()
}

/// What was found of one model: where it lies.
#[derive(Clone, Debug)]
pub(crate) struct Followed(PathBuf);

/// Of every neuron between two steps; NaN where undefined.
pub(crate) struct OfSpan {
    /// Correlation of its activations.
    pub(crate) self_corr: Vec<f64>,
    /// Cosine of its input weights.
    pub(crate) cos_in: Vec<f64>,
    /// Cosine of its output weights.
    pub(crate) cos_out: Vec<f64>,
}

const NAMES: [&str; 3] = ["self_corr", "cos_in", "cos_out"];

impl Followed {
    pub(crate) fn read(&self, (from, to): Span) -> Result<OfSpan, Error> {
        let tensors = open_tensors(&self.0)?;
        let read = |name: &str| Ok::<_, Error>(tensors.f64(&format!("{from}-{to}.{name}"))?.1);
        let [self_corr, cos_in, cos_out] = NAMES.map(read);
        Ok(OfSpan { self_corr: self_corr?, cos_in: cos_in?, cos_out: cos_out? })
    }
}

/// By model; none where the study does not ask, or has fewer than two checkpoints.
pub(crate) fn run(
    config: &StudyConfig,
    inputs: &Inputs,
    options: &Options,
    artifacts: &mut Artifacts,
    progress: &dyn Progress,
) -> Result<Option<Vec<Followed>>, Error> {
    if !config.persistence.follows(inputs.steps.len()) {
        return Ok(None);
    }
    let tokens = inputs.tokens.spread(config.persistence.rows(inputs.tokens.context(), inputs.tokens.n_rows()));
    let mask = TokenMask::new(&tokens, &inputs.exclude_tokens);
    if mask.n_tokens_counted() == 0 {
        let message = format!(
            "persistence.tokens: none of the positions of its {} rows is counted; ask for more",
            tokens.n_rows()
        );
        return Err(Error::BadSetting { path: config.path.clone(), message });
    }
    let of_model = |model: usize| {
        let checkpoints: Vec<&Checkpoint> = inputs.checkpoints.iter().map(|step| &step[model]).collect();
        let decides = json!({
            "weights": checkpoints.iter().map(|c| (&c.weights_hash, &c.config_hash)).collect::<Vec<_>>(),
            "tokens": tokens.hash(),
            "exclude_tokens": inputs.exclude_tokens,
            "precision": config.correlation.precision,
        });
        let key = artifacts::key("follow", VERSION, &decides);
        let unit = Unit { stage: "follow", of: inputs.names[model].clone(), key, extension: "safetensors" };
        let stage = Stage { config, inputs, model, checkpoints, tokens: &tokens, mask: &mask, options, progress };
        artifacts.get_or_make(&unit, progress, |path| stage.make(path)).map(Followed)
    };
    (0..inputs.names.len()).map(of_model).collect::<Result<_, Error>>().map(Some)
}

/// One model's work.
struct Stage<'a> {
    config: &'a StudyConfig,
    inputs: &'a Inputs,
    model: usize,
    /// By step.
    checkpoints: Vec<&'a Checkpoint>,
    tokens: &'a Tokens,
    mask: &'a TokenMask,
    options: &'a Options,
    progress: &'a dyn Progress,
}

impl Stage<'_> {
    fn make(&self, path: &Path) -> Result<(), Error> {
        let mut tensors = Vec::new();
        let mut keep = |(from, to): Span, what: &str, data: Vec<f64>| {
            tensors.push((format!("{from}-{to}.{what}"), TensorData::F64 { shape: vec![data.len()], data }));
        };
        let passes = self.passes();
        for (pass_idx, spans) in passes.iter().enumerate() {
            let of_passes = match passes.len() {
                1 => String::new(),
                n_passes => format!(", pass {} of {n_passes}", pass_idx + 1),
            };
            let name = format!("follow {}{of_passes}", self.inputs.names[self.model]);
            for (&span, corrs) in spans.iter().zip(self.correlate(spans, &name)?) {
                keep(span, NAMES[0], corrs);
            }
        }
        for (span, [cos_in, cos_out]) in cosines::of(&self.checkpoints, self.progress)? {
            keep(span, NAMES[1], cos_in);
            keep(span, NAMES[2], cos_out);
        }
        tensors.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(write_tensors(path, &tensors, &[])?)
    }

    /// Which spans are looked at together, so that the checkpoints that they take fit in memory; those of a single one always do.
    fn passes(&self) -> Vec<Vec<Span>> {
        let n_steps = self.checkpoints.len();
        let models = self.inputs.checkpoints[0].iter();
        let shapes: Vec<Shape> = models.map(|checkpoint| correlate::shape(checkpoint, self.config)).collect();
        let n_rows = self.inputs.tokens.n_rows() + self.inputs.loss_tokens.n_rows();
        let section = &self.config.correlation;
        let footprint = correlate::footprint(self.config, section, &shapes, (n_rows, n_steps), self.options);
        let room = footprint.room_beside_results(self.options.memory_bytes);
        let (context, n_threads) = (self.tokens.context(), rayon::current_num_threads());
        let shape = &shapes[self.model];
        let bytes = |spans: &[Span]| {
            let n_loaded = steps_of(spans).len();
            follow_bytes(shape, (n_loaded, spans.len()), context, (self.options.batch_rows, n_threads))
        };
        let mut by_end = spans(n_steps);
        by_end.sort_by_key(|&(from, to)| (to, from));
        let mut passes: Vec<Vec<Span>> = Vec::new();
        for span in by_end {
            match passes.last_mut() {
                Some(spans) if bytes(&[&spans[..], &[span]].concat()) <= room => spans.push(span),
                _ => passes.push(vec![span]),
            }
        }
        passes
    }

    fn correlate(&self, spans: &[Span], name: &str) -> Result<Vec<Vec<f64>>, Error> {
        let steps: Vec<usize> = steps_of(spans).into_iter().collect();
        let place = |step: usize| steps.iter().position(|&other| other == step).expect("a step of these spans");
        let precision = self.config.correlation.precision;
        let load = |&step: &usize| {
            self.progress.check()?;
            Ok::<Model, Error>(self.checkpoints[step].load(precision)?)
        };
        let models = steps.iter().map(load).collect::<Result<Vec<_>, Error>>()?;
        let shapes: Vec<Shape> =
            steps.iter().map(|&step| correlate::shape(self.checkpoints[step], self.config)).collect();
        let pairs: Vec<Span> = spans.iter().map(|&(from, to)| (place(from), place(to))).collect();
        let rows = (self.tokens, self.mask);
        same_neurons((&models, &shapes), &pairs, rows, precision, (self.options.batch_rows, name), self.progress)
    }
}

fn steps_of(spans: &[Span]) -> BTreeSet<usize> {
    spans.iter().flat_map(|&(from, to)| [from, to]).collect()
}
