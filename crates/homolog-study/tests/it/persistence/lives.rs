//! Lives of universal neurons: counted one by one, and their curves by the definition.

use homolog_results::{LivesRow, SurvivalRow};
use homolog_test::Tol;
use homolog_test::reference_gpt2::erfc;

use super::family::{NAMES, STEPS, Settings, Study, layers};
use super::sets::with_hysteresis;
use crate::evidence::differences::Differences;

/// Of the same products of counts.
const SURVIVAL: Tol = Tol::abs(1e-12);
/// How far masses of an estimate may be from what they come to once more.
const SELF_CONSISTENT: Tol = Tol::abs(1e-6);

/// First and last step of a neuron's first life, and whether it ends there.
#[derive(Clone, Copy)]
struct Spell {
    birth: usize,
    last: usize,
    ends: bool,
}

fn spells(sets: &[Vec<bool>], neurons: std::ops::Range<usize>) -> (Vec<Spell>, u64) {
    let (mut spells, mut n_rebirths) = (Vec::new(), 0);
    for neuron in neurons {
        let mut first: Option<Spell> = None;
        for (step, set) in sets.iter().enumerate() {
            let was = step > 0 && sets[step - 1][neuron];
            match (set[neuron], &mut first) {
                (true, None) => first = Some(Spell { birth: step, last: step, ends: false }),
                (true, Some(spell)) if !spell.ends => spell.last = step,
                (true, Some(_)) => n_rebirths += u64::from(!was),
                (false, Some(spell)) => spell.ends = true,
                (false, None) => {}
            }
        }
        spells.extend(first);
    }
    (spells, n_rebirths)
}

/// Checkpoints after birth, and whether the life ends there.
fn in_checkpoints(spells: &[Spell]) -> Vec<(usize, bool)> {
    spells.iter().map(|spell| (spell.last - spell.birth + usize::from(spell.ends), spell.ends)).collect()
}

/// Product over times up to `time` of the share that does not end there.
fn kaplan_meier(lives: &[(usize, bool)], time: usize) -> f64 {
    let left = |t: usize| {
        let n_at_risk = lives.iter().filter(|life| life.0 >= t).count();
        let n_deaths = lives.iter().filter(|life| **life == (t, true)).count();
        if n_deaths == 0 { 1.0 } else { 1.0 - n_deaths as f64 / n_at_risk as f64 }
    };
    (0..=time).map(left).product()
}

/// Statistic of two groups and its p-value; none where nobody dies while both have lives.
fn log_rank(a: &[(usize, bool)], b: &[(usize, bool)]) -> Option<(f64, f64)> {
    let (mut difference, mut variance) = (0.0, 0.0);
    for time in 0..STEPS.len() {
        let at_risk = |lives: &[(usize, bool)]| lives.iter().filter(|life| life.0 >= time).count() as f64;
        let deaths = |lives: &[(usize, bool)]| lives.iter().filter(|life| **life == (time, true)).count() as f64;
        let (n, d) = (at_risk(a) + at_risk(b), deaths(a) + deaths(b));
        if n > 1.0 {
            difference += deaths(a) - d * at_risk(a) / n;
            variance += d * (at_risk(a) / n) * (at_risk(b) / n) * (n - d) / (n - 1.0);
        }
    }
    let chi_squared = difference * difference / variance;
    (variance > 0.0).then(|| (chi_squared, erfc((chi_squared / 2.0).sqrt())))
}

