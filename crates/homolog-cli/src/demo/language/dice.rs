//! Chance, the same on every machine: integers only.

use std::ops::RangeInclusive;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// The ChaCha20 stream of the key (seed, what for, 0, 0), little-endian 64-bit words.
pub(super) struct Dice(ChaCha20Rng);

impl Dice {
    pub(super) fn new(seed: u64, what_for: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&what_for.to_le_bytes());
        Self(ChaCha20Rng::from_seed(key))
    }

    /// Of 0..n. Not all equally likely, by n in 2^64.
    pub(super) fn below(&mut self, n: usize) -> usize {
        self.below_u64(n as u64) as usize
    }

    fn below_u64(&mut self, n: u64) -> u64 {
        ((u128::from(self.0.next_u64()) * u128::from(n)) >> 64) as u64
    }

    pub(super) fn between(&mut self, range: RangeInclusive<usize>) -> usize {
        range.start() + self.below(range.end() - range.start() + 1)
    }

    /// True so many times in a hundred.
    pub(super) fn percent(&mut self, n: usize) -> bool {
        self.below(100) < n
    }

    pub(super) fn pick<'a, T: ?Sized>(&mut self, among: &[&'a T]) -> &'a T {
        among[self.below(among.len())]
    }
}

/// Ranks from 0 with weights 1 / (rank + 2.7).
pub(super) struct Zipf {
    /// Sums of the weights up to each rank.
    cumulative: Vec<u64>,
}

impl Zipf {
    pub(super) fn new(n: usize) -> Self {
        let mut sum = 0;
        let weights = (0..n as u64).map(|rank| 1_000_000_000_000 / (10 * rank + 27));
        let cumulative = weights.map(|weight| {
            sum += weight;
            sum
        });
        Self { cumulative: cumulative.collect() }
    }

    /// One of the first n ranks.
    pub(super) fn draw(&self, dice: &mut Dice, n: usize) -> usize {
        let at = dice.below_u64(self.cumulative[n - 1]);
        self.cumulative[..n].partition_point(|&sum| sum <= at)
    }
}
