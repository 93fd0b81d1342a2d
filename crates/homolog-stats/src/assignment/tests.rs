use std::collections::BTreeSet;

use homolog_test::{Seeded, Tol, assert_close};
use proptest::prelude::*;

use super::*;

fn total(corr: &[f64], n_b: usize, partners: &[Option<u32>]) -> f64 {
    partners.iter().enumerate().filter_map(|(i, partner)| partner.map(|j| corr[i * n_b + j as usize])).sum()
}

/// Whether no partner is taken twice, and as many are matched as the smaller side has.
fn is_one_to_one(partners: &[Option<u32>], n_b: usize) -> bool {
    let taken: Vec<u32> = partners.iter().flatten().copied().collect();
    let distinct: BTreeSet<u32> = taken.iter().copied().collect();
    distinct.len() == taken.len() && taken.len() == n_b.min(partners.len()) && taken.iter().all(|&j| (j as usize) < n_b)
}

/// The largest total, by trying every matching of the rows from `i` on (the rows are not more than the columns).
fn best_total(corr: &[f64], n_b: usize, i: usize, taken: &mut Vec<bool>) -> f64 {
    if i * n_b == corr.len() {
        return 0.0;
    }
    let mut best = f64::NEG_INFINITY;
    for j in 0..n_b {
        if !taken[j] {
            taken[j] = true;
            best = best.max(corr[i * n_b + j] + best_total(corr, n_b, i + 1, taken));
            taken[j] = false;
        }
    }
    best
}

/// Noise of standard deviation 0.1, and a partner of correlation 0.3 to 0.9 for a share of the neurons; and who that is.
fn planted(rng_seed: u64, n: usize, share: f64) -> (Vec<f64>, Vec<Option<u32>>) {
    let mut seeded = Seeded::new(rng_seed);
    let mut corr: Vec<f64> = (0..n * n).map(|_| 0.1 * seeded.gaussian()).collect();
    let mut partners = vec![None; n];
    for (i, j) in seeded.permutation(n).into_iter().enumerate() {
        if seeded.uniform() < share {
            corr[i * n + j] = 0.3 + 0.6 * seeded.uniform();
            partners[i] = Some(j as u32);
        }
    }
    (corr, partners)
}

#[test]
fn totals_are_those_of_scipy() {
    // scipy 1.17.1, optimize.linear_sum_assignment(corr, maximize=True), corr[i, j] = ((7919 i + 104729 j + 31 i j + 17 i^2 +
    // 3 j^3) mod 2003 - 1001) / 1024, and the sum of the matched elements.
    for (n_a, n_b, want) in
        [(6, 6, 2.416_992_187_5), (40, 40, 36.131_835_937_5), (30, 50, 28.013_671_875), (50, 30, 27.958_007_812_5)]
    {
        let element = |at: usize| {
            let (i, j) = (at / n_b, at % n_b);
            (((7919 * i + 104_729 * j + 31 * i * j + 17 * i * i + 3 * j * j * j) % 2003) as f64 - 1001.0) / 1024.0
        };
        let corr: Vec<f64> = (0..n_a * n_b).map(element).collect();
        let partners = one_to_one(&corr, n_a, n_b);
        assert!(is_one_to_one(&partners, n_b));
        assert_close(&[total(&corr, n_b, &partners)], &[want], Tol::EXACT);
        // Mutant: everyone's best among those that are left, in their order.
        let mut taken = BTreeSet::new();
        let mut greedy = 0.0;
        for row in corr.chunks_exact(n_b) {
            let best = (0..n_b).filter(|j| !taken.contains(j)).max_by(|&x, &y| row[x].total_cmp(&row[y]));
            taken.extend(best);
            greedy += best.map_or(0.0, |j| row[j]);
        }
        assert!(greedy < want);
    }
}

#[test]
fn planted_partners_are_found_below_the_noise_s_maximum() {
    let (corr, partners) = planted(1, 200, 0.5);
    let got = one_to_one(&corr, 200, 200);
    assert!(is_one_to_one(&got, 200));
    // A partner of 0.3 to 0.4 loses to a chain of lucky noise now and then.
    let n_planted = partners.iter().flatten().count();
    let n_found = got.iter().zip(&partners).filter(|(got, want)| want.is_some() && got == want).count();
    assert!(n_found * 100 > n_planted * 95, "{n_found} of {n_planted}");
}

