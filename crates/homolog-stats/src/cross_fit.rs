//! A neuron's largest correlation without the bias of having been chosen: chosen on one half of the tokens, measured on the other.

#[cfg(test)]
mod tests;

use crate::BestMatch;

/// The best match of one neuron on each half of the tokens, and what that pair correlates on the other half.
///
/// The maximum over tens of thousands of estimates is larger than the correlation of the pair that reaches it: the pair was chosen
/// for its luck too. On the other half it has no part in the choice.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CrossFit {
    /// By half: the match chosen there.
    pub chosen: [BestMatch; 2],
    /// By half: the correlation of the match chosen there, on the other half.
    pub measured: [f64; 2],
}

impl CrossFit {
    /// Nothing met yet.
    pub const NONE: Self = Self { chosen: [BestMatch::NONE; 2], measured: [f64::NAN; 2] };

    /// Take note of the correlations with one neuron on both halves. A pair that is undefined on either is left out, since it could
    /// not be measured.
    pub fn push(&mut self, corrs: [f64; 2], neuron: u32) {
        if corrs.iter().any(|corr| corr.is_nan()) {
            return;
        }
        for half in 0..2 {
            if self.chosen[half].is_beaten_by(corrs[half], neuron) {
                self.chosen[half] = BestMatch { corr: corrs[half], neuron };
                self.measured[half] = corrs[1 - half];
            }
        }
    }

    /// (r_B(j_A) + r_A(j_B)) / 2, where j_A is the best match on half A and r_B its correlation on half B; none where undefined.
    ///
    /// Of a neuron that has one true match it estimates that match's correlation without bias, as far as the halves are independent:
    /// they are made of whole documents. Where no match is better than others it estimates the correlation of one picked by chance, near 0.
    /// Source: sample splitting, as in Chernozhukov et al. 2018, doi:10.1111/ectj.12097 (cross-fitting).
    pub fn estimate(&self) -> Option<f64> {
        let [first, second] = self.measured;
        let mean = f64::midpoint(first, second);
        (!mean.is_nan()).then_some(mean)
    }

    /// Whether both halves choose the same match; none where undefined.
    pub fn is_same_match(&self) -> Option<bool> {
        self.estimate().map(|_| self.chosen[0].neuron == self.chosen[1].neuron)
    }
}
