#![expect(clippy::unwrap_used, reason = "tests")]

use homolog_test::{Seeded, Tol, assert_close, check_close};
use statrs::distribution::{ContinuousCDF, Normal};

use super::*;
use crate::{benjamini_hochberg, benjamini_yekutieli, haar_rotation};

/// The largest of n Gaussians by the inverse of its distribution function.
fn maximum_of(n: f64, seeded: &mut Seeded) -> f64 {
    let above = -(1.0 - seeded.uniform()).ln() / n;
    -Normal::new(0.0, 1.0).unwrap().inverse_cdf(-(-above).exp_m1())
}

/// Draws [n_draws + 1][n] of maxima over 36,864 neurons, of neurons that differ in how much of them can be expressed.
fn null_world(rng_seed: u64, n: usize, n_draws: usize, spread: f64) -> Vec<Vec<f64>> {
    let mut seeded = Seeded::new(rng_seed);
    let scales: Vec<f64> = (0..n).map(|_| 0.05 * (spread * seeded.gaussian()).exp()).collect();
    (0..=n_draws).map(|_| scales.iter().map(|scale| scale * maximum_of(36_864.0, &mut seeded)).collect()).collect()
}

/// p-values of the last draw against the others.
fn p_of_last(mut draws: Vec<Vec<f64>>) -> Vec<f64> {
    let observed = draws.pop().unwrap();
    let null = PooledNull::new(&draws);
    assert!(null.is_pooled(), "{:?}", null.ks());
    observed.iter().enumerate().map(|(i, &x)| null.p(i, x).unwrap().p).collect()
}

fn share_at_most(p: &[f64], level: f64) -> f64 {
    p.iter().filter(|&&p| p <= level).count() as f64 / p.len() as f64
}

#[test]
fn an_empirical_p_counts_itself_and_what_is_as_large() {
    let null = [0.1, 0.2, 0.2, 0.4];
    assert_eq!([0.05, 0.2, 0.3, 0.4, 0.5].map(|x| empirical_p(x, &null)), [1.0, 0.8, 0.4, 0.4, 0.2]);
    assert_eq!(empirical_p(0.3, &[]), 1.0);
    assert!(empirical_p(f64::NAN, &null).is_nan());
}

#[test]
fn ratios_and_p_of_a_known_case() {
    // Neuron 1 is twice neuron 0; neuron 2 is undefined in a draw, neuron 3 is not positive in one.
    let null =
        [vec![1.0, 2.0, 1.0, 0.1], vec![2.0, 4.0, f64::NAN, 0.2], vec![3.0, 6.0, 1.0, -0.1], vec![2.0, 4.0, 1.0, 0.1]];
    let got = PooledNull::new(&null);
    assert_eq!((got.n_draws(), got.n_pooled(), got.is_pooled(), got.tail()), (4, 8, true, None));
    assert_eq!([0, 1, 2, 3].map(|i| got.location(i)), [Some(2.0), Some(4.0), None, None]);
    assert_close(&got.ratios, &[3.0 / 7.0, 3.0 / 7.0, 1.0, 1.0, 1.0, 1.0, 1.8, 1.8], Tol::abs(1e-15));
    let p = |neuron, observed| got.p(neuron, observed).map(|p| (p.p, p.is_fitted));
    assert_eq!([p(0, 3.7), p(1, 7.1)], [Some((1.0 / 9.0, false)), Some((3.0 / 9.0, false))]);
    assert_eq!([p(0, 0.5), p(0, 2.0)], [Some((1.0, false)), Some((7.0 / 9.0, false))]);
    assert_eq!([p(2, 5.0), p(3, 5.0), p(0, f64::NAN)], [None; 3]);
}

#[test]
fn too_few_draws_say_nothing() {
    let mut draws = null_world(1, 10, MIN_DRAWS - 1, 0.4);
    assert!(PooledNull::new(&draws).p(0, 0.3).is_some());
    draws.pop();
    let null = PooledNull::new(&draws);
    assert_eq!((null.p(0, 0.3), null.location(0), null.n_pooled(), null.ks()), (None, None, 0, None));
    let null = PooledNull::new(&[]);
    assert_eq!((null.n_draws(), null.n_pooled(), null.ks(), null.tail()), (0, 0, None, None));
}

#[test]
fn p_is_uniform_and_a_little_conservative_where_it_is_small() {
    for (n_draws, spread) in [(4, 0.4), (5, 0.4), (5, 0.0), (20, 0.4)] {
        let p: Vec<f64> = (0..20).flat_map(|world| p_of_last(null_world(world, 1000, n_draws, spread))).collect();
        let uniform: Vec<f64> = (0..p.len()).map(|at| (at as f64 + 0.5) / p.len() as f64).collect();
        // 20,000 values: 0.0136 at the 5 % level with p alone random; half of it again for the pools.
        let distance = KolmogorovSmirnov::new(&p, &uniform).unwrap().statistic;
        assert!(distance < 0.02, "{distance} at {n_draws} draws");
        // Four standard errors of 0.0007 and 0.0021 above; how far below, is said of 4 draws.
        for (level, above) in [(0.01, 0.003), (0.1, 0.008)] {
            let share = share_at_most(&p, level);
            assert!(share < level + above && share > 0.8 * level, "{share} at most {level} with {n_draws} draws");
        }
    }
    // Mutant: raw maxima of neurons that differ are no null for each other.
    let mut draws = null_world(1, 1000, 5, 0.4);
    let observed = draws.pop().unwrap();
    let mut all = draws.concat();
    all.sort_unstable_by(f64::total_cmp);
    let high =
        observed.iter().zip(&draws[0]).filter(|&(_, &x)| x > all[all.len() / 2]).map(|(&x, _)| empirical_p(x, &all));
    assert!(share_at_most(&high.collect::<Vec<_>>(), 0.1) > 0.15);
}

