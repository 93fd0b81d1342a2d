//! What the correlation stage finds at one checkpoint, in memory and as an artifact.

use std::collections::BTreeMap;
use std::path::Path;

use homolog_results::{TensorData, TensorFile, open_tensors, write_tensors};
use homolog_stats::{Extremes, HISTOGRAM_BINS, Moments};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::matching::Matching;

/// Stands for "no neuron" where fewer than `top_k` correlations are defined.
const NO_NEURON: u32 = u32::MAX;

/// Moments of every model and the extremes of every ordered pair, by model index.
pub(crate) struct CheckpointCorrelation {
    /// [model][neuron]
    pub(crate) moments: Vec<Vec<Moments>>,
    /// By (model, other).
    pub(crate) pairs: BTreeMap<(usize, usize), PairCorrelation>,
    /// By (model, other), where candidates were looked at instead of all pairs of neurons.
    pub(crate) screening: Option<Screenings>,
}

/// How sure the matches of one model in another are, where only candidates were looked at.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PairScreening {
    /// [n]: standard errors by which the match lies above what was left out; NaN where all pairs were computed, or none is defined.
    pub(crate) margin: Vec<f64>,
    pub(crate) audit: Audit,
}

impl PairScreening {
    /// Whether a neuron's correlations with all neurons of the other model were computed over all tokens.
    pub(crate) fn is_exact(&self, neuron: usize) -> bool {
        self.margin[neuron].is_nan()
    }

    /// Whether its baseline was.
    pub(crate) fn is_baseline_exact(&self, neuron: usize) -> bool {
        self.audit.has_exact_baselines && self.is_exact(neuron)
    }
}

/// What computing some neurons exactly has shown of one (model, other).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Audit {
    /// Counted positions of the sample, and of those on which candidates were narrowed (none: they were not).
    pub(crate) n_sampled: usize,
    pub(crate) n_narrowed_on: Option<usize>,
    /// Neurons that were computed exactly because their match was not sure.
    pub(crate) n_unsure: usize,
    /// Because their excess lay close to a threshold.
    pub(crate) n_near_threshold: usize,
    /// Because they were drawn to be audited.
    pub(crate) n_audited: usize,
    /// Of these: whose match screening would have been sure of,
    pub(crate) n_audited_sure: usize,
    /// of these again: whose match by screening was the exact one,
    pub(crate) n_same_match: usize,
    /// and the largest difference of their `max_corr`; none without any.
    pub(crate) max_corr_difference: Option<f64>,
    /// Of the audited, baseline by the sample - exact: mean, standard deviation, largest magnitude; none where it was not computed.
    pub(crate) baseline_bias: Option<[f64; 3]>,
    /// Whether neurons that are computed exactly have an exact baseline too.
    pub(crate) has_exact_baselines: bool,
}

/// Every neuron of a model against all neurons of another. Arrays hold NaN where undefined.
pub(crate) struct PairCorrelation {
    /// Largest correlations kept of a neuron: at least two.
    pub(crate) n_best: usize,
    /// [n, n_best], descending.
    pub(crate) best_corr: Vec<f64>,
    /// [n, n_best], flat neuron numbers of the other model.
    pub(crate) best_neuron: Vec<u32>,
    /// [n]
    pub(crate) lowest_corr: Vec<f64>,
    /// [n]
    pub(crate) lowest_neuron: Vec<u32>,
    /// [n, HISTOGRAM_BINS]
    pub(crate) histogram: Vec<u32>,
    /// [n]
    pub(crate) n_undefined: Vec<u32>,
    /// [draws, n]
    pub(crate) baseline: Vec<f64>,
    pub(crate) matching: Matching,
}

impl PairCorrelation {
    pub(crate) fn new(extremes: &[Extremes], baseline: Vec<f64>, matching: Matching, top_k: usize) -> Self {
        let n_best = Extremes::n_kept(top_k);
        let padded = |extremes: &Extremes| {
            let mut best = extremes.best().to_vec();
            best.resize(n_best, (f64::NAN, NO_NEURON));
            best
        };
        let best: Vec<(f64, u32)> = extremes.iter().flat_map(padded).collect();
        let lowest = || extremes.iter().map(|extremes| extremes.lowest().unwrap_or((f64::NAN, NO_NEURON)));
        Self {
            n_best,
            best_corr: best.iter().map(|best| best.0).collect(),
            best_neuron: best.iter().map(|best| best.1).collect(),
            lowest_corr: lowest().map(|lowest| lowest.0).collect(),
            lowest_neuron: lowest().map(|lowest| lowest.1).collect(),
            histogram: extremes.iter().flat_map(|extremes| *extremes.histogram()).collect(),
            n_undefined: extremes.iter().map(Extremes::n_undefined).collect(),
            baseline,
            matching,
        }
    }

