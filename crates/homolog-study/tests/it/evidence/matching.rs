//! Whom a neuron is matched with: by halves of the tokens, within layers, one to one, mutually, all round.

use std::collections::BTreeSet;

use homolog_test::Tol;
use homolog_test::reference_gpt2::pearson;

use super::differences::Differences;
use super::family::{NAMES, Pair, Settings, Slow, Study, pairs};
use super::intervals::TIE;
use super::tokens::halves;

/// Correlations of two neurons from f32. Measured: 1.5e-7.
const CORR: Tol = Tol::abs(2e-6);

/// Chosen on one half of the tokens, measured on the other.
pub(super) fn check_halves(study: &Study, settings: &Settings) -> Differences {
    let mut differences = Differences::default();
    let halves = halves(study, settings);
    let of_half = |x: &[f64], half: usize| -> Vec<f64> {
        x.iter().zip(&halves).filter(|(_, of)| **of == half).map(|(x, _)| *x).collect()
    };
    let (mut n_undecided, mut n) = (0, 0);
    for slow in study.steps {
        let split = |half: usize| -> Vec<Vec<Vec<f64>>> {
            let models = slow.activations.iter();
            models.map(|model| model.iter().map(|neuron| of_half(neuron, half)).collect()).collect()
        };
        let split = [split(0), split(1)];
        // [model][neuron]: of each other model the cross-fitted correlation and its excess over the baseline.
        let mut means: Vec<Vec<Vec<[f64; 2]>>> =
            (0..NAMES.len()).map(|model| vec![Vec::new(); slow.n_neurons(model)]).collect();
        let mut is_sure: Vec<Vec<bool>> = (0..NAMES.len()).map(|model| vec![true; slow.n_neurons(model)]).collect();
        for pair in pairs() {
            for (i, row) in study.found.matches[&(pair, slow.step)].iter().enumerate() {
                let at = format!("{} with {}, step {}, neuron {i}", NAMES[pair.0], NAMES[pair.1], slow.step);
                let corrs = |j: usize| {
                    let of = |half: usize| pearson(&split[half][pair.0][i], &split[half][pair.1][j]);
                    Some(([of(0)?, of(1)?], j))
                };
                let corrs: Vec<([f64; 2], usize)> = (0..slow.n_neurons(pair.1)).filter_map(corrs).collect();
                let best =
                    |half: usize| corrs.iter().max_by(|x, y| x.0[half].total_cmp(&y.0[half]).then(y.1.cmp(&x.1)));
                let is_decided = |half: usize| {
                    let most = best(half).map_or(0.0, |best| best.0[half]);
                    corrs.iter().filter(|corr| corr.0[half] > most - TIE).count() <= 1
                };
                n += 1;
                if !is_decided(0) || !is_decided(1) {
                    n_undecided += 1;
                    is_sure[pair.0][i] = false;
                    continue;
                }
                let chosen = best(0).zip(best(1));
                let want = chosen.map(|(first, second)| f64::midpoint(first.0[1], second.0[0]));
                differences.close("cross_fitted_corr", row.cross_fitted_corr, want, CORR, &at);
                let is_same = chosen.map(|(first, second)| first.1 == second.1);
                differences.same("is_same_in_halves", row.is_same_in_halves, is_same, &at);
                if let Some((want, baseline)) = want.zip(row.baseline) {
                    means[pair.0][i].push([want, want - f64::from(baseline)]);
                }
            }
        }
        for model in 0..NAMES.len() {
            for (i, row) in study.found.neurons[&(model, slow.step)].iter().enumerate() {
                let at = format!("{}, step {}, neuron {i}", NAMES[model], slow.step);
                if !is_sure[model][i] {
                    continue;
                }
                let of = &means[model][i];
                let mean = |at: usize| of.iter().map(|of| of[at]).sum::<f64>() / of.len() as f64;
                let want = |at: usize| (!of.is_empty()).then(|| mean(at));
                differences.close("neurons.cross_fitted_corr", row.cross_fitted_corr, want(0), CORR, &at);
                differences.close("cross_fitted_excess", row.cross_fitted_excess, want(1), CORR, &at);
            }
        }
    }
    assert!(n_undecided < n / 100, "{n_undecided} of {n} are chosen by rounding");
    differences
}

