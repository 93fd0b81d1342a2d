//! One checkpoint of all models: activations stream, every pair is accumulated from them, pass by pass.

pub(crate) mod capture;
pub(crate) mod level;
mod reduce;
pub(crate) mod same_neurons;
mod screened;
mod state;
pub(crate) mod stream;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use homolog_model::{Checkpoint, Model, NeuronId, Precision, TokenMask, Tokens};
use homolog_results::remove_files;
use homolog_stats::{MomentsAccumulator, PairProducts, derangement};
use serde_json::json;

use crate::artifacts::{self, Artifacts, Unit};
use crate::config::{BaselineKind, BaselineSection, CorrelationSection, Search};
use crate::inputs::Inputs;
use crate::plan::footprint::{Footprint, Workload};
use crate::plan::{self, Chosen, Shape, Stream, Tile, View};
use crate::results::CheckpointCorrelation;
use crate::{Error, Options, Progress, StudyConfig};
use reduce::Reduction;
pub(crate) use screened::{narrowing_rows, sample_rows};
use state::{Earlier, State};
use stream::{LayerPair, Pass, Streams, Wanted};

/// Raised whenever the arithmetic below changes.
pub(crate) const VERSION: u32 = 3;

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
    let correlation = &config.correlation;
    let n_sampled_rows = screened::sample_rows(&correlation.screening, inputs.tokens.context(), inputs.tokens.n_rows());
    let is_screened = correlation.search == Search::Screened;
    let Some(n_sampled_rows) = n_sampled_rows.filter(|_| is_screened) else {
        if is_screened {
            progress.say("correlation.screening.tokens covers all rows: the search is exact");
        }
        let decides = all_pairs(correlation, correlation.top_k).deciding();
        let (tokens, mask, runs) = (&inputs.tokens, &inputs.mask, inputs.runs.clone());
        let whole = Whole { stage: "correlate", tokens, mask, top_k: correlation.top_k, runs, permutes_only: false };
        return run_whole(config, inputs, step_idx, &whole, &decides, options, artifacts, progress);
    };
    let sample = inputs.tokens.spread(n_sampled_rows);
    let mask = TokenMask::new(&sample, &inputs.exclude_tokens);
    if mask.n_tokens_counted() == 0 {
        return Err(Error::NothingSampled { n_rows: sample.n_rows() });
    }
    let decides = json!({ "precision": correlation.precision, "candidates": correlation.screening.candidates });
    let runs = vec![sample.positions()];
    let (tokens, mask, top_k) = (&sample, &mask, correlation.screening.candidates);
    let whole = Whole { stage: "screen", tokens, mask, top_k, runs, permutes_only: false };
    let screened = run_whole(config, inputs, step_idx, &whole, &decides, options, artifacts, progress)?;
    let decides = json!({
        "sample": screened.key,
        "tokens": inputs.tokens.hash(),
        "runs": inputs.runs,
        "correlation": correlation.deciding(),
        // What is near one of them is computed exactly.
        "thresholds": (config.universality.rule, config.thresholds()),
    });
    let key = artifacts::key("correlate", VERSION, &decides);
    let of = step_name(inputs.steps[step_idx]);
    let unit = Unit { stage: "correlate", of, key: key.clone(), extension: "safetensors" };
    let path = artifacts.get_or_make(&unit, progress, |path| {
        let correlation = Correlation { config, inputs, step_idx, options, progress, unit: &unit };
        screened::make(&correlation, (&screened.path, mask.n_tokens_counted()), path)
    })?;
    Ok(Correlated { path, key })
}

/// Maxima against rows of tokens permuted, positions kept: what positions and autocorrelation alone give. In the artifact as a baseline;
/// nothing else is in it.
pub(crate) fn permuted(
    config: &StudyConfig,
    inputs: &Inputs,
    step_idx: usize,
    options: &Options,
    artifacts: &mut Artifacts,
    progress: &dyn Progress,
) -> Result<Correlated, Error> {
    let (draws, seed) = (config.nulls.permuted_rows, config.nulls.seed);
    let baseline = BaselineSection { kind: BaselineKind::PermutedRows, draws, seed };
    let config = StudyConfig { baseline, ..config.clone() };
    let (tokens, mask, runs) = (&inputs.tokens, &inputs.mask, vec![inputs.tokens.positions()]);
    let whole = Whole { stage: "permute", tokens, mask, top_k: 1, runs, permutes_only: true };
    let decides = json!({ "precision": config.correlation.precision });
    run_whole(&config, inputs, step_idx, &whole, &decides, options, artifacts, progress)
}

