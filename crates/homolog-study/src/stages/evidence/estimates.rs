//! From sums to what is said of every neuron and match, in memory and as an artifact.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use homolog_results::{TensorData, TensorFile, open_tensors, write_tensors};
use homolog_stats::{AdditiveFit, GroupScores, Intervals, PairSums, jackknife_se};
use rayon::prelude::*;

use super::sums::Sums;
use super::{FrequentTokens, Pair, candidates};
use crate::inputs::Inputs;
use crate::results::CheckpointCorrelation;
use crate::{Error, Progress, StudyConfig};

/// Everything that is known of a checkpoint's matches besides their correlations. Arrays hold NaN where undefined.
pub(crate) struct Evidence {
    pub(crate) pairs: BTreeMap<Pair, PairEvidence>,
    /// [model]
    pub(crate) models: Vec<ModelEvidence>,
    /// Counted tokens of each block.
    pub(crate) n_tokens: Vec<f64>,
    /// None where what is shared was not asked for.
    pub(crate) frequent: Option<FrequentTokens>,
    /// The artifact.
    pub(crate) path: PathBuf,
}

/// Of every neuron of a model against another, [n] each; what is of single candidates [n, `n_candidates`].
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct PairEvidence {
    columns: BTreeMap<&'static str, Vec<f64>>,
    n_candidates: usize,
}

/// Of every neuron of a model.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ModelEvidence {
    /// [n, `n_blocks`]: mean over the other models of the best match's correlation without a block, less the same with it.
    pub(crate) without: Vec<f64>,
    /// [n]: share of the variance that frequent tokens explain, positions, and both.
    pub(crate) explained: [Vec<f64>; 3],
}

/// Columns of the best match: standard error and ends of the interval of its correlation, tokens that count; standard error of its lead
/// over the second.
const OF_BEST: [&str; 5] = ["se", "low", "high", "n_eff", "lead_se"];
/// Its correlation without what tokens explain, positions, and both.
const LEFT: [&str; 3] = ["without_token", "without_position", "without_both"];
/// Of a screened search: correlations of matches within layers over all tokens.
const OF_SCREENED: [&str; 3] = ["same_layer", "near_layers", "one_to_one"];
/// Standard error of each candidate's correlation.
const CANDIDATE_SE: &str = "candidate_se";
const EXPLAINED: [&str; 3] = ["token_share", "position_share", "both_share"];

impl PairEvidence {
    /// Of one (model, other) alone.
    pub(crate) fn read(path: &Path, pair: Pair) -> Result<Self, Error> {
        read_pair(&open_tensors(path)?, pair)
    }

    /// A column of the names above, of one neuron; none where undefined or not asked for.
    pub(crate) fn get(&self, column: &str, neuron: usize) -> Option<f64> {
        self.columns.get(column).map(|column| column[neuron]).filter(|value| !value.is_nan())
    }

    /// Standard errors of every neuron's best matches, [n, `n_candidates`], and how many of each.
    pub(crate) fn candidate_se(&self) -> (&[f64], usize) {
        (&self.columns[CANDIDATE_SE], self.n_candidates)
    }
}

/// What is said of one neuron and other model.
struct OfMatch {
    /// In the order of [`OF_BEST`], [`LEFT`], [`OF_SCREENED`].
    columns: [f64; 11],
    candidate_se: Vec<f64>,
    /// [`n_blocks`]: correlation of the best match without a block, less the same with it; NaN where undefined.
    without: Vec<f64>,
}

/// Takes the sums of each pass.
pub(super) struct Estimates<'a> {
    config: &'a StudyConfig,
    correlation: &'a CheckpointCorrelation,
    intervals: Intervals,
    n_tokens: Vec<f64>,
    pairs: BTreeMap<Pair, PairEvidence>,
    models: Vec<ModelEvidence>,
    /// [model][neuron]: other models whose correlation is in `without`.
    n_defined: Vec<Vec<u32>>,
}

impl<'a> Estimates<'a> {
    pub(super) fn new(config: &'a StudyConfig, inputs: &Inputs, correlation: &'a CheckpointCorrelation) -> Self {
        let n_blocks = inputs.blocks.len();
        let n_neurons = correlation.moments.iter().map(Vec::len);
        let models = n_neurons.clone().map(|n| ModelEvidence {
            without: vec![0.0; n * n_blocks],
            explained: std::array::from_fn(|_| vec![f64::NAN; n]),
        });
        Self {
            config,
            correlation,
            intervals: Intervals::new(n_blocks, config.evidence.level),
            n_tokens: vec![0.0; n_blocks],
            pairs: BTreeMap::new(),
            models: models.collect(),
            n_defined: n_neurons.map(|n| vec![0; n]).collect(),
        }
    }