/// Best matches within layers, and one to one.
pub(super) fn check_layers(study: &Study, settings: &Settings) -> Differences {
    let mut differences = Differences::default();
    for slow in study.steps {
        for pair in pairs() {
            let d = [slow.d_mlp[pair.0], slow.d_mlp[pair.1]];
            let rows = &study.found.matches[&(pair, slow.step)];
            for (i, row) in rows.iter().enumerate() {
                let at = format!("{} with {}, step {}, neuron {i}", NAMES[pair.0], NAMES[pair.1], slow.step);
                let within = |reach: usize| {
                    let is_near = |j: usize| (i / d[0]).abs_diff(j / d[1]) <= reach;
                    slow.ranked[&pair][i].iter().copied().filter(|best| is_near(best.1)).take(2).collect::<Vec<_>>()
                };
                let is_sure = |best: &[(f64, usize)]| best.len() < 2 || best[0].0 - best[1].0 > TIE;
                let [same, near] = [within(0), within(settings.n_near)];
                differences.close("same_layer_corr", row.same_layer_corr, same.first().map(|of| of.0), CORR, &at);
                differences.close("near_layers_corr", row.near_layers_corr, near.first().map(|of| of.0), CORR, &at);
                if is_sure(&same) {
                    let want = same.first().map(|of| (of.1 % d[1]) as u32);
                    differences.same("same_layer_neuron", row.same_layer_neuron, want, &at);
                }
                if is_sure(&near) {
                    let want = near.first().map(|of| ((of.1 / d[1]) as u16, (of.1 % d[1]) as u32));
                    let found = row.near_layers_layer.zip(row.near_layers_neuron);
                    differences.same("near_layers_neuron", found, want, &at);
                }
                // Its correlation is that of the partner it names.
                let partner = row.one_to_one_neuron.map(|partner| i / d[0] * d[1] + partner as usize);
                let want = partner.and_then(|j| slow.corr(pair, i, j));
                differences.close("one_to_one_corr", row.one_to_one_corr, want, CORR, &at);
                // And the partner names it.
                let back = partner.map(|j| study.found.matches[&((pair.1, pair.0), slow.step)][j].one_to_one_neuron);
                differences.same("one_to_one_neuron", back, partner.map(|_| Some(row.neuron)), &at);
            }
            for layer in 0..rows.len() / d[0] {
                let at = format!("{} with {}, step {}, layer {layer}", NAMES[pair.0], NAMES[pair.1], slow.step);
                let of_layer = &rows[layer * d[0]..(layer + 1) * d[0]];
                let corrs: Vec<Vec<f64>> = (0..d[0])
                    .filter(|i| !slow.ranked[&pair][layer * d[0] + i].is_empty())
                    .map(|i| {
                        // One of the models may end before.
                        let others = layer * d[1]..((layer + 1) * d[1]).min(slow.n_neurons(pair.1));
                        others.filter_map(|j| slow.corr(pair, layer * d[0] + i, j)).collect()
                    })
                    .filter(|corrs: &Vec<f64>| !corrs.is_empty())
                    .collect();
                let total = if settings.is_greedy { greedy(&corrs) } else { most(&corrs) };
                let n = corrs.first().map_or(0, |row| row.len().min(corrs.len()));
                let found: Vec<f64> = of_layer.iter().filter_map(|row| row.one_to_one_corr).map(f64::from).collect();
                differences.same("one_to_one", found.len(), n, &at);
                let total = Some(total);
                differences.close("one_to_one total", Some(found.iter().sum::<f64>()), total, Tol::abs(1e-4), &at);
            }
        }
    }
    differences
}

/// Largest total of a one-to-one matching, by shortest paths with potentials (Kuhn and Munkres, one row after another).
fn most(corrs: &[Vec<f64>]) -> f64 {
    let Some(first) = corrs.first() else { return 0.0 };
    let (mut n, mut m) = (corrs.len(), first.len());
    // Costs; rows are the smaller side.
    let is_turned = n > m;
    if is_turned {
        (n, m) = (m, n);
    }
    let cost = |i: usize, j: usize| if is_turned { -corrs[j][i] } else { -corrs[i][j] };
    let (mut of_rows, mut of_columns) = (vec![0.0; n], vec![0.0; m + 1]);
    // Row of each column; the last column is where a path begins.
    let mut row_of = vec![None; m + 1];
    for i in 0..n {
        row_of[m] = Some(i);
        let mut column = m;
        let (mut least, mut before) = (vec![f64::INFINITY; m], vec![m; m]);
        let mut is_done = vec![false; m + 1];
        while let Some(row) = row_of[column] {
            is_done[column] = true;
            let mut next = (f64::INFINITY, m);
            for j in (0..m).filter(|&j| !is_done[j]) {
                let reduced = cost(row, j) - of_rows[row] - of_columns[j];
                if reduced < least[j] {
                    (least[j], before[j]) = (reduced, column);
                }
                if least[j] < next.0 {
                    next = (least[j], j);
                }
            }
            for j in 0..=m {
                if is_done[j] {
                    of_rows[row_of[j].unwrap()] += next.0;
                    of_columns[j] -= next.0;
                } else {
                    least[j] -= next.0;
                }
            }
            column = next.1;
        }
        while column != m {
            row_of[column] = row_of[before[column]];
            column = before[column];
        }
    }
    (0..m).filter_map(|j| Some(-cost(row_of[j]?, j))).sum()
}

/// The mutant: the best pair that is left, again and again.
fn greedy(corrs: &[Vec<f64>]) -> f64 {
    let mut all: Vec<(f64, usize, usize)> = Vec::new();
    for (i, row) in corrs.iter().enumerate() {
        all.extend(row.iter().enumerate().map(|(j, corr)| (*corr, i, j)));
    }
    all.sort_by(|x, y| y.0.total_cmp(&x.0));
    let (mut rows, mut columns) = (BTreeSet::new(), BTreeSet::new());
    let mut total = 0.0;
    for (corr, i, j) in all {
        if !rows.contains(&i) && !columns.contains(&j) {
            rows.insert(i);
            columns.insert(j);
            total += corr;
        }
    }
    total
}

