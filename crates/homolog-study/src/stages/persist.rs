//! Which universal neurons stay universal: every pair of checkpoints of a model, and how often each neuron is universal; beside them what
//! chance gives, and what the same checkpoint gives on other tokens.

mod retest;

use homolog_results::{PersistenceRow, RetestRow, StabilityRow};
use homolog_stats::overlap;

use super::classify::{Standing, layers, members};
use crate::StudyConfig;
use crate::config::UniversalityRule;
use crate::inputs::Inputs;

/// Raised whenever the arithmetic of persistence, retests or stability changes.
pub(crate) const VERSION: u32 = 2;

/// `standings` are [step][model]. Without checkpoints nothing can persist: then there are retests alone.
pub(crate) fn run(
    config: &StudyConfig,
    inputs: &Inputs,
    standings: &[Vec<Standing>],
) -> (Vec<RetestRow>, Vec<PersistenceRow>, Vec<StabilityRow>) {
    let (mut retests, mut persistence, mut stability) = (Vec::new(), Vec::new(), Vec::new());
    for model in 0..inputs.names.len() {
        let of_model: Vec<&Standing> = standings.iter().map(|step| &step[model]).collect();
        let course = Course { config, inputs, model, standings: of_model };
        for &threshold in config.thresholds() {
            let retested = retest::rows(&course, threshold);
            if config.checkpoints.is_some() {
                persistence.extend(course.persistence(threshold, &retested));
                stability.extend(course.stability(threshold));
            }
            retests.extend(retested.into_iter().flatten());
        }
    }
    (retests, persistence, stability)
}

/// One model through all checkpoints.
struct Course<'a> {
    config: &'a StudyConfig,
    inputs: &'a Inputs,
    model: usize,
    /// By step.
    standings: Vec<&'a Standing>,
}

impl Course<'_> {
    fn name(&self) -> String {
        self.inputs.names[self.model].clone()
    }

    fn d_mlp(&self) -> usize {
        self.inputs.checkpoints[0][self.model].config.d_mlp
    }

    fn n_neurons(&self) -> usize {
        self.standings[0].scores.len()
    }

    /// [step][neuron]
    fn plain(&self, threshold: f64) -> Vec<Vec<bool>> {
        let rule = self.config.universality.rule;
        self.standings.iter().map(|standing| members(rule, &standing.scores, threshold)).collect()
    }

    /// The same, but that a neuron stays universal until its score falls to the threshold less the hysteresis, or is undefined; none where
    /// a score is no correlation.
    fn with_hysteresis(&self, threshold: f64) -> Option<Vec<Vec<bool>>> {
        let rule = self.config.universality.rule;
        if rule == UniversalityRule::Fdr {
            return None;
        }
        let mut sets = self.plain(threshold);
        let lower = threshold - self.config.persistence.hysteresis;
        for step in 1..sets.len() {
            let stays = members(rule, &self.standings[step].scores, lower);
            let (before, now) = sets.split_at_mut(step);
            let was = before.last().expect("a step before");
            now[0].iter_mut().zip(was).zip(stays).for_each(|((is, was), stays)| *is |= *was && stays);
        }
        Some(sets)
    }

    /// `retested` are [layer, all first][step].
    fn persistence(&self, threshold: f64, retested: &[Vec<RetestRow>]) -> Vec<PersistenceRow> {
        let (sets, hysteresis) = (self.plain(threshold), self.with_hysteresis(threshold));
        let d_mlp = self.d_mlp();
        let mut rows = Vec::new();
        for (at, (layer, neurons)) in layers(self.n_neurons(), d_mlp).enumerate() {
            let retest = |step: usize| retested[at].get(step)?.retest;
            for from in 0..sets.len() {
                for to in from + 1..sets.len() {
                    let of =
                        |sets: &[Vec<bool>]| overlap(&sets[from][neurons.clone()], &sets[to][neurons.clone()], d_mlp);
                    let plain = of(&sets);
                    let with_hysteresis = hysteresis.as_deref().map(of);
                    let by_chance = (plain.n_from > 0).then(|| plain.expected_by_chance / plain.n_from as f64);
                    let above = |(persistence, by_chance): (f64, f64)| (persistence - by_chance) / (1.0 - by_chance);
                    let ceiling = retest(from).zip(retest(to)).map(|(from, to)| (from * to).sqrt());
                    let of_ceiling = |(persistence, ceiling): (f64, f64)| persistence / ceiling;
                    rows.push(PersistenceRow {
                        model: self.name(),
                        from_checkpoint: self.inputs.steps[from],
                        to_checkpoint: self.inputs.steps[to],
                        is_consecutive: to == from + 1,
                        is_from_first: from == 0,
                        layer,
                        threshold,
                        n_from: plain.n_from,
                        n_to: plain.n_to,
                        n_both: plain.n_both,
                        persistence: plain.persistence,
                        jaccard: plain.jaccard,
                        expected_by_chance: plain.expected_by_chance,
                        expected_persistence: by_chance,
                        above_chance: plain.persistence.zip(by_chance.filter(|&share| share < 1.0)).map(above),
                        ceiling,
                        share_of_ceiling: plain.persistence.zip(ceiling.filter(|&most| most > 0.0)).map(of_ceiling),
                        n_from_hysteresis: with_hysteresis.map(|overlap| overlap.n_from),
                        n_both_hysteresis: with_hysteresis.map(|overlap| overlap.n_both),
                        persistence_hysteresis: with_hysteresis.and_then(|overlap| overlap.persistence),
                    });
                }
            }
        }
        rows
    }

    fn stability(&self, threshold: f64) -> Vec<StabilityRow> {
        let sets = self.plain(threshold);
        let times: Vec<usize> =
            (0..self.n_neurons()).map(|neuron| sets.iter().filter(|set| set[neuron]).count()).collect();
        let mut rows = Vec::new();
        for (layer, neurons) in layers(self.n_neurons(), self.d_mlp()) {
            rows.extend((1..=sets.len()).map(|k| StabilityRow {
                model: self.name(),
                layer,
                threshold,
                k: k as u32,
                n_universal_at_least_k: times[neurons.clone()].iter().filter(|&&times| times >= k).count() as u64,
            }));
        }
        rows
    }
}
