//! How sure the matches of a checkpoint are, and what they rest on: one more pass over the tokens for the candidates of every neuron.
//!
//! Sums over each block of documents give intervals that leave one block out in turn; sums over each frequent token and position say
//! what of a match is left without these. docs/method.md has the estimators.

mod estimates;
mod frequent;
mod sums;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use homolog_results::ModelRow;
use homolog_stats::BestMatch;
use serde_json::json;

use super::correlate::{self, Correlated, step_name};
use crate::artifacts::{self, Artifacts, Unit};
use crate::inputs::Inputs;
use crate::plan::Shape;
use crate::plan::footprint::evidence_bytes;
use crate::results::{CheckpointCorrelation, PairCorrelation};
use crate::{Error, Options, Progress, StudyConfig};
use estimates::Estimates;
pub(crate) use estimates::{Evidence, PairEvidence};
pub(crate) use frequent::FrequentTokens;
use sums::Sums;

/// Raised whenever the arithmetic below changes, or the form of the artifact.
pub(crate) const VERSION: u32 = 1;

/// (model, other)
type Pair = (usize, usize);

/// Evidence of one step; none where the study asks for none, or its tokens make no two blocks.
pub(crate) fn run(
    config: &StudyConfig,
    inputs: &Inputs,
    step_idx: usize,
    (correlated, correlation): (&Correlated, &CheckpointCorrelation),
    options: &Options,
    artifacts: &mut Artifacts,
    progress: &dyn Progress,
) -> Result<Option<Evidence>, Error> {
    if !config.evidence.enabled || inputs.blocks.len() < 2 {
        return Ok(None);
    }
    let asks_shared = config.evidence.frequent_tokens > 0;
    let frequent = asks_shared.then(|| FrequentTokens::new(&config.evidence, &inputs.tokens, &inputs.mask));
    let decides = json!({
        "correlation": correlated.key,
        "blocks": inputs.blocks.ranges().map(|block| block.end).collect::<Vec<_>>(),
        "evidence": config.evidence,
    });
    let key = artifacts::key("evidence", VERSION, &decides);
    let unit = Unit { stage: "evidence", of: step_name(inputs.steps[step_idx]), key, extension: "safetensors" };
    let path = artifacts.get_or_make(&unit, progress, |path| {
        let stage = Stage { config, inputs, step_idx, correlation, frequent: frequent.as_ref(), options, progress };
        stage.make(&unit, path)
    })?;
    Evidence::read(path, inputs.names.len(), frequent).map(Some)
}

/// A model's row with what its evidence was taken from.
pub(crate) fn with_evidence(row: ModelRow, inputs: &Inputs, evidence: Option<&Evidence>) -> ModelRow {
    let Some(evidence) = evidence else { return row };
    let frequent = evidence.frequent.as_ref();
    ModelRow {
        n_blocks: Some(evidence.n_tokens.len() as u64),
        blocks_of: Some(if inputs.blocks.are_documents { "documents" } else { "rows" }.to_owned()),
        n_frequent_tokens: frequent.map(|frequent| frequent.n_tokens() as u64),
        frequent_token_share: frequent.map(|frequent| frequent.share),
        least_token_count: frequent.and_then(|frequent| frequent.least_count),
        ..row
    }
}

/// One step's work.
struct Stage<'a> {
    config: &'a StudyConfig,
    inputs: &'a Inputs,
    step_idx: usize,
    correlation: &'a CheckpointCorrelation,
    /// None where what is shared is not asked.
    frequent: Option<&'a FrequentTokens>,
    options: &'a Options,
    progress: &'a dyn Progress,
}

