use homolog_test::{Tol, assert_close};

use super::*;

const ROUNDING: Tol = Tol::abs(1e-12);

#[test]
fn the_threshold_named_is_just_below_the_excess() {
    for excess in [0.2954, 0.3, 0.29, 0.01, 0.0, 0.004, -0.03, 1.0, 0.999_999] {
        let named = below(excess);
        assert!(named < excess && excess - named <= 0.010_001, "{named} for {excess}");
    }
    assert_close(&[below(0.2954), below(0.3)], &[0.29, 0.29], ROUNDING);
}