#[test]
fn the_scale_of_a_neuron_does_not_matter() {
    let draws = null_world(3, 200, 5, 0.4);
    let rescaled: Vec<Vec<f64>> =
        draws.iter().map(|draw| draw.iter().enumerate().map(|(i, x)| x * (1.0 + i as f64 / 50.0)).collect()).collect();
    let (got, want) = (p_of_last(rescaled), p_of_last(draws));
    // Equal up to ratios that rounding swaps.
    assert!(check_close(&got, &want, Tol::abs(2.5 / 1000.0)).is_ok());
}

#[test]
fn equal_neurons_are_pooled_and_neurons_of_another_law_are_not() {
    for (n_draws, spread) in [(4, 0.0), (5, 0.0), (5, 0.4)] {
        let null = PooledNull::new(&null_world(4, 2000, n_draws, spread)[1..]);
        let distance = null.ks().unwrap().statistic;
        assert!(null.is_pooled() && distance < 0.04, "{distance}");
    }
    // Neurons of the upper half have maxima over 4, of the lower half over 36,864: they spread differently about their location.
    let mut seeded = Seeded::new(5);
    let law = |i: usize| if i < 1000 { (36_864.0, 0.05) } else { (4.0, 0.5) };
    let mut draw = || (0..2000).map(|i| law(i).1 * maximum_of(law(i).0, &mut seeded)).collect::<Vec<f64>>();
    let draws: Vec<Vec<f64>> = (0..8).map(|_| draw().into_iter().map(|x| x.max(0.01)).collect()).collect();
    let null = PooledNull::new(&draws);
    assert!(!null.is_pooled() && null.tail().is_none() && null.ks().unwrap().statistic > 0.1, "{:?}", null.ks());
    // Then only its own draws count.
    let own: Vec<f64> = draws.iter().map(|draw| draw[7]).collect();
    let above = own.iter().copied().fold(0.0, f64::max) + 1.0;
    assert_eq!(null.p(7, above), Some(PValue { p: 1.0 / 9.0, is_fitted: false }));
    assert_eq!(null.p(7, own[3]).unwrap().p, (1 + own.iter().filter(|&&x| x >= own[3]).count()) as f64 / 9.0);
    // So few neurons cannot show a difference.
    let few: Vec<Vec<f64>> = draws.iter().map(|draw| draw[996..1004].to_vec()).collect();
    assert!(PooledNull::new(&few).is_pooled());
}

#[test]
fn beyond_the_pool_p_is_fitted_and_falls_on() {
    let draws = null_world(6, 1000, 5, 0.4);
    let null = PooledNull::new(&draws[..5]);
    let largest = *null.ratios.last().unwrap();
    let location = null.location(0).unwrap();
    let p = |ratio: f64| null.p(0, ratio * location).unwrap();
    assert!(!p(largest * 0.999).is_fitted);
    let mut before = p(0.9);
    for step in 1..400 {
        let now = p(0.9 + 0.005 * f64::from(step));
        assert!(now.p <= before.p && now.p > 0.0 && (now.is_fitted || now.p >= 1.0 / 5001.0));
        before = now;
    }
    assert!(before.is_fitted && before.p < 1e-9, "{before:?}");
    assert!(p(1e6).p > 0.0, "never 0");
    // Ratios to a location of about 4.2 whose scale is 0.24: exp(-1) each 0.057.
    let tail = null.tail().unwrap();
    assert!((0.03..0.09).contains(&tail.scale) && tail.shape < 0.25, "{tail:?}");
}

