//! Single neurons silenced one by one: how far the first order can be trusted, and what the universal ones add up to.

use homolog_results::{AttributionRow, SingleRow};
use homolog_stats::{RandomOrder, Resamples, mean_bca, percentile_interval};
use rayon::prelude::*;

use super::Target;
use super::measured::Measured;
use super::sets::{Reference, SetId};
use super::silencing::Job;
use crate::StudyConfig;
use crate::config::{AblationMode, AblationSection};
use crate::damage::{Place, mean, ratio, ratio_of_resample};
use crate::stages::attribute::Attributions;

/// Draws of a [`RandomOrder`] that no random set has.
const OF_UNIVERSAL: usize = usize::MAX;
const OF_ALL: usize = usize::MAX - 1;

/// Tells the streams of resampled neurons from those of others.
const SINGLES_STREAM: u64 = 0x7369_6e67_6c65_7300;

/// A neuron that is silenced by itself, and why.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Single {
    /// Flat.
    pub(super) neuron: usize,
    is_top: bool,
    is_of_universal: bool,
    is_of_all: bool,
}

impl Single {
    pub(super) fn job(&self) -> Job {
        let id = SetId { single: Some(self.neuron), ..SetId::own("single") };
        Job { id, neurons: vec![self.neuron], mode: AblationMode::Zero }
    }
}

/// Who is silenced, ascending; nobody where attributions are off.
pub(super) fn chosen(config: &StudyConfig, attributions: &Attributions, reference: Reference<'_>) -> Vec<Single> {
    let (section, seed) = (&config.attribution, config.ablation.seed);
    let Some(first_order) = &attributions.first_order else { return Vec::new() };
    let zero = &first_order.zero;
    let mut by_magnitude: Vec<usize> = (0..zero.len()).collect();
    by_magnitude.sort_by(|&a, &b| zero[b].abs().total_cmp(&zero[a].abs()).then(a.cmp(&b)));
    by_magnitude.truncate(section.top);
    let sample = |neurons: Vec<usize>, n: usize, draw: usize| {
        let n = n.min(neurons.len());
        let order = RandomOrder::new(neurons, seed, reference.model_idx, reference.step.unwrap_or(-1), draw);
        order.take(n).expect("no more than there are")
    };
    let of_universal = sample(reference.neurons.to_vec(), section.universal, OF_UNIVERSAL);
    let of_all = sample((0..zero.len()).collect(), section.random, OF_ALL);
    let mut singles = vec![None; zero.len()];
    let mut mark = |neurons: &[usize], mark: fn(&mut Single)| {
        for &neuron in neurons {
            mark(singles[neuron].get_or_insert(Single { neuron, ..Single::default() }));
        }
    };
    mark(&by_magnitude, |single| single.is_top = true);
    mark(&of_universal, |single| single.is_of_universal = true);
    mark(&of_all, |single| single.is_of_all = true);
    singles.into_iter().flatten().collect()
}

/// Rows of table `singles`.
pub(super) fn rows(
    place: &Place<'_>,
    target: &Target<'_>,
    d_mlp: usize,
    measured: &Measured,
    singles: &[Single],
    (resamples, level): (&Resamples, f64),
) -> Vec<SingleRow> {
    let Some(first_order) = &target.attributions.first_order else { return Vec::new() };
    let row = |&Single { neuron, is_top, is_of_universal, is_of_all }: &Single| {
        let rises = rises(measured, neuron);
        let (delta_low, delta_high) = mean_bca(&rises, resamples, level).unzip();
        SingleRow {
            model: place.model.to_owned(),
            checkpoint: place.checkpoint,
            layer: (neuron / d_mlp) as u16,
            neuron: (neuron % d_mlp) as u32,
            is_top,
            is_of_universal,
            is_of_all,
            delta_loss_nats: mean(&rises),
            delta_low,
            delta_high,
            attribution_zero_nats: first_order.zero[neuron],
        }
    };
    singles.par_iter().map(row).collect()
}

/// Rise of each row's loss without one neuron.
fn rises(measured: &Measured, neuron: usize) -> Vec<f64> {
    let (_, outcome) = measured.singles().find(|single| single.0 == neuron).expect("every single was a job");
    outcome.rises(&measured.clean)
}