    pub(super) fn add(&mut self, mut sums: Sums, progress: &dyn Progress) -> Result<(), Error> {
        let n_blocks = self.n_tokens.len();
        self.n_tokens = (0..n_blocks).map(|block| sums.n_tokens(block) as f64).collect();
        let scores = self.scores(&mut sums);
        let pairs: Vec<Pair> = sums.pairs().into_iter().flat_map(|(a, b)| [(a, b), (b, a)]).collect();
        progress.begin("intervals", pairs.len() as u64, "pairs of models");
        for (model, other) in pairs {
            progress.check()?;
            let n_neurons = self.correlation.moments[model].len();
            let found: Vec<OfMatch> = (0..n_neurons)
                .into_par_iter()
                .map_init(
                    || vec![PairSums::default(); n_blocks],
                    |blocks, neuron| self.of_match((model, other), neuron, &sums, &scores, blocks),
                )
                .collect();
            let names = OF_BEST.iter().chain(&LEFT).chain(&OF_SCREENED).enumerate();
            let mut columns: BTreeMap<&'static str, Vec<f64>> =
                names.map(|(at, &name)| (name, found.iter().map(|found| found.columns[at]).collect())).collect();
            columns.insert(CANDIDATE_SE, found.iter().flat_map(|found| found.candidate_se.iter().copied()).collect());
            let n_candidates = found.first().map_or(0, |found| found.candidate_se.len());
            self.pairs.insert((model, other), PairEvidence { columns, n_candidates });
            let without = self.models[model].without.chunks_exact_mut(n_blocks);
            for ((found, without), n_defined) in found.iter().zip(without).zip(&mut self.n_defined[model]) {
                // A pair that is undefined drops out; one that is so without some block leaves unknown how sure the mean is.
                *n_defined += u32::from(!found.without.is_empty());
                without.iter_mut().zip(&found.without).for_each(|(sum, without)| *sum += without);
            }
            progress.advance(1);
        }
        progress.end();
        Ok(())
    }

    /// By model, then by layer; none where nothing was summed by group. Fills in what groups explain of each neuron.
    fn scores(&mut self, sums: &mut Sums) -> BTreeMap<usize, Vec<GroupScores>> {
        if !sums.has_groups() {
            return BTreeMap::new();
        }
        let fit = AdditiveFit::new(&sums.counts);
        let models: std::collections::BTreeSet<usize> = sums.pairs().into_iter().flat_map(|(a, b)| [a, b]).collect();
        let mut scores = BTreeMap::new();
        for model in models {
            // One layer after another, each dropped once it is solved.
            let layers: Vec<GroupScores> =
                sums.take_groups(model).into_iter().map(|layer| fit.scores(&layer)).collect();
            let d_mlp = self.correlation.moments[model].len() / layers.len();
            for neuron in 0..self.correlation.moments[model].len() {
                if self.correlation.moments[model][neuron].is_constant() {
                    continue;
                }
                let explained = layers[neuron / d_mlp].explained(neuron % d_mlp);
                let squares = sums.squares(model, neuron);
                for (column, explained) in self.models[model].explained.iter_mut().zip(explained) {
                    column[neuron] = explained / squares;
                }
            }
            scores.insert(model, layers);
        }
        scores
    }

    fn of_match(
        &self,
        (model, other): Pair,
        neuron: usize,
        sums: &Sums,
        scores: &BTreeMap<usize, Vec<GroupScores>>,
        blocks: &mut [PairSums],
    ) -> OfMatch {
        let pair = &self.correlation.pairs[&(model, other)];
        let n_candidates = self.config.evidence.candidates.min(pair.n_best);
        let mut found =
            OfMatch { columns: [f64::NAN; 11], candidate_se: vec![f64::NAN; n_candidates], without: Vec::new() };
        let mut leads: Vec<f64> = Vec::new();
        let mut lead = f64::NAN;
        for (rank, partner) in candidates(self.config, pair, neuron).enumerate() {
            sums.of_pair((model, other), neuron, partner as usize, blocks);
            let interval = self.intervals.corr(blocks.iter().copied());
            found.candidate_se[rank] = interval.map_or(f64::NAN, |interval| interval.se);
            if rank < 2 {
                let (whole, without) = corrs_without(blocks);
                if rank == 0 {
                    (lead, leads) = (whole, without.clone());
                    found.without = without.iter().map(|without| without - whole).collect();
                } else {
                    lead -= whole;
                    leads.iter_mut().zip(&without).for_each(|(lead, second)| *lead -= second);
                    found.columns[4] = jackknife_se(lead, &leads, &self.n_tokens).unwrap_or(f64::NAN);
                }
            }
            if rank == 0 {
                if let Some(interval) = interval {
                    found.columns[..4].copy_from_slice(&[interval.se, interval.low, interval.high, interval.n_eff]);
                }
                let left = self.left((model, neuron), (other, partner as usize), scores, blocks);
                found.columns[5..8].copy_from_slice(&left);
            }
        }
        if self.correlation.screening.is_some() {
            for (at, best) in pair.matching.of_layers(neuron).into_iter().enumerate() {
                if let Some((_, partner)) = best.get() {
                    sums.of_pair((model, other), neuron, partner as usize, blocks);
                    found.columns[8 + at] = corrs_without(blocks).0;
                }
            }
        }
        found
    }

