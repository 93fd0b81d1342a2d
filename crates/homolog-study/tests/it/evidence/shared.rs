//! What tokens and positions leave of a match: residuals of explicit least squares.

use homolog_test::Tol;
use homolog_test::reference_gpt2::pearson;

use super::differences::Differences;
use super::family::{CONTEXT, NAMES, Settings, Slow, Study, pairs};
use super::tokens::{Basis, dot, frequent};

/// Correlations of residuals of activations in f32.
const CORR: Tol = Tol::abs(5e-6);
/// Shares of variance.
const SHARE: Tol = Tol::abs(2e-6);

pub(super) fn check(study: &Study, settings: &Settings) -> Differences {
    let mut differences = Differences::default();
    let frequent = frequent(study, settings);
    let class = |id: u16| frequent.iter().position(|(of, _)| *of == id).unwrap_or(frequent.len());
    let classes: Vec<usize> = study.counted().map(|(_, id)| class(id)).collect();
    let positions: Vec<usize> = study.counted().map(|(at, _)| at % CONTEXT % settings.n_positions).collect();
    // Token, position, both.
    let bases = [Basis::of(&[&classes]), Basis::of(&[&positions]), Basis::of(&[&classes, &positions])];
    for slow in study.steps {
        let residuals = |basis: &Basis| -> Vec<Vec<Vec<f64>>> {
            let models = slow.activations.iter();
            models.map(|model| model.iter().map(|neuron| basis.residual(neuron)).collect()).collect()
        };
        let residuals = bases.each_ref().map(residuals);
        let mut of_both: Vec<Vec<Vec<f64>>> =
            (0..NAMES.len()).map(|model| vec![Vec::new(); slow.n_neurons(model)]).collect();
        for pair in pairs() {
            for (i, row) in study.found.matches[&(pair, slow.step)].iter().enumerate() {
                let at = format!("{} with {}, step {}, neuron {i}", NAMES[pair.0], NAMES[pair.1], slow.step);
                let best = slow.best(pair, i, 0);
                let left = |which: usize| {
                    let (x, y) = (&residuals[which][pair.0][i], &residuals[which][pair.1][best?.1]);
                    pearson(x, y)
                };
                differences.close("corr_without_token", row.corr_without_token, left(0), CORR, &at);
                differences.close("corr_without_position", row.corr_without_position, left(1), CORR, &at);
                differences.close("corr_without_both", row.corr_without_both, left(2), CORR, &at);
                of_both[pair.0][i].extend(left(2));
            }
        }
        for model in 0..NAMES.len() {
            for (i, row) in study.found.neurons[&(model, slow.step)].iter().enumerate() {
                let at = format!("{}, step {}, neuron {i}", NAMES[model], slow.step);
                let of = &of_both[model][i];
                let mean = (!of.is_empty()).then(|| of.iter().sum::<f64>() / of.len() as f64);
                differences.close("mean_corr_without_both", row.mean_corr_without_both, mean, CORR, &at);
                let is_constant = slow.ranked[&(model, Slow::others(model).next().unwrap())][i].is_empty();
                let share = |which: usize| {
                    let x = &slow.activations[model][i];
                    let mean = x.iter().sum::<f64>() / x.len() as f64;
                    let squares: f64 = x.iter().map(|x| (x - mean).powi(2)).sum();
                    let left = &residuals[which][model][i];
                    (!is_constant).then(|| 1.0 - dot(left, left) / squares)
                };
                differences.close("token_share", row.token_share, share(0), SHARE, &at);
                differences.close("position_share", row.position_share, share(1), SHARE, &at);
                differences.close("token_position_share", row.token_position_share, share(2), SHARE, &at);
            }
        }
    }
    let n: usize = frequent.iter().map(|(_, count)| count).sum();
    for row in &study.found.models {
        differences.same("n_frequent_tokens", row.n_frequent_tokens, Some(frequent.len() as u64), &row.model);
        let share = Some(n as f64 / classes.len() as f64);
        differences.close("frequent_token_share", row.frequent_token_share, share, Tol::abs(1e-12), &row.model);
        let least = frequent.last().map(|(_, count)| *count as u64);
        differences.same("least_token_count", row.least_token_count, least, &row.model);
    }
    differences
}
