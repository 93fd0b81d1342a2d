//! The family as the population: the three claims as means over models, resampled over models and tokens together, and without each model.
//!
//! A model is both a reference and a partner of the others: when one is left out, or drawn twice, the excess of all others changes too.

mod impact;
mod members;
#[cfg(test)]
mod tests;

use homolog_results::FamilyRow;
use homolog_stats::{Resamples, t_quantile};

use crate::StudyConfig;
use crate::config::UniversalityRule;
use crate::damage::Damage;
use crate::inputs::Inputs;
use crate::results::CheckpointCorrelation;
use crate::stages::classify::{Standing, members};
use crate::stages::evidence::Evidence;
use members::{Counts, Members, PackedMembers, PairExcess};

/// Raised whenever the arithmetic of table `family` changes.
pub(crate) const VERSION: u32 = 1;

/// Tells the streams of resampled models and blocks from those of others.
const MODELS_STREAM: u64 = 0x6d6f_6465_6c73_0000;
const BLOCKS_STREAM: u64 = 0x626c_6f63_6b73_0000;

/// Degrees of freedom of an interval over tokens alone: those of a normal distribution.
const ONLY_TOKENS: usize = 1_000_000;

/// Draws of models for each that is asked for: those that hold one model only are passed over, which of three are one in nine.
const SPARE: usize = 4;

/// How many are universal at every step and how many stay so, in the study and in every resample.
pub(crate) struct Family {
    threshold: f64,
    level: f64,
    n_models: usize,
    /// How often each model is in each resample, [resample][model].
    models: Vec<Vec<u32>>,
    seed: u64,
    /// Who is universal at the last step, by model.
    last: Vec<PackedMembers>,
    /// By step, by model.
    steps: Vec<Vec<Counts>>,
}

/// A quantity of the family.
#[derive(Clone, Copy)]
struct Quantity {
    claim: &'static str,
    name: &'static str,
    from_checkpoint: Option<i64>,
    checkpoint: Option<i64>,
}

/// What a quantity is: of the family, by resample, and without each model.
struct Found {
    n_models: usize,
    estimate: Option<f64>,
    replicates: Vec<Option<f64>>,
    without_one: Vec<Option<f64>>,
}

impl Family {
    /// Of no step yet.
    pub(crate) fn new(config: &StudyConfig) -> Self {
        let (n_models, n_resamples, seed) = (config.models.len(), config.ablation.resamples, config.ablation.seed);
        let drawn = Resamples::new(n_models, SPARE * n_resamples, [MODELS_STREAM, seed, 0, 0]);
        let is_family = |counts: &&[u32]| counts.iter().filter(|&&count| count > 0).count() > 1;
        let models = (0..drawn.len()).map(|resample| drawn.counts(resample)).filter(is_family).take(n_resamples);
        let models: Vec<Vec<u32>> = models.map(<[u32]>::to_vec).collect();
        Self {
            n_models,
            threshold: config.threshold(),
            level: config.ablation.level,
            models,
            seed,
            last: vec![],
            steps: vec![],
        }
    }

    /// Take in the next step: `standings` and `d_mlp` [model].
    pub(crate) fn add_step(
        &mut self,
        config: &StudyConfig,
        correlated: &CheckpointCorrelation,
        evidence: Option<&Evidence>,
        (standings, d_mlp): (&[Standing], &[usize]),
    ) {
        let rule = config.universality.rule;
        let blocks = evidence.filter(|_| rule == UniversalityRule::Excess).map(|evidence| {
            let key = [BLOCKS_STREAM, self.seed, 0, 0];
            (evidence, Resamples::new(evidence.n_tokens.len(), self.models.len(), key))
        });
        let of_model = |(model, standing): (usize, &Standing)| {
            let plain = members(rule, &standing.scores, self.threshold);
            if rule != UniversalityRule::Excess {
                return Members::fixed(&plain, self.models.len(), self.n_models);
            }
            let excess = PairExcess::new(correlated, model, self.n_models);
            let blocks = blocks.as_ref().map(|(evidence, draws)| (*evidence, draws));
            Members::by_excess(&plain, &excess, (model, self.threshold), &self.models, blocks)
        };
        let members: Vec<Members> = standings.iter().enumerate().map(of_model).collect();
        let counts =
            members.iter().enumerate().map(|(model, members)| Counts::of(members, self.last.get(model), d_mlp[model]));
        self.steps.push(counts.collect());
        self.last = members.into_iter().map(Members::pack).collect();
    }

