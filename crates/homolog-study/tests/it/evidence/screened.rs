//! Evidence of a screened search: matches within layers are chosen on the sample, everything is measured on all tokens.

use homolog_test::Tol;
use homolog_test::reference_gpt2::pearson;

use super::differences::Differences;
use super::family::{AS_IS, CONTEXT, N_ROWS, NAMES, SETTINGS, STEPS, Settings, Study, pairs};
use super::intervals::TIE;
use super::{intervals, matching, shared};

/// Rows of the sample.
const N_SAMPLED: usize = 40;
/// Correlations of two neurons from f32.
const CORR: Tol = Tol::abs(5e-6);

fn study() -> Study {
    let screened = format!(
        "top_k = 6\nsearch = \"screened\"\n[correlation.screening]\ntokens = {}\nnarrowing_tokens = {}\ncandidates = 60\naudit = 16\nexact_near_thresholds = false",
        N_SAMPLED * CONTEXT,
        N_SAMPLED * CONTEXT
    );
    let settings = SETTINGS.replace("[nulls]\npermuted_rows = 2\nseed = 11\n", "").replace("top_k = 6", &screened);
    Study::run(&settings)
}

/// Whether each counted token is of the sample: of the middle row of each of as many parts.
fn is_sampled(study: &Study) -> Vec<bool> {
    let rows: Vec<usize> = (0..N_SAMPLED).map(|part| (2 * part + 1) * N_ROWS / (2 * N_SAMPLED)).collect();
    study.counted().map(|(at, _)| rows.contains(&(at / CONTEXT))).collect()
}

/// Candidates are chosen on all tokens: no half of these has had no part in it.
fn check_halves(study: &Study, _: &Settings) -> Differences {
    let mut differences = Differences::default();
    for row in study.found.matches.values().flatten() {
        let at = format!("{} with {}, neuron {}.{}", row.model, row.other, row.layer, row.neuron);
        differences.close("cross_fitted_corr", row.cross_fitted_corr, None, CORR, &at);
        differences.same("is_same_in_halves", row.is_same_in_halves, None, &at);
    }
    differences
}

/// Chosen on the sample, measured on all tokens.
fn check_layers(study: &Study, settings: &Settings) -> Differences {
    let mut differences = Differences::default();
    let is_sampled = is_sampled(study);
    let of_sample =
        |x: &[f64]| -> Vec<f64> { x.iter().zip(&is_sampled).filter(|(_, is)| **is).map(|(x, _)| *x).collect() };
    for slow in study.steps {
        let models = slow.activations.iter();
        let sample: Vec<Vec<Vec<f64>>> =
            models.map(|model| model.iter().map(|neuron| of_sample(neuron)).collect()).collect();
        for pair in pairs() {
            let d = [slow.d_mlp[pair.0], slow.d_mlp[pair.1]];
            let n_layers = slow.n_neurons(pair.1) / d[1];
            for (i, row) in study.found.matches[&(pair, slow.step)].iter().enumerate() {
                let at = format!("{} with {}, step {}, neuron {i}", NAMES[pair.0], NAMES[pair.1], slow.step);
                let best = |reach: usize| {
                    let layers = (0..n_layers).filter(|layer| layer.abs_diff(i / d[0]) <= reach);
                    let others = layers.flat_map(|layer| layer * d[1]..(layer + 1) * d[1]);
                    let corr = |j: usize| Some((pearson(&sample[pair.0][i], &sample[pair.1][j])?, j));
                    let mut corrs: Vec<(f64, usize)> = others.filter_map(corr).collect();
                    corrs.sort_by(|x, y| y.0.total_cmp(&x.0));
                    let is_sure = corrs.len() < 2 || corrs[0].0 - corrs[1].0 > TIE;
                    is_sure.then(|| corrs.first().map(|best| best.1))
                };
                let over_all = |j: Option<usize>| j.and_then(|j| slow.corr(pair, i, j));
                if let Some(same) = best(0) {
                    differences.close("same_layer_corr", row.same_layer_corr, over_all(same), CORR, &at);
                    let want = same.map(|j| (j % d[1]) as u32);
                    differences.same("same_layer_neuron", row.same_layer_neuron, want, &at);
                }
                if let Some(near) = best(settings.n_near) {
                    differences.close("near_layers_corr", row.near_layers_corr, over_all(near), CORR, &at);
                    let want = near.map(|j| ((j / d[1]) as u16, (j % d[1]) as u32));
                    let found = row.near_layers_layer.zip(row.near_layers_neuron);
                    differences.same("near_layers_neuron", found, want, &at);
                }
                let partner = row.one_to_one_neuron.map(|partner| i / d[0] * d[1] + partner as usize);
                differences.close("one_to_one_corr", row.one_to_one_corr, over_all(partner), CORR, &at);
                let back = partner.map(|j| study.found.matches[&((pair.1, pair.0), slow.step)][j].one_to_one_neuron);
                differences.same("one_to_one_neuron", back, partner.map(|_| Some(row.neuron)), &at);
            }
        }
    }
    differences
}

#[test]
fn a_screened_search_has_the_evidence_of_the_exact_one() {
    let study = study();
    let screened = |step: i64| -> usize {
        let of_pair = |pair| study.found.matches[&(pair, step)].iter().filter(|row| !row.is_exact).count();
        pairs().map(of_pair).sum()
    };
    let n_screened: usize = STEPS.iter().map(|step| screened(*step)).sum();
    assert!(n_screened > 40, "only {n_screened} matches were left to the screening");
    for check in [intervals::check, shared::check, check_halves, check_layers, matching::check_partners] {
        assert_eq!(check(&study, &AS_IS), Differences::default());
    }
    // The exact search chooses among all neurons and within layers on all tokens: the twin of the one is not that of the other.
    let exact = Study::of();
    assert!(check_halves(exact, &AS_IS).columns().contains(&"cross_fitted_corr"));
    assert!(check_layers(exact, &AS_IS).columns().contains(&"same_layer_neuron"));
    assert!(check_layers(&study, &Settings { n_near: 0, ..AS_IS }).columns().contains(&"near_layers_neuron"));
}
