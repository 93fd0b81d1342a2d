//! The largest correlation met so far, and whose it is.

/// A correlation and the flat number of the neuron that it is with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BestMatch {
    /// NaN: none is defined yet.
    pub corr: f64,
    /// Of the other model.
    pub neuron: u32,
}

impl BestMatch {
    /// Nothing met yet.
    pub const NONE: Self = Self { corr: f64::NAN, neuron: u32::MAX };

    /// Take note of one correlation; NaN is undefined and never wins, ties go to the lower neuron.
    pub fn push(&mut self, corr: f64, neuron: u32) {
        if self.is_beaten_by(corr, neuron) {
            *self = Self { corr, neuron };
        }
    }

    /// Whether [`BestMatch::push`] would take it.
    pub(crate) fn is_beaten_by(&self, corr: f64, neuron: u32) -> bool {
        corr > self.corr || (corr >= self.corr && neuron < self.neuron) || (self.corr.is_nan() && !corr.is_nan())
    }

    /// As a pair, if one is defined.
    pub fn get(self) -> Option<(f64, u32)> {
        (!self.corr.is_nan()).then_some((self.corr, self.neuron))
    }
}