/// The settings by which all pairs of neurons are correlated, as an exact search or on the sample of a screened one.
pub(crate) fn all_pairs(correlation: &CorrelationSection, top_k: usize) -> CorrelationSection {
    CorrelationSection { search: Search::Exact, top_k, ..correlation.clone() }
}

/// Every pair of neurons on some tokens.
struct Whole<'a> {
    stage: &'a str,
    tokens: &'a Tokens,
    mask: &'a TokenMask,
    /// Best matches kept of each neuron.
    top_k: usize,
    /// Flat positions that the two halves of the tokens take in turn; one run where they are not halved.
    runs: Vec<Range<usize>>,
    /// Whether only permuted rows are correlated.
    permutes_only: bool,
}

impl Whole<'_> {
    fn in_halves(&self) -> bool {
        self.runs.len() > 1
    }

    /// Of a study's tiles those that are wanted.
    fn wants(&self, tile: Tile) -> bool {
        !self.permutes_only || matches!(tile, Tile::Permuted { .. })
    }
}

#[expect(clippy::too_many_arguments, reason = "what a stage takes, and which tokens")]
fn run_whole(
    config: &StudyConfig,
    inputs: &Inputs,
    step_idx: usize,
    whole: &Whole<'_>,
    settings: &serde_json::Value,
    options: &Options,
    artifacts: &mut Artifacts,
    progress: &dyn Progress,
) -> Result<Correlated, Error> {
    let checkpoints = &inputs.checkpoints[step_idx];
    let hashes: Vec<_> = checkpoints.iter().map(|c| (&c.weights_hash, &c.config_hash)).collect();
    let decides = json!({
        "weights": hashes,
        "tokens": whole.tokens.hash(),
        "exclude_tokens": inputs.exclude_tokens,
        "correlation": settings,
        "baseline": config.baseline,
        "runs": whole.runs,
    });
    let key = artifacts::key(whole.stage, VERSION, &decides);
    let of = step_name(inputs.steps[step_idx]);
    let unit = Unit { stage: whole.stage, of, key: key.clone(), extension: "safetensors" };
    let unfinished = artifacts.path_of(&Unit { extension: "unfinished", ..unit.clone() });
    let path = artifacts.get_or_make(&unit, progress, |path| {
        let correlation = Correlation { config, inputs, step_idx, options, progress, unit: &unit };
        correlation.make(whole, path, &unfinished)
    })?;
    // Of no use once the artifact is there, whoever made it.
    remove_files(&[unfinished])?;
    Ok(Correlated { path, key })
}

/// Dimensions and memory of a checkpoint's model, loaded in whichever of the study's precisions takes more.
pub(crate) fn shape(checkpoint: &Checkpoint, config: &StudyConfig) -> Shape {
    let precisions = [config.correlation.precision, config.ablation.precision];
    let weight_bytes = precisions.map(|precision| checkpoint.loaded_bytes(precision)).into_iter().max().unwrap_or(0);
    let dimensions = &checkpoint.config;
    Shape {
        n_layers: dimensions.n_layers,
        d_mlp: dimensions.d_mlp,
        d_model: dimensions.d_model,
        d_vocab: dimensions.d_vocab,
        weight_bytes,
        load_bytes: checkpoint.load_transient_bytes(),
    }
}

/// What a study takes in memory besides covariances, while it searches as `correlation` says: rows of correlations and losses
/// together, and checkpoints.
pub(crate) fn footprint(
    config: &StudyConfig,
    correlation: &CorrelationSection,
    shapes: &[Shape],
    (n_rows, n_checkpoints): (usize, usize),
    options: &Options,
) -> Footprint {
    Footprint::of(&Workload {
        shapes,
        baseline: &config.baseline,
        permuted_draws: config.nulls.permuted_rows,
        correlation,
        windows: &config.windows,
        evidence: &config.evidence,
        context: config.corpus.context,
        n_rows,
        ablation: &config.ablation,
        n_checkpoints,
        follows: config.persistence.follows(n_checkpoints),
        batch_rows: options.batch_rows,
        n_threads: rayon::current_num_threads(),
    })
}