impl Stage<'_> {
    fn make(&self, unit: &Unit<'_>, path: &Path) -> Result<(), Error> {
        let checkpoints = &self.inputs.checkpoints[self.step_idx];
        let shapes: Vec<Shape> =
            checkpoints.iter().map(|checkpoint| correlate::shape(checkpoint, self.config)).collect();
        let passes = self.passes(&shapes);
        let mut estimates = Estimates::new(self.config, self.inputs, self.correlation);
        for (pass_idx, pairs) in passes.iter().enumerate() {
            let of_passes =
                if passes.len() > 1 { format!(", pass {} of {}", pass_idx + 1, passes.len()) } else { String::new() };
            let name = format!("{} {}{of_passes}", unit.stage, unit.of);
            let asked = pairs.iter().map(|&pair| (pair, self.asked(pair, &shapes).into_iter().collect())).collect();
            let sums = self.sum(&name, asked, &shapes)?;
            estimates.add(sums, self.progress)?;
        }
        estimates.write(path)
    }

    /// Which two models (a < b) are looked at in which pass, so that each fits in memory.
    fn passes(&self, shapes: &[Shape]) -> Vec<Vec<Pair>> {
        let n_rows = self.inputs.tokens.n_rows() + self.inputs.loss_tokens.n_rows();
        let counts = (n_rows, self.inputs.steps.len());
        let footprint = correlate::footprint(self.config, &self.config.correlation, shapes, counts, self.options);
        let room = footprint.evidence_room(self.options.memory_bytes);
        let n_classes = self.frequent.map_or(0, FrequentTokens::n_classes);
        let n_groups = (n_classes, self.inputs.tokens.context());
        let (context, n_threads) = (self.inputs.tokens.context(), rayon::current_num_threads());
        let bytes =
            |pairs: &[Pair]| evidence_bytes(shapes, pairs, &self.config.evidence, n_groups, (context, n_threads));
        let mut passes: Vec<Vec<Pair>> = Vec::new();
        for b in 1..shapes.len() {
            for a in 0..b {
                match passes.last_mut() {
                    Some(pairs) if bytes(&[&pairs[..], &[(a, b)]].concat()) <= room => pairs.push((a, b)),
                    _ => passes.push(vec![(a, b)]),
                }
            }
        }
        passes
    }

    /// Pairs of flat neurons whose sums are wanted: every neuron with its best matches in the other model, both ways; of a screened
    /// search also its matches within layers, which the sample alone has decided.
    fn asked(&self, (a, b): Pair, shapes: &[Shape]) -> BTreeSet<(u32, u32)> {
        let mut asked = BTreeSet::new();
        for (model, other) in [(a, b), (b, a)] {
            let pair = &self.correlation.pairs[&(model, other)];
            for neuron in 0..shapes[model].n_neurons() {
                let partners = candidates(self.config, pair, neuron).chain(self.of_layers(pair, neuron));
                let neuron = neuron as u32;
                asked.extend(partners.map(|partner| if model == a { (neuron, partner) } else { (partner, neuron) }));
            }
        }
        asked
    }

    fn of_layers(&self, pair: &PairCorrelation, neuron: usize) -> impl Iterator<Item = u32> {
        let is_screened = self.correlation.screening.is_some();
        let matches = pair.matching.of_layers(neuron).into_iter().filter(move |_| is_screened);
        matches.filter_map(BestMatch::get).map(|(_, partner)| partner)
    }

    fn sum(&self, name: &str, asked: BTreeMap<Pair, Vec<(u32, u32)>>, shapes: &[Shape]) -> Result<Sums, Error> {
        let models: BTreeSet<usize> = asked.keys().flat_map(|&(a, b)| [a, b]).collect();
        let checkpoints = &self.inputs.checkpoints[self.step_idx];
        let loaded = models.iter().map(|&model| {
            self.progress.check()?;
            Ok::<_, Error>((model, checkpoints[model].load(self.config.correlation.precision)?))
        });
        let loaded = loaded.collect::<Result<BTreeMap<_, _>, Error>>()?;
        let groups = (self.frequent, self.inputs.tokens.context());
        let mut sums = Sums::new(asked, &models, shapes, self.inputs.blocks.len(), groups);
        let means = |model: usize| self.correlation.moments[model].iter().map(|moments| moments.mean as f32).collect();
        let means: BTreeMap<usize, Vec<f32>> = models.iter().map(|&model| (model, means(model))).collect();
        sums.stream(&loaded, &means, self.inputs, self.frequent, (self.options.batch_rows, name), self.progress)?;
        Ok(sums)
    }
}

/// The best matches of a neuron that are followed block by block, the best first.
fn candidates(config: &StudyConfig, pair: &PairCorrelation, neuron: usize) -> impl Iterator<Item = u32> {
    let n_candidates = config.evidence.candidates.min(pair.n_best);
    let best: Vec<u32> = (0..n_candidates).filter_map(|rank| Some(pair.best(neuron, rank)?.1 as u32)).collect();
    best.into_iter()
}
