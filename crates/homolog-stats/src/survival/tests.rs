#![expect(clippy::unwrap_used, reason = "tests")]

use homolog_test::{Seeded, Tol, assert_close, check_close};

use super::*;

/// Normal and chi-squared distributions of two libraries.
const TOL: Tol = Tol { abs: 0.0, rel: 1e-9 };

fn life(time: f64, is_death: u8) -> Life {
    Life { time, is_death: is_death == 1 }
}

fn lives(times: &[f64], is_death: &[u8]) -> Vec<Life> {
    times.iter().zip(is_death).map(|(&time, &is_death)| life(time, is_death)).collect()
}

/// Deaths and losses at the same times.
fn sample() -> Vec<Life> {
    lives(
        &[2.0, 3.0, 3.0, 3.0, 4.0, 5.0, 5.0, 6.0, 6.0, 6.0, 6.0, 8.0, 9.0, 9.0, 10.0, 12.0],
        &[1, 1, 1, 0, 0, 1, 1, 1, 0, 0, 1, 1, 0, 1, 1, 0],
    )
}

/// In groups 0, 1, 2, 0, 1, 2 and so on.
fn dealt(lives: &[Life], n_groups: usize) -> Vec<Vec<Life>> {
    (0..n_groups).map(|group| lives.iter().skip(group).step_by(n_groups).copied().collect()).collect()
}

#[test]
fn survival_agrees_with_lifelines() {
    // lifelines 0.30.3, KaplanMeierFitter().fit(alpha=0.05): time, at risk, deaths, censored; survival and its interval.
    let counts = [
        (2.0, [16, 1, 0]),
        (3.0, [15, 2, 1]),
        (4.0, [12, 0, 1]),
        (5.0, [11, 2, 0]),
        (6.0, [9, 2, 2]),
        (8.0, [5, 1, 0]),
        (9.0, [4, 1, 1]),
        (10.0, [2, 1, 0]),
        (12.0, [1, 0, 1]),
    ];
    let want = [
        [0.937_5, 0.632_345_441_738_903_1, 0.990_953_141_744_666_6],
        [0.812_5, 0.524_604_310_826_649_4, 0.935_352_257_965_829_7],
        [0.812_5, 0.524_604_310_826_649_4, 0.935_352_257_965_829_7],
        [0.664_772_727_272_727_4, 0.368_805_972_993_316_5, 0.846_083_246_233_901],
        [0.517_045_454_545_454_5, 0.242_142_816_202_021_66, 0.735_801_769_089_464_7],
        [0.413_636_363_636_363_64, 0.152_179_182_771_264_94, 0.661_056_070_848_234_6],
        [0.310_227_272_727_272_74, 0.084_273_237_069_559_97, 0.574_756_118_751_260_3],
        [0.155_113_636_363_636_4, 0.011_200_811_138_094_645, 0.461_538_005_651_367_9],
        [0.155_113_636_363_636_4, 0.011_200_811_138_094_645, 0.461_538_005_651_367_9],
    ];
    let mut shuffled = sample();
    shuffled.reverse();
    shuffled.swap(2, 9);
    let steps = kaplan_meier(&shuffled, 0.95);
    assert_eq!(steps, kaplan_meier(&sample(), 0.95), "whatever the order");
    assert_eq!(steps.len(), counts.len());
    for ((step, (time, counts)), want) in steps.iter().zip(counts).zip(want) {
        assert_eq!((step.time, [step.n_at_risk, step.n_deaths, step.n_censored]), (time, counts));
        assert_close(&[step.survival, step.low.unwrap(), step.high.unwrap()], &want, TOL);
    }
    assert_eq!(median_survival(&steps), Some(8.0));
    let wider = kaplan_meier(&sample(), 0.8)[4];
    assert_close(&[wider.low.unwrap(), wider.high.unwrap()], &[0.336_851_879_107_951_3, 0.670_406_496_373_131_7], TOL);
    // Mutant: who is last seen at a time, not at risk of its deaths.
    let earlier: Vec<Life> = sample()
        .iter()
        .map(|life| if life.is_death { *life } else { Life { time: life.time - 0.5, ..*life } })
        .collect();
    assert!(check_close(&[kaplan_meier(&earlier, 0.95).last().unwrap().survival], &[want[8][0]], TOL).is_err());
}

#[test]
fn without_losses_survival_is_a_share() {
    let ten: Vec<Life> = (1..=10).map(|time| life(f64::from(time), 1)).collect();
    let steps = kaplan_meier(&ten, 0.95);
    let survival: Vec<f64> = steps.iter().map(|step| step.survival).collect();
    assert_close(&survival, &(1..=10).map(|k| f64::from(10 - k) / 10.0).collect::<Vec<_>>(), Tol::abs(1e-15));
    // A product that is one half up to rounding.
    assert_eq!(median_survival(&steps), Some(5.0));
    assert_eq!((steps[9].survival, steps[9].low, steps[9].high), (0.0, None, None));
}

