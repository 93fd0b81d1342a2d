//! Random sets of controls that resemble target units: matched on covariates, within strata.
//!
//! For where a uniformly random set ([`crate::RandomOrder`]) differs from the targets in more than what is asked about. Used on
//! neurons, whose stratum is the layer.

#[cfg(test)]
mod tests;

use rand_chacha::ChaCha20Rng;
use rayon::prelude::*;

use crate::sampling::{below, shuffle, stream};

/// What controls are matched on.
#[derive(Clone, Debug)]
pub struct Covariates {
    /// [n_covariates][n_units], on the scale differences are to be taken on (a logarithm for what spans decades). A unit with a
    /// value that is not finite is nobody's control.
    pub values: Vec<Vec<f64>>,
    /// Stratum of every unit, numbered from 0: controls are of their target's.
    pub stratum: Vec<usize>,
}

/// A unit that may be a control.
#[derive(Clone, Copy, Debug)]
struct Neighbour {
    unit: u32,
    /// Among the different distances, from 0: equal ranks are equal distances.
    rank: u32,
}

/// The possible controls of every target, the nearest first. Computed once, shared by all draws.
#[derive(Clone, Debug)]
pub struct MatchedNeighbours {
    targets: Vec<usize>,
    n_units: usize,
    /// By target.
    neighbours: Vec<Vec<Neighbour>>,
}

impl MatchedNeighbours {
    /// Sort every target's stratum by distance to it.
    ///
    /// d(t, u)^2 = sum over covariates c of ((x_ct - x_cu) / s_c)^2
    ///
    /// s_c is the standard deviation of c over all units of the stratum whose covariates are all finite, targets too; a covariate
    /// that is constant there does not count. Not a neighbour of any: targets, and units with a covariate that is not finite. A
    /// target of that kind has none. Without covariates all of a stratum are equally near.
    ///
    /// Shapes: `targets` ascending, below the number of units; `covariates.values` [n_covariates][n_units]; `stratum` [n_units].
    /// Memory: 8 bytes a target and unit of its stratum.
    /// Panics: if `targets` are not strictly ascending, or shapes differ.
    /// Source: distance with the inverse variances, Rubin 1980, Biometrics 36, 293-298, without the covariances of Mahalanobis.
    pub fn new(targets: &[usize], covariates: &Covariates) -> Self {
        let n_units = covariates.stratum.len();
        assert!(targets.is_sorted_by(|a, b| a < b), "targets ascend");
        assert!(targets.last().is_none_or(|&target| target < n_units), "targets are below {n_units}");
        covariates.values.iter().for_each(|values| assert_eq!(values.len(), n_units, "a covariate's value a unit"));
        let strata = Stratum::all(targets, covariates);
        let of_target = |&target: &usize| match &strata[covariates.stratum[target]] {
            Some(stratum) => stratum.neighbours(target),
            None => Vec::new(),
        };
        Self { targets: targets.to_vec(), n_units, neighbours: targets.par_iter().map(of_target).collect() }
    }

    /// Targets without any neighbour, which no round can serve: leave them out, or say what they lack.
    pub fn alone(&self) -> Vec<usize> {
        let is_alone = |&(_, neighbours): &(&usize, &Vec<Neighbour>)| neighbours.is_empty();
        self.targets.iter().zip(&self.neighbours).filter(is_alone).map(|(&target, _)| target).collect()
    }
}

/// Units of one stratum whose covariates are finite.
struct Stratum {
    /// Ascending; their covariates beside each other, each over its standard deviation.
    units: Vec<usize>,
    scaled: Vec<f64>,
    is_target: Vec<bool>,
    n_covariates: usize,
}

impl Stratum {
    /// By number; none where a stratum has no such unit.
    fn all(targets: &[usize], covariates: &Covariates) -> Vec<Option<Self>> {
        let mut units = vec![Vec::new(); covariates.stratum.iter().max().map_or(0, |&last| last + 1)];
        for (unit, &stratum) in covariates.stratum.iter().enumerate() {
            if covariates.values.iter().all(|values| values[unit].is_finite()) {
                units[stratum].push(unit);
            }
        }
        let of_units = |units: Vec<usize>| (!units.is_empty()).then(|| Self::new(units, targets, covariates));
        units.into_iter().map(of_units).collect()
    }

    fn new(units: Vec<usize>, targets: &[usize], covariates: &Covariates) -> Self {
        let over_deviation = |values: &Vec<f64>| {
            let variance = moments(values, &units)?.1;
            let scaled = || units.iter().map(|&unit| values[unit] / variance.sqrt()).collect::<Vec<_>>();
            (variance > 0.0).then(scaled)
        };
        let columns: Vec<Vec<f64>> = covariates.values.iter().filter_map(over_deviation).collect();
        let scaled = (0..units.len()).flat_map(|at| columns.iter().map(move |column| column[at])).collect();
        let is_target = units.iter().map(|unit| targets.binary_search(unit).is_ok()).collect();
        Self { units, scaled, is_target, n_covariates: columns.len() }
    }

    fn of(&self, at: usize) -> &[f64] {
        &self.scaled[at * self.n_covariates..][..self.n_covariates]
    }

    /// All but targets, by distance and then by number.
    fn neighbours(&self, target: usize) -> Vec<Neighbour> {
        let Ok(target) = self.units.binary_search(&target) else { return Vec::new() };
        let here = self.of(target);
        let square_to = |at: usize| here.iter().zip(self.of(at)).map(|(x, y)| (x - y).powi(2)).sum::<f64>();
        let others = (0..self.units.len()).filter(|&at| !self.is_target[at]);
        let mut by_distance: Vec<(f64, u32)> = others.map(|at| (square_to(at), self.units[at] as u32)).collect();
        by_distance.sort_unstable_by(|x, y| x.0.total_cmp(&y.0).then(x.1.cmp(&y.1)));
        let (mut rank, mut before) = (0, None);
        let ranked = by_distance.into_iter().map(|(distance, unit)| {
            rank += u32::from(before.is_some_and(|before| before != distance));
            before = Some(distance);
            Neighbour { unit, rank }
        });
        ranked.collect()
    }
}

