//! Table `damage`: the loss that universal neurons cost beside that of random ones, and how sure that is.

#[cfg(test)]
mod tests;

use homolog_results::DamageRow;
use homolog_stats::{Resamples, empirical_p, mean_bca, percentile_interval};
use rayon::prelude::*;

use crate::config::{AblationMode, AblationSection};
use crate::stages::ablate::{Measured, RandomKind};

/// Raised whenever the arithmetic of damage or of the other tables of ablations changes.
pub(crate) const VERSION: u32 = 2;

/// Tells the streams of resampled draws from those of others.
const DRAWS_STREAM: u64 = 0x6472_6177_7300_0000;

/// Which model, step and threshold rows are of.
pub(crate) struct Place<'a> {
    pub(crate) model: &'a str,
    pub(crate) checkpoint: Option<i64>,
    pub(crate) threshold: f64,
}

/// A row, and what it is in every resample of the rows of tokens and of the draws.
pub(crate) struct Damage {
    pub(crate) row: DamageRow,
    /// Rise of the loss by resample, in nats.
    pub(crate) universal: Vec<f64>,
    /// Ascending by multiple.
    pub(crate) doses: Vec<DoseDamage>,
}

/// What random sets of one multiple cost, in nats.
pub(crate) struct DoseDamage {
    pub(crate) multiple: u32,
    /// By draw.
    pub(crate) draws: Vec<f64>,
    /// Mean over draws, by resample.
    pub(crate) resampled: Vec<f64>,
}

impl DoseDamage {
    pub(crate) fn mean(&self) -> f64 {
        mean(&self.draws)
    }
}

/// Random sets of one multiple.
struct Dose {
    multiple: u32,
    /// [draw][row]
    rises: Vec<Vec<f64>>,
}

impl Dose {
    /// By resample draws are drawn anew, as rows are.
    fn damage(&self, rows: &Resamples, [stream, seed, kind]: [u64; 3]) -> DoseDamage {
        let key = [stream, seed, kind, u64::from(self.multiple)];
        let draws = Resamples::new(self.rises.len(), rows.len(), key);
        let by_draw: Vec<Vec<f64>> = self.rises.par_iter().map(|rises| rows.means(rises)).collect();
        let mean_of = |resample: usize| {
            let counts = draws.counts(resample).iter().zip(&by_draw);
            counts.map(|(&count, means)| f64::from(count) * means[resample]).sum::<f64>() / by_draw.len() as f64
        };
        DoseDamage {
            multiple: self.multiple,
            draws: self.rises.iter().map(|rises| mean(rises)).collect(),
            resampled: (0..rows.len()).map(mean_of).collect(),
        }
    }
}

/// For every mode and kind of random sets, where there are universal neurons. `resamples` are of the rows of tokens.
pub(crate) fn of(
    place: &Place<'_>,
    measured: &Measured,
    modes: &[AblationMode],
    (resamples, section): (&Resamples, &AblationSection),
) -> Vec<Damage> {
    let mut found = Vec::new();
    for (mode_idx, &mode) in modes.iter().enumerate() {
        let Some((set, outcome)) = measured.set("universal", mode).filter(|(set, _)| set.n_neurons > 0) else {
            continue;
        };
        let universal = outcome.rises(&measured.clean);
        for (kind_idx, kind) in RandomKind::ALL.into_iter().enumerate() {
            let key = [DRAWS_STREAM, section.seed, (RandomKind::ALL.len() * mode_idx + kind_idx) as u64];
            let doses = doses(measured, kind, mode);
            let against = Against { place, mode, kind, n_neurons: set.n_neurons, universal: &universal };
            found.extend(against.damage(&doses, key, (resamples, section.level)));
        }
    }
    found
}

/// Ascending by multiple.
fn doses(measured: &Measured, kind: RandomKind, mode: AblationMode) -> Vec<Dose> {
    let mut doses: Vec<Dose> = Vec::new();
    for (set, outcome) in measured.sets.iter().filter(|(set, _)| set.id.set == kind.name() && set.mode == mode) {
        let Some(multiple) = set.id.multiple else { continue };
        let rises = outcome.rises(&measured.clean);
        match doses.iter_mut().find(|dose| dose.multiple == multiple) {
            Some(dose) => dose.rises.push(rises),
            None => doses.push(Dose { multiple, rises: vec![rises] }),
        }
    }
    doses.sort_by_key(|dose| dose.multiple);
    doses
}

/// The universal neurons beside one kind of random sets.
struct Against<'a> {
    place: &'a Place<'a>,
    mode: AblationMode,
    kind: RandomKind,
    n_neurons: usize,
    /// Rise of each row's loss.
    universal: &'a [f64],
}