#[test]
fn nothing_dies_or_nothing_lives() {
    assert!(kaplan_meier(&[], 0.95).is_empty());
    let alive = kaplan_meier(&lives(&[1.0, 2.0], &[0, 0]), 0.95);
    assert!(
        alive.len() == 2 && alive.iter().all(|step| step.survival == 1.0 && step.low.is_none() && step.high.is_none())
    );
    assert_eq!((median_survival(&alive), median_survival(&[])), (None, None));
    let dead = kaplan_meier(&lives(&[1.0, 1.0], &[1, 1]), 0.95);
    assert_eq!((dead[0].survival, median_survival(&dead)), (0.0, Some(1.0)));
}

#[test]
#[should_panic(expected = "finite")]
fn a_life_without_time_is_refused() {
    kaplan_meier(&[life(f64::NAN, 1)], 0.95);
}

#[test]
fn the_log_rank_test_agrees_with_lifelines() {
    // lifelines 0.30.3, multivariate_logrank_test.
    let got = |groups: &[Vec<Life>]| {
        log_rank(groups).map(|test| (test.chi_squared, test.degrees_of_freedom, test.p_value)).unwrap()
    };
    let check = |(chi_squared, degrees_of_freedom, p_value): (f64, usize, f64), want: [f64; 2], degrees| {
        assert_eq!(degrees_of_freedom, degrees);
        assert_close(&[chi_squared, p_value], &want, TOL);
    };
    let dealt = dealt(&sample(), 3);
    check(got(&dealt), [1.806_954_499_977_524_4, 0.405_158_370_520_570_13], 2);
    let a = lives(&[5.0, 3.0, 9.0, 8.0], &[1, 1, 1, 1]);
    let b = lives(&[7.0, 4.0, 4.0, 3.0, 2.0], &[1, 1, 0, 0, 1]);
    let c = lives(&[5.0, 6.0, 7.0], &[1, 1, 0]);
    check(got(&[a.clone(), b.clone(), c.clone()]), [1.080_046_731_489_190_6, 0.582_734_636_186_238_2], 2);
    check(got(&[a.clone(), b.clone()]), [0.641_094_062_708_472, 0.423_314_898_708_077_6], 1);
    // Whatever the order; and groups of which nobody was seen until the first death drop out.
    let unseen = lives(&[0.5, 1.0], &[0, 0]);
    check(got(&[vec![], c, b.clone(), unseen, a.clone()]), [1.080_046_731_489_190_6, 0.582_734_636_186_238_2], 2);
    // Mutant: a death moved to the other group.
    let moved = got(&[a[1..].to_vec(), [&b[..], &a[..1]].concat()]);
    assert!(check_close(&[moved.0], &[0.641_094_062_708_472], TOL).is_err());
}

#[test]
fn what_has_no_test_has_none() {
    let a = lives(&[1.0, 2.0], &[1, 1]);
    assert!(log_rank(&[a.clone(), a.clone()]).is_some_and(|test| test.chi_squared == 0.0 && test.p_value == 1.0));
    for (name, groups) in [
        ("no group", vec![]),
        ("one group", vec![a.clone()]),
        ("all but one empty", vec![a.clone(), vec![], vec![]]),
        ("nobody else seen at a death", vec![a, lives(&[0.5], &[0])]),
        ("no death", vec![lives(&[1.0], &[0]), lives(&[2.0], &[0])]),
        ("all die at once", vec![lives(&[1.0, 1.0], &[1, 1]), lives(&[1.0], &[1])]),
    ] {
        assert_eq!(log_rank(&groups), None, "{name}");
    }
}

/// Two groups with exponential lives of the given rates, last seen at a uniform time.
fn groups(rates: [f64; 2], n: usize, seeded: &mut Seeded) -> Vec<Vec<Life>> {
    let mut one = |rate: f64| {
        let (death, seen) = (-(1.0 - seeded.uniform()).ln() / rate, 3.0 * seeded.uniform());
        Life { time: death.min(seen), is_death: death <= seen }
    };
    rates.map(|rate| (0..n).map(|_| one(rate)).collect()).to_vec()
}

#[test]
fn equal_rates_are_rejected_as_often_as_said_and_unequal_ones_more_often() {
    let rejected = |rates, seed: u64| {
        let p = |at: u64| log_rank(&groups(rates, 60, &mut Seeded::new(seed + at))).unwrap().p_value;
        (0..1000).filter(|&at| p(at) <= 0.05).count()
    };
    // Five binomial standard errors of 6.9.
    let got = rejected([1.0, 1.0], 0);
    assert!((16..85).contains(&got), "{got} of 1,000");
    assert!(rejected([1.0, 2.0], 5000) > 600);
}

#[test]
fn intervals_cover_survival_in_spite_of_losses() {
    // At time 1, where 37 % survive: 1,000 replicates, five binomial standard errors of 0.0069.
    let covers = |level: f64| {
        let is_covered = |at: u64| {
            let lives = &groups([1.0, 1.0], 80, &mut Seeded::new(90_000 + at))[0];
            let steps = kaplan_meier(lives, level);
            let now = steps.iter().rfind(|step| step.time <= 1.0).unwrap();
            now.low.unwrap() <= (-1.0_f64).exp() && (-1.0_f64).exp() <= now.high.unwrap()
        };
        (0..1000).filter(|&at| is_covered(at)).count() as f64 / 1000.0
    };
    let got = covers(0.95);
    assert!((got - 0.95).abs() < 0.035, "{got}");
    assert!((covers(0.85) - 0.95).abs() > 0.035);
}
