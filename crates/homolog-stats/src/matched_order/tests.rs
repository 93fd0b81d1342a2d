#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use homolog_test::{Seeded, Tol, assert_close, check_close};

use super::*;
use crate::sampling::RandomOrder;

/// Units at random places of two covariates, in three strata; every twentieth a target.
fn world(n_units: usize, rng_seed: u64) -> (Vec<usize>, Covariates) {
    let mut seeded = Seeded::new(rng_seed);
    let values = vec![
        (0..n_units).map(|_| seeded.gaussian()).collect(),
        (0..n_units).map(|_| 100.0 * seeded.uniform()).collect(),
    ];
    let stratum = (0..n_units).map(|unit| unit % 3).collect();
    ((0..n_units).step_by(20).collect(), Covariates { values, stratum })
}

fn sd_in_stratum(covariates: &Covariates, c: usize, stratum: usize) -> f64 {
    let units = (0..covariates.stratum.len()).filter(|&unit| covariates.stratum[unit] == stratum);
    let values: Vec<f64> = units.map(|unit| covariates.values[c][unit]).collect();
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (values.len() - 1) as f64).sqrt()
}

#[test]
fn controls_of_one_near_are_the_nearest_of_the_stratum() {
    let (_, covariates) = world(300, 1);
    for target in 0..60 {
        let neighbours = MatchedNeighbours::new(&[target], &covariates);
        let stratum = covariates.stratum[target];
        let spread: Vec<f64> = (0..2).map(|c| sd_in_stratum(&covariates, c, stratum)).collect();
        let distance = |unit: usize| {
            let part = |c: usize| (covariates.values[c][unit] - covariates.values[c][target]) / spread[c];
            part(0).hypot(part(1))
        };
        let mut others: Vec<usize> =
            (0..300).filter(|&unit| unit != target && covariates.stratum[unit] == stratum).collect();
        others.sort_by(|&x, &y| distance(x).total_cmp(&distance(y)));
        for multiple in [1, 3, 99] {
            let mut want = others[..multiple].to_vec();
            want.sort_unstable();
            assert_eq!(MatchedOrder::new(&neighbours, 1, [5; 4]).take(multiple), Some(want), "target {target}");
        }
        assert_eq!(MatchedOrder::new(&neighbours, 1, [5; 4]).take(100), None);
        // Mutant: distances on the scale of the covariates, where the second is all that counts.
        let raw = |unit: usize| (covariates.values[1][unit] - covariates.values[1][target]).abs();
        let by_raw = others.iter().copied().min_by(|&x, &y| raw(x).total_cmp(&raw(y)));
        assert!(target != 0 || by_raw != Some(others[0]));
    }
}

#[test]
fn controls_are_no_targets_nor_taken_twice_and_as_many_of_every_stratum() {
    let (targets, covariates) = world(600, 2);
    let neighbours = MatchedNeighbours::new(&targets, &covariates);
    let order = MatchedOrder::new(&neighbours, 5, [1, 2, 3, 4]);
    let in_stratum = |units: &[usize], s: usize| units.iter().filter(|&&unit| covariates.stratum[unit] == s).count();
    let mut before = BTreeSet::new();
    // 30 targets, ten a stratum, of 200 units each: 19 rounds.
    for multiple in 0..=19 {
        let controls = order.take(multiple).unwrap();
        assert!(controls.len() == 30 * multiple && controls.is_sorted_by(|a, b| a < b));
        assert!(controls.iter().all(|unit| targets.binary_search(unit).is_err()));
        (0..3).for_each(|s| assert_eq!(in_stratum(&controls, s), 10 * multiple));
        let controls: BTreeSet<usize> = controls.into_iter().collect();
        assert!(controls.is_superset(&before));
        before = controls;
    }
    assert_eq!(order.take(20), None);
    assert_eq!(order, MatchedOrder::new(&neighbours, 5, [1, 2, 3, 4]));
    for key in [[0, 2, 3, 4], [1, 0, 3, 4], [1, 2, 0, 4], [1, 2, 3, 0]] {
        assert_ne!(order, MatchedOrder::new(&neighbours, 5, key));
    }
}

#[test]
fn each_of_the_nearest_is_equally_likely_and_no_other_comes() {
    let covariates = Covariates { values: vec![(0..10).map(f64::from).collect()], stratum: vec![0; 10] };
    let neighbours = MatchedNeighbours::new(&[0], &covariates);
    let counts = |n_near: usize| {
        let mut counts = [0; 10];
        (0..4000)
            .for_each(|draw| counts[MatchedOrder::new(&neighbours, n_near, [draw, 0, 0, 0]).take(1).unwrap()[0]] += 1);
        counts
    };
    // Five standard deviations of sqrt(4000 / 4 * 3 / 4).
    let got = counts(4);
    assert!(got[1..5].iter().all(|&count: &i32| (count - 1000).abs() < 137), "{got:?}");
    assert_eq!(got[5..].iter().sum::<i32>() + got[0], 0);
    assert!((counts(3)[1] - 1000).abs() > 137);
}