/// The row of table `attribution`; none where attributions are off.
pub(super) fn attribution_row(
    place: &Place<'_>,
    target: &Target<'_>,
    measured: &Measured,
    singles: &[Single],
    (resamples, section): (&Resamples, &AblationSection),
) -> Option<AttributionRow> {
    let zero = &target.attributions.first_order.as_ref()?.zero;
    let is_universal = |neuron: &usize| target.universal.binary_search(neuron).is_ok();
    let (universal, others): (Vec<usize>, Vec<usize>) = (0..zero.len()).partition(is_universal);
    let average = |neurons: &[usize], of: fn(f64) -> f64| {
        (!neurons.is_empty())
            .then(|| neurons.iter().map(|&neuron| of(zero[neuron])).sum::<f64>() / neurons.len() as f64)
    };
    let exact = |is_of: fn(&Single) -> bool| -> Vec<(f64, f64)> {
        let chosen = singles.iter().filter(|single| is_of(single));
        chosen.map(|single| (zero[single.neuron], mean(&rises(measured, single.neuron)))).collect()
    };
    let (random, top) = (exact(|single| single.is_of_all), exact(|single| single.is_top));
    let sample: Vec<Vec<f64>> =
        singles.iter().filter(|single| single.is_of_universal).map(|single| rises(measured, single.neuron)).collect();
    let joint = measured.set("universal", AblationMode::Zero).filter(|_| !universal.is_empty());
    let joint = joint.map(|(_, outcome)| outcome.rises(&measured.clean));
    let mut row = AttributionRow {
        model: place.model.to_owned(),
        checkpoint: place.checkpoint,
        threshold: place.threshold,
        n_universal: universal.len() as u64,
        universal_attribution_nats: average(&universal, |x| x),
        other_attribution_nats: average(&others, |x| x),
        universal_magnitude_nats: average(&universal, f64::abs),
        other_magnitude_nats: average(&others, f64::abs),
        n_random: random.len() as u32,
        random_corr: corr(&random),
        random_slope: slope(&random),
        n_top: top.len() as u32,
        top_corr: corr(&top),
        top_slope: slope(&top),
        n_singles: sample.len() as u32,
        joint_delta_nats: joint.as_deref().map(mean),
        ..AttributionRow::default()
    };
    let (Some(joint), false) = (joint, sample.is_empty()) else { return Some(row) };
    let n_universal = universal.len() as f64;
    let of_sample: Vec<f64> = sample.iter().map(|rises| mean(rises)).collect();
    let sum = n_universal * mean(&of_sample);
    row.sum_of_singles_nats = Some(sum);
    row.joint_over_singles = ratio(mean(&joint), sum);
    // By resample of the rows: what all cost together, and each of the sample by itself.
    let joint = resamples.means(&joint);
    let by_neuron: Vec<Vec<f64>> = sample.par_iter().map(|rises| resamples.means(rises)).collect();
    let neurons = Resamples::new(sample.len(), resamples.len(), [SINGLES_STREAM, section.seed, 0, 0]);
    let is_all = sample.len() == universal.len();
    let sums: Vec<f64> = (0..resamples.len())
        .map(|resample| {
            // A sample of all of them is not a sample.
            let count = |neuron: usize| if is_all { 1.0 } else { f64::from(neurons.counts(resample)[neuron]) };
            let total: f64 = by_neuron.iter().enumerate().map(|(at, means)| count(at) * means[resample]).sum();
            n_universal * total / sample.len() as f64
        })
        .collect();
    (row.sum_of_singles_low, row.sum_of_singles_high) = percentile_interval(&sums, section.level).unzip();
    if row.joint_over_singles.is_some() {
        let ratios: Vec<f64> = joint.iter().zip(&sums).map(|(&joint, &sum)| ratio_of_resample(joint, sum)).collect();
        let (low, high) = percentile_interval(&ratios, section.level).unzip();
        row.joint_over_singles_low = low.filter(|end| end.is_finite());
        row.joint_over_singles_high = high.filter(|end| end.is_finite());
    }
    Some(row)
}

/// Pearson; none of fewer than three pairs, or of constants.
fn corr(pairs: &[(f64, f64)]) -> Option<f64> {
    let n = pairs.len() as f64;
    let (mean_x, mean_y) = pairs.iter().fold((0.0, 0.0), |sum, pair| (sum.0 + pair.0 / n, sum.1 + pair.1 / n));
    let sum = |of: &dyn Fn(f64, f64) -> f64| pairs.iter().map(|&(x, y)| of(x - mean_x, y - mean_y)).sum::<f64>();
    let (xx, yy, xy) = (sum(&|x, _| x * x), sum(&|_, y| y * y), sum(&|x, y| x * y));
    (pairs.len() >= 3 && xx > 0.0 && yy > 0.0).then(|| xy / (xx * yy).sqrt())
}

/// Of y on x through the origin; none where all x are 0.
fn slope(pairs: &[(f64, f64)]) -> Option<f64> {
    let sum = |of: fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>();
    let (xx, xy) = (sum(|(x, _)| x * x), sum(|(x, y)| x * y));
    (xx > 0.0).then(|| xy / xx)
}
