//! The nonlinearity between `mlp.hook_pre` and `mlp.hook_post`.

mod reference;
#[cfg(test)]
mod tests;

use crate::elementwise::{exp, per_isa};

/// A pointwise nonlinearity of an MLP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nonlinearity {
    /// 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))): GPT-2's.
    GeluNew,
    /// 0.5 x (1 + erf(x / sqrt(2))): the exact form.
    Gelu,
}

impl Nonlinearity {
    /// Apply to every value in place.
    ///
    /// Precision: within 3e-7 max(1, |x|) of [`Nonlinearity::reference`] (test `agrees_with_float64`). Where the float64
    /// value of the printed formula is exactly 0 (x below about -7 for `GeluNew`, -8.3 for `Gelu`), this is exactly 0 too, so that a dead neuron is constant
    /// here as it is there. NaN stays NaN.
    pub fn apply(self, values: &mut [f32]) {
        match self {
            Self::GeluNew => gelu_new(values),
            Self::Gelu => gelu(values),
        }
    }

    /// The float64 twin: the printed formula.
    pub fn reference(self, x: f64) -> f64 {
        match self {
            Self::GeluNew => reference::gelu_new(x),
            Self::Gelu => reference::gelu(x),
        }
    }
}

per_isa! {
    fn gelu_new(values: &mut [f32]) {
        // 0.5 (1 + tanh u) = 1 / (1 + e^(-2u)).
        const TWO_SQRT_2_OVER_PI: f32 = 1.595_769;
        // In float64 1 + tanh(u) is exactly 0 below u = -19.06.
        const ZERO_BELOW: f32 = -38.12;
        for x in values {
            let two_u = TWO_SQRT_2_OVER_PI * (*x + 0.044_715 * (*x * *x * *x));
            let gate = if two_u < ZERO_BELOW { 0.0 } else { 1.0 / (1.0 + exp(-two_u)) };
            *x *= gate;
        }
    }
}

per_isa! {
    fn gelu(values: &mut [f32]) {
        // erfc(z) = t P(t) e^(-z^2), t = 1 / (1 + 0.3275911 z), z >= 0: Abramowitz and Stegun 7.1.26, |error| <= 1.5e-7.
        const ZERO_BELOW: f32 = -5.93;
        for x in values {
            let z = *x * std::f32::consts::FRAC_1_SQRT_2;
            let t = 1.0 / (1.0 + 0.327_591_1 * z.abs());
            let p = t * (0.254_829_6 + t * (-0.284_496_74 + t * (1.421_413_7 + t * (-1.453_152 + t * 1.061_405_4))));
            let tail = 0.5 * p * exp(-z * z);
            let gate = if z < ZERO_BELOW { 0.0 } else if z < 0.0 { tail } else { 1.0 - tail };
            *x *= gate;
        }
    }
}
