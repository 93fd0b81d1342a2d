//! Who is universal in one model at one step: in the study, in every resample, and without each other model.

use homolog_stats::{Overlap, Resamples, overlap};
use rayon::prelude::*;

use super::Which;
use crate::results::CheckpointCorrelation;
use crate::stages::evidence::Evidence;

/// `max_corr` - baseline of every neuron of a model against every other model.
pub(super) struct PairExcess {
    n_models: usize,
    /// [neuron, model]; NaN where undefined, and against itself.
    values: Vec<f64>,
}

impl PairExcess {
    pub(super) fn new(correlated: &CheckpointCorrelation, model: usize, n_models: usize) -> Self {
        let n_neurons = correlated.moments[model].len();
        let of = |neuron: usize, other: usize| {
            let pair = correlated.pairs.get(&(model, other))?;
            Some(pair.best(neuron, 0)?.0 - pair.baseline(neuron)?)
        };
        let all = (0..n_neurons).flat_map(|neuron| (0..n_models).map(move |other| (neuron, other)));
        let values = all.map(|(neuron, other)| of(neuron, other).unwrap_or(f64::NAN)).collect();
        Self { n_models, values }
    }

    /// Mean over other models by weight; none where none that is defined has any.
    fn mean(&self, neuron: usize, weight: impl Fn(usize) -> f64) -> Option<f64> {
        let (mut sum, mut total) = (0.0, 0.0);
        for (other, &excess) in self.values[neuron * self.n_models..][..self.n_models].iter().enumerate() {
            if !excess.is_nan() {
                sum += weight(other) * excess;
                total += weight(other);
            }
        }
        (total > 0.0).then(|| sum / total)
    }
}

/// Sets of the universal neurons of one model.
pub(super) struct Members {
    plain: Vec<bool>,
    /// By resample, [neuron].
    resampled: Vec<Vec<bool>>,
    /// By model left out.
    without: Vec<Vec<bool>>,
}

impl Members {
    /// The same in every resample: by a rule that is not a mean over other models.
    pub(super) fn fixed(plain: &[bool], n_resamples: usize, n_models: usize) -> Self {
        let plain = plain.to_vec();
        Self { resampled: vec![plain.clone(); n_resamples], without: vec![plain.clone(); n_models], plain }
    }

    /// By the excess. In a resample each other model counts as often as it was drawn, and the excess moves by what the blocks of tokens that were
    /// drawn more or less often than once make of it, to first order:
    ///
    /// e* = weighted mean over others + sum over blocks k of (w_k - 1) (e - e_(-k)) (1 - m_k / n)
    ///
    /// e_(-k) without block k of m_k of n tokens, w_k how often the block was drawn. Exact for a mean over tokens of equal blocks.
    pub(super) fn by_excess(
        plain: &[bool],
        excess: &PairExcess,
        (model, threshold): (usize, f64),
        models: &[Vec<u32>],
        blocks: Option<(&Evidence, &Resamples)>,
    ) -> Self {
        let n_neurons = plain.len();
        let is_above = |excess: Option<f64>| excess.is_some_and(|excess| excess > threshold);
        let shares: Option<Vec<f64>> = blocks.map(|(evidence, _)| {
            let n: f64 = evidence.n_tokens.iter().sum();
            evidence.n_tokens.iter().map(|tokens| 1.0 - tokens / n).collect()
        });
        let moved = |neuron: usize, resample: usize| {
            let (Some((evidence, draws)), Some(shares)) = (blocks, &shares) else { return 0.0 };
            let changes = evidence.without(model, neuron).iter().zip(shares).zip(draws.counts(resample));
            let sum: f64 = changes.map(|((change, share), &count)| (f64::from(count) - 1.0) * -change * share).sum();
            // A neuron that is constant without some block has no changes; it is taken to stay where it is.
            if sum.is_nan() { 0.0 } else { sum }
        };
        let of_resample = |(resample, counts): (usize, &Vec<u32>)| {
            let of_neuron = |neuron: usize| {
                let mean = excess.mean(neuron, |other| f64::from(counts[other]));
                is_above(mean.map(|mean| mean + moved(neuron, resample)))
            };
            // Who is not drawn is asked nothing.
            if counts[model] == 0 { Vec::new() } else { (0..n_neurons).map(of_neuron).collect() }
        };
        let without = |left: usize| {
            let of_neuron =
                |neuron: usize| is_above(excess.mean(neuron, |other| if other == left { 0.0 } else { 1.0 }));
            (0..n_neurons).map(of_neuron).collect()
        };
        Self {
            plain: plain.to_vec(),
            resampled: models.par_iter().enumerate().map(of_resample).collect(),
            without: (0..excess.n_models).map(without).collect(),
        }
    }
}

/// [`Members`] of the step before, a bit a neuron in resamples: they are kept while the next step is correlated.
pub(super) struct PackedMembers {
    plain: Vec<bool>,
    resampled: Vec<Vec<u64>>,
    without: Vec<Vec<bool>>,
}

impl Members {
    pub(super) fn pack(self) -> PackedMembers {
        let word = |neurons: &[bool]| neurons.iter().rev().fold(0, |word, &is_member| word << 1 | u64::from(is_member));
        let pack = |members: &Vec<bool>| members.chunks(64).map(word).collect();
        let Self { plain, resampled, without } = self;
        PackedMembers { plain, resampled: resampled.par_iter().map(pack).collect(), without }
    }
}

impl PackedMembers {
    fn resampled(&self, resample: usize) -> Vec<bool> {
        let words = &self.resampled[resample];
        let all = words.iter().flat_map(|word| (0..64).map(move |bit| word >> bit & 1 == 1));
        all.take(self.plain.len()).collect()
    }
}

/// How many of a model's neurons are universal at one step, and how many of the step before still are.
pub(super) struct Counts {
    plain: Count,
    /// By resample; none where the model is not drawn.
    resampled: Vec<Option<Count>>,
    /// By model left out.
    without: Vec<Count>,
}

#[derive(Clone, Copy)]
struct Count {
    share: f64,
    /// With the step before; none at the first.
    overlap: Option<Overlap>,
}

impl Counts {
    pub(super) fn of(members: &Members, before: Option<&PackedMembers>, d_mlp: usize) -> Self {
        let count = |members: &[bool], before: Option<&[bool]>| Count {
            share: members.iter().filter(|&&is_member| is_member).count() as f64 / members.len() as f64,
            overlap: before.map(|before| overlap(before, members, d_mlp)),
        };
        let of_resample = |(resample, members): (usize, &Vec<bool>)| {
            let before = before.map(|before| before.resampled(resample));
            (!members.is_empty()).then(|| count(members, before.as_deref()))
        };
        let without = members.without.iter().enumerate();
        Self {
            plain: count(&members.plain, before.map(|before| before.plain.as_slice())),
            resampled: members.resampled.par_iter().enumerate().map(of_resample).collect(),
            without: without
                .map(|(left, members)| count(members, before.map(|before| before.without[left].as_slice())))
                .collect(),
        }
    }

    fn get(&self, which: Which) -> Option<Count> {
        match which {
            Which::Plain => Some(self.plain),
            Which::Resample(resample) => self.resampled[resample],
            Which::Without(left) => Some(self.without[left]),
        }
    }

    /// Share of the neurons; none of a model that is not drawn.
    pub(super) fn share(&self, which: Which) -> Option<f64> {
        self.get(which).map(|count| count.share)
    }

    /// Overlap of the step before with this one; none as the share, and at the first step.
    pub(super) fn overlap(&self, which: Which) -> Option<Overlap> {
        self.get(which)?.overlap
    }
}