    /// Every row of table `family`.
    pub(crate) fn rows(&self, inputs: &Inputs, damage: &[Damage]) -> Vec<FamilyRow> {
        let mut rows = self.emergence(inputs);
        rows.extend(self.persistence(inputs));
        rows.extend(self.impact(inputs, damage));
        rows
    }

    fn emergence(&self, inputs: &Inputs) -> Vec<FamilyRow> {
        let mut rows = Vec::new();
        for (step, &checkpoint) in inputs.steps.iter().enumerate() {
            let quantity = |name, from_checkpoint| Quantity { claim: "emerge", name, from_checkpoint, checkpoint };
            let found = self.mean(|model, which| self.steps[step][model].share(which));
            rows.push(self.row(quantity("share", None), found, Scale::Plain));
            if step > 0 {
                let rise = |model: usize, which| {
                    Some(self.steps[step][model].share(which)? - self.steps[0][model].share(which)?)
                };
                rows.push(self.row(quantity("share_rise", inputs.steps[0]), self.mean(rise), Scale::Plain));
            }
        }
        rows
    }

    fn persistence(&self, inputs: &Inputs) -> Vec<FamilyRow> {
        let mut rows = Vec::new();
        for to in 1..self.steps.len() {
            let overlap = |model: usize, which| self.steps[to][model].overlap(which);
            let expected = |model: usize, which| {
                let overlap = overlap(model, which)?;
                (overlap.n_from > 0).then(|| overlap.expected_by_chance / overlap.n_from as f64)
            };
            let above = |model: usize, which| {
                let (persistence, expected) = (overlap(model, which)?.persistence?, expected(model, which)?);
                (expected < 1.0).then(|| (persistence - expected) / (1.0 - expected))
            };
            let quantity = |name| Quantity {
                claim: "persist",
                name,
                from_checkpoint: inputs.steps[to - 1],
                checkpoint: inputs.steps[to],
            };
            let persistence = self.mean(|model, which| overlap(model, which)?.persistence);
            rows.push(self.row(quantity("persistence"), persistence, Scale::Plain));
            rows.push(self.row(quantity("expected_persistence"), self.mean(expected), Scale::Plain));
            rows.push(self.row(quantity("above_chance"), self.mean(above), Scale::Plain));
        }
        rows
    }

    /// Mean over models of what is defined, as it is, by resample, and without each model.
    fn mean(&self, of: impl Fn(usize, Which) -> Option<f64>) -> Found {
        let n_models = self.n_models;
        let weighted = |which: Which, weight: &dyn Fn(usize) -> f64| {
            let (mut sum, mut total) = (0.0, 0.0);
            for model in (0..n_models).filter(|&model| weight(model) > 0.0) {
                if let Some(value) = of(model, which) {
                    sum += weight(model) * value;
                    total += weight(model);
                }
            }
            (total > 0.0).then(|| sum / total)
        };
        let n_defined = (0..n_models).filter(|&model| of(model, Which::Plain).is_some()).count();
        self.found(n_defined, weighted)
    }

    /// A quantity that is defined for `n_models`, from what it is of models so weighted.
    fn found(&self, n_models: usize, of: impl Fn(Which, &dyn Fn(usize) -> f64) -> Option<f64>) -> Found {
        let of_resample =
            |(resample, counts): (usize, &Vec<u32>)| of(Which::Resample(resample), &|model| f64::from(counts[model]));
        let without = |left: usize| of(Which::Without(left), &|model| if model == left { 0.0 } else { 1.0 });
        Found {
            n_models,
            estimate: of(Which::Plain, &|_| 1.0),
            replicates: self.models.iter().enumerate().map(of_resample).collect(),
            without_one: (0..self.n_models).map(without).collect(),
        }
    }

