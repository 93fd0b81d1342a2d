//! How sure a share of neurons above a threshold is.

#[cfg(test)]
mod tests;

use statrs::distribution::{ContinuousCDF, Normal};

use crate::jackknife_se;

/// A neuron so many standard errors from the threshold stays on its side.
const FAR: f64 = 6.0;

/// The share of estimates above a threshold, without each block of tokens.
///
/// A count jumps or does not when a block is left out, so its jackknife says nothing. Each neuron is counted by the chance that it lies
/// above instead, Phi((e - threshold) / se), which is a smooth function of its estimate e; that of all without block b is the mean
/// of Phi((e - d_b - threshold) / se), where d_b is how much of the estimate block b makes.
#[derive(Clone, Debug)]
pub struct ShareAbove {
    threshold: f64,
    n: u64,
    whole: f64,
    /// [n_blocks]
    without: Vec<f64>,
}

impl ShareAbove {
    /// Of no neuron yet.
    pub fn new(threshold: f64, n_blocks: usize) -> Self {
        Self { threshold, n: 0, whole: 0.0, without: vec![0.0; n_blocks] }
    }

    /// Add a neuron: its estimate, the standard error of that, and how the estimate changes without each block [n_blocks]. Without a
    /// standard error it is taken to stay on its side.
    pub fn push(&mut self, estimate: f64, se: Option<f64>, changes: &[f64]) {
        self.n += 1;
        let distance = estimate - self.threshold;
        let near = se.filter(|&se| se > 0.0 && distance.abs() < FAR * se);
        let Some(se) = near else {
            let is_above = if distance > 0.0 { 1.0 } else { 0.0 };
            self.whole += is_above;
            self.without.iter_mut().for_each(|sum| *sum += is_above);
            return;
        };
        let standard = Normal::standard();
        self.whole += standard.cdf(distance / se);
        for (sum, change) in self.without.iter_mut().zip(changes) {
            *sum += standard.cdf((distance + change) / se);
        }
    }

    /// Add a neuron whose estimate is not defined: it is not above.
    pub fn push_undefined(&mut self) {
        self.n += 1;
    }

    /// Standard error of the share; `weights` are the tokens of each block.
    ///
    /// Undefined: none of no neurons, and as [`jackknife_se`].
    /// Assumes: blocks are independent; says nothing of other models or seeds. It is the spread of the share over samples of the same
    /// size, not its bias: noise spreads estimates, and with a threshold in their tail more of them pass than would without noise.
    /// Source: [`jackknife_se`].
    pub fn se(&self, weights: &[f64]) -> Option<f64> {
        let mean = |sum: f64| sum / self.n as f64;
        let without: Vec<f64> = self.without.iter().map(|&sum| mean(sum)).collect();
        if self.n == 0 { None } else { jackknife_se(mean(self.whole), &without, weights) }
    }
}
