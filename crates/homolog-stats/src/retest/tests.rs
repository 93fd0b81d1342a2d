#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::overlap;

#[test]
fn both_directions_count_alike() {
    let a = [true, true, true, true, false, false];
    let b = [true, false, false, false, true, false];
    let want = f64::midpoint(1.0 / 4.0, 1.0 / 2.0);
    assert_eq!(retest(&overlap(&a, &b, 3)), Some(want));
    assert_eq!(retest(&overlap(&b, &a, 3)), Some(want));
    assert_eq!(retest(&overlap(&a, &[false; 6], 3)), None);
    assert_eq!(retest(&overlap(&[false; 6], &b, 3)), None);
}

#[test]
fn known_errors_say_how_many_come_back() {
    // Phi(1), of an estimate sqrt(2) standard errors above.
    let phi_1 = 0.841_344_746_068_543;
    let estimates =
        [(0.5 + 0.1 * 2.0_f64.sqrt(), Some(0.1)), (0.6, None), (0.7, Some(0.0)), (0.5, Some(0.1)), (0.2, None)];
    let got = expected_retest(estimates, 0.5).unwrap();
    assert!((got - (phi_1 + 2.0) / 3.0).abs() < 1e-10, "{got}");
    assert_eq!(expected_retest(estimates, 0.9), None);
}
