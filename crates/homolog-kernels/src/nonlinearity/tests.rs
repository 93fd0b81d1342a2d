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