/// What a pass reads.
struct Source<'a> {
    models: &'a [Model],
    shapes: &'a [Shape],
    streams: &'a Streams<'a>,
    tokens: &'a Tokens,
}

/// One checkpoint's work.
struct Correlation<'a> {
    config: &'a StudyConfig,
    inputs: &'a Inputs,
    step_idx: usize,
    options: &'a Options,
    progress: &'a dyn Progress,
    unit: &'a Unit<'a>,
}

impl Correlation<'_> {
    /// Go on from `unfinished` if it is there, and write the artifact.
    fn make(&self, whole: &Whole<'_>, path: &Path, unfinished: &Path) -> Result<(), Error> {
        let &Self { config, inputs, options, progress, .. } = self;
        let top_k = whole.top_k;
        let checkpoints = &inputs.checkpoints[self.step_idx];
        let precision = config.correlation.precision;
        let shapes: Vec<Shape> = checkpoints.iter().map(|checkpoint| shape(checkpoint, config)).collect();
        let mut all_tiles = plan::tiles(&shapes, &config.baseline, whole.in_halves());
        all_tiles.retain(|&tile| whole.wants(tile));
        let state = self.state(&shapes, (top_k, all_tiles.len()), unfinished)?;
        let tiles: Vec<Tile> = all_tiles.into_iter().filter(|tile| !state.done.contains(tile)).collect();
        let section = all_pairs(&config.correlation, top_k);
        let passes = plan::passes(&tiles, &shapes, self.room(&section, &shapes, &tiles)?);
        if passes.len() > 1 {
            self.say(&format!(
                "{} passes over the tokens, to stay within {}",
                passes.len(),
                plan::bytes_text(options.memory_bytes)
            ));
        }
        let models = load(checkpoints, precision, progress)?;
        let streams = self.streams(whole);
        let mut reduction = Reduction::new(&shapes, &config.baseline, (precision, top_k), state);
        for (pass_idx, tiles) in passes.iter().enumerate() {
            let source = Source { models: &models, shapes: &shapes, streams: &streams, tokens: whole.tokens };
            self.pass(&source, "", (pass_idx, passes.len()), (tiles, BTreeMap::new()), &mut reduction)?;
            reduction.state.done.extend(tiles);
            if pass_idx + 1 < passes.len() {
                reduction.state.write(unfinished, top_k)?;
            }
        }
        drop(models);
        let moments = reduction.state.moments_of_rows(shapes.len());
        CheckpointCorrelation { moments, pairs: reduction.state.into_pairs(top_k), screening: None }.write(path)
    }

    /// One pass of several: its tiles go into the reduction, its single pairs are returned. `what` is for the user.
    fn pass(
        &self,
        source: &Source<'_>,
        what: &str,
        (pass_idx, n_passes): (usize, usize),
        (tiles, products): (&[Tile], BTreeMap<LayerPair, PairProducts>),
        reduction: &mut Reduction<'_>,
    ) -> Result<BTreeMap<LayerPair, PairProducts>, Error> {
        let of_passes = if n_passes > 1 { format!(", pass {} of {n_passes}", pass_idx + 1) } else { String::new() };
        let name = format!("{} {}{what}{of_passes}", self.unit.stage, self.unit.of);
        let Source { models, shapes, streams, tokens } = *source;
        let wanted = Wanted { tiles, chosen: &reduction.chosen, products };
        let precision = self.config.correlation.precision;
        let mut pass = Pass::new(models, shapes, wanted, precision, &mut reduction.state.moments);
        pass.run(streams, tokens, self.options.batch_rows, &name, self.progress)?;
        let (covariances, products) = pass.into_sums();
        self.check_finite(&reduction.state.moments)?;
        reduction.add_pass(covariances, self.progress)?;
        Ok(products)
    }

    /// Errors: a neuron whose activations are not finite.
    fn check_finite(&self, moments: &BTreeMap<View, Vec<MomentsAccumulator>>) -> Result<(), Error> {
        for (&(model, _), layers) in moments {
            for (layer, accumulator) in layers.iter().enumerate() {
                if let Some(index) = accumulator.first_not_finite() {
                    return Err(Error::NotFinite {
                        model: self.inputs.names[model].clone(),
                        checkpoint: at_checkpoint(self.inputs.steps[self.step_idx]),
                        neuron: NeuronId { layer, index }.to_string(),
                    });
                }
            }
        }
        Ok(())
    }

    /// What memory leaves for tiles while it searches as `correlation` says. Errors: not even for the largest that this study may
    /// come to, so that it does not end in that after hours.
    fn room(&self, correlation: &CorrelationSection, shapes: &[Shape], tiles: &[Tile]) -> Result<u64, Error> {
        let largest = plan::largest_tile(tiles, shapes, self.config.correlation.search, self.inputs.runs.len() > 1);
        let n_rows = self.inputs.tokens.n_rows() + self.inputs.loss_tokens.n_rows();
        let room = |correlation| {
            let counts = (n_rows, self.inputs.steps.len());
            footprint(self.config, correlation, shapes, counts, self.options).room(self.options.memory_bytes, largest)
        };
        room(&self.config.correlation)?;
        room(correlation)
    }

    fn say(&self, line: &str) {
        self.progress.say(&format!("{} {}: {line}", self.unit.stage, self.unit.of));
    }

    fn state(&self, shapes: &[Shape], (top_k, n_tiles): (usize, usize), unfinished: &Path) -> Result<State, Error> {
        let baseline = &self.config.baseline;
        match State::read(unfinished, shapes, top_k, baseline.draws)? {
            Earlier::State(state) => {
                self.say(&format!("goes on with {} of {n_tiles} layer pairs done", state.done.len()));
                return Ok(state);
            }
            Earlier::OnOtherIsa(isa) => self.say(&format!(
                "was begun with {isa}, this machine has {}: starts anew, so that one checkpoint is computed one way",
                homolog_model::Isa::current()
            )),
            Earlier::Nothing => {}
        }
        Ok(State::new(shapes, top_k, baseline.draws))
    }

    /// The tokens as they are; and for null `permuted-rows` each draw of rows to stand in.
    fn streams<'b>(&self, whole: &Whole<'b>) -> Streams<'b> {
        let baseline = &self.config.baseline;
        let n_rows = whole.tokens.n_rows();
        let draws = (0..baseline.draws).filter(|_| baseline.kind == BaselineKind::PermutedRows);
        let order = |draw| derangement(n_rows, baseline.seed, draw).expect("checked: two rows at least");
        Streams::new(whole.mask, draws.map(order).collect(), whole.runs.clone())
    }
}

