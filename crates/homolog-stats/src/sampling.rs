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
        let mut key = [0; 32];
        let words = [rng_seed, model_idx as u64, checkpoint as u64, draw as u64];
        for (bytes, word) in key.chunks_exact_mut(8).zip(words) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        let mut rng = ChaCha20Rng::from_seed(key);
        let mut order = neurons;
        for last in (1..order.len()).rev() {
            order.swap(last, below(&mut rng, last as u64 + 1) as usize);
        }
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

/// Uniform in 0..n.
fn below(rng: &mut ChaCha20Rng, n: u64) -> u64 {
    let limit = u64::MAX - u64::MAX % n;
    loop {
        let value = rng.next_u64();
        if value < limit {
            return value % n;
        }
    }
}
