#![expect(clippy::unwrap_used, reason = "tests")]

use homolog_test::{Seeded, Tol, assert_close, check_close};
use proptest::prelude::*;

use super::*;
use crate::survival::{Life, kaplan_meier};

const NEVER: f64 = f64::INFINITY;
/// A log-likelihood within 1e-8 a life of its maximum leaves masses within about its root.
const TOL: Tol = Tol { abs: 1e-4, rel: 0.0 };

fn lives(ends: &[(f64, f64)]) -> Vec<LifeInterval> {
    ends.iter().map(|&(low, high)| LifeInterval { low, high }).collect()
}

fn masses_of(steps: &[TurnbullStep]) -> Vec<f64> {
    steps.iter().map(|step| step.mass).collect()
}

fn ends_of(steps: &[TurnbullStep]) -> Vec<(f64, f64)> {
    steps.iter().map(|step| (step.from, step.to)).collect()
}

#[test]
fn agrees_with_lifelines_on_intervals() {
    // lifelines 0.30.3, fitters.npmle.npmle(tol=1e-14).
    let sample = lives(&[
        (0.0, 3.2),
        (1.0, 2.0),
        (2.5, 5.0),
        (4.0, 7.5),
        (4.5, NEVER),
        (0.5, 4.2),
        (3.0, 6.5),
        (6.0, 9.0),
        (7.0, NEVER),
        (2.2, 8.0),
        (8.5, 8.7),
        (5.5, 5.8),
        (1.5, 3.9),
        (3.5, NEVER),
    ]);
    let ends =
        [(1.5, 2.0), (3.0, 3.2), (3.5, 3.9), (4.0, 4.2), (4.5, 5.0), (5.5, 5.8), (6.0, 6.5), (7.0, 7.5), (8.5, 8.7)];
    let masses = [
        0.143_047_863_020_562_7,
        0.284_952_928_623_741_7,
        0.0,
        0.0,
        0.0,
        0.241_214_366_389_356_03,
        0.0,
        0.106_432_035_244_957_92,
        0.224_352_806_467_502_83,
    ];
    let steps = turnbull(&sample);
    assert_eq!(ends_of(&steps), ends);
    assert_close(&masses_of(&steps), &masses, TOL);
    let survival: Vec<f64> = (1..=9).map(|at| masses[at..].iter().sum()).collect();
    assert_close(&steps.iter().map(|step| step.survival).collect::<Vec<_>>(), &survival, TOL);
    // Mutant: a life fewer.
    assert!(check_close(&masses_of(&turnbull(&sample[1..])), &masses, TOL).is_err());
}

#[test]
fn agrees_with_lifelines_where_some_times_are_exact() {
    let sample = lives(&[
        (0.0, 1.5),
        (1.0, 2.5),
        (2.0, 2.0),
        (1.8, 6.0),
        (4.0, 4.0),
        (5.0, NEVER),
        (5.2, 9.0),
        (7.0, 7.0),
        (10.0, NEVER),
        (3.0, 4.5),
        (10.0, NEVER),
        (0.2, NEVER),
    ]);
    let steps = turnbull(&sample);
    assert_eq!(ends_of(&steps), [(1.0, 1.5), (2.0, 2.0), (4.0, 4.0), (5.2, 6.0), (7.0, 7.0), (10.0, NEVER)]);
    let want = [
        0.128_121_155_373_976_8,
        0.184_878_887_186_449_46,
        0.232_454_502_894_118_73,
        0.0,
        0.227_272_727_272_726_2,
        0.227_272_727_272_727_27,
    ];
    assert_close(&masses_of(&steps), &want, TOL);
    assert_eq!(steps.last().unwrap().survival, 0.0);
}

#[test]
fn intervals_are_open_where_they_begin_and_closed_where_they_end() {
    // Neighbours share no time, and an exact time at the border is of the earlier.
    assert_eq!(ends_of(&turnbull(&lives(&[(1.0, 2.0), (2.0, 3.0)]))), [(1.0, 2.0), (2.0, 3.0)]);
    let steps = turnbull(&lives(&[(1.0, 2.0), (2.0, 2.0), (2.0, 3.0), (-0.0, 0.0), (0.0, -0.0)]));
    assert_eq!(ends_of(&steps), [(0.0, 0.0), (2.0, 2.0), (2.0, 3.0)]);
    assert_close(&masses_of(&steps), &[0.4, 0.4, 0.2], Tol::abs(1e-9));
    assert_eq!(ends_of(&turnbull(&lives(&[(3.0, NEVER)]))), [(3.0, NEVER)]);
    assert_eq!(masses_of(&turnbull(&lives(&[(f64::NEG_INFINITY, 5.0), (1.0, 4.0)]))), [1.0]);
    assert!(turnbull(&[]).is_empty());
}

