//! What chance gives: maxima against rotated models, permuted rows and untrained models, and the p- and q-values from them.

use homolog_results::NullRow;
use homolog_stats::{derangement, haar_rotation};
use homolog_test::Tol;

use super::differences::Differences;
use super::family::{CONTEXT, N_ROWS, NAMES, STEPS, Settings, Slow, Study, is_counted, pairs};
use super::tokens::dot;
use crate::slow::{NullDraw, mixed, permuted};

const DRAWS: usize = 5;
const PERMUTED_DRAWS: usize = 2;
/// Of the discovery rule.
const FDR: f64 = 0.2;
/// Maxima of correlations, and what is taken of them.
const CORR: Tol = Tol::abs(5e-6);
/// So close to each other, maxima (and their ratios) may change places between f32 and f64.
const TIE: f64 = 2e-5;
/// A neuron that crosses the median takes three of some two hundred values along.
const KS: Tol = Tol::abs(0.035);
/// Quotients in f64.
const QUOTIENT: Tol = Tol { abs: 0.0, rel: 1e-12 };

/// Largest correlation of every neuron of the first side with any of the second; NaN where undefined.
fn maxima((a, b): &NullDraw) -> Vec<f64> {
    let unit = |x: &Vec<f64>| {
        let mean = x.iter().sum::<f64>() / x.len() as f64;
        let centred: Vec<f64> = x.iter().map(|x| x - mean).collect();
        let norm = dot(&centred, &centred).sqrt();
        let is_constant = x.iter().all(|value| *value == x[0]);
        (!is_constant).then(|| centred.iter().map(|x| x / norm).collect::<Vec<f64>>())
    };
    let b: Vec<Vec<f64>> = b.iter().filter_map(unit).collect();
    let of = |x: &Vec<f64>| unit(x).map_or(f64::NAN, |x| b.iter().map(|y| dot(&x, y)).fold(f64::NAN, f64::max));
    a.iter().map(of).collect()
}

/// Null values of the neurons of one layer, [neuron][draw].
struct Layer(Vec<Vec<f64>>);

impl Layer {
    /// Layers of `draws` [draw][neuron].
    fn of(draws: &[Vec<f64>], d_mlp: usize) -> Vec<Self> {
        let neurons: Vec<Vec<f64>> = (0..draws[0].len()).map(|i| draws.iter().map(|draw| draw[i]).collect()).collect();
        neurons.chunks_exact(d_mlp).map(|layer| Self(layer.to_vec())).collect()
    }

    fn defined(&self) -> Vec<f64> {
        self.0.iter().flatten().copied().filter(|x| !x.is_nan()).collect()
    }

    /// Neurons all of whose draws are defined and positive.
    fn sound(&self) -> Vec<&[f64]> {
        self.0.iter().map(Vec::as_slice).filter(|draws| draws.iter().all(|x| *x > 0.0)).collect()
    }

    /// Least and greatest p-value that rounding leaves possible, by ratios: with the whole layer's or the neuron's own draws alone.
    fn p_of_ratio(&self, neuron: usize, observed: f64, is_pooled: bool) -> Option<[f64; 2]> {
        let own = &self.0[neuron];
        if !own.iter().all(|x| *x > 0.0) {
            return None;
        }
        let (null, observed): (Vec<f64>, f64) = if is_pooled {
            (self.sound().into_iter().flat_map(to_the_others).collect(), observed / mean(own))
        } else {
            (own.clone(), observed)
        };
        Some(p_among(&null, observed))
    }

    /// Largest distance of the distributions of ratios between neurons of low and of high location.
    fn ks(&self) -> f64 {
        let (mut low, mut high) = (Vec::new(), Vec::new());
        let half = DRAWS / 2;
        for is_turned in [false, true] {
            let parts = |draws: &[f64]| {
                let (first, second) = draws.split_at(half);
                let (first, second) = (first.to_vec(), second.to_vec());
                if is_turned { (second, first) } else { (first, second) }
            };
            let mut locations: Vec<f64> = self.sound().into_iter().map(|draws| mean(&parts(draws).0)).collect();
            locations.sort_by(f64::total_cmp);
            let median = locations[locations.len() / 2];
            for draws in self.sound() {
                let (sorting, compared) = parts(draws);
                let group = if mean(&sorting) < median { &mut low } else { &mut high };
                group.extend(to_the_others(&compared));
            }
        }
        let share = |of: &[f64], at: f64| of.iter().filter(|x| **x <= at).count() as f64 / of.len() as f64;
        low.iter().chain(&high).map(|&at| (share(&low, at) - share(&high, at)).abs()).fold(0.0, f64::max)
    }
}

/// Every value over the mean of the others.
fn to_the_others(draws: &[f64]) -> Vec<f64> {
    let others = |d: usize| {
        let others: Vec<f64> = draws.iter().enumerate().filter(|(e, _)| *e != d).map(|(_, x)| *x).collect();
        mean(&others)
    };
    (0..draws.len()).map(|d| draws[d] / others(d)).collect()
}

