//! What correlations reach by chance: against rotated models, against permuted rows, and before training; and the p-values that come
//! of it. docs/method.md has the estimators.

use std::ops::Range;
use std::path::{Path, PathBuf};

use homolog_results::NullRow;
use homolog_stats::{PValue, PooledNull, benjamini_hochberg, benjamini_yekutieli, empirical_p};

use super::correlate;
use crate::artifacts::Artifacts;
use crate::config::{BaselineKind, FdrFamily};
use crate::inputs::Inputs;
use crate::results::{CheckpointCorrelation, PairCorrelation};
use crate::{Error, Options, Progress, StudyConfig};

/// (model, other)
type Pair = (usize, usize);

/// Where the nulls of a step are that are not in its own correlations.
#[derive(Clone, Debug, Default)]
pub(crate) struct NullPaths {
    /// Maxima against permuted rows; none where the study draws none.
    permuted: Option<PathBuf>,
    /// Correlations at step 0; none at step 0 itself and where the study has none.
    untrained: Option<PathBuf>,
}

/// Make what a step's nulls take, besides its own correlations. `untrained`: the correlations of step 0, if that came before.
pub(crate) fn run(
    config: &StudyConfig,
    inputs: &Inputs,
    step_idx: usize,
    untrained: Option<&Path>,
    options: &Options,
    artifacts: &mut Artifacts,
    progress: &dyn Progress,
) -> Result<NullPaths, Error> {
    let permuted = if config.nulls.permuted_rows == 0 {
        None
    } else {
        Some(correlate::permuted(config, inputs, step_idx, options, artifacts, progress)?.path)
    };
    Ok(NullPaths { permuted, untrained: untrained.map(Path::to_path_buf) })
}

/// What one model's neurons reach by chance against another, layer by layer.
pub(crate) struct PairNulls {
    d_mlp: usize,
    rotation: Option<Vec<PooledNull>>,
    /// Ascending maxima of each layer.
    permuted: Option<Vec<Vec<f64>>>,
    untrained: Option<Vec<Vec<f64>>>,
    n_draws_permuted: usize,
}

impl PairNulls {
    /// From the pair's own correlations, and what [`run`] has made.
    pub(crate) fn read(
        config: &StudyConfig,
        pair: Pair,
        (kept, d_mlp): (&PairCorrelation, usize),
        paths: &NullPaths,
    ) -> Result<Self, Error> {
        let read = |path: &PathBuf| Ok::<_, Error>(CheckpointCorrelation::read_one(path, pair)?.0);
        let permuted = paths.permuted.as_ref().map(read).transpose()?;
        let untrained = paths.untrained.as_ref().map(read).transpose()?;
        let n = kept.n_neurons();
        let of_own_rows = config.baseline.kind == BaselineKind::PermutedRows;
        let permuted = if of_own_rows { Some(&kept.baseline) } else { permuted.as_ref().map(|kept| &kept.baseline) };
        let maxima = |untrained: &PairCorrelation| -> Vec<f64> {
            (0..n).map(|neuron| untrained.best(neuron, 0).map_or(f64::NAN, |best| best.0)).collect()
        };
        Ok(Self {
            d_mlp,
            rotation: is_rotated(config).then(|| pooled(&kept.baseline, n, d_mlp)),
            permuted: permuted.map(|maxima| by_layer(maxima, n, d_mlp)),
            untrained: untrained.as_ref().map(|untrained| by_layer(&maxima(untrained), n, d_mlp)),
            n_draws_permuted: permuted.map_or(0, |maxima| maxima.len() / n),
        })
    }

    /// By the rotations of the other model.
    pub(crate) fn p_rotation(&self, neuron: usize, max_corr: f64) -> Option<PValue> {
        self.rotation.as_ref()?[neuron / self.d_mlp].p(neuron % self.d_mlp, max_corr)
    }

    /// Among the maxima of the neuron's layer against permuted rows.
    pub(crate) fn p_permuted(&self, neuron: usize, max_corr: f64) -> Option<f64> {
        p_among(self.permuted.as_ref()?, neuron / self.d_mlp, max_corr)
    }

    /// Among those before training.
    pub(crate) fn p_untrained(&self, neuron: usize, max_corr: f64) -> Option<f64> {
        p_among(self.untrained.as_ref()?, neuron / self.d_mlp, max_corr)
    }