/// Maxima [n_draws + 1][n] over one layer of 128 neurons in another random rotation each; the n neurons are mixtures of a
/// few directions, so that their maxima depend as those of alike neurons do. Every fifth neuron's last maximum is that of a
/// partner of correlation `planted`, if there is one.
fn rotated_world(rng_seed: u64, n: usize, n_draws: usize, planted: Option<f64>) -> Vec<Vec<f64>> {
    const WIDTH: usize = 128;
    let mut seeded = Seeded::new(rng_seed);
    let directions: Vec<f64> = (0..40 * WIDTH).map(|_| seeded.gaussian()).collect();
    let mut neuron = || {
        let mut values = vec![0.0; WIDTH];
        for direction in directions.chunks_exact(WIDTH) {
            let weight = seeded.gaussian().powi(3);
            values.iter_mut().zip(direction).for_each(|(value, x)| *value += weight * x);
        }
        let norm = values.iter().map(|x| x * x).sum::<f64>().sqrt() / (0.2 + 0.6 * seeded.uniform());
        values.into_iter().map(|x| x / norm).collect::<Vec<f64>>()
    };
    let neurons: Vec<Vec<f64>> = (0..n).map(|_| neuron()).collect();
    let mut draw = |at: usize| {
        let rotation = haar_rotation(WIDTH, 1000 * rng_seed + at as u64);
        let maximum = |neuron: &Vec<f64>| {
            let corr = |row: &[f64]| row.iter().zip(neuron).map(|(x, y)| x * y).sum::<f64>();
            rotation.chunks_exact(WIDTH).map(corr).fold(f64::NEG_INFINITY, f64::max)
        };
        neurons.iter().map(maximum).collect::<Vec<f64>>()
    };
    let mut draws: Vec<Vec<f64>> = (0..=n_draws).map(&mut draw).collect();
    if let Some(planted) = planted {
        draws[n_draws].iter_mut().step_by(5).for_each(|x| *x = x.max(planted));
    }
    draws
}

/// False share and power at q <= 0.1, means over worlds, and the standard error of the first.
fn discoveries(n_worlds: u64, planted: f64, q_values: fn(&[Option<f64>]) -> Vec<Option<f64>>) -> (f64, f64, f64) {
    let mut power = 0.0;
    let mut of_world = |world: u64| {
        let n = 200;
        let p: Vec<Option<f64>> = p_of_last(rotated_world(world, n, 5, Some(planted))).into_iter().map(Some).collect();
        let q = q_values(&p);
        let (mut n_true, mut n_false) = (0, 0);
        for at in (0..n).filter(|&at| q[at].is_some_and(|q| q <= 0.1)) {
            *(if at % 5 == 0 { &mut n_true } else { &mut n_false }) += 1;
        }
        power += f64::from(n_true) / (n / 5) as f64 / n_worlds as f64;
        f64::from(n_false) / f64::from((n_true + n_false).max(1))
    };
    let shares: Vec<f64> = (0..n_worlds).map(&mut of_world).collect();
    let mean = shares.iter().sum::<f64>() / n_worlds as f64;
    let var = shares.iter().map(|share| (share - mean).powi(2)).sum::<f64>() / (n_worlds - 1) as f64;
    (mean, (var / n_worlds as f64).sqrt(), power)
}

#[test]
fn p_is_uniform_against_real_rotations() {
    let p: Vec<f64> = (0..10).flat_map(|world| p_of_last(rotated_world(world, 200, 5, None))).collect();
    let uniform: Vec<f64> = (0..p.len()).map(|at| (at as f64 + 0.5) / p.len() as f64).collect();
    // 0.03 at the 5 % level of 2,000 values; alike neurons share their luck.
    let distance = KolmogorovSmirnov::new(&p, &uniform).unwrap().statistic;
    assert!(distance < 0.06, "{distance}");
    assert!((share_at_most(&p, 0.1) - 0.1).abs() < 0.04);
}

#[test]
#[ignore = "slow tier: cargo xtask slow"]
#[expect(clippy::print_stdout, reason = "what was found is worth reading")]
fn p_is_uniform_and_discoveries_are_true_over_many_worlds_of_rotations() {
    for n_draws in [4, 5, 10] {
        let p: Vec<f64> = (0..200).flat_map(|world| p_of_last(rotated_world(world, 200, n_draws, None))).collect();
        let uniform: Vec<f64> = (0..p.len()).map(|at| (at as f64 + 0.5) / p.len() as f64).collect();
        let distance = KolmogorovSmirnov::new(&p, &uniform).unwrap().statistic;
        let shares = [0.001, 0.01, 0.1, 0.5].map(|level| share_at_most(&p, level));
        println!("{n_draws} draws: distance {distance:.4} from uniform; at most 0.001, 0.01, 0.1, 0.5: {shares:?}");
        assert!(distance < 0.02 && shares[1] < 0.013 && shares[0] < 0.002, "{distance}, {shares:?}");
    }
    for planted in [0.2, 0.3, 0.5] {
        let (bh, se, power) = discoveries(200, planted, benjamini_hochberg);
        println!("partners of {planted}: Benjamini-Hochberg {bh:.4} -+ {se:.4} false, {power:.3} found");
        // Measured: 0.68, 1.00 and 1.00; Benjamini-Yekutieli 0.52, 0.97 and 1.00, with at most 0.010 false.
        assert!(bh < 0.1 + 2.0 * se && power > if planted > 0.25 { 0.95 } else { 0.6 }, "{bh}, {power}");
        let (by, se, power) = discoveries(200, planted, benjamini_yekutieli);
        println!("partners of {planted}: Benjamini-Yekutieli {by:.4} -+ {se:.4} false, {power:.3} found");
        assert!(by < 0.02 + 2.0 * se && power > if planted > 0.25 { 0.9 } else { 0.45 }, "{by}, {power}");
    }
}