pub(super) fn check(study: &Study, settings: &Settings) -> Differences {
    let mut differences = Differences::default();
    let curves: Vec<SurvivalRow> = study.run.table();
    let rows: Vec<LivesRow> = study.run.table();
    differences.same("lives", rows.len(), NAMES.len() * study.thresholds.len() * 2 * 3, "rows");
    let (mut n_censored, mut n_rebirths) = (0, 0);
    for row in rows {
        let at = format!("{row:?}");
        let model = NAMES.iter().position(|name| *name == row.model).unwrap();
        let hysteresis = if row.rule == "hysteresis" { settings.hysteresis } else { 0.0 };
        let sets = with_hysteresis(study, model, row.threshold, hysteresis);
        let neurons = layers().into_iter().find(|(layer, _)| *layer == row.layer).unwrap().1;
        let (all, again) = spells(&sets, neurons.clone());
        let born = |all: &[Spell]| -> Vec<Spell> {
            all.iter().copied().filter(|spell| spell.birth > 0 || settings.counts_first).collect()
        };
        let lives = in_checkpoints(&born(&all));
        n_rebirths += again;
        n_censored += lives.iter().filter(|life| !life.1).count();
        differences.same("n_ever", row.n_ever, all.len() as u64, &at);
        differences.same("n_from_first", row.n_from_first, (all.len() - born(&all).len()) as u64, &at);
        differences.same("lives.n_births", row.n_births, lives.len() as u64, &at);
        differences.same("lives.n_deaths", row.n_deaths, lives.iter().filter(|life| life.1).count() as u64, &at);
        let n_at_end = neurons.filter(|&neuron| sets[STEPS.len() - 1][neuron]).count() as u64;
        differences.same("n_at_end", row.n_at_end, n_at_end, &at);
        differences.same("n_rebirths", row.n_rebirths, again, &at);
        let median = (0..STEPS.len()).find(|&time| kaplan_meier(&lives, time) <= 0.5).map(|time| time as f64);
        differences.close(
            "median_checkpoints",
            row.median_checkpoints,
            median.filter(|_| !lives.is_empty()),
            SURVIVAL,
            &at,
        );
        let of_layer = |neurons: std::ops::Range<usize>| in_checkpoints(&born(&spells(&sets, neurons).0));
        let tested = log_rank(&of_layer(0..40), &of_layer(40..80)).filter(|_| row.layer.is_none());
        differences.close("log_rank_chi_squared", row.log_rank_chi_squared, tested.map(|of| of.0), Tol::abs(1e-9), &at);
        differences.close("log_rank_p", row.log_rank_p, tested.map(|of| of.1), Tol::abs(1e-9), &at);
        differences.same("log_rank_degrees_of_freedom", row.log_rank_degrees_of_freedom, tested.map(|_| 1), &at);
        let curve = |scale: &str| -> Vec<&SurvivalRow> {
            let is_it = |of: &&SurvivalRow| {
                (&of.model, of.layer, of.threshold, &of.rule, &*of.scale)
                    == (&row.model, row.layer, row.threshold, &row.rule, scale)
            };
            curves.iter().filter(is_it).collect()
        };
        check_checkpoints(&curve("checkpoints"), &lives, &at, &mut differences);
        check_steps(&curve("steps"), &born(&all), &at, &mut differences);
    }
    assert!(n_censored > 10 && n_rebirths > 0, "too little happens: {n_censored} censored, {n_rebirths} rebirths");
    differences
}

fn check_checkpoints(curve: &[&SurvivalRow], lives: &[(usize, bool)], at: &str, differences: &mut Differences) {
    let n_told: u64 = curve.iter().map(|row| row.n_deaths.unwrap() + row.n_censored.unwrap()).sum();
    differences.same("survival.n", n_told, lives.len() as u64, at);
    for row in curve {
        let time = row.time.unwrap() as usize;
        let count = |ends: bool| lives.iter().filter(|life| **life == (time, ends)).count() as u64;
        let n_at_risk = lives.iter().filter(|life| life.0 >= time).count() as u64;
        differences.same("n_at_risk", row.n_at_risk, Some(n_at_risk), at);
        differences.same("survival.n_deaths", row.n_deaths, Some(count(true)), at);
        differences.same("n_censored", row.n_censored, Some(count(false)), at);
        differences.close("survival", Some(row.survival), Some(kaplan_meier(lives, time)), SURVIVAL, at);
        if let Some((low, high)) = row.survival_low.zip(row.survival_high) {
            differences.same("survival_low", low <= row.survival && row.survival <= high, true, at);
        }
    }
}

/// Turnbull's estimate is the one that comes to itself: each life gives its mass to where it may end, in proportion to what lies there.
fn check_steps(curve: &[&SurvivalRow], born: &[Spell], at: &str, differences: &mut Differences) {
    let step = |at: usize| STEPS[at] as f64;
    let lives = born.iter().map(|spell| {
        let before = spell.birth.checked_sub(1).map_or(0.0, step);
        let most = if spell.ends { step(spell.last + 1) - before } else { f64::INFINITY };
        (step(spell.last) - step(spell.birth), most)
    });
    let lives: Vec<(f64, f64)> = lives.collect();
    let ends: Vec<(f64, f64)> = curve.iter().map(|row| (row.from, row.time.unwrap_or(f64::INFINITY))).collect();
    let mut before = 1.0;
    let mut masses = Vec::new();
    for row in curve {
        masses.push(before - row.survival);
        before = row.survival;
    }
    differences.same("survival.n", curve.is_empty(), lives.is_empty(), at);
    if lives.is_empty() {
        return;
    }
    differences.close("survival.steps", Some(before), Some(0.0), SELF_CONSISTENT, at);
    for (place, &(from, to)) in ends.iter().enumerate() {
        let shares = lives.iter().map(|life| {
            let is_inside = |end: &(f64, f64)| life.0 <= end.0 && end.1 <= life.1;
            let whole: f64 = ends.iter().zip(&masses).filter(|(end, _)| is_inside(end)).map(|(_, mass)| mass).sum();
            if is_inside(&(from, to)) { masses[place] / whole } else { 0.0 }
        });
        let want = shares.sum::<f64>() / lives.len() as f64;
        differences.close("survival.steps", Some(masses[place]), Some(want), SELF_CONSISTENT, at);
    }
}