    /// Rows of table `nulls`.
    pub(crate) fn rows(&self, (model, other): (&str, &str), checkpoint: Option<i64>) -> Vec<NullRow> {
        let row = |null: &str, layer: usize, n_draws: usize, maxima: &[f64]| NullRow {
            other: Some(other.to_owned()),
            ..null_row(null, model, (checkpoint, layer), n_draws, maxima)
        };
        let mut rows = Vec::new();
        for (layer, pool) in self.rotation.iter().flatten().enumerate() {
            rows.push(NullRow { other: Some(other.to_owned()), ..rotation_row(model, (checkpoint, layer), pool) });
        }
        for (layer, maxima) in self.permuted.iter().flatten().enumerate() {
            rows.push(row("permuted-rows", layer, self.n_draws_permuted, maxima));
        }
        for (layer, maxima) in self.untrained.iter().flatten().enumerate() {
            rows.push(row("untrained", layer, 1, maxima));
        }
        rows
    }
}

/// What the neurons of each model reach by chance on average over the others, and the discoveries beyond it.
pub(crate) struct Discoveries {
    /// [model][neuron]
    pub(crate) p: Vec<Vec<Option<PValue>>>,
    pub(crate) q_bh: Vec<Vec<Option<f64>>>,
    pub(crate) q_by: Vec<Vec<Option<f64>>>,
    /// Of table `nulls`.
    pub(crate) rows: Vec<NullRow>,
}

impl Discoveries {
    /// Of one step, from the draws of its baseline: the mean over the other models of a neuron's maxima, in each draw and as it is.
    pub(crate) fn new(
        config: &StudyConfig,
        inputs: &Inputs,
        step_idx: usize,
        correlated: &CheckpointCorrelation,
    ) -> Self {
        let n_models = inputs.names.len();
        let (mut p, mut rows) = (Vec::new(), Vec::new());
        for model in 0..n_models {
            let n = correlated.moments[model].len();
            if !is_rotated(config) {
                p.push(vec![None; n]);
                continue;
            }
            let d_mlp = inputs.checkpoints[step_idx][model].config.d_mlp;
            let pairs: Vec<&PairCorrelation> =
                (0..n_models).filter(|&other| other != model).map(|other| &correlated.pairs[&(model, other)]).collect();
            // A pair that is undefined drops out, as it does of the excess.
            let mean = |of: &dyn Fn(&PairCorrelation) -> f64| {
                let defined: Vec<f64> = pairs.iter().map(|pair| of(pair)).filter(|value| !value.is_nan()).collect();
                defined.iter().sum::<f64>() / defined.len() as f64
            };
            let of_draw = |draw: usize, neuron: usize| mean(&|pair| pair.baseline[draw * n + neuron]);
            let draws: Vec<f64> = (0..config.baseline.draws)
                .flat_map(|draw| (0..n).map(move |neuron| (draw, neuron)))
                .map(|(draw, neuron)| of_draw(draw, neuron))
                .collect();
            let pools = pooled(&draws, n, d_mlp);
            let of_neuron = |neuron: usize| {
                let observed = mean(&|pair| pair.best(neuron, 0).map_or(f64::NAN, |best| best.0));
                pools[neuron / d_mlp].p(neuron % d_mlp, observed)
            };
            p.push((0..n).map(of_neuron).collect());
            let (name, step) = (&inputs.names[model], inputs.steps[step_idx]);
            rows.extend(pools.iter().enumerate().map(|(layer, pool)| rotation_row(name, (step, layer), pool)));
        }
        let family = config.universality.fdr_family;
        let q_bh = q_values(&p, family, benjamini_hochberg);
        let q_by = q_values(&p, family, benjamini_yekutieli);
        Self { p, q_bh, q_by, rows }
    }
}

/// Over each model's hypotheses, or those of all.
fn q_values(
    p: &[Vec<Option<PValue>>],
    family: FdrFamily,
    adjust: fn(&[Option<f64>]) -> Vec<Option<f64>>,
) -> Vec<Vec<Option<f64>>> {
    let numbers = |p: &[Option<PValue>]| p.iter().map(|p| p.map(|p| p.p)).collect::<Vec<_>>();
    match family {
        FdrFamily::Model => p.iter().map(|p| adjust(&numbers(p))).collect(),
        FdrFamily::Checkpoint => {
            let mut all = adjust(&numbers(&p.concat())).into_iter();
            p.iter().map(|of_model| all.by_ref().take(of_model.len()).collect()).collect()
        }
    }
}