fn p_among(null: &[f64], observed: f64) -> [f64; 2] {
    [TIE, -TIE].map(|slack| {
        let n = null.iter().filter(|x| **x >= observed + slack).count();
        (1 + n) as f64 / (1 + null.len()) as f64
    })
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Hold one row of table `nulls` to its maxima; returns it.
fn null_row<'a>(
    study: &'a Study,
    (null, model, other, step, layer): (&str, usize, Option<usize>, i64, usize),
    (n_draws, maxima): (usize, &[f64]),
    differences: &mut Differences,
) -> Option<&'a NullRow> {
    let at = format!("{null}, {} with {other:?}, step {step}, layer {layer}", NAMES[model]);
    let is_it = |row: &&NullRow| {
        let names = (row.model.as_str(), row.other.as_deref());
        let place = (row.checkpoint, usize::from(row.layer));
        row.null == null && names == (NAMES[model], other.map(|other| NAMES[other])) && place == (Some(step), layer)
    };
    let rows: Vec<&NullRow> = study.found.nulls.iter().filter(is_it).collect();
    differences.same("nulls", rows.len(), 1, &at);
    let row = *rows.first()?;
    differences.same("n_maxima", (row.n_draws, row.n_maxima), (n_draws as u64, maxima.len() as u64), &at);
    let squares: Vec<f64> = maxima.iter().map(|x| (x - mean(maxima)).powi(2)).collect();
    let greatest = maxima.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    differences.close("nulls.mean", row.mean, Some(mean(maxima)), CORR, &at);
    differences.close("nulls.sd", row.sd, Some(mean(&squares).sqrt()), CORR, &at);
    differences.close("nulls.greatest", row.greatest, Some(greatest), CORR, &at);
    Some(row)
}

/// The layers of one null by rotation, each held to its row, with whether it is pooled.
fn rotated_layers(
    study: &Study,
    (model, other, slow): (usize, Option<usize>, &Slow),
    draws: &[Vec<f64>],
    differences: &mut Differences,
) -> Vec<(Layer, bool)> {
    let layers = Layer::of(draws, slow.d_mlp[model]).into_iter().enumerate().map(|(number, layer)| {
        let at = ("rotation", model, other, slow.step, number);
        let row = null_row(study, at, (DRAWS, &layer.defined()), differences);
        let ks = row.and_then(|row| row.ks_distance);
        let at = format!("{at:?}");
        differences.close("ks_distance", ks, Some(layer.ks()), KS, &at);
        let is_pooled = row.is_some_and(|row| row.is_pooled == Some(true));
        // Some two hundred values each side: 0.3 is no chance (p = 2e-4 of independent ones), and 0.1 is always let pass.
        if ks.is_none_or(|ks| ks < 0.1 || ks > 0.3) {
            differences.same("is_pooled", is_pooled, ks.is_some_and(|ks| ks < 0.1), &at);
        }
        differences.same("tail_from", row.and_then(|row| row.tail_from), None, &at);
        (layer, is_pooled)
    });
    layers.collect()
}

pub(super) fn check_rotations(study: &Study, settings: &Settings) -> Differences {
    let mut differences = Differences::default();
    for slow in study.steps {
        // [model]: of each other model [draw][neuron].
        let mut of_models: Vec<Vec<Vec<Vec<f64>>>> = vec![Vec::new(); NAMES.len()];
        for pair in pairs() {
            let draw = |draw: usize| {
                let (a, b) = (&slow.activations[pair.0], &slow.activations[pair.1]);
                let of_b = (pair.1, slow.d_mlp[pair.1]);
                maxima(&mixed(a, b, of_b, (draw, settings.rotation_seed), haar_rotation))
            };
            let draws: Vec<Vec<f64>> = (0..DRAWS).map(draw).collect();
            let layers = rotated_layers(study, (pair.0, Some(pair.1), slow), &draws, &mut differences);
            for (i, row) in study.found.matches[&(pair, slow.step)].iter().enumerate() {
                let at = format!("{} with {}, step {}, neuron {i}", NAMES[pair.0], NAMES[pair.1], slow.step);
                let d_mlp = slow.d_mlp[pair.0];
                let (layer, is_pooled) = &layers[i / d_mlp];
                let best = slow.best(pair, i, 0);
                let want = best.and_then(|best| layer.p_of_ratio(i % d_mlp, best.0, *is_pooled));
                differences.within("p_rotation", row.p_rotation, want, &at);
                // Pools of some two hundred have no tail.
                differences.same("p_is_fitted", row.p_is_fitted, want.map(|_| false), &at);
            }
            of_models[pair.0].push(draws);
        }
        for (model, draws) in of_models.iter().enumerate() {
            let defined = |values: Vec<f64>| mean(&values.into_iter().filter(|x| !x.is_nan()).collect::<Vec<_>>());
            let n = slow.n_neurons(model);
            let of_draw = |draw: usize| (0..n).map(|i| defined(draws.iter().map(|of| of[draw][i]).collect())).collect();
            let means: Vec<Vec<f64>> = (0..DRAWS).map(of_draw).collect();
            let layers = rotated_layers(study, (model, None, slow), &means, &mut differences);
            for (i, row) in study.found.neurons[&(model, slow.step)].iter().enumerate() {
                let at = format!("{}, step {}, neuron {i}", NAMES[model], slow.step);
                let best = Slow::others(model).filter_map(|other| Some(slow.best((model, other), i, 0)?.0));
                let best: Vec<f64> = best.collect();
                let d_mlp = slow.d_mlp[model];
                let (layer, is_pooled) = &layers[i / d_mlp];
                let want = (!best.is_empty()).then(|| layer.p_of_ratio(i % d_mlp, mean(&best), *is_pooled));
                differences.within("p_value", row.p_value, want.flatten(), &at);
                differences.same("neurons.p_is_fitted", row.p_is_fitted, row.p_value.map(|_| false), &at);
            }
        }
    }
    differences
}