#[test]
fn neurons_without_a_defined_correlation_stay_alone() {
    let (mut corr, _) = planted(2, 12, 0.5);
    let reduced: Vec<f64> =
        (0..144).filter(|at| at / 12 != 3 && ![0, 7].contains(&(at % 12))).map(|at| corr[at]).collect();
    (0..12).for_each(|k| {
        corr[3 * 12 + k] = f64::NAN;
        corr[k * 12] = f64::NAN;
        corr[k * 12 + 7] = f64::NAN;
    });
    let got = one_to_one(&corr, 12, 12);
    assert_eq!(got[3], None);
    assert!(got.iter().flatten().all(|&j| j != 0 && j != 7) && got.iter().flatten().count() == 10);
    // The matching of the eleven with the ten that are left.
    let place = |j: u32| (1..12).filter(|&k| k != 7).position(|k| k == j).map(|k| k as u32);
    let left: Vec<Option<u32>> = [&got[..3], &got[4..]].concat().into_iter().map(|j| j.and_then(place)).collect();
    assert_eq!(left, one_to_one(&reduced, 11, 10));
}

#[test]
fn an_undefined_pair_is_never_matched_though_both_have_others() {
    const N: f64 = f64::NAN;
    assert_eq!(one_to_one(&[N, 0.1, 0.1, 0.9], 2, 2), [Some(1), Some(0)]);
    assert_eq!(one_to_one(&[N, 0.1, N, 0.9], 2, 2), [None, Some(1)], "the first column takes no part");
    // Column 0 is defined for row 2 alone, row 1 for column 2 alone.
    assert_eq!(one_to_one(&[N, 0.9, 0.8, N, N, 0.1, -0.5, 0.9, 0.9], 3, 3), [Some(1), Some(2), Some(0)]);
    // Three rows, of which two have but one column between them.
    assert_eq!(one_to_one(&[N, 0.5, N, N, 0.4, N, 0.1, 0.9, 0.2], 3, 3), [Some(1), None, Some(2)]);
    assert_eq!(one_to_one(&[N; 6], 2, 3), [None, None]);
    assert_eq!(one_to_one(&[], 0, 5), []);
    assert_eq!(one_to_one(&[], 2, 0), [None, None]);
}

#[test]
fn equal_totals_give_the_same_matching_every_time() {
    let corr = vec![0.25; 30 * 20];
    let got = one_to_one(&corr, 30, 20);
    assert!(got.iter().flatten().count() == 20);
    assert!((0..3).all(|_| one_to_one(&corr, 30, 20) == got));
}

#[test]
#[should_panic(expected = "correlations of 2 neurons with 3")]
fn another_size_is_refused() {
    one_to_one(&[0.0; 5], 2, 3);
}

#[test]
#[ignore = "slow tier: cargo xtask slow"]
#[expect(clippy::print_stdout, reason = "a measurement")]
fn a_layer_of_the_paper_s_size_is_matched() {
    for (n, share) in [(512, 0.4), (512, 0.0), (3072, 0.4), (3072, 0.0)] {
        let (corr, partners) = planted(3, n, share);
        let start = std::time::Instant::now();
        let got = one_to_one(&corr, n, n);
        println!("{n} x {n}, {share} planted: {:.3} s", start.elapsed().as_secs_f64());
        assert!(is_one_to_one(&got, n) && total(&corr, n, &got) >= total(&corr, n, &partners));
    }
}

proptest! {
    #[test]
    fn no_matching_is_better(rng_seed in any::<u64>(), n_a in 1_usize..6, n_b in 1_usize..6) {
        let mut seeded = Seeded::new(rng_seed);
        // Few values, so that there are ties.
        let corr: Vec<f64> = (0..n_a * n_b).map(|_| seeded.below(9) as f64 / 4.0 - 1.0).collect();
        let partners = one_to_one(&corr, n_a, n_b);
        prop_assert!(is_one_to_one(&partners, n_b));
        let transposed: Vec<f64> = (0..n_b * n_a).map(|at| corr[at % n_a * n_b + at / n_a]).collect();
        let (wide, n_columns) = if n_a <= n_b { (&corr, n_b) } else { (&transposed, n_a) };
        let want = best_total(wide, n_columns, 0, &mut vec![false; n_columns]);
        prop_assert_eq!(total(&corr, n_b, &partners), want);
        // The other side of the same matching is as good.
        let back = one_to_one(&transposed, n_b, n_a);
        prop_assert_eq!(total(&transposed, n_a, &back), want);
    }
}
