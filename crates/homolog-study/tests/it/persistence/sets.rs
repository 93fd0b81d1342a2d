//! Sets of universal neurons held against each other: halves of the tokens, checkpoints, with hysteresis and without.

use homolog_results::{EmergenceRow, PersistenceRow, RetestRow};
use homolog_test::Tol;
use homolog_test::reference_gpt2::erfc;

use super::family::{CONTEXT, NAMES, STEPS, Settings, Study, best, layers};
use crate::evidence::differences::Differences;

/// Of the same counts.
const RATIO: Tol = Tol::abs(1e-12);
/// Scores on halves are of activations in f32: those that lie no further from a threshold may cross it.
const NEAR: f64 = 2e-6;

fn count(set: &[bool]) -> u64 {
    set.iter().filter(|&&is_member| is_member).count() as u64
}

fn both(a: &[bool], b: &[bool]) -> Vec<bool> {
    a.iter().zip(b).map(|(a, b)| *a && *b).collect()
}

fn place(row_model: &str, step: Option<i64>) -> (usize, usize) {
    let model = NAMES.iter().position(|name| *name == row_model).unwrap();
    (model, STEPS.iter().position(|other| Some(*other) == step).unwrap())
}

/// By layers of 40: independent sets of these sizes share n_a n_b / n.
fn by_chance(a: &[bool], b: &[bool]) -> f64 {
    a.chunks(40).zip(b.chunks(40)).map(|(a, b)| (count(a) * count(b)) as f64 / 40.0).sum()
}

/// [step][model][half][neuron]: scores with matches chosen and measured on one half.
fn scores_of_halves(study: &Study, settings: &Settings) -> Vec<Vec<[Vec<Option<f64>>; 2]>> {
    // One token of a row is not counted.
    let of_row = CONTEXT - 1;
    let mut scores = Vec::new();
    for (step_idx, step) in STEPS.into_iter().enumerate() {
        let activations = NAMES.map(|name| study.activations(name, step));
        let of_half = |half: usize| {
            activations.each_ref().map(|model| -> Vec<Vec<f64>> {
                let is_in = |token: usize| token / of_row / settings.rows_of_block % 2 == half;
                let of_neuron =
                    |x: &Vec<f64>| (0..x.len()).filter(|&token| is_in(token)).map(|token| x[token]).collect();
                model.iter().map(of_neuron).collect()
            })
        };
        let halves = [of_half(0), of_half(1)];
        let of_model = |model: usize| {
            halves.each_ref().map(|half| {
                let score = |neuron: usize| {
                    let others = (0..NAMES.len()).filter(|&other| other != model);
                    let mut corrs: Vec<f64> =
                        others.filter_map(|other| best(&half[model][neuron], &half[other])).collect();
                    corrs.sort_by(|a, b| b.total_cmp(a));
                    if study.is_by_count {
                        return corrs.get(settings.count_models - 1).copied();
                    }
                    let baseline = study.neurons[model][step_idx][neuron].mean_baseline?;
                    Some(corrs.iter().sum::<f64>() / corrs.len() as f64 - baseline)
                };
                (0..half[model].len()).map(score).collect::<Vec<Option<f64>>>()
            })
        };
        scores.push((0..NAMES.len()).map(of_model).collect());
    }
    scores
}

pub(super) fn check_retests(study: &Study, settings: &Settings) -> Differences {
    let mut differences = Differences::default();
    let scores = scores_of_halves(study, settings);
    let rows: Vec<RetestRow> = study.run.table();
    differences.same("retest", rows.len(), STEPS.len() * NAMES.len() * study.thresholds.len() * 3, "rows");
    let mut n_defined = 0;
    for row in rows {
        let at =
            format!("{}, step {:?}, layer {:?}, threshold {}", row.model, row.checkpoint, row.layer, row.threshold);
        let (model, step) = place(&row.model, row.checkpoint);
        let neurons = layers().into_iter().find(|(layer, _)| *layer == row.layer).unwrap().1;
        let [a, b] = scores[step][model].each_ref().map(|half| -> Vec<bool> {
            let is_member = |score: &Option<f64>| {
                score.is_some_and(|score| {
                    assert!((score - row.threshold).abs() > NEAR, "{at}: another threshold leaves no doubt");
                    score > row.threshold
                })
            };
            half[neurons.clone()].iter().map(is_member).collect()
        });
        let n = [&a, &b, &both(&a, &b)].map(|set| count(set));
        differences.same("n_half_a", row.n_half_a, Some(n[0]), &at);
        differences.same("n_half_b", row.n_half_b, Some(n[1]), &at);
        differences.same("retest.n_both", row.n_both, Some(n[2]), &at);
        let [n_a, n_b, n_both] = n.map(|n| n as f64);
        let want = (n[0] > 0 && n[1] > 0).then(|| f64::midpoint(n_both / n_a, n_both / n_b));
        n_defined += usize::from(want.is_some_and(|retest| retest < 1.0));
        differences.close("retest", row.retest, want, RATIO, &at);
        differences.close("retest_by_chance", row.retest_by_chance, Some(by_chance(&a, &b)), RATIO, &at);
        if study.is_by_count {
            continue;
        }
        let mut again = Vec::new();
        for row_of in &study.neurons[model][step][neurons] {
            if let Some(excess) = row_of.excess_corr.filter(|excess| *excess > row.threshold) {
                let z = |se: f64| (excess - row.threshold) / (settings.errors_of_difference * se);
                again.push(row_of.excess_se.map_or(1.0, |se| 0.5 * erfc(-z(se) / 2.0_f64.sqrt())));
            }
        }
        let want = (!again.is_empty()).then(|| again.iter().sum::<f64>() / again.len() as f64);
        differences.close("retest_expected", row.retest_expected, want, Tol::abs(1e-9), &at);
    }
    assert!(n_defined > 10, "too few halves differ: {n_defined}");
    differences
}