    pub(crate) fn n_neurons(&self) -> usize {
        self.lowest_corr.len()
    }

    /// What was given to [`PairCorrelation::new`].
    pub(crate) fn to_extremes(&self, top_k: usize) -> Vec<Extremes> {
        let of_neuron = |neuron: usize| {
            let best = neuron * self.n_best..(neuron + 1) * self.n_best;
            let best = self.best_corr[best.clone()].iter().copied().zip(self.best_neuron[best].iter().copied());
            let best: Vec<(f64, u32)> = best.take_while(|(corr, _)| !corr.is_nan()).collect();
            let lowest = (self.lowest_corr[neuron], self.lowest_neuron[neuron]);
            let histogram = self.histogram.as_chunks().0[neuron];
            let lowest = (!lowest.0.is_nan()).then_some(lowest);
            Extremes::restore(top_k, &best, lowest, histogram, self.n_undefined[neuron])
        };
        (0..self.n_neurons()).map(of_neuron).collect()
    }

    /// The r-th largest correlation of a neuron and its neuron, if defined.
    pub(crate) fn best(&self, neuron: usize, rank: usize) -> Option<(f64, usize)> {
        let at = neuron * self.n_best + rank;
        (!self.best_corr[at].is_nan()).then(|| (self.best_corr[at], self.best_neuron[at] as usize))
    }

    /// The smallest correlation of a neuron and its neuron, if defined.
    pub(crate) fn lowest(&self, neuron: usize) -> Option<(f64, usize)> {
        let corr = self.lowest_corr[neuron];
        (!corr.is_nan()).then(|| (corr, self.lowest_neuron[neuron] as usize))
    }

    /// Mean over draws of the largest correlation with the rotated model.
    pub(crate) fn baseline(&self, neuron: usize) -> Option<f64> {
        let draws = self.baseline.chunks_exact(self.n_neurons()).map(|draw| draw[neuron]);
        let mean = draws.clone().sum::<f64>() / draws.count() as f64;
        (!mean.is_nan()).then_some(mean)
    }
}

const MOMENTS: [&str; 7] = ["mean", "var", "skew", "kurt", "min", "max", "frac_positive"];

impl CheckpointCorrelation {
    pub(crate) fn write(self, path: &Path) -> Result<(), Error> {
        let mut tensors = Vec::new();
        for (model, moments) in self.moments.iter().enumerate() {
            for (column, name) in MOMENTS.iter().enumerate() {
                let data = moments.iter().map(|m| moment_columns(m)[column]).collect();
                tensors.push((format!("{model}.{name}"), TensorData::F64 { shape: vec![moments.len()], data }));
            }
        }
        for (pair, kept) in self.pairs {
            tensors.extend(pair_tensors(pair, kept));
        }
        let mut audits = Vec::new();
        for (pair, PairScreening { margin, audit }) in self.screening.into_iter().flatten() {
            let data = TensorData::F64 { shape: vec![margin.len()], data: margin };
            tensors.push((format!("{}+{}.margin", pair.0, pair.1), data));
            audits.push((pair, audit));
        }
        let audits = (!audits.is_empty()).then(|| serde_json::to_string(&audits).expect("plain values serialise"));
        let metadata: Vec<_> = audits.map(|audits| (SCREENING.to_owned(), audits)).into_iter().collect();
        Ok(write_tensors(path, &tensors, &metadata)?)
    }

    pub(crate) fn read(path: &Path, n_models: usize) -> Result<Self, Error> {
        let tensors = open_tensors(path)?;
        let moments = (0..n_models).map(|model| read_moments(&tensors, model)).collect::<Result<_, Error>>()?;
        let ordered = (0..n_models).flat_map(|model| (0..n_models).map(move |other| (model, other)));
        let pairs = ordered.filter(|(model, other)| model != other);
        let pairs = pairs.map(|pair| Ok((pair, read_pair(&tensors, pair)?))).collect::<Result<_, Error>>()?;
        let screening = read_screening(&tensors, path)?;
        Ok(Self { moments, pairs, screening })
    }

