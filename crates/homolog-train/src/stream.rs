//! Random streams, each named by what it is for and the seed that is recorded for it.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A `ChaCha20` stream. Its key is the BLAKE3 hash, in the domain `purpose`, of the words as little-endian bytes; so that one
/// number can seed the initialisation and the data order without their having anything to do with each other.
pub(crate) struct Stream(ChaCha20Rng);

impl Stream {
    pub(crate) fn new(purpose: &str, words: &[u64]) -> Self {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        Self(ChaCha20Rng::from_seed(blake3::derive_key(purpose, &bytes)))
    }

    /// A number for a generator that is not this one.
    pub(crate) fn key(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Uniform in [0, 1), a multiple of 2^-53.
    fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Fill with Gaussians of mean 0, by Box-Muller on pairs of uniforms.
    pub(crate) fn fill_gaussian(&mut self, sd: f64, out: &mut [f32]) {
        for pair in out.chunks_mut(2) {
            // 1 - u lies in (0, 1], so the logarithm is finite.
            let radius = sd * (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
            let (sin, cos) = (std::f64::consts::TAU * self.uniform()).sin_cos();
            for (out, value) in pair.iter_mut().zip([cos, sin]) {
                *out = (radius * value) as f32;
            }
        }
    }

    /// Uniform in 0..n; its bias, n / 2^64, is beyond any experiment. Panics if n is 0.
    fn below(&mut self, n: usize) -> usize {
        assert!(n > 0, "no number lies below 0");
        ((u128::from(self.0.next_u64()) * n as u128) >> 64) as usize
    }

    /// A uniformly random order of 0..n, by Fisher-Yates from the end.
    pub(crate) fn order(&mut self, n: usize) -> Vec<u32> {
        let mut order: Vec<u32> = (0..u32::try_from(n).expect("fewer than 2^32 rows")).collect();
        for last in (1..n).rev() {
            order.swap(last, self.below(last + 1));
        }
        order
    }
}