/// Controls in a random order: its first rounds hold as many controls of every target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchedOrder {
    n_targets: usize,
    /// Of as many controls as there are targets, each.
    rounds: Vec<Vec<usize>>,
}

impl MatchedOrder {
    /// Let targets take controls in rounds, until one cannot serve them all.
    ///
    /// In every round each target, in an order drawn for the round, takes one unit at random: each of its `n_near` nearest
    /// that nobody has taken is equally likely, and so are those that are as far as the last of them. Where fewer are left, one
    /// of these.
    ///
    /// Draws by the `ChaCha20` stream of `key`; bounded numbers by rejection. Small `n_near` match closely and leave little to
    /// chance; an `n_near` of the stratum's size is a uniform sample within strata.
    /// Undefined: no rounds where a target has no neighbours ([`MatchedNeighbours::alone`]). Panics: if `n_near` is 0.
    pub fn new(neighbours: &MatchedNeighbours, n_near: usize, key: [u64; 4]) -> Self {
        Self::of_rounds(neighbours, n_near, usize::MAX, key)
    }

    /// The first rounds of [`MatchedOrder::new`], `n_rounds` at most.
    pub fn of_rounds(neighbours: &MatchedNeighbours, n_near: usize, n_rounds: usize, key: [u64; 4]) -> Self {
        assert!(n_near > 0, "a control is one of at least one nearest");
        let n_targets = neighbours.targets.len();
        let mut draw = Draw {
            is_taken: vec![false; neighbours.n_units],
            first_free: vec![0; n_targets],
            nearest: Vec::with_capacity(n_near),
            rng: stream(key),
        };
        // Without targets there would be no end of rounds.
        let round = || if n_targets == 0 { None } else { draw.round(neighbours, n_near) };
        Self { n_targets, rounds: std::iter::from_fn(round).take(n_rounds).collect() }
    }

    /// The controls of the first `multiple` rounds, ascending; none if there are not so many. A larger multiple contains the
    /// smaller.
    pub fn take(&self, multiple: usize) -> Option<Vec<usize>> {
        if self.n_targets == 0 {
            return Some(Vec::new());
        }
        let mut taken: Vec<usize> = self.rounds.get(..multiple)?.iter().flatten().copied().collect();
        taken.sort_unstable();
        Some(taken)
    }
}

/// What one draw remembers.
struct Draw {
    is_taken: Vec<bool>,
    /// By target, a place in its list before which everything is taken.
    first_free: Vec<usize>,
    nearest: Vec<usize>,
    rng: ChaCha20Rng,
}

impl Draw {
    /// A control of every target; none if one finds no more.
    fn round(&mut self, neighbours: &MatchedNeighbours, n_near: usize) -> Option<Vec<usize>> {
        let mut order: Vec<usize> = (0..neighbours.targets.len()).collect();
        shuffle(&mut order, &mut self.rng);
        let mut round = Vec::with_capacity(order.len());
        for target in order {
            self.find_nearest(target, &neighbours.neighbours[target], n_near);
            if self.nearest.is_empty() {
                return None;
            }
            let unit = self.nearest[below(&mut self.rng, self.nearest.len() as u64) as usize];
            self.is_taken[unit] = true;
            round.push(unit);
        }
        Some(round)
    }

    fn find_nearest(&mut self, target: usize, neighbours: &[Neighbour], n_near: usize) {
        self.nearest.clear();
        let first = &mut self.first_free[target];
        *first += neighbours[*first..].iter().take_while(|near| self.is_taken[near.unit as usize]).count();
        let mut last_rank = 0;
        for near in neighbours[*first..].iter().filter(|near| !self.is_taken[near.unit as usize]) {
            if self.nearest.len() >= n_near && near.rank != last_rank {
                break;
            }
            last_rank = near.rank;
            self.nearest.push(near.unit as usize);
        }
    }
}

/// How far controls are from targets in one covariate, in standard deviations.
///
/// d = (mean of targets - mean of controls) / sqrt((variance of targets + variance of controls) / 2), variances with n - 1
///
/// Shapes: `values` [n_units], indexed by the other two.
/// Undefined: none for fewer than two targets or controls, where both are constant, or where a value of theirs is not finite.
/// Source: Austin 2009, Statistics in Medicine 28, 3083-3107: below 0.1 in absolute value is commonly taken for
/// balanced.
pub fn standardized_difference(values: &[f64], targets: &[usize], controls: &[usize]) -> Option<f64> {
    let [(of_targets, spread), (of_controls, other_spread)] = [moments(values, targets)?, moments(values, controls)?];
    let difference = (of_targets - of_controls) / f64::midpoint(spread, other_spread).sqrt();
    difference.is_finite().then_some(difference)
}

/// Mean and variance of a sample, the latter exactly 0 where it is constant; none of fewer than two values.
fn moments(values: &[f64], units: &[usize]) -> Option<(f64, f64)> {
    let n = units.len() as f64;
    let first = values[*units.first()?];
    let deviation = units.iter().map(|&unit| values[unit] - first).sum::<f64>() / n;
    let squares = units.iter().map(|&unit| (values[unit] - first - deviation).powi(2)).sum::<f64>();
    (units.len() >= 2).then(|| (first + deviation, squares / (n - 1.0)))
}