    /// Of one (model, other) alone.
    pub(crate) fn read_one(
        path: &Path,
        pair: (usize, usize),
    ) -> Result<(PairCorrelation, Option<PairScreening>), Error> {
        let tensors = open_tensors(path)?;
        let screening = read_screening(&tensors, path)?.and_then(|mut screening| screening.remove(&pair));
        Ok((read_pair(&tensors, pair)?, screening))
    }
}

/// By (model, other).
type Screenings = BTreeMap<(usize, usize), PairScreening>;

/// [`Audit`]s by (model, other), as JSON.
const SCREENING: &str = "screening";

/// None of an exact search.
fn read_screening(tensors: &TensorFile, path: &Path) -> Result<Option<Screenings>, Error> {
    let Some(audits) = tensors.metadata().get(SCREENING) else { return Ok(None) };
    let damaged = |_| Error::DamagedState { path: path.to_path_buf() };
    let audits: Vec<((usize, usize), Audit)> = serde_json::from_str(audits).map_err(damaged)?;
    let read = |(pair, audit): ((usize, usize), Audit)| {
        let margin = tensors.f64(&format!("{}+{}.margin", pair.0, pair.1))?.1;
        Ok((pair, PairScreening { margin, audit }))
    };
    audits.into_iter().map(read).collect::<Result<_, Error>>().map(Some)
}

/// In the order of [`MOMENTS`]; NaN where undefined.
fn moment_columns(m: &Moments) -> [f64; 7] {
    [m.mean, m.var, m.skew.unwrap_or(f64::NAN), m.kurt.unwrap_or(f64::NAN), m.min, m.max, m.frac_positive]
}

fn read_moments(tensors: &TensorFile, model: usize) -> Result<Vec<Moments>, Error> {
    let columns = MOMENTS
        .iter()
        .map(|name| Ok(tensors.f64(&format!("{model}.{name}"))?.1))
        .collect::<Result<Vec<Vec<f64>>, Error>>()?;
    let defined = |value: f64| (!value.is_nan()).then_some(value);
    let of_neuron = |i: usize| Moments {
        mean: columns[0][i],
        var: columns[1][i],
        skew: defined(columns[2][i]),
        kurt: defined(columns[3][i]),
        min: columns[4][i],
        max: columns[5][i],
        frac_positive: columns[6][i],
    };
    Ok((0..columns[0].len()).map(of_neuron).collect())
}

/// Tensors of (model, other), named `0+1.best_corr` and so on by model index.
pub(crate) fn pair_tensors((model, other): (usize, usize), kept: PairCorrelation) -> Vec<(String, TensorData)> {
    let n = kept.n_neurons();
    let name = |what: &str| format!("{model}+{other}.{what}");
    let baseline = vec![kept.baseline.len() / n, n];
    let matching = kept.matching.to_tensors().into_iter().map(|(what, tensor)| (name(what), tensor));
    let mut tensors = vec![
        (name("best_corr"), TensorData::F64 { shape: vec![n, kept.n_best], data: kept.best_corr }),
        (name("best_neuron"), TensorData::U32 { shape: vec![n, kept.n_best], data: kept.best_neuron }),
        (name("lowest_corr"), TensorData::F64 { shape: vec![n], data: kept.lowest_corr }),
        (name("lowest_neuron"), TensorData::U32 { shape: vec![n], data: kept.lowest_neuron }),
        (name("histogram"), TensorData::U32 { shape: vec![n, HISTOGRAM_BINS], data: kept.histogram }),
        (name("n_undefined"), TensorData::U32 { shape: vec![n], data: kept.n_undefined }),
        (name("baseline"), TensorData::F64 { shape: baseline, data: kept.baseline }),
    ];
    tensors.extend(matching);
    tensors
}

/// What [`pair_tensors`] has written.
pub(crate) fn read_pair(tensors: &TensorFile, (model, other): (usize, usize)) -> Result<PairCorrelation, Error> {
    let name = |what: &str| format!("{model}+{other}.{what}");
    let f64s = |what: &str| tensors.f64(&name(what));
    let u32s = |what: &str| tensors.u32(&name(what));
    let (shape, best_corr) = f64s("best_corr")?;
    Ok(PairCorrelation {
        n_best: shape[1],
        best_corr,
        best_neuron: u32s("best_neuron")?.1,
        lowest_corr: f64s("lowest_corr")?.1,
        lowest_neuron: u32s("lowest_neuron")?.1,
        histogram: u32s("histogram")?.1,
        n_undefined: u32s("n_undefined")?.1,
        baseline: f64s("baseline")?.1,
        matching: Matching::read(tensors, &name(""))?,
    })
}
