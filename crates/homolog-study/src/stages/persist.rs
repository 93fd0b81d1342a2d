//! Which universal neurons stay universal: every pair of checkpoints of a model, and how often each neuron is universal; beside them what
//! chance gives, and what the same checkpoint gives on other tokens.

mod lives;
mod retest;

use std::collections::BTreeMap;
use std::ops::Range;

use homolog_results::{LivesRow, PersistenceRow, RetestRow, StabilityRow, SurvivalRow, sort_rows};
use homolog_stats::overlap;

use super::classify::{Standing, layers, members};
use super::follow::{Followed, Span, spans};
use crate::config::UniversalityRule;
use crate::continuity_table::matches_kept;
use crate::inputs::Inputs;
use crate::{Error, StudyConfig};

/// Raised whenever the arithmetic of persistence, retests or stability changes.
pub(crate) const VERSION: u32 = 2;

/// Rows of all models.
#[derive(Default)]
pub(crate) struct Lasting {
    /// None where neither halves of the tokens nor standard errors are known.
    pub(crate) retest: Vec<RetestRow>,
    pub(crate) persistence: Vec<PersistenceRow>,
    pub(crate) stability: Vec<StabilityRow>,
    /// None where no neuron is born after the first checkpoint.
    pub(crate) survival: Vec<SurvivalRow>,
    pub(crate) lives: Vec<LivesRow>,
}

impl Lasting {
    /// Put every table in the order of its key columns.
    pub(crate) fn sort(&mut self) {
        sort_rows(&mut self.retest);
        sort_rows(&mut self.persistence);
        sort_rows(&mut self.stability);
        sort_rows(&mut self.survival);
        sort_rows(&mut self.lives);
    }
}

/// `standings` are [step][model]. Without checkpoints nothing can persist: then there are retests alone.
pub(crate) fn run(
    config: &StudyConfig,
    inputs: &Inputs,
    standings: &[Vec<Standing>],
    followed: Option<&[Followed]>,
) -> Result<Lasting, Error> {
    let mut lasting = Lasting::default();
    for model in 0..inputs.names.len() {
        let of_model: Vec<&Standing> = standings.iter().map(|step| &step[model]).collect();
        let read = |followed: &[Followed]| {
            let of_span = |span: Span| Ok((span, followed[model].read(span)?.self_corr));
            spans(of_model.len()).into_iter().map(of_span).collect::<Result<_, Error>>()
        };
        let self_corrs = followed.map(read).transpose()?.unwrap_or_default();
        let course = Course { config, inputs, model, standings: of_model, self_corrs };
        for &threshold in config.thresholds() {
            let retested = retest::rows(&course, threshold);
            if config.checkpoints.is_some() {
                lasting.persistence.extend(course.persistence(threshold, &retested));
                lasting.stability.extend(course.stability(threshold));
                let (survival, lives) = lives::rows(&course, threshold);
                lasting.survival.extend(survival);
                lasting.lives.extend(lives);
            }
            lasting.retest.extend(retested.into_iter().flatten());
        }
    }
    Ok(lasting)
}

/// One model through all checkpoints.
struct Course<'a> {
    config: &'a StudyConfig,
    inputs: &'a Inputs,
    model: usize,
    /// By step.
    standings: Vec<&'a Standing>,
    /// By steps, where neurons are followed: correlation of each neuron with itself, NaN where undefined.
    self_corrs: BTreeMap<Span, Vec<f64>>,
}

/// What the universal neurons of one step go on doing.
#[derive(Default)]
struct Function {
    mean_self_corr: Option<f64>,
    mean_self_corr_others: Option<f64>,
    matches_kept: Option<f64>,
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

    /// Nothing where the two steps are not held against each other.
    fn function(&self, (from, to): Span, neurons: Range<usize>, universal: &[bool]) -> Function {
        let Some(corrs) = self.self_corrs.get(&(from, to)) else { return Function::default() };
        let mean_of = |wanted: bool| {
            let of = neurons.clone().filter(|&neuron| universal[neuron] == wanted && !corrs[neuron].is_nan());
            let (n, sum) = of.fold((0_u64, 0.0), |(n, sum), neuron| (n + 1, sum + corrs[neuron]));
            (n > 0).then(|| sum / n as f64)
        };
        let matches = neurons.clone().filter(|&neuron| universal[neuron]);
        let matches = matches.map(|neuron| matches_kept(self.standings[from], self.standings[to], neuron));
        let [n, n_kept] = matches.fold([0_u64; 2], |sums, of| [sums[0] + u64::from(of[0]), sums[1] + u64::from(of[1])]);
        Function {
            mean_self_corr: mean_of(true),
            mean_self_corr_others: mean_of(false),
            matches_kept: (n > 0).then(|| n_kept as f64 / n as f64),
        }
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
                    let function = self.function((from, to), neurons.clone(), &sets[from]);
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
                        mean_self_corr: function.mean_self_corr,
                        mean_self_corr_others: function.mean_self_corr_others,
                        matches_kept: function.matches_kept,
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