#[test]
fn what_is_equally_far_is_equally_likely() {
    // Nine at one distance; and no covariates, or constant ones: a uniform sample of the stratum.
    let far = |unit: usize| if unit == 0 { 0.0 } else { 1.0 };
    for values in [vec![(0..10).map(far).collect()], vec![], vec![vec![0.1; 10], vec![-3.0; 10]]] {
        let neighbours = MatchedNeighbours::new(&[0], &Covariates { values, stratum: vec![0; 10] });
        let mut counts = [0_i32; 10];
        for draw in 0..9000 {
            counts[MatchedOrder::new(&neighbours, 2, [draw, 1, 0, 0]).take(1).unwrap()[0]] += 1;
        }
        assert!(counts[0] == 0 && counts[1..].iter().all(|count| (count - 1000).abs() < 150), "{counts:?}");
    }
}

#[test]
fn what_is_not_finite_is_nobody_s_control_and_has_none() {
    let mut values: Vec<f64> = (0..8).map(f64::from).collect();
    (values[1], values[2]) = (f64::NAN, f64::NEG_INFINITY);
    // 7 is alone in its stratum.
    let covariates = Covariates { values: vec![vec![0.0; 8], values], stratum: vec![0, 0, 0, 0, 0, 0, 0, 4] };
    let of = |targets: &[usize]| MatchedNeighbours::new(targets, &covariates);
    let order = MatchedOrder::new(&of(&[0]), 1, [0; 4]);
    assert_eq!((order.take(4), order.take(5)), (Some(vec![3, 4, 5, 6]), None));
    assert!(of(&[0]).alone().is_empty());
    assert_eq!(of(&[0, 1, 7]).alone(), [1, 7]);
    let order = MatchedOrder::new(&of(&[0, 1]), 1, [0; 4]);
    assert_eq!((order.take(0), order.take(1)), (Some(vec![]), None));
    let nothing = MatchedOrder::new(&of(&[]), 1, [0; 4]);
    assert_eq!((nothing.take(0), nothing.take(10)), (Some(vec![]), Some(vec![])));
    assert!(of(&[0, 3, 4, 5, 6]).alone() == [0, 3, 4, 5, 6]);
}

#[test]
#[should_panic(expected = "targets ascend")]
fn a_target_twice_is_refused() {
    MatchedNeighbours::new(&[3, 3], &world(20, 0).1);
}

#[test]
#[should_panic(expected = "value a unit")]
fn covariates_of_other_units_are_refused() {
    MatchedNeighbours::new(&[3], &Covariates { values: vec![vec![0.0; 3]], stratum: vec![0; 4] });
}

/// Units whose effect grows with a covariate, which targets are likely to have much of; targets' effects are twice what they
/// would be.
struct Misleading {
    targets: Vec<usize>,
    covariates: Covariates,
    effect: Vec<f64>,
}

impl Misleading {
    fn new(n_units: usize, rng_seed: u64) -> Self {
        let mut seeded = Seeded::new(rng_seed);
        let (mut targets, mut effect, mut size, mut other) = (vec![], vec![], vec![], vec![]);
        let stratum: Vec<usize> = (0..n_units).map(|unit| unit * 4 / n_units).collect();
        for unit in 0..n_units {
            let x = seeded.gaussian();
            let is_target = seeded.uniform() < 0.1 / (1.0 + (1.5 - 2.0 * x).exp());
            if is_target {
                targets.push(unit);
            }
            let by_stratum = (1 + stratum[unit]) as f64;
            effect.push(by_stratum * (x + 0.2 * seeded.gaussian()).exp() * if is_target { 2.0 } else { 1.0 });
            size.push(x);
            other.push(seeded.gaussian());
        }
        Self { targets, covariates: Covariates { values: vec![size, other], stratum }, effect }
    }

    fn ratio(&self, controls: &[usize]) -> f64 {
        let mean = |units: &[usize]| units.iter().map(|&unit| self.effect[unit]).sum::<f64>() / units.len() as f64;
        mean(&self.targets) / mean(controls)
    }

    fn uniform(&self, multiple: usize, draw: usize) -> Vec<usize> {
        let others = (0..self.effect.len()).filter(|unit| self.targets.binary_search(unit).is_err()).collect();
        RandomOrder::new(others, 3, 0, 0, draw).take(multiple * self.targets.len()).unwrap()
    }
}