fn load(checkpoints: &[Checkpoint], precision: Precision, progress: &dyn Progress) -> Result<Vec<Model>, Error> {
    progress.begin("load", checkpoints.len() as u64, "models");
    let load = |checkpoint: &Checkpoint| {
        progress.check()?;
        let model = checkpoint.load(precision)?;
        progress.advance(1);
        Ok(model)
    };
    let models = checkpoints.iter().map(load).collect::<Result<_, Error>>()?;
    progress.end();
    Ok(models)
}

/// Moments of one model over the counted tokens, bit by bit those of the whole study if the model was loaded in its precision; nothing
/// is correlated.
pub(crate) fn moments(
    inputs: &Inputs,
    model: &Model,
    shape: Shape,
    options: &Options,
    progress: &dyn Progress,
) -> Result<Vec<homolog_stats::Moments>, Error> {
    let mut moments = BTreeMap::new();
    let models = std::slice::from_ref(model);
    let wanted = Wanted { tiles: &[], chosen: &Chosen::new(), products: BTreeMap::new() };
    let mut pass = Pass::new(models, &[shape], wanted, Precision::F32, &mut moments);
    pass.run(
        &Streams::new(&inputs.mask, Vec::new(), inputs.runs.clone()),
        &inputs.tokens,
        options.batch_rows,
        "mean activations",
        progress,
    )?;
    drop(pass);
    Ok(moments[&(0, Stream::Rows)].iter().flat_map(MomentsAccumulator::moments).collect())
}

/// "checkpoint 1600", or "models" when a study names no checkpoints.
pub(crate) fn step_name(step: Option<i64>) -> String {
    step.map_or_else(|| "models".into(), |step| format!("checkpoint {step}"))
}

/// " at checkpoint 1600" after a model's name, or nothing when a study names no checkpoints.
pub(crate) fn at_checkpoint(step: Option<i64>) -> String {
    step.map(|step| format!(" at checkpoint {step}")).unwrap_or_default()
}
