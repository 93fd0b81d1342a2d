//! How often chance alone reaches a neuron's maximum: p-values from the maxima against rotated copies of the other model.
//!
//! A handful of rotations says little of one neuron, but a layer's neurons together have thousands of such maxima. They can be
//! pooled once each is divided by the neuron's own location: against rotated neurons the maximum of neuron i is about Gumbel with
//! location and scale proportional to how much of i the other model can express.

#[cfg(test)]
mod tests;

use crate::{KolmogorovSmirnov, ParetoTail};

/// Fewer draws make no p-value: location and ratio must come from different draws, two of each.
pub const MIN_DRAWS: usize = 4;

/// Distance of two distribution functions from which ratios are not pooled. Pooled p-values are uniform on average over a layer
/// whatever the distance; at 0.1 those of either half are off by about a factor of 2 at p = 0.01 (docs/method.md).
const KS_LIMIT: f64 = 0.1;

/// A distance that so few values have by chance is none.
const KS_CHANCE: f64 = 0.01;

/// Chance that a null gives what was observed, or more.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PValue {
    /// Above 0, at most 1.
    pub p: f64,
    /// Whether it lies beyond what was drawn, and comes from a fitted tail.
    pub is_fitted: bool,
}

/// (1 + number of null values at or above `observed`) / (1 + number of null values); `sorted_null` ascending, without NaN.
///
/// Undefined: NaN for a NaN.
/// Assumes: the observed value and the null ones are exchangeable where there is nothing to find.
/// Source: Phipson and Smyth 2010, Statistical Applications in Genetics and Molecular Biology 9, article 39.
pub fn empirical_p(observed: f64, sorted_null: &[f64]) -> f64 {
    if observed.is_nan() {
        return f64::NAN;
    }
    let n_below = sorted_null.partition_point(|&x| x < observed);
    (1 + sorted_null.len() - n_below) as f64 / (1 + sorted_null.len()) as f64
}

/// Maxima of one layer's neurons against rotated copies of another model, made comparable between neurons.
///
/// With x_id the maximum of neuron i in draw d of D and m_i the observed one, ratios are
///
/// null: r_id = x_id / mean over d' != d of x_id'      observed: r_i = m_i / mean over d of x_id
///
/// and p = (1 + #{r_jd >= r_i, all j and d of the layer}) / (1 + n_pooled). The null's divisor is a mean of one draw fewer, so null
/// ratios spread a little more than observed ones (by 2 % at 5 draws) and p is conservative where it is small: P(p <= 0.01) is
/// 0.0090, 0.0095 and 0.0099 at 4, 5 and 10 draws. A divisor that takes the observed maximum in would be uniform without real
/// matches and too small with them.
///
/// Whether ratios are comparable is tested, not believed: [`PooledNull::ks`] compares the neurons of a low location with those of
/// a high one. If they differ, only a neuron's own draws count, and p is no less than 1 / (D + 1).
/// Beyond the largest ratio of the pool p is that of a [`ParetoTail`], if that is the smaller.
#[derive(Clone, Debug)]
pub struct PooledNull {
    n_draws: usize,
    /// [n, n_draws].
    draws: Vec<f64>,
    /// Mean over draws [n]; NaN where undefined.
    locations: Vec<f64>,
    /// All ratios of the layer, ascending.
    ratios: Vec<f64>,
    ks: Option<KolmogorovSmirnov>,
    is_pooled: bool,
    tail: Option<ParetoTail>,
}

impl PooledNull {
    /// Of `null[draw][neuron]`, NaN where undefined.
    ///
    /// A neuron takes part if all its draws are defined and positive (maxima over hundreds of neurons are).
    /// Panics: if draws are not of the same number of neurons.
    pub fn new(null: &[Vec<f64>]) -> Self {
        let n_draws = null.len();
        let n = null.first().map_or(0, Vec::len);
        assert!(null.iter().all(|draw| draw.len() == n), "maxima of {n} neurons in every draw");
        let draws: Vec<f64> = (0..n).flat_map(|i| null.iter().map(move |draw| draw[i])).collect();
        let is_sound = |draws: &[f64]| n_draws >= MIN_DRAWS && draws.iter().all(|&x| x.is_finite() && x > 0.0);
        let of_neurons = || draws.chunks_exact(n_draws.max(1));
        let locations = of_neurons().map(|draws| if is_sound(draws) { mean(draws) } else { f64::NAN }).collect();
        let sound: Vec<&[f64]> = of_neurons().filter(|draws| is_sound(draws)).collect();
        let mut ratios: Vec<f64> = sound.iter().flat_map(|draws| ratios_to_the_others(draws)).collect();
        ratios.sort_unstable_by(f64::total_cmp);
        let ks = low_against_high(&sound, n_draws / 2);
        let is_pooled = ks.is_none_or(|ks| ks.statistic < KS_LIMIT || ks.p > KS_CHANCE);
        let tail = if is_pooled { ParetoTail::fit(&ratios) } else { None };
        Self { n_draws, draws, locations, ratios, ks, is_pooled, tail }
    }

