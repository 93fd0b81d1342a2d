//! Neurons held against themselves: activations token by token, weights one by one, matches by name.

use homolog_results::{ContinuityRow, MatchRow, PersistenceRow};
use homolog_test::Tol;
use homolog_test::reference_gpt2::pearson;
use homolog_test::tiny_gpt2::{Weights, read};

use super::family::{CONTEXT, N_ROWS, NAMES, STEPS, Settings, Study, layers};
use crate::evidence::differences::Differences;

/// Of activations in f32, rounded to f32.
const CORR: Tol = Tol::abs(2e-6);
/// Of weights in f32, rounded to f32.
const COSINE: Tol = Tol::abs(1e-7);

/// Counted positions of the middle row of each of `n` equal parts.
fn followed(n: usize) -> Vec<usize> {
    let rows = (0..n).map(|part| if n == N_ROWS { part } else { (2 * part + 1) * N_ROWS / (2 * n) });
    rows.flat_map(|row| row * (CONTEXT - 1)..(row + 1) * (CONTEXT - 1)).collect()
}

fn cosine(x: &[f32], y: &[f32]) -> Option<f64> {
    let dot = |x: &[f32], y: &[f32]| x.iter().zip(y).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>();
    let norms = (dot(x, x) * dot(y, y)).sqrt();
    (norms > 0.0).then(|| dot(x, y) / norms)
}

/// Input and output weights of a flat neuron.
fn weights_of(weights: &Weights, neuron: usize, is_transposed: bool) -> [Vec<f32>; 2] {
    let (layer, index) = (neuron / 40, neuron % 40);
    let w_in = &weights[&format!("h.{layer}.mlp.c_fc.weight")].values;
    let w_out = &weights[&format!("h.{layer}.mlp.c_proj.weight")].values;
    let w_in = if is_transposed {
        w_in[16 * index..16 * (index + 1)].to_vec()
    } else {
        w_in.iter().skip(index).step_by(40).copied().collect()
    };
    [w_in, w_out[16 * index..16 * (index + 1)].to_vec()]
}

/// Layer and index of the best match; none where undefined.
type Match = Option<(u16, u32)>;

/// What a neuron's row must say.
struct Want {
    self_corr: Option<f64>,
    matches: [u32; 2],
}

pub(super) fn check(study: &Study, settings: &Settings) -> Differences {
    let mut differences = Differences::default();
    let rows: Vec<ContinuityRow> = study.run.table();
    let matches: Vec<MatchRow> = study.run.table();
    let tokens = followed(settings.n_followed);
    let spans: [(usize, usize); 5] = [(0, 1), (0, 2), (0, 3), (1, 2), (2, 3)];
    differences.same("continuity", rows.len(), NAMES.len() * spans.len() * 80, "rows");
    for (model, name) in NAMES.into_iter().enumerate() {
        let activations: Vec<Vec<Vec<f64>>> = STEPS
            .iter()
            .map(|&step| {
                let all = study.activations(name, step);
                all.iter().map(|x| tokens.iter().map(|&token| x[token]).collect()).collect()
            })
            .collect();
        let weights: Vec<Weights> =
            STEPS.iter().map(|step| read(&study.world.path(&format!("{name}/checkpoint-{step}"))).1).collect();
        // By step, [other in the order of names][neuron]: the match, a constant neuron's is none.
        let matched: Vec<Vec<Vec<Match>>> = STEPS
            .iter()
            .map(|&step| {
                let others = NAMES.into_iter().filter(|other| *other != name);
                let of = |other: &str| {
                    let rows = matches
                        .iter()
                        .filter(|row| (&*row.model, &*row.other, row.checkpoint) == (name, other, Some(step)));
                    rows.map(|row| row.matched_layer.zip(row.matched_neuron)).collect()
                };
                others.map(of).collect()
            })
            .collect();
        for (from, to) in spans {
            let from_twin = from.saturating_sub(settings.steps_earlier);
            let found: Vec<&ContinuityRow> = rows
                .iter()
                .filter(|row| {
                    let steps = (row.from_checkpoint, row.to_checkpoint);
                    row.model == name && steps == (Some(STEPS[from]), Some(STEPS[to]))
                })
                .collect();
            let mut wants = Vec::new();
            for (neuron, row) in found.iter().enumerate() {
                let at = format!("{row:?}");
                assert_eq!(usize::from(row.layer) * 40 + row.neuron as usize, neuron);
                let self_corr = pearson(&activations[from_twin][neuron], &activations[to][neuron]);
                differences.close("self_corr", row.self_corr, self_corr, CORR, &at);
                let [before, now] =
                    [from_twin, to].map(|step| weights_of(&weights[step], neuron, settings.is_transposed));
                differences.close("cos_in", row.cos_in, cosine(&before[0], &now[0]), COSINE, &at);
                differences.close("cos_out", row.cos_out, cosine(&before[1], &now[1]), COSINE, &at);
                let is_universal = [from, to].map(|step| study.neurons[model][step][neuron].is_universal);
                differences.same("is_universal", [row.is_universal_from, row.is_universal_to], is_universal, &at);
                let both = (0..2).filter_map(|other| matched[from_twin][other][neuron].zip(matched[to][other][neuron]));
                let both: Vec<_> = both.collect();
                let kept = both.iter().filter(|(before, now)| before == now).count() as u32;
                differences.same("n_matches", row.n_matches, both.len() as u32, &at);
                differences.same("n_matches_kept", row.n_matches_kept, kept, &at);
                wants.push(Want { self_corr, matches: [both.len() as u32, kept] });
            }
            check_means(study, (model, from, to), &wants, &mut differences);
        }
    }
    let persistence: Vec<PersistenceRow> = study.run.table();
    let (asked, others): (Vec<_>, Vec<_>) = persistence.iter().partition(|row| row.is_consecutive || row.is_from_first);
    assert!(others.iter().all(|row| row.mean_self_corr_others.is_none() && row.matches_kept.is_none()));
    assert!(asked.iter().filter(|row| row.matches_kept.is_some_and(|share| share > 0.0 && share < 1.0)).count() > 10);
    differences
}

fn check_means(study: &Study, (model, from, to): (usize, usize, usize), wants: &[Want], differences: &mut Differences) {
    let persistence: Vec<PersistenceRow> = study.run.table();
    let of_span = persistence.iter().filter(|row| {
        let steps = (row.from_checkpoint, row.to_checkpoint);
        row.model == NAMES[model] && steps == (Some(STEPS[from]), Some(STEPS[to]))
    });
    for row in of_span {
        let at = format!("{row:?}");
        let set = study.set(model, from, row.threshold);
        let neurons = layers().into_iter().find(|(layer, _)| *layer == row.layer).unwrap().1;
        let mean = |is_member: bool| {
            let of = neurons.clone().filter(|&neuron| set[neuron] == is_member);
            let corrs: Vec<f64> = of.filter_map(|neuron| wants[neuron].self_corr).collect();
            (!corrs.is_empty()).then(|| corrs.iter().sum::<f64>() / corrs.len() as f64)
        };
        differences.close("mean_self_corr", row.mean_self_corr, mean(true), CORR, &at);
        differences.close("mean_self_corr_others", row.mean_self_corr_others, mean(false), CORR, &at);
        let sum = |at: usize| {
            neurons
                .clone()
                .filter(|&neuron| set[neuron])
                .map(|neuron| f64::from(wants[neuron].matches[at]))
                .sum::<f64>()
        };
        let want = (sum(0) > 0.0).then(|| sum(1) / sum(0));
        differences.close("matches_kept", row.matches_kept, want, Tol::abs(1e-12), &at);
    }
}