#[test]
fn matched_controls_recover_a_ratio_that_uniform_ones_miss() {
    let world = Misleading::new(8000, 4);
    let neighbours = MatchedNeighbours::new(&world.targets, &world.covariates);
    let n_draws = 20;
    let mean = |of_draw: &dyn Fn(usize) -> f64| (0..n_draws).map(of_draw).sum::<f64>() / n_draws as f64;
    let matched = |draw: usize| MatchedOrder::new(&neighbours, 5, [draw as u64, 0, 0, 0]).take(3).unwrap();
    let (recovered, missed) =
        (mean(&|draw| world.ratio(&matched(draw))), mean(&|draw| world.ratio(&world.uniform(3, draw))));
    // About 260 targets, whose own scatter is 6 % of the ratio.
    assert!((recovered - 2.0).abs() < 0.2, "{recovered} by matched, {missed} by uniform controls");
    assert!(missed > 3.5, "{missed}");
    let size = &world.covariates.values[0];
    let balance = |controls: &[usize]| standardized_difference(size, &world.targets, controls).unwrap();
    assert!(balance(&matched(0)).abs() < 0.1, "{}", balance(&matched(0)));
    assert!(balance(&world.uniform(3, 0)) > 0.8);
}

#[test]
#[ignore = "slow tier: cargo xtask slow"]
#[expect(clippy::print_stdout, reason = "docs/method.md quotes it")]
fn balance_and_ratio_by_number_of_controls() {
    let n_worlds = 20;
    for (n_near, multiple) in [(1, 1), (5, 1), (20, 1), (5, 5), (5, 10), (20, 10)] {
        let (mut ratio, mut balance, mut uniform) = (0.0, 0.0, 0.0);
        for rng_seed in 0..n_worlds {
            let world = Misleading::new(8000, 100 + rng_seed);
            let neighbours = MatchedNeighbours::new(&world.targets, &world.covariates);
            let controls = MatchedOrder::new(&neighbours, n_near, [rng_seed, 0, 0, 0]).take(multiple).unwrap();
            ratio += world.ratio(&controls) / n_worlds as f64;
            let size = &world.covariates.values[0];
            balance += standardized_difference(size, &world.targets, &controls).unwrap() / n_worlds as f64;
            uniform += world.ratio(&world.uniform(multiple, 0)) / n_worlds as f64;
        }
        println!("{multiple} of the {n_near} nearest a target: ratio {ratio}, difference {balance}; uniform {uniform}");
        // About 5,000 targets in all, whose own scatter is 1.5 % of the ratio; the rest is what distance leaves.
        let within = if n_near * multiple <= 5 { 0.15 } else { 0.35 };
        assert!((ratio - 2.0).abs() < within && uniform > 3.5, "{ratio}, {uniform}");
    }
}

#[test]
#[ignore = "slow tier: cargo xtask slow"]
#[expect(clippy::print_stdout, reason = "what it costs is worth reading")]
fn a_study_s_neurons_are_matched_in_no_time() {
    let mut seeded = Seeded::new(8);
    let n_units = 36_864;
    let values = (0..4).map(|_| (0..n_units).map(|_| seeded.gaussian()).collect()).collect();
    let covariates = Covariates { values, stratum: (0..n_units).map(|unit| unit / 3072).collect() };
    let targets: Vec<usize> = (0..1500).map(|at| at * n_units / 1500).collect();
    let start = std::time::Instant::now();
    let neighbours = MatchedNeighbours::new(&targets, &covariates);
    let sorted = start.elapsed();
    let start = std::time::Instant::now();
    let order = MatchedOrder::new(&neighbours, 10, [0; 4]);
    println!("1,500 targets of 36,864 units: {sorted:?} to sort, {:?} a draw of all rounds", start.elapsed());
    assert_eq!(order.take(10).unwrap().len(), 15_000);
}

#[test]
fn a_difference_is_in_standard_deviations() {
    let values = [1.0, 3.0, 5.0, 7.0, 2.0, 4.0, 0.1, 0.1, 0.1, 0.1, f64::NAN];
    // Means 4 and 3, variances 20/3 and 2.
    let got = standardized_difference(&values, &[0, 1, 2, 3], &[4, 5]).unwrap();
    assert_close(&[got], &[1.0 / (13.0_f64 / 3.0).sqrt()], Tol::abs(1e-14));
    // Mutant: the targets' variance only.
    assert!(check_close(&[got], &[1.0 / (20.0_f64 / 3.0).sqrt()], Tol::abs(1e-14)).is_err());
    assert_eq!(standardized_difference(&values, &[4, 5], &[0, 1, 2, 3]), Some(-got));
    assert_eq!(standardized_difference(&values, &[0, 1], &[4]), None);
    assert_eq!(standardized_difference(&values, &[], &[4, 5]), None);
    assert_eq!(standardized_difference(&values, &[6, 7], &[8, 9]), None, "constants");
    assert_eq!(standardized_difference(&values, &[0, 10], &[4, 5]), None, "NaN");
}