    /// Chance that a rotated copy gives neuron `neuron` a maximum of `observed` or more.
    ///
    /// None for a NaN, for a neuron that takes no part, and with fewer than [`MIN_DRAWS`] draws.
    pub fn p(&self, neuron: usize, observed: f64) -> Option<PValue> {
        let location = self.locations[neuron];
        if location.is_nan() || observed.is_nan() {
            return None;
        }
        if !self.is_pooled {
            let draws = &self.draws[neuron * self.n_draws..][..self.n_draws];
            let n_reached = draws.iter().filter(|&&x| x >= observed).count();
            return Some(PValue { p: (1 + n_reached) as f64 / (1 + self.n_draws) as f64, is_fitted: false });
        }
        let ratio = observed / location;
        let p = empirical_p(ratio, &self.ratios);
        let is_beyond = self.ratios.last().is_some_and(|&largest| ratio > largest);
        // exp underflows at an excess that no correlation reaches; p stays above 0 nevertheless.
        let fitted = self.tail.filter(|_| is_beyond).map(|tail| tail.survival(ratio).max(f64::MIN_POSITIVE));
        Some(match fitted {
            Some(fitted) if fitted < p => PValue { p: fitted, is_fitted: true },
            _ => PValue { p, is_fitted: false },
        })
    }

    /// Mean of a neuron's draws, by which its maxima are divided; none where it takes no part.
    pub fn location(&self, neuron: usize) -> Option<f64> {
        Some(self.locations[neuron]).filter(|location| !location.is_nan())
    }

    /// Draws.
    pub fn n_draws(&self) -> usize {
        self.n_draws
    }

    /// Defined maxima of all neurons and draws.
    pub fn maxima(&self) -> impl Iterator<Item = f64> {
        self.draws.iter().copied().filter(|maximum| !maximum.is_nan())
    }

    /// Ratios of all neurons that take part and all draws.
    pub fn n_pooled(&self) -> usize {
        self.ratios.len()
    }

    /// Ratios of the neurons with a low location against those with a high one; none where all have the same.
    ///
    /// Half of the draws tell the locations and the other half gives the ratios, and the other way round: were both the same
    /// draws, a neuron that drew one large value would count as high for it, and a layer of equal neurons would differ from itself by 0.08.
    /// p takes ratios for independent, which those of alike neurons are not: the statistic decides, p only says whether so few
    /// values could show it by chance.
    pub fn ks(&self) -> Option<KolmogorovSmirnov> {
        self.ks
    }

    /// Whether p-values rest on the whole layer's ratios; else on each neuron's own draws alone.
    pub fn is_pooled(&self) -> bool {
        self.is_pooled
    }

    /// What p-values beyond the pool are taken from; none where ratios are not pooled or too few.
    pub fn tail(&self) -> Option<ParetoTail> {
        self.tail
    }
}

/// Every value over the mean of the others.
fn ratios_to_the_others(draws: &[f64]) -> impl Iterator<Item = f64> {
    let (sum, n_others) = (draws.iter().sum::<f64>(), (draws.len() - 1) as f64);
    draws.iter().map(move |x| x * n_others / (sum - x))
}

/// Draws before `half` and those from it on take turns as what sorts neurons and as what is compared.
fn low_against_high(neurons: &[&[f64]], half: usize) -> Option<KolmogorovSmirnov> {
    let (mut low, mut high) = (vec![], vec![]);
    let mut compare = |sorting: &dyn Fn(&[f64]) -> f64, compared: &dyn Fn(&[f64]) -> Vec<f64>| {
        let mut sorted: Vec<f64> = neurons.iter().map(|draws| sorting(draws)).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let median = sorted.get(sorted.len() / 2).copied();
        for draws in neurons {
            let group = if Some(sorting(draws)) < median { &mut low } else { &mut high };
            group.extend(compared(draws));
        }
    };
    compare(&|draws| mean(&draws[..half]), &|draws| ratios_to_the_others(&draws[half..]).collect());
    compare(&|draws| mean(&draws[half..]), &|draws| ratios_to_the_others(&draws[..half]).collect());
    KolmogorovSmirnov::new(&low, &high)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}
