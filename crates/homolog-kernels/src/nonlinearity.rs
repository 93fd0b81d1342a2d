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

    /// The gradient: `d` times the derivative at `pre`, in place.
    ///
    /// Shapes: `pre`, `d` [n]. Precision: the derivative is within 4e-7 of [`Nonlinearity::reference_derivative`] (test
    /// `backward_agrees_with_float64`), and exactly 0 where [`Nonlinearity::apply`] cuts to 0. NaN stays NaN.
    pub fn backward(self, pre: &[f32], d: &mut [f32]) {
        assert_eq!(pre.len(), d.len(), "one gradient a value");
        match self {
            Self::GeluNew => gelu_new_backward(pre, d),
            Self::Gelu => gelu_backward(pre, d),
        }
    }

    /// The float64 twin: the printed formula.
    pub fn reference(self, x: f64) -> f64 {
        match self {
            Self::GeluNew => reference::gelu_new(x),
            Self::Gelu => reference::gelu(x),
        }
    }

    /// The float64 twin of the derivative.
    pub fn reference_derivative(self, x: f64) -> f64 {
        match self {
            Self::GeluNew => reference::gelu_new_derivative(x),
            Self::Gelu => reference::gelu_derivative(x),
        }
    }
}

/// 2 sqrt(2 / pi).
const TWO_SQRT_2_OVER_PI: f32 = 1.595_769;

/// GELU's gate s = 1 / (1 + e^(-2u)), u = sqrt(2/pi) (x + 0.044715 x^3), and 1 - s without cancellation.
/// In float64 1 + tanh(u) is exactly 0 below 2u = -38.12.
#[inline(always)]
fn tanh_gate(x: f32) -> (f32, f32) {
    const ZERO_BELOW: f32 = -38.12;
    let two_u = TWO_SQRT_2_OVER_PI * (x + 0.044_715 * (x * x * x));
    let e = exp(-two_u);
    let gate = 1.0 / (1.0 + e);
    if two_u < ZERO_BELOW { (0.0, 1.0) } else { (gate, e * gate) }
}

per_isa! {
    fn gelu_new(values: &mut [f32]) {
        for x in values {
            *x *= tanh_gate(*x).0;
        }
    }
}

per_isa! {
    fn gelu_new_backward(pre: &[f32], d: &mut [f32]) {
        // f = x s(2u), f' = s + x s (1 - s) (2u)'.
        for (&x, d) in pre.iter().zip(d) {
            let (gate, complement) = tanh_gate(x);
            let bend = gate * complement;
            let slope = TWO_SQRT_2_OVER_PI * (1.0 + 3.0 * 0.044_715 * (x * x));
            // Where the gate is closed or wide open, x and x^2 may be infinite: keep 0 times infinity out.
            *d *= gate + if bend == 0.0 { 0.0 } else { x * bend * slope };
        }
    }
}

/// Phi(x) = 0.5 (1 + erf(x / sqrt(2))), and e^(-x^2 / 2).
#[inline(always)]
fn normal_gate(x: f32) -> (f32, f32) {
    // erfc(z) = t P(t) e^(-z^2), t = 1 / (1 + 0.3275911 z), z >= 0: Abramowitz and Stegun 7.1.26, |error| <= 1.5e-7.
    const ZERO_BELOW: f32 = -5.93;
    let z = x * std::f32::consts::FRAC_1_SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * z.abs());
    let p = t * (0.254_829_6 + t * (-0.284_496_74 + t * (1.421_413_7 + t * (-1.453_152 + t * 1.061_405_4))));
    let density = exp(-z * z);
    let tail = 0.5 * p * density;
    if z < ZERO_BELOW {
        (0.0, 0.0)
    } else if z < 0.0 {
        (tail, density)
    } else {
        (1.0 - tail, density)
    }
}

per_isa! {
    fn gelu(values: &mut [f32]) {
        for x in values {
            *x *= normal_gate(*x).0;
        }
    }
}

per_isa! {
    fn gelu_backward(pre: &[f32], d: &mut [f32]) {
        const ONE_OVER_SQRT_2_PI: f32 = 0.398_942_3;
        for (&x, d) in pre.iter().zip(d) {
            let (gate, density) = normal_gate(x);
            *d *= gate + if density == 0.0 { 0.0 } else { ONE_OVER_SQRT_2_PI * x * density };
        }
    }
}