/// Rows of table `nulls` of one step: each model against each other, and where draws were averaged over these against all.
pub(crate) fn rows(
    config: &StudyConfig,
    inputs: &Inputs,
    step_idx: usize,
    (correlated, discoveries): (&CheckpointCorrelation, &Discoveries),
    paths: &NullPaths,
) -> Result<Vec<NullRow>, Error> {
    let mut rows = discoveries.rows.clone();
    for (&(model, other), pair) in &correlated.pairs {
        let d_mlp = inputs.checkpoints[step_idx][model].config.d_mlp;
        let nulls = PairNulls::read(config, (model, other), (pair, d_mlp), paths)?;
        rows.extend(nulls.rows((&inputs.names[model], &inputs.names[other]), inputs.steps[step_idx]));
    }
    Ok(rows)
}

/// Whether the baseline's draws turn the other models.
fn is_rotated(config: &StudyConfig) -> bool {
    config.baseline.kind != BaselineKind::PermutedRows
}

/// The null of each layer, from `maxima` [draws, n].
fn pooled(maxima: &[f64], n: usize, d_mlp: usize) -> Vec<PooledNull> {
    let of_layer = |layer: Range<usize>| {
        let draws: Vec<Vec<f64>> = maxima.chunks_exact(n).map(|draw| draw[layer.clone()].to_vec()).collect();
        PooledNull::new(&draws)
    };
    (0..n / d_mlp).map(|layer| of_layer(layer * d_mlp..(layer + 1) * d_mlp)).collect()
}

/// Ascending, of each layer, from `maxima` [draws, n]; what is undefined is left out.
fn by_layer(maxima: &[f64], n: usize, d_mlp: usize) -> Vec<Vec<f64>> {
    let of_layer = |layer: usize| {
        let draws = maxima.chunks_exact(n).flat_map(|draw| &draw[layer * d_mlp..(layer + 1) * d_mlp]);
        let mut sorted: Vec<f64> = draws.copied().filter(|maximum| !maximum.is_nan()).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        sorted
    };
    (0..n / d_mlp).map(of_layer).collect()
}

fn p_among(layers: &[Vec<f64>], layer: usize, max_corr: f64) -> Option<f64> {
    let maxima = layers.get(layer).filter(|maxima| !maxima.is_empty())?;
    Some(empirical_p(max_corr, maxima))
}

fn rotation_row(model: &str, at: (Option<i64>, usize), pool: &PooledNull) -> NullRow {
    let (ks, tail) = (pool.ks(), pool.tail());
    NullRow {
        is_pooled: Some(pool.is_pooled()).filter(|_| pool.n_pooled() > 0),
        ks_distance: ks.map(|ks| ks.statistic),
        tail_from: tail.map(|tail| tail.threshold),
        tail_scale: tail.map(|tail| tail.scale),
        tail_shape: tail.map(|tail| tail.shape),
        ..null_row("rotation", model, at, pool.n_draws(), &pool.maxima().collect::<Vec<_>>())
    }
}

fn null_row(
    null: &str,
    model: &str,
    (checkpoint, layer): (Option<i64>, usize),
    n_draws: usize,
    maxima: &[f64],
) -> NullRow {
    let n = maxima.len() as f64;
    let defined = |value: f64| (!maxima.is_empty()).then_some(value);
    let mean = maxima.iter().sum::<f64>() / n;
    let var = maxima.iter().map(|maximum| (maximum - mean).powi(2)).sum::<f64>() / n;
    NullRow {
        null: null.to_owned(),
        model: model.to_owned(),
        other: None,
        checkpoint,
        layer: layer as u16,
        n_draws: n_draws as u64,
        n_maxima: maxima.len() as u64,
        mean: defined(mean),
        sd: defined(var.sqrt()),
        greatest: maxima.iter().copied().reduce(f64::max),
        is_pooled: None,
        ks_distance: None,
        tail_from: None,
        tail_scale: None,
        tail_shape: None,
    }
}
