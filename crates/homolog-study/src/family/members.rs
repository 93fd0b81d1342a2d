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
    /// e_(-k) without block k of m_k of n tokens, w_k how often the block was drawn. Exact for a mean over tokens.
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

    fn of(&self, which: Which) -> &[bool] {
        match which {
            Which::Plain => &self.plain,
            Which::Resample(resample) => &self.resampled[resample],
            Which::Without(left) => &self.without[left],
        }
    }

    /// Share of the neurons.
    pub(super) fn share(&self, which: Which) -> f64 {
        let members = self.of(which);
        members.iter().filter(|&&is_member| is_member).count() as f64 / members.len() as f64
    }

    /// With the sets of a later step.
    pub(super) fn overlap(&self, later: &Self, which: Which, d_mlp: usize) -> Overlap {
        overlap(self.of(which), later.of(which), d_mlp)
    }
}