#[test]
fn of_exact_and_censored_times_it_is_kaplan_meier() {
    let mut seeded = Seeded::new(3);
    let sample: Vec<Life> =
        (0..60).map(|_| Life { time: (12.0 * seeded.uniform()).floor(), is_death: seeded.uniform() < 0.7 }).collect();
    let interval = |life: &Life| LifeInterval { low: life.time, high: if life.is_death { life.time } else { NEVER } };
    let steps = turnbull(&sample.iter().map(interval).collect::<Vec<_>>());
    let deaths: Vec<(f64, f64)> = kaplan_meier(&sample, 0.95)
        .iter()
        .filter(|step| step.n_deaths > 0)
        .map(|step| (step.time, step.survival))
        .collect();
    let exact = steps.iter().filter(|step| step.from == step.to);
    let got: Vec<(f64, f64)> = exact.map(|step| (step.to, step.survival)).collect();
    assert_eq!(got.iter().map(|step| step.0).collect::<Vec<_>>(), deaths.iter().map(|step| step.0).collect::<Vec<_>>());
    let survival = |steps: &[(f64, f64)]| steps.iter().map(|step| step.1).collect::<Vec<_>>();
    assert_close(&survival(&got), &survival(&deaths), TOL);
    // Mutant: who is last seen takes no part.
    let only_deaths: Vec<LifeInterval> = sample.iter().filter(|life| life.is_death).map(interval).collect();
    let without: Vec<f64> = turnbull(&only_deaths).iter().map(|step| step.survival).collect();
    assert!(check_close(&without, &survival(&deaths), TOL).is_err());
}

#[test]
#[should_panic(expected = "no later than")]
fn a_life_that_ends_before_it_begins_is_refused() {
    turnbull(&lives(&[(2.0, 1.0)]));
}

#[test]
#[should_panic(expected = "finite")]
fn a_life_that_begins_never_is_refused() {
    turnbull(&lives(&[(NEVER, NEVER)]));
}

fn log_likelihood(lives: &[LifeInterval], steps: &[TurnbullStep]) -> f64 {
    let is_within = |step: &&TurnbullStep, life: &LifeInterval| {
        let after =
            if life.low == life.high { step.from == step.to && step.from >= life.low } else { step.from >= life.low };
        let exact_at_low = step.from == step.to && step.from == life.low && life.low < life.high;
        after && !exact_at_low && step.to <= life.high
    };
    lives
        .iter()
        .map(|life| steps.iter().filter(|step| is_within(step, life)).map(|step| step.mass).sum::<f64>().ln())
        .sum()
}

proptest! {
    #[test]
    fn masses_sum_to_one_and_no_shift_between_two_is_likelier(rng_seed in any::<u64>(), n in 1_usize..40) {
        let mut seeded = Seeded::new(rng_seed);
        let mut one = || {
            let low = seeded.below(12) as f64;
            let high = match seeded.below(6) {
                0 => NEVER,
                length => low + length as f64 - 1.0,
            };
            LifeInterval { low, high }
        };
        let sample: Vec<LifeInterval> = (0..n).map(|_| one()).collect();
        let steps = turnbull(&sample);
        prop_assert!((masses_of(&steps).iter().sum::<f64>() - 1.0).abs() < 1e-9);
        prop_assert!(steps.windows(2).all(|pair| pair[0].to <= pair[1].from));
        let best = log_likelihood(&sample, &steps);
        prop_assert!(best.is_finite());
        for from in 0..steps.len() {
            for to in 0..steps.len() {
                let mut moved = steps.clone();
                let mass = 0.1 * moved[from].mass;
                moved[from].mass -= mass;
                moved[to].mass += mass;
                prop_assert!(log_likelihood(&sample, &moved) <= best + 2e-8 * n as f64);
            }
        }
    }
}

#[test]
#[ignore = "slow tier: cargo xtask slow"]
#[expect(clippy::print_stdout, reason = "docs/method.md quotes it")]
fn survival_is_recovered_from_looks() {
    // 1,000 exponential lives of mean 1, looked at every 0.25 from a random time on, until 2: survival at 1 in 20 worlds, of
    // which a fifth is a standard error.
    let survival_at_one = |at: u64| {
        let mut seeded = Seeded::new(at);
        let mut one = || {
            let (death, first) = (-(1.0 - seeded.uniform()).ln(), 0.25 * seeded.uniform());
            let n_looks = ((death - first) / 0.25).ceil().max(0.0);
            let high = first + 0.25 * n_looks;
            LifeInterval { low: (high - 0.25).clamp(0.0, 2.0), high: if high > 2.0 { NEVER } else { high } }
        };
        let steps = turnbull(&(0..1000).map(|_| one()).collect::<Vec<_>>());
        steps.iter().rfind(|step| step.to <= 1.0).unwrap().survival
    };
    let got: Vec<f64> = (0..20).map(survival_at_one).collect();
    let mean = got.iter().sum::<f64>() / 20.0;
    let deviation = (got.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 19.0).sqrt();
    println!("survival {mean} of {}, standard deviation {deviation}", (-1.0_f64).exp());
    assert!((mean - (-1.0_f64).exp()).abs() < 0.02);
}
