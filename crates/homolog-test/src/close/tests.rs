use super::*;

const TOL: Tol = Tol { abs: 1e-3, rel: 1e-2 };

fn is_close(got: &[f64], want: &[f64]) -> bool {
    check_close(got, want, TOL).is_ok()
}

#[test]
fn accepts_values_within_tolerance_on_both_sides() {
    assert!(is_close(&[], &[]));
    assert!(is_close(&[1.0, -1.0, 0.0], &[1.0, -1.0, -0.0]));
    // At want = 1 the tolerance is 0.011.
    assert!(is_close(&[1.0109], &[1.0]));
    assert!(is_close(&[0.9891], &[1.0]));
    assert!(is_close(&[-1.0109], &[-1.0]));
    assert!(is_close(&[f64::INFINITY, f64::NEG_INFINITY], &[f64::INFINITY, f64::NEG_INFINITY]));
    assert!(is_close(&[f64::MAX], &[f64::MAX]));
}

#[test]
fn refuses_values_beyond_tolerance_on_both_sides() {
    assert!(!is_close(&[1.0112], &[1.0]));
    assert!(!is_close(&[0.9888], &[1.0]));
    assert!(!is_close(&[-1.0], &[1.0]), "a sign flip");
    assert!(!is_close(&[1.0, 2.0], &[2.0, 1.0]), "two values swapped");
    assert!(!is_close(&[1.02], &[1.0]), "a scale of 1.02");
    assert!(check_close(&[1.0 + f64::EPSILON], &[1.0], Tol::EXACT).is_err());
}

#[test]
fn refuses_nan_wherever_it_stands() {
    assert!(!is_close(&[f64::NAN], &[0.0]));
    assert!(!is_close(&[0.0], &[f64::NAN]));
    assert!(!is_close(&[f64::NAN], &[f64::NAN]));
    assert!(!is_close(&[0.0, f64::NAN, 0.0], &[0.0; 3]));
    assert!(check_close_f32(&[f32::NAN], &[f64::NAN], TOL).is_err());
}

#[test]
fn refuses_unequal_infinities() {
    assert!(!is_close(&[f64::INFINITY], &[f64::NEG_INFINITY]));
    assert!(!is_close(&[f64::INFINITY], &[1e300]));
    assert!(!is_close(&[1.0], &[f64::INFINITY]), "the tolerance of an infinite value would be infinite");
}

#[test]
fn refuses_other_lengths() {
    assert_eq!(check_close(&[0.0], &[], TOL), Err(Mismatch::Length { got: 1, want: 0 }));
    assert_eq!(check_close(&[], &[0.0], TOL), Err(Mismatch::Length { got: 0, want: 1 }));
}

#[test]
fn names_the_worst_value_by_ratio_to_its_own_tolerance() {
    // The second differs more in absolute terms, the first relative to its tolerance.
    let Err(Mismatch::Value { index, got, want, ratio, n_bad, n_values }) =
        check_close(&[0.1, 1020.0, 5.0], &[0.0, 1000.0, 5.0], TOL)
    else {
        panic!("should not be close");
    };
    assert_eq!((index, n_bad, n_values), (0, 2, 3));
    assert!((got - 0.1).abs() < 1e-15 && want == 0.0 && (ratio - 100.0).abs() < 1e-9);
    let nan_after = check_close(&[1e300, f64::INFINITY, f64::NAN], &[0.0; 3], TOL);
    assert!(matches!(nan_after, Err(Mismatch::Value { index: 2, n_bad: 3, .. })), "{nan_after:?}");
}

#[test]
#[should_panic(expected = "2 of 3 values out of tolerance; worst at index 2: got 3e0, want 1e0")]
fn panics_with_index_and_values() {
    assert_close(&[1.0, 1.5, 3.0], &[1.0; 3], TOL);
}

#[test]
#[should_panic(expected = "lengths differ: got 1, want 2")]
fn panics_on_lengths_in_f32() {
    assert_close_f32(&[1.0], &[1.0; 2], TOL);
}

#[test]
#[should_panic(expected = "not a tolerance")]
fn refuses_a_tolerance_that_is_nan() {
    assert_close(&[1.0], &[1.0], Tol::abs(f64::NAN));
}