/// Sets of all steps of a model: a neuron stays until it falls to the threshold less the hysteresis.
pub(super) fn with_hysteresis(study: &Study, model: usize, threshold: f64, hysteresis: f64) -> Vec<Vec<bool>> {
    let mut sets = vec![vec![false; 80]; STEPS.len()];
    for neuron in 0..80 {
        let mut is_universal = false;
        for (step, set) in sets.iter_mut().enumerate() {
            is_universal = match study.score(model, step, neuron) {
                None => false,
                Some(score) if is_universal => score > threshold - hysteresis,
                Some(score) => score > threshold,
            };
            set[neuron] = is_universal;
        }
    }
    sets
}

pub(super) fn check_persistence(study: &Study, settings: &Settings) -> Differences {
    let mut differences = Differences::default();
    let retests: Vec<RetestRow> = study.run.table();
    let mut n_kept_by_hysteresis = 0;
    let rows: Vec<PersistenceRow> = study.run.table();
    for row in rows {
        let at = format!("{row:?}");
        let (model, from) = place(&row.model, row.from_checkpoint);
        let (_, to) = place(&row.model, row.to_checkpoint);
        let from = from.saturating_sub(settings.steps_earlier);
        let neurons = layers().into_iter().find(|(layer, _)| *layer == row.layer).unwrap().1;
        let [a, b] = [from, to].map(|step| study.set(model, step, row.threshold)[neurons.clone()].to_vec());
        let (n_from, n_both) = (count(&a) as f64, count(&both(&a, &b)) as f64);
        let want = (n_from > 0.0).then(|| by_chance(&a, &b) / n_from);
        differences.close("expected_persistence", row.expected_persistence, want, RATIO, &at);
        let above = want.filter(|share| *share < 1.0).map(|share| (n_both / n_from - share) / (1.0 - share));
        differences.close("above_chance", row.above_chance, above, Tol::abs(1e-9), &at);
        let retest = |step: usize| {
            let is_it = |retest: &&RetestRow| {
                (&retest.model, retest.checkpoint) == (&row.model, Some(STEPS[step]))
                    && (retest.layer, retest.threshold) == (row.layer, row.threshold)
            };
            retests.iter().find(is_it).unwrap().retest
        };
        let ceiling = retest(from).zip(retest(to)).map(|(from, to)| (from * to).sqrt());
        differences.close("ceiling", row.ceiling, ceiling, RATIO, &at);
        let share = ceiling.filter(|ceiling| *ceiling > 0.0 && n_from > 0.0).map(|ceiling| n_both / n_from / ceiling);
        differences.close("share_of_ceiling", row.share_of_ceiling, share, RATIO, &at);
        let sets = with_hysteresis(study, model, row.threshold, settings.hysteresis);
        let [a, b] = [from, to].map(|step| sets[step][neurons.clone()].to_vec());
        let (n_from, n_both) = (count(&a), count(&both(&a, &b)));
        n_kept_by_hysteresis += n_both.saturating_sub(row.n_both);
        differences.same("n_from_hysteresis", row.n_from_hysteresis, Some(n_from), &at);
        differences.same("n_both_hysteresis", row.n_both_hysteresis, Some(n_both), &at);
        let share = (n_from > 0).then(|| n_both as f64 / n_from as f64);
        differences.close("persistence_hysteresis", row.persistence_hysteresis, share, RATIO, &at);
    }
    assert!(settings.hysteresis <= 0.0 || n_kept_by_hysteresis > 0, "hysteresis keeps nobody, so nothing was shown");
    differences
}

pub(super) fn check_changes(study: &Study, settings: &Settings) -> Differences {
    let mut differences = Differences::default();
    let mut n_changes = [0, 0];
    let rows: Vec<EmergenceRow> = study.run.table();
    for row in rows {
        let at =
            format!("{}, step {:?}, layer {:?}, threshold {}", row.model, row.checkpoint, row.layer, row.threshold);
        let (model, step) = place(&row.model, row.checkpoint);
        let neurons = layers().into_iter().find(|(layer, _)| *layer == row.layer).unwrap().1;
        let set = |step: usize| study.set(model, step, row.threshold)[neurons.clone()].to_vec();
        let changes = (step > 0).then(|| {
            let before = set((step - 1).saturating_sub(settings.steps_earlier));
            let now = set(step);
            let stayed = count(&both(&before, &now));
            [count(&now) - stayed, count(&before) - stayed]
        });
        differences.same("n_births", row.n_births, changes.map(|changes| changes[0]), &at);
        differences.same("n_deaths", row.n_deaths, changes.map(|changes| changes[1]), &at);
        n_changes[0] += row.n_births.unwrap_or(0);
        n_changes[1] += row.n_deaths.unwrap_or(0);
    }
    assert!(n_changes.iter().all(|&n| n > 10), "too few changes: {n_changes:?}");
    differences
}
