#![expect(clippy::unwrap_used, reason = "tests")]

use homolog_test::{Seeded, Tol, assert_close, check_close};
use proptest::prelude::*;
use statrs::distribution::{ContinuousCDF, Normal};

use super::*;

const P: [f64; 11] = [0.01, 0.04, 0.5, 0.0001, 0.03, 0.03, 0.9, 1.0, 0.0, 0.2, 0.003];
/// Products and quotients in another order.
const TOL: Tol = Tol { abs: 0.0, rel: 1e-14 };

fn all_defined(q: &[Option<f64>]) -> Vec<f64> {
    q.iter().map(|q| q.unwrap()).collect()
}

#[test]
fn q_values_are_those_of_scipy_and_statsmodels() {
    // scipy 1.17.1, stats.false_discovery_control(p, method="bh") and "by"; statsmodels 0.15.0, multipletests(p,
    // method="fdr_bh") and "fdr_by" agree to 1.2e-16.
    let bh = [
        0.0275,
        0.062_857_142_857_142_86,
        0.611_111_111_111_111_2,
        0.000_55,
        0.055,
        0.055,
        0.99,
        1.0,
        0.0,
        0.275,
        0.011,
    ];
    let by = [
        0.083_046_626_984_126_97,
        0.189_820_861_678_004_52,
        1.0,
        0.001_660_932_539_682_539_7,
        0.166_093_253_968_253_95,
        0.166_093_253_968_253_95,
        1.0,
        1.0,
        0.0,
        0.830_466_269_841_269_8,
        0.033_218_650_793_650_786,
    ];
    let p = P.map(Some);
    assert_close(&all_defined(&benjamini_hochberg(&p)), &bh, TOL);
    assert_close(&all_defined(&benjamini_yekutieli(&p)), &by, TOL);
    assert!(check_close(&all_defined(&benjamini_yekutieli(&p)), &bh, TOL).is_err());
}

#[test]
fn undefined_ones_are_not_of_the_family() {
    let mut p: Vec<Option<f64>> = P.map(Some).to_vec();
    let want = benjamini_hochberg(&p);
    p.insert(3, None);
    p.push(None);
    let mut got = benjamini_hochberg(&p);
    assert_eq!((got.pop().unwrap(), got.remove(3)), (None, None));
    assert_eq!(got, want);
    assert_eq!(benjamini_yekutieli(&[None, None]), [None, None]);
    assert_eq!(benjamini_hochberg(&[]), []);
    assert_eq!(benjamini_hochberg(&[Some(0.3)]), [Some(0.3)]);
}

#[test]
#[should_panic(expected = "between 0 and 1")]
fn a_p_value_that_is_not_a_number_is_refused() {
    benjamini_hochberg(&[Some(0.5), Some(f64::NAN)]);
}

/// Share of false ones among what is rejected at q <= 0.1, and of the true effects found, each a mean over worlds.
///
/// A world: 500 one-sided tests, of which 100 are shifted by three standard deviations; all share a part of their noise.
fn rates(n_worlds: u64, shared: f64, q_values: fn(&[Option<f64>]) -> Vec<Option<f64>>) -> (Vec<f64>, f64) {
    let normal = Normal::new(0.0, 1.0).unwrap();
    let mut power = 0.0;
    let of_world = |world: u64| {
        let mut seeded = Seeded::new(5000 + world);
        let common = shared.sqrt() * seeded.gaussian();
        let p: Vec<Option<f64>> = (0..500)
            .map(|at| {
                let effect = if at < 100 { 3.0 } else { 0.0 };
                Some(normal.cdf(-(effect + common + (1.0 - shared).sqrt() * seeded.gaussian())))
            })
            .collect();
        let is_rejected = |q: &Option<f64>| q.is_some_and(|q| q <= 0.1);
        let q = q_values(&p);
        let n_true = q[..100].iter().filter(|q| is_rejected(q)).count();
        let n_false = q[100..].iter().filter(|q| is_rejected(q)).count();
        power += n_true as f64 / 100.0 / n_worlds as f64;
        n_false as f64 / (n_true + n_false).max(1) as f64
    };
    ((0..n_worlds).map(of_world).collect(), power)
}

#[test]
#[expect(clippy::print_stdout, reason = "what was found is worth reading")]
fn false_discoveries_stay_below_the_rate_that_is_asked_for() {
    for shared in [0.0, 0.3] {
        let rate = |name: &str, q_values: fn(&[Option<f64>]) -> Vec<Option<f64>>| {
            let (shares, power) = rates(200, shared, q_values);
            let mean = shares.iter().sum::<f64>() / 200.0;
            let var = shares.iter().map(|share| (share - mean).powi(2)).sum::<f64>() / 199.0;
            let se = (var / 200.0).sqrt();
            println!(
                "{name}, {shared} of the noise shared: {mean:.4} -+ {se:.4} false, {power:.3} of the effects found"
            );
            (mean, se, power)
        };
        let (bh, se, power) = rate("Benjamini-Hochberg", benjamini_hochberg);
        assert!(bh < 0.1 + 2.0 * se && power > 0.6, "{bh}, {power}");
        // Exactly 0.1 times the share of nulls where they are independent.
        assert!(shared > 0.0 || (bh - 0.08).abs() < 4.0 * se, "{bh} -+ {se}");
        let (by, se, power) = rate("Benjamini-Yekutieli", benjamini_yekutieli);
        assert!(by < 0.1 / 6.0 + 2.0 * se && power > 0.3, "{by}, {power}");
        // Mutant: p-values taken for q-values.
        assert!(rate("none", <[Option<f64>]>::to_vec).0 > 0.2);
    }
}

proptest! {
    #[test]
    fn q_values_keep_order_and_are_no_smaller_than_p(
        p in prop::collection::vec(prop::option::of(0.0..=1.0), 0..40),
    ) {
        let (bh, by) = (benjamini_hochberg(&p), benjamini_yekutieli(&p));
        for at in 0..p.len() {
            prop_assert_eq!(p[at].is_some(), bh[at].is_some());
            prop_assert!(p[at] <= bh[at] && bh[at] <= by[at] && by[at] <= Some(1.0));
            for other in 0..p.len() {
                prop_assert!(p[at] > p[other] || (bh[at] <= bh[other] && by[at] <= by[other]) || p[at].is_none());
            }
        }
        // The largest is itself.
        let largest = p.iter().flatten().copied().fold(f64::NAN, f64::max);
        prop_assert!(largest.is_nan() || bh.iter().flatten().any(|&q| (q - largest).abs() < 1e-15));
    }
}