    fn left(
        &self,
        (model, neuron): (usize, usize),
        (other, partner): (usize, usize),
        scores: &BTreeMap<usize, Vec<GroupScores>>,
        blocks: &[PairSums],
    ) -> [f64; 3] {
        let (Some(of_model), Some(of_other)) = (scores.get(&model), scores.get(&other)) else { return [f64::NAN; 3] };
        let whole = blocks.iter().fold(PairSums::default(), |sum, &block| sum + block);
        let [d_a, d_b] =
            [(model, of_model), (other, of_other)].map(|(m, layers)| self.correlation.moments[m].len() / layers.len());
        let left = of_model[neuron / d_a].corr_without(neuron % d_a, &of_other[partner / d_b], partner % d_b, &whole);
        [left.token, left.position, left.both].map(|corr| corr.unwrap_or(f64::NAN))
    }

    /// Write everything as an artifact.
    pub(super) fn write(mut self, path: &Path) -> Result<(), Error> {
        let n_blocks = self.n_tokens.len();
        for (model, of_model) in self.models.iter_mut().enumerate() {
            for (without, &n_defined) in of_model.without.chunks_exact_mut(n_blocks).zip(&self.n_defined[model]) {
                for sum in without {
                    // 0 / 0 where no pair is defined.
                    *sum /= f64::from(n_defined);
                }
            }
        }
        let f64s = |shape: Vec<usize>, data: Vec<f64>| TensorData::F64 { shape, data };
        let mut tensors = vec![("n_tokens".to_owned(), f64s(vec![n_blocks], self.n_tokens))];
        for (model, ModelEvidence { without, explained }) in self.models.into_iter().enumerate() {
            let n = without.len() / n_blocks;
            tensors.push((format!("{model}.without"), f64s(vec![n, n_blocks], without)));
            for (name, column) in EXPLAINED.into_iter().zip(explained) {
                tensors.push((format!("{model}.{name}"), f64s(vec![n], column)));
            }
        }
        for ((model, other), PairEvidence { columns, n_candidates }) in self.pairs {
            for (name, column) in columns {
                let shape = match name {
                    CANDIDATE_SE => vec![column.len() / n_candidates.max(1), n_candidates],
                    _ => vec![column.len()],
                };
                tensors.push((format!("{model}+{other}.{name}"), f64s(shape, column)));
            }
        }
        Ok(write_tensors(path, &tensors, &[])?)
    }
}

/// Correlation over all blocks, and without each.
fn corrs_without(blocks: &[PairSums]) -> (f64, Vec<f64>) {
    let whole = blocks.iter().fold(PairSums::default(), |sum, &block| sum + block);
    let without = blocks.iter().map(|block| whole.corr_without(block).unwrap_or(f64::NAN));
    (whole.corr().unwrap_or(f64::NAN), without.collect())
}

impl Evidence {
    /// What [`Estimates::write`] wrote.
    pub(super) fn read(path: PathBuf, n_models: usize, frequent: Option<FrequentTokens>) -> Result<Self, Error> {
        let tensors = open_tensors(&path)?;
        let models = (0..n_models).map(|model| {
            let column = |name: &str| Ok::<_, Error>(tensors.f64(&format!("{model}.{name}"))?.1);
            let [token, position, both] = EXPLAINED;
            let explained = [column(token)?, column(position)?, column(both)?];
            Ok(ModelEvidence { without: column("without")?, explained })
        });
        let models = models.collect::<Result<_, Error>>()?;
        let mut pairs = BTreeMap::new();
        for model in 0..n_models {
            for other in (0..n_models).filter(|&other| other != model) {
                pairs.insert((model, other), read_pair(&tensors, (model, other))?);
            }
        }
        Ok(Self { pairs, models, n_tokens: tensors.f64("n_tokens")?.1, frequent, path })
    }

    /// Excess of a neuron without each block, less the same with it; none where undefined.
    pub(crate) fn without(&self, model: usize, neuron: usize) -> &[f64] {
        let n_blocks = self.n_tokens.len();
        &self.models[model].without[neuron * n_blocks..(neuron + 1) * n_blocks]
    }
}

fn read_pair(tensors: &TensorFile, (model, other): Pair) -> Result<PairEvidence, Error> {
    let mut columns = BTreeMap::new();
    let mut n_candidates = 0;
    for name in OF_BEST.into_iter().chain(LEFT).chain(OF_SCREENED).chain([CANDIDATE_SE]) {
        let (shape, column) = tensors.f64(&format!("{model}+{other}.{name}"))?;
        n_candidates = shape.get(1).copied().unwrap_or(n_candidates);
        columns.insert(name, column);
    }
    Ok(PairEvidence { columns, n_candidates })
}
