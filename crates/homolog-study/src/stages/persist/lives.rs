//! Lives of universal neurons: when they begin, whether and when they end, and curves of how many go on.

use std::ops::Range;

use homolog_results::{LivesRow, SurvivalRow};
use homolog_stats::{Life, LifeInterval, LogRank, kaplan_meier, log_rank, median_survival, turnbull};

use super::Course;
use crate::stages::classify::layers;

/// The first life of a neuron.
#[derive(Clone, Copy)]
struct FirstLife {
    /// The first step at which it is universal.
    birth: usize,
    /// The first step after at which it is not; none where it goes on to the last.
    death: Option<usize>,
}

impl FirstLife {
    /// `sets` are [step][neuron].
    fn of(sets: &[Vec<bool>], neuron: usize) -> Option<Self> {
        let birth = sets.iter().position(|set| set[neuron])?;
        let death = (birth..sets.len()).find(|&step| !sets[step][neuron]);
        Some(Self { birth, death })
    }

    /// Whether it was born before the study began to look.
    fn is_from_first(self) -> bool {
        self.birth == 0
    }

    /// In checkpoints.
    fn life(self, n_steps: usize) -> Life {
        Life { time: (self.death.unwrap_or(n_steps - 1) - self.birth) as f64, is_death: self.death.is_some() }
    }

    /// In training steps: it was born after the checkpoint before its birth and ended before that of its death. Panics if it is from the
    /// first.
    fn interval(self, steps: &[f64]) -> LifeInterval {
        let last_seen = self.death.unwrap_or(steps.len()) - 1;
        LifeInterval {
            low: steps[last_seen] - steps[self.birth],
            high: self.death.map_or(f64::INFINITY, |death| steps[death] - steps[self.birth - 1]),
        }
    }
}

/// How often a neuron becomes universal again.
fn n_rebirths(sets: &[Vec<bool>], neuron: usize) -> u64 {
    let n_births = sets.windows(2).filter(|pair| !pair[0][neuron] && pair[1][neuron]).count() as u64;
    let is_from_first = sets[0][neuron];
    if is_from_first { n_births } else { n_births.saturating_sub(1) }
}

/// Rows of both tables at one threshold.
pub(super) fn rows(course: &Course<'_>, threshold: f64) -> (Vec<SurvivalRow>, Vec<LivesRow>) {
    let (mut survival, mut lives) = (Vec::new(), Vec::new());
    let rules = [("plain", Some(course.plain(threshold))), ("hysteresis", course.with_hysteresis(threshold))];
    for (rule, sets) in rules {
        let Some(sets) = sets else { continue };
        let counted = Counted { course, threshold, rule, sets };
        let all: Vec<(Option<u16>, Range<usize>)> = layers(course.n_neurons(), course.d_mlp()).collect();
        for (layer, neurons) in all.iter().cloned() {
            let steps = kaplan_meier(&counted.lives(&neurons), course.config.evidence.level);
            let test = || {
                let of_layers = all[1..].iter().map(|(_, neurons)| counted.lives(neurons));
                log_rank(&of_layers.filter(|lives| !lives.is_empty()).collect::<Vec<_>>())
            };
            let tested = if layer.is_none() { test() } else { None };
            lives.push(counted.row(layer, &neurons, median_survival(&steps), tested));
            let by_checkpoints = steps.into_iter().map(|step| SurvivalRow {
                scale: "checkpoints".into(),
                from: step.time,
                time: Some(step.time),
                n_at_risk: Some(step.n_at_risk),
                n_deaths: Some(step.n_deaths),
                n_censored: Some(step.n_censored),
                survival: step.survival,
                survival_low: step.low,
                survival_high: step.high,
                ..counted.curve(layer)
            });
            survival.extend(by_checkpoints);
            let by_steps = turnbull(&counted.intervals(&neurons)).into_iter().map(|step| SurvivalRow {
                scale: "steps".into(),
                from: step.from,
                time: Some(step.to).filter(|time| time.is_finite()),
                survival: step.survival,
                ..counted.curve(layer)
            });
            survival.extend(by_steps);
        }
    }
    (survival, lives)
}

/// Who is universal when, by one rule.
struct Counted<'a> {
    course: &'a Course<'a>,
    threshold: f64,
    rule: &'static str,
    /// [step][neuron]
    sets: Vec<Vec<bool>>,
}

impl Counted<'_> {
    fn first_lives(&self, neurons: &Range<usize>) -> Vec<FirstLife> {
        neurons.clone().filter_map(|neuron| FirstLife::of(&self.sets, neuron)).collect()
    }

    /// Of neurons whose birth is known.
    fn lives(&self, neurons: &Range<usize>) -> Vec<Life> {
        let lives = self.first_lives(neurons).into_iter().filter(|life| !life.is_from_first());
        lives.map(|life| life.life(self.sets.len())).collect()
    }

    fn intervals(&self, neurons: &Range<usize>) -> Vec<LifeInterval> {
        let steps: Vec<f64> = self.course.inputs.steps.iter().flatten().map(|&step| step as f64).collect();
        let lives = self.first_lives(neurons).into_iter().filter(|life| !life.is_from_first());
        lives.map(|life| life.interval(&steps)).collect()
    }

    /// What all rows of a curve have in common.
    fn curve(&self, layer: Option<u16>) -> SurvivalRow {
        SurvivalRow {
            model: self.course.name(),
            layer,
            threshold: self.threshold,
            rule: self.rule.into(),
            ..SurvivalRow::default()
        }
    }

    fn row(
        &self,
        layer: Option<u16>,
        neurons: &Range<usize>,
        median_checkpoints: Option<f64>,
        tested: Option<LogRank>,
    ) -> LivesRow {
        let lives = self.first_lives(neurons);
        let count = |is_wanted: fn(&FirstLife) -> bool| lives.iter().filter(|life| is_wanted(life)).count() as u64;
        let last = &self.sets[self.sets.len() - 1];
        LivesRow {
            model: self.course.name(),
            layer,
            threshold: self.threshold,
            rule: self.rule.into(),
            n_ever: lives.len() as u64,
            n_from_first: count(|life| life.is_from_first()),
            n_births: count(|life| !life.is_from_first()),
            n_deaths: count(|life| !life.is_from_first() && life.death.is_some()),
            n_at_end: neurons.clone().filter(|&neuron| last[neuron]).count() as u64,
            n_rebirths: neurons.clone().map(|neuron| n_rebirths(&self.sets, neuron)).sum(),
            median_checkpoints,
            log_rank_chi_squared: tested.as_ref().map(|tested| tested.chi_squared),
            log_rank_degrees_of_freedom: tested.as_ref().map(|tested| tested.degrees_of_freedom as u64),
            log_rank_p: tested.as_ref().map(|tested| tested.p_value),
        }
    }
}
