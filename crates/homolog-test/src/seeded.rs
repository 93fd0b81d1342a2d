//! Seeded inputs of tests: one small generator, the same numbers on every machine.
//!
//! Not for results: the study's own streams (rotations, ablation draws) live with what they draw.

#[cfg(test)]
mod tests;

/// `SplitMix64` (Steele, Lea and Flood 2014) with the distributions tests need.
#[derive(Debug, Clone)]
pub struct Seeded {
    state: u64,
    /// The second value of the last Box-Muller pair.
    spare_gaussian: Option<f64>,
}

impl Seeded {
    /// A generator whose initial state is the seed itself.
    pub const fn new(rng_seed: u64) -> Self {
        Self { state: rng_seed, spare_gaussian: None }
    }

    /// The next 64 bits.
    pub const fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in [0, 1), a multiple of 2^-53.
    pub fn uniform(&mut self) -> f64 {
        const TWO_POW_MINUS_53: f64 = 1.0 / (1_u64 << 53) as f64;
        (self.next_u64() >> 11) as f64 * TWO_POW_MINUS_53
    }

    /// Gaussian of mean 0 and standard deviation 1, by Box-Muller on pairs of uniforms.
    pub fn gaussian(&mut self) -> f64 {
        if let Some(spare) = self.spare_gaussian.take() {
            return spare;
        }
        // 1 - u lies in (0, 1], so the logarithm is finite.
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        let (sin, cos) = (std::f64::consts::TAU * self.uniform()).sin_cos();
        self.spare_gaussian = Some(radius * sin);
        radius * cos
    }

    /// `n` Gaussians of mean 0 and standard deviation `sd`, rounded to f32.
    pub fn gaussians_f32(&mut self, n: usize, sd: f64) -> Vec<f32> {
        (0..n).map(|_| (self.gaussian() * sd) as f32).collect()
    }

    /// Uniform in 0..n (its bias, n / 2^64, is far below what a test can see).
    ///
    /// Panics: if n is 0.
    pub fn below(&mut self, n: usize) -> usize {
        assert!(n > 0, "no number lies below 0");
        ((u128::from(self.next_u64()) * n as u128) >> 64) as usize
    }

    /// A uniform permutation of 0..n (Fisher-Yates).
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        for last in (1..n).rev() {
            order.swap(last, self.below(last + 1));
        }
        order
    }
}