/// From the p-values that were found, by the words of the definition.
pub(super) fn check_discoveries(study: &Study, settings: &Settings) -> Differences {
    let mut differences = Differences::default();
    for step in STEPS {
        for model in 0..NAMES.len() {
            let family: Vec<usize> = if settings.is_one_family { (0..NAMES.len()).collect() } else { vec![model] };
            let family = family.iter().flat_map(|&model| &study.found.neurons[&(model, step)]);
            let family: Vec<f64> = family.filter_map(|row| row.p_value).collect();
            let m = family.len() as f64;
            let dependence: f64 = (1..=family.len()).map(|k| 1.0 / k as f64).sum();
            let q = |p: f64, c: f64| {
                let at = |l: f64| l * m * c / family.iter().filter(|p| **p <= l).count() as f64;
                family.iter().filter(|l| **l >= p).map(|l| at(*l)).fold(1.0, f64::min)
            };
            for (i, row) in study.found.neurons[&(model, step)].iter().enumerate() {
                let at = format!("{}, step {step}, neuron {i}", NAMES[model]);
                let bh = row.p_value.map(|p| q(p, 1.0));
                differences.close("q_bh", row.q_bh, bh, QUOTIENT, &at);
                differences.close("q_by", row.q_by, row.p_value.map(|p| q(p, dependence)), QUOTIENT, &at);
                let is_discovery = bh.is_some_and(|q| q <= FDR);
                differences.same("is_universal_fdr", row.is_universal_fdr, is_discovery, &at);
            }
        }
    }
    differences
}

/// Against permuted rows, and against the same pair before training.
pub(super) fn check_other_nulls(study: &Study, settings: &Settings) -> Differences {
    let mut differences = Differences::default();
    let is_counted: Vec<bool> = study.rows.iter().map(|id| is_counted(*id)).collect();
    let mut n_rows = study.found.nulls.iter().filter(|row| row.null == "rotation").count();
    for slow in study.steps {
        let untrained = study.steps.iter().find(|slow| slow.step == settings.untrained).unwrap();
        for pair in pairs() {
            let draw = |draw: usize| {
                let order = derangement(N_ROWS, settings.permutation_seed, draw).unwrap();
                let (a, b) = ((&*slow.everywhere[pair.0], pair.0), (&*slow.everywhere[pair.1], pair.1));
                maxima(&permuted(a, b, &is_counted, CONTEXT, &order))
            };
            let draws: Vec<Vec<f64>> = (0..PERMUTED_DRAWS).map(draw).collect();
            let d_mlp = slow.d_mlp[pair.0];
            let of_rows: Vec<Vec<f64>> = Layer::of(&draws, d_mlp).iter().map(Layer::defined).collect();
            let before: Vec<f64> = (0..slow.n_neurons(pair.0))
                .map(|i| untrained.best(pair, i, 0).map_or(f64::NAN, |best| best.0))
                .collect();
            let before: Vec<Vec<f64>> = Layer::of(&[before], d_mlp).iter().map(Layer::defined).collect();
            let is_after = slow.step > 0;
            for layer in 0..of_rows.len() {
                let at = |null| (null, pair.0, Some(pair.1), slow.step, layer);
                null_row(study, at("permuted-rows"), (PERMUTED_DRAWS, &of_rows[layer]), &mut differences);
                n_rows += 1;
                if is_after {
                    null_row(study, at("untrained"), (1, &before[layer]), &mut differences);
                    n_rows += 1;
                }
            }
            for (i, row) in study.found.matches[&(pair, slow.step)].iter().enumerate() {
                let at = format!("{} with {}, step {}, neuron {i}", NAMES[pair.0], NAMES[pair.1], slow.step);
                let best = slow.best(pair, i, 0);
                let p = |null: &[Vec<f64>]| best.map(|best| p_among(&null[i / d_mlp], best.0));
                differences.within("p_permuted", row.p_permuted, p(&of_rows), &at);
                differences.within("p_untrained", row.p_untrained, p(&before).filter(|_| is_after), &at);
            }
        }
    }
    differences.same("nulls", study.found.nulls.len(), n_rows, "rows of the table");
    differences
}
