use homolog_test::{Tol, assert_close, central_differences};

use super::*;

#[test]
fn agrees_with_float64() {
    for form in [Nonlinearity::GeluNew, Nonlinearity::Gelu] {
        let inputs: Vec<f32> = (0..40_001).map(|i| (i - 20_000) as f32 * 1e-3).collect();
        let mut got = inputs.clone();
        form.apply(&mut got);
        for (&x, &y) in inputs.iter().zip(&got) {
            let want = form.reference(f64::from(x));
            let tolerance = 3e-7 * f64::from(x.abs()).max(1.0);
            assert!((f64::from(y) - want).abs() <= tolerance, "{form:?}({x}) = {y}, want {want}");
        }
    }
}

#[test]
fn the_two_forms_differ_by_more_than_the_tolerance() {
    // The mutant of the test above: taking one form for the other must be seen.
    let difference = (Nonlinearity::GeluNew.reference(2.7) - Nonlinearity::Gelu.reference(2.7)).abs();
    assert!(difference > 1e-4, "{difference}");
}

#[test]
fn dead_inputs_are_exactly_zero_and_nan_stays() {
    for form in [Nonlinearity::GeluNew, Nonlinearity::Gelu] {
        let mut values = [-9.0, -50.0, -1e4, f32::NAN, 0.0];
        form.apply(&mut values);
        assert_eq!(values[..3], [0.0; 3], "{form:?}");
        assert_eq!(form.reference(-9.0), 0.0, "{form:?}");
        assert!(values[3].is_nan());
        assert_eq!(values[4], 0.0);
    }
}

/// The derivative as `backward` computes it.
fn derivatives(form: Nonlinearity, inputs: &[f32]) -> Vec<f32> {
    let mut d = vec![1.0; inputs.len()];
    form.backward(inputs, &mut d);
    d
}

#[test]
fn backward_agrees_with_float64() {
    for form in [Nonlinearity::GeluNew, Nonlinearity::Gelu] {
        let inputs: Vec<f32> = (0..40_001).map(|i| (i - 20_000) as f32 * 1e-3).collect();
        for (&x, &d) in inputs.iter().zip(&derivatives(form, &inputs)) {
            let want = form.reference_derivative(f64::from(x));
            assert!((f64::from(d) - want).abs() <= BACKWARD_TOLERANCE, "{form:?}'({x}) = {d}, want {want}");
        }
    }
}

/// The gate's error alone is 1.5e-7 for `Gelu`.
const BACKWARD_TOLERANCE: f64 = 4e-7;

#[test]
fn the_derivative_twin_agrees_with_differences() {
    for form in [Nonlinearity::GeluNew, Nonlinearity::Gelu] {
        let inputs: Vec<f64> = (0..801).map(|i| (i - 400) as f64 * 0.025).collect();
        // Every value moves alone, so the gradient of the sum is the derivative at each.
        let want: Vec<f64> = inputs.iter().flat_map(|&x| central_differences(&[x], |x| form.reference(x[0]))).collect();
        let got: Vec<f64> = inputs.iter().map(|&x| form.reference_derivative(x)).collect();
        assert_close(&got, &want, Tol::abs(1e-8));
    }
}

#[test]
fn a_forgotten_bend_and_the_other_form_would_be_seen() {
    // f(x) / x is the gate alone.
    for form in [Nonlinearity::GeluNew, Nonlinearity::Gelu] {
        let gate_alone = form.reference(1.3) / 1.3;
        assert!((gate_alone - form.reference_derivative(1.3)).abs() > 0.1);
    }
    // At 2.7, where the forms differ most, their derivatives cross.
    let other = Nonlinearity::Gelu.reference_derivative(2.0) - Nonlinearity::GeluNew.reference_derivative(2.0);
    assert!(other.abs() > 100.0 * BACKWARD_TOLERANCE, "{other}");
}

#[test]
fn backward_multiplies_over_ragged_lengths() {
    for form in [Nonlinearity::GeluNew, Nonlinearity::Gelu] {
        for n in [0, 1, 63, 64, 65] {
            let inputs: Vec<f32> = (0..n).map(|i| i as f32 * 0.1 - 3.0).collect();
            let mut d: Vec<f32> = (0..n).map(|i| i as f32 - 7.0).collect();
            form.backward(&inputs, &mut d);
            let one_at_a_time: Vec<f32> =
                inputs.iter().enumerate().map(|(i, &x)| (i as f32 - 7.0) * derivatives(form, &[x])[0]).collect();
            assert_eq!(d, one_at_a_time, "{form:?}, n {n}");
        }
    }
}

#[test]
fn the_derivative_at_the_ends_and_nan() {
    for form in [Nonlinearity::GeluNew, Nonlinearity::Gelu] {
        let ends = [-9.0, -50.0, -1e4, -1e20, f32::MIN, f32::NEG_INFINITY];
        assert_eq!(derivatives(form, &ends), [0.0; 6], "{form:?}");
        assert_eq!(derivatives(form, &[20.0, 1e4, 1e20, f32::MAX, f32::INFINITY]), [1.0; 5], "{form:?}");
        assert_eq!(derivatives(form, &[0.0]), [0.5], "{form:?}");
        assert!(derivatives(form, &[f32::NAN])[0].is_nan());
        let mut d = [f32::NAN, f32::NAN];
        form.backward(&[-50.0, 1.0], &mut d);
        assert!(d.iter().all(|d| d.is_nan()));
    }
}