/// Mutual matches, hubs, antipodes, and cliques.
pub(super) fn check_partners(study: &Study, settings: &Settings) -> Differences {
    let mut differences = Differences::default();
    for slow in study.steps {
        let best = |pair: Pair, i: usize| slow.best(pair, i, settings.rank).map(|best| best.1);
        let is_mutual = |(a, b): Pair, i: usize| best((a, b), i).is_some_and(|j| best((b, a), j) == Some(i));
        let mutual = |(a, b): Pair, i: usize| best((a, b), i).filter(|_| is_mutual((a, b), i));
        for pair in pairs() {
            let back = (pair.1, pair.0);
            let chosen: Vec<Option<usize>> = (0..slow.n_neurons(pair.1)).map(|j| best(back, j)).collect();
            for (i, row) in study.found.matches[&(pair, slow.step)].iter().enumerate() {
                let at = format!("{} with {}, step {}, neuron {i}", NAMES[pair.0], NAMES[pair.1], slow.step);
                differences.same("is_mutual", row.is_mutual, is_mutual(pair, i), &at);
                let n_matched_by = chosen.iter().filter(|of| **of == Some(i)).count() as u32;
                differences.same("n_matched_by", row.n_matched_by, n_matched_by, &at);
                let (first, last) = (slow.best(pair, i, settings.rank), slow.ranked[&pair][i].last());
                let sum = first.zip(last).map(|(first, last)| first.0 + last.0);
                if sum.is_none_or(|sum| sum.abs() > TIE) {
                    let want = sum.map(|sum| sum < 0.0).filter(|_| row.is_exact);
                    differences.same("is_antipodal", row.is_antipodal, want, &at);
                }
            }
        }
        // Three models: a clique has one neuron of each.
        let mut cliques = Vec::new();
        for i in 0..slow.n_neurons(0) {
            for j in 0..slow.n_neurons(1) {
                for k in 0..slow.n_neurons(2) {
                    let all = [((0, 1), i, j), ((0, 2), i, k), ((1, 2), j, k)];
                    if all.iter().all(|&(pair, x, y)| mutual(pair, x) == Some(y)) {
                        cliques.push([i, j, k]);
                    }
                }
            }
        }
        assert!(settings.rank > 0 || slow.step == 0 || cliques.len() > 3, "too few cliques to compare: {cliques:?}");
        for model in 0..NAMES.len() {
            for (i, row) in study.found.neurons[&(model, slow.step)].iter().enumerate() {
                let at = format!("{}, step {}, neuron {i}", NAMES[model], slow.step);
                let n_mutual = Slow::others(model).filter(|&other| is_mutual((model, other), i)).count() as u32;
                differences.same("n_mutual", row.n_mutual, n_mutual, &at);
                let n_models = if cliques.iter().any(|clique| clique[model] == i) { 3 } else { 1 };
                differences.same("n_models_clique", row.n_models_clique, n_models, &at);
            }
        }
        check_cliques(study, slow, &cliques, &mut differences);
    }
    differences
}

fn check_cliques(study: &Study, slow: &Slow, cliques: &[[usize; 3]], differences: &mut Differences) {
    let rows: Vec<_> = study.found.cliques.iter().filter(|row| row.checkpoint == Some(slow.step)).collect();
    let at = format!("step {}", slow.step);
    differences.same("cliques", rows.len(), 3 * cliques.len(), &at);
    for row in rows {
        // Numbers follow the order of members, models in the order of the study file.
        let Some(clique) = cliques.get(row.clique as usize) else { continue };
        let model = NAMES.iter().position(|name| *name == row.model).unwrap();
        let place = row.layer as usize * slow.d_mlp[model] + row.neuron as usize;
        let at = format!("{at}, {row:?}");
        differences.same("cliques", (place, row.n_models, row.is_full), (clique[model], 3, true), &at);
        let (mut corrs, mut excess) = (Vec::new(), Vec::new());
        for pair in pairs() {
            let corr = slow.corr(pair, clique[pair.0], clique[pair.1]).unwrap();
            let baseline = study.found.matches[&(pair, slow.step)][clique[pair.0]].baseline.unwrap();
            corrs.push(corr);
            excess.push(corr - f64::from(baseline));
        }
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let least = corrs.iter().copied().fold(f64::INFINITY, f64::min);
        differences.close("min_corr", Some(row.min_corr), Some(least), CORR, &at);
        differences.close("mean_corr", Some(row.mean_corr), Some(mean(&corrs)), CORR, &at);
        differences.close("cliques.excess_corr", row.excess_corr, Some(mean(&excess)), CORR, &at);
        differences.same("cliques.is_universal", row.is_universal, mean(&excess) > 0.1, &at);
    }
}