    /// `estimate` -+ t se, t with one degree of freedom fewer than models, se the spread of the replicates widened by what resampling so few models
    /// lacks ([`widening`]); on the scale of the quantity.
    ///
    /// None where the quantity is undefined or without bound in more resamples than an end may leave out; and where it is defined for fewer than
    /// three of more than two models.
    fn interval(&self, estimate: f64, found: &Found, scale: Scale) -> Option<(f64, f64)> {
        let to = |value: f64| if scale == Scale::Log { value.ln() } else { value };
        let replicates: Vec<f64> =
            found.replicates.iter().flatten().map(|&value| to(value)).filter(|value| value.is_finite()).collect();
        let n_lost = found.replicates.len() - replicates.len();
        let n_may_be_lost = (1.0 - self.level) / 2.0 * found.replicates.len() as f64;
        if replicates.len() < 2 || n_lost as f64 > n_may_be_lost {
            return None;
        }
        let n = replicates.len() as f64;
        let mean = replicates.iter().sum::<f64>() / n;
        let var = replicates.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0);
        // Of a study of two models both are in every draw.
        let varies = self.n_models > 2;
        if varies && found.n_models < 3 {
            return None;
        }
        let degrees = if varies { found.n_models - 1 } else { ONLY_TOKENS };
        let widening = if varies { widening(found.n_models) } else { 1.0 };
        let reach = t_quantile(degrees, self.level) * var.sqrt() * widening;
        let (low, high) = (to(estimate) - reach, to(estimate) + reach);
        Some(if scale == Scale::Log { (low.exp(), high.exp()) } else { (low, high) })
    }

    fn row(&self, quantity: Quantity, found: Found, scale: Scale) -> FamilyRow {
        let Quantity { claim, name, from_checkpoint, checkpoint } = quantity;
        let interval = found.estimate.and_then(|estimate| self.interval(estimate, &found, scale));
        let without_one: Option<Vec<f64>> = found.without_one.into_iter().collect();
        let without_one = without_one.filter(|values| values.len() >= 3 && found.estimate.is_some());
        let end = |pick: fn(f64, f64) -> f64| without_one.as_ref().and_then(|all| all.iter().copied().reduce(pick));
        FamilyRow {
            claim: claim.to_owned(),
            quantity: name.to_owned(),
            from_checkpoint,
            checkpoint,
            threshold: self.threshold,
            n_models: found.n_models as u32,
            estimate: found.estimate,
            low: interval.map(|ends| ends.0),
            high: interval.map(|ends| ends.1),
            without_one_low: end(f64::min).filter(|end| end.is_finite()),
            without_one_high: end(f64::max).filter(|end| end.is_finite()),
            ..FamilyRow::default()
        }
    }
}

/// By how much the spread of a mean over n models, three or more, exceeds that over resamples of them: these have the variance (n - 1) / n of the
/// models', and those of one model only, a share p = n^(1 - n) of all, are passed over.
fn widening(n_models: usize) -> f64 {
    let n = n_models as f64;
    let p = n.powf(1.0 - n);
    (n / (n - 1.0) * (1.0 - p) / (1.0 - n * p)).sqrt()
}

/// On which scale an interval is symmetric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scale {
    Plain,
    /// Of ratios.
    Log,
}

/// Which of the sets of universal neurons is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    /// The study's.
    Plain,
    /// Those of a resample.
    Resample(usize),
    /// Those that the others make without this model.
    Without(usize),
}

impl Which {
    fn resample(self) -> Option<usize> {
        match self {
            Self::Resample(resample) => Some(resample),
            Self::Plain | Self::Without(_) => None,
        }
    }
}
