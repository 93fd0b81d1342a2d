//! Random sets of neurons without replacement, nested: a larger set contains the smaller.

#[cfg(test)]
mod tests;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A uniformly random order of some neurons; its first n are a uniform sample of size n.
#[derive(Clone, Debug)]
pub struct RandomOrder(Vec<usize>);

impl RandomOrder {
    /// Shuffle `neurons` by the `ChaCha20` stream of the 32-byte key (seed, model index, checkpoint, draw), each as a
    /// little-endian 64-bit word. Fisher-Yates from the end; bounded numbers by rejection, so that all orders are equally likely.
    pub fn new(neurons: Vec<usize>, rng_seed: u64, model_idx: usize, checkpoint: i64, draw: usize) -> Self {
        let mut rng = stream([rng_seed, model_idx as u64, checkpoint as u64, draw as u64]);
        let mut order = neurons;
        shuffle(&mut order, &mut rng);
        Self(order)
    }

    /// The first `n`, ascending; none if there are not so many.
    pub fn take(&self, n: usize) -> Option<Vec<usize>> {
        self.take_where(n, |_| true)
    }

    /// The first `n` among those that `is_eligible`, ascending; none if there are not so many.
    pub fn take_where(&self, n: usize, is_eligible: impl Fn(usize) -> bool) -> Option<Vec<usize>> {
        let mut taken: Vec<usize> = self.0.iter().copied().filter(|&neuron| is_eligible(neuron)).take(n).collect();
        taken.sort_unstable();
        (taken.len() == n).then_some(taken)
    }
}

/// A uniformly random derangement of 0..n: a permutation that leaves no element in its place. None for n < 2.
///
/// Shuffles by the `ChaCha20` stream of the key (seed, 2^64 - 1, 2^64 - 1, draw), which no [`RandomOrder`] of a model has, until
/// one leaves nothing in its place: e of them on average.
pub fn derangement(n: usize, rng_seed: u64, draw: usize) -> Option<Vec<usize>> {
    if n < 2 {
        return None;
    }
    let mut rng = stream([rng_seed, u64::MAX, u64::MAX, draw as u64]);
    loop {
        let mut order: Vec<usize> = (0..n).collect();
        shuffle(&mut order, &mut rng);
        if order.iter().enumerate().all(|(place, &element)| place != element) {
            return Some(order);
        }
    }
}

/// The stream of a 32-byte key: four little-endian 64-bit words.
pub(crate) fn stream(words: [u64; 4]) -> ChaCha20Rng {
    let mut key = [0; 32];
    for (bytes, word) in key.chunks_exact_mut(8).zip(words) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    ChaCha20Rng::from_seed(key)
}

/// Fisher-Yates from the end.
pub(crate) fn shuffle(order: &mut [usize], rng: &mut ChaCha20Rng) {
    for last in (1..order.len()).rev() {
        order.swap(last, below(rng, last as u64 + 1) as usize);
    }
}

/// Uniform in 0..n.
pub(crate) fn below(rng: &mut ChaCha20Rng, n: u64) -> u64 {
    let limit = u64::MAX - u64::MAX % n;
    loop {
        let value = rng.next_u64();
        if value < limit {
            return value % n;
        }
    }
}