impl Against<'_> {
    /// None without random sets of this kind.
    fn damage(&self, doses: &[Dose], key: [u64; 3], (resamples, level): (&Resamples, f64)) -> Option<Damage> {
        let greatest_multiple = doses.last()?.multiple;
        let doses: Vec<DoseDamage> = doses.iter().map(|dose| dose.damage(resamples, key)).collect();
        let universal = mean(self.universal);
        let (universal_delta_low, universal_delta_high) = mean_bca(self.universal, resamples, level).unzip();
        let same_size = dose(&doses, 1);
        let control = same_size.map(DoseDamage::mean);
        let mut draws = same_size.map_or_else(Vec::new, |dose| dose.draws.clone());
        draws.sort_unstable_by(f64::total_cmp);
        let central = (draws.len() > 1).then(|| percentile_interval(&draws, level)).flatten();
        let curve: Vec<(f64, f64)> = doses.iter().map(|dose| (f64::from(dose.multiple), dose.mean())).collect();
        let resampled = resamples.means(self.universal);
        let ratio_interval = control
            .and_then(|control| ratio(universal, control))
            .and(same_size)
            .map(|same_size| ratios(&resampled, same_size))
            .and_then(|ratios| percentile_interval(&ratios, level));
        let multiples = equal_multiples(&resampled, &doses);
        let (equal_low, equal_high, reached) = equal_interval(&multiples, universal, level);
        let row = DamageRow {
            model: self.place.model.to_owned(),
            checkpoint: self.place.checkpoint,
            threshold: self.place.threshold,
            mode: self.mode.name().to_owned(),
            control: self.kind.name().to_owned(),
            n_neurons: self.n_neurons as u64,
            universal_delta_nats: universal,
            universal_delta_low,
            universal_delta_high,
            n_draws: draws.len() as u32,
            control_delta_nats: control,
            control_delta_median: median(&draws),
            control_delta_low: central.map(|ends| ends.0),
            control_delta_high: central.map(|ends| ends.1),
            p_value: permutation_p(universal, &draws),
            ratio: control.and_then(|control| ratio(universal, control)),
            ratio_low: ratio_interval.map(|ends| ends.0).filter(|end| end.is_finite()),
            ratio_high: ratio_interval.map(|ends| ends.1).filter(|end| end.is_finite()),
            equal_multiple: crossing(&curve, universal),
            equal_multiple_low: equal_low,
            equal_multiple_high: equal_high,
            equal_multiple_reached: reached,
            greatest_multiple: Some(greatest_multiple),
        };
        Some(Damage { row, universal: resampled, doses })
    }
}

/// Random sets of this multiple.
pub(crate) fn dose(doses: &[DoseDamage], multiple: u32) -> Option<&DoseDamage> {
    doses.iter().find(|dose| dose.multiple == multiple)
}

/// Damage of the universal neurons over that of as many random ones, by resample.
fn ratios(universal: &[f64], same_size: &DoseDamage) -> Vec<f64> {
    let resamples = universal.iter().zip(&same_size.resampled);
    resamples.map(|(&universal, &control)| ratio_of_resample(universal, control)).collect()
}

/// How many times as many random neurons do the same damage, by resample.
fn equal_multiples(universal: &[f64], doses: &[DoseDamage]) -> Vec<f64> {
    let of_resample = |(resample, &level): (usize, &f64)| {
        let point = |dose: &DoseDamage| (f64::from(dose.multiple), dose.resampled[resample]);
        equal_multiple_of_resample(&doses.iter().map(point).collect::<Vec<_>>(), level)
    };
    universal.iter().enumerate().map(of_resample).collect()
}

/// Ends of the interval of a multiple, and the share of resamples in which it is reached; an end that is not reached is none. All none where
/// the universal neurons cost nothing.
fn equal_interval(multiples: &[f64], universal: f64, level: f64) -> (Option<f64>, Option<f64>, Option<f64>) {
    if universal <= 0.0 {
        return (None, None, None);
    }
    let (low, high) = percentile_interval(multiples, level).unzip();
    let reached = multiples.iter().filter(|multiple| multiple.is_finite()).count() as f64 / multiples.len() as f64;
    (low.filter(|end| end.is_finite()), high.filter(|end| end.is_finite()), Some(reached))
}

/// Of draws in ascending order; none without any.
pub(crate) fn permutation_p(universal: f64, draws: &[f64]) -> Option<f64> {
    (!draws.is_empty()).then(|| empirical_p(universal, draws))
}

/// Where a curve reaches a level within a resample: 0 where there is nothing to reach, infinite where it is never reached.
pub(crate) fn equal_multiple_of_resample(curve: &[(f64, f64)], level: f64) -> f64 {
    if level <= 0.0 { 0.0 } else { crossing(curve, level).unwrap_or(f64::INFINITY) }
}

/// A ratio within a resample: 0 where there is nothing above the line, without bound where there is nothing below it.
pub(crate) fn ratio_of_resample(above: f64, below: f64) -> f64 {
    match () {
        () if above <= 0.0 => 0.0,
        () if below <= 0.0 => f64::INFINITY,
        () => above / below,
    }
}

/// None unless both are above zero.
pub(crate) fn ratio(universal: f64, control: f64) -> Option<f64> {
    (universal > 0.0 && control > 0.0).then(|| universal / control)
}

/// Of nothing: NaN.
pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Of values in ascending order.
fn median(sorted: &[f64]) -> Option<f64> {
    let n = sorted.len();
    (n > 0).then(|| f64::midpoint(sorted[(n - 1) / 2], sorted[n / 2]))
}

/// Where the piecewise linear curve from (0, 0) through `points` first reaches `level`; none for a level that is not positive
/// or never reached.
pub(crate) fn crossing(points: &[(f64, f64)], level: f64) -> Option<f64> {
    if level <= 0.0 {
        return None;
    }
    let mut last = (0.0, 0.0);
    for &(x, y) in points {
        if y >= level {
            return Some(last.0 + (x - last.0) * (level - last.1) / (y - last.1));
        }
        last = (x, y);
    }
    None
}
