#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use super::*;

fn order(rng_seed: u64, model_idx: usize, checkpoint: i64, draw: usize) -> Vec<usize> {
    RandomOrder::new((0..100).collect(), rng_seed, model_idx, checkpoint, draw).0
}

#[test]
fn is_a_permutation_and_deterministic() {
    let first = order(1, 2, 3, 4);
    assert_eq!(first, order(1, 2, 3, 4));
    assert_ne!(first, (0..100).collect::<Vec<_>>());
    assert_eq!(first.iter().copied().collect::<BTreeSet<_>>().len(), 100);
    assert!(RandomOrder::new(vec![], 0, 0, 0, 0).0.is_empty());
    assert_eq!(RandomOrder::new(vec![9], 0, 0, 0, 0).0, [9]);
}

#[test]
fn every_part_of_the_key_changes_the_order() {
    let keys = [(0, 0, 0, 0), (1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1), (0, 0, -1, 0)];
    let orders: BTreeSet<Vec<usize>> = keys.iter().map(|&(s, m, c, d)| order(s, m, c, d)).collect();
    assert_eq!(orders.len(), keys.len());
}

#[test]
fn the_order_is_the_one_that_published_runs_have() {
    // Pinned: another stream would silently change every random set of finished studies.
    assert_eq!(order(0, 0, 1600, 0)[..8], [34, 43, 61, 31, 91, 56, 84, 15]);
    assert_eq!(order(7, 2, -1, 3)[..8], [73, 20, 95, 33, 65, 40, 47, 87]);
}

#[test]
fn larger_samples_contain_smaller_ones_in_ascending_order() {
    let order = RandomOrder::new((0..50).map(|i| 3 * i).collect(), 5, 0, 0, 0);
    let mut before = BTreeSet::new();
    for n in 0..=50 {
        let sample = order.take(n).unwrap();
        assert!(sample.len() == n && sample.is_sorted() && sample.iter().all(|neuron| neuron % 3 == 0));
        let sample: BTreeSet<usize> = sample.into_iter().collect();
        assert!(sample.len() == n && sample.is_superset(&before));
        before = sample;
    }
    assert_eq!(order.take(51), None);
}

#[test]
fn eligible_neurons_come_in_the_same_order() {
    let order = RandomOrder::new((0..50).collect(), 5, 0, 0, 0);
    let is_even = |neuron: usize| neuron.is_multiple_of(2);
    let first_even: BTreeSet<usize> = order.0.iter().copied().filter(|&neuron| is_even(neuron)).take(10).collect();
    assert_eq!(order.take_where(10, is_even).unwrap(), first_even.into_iter().collect::<Vec<_>>());
    assert_eq!(order.take_where(25, is_even).unwrap(), (0..50).step_by(2).collect::<Vec<_>>());
    assert_eq!(order.take_where(26, is_even), None);
    assert_eq!(order.take_where(0, |_| false), Some(vec![]));
}

#[test]
fn every_neuron_is_equally_likely_in_every_place() {
    // Chi-square with 9 * 9 degrees of freedom over (neuron, place) counts.
    let (n, n_draws) = (10, 5000);
    let mut counts = vec![0.0; n * n];
    for draw in 0..n_draws {
        let order = RandomOrder::new((0..n).collect(), 0, 0, 0, draw);
        order.0.iter().enumerate().for_each(|(place, &neuron)| counts[place * n + neuron] += 1.0);
    }
    let expected = n_draws as f64 / n as f64;
    let chi_square = |counts: &[f64]| counts.iter().map(|count| (count - expected).powi(2) / expected).sum::<f64>();
    // 81 +- 5 standard deviations of sqrt(2 * 81).
    let got = chi_square(&counts);
    assert!((17.0..145.0).contains(&got), "chi-square {got}");
    // Mutant: a shuffle that never leaves a neuron in its place (Sattolo's).
    let mut never_fixed = counts;
    (0..n).for_each(|i| {
        never_fixed[i * n + (i + 1) % n] += never_fixed[i * n + i];
        never_fixed[i * n + i] = 0.0;
    });
    assert!(chi_square(&never_fixed) > 145.0);
}

#[test]
fn bounded_numbers_are_uniform_and_below_their_bound() {
    let mut rng = ChaCha20Rng::from_seed([7; 32]);
    let mut counts = [0.0_f64; 6];
    (0..60_000).for_each(|_| counts[below(&mut rng, 6) as usize] += 1.0);
    // Five standard deviations of a binomial count.
    assert!(counts.iter().all(|count| (count - 10_000.0).abs() < 457.0), "{counts:?}");
    assert!((0..100).all(|_| below(&mut rng, 1) == 0));
    // Above 2^63 nearly every second word is refused.
    let n = (1 << 63) + 1;
    assert!((0..100).all(|_| below(&mut rng, n) < n));
}

#[test]
fn a_derangement_is_a_permutation_that_moves_everything() {
    assert_eq!((derangement(0, 0, 0), derangement(1, 0, 0)), (None, None));
    assert_eq!(derangement(2, 5, 0), Some(vec![1, 0]));
    for n in [3, 63, 64, 65, 1000] {
        for draw in 0..4 {
            let order = derangement(n, 7, draw).unwrap();
            let mut sorted = order.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..n).collect::<Vec<_>>());
            assert!(order.iter().enumerate().all(|(place, &element)| place != element), "{n}, {draw}");
        }
    }
    assert_ne!(derangement(64, 7, 0), derangement(64, 7, 1));
    assert_ne!(derangement(64, 7, 0), derangement(64, 8, 0));
}

#[test]
fn all_derangements_are_equally_likely() {
    // The nine derangements of four elements, 1,000 times each: five standard deviations of sqrt(1000 * 8 / 9).
    let mut counts = std::collections::BTreeMap::new();
    (0..9000).for_each(|draw| *counts.entry(derangement(4, 1, draw).unwrap()).or_insert(0_i32) += 1);
    assert_eq!(counts.len(), 9);
    assert!(counts.values().all(|count| (count - 1000).abs() < 150), "{counts:?}");
}
