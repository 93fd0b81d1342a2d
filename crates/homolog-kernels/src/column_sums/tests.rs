use homolog_test::{Seeded, Tol, assert_close_f32, check_close};

use super::add_column_sums;

fn reference(values: &[f32], start: &[f32]) -> Vec<f64> {
    let n = start.len();
    let column = |j: usize| values.iter().skip(j).step_by(n).map(|&v| f64::from(v)).sum::<f64>();
    (0..n).map(|j| f64::from(start[j]) + column(j)).collect()
}

#[test]
fn agrees_with_float64() {
    let mut seeded = Seeded::new(61);
    for (n_rows, n) in [(0, 3), (1, 1), (63, 63), (64, 64), (65, 65), (255, 15), (257, 17), (2048, 130)] {
        let values = seeded.gaussians_f32(n_rows * n, 1.0);
        let start = seeded.gaussians_f32(n, 1.0);
        let mut sums = start.clone();
        add_column_sums(&values, &mut sums);
        let tol = Tol { abs: 2e-6 * (n_rows as f64).sqrt().max(1.0), rel: 0.0 };
        assert_close_f32(&sums, &reference(&values, &start), tol);
    }
}

#[test]
fn a_lost_row_would_be_seen_and_nan_is_carried() {
    let mut seeded = Seeded::new(62);
    let (n_rows, n) = (300, 70);
    let mut values = seeded.gaussians_f32(n_rows * n, 1.0);
    let want = reference(&values, &vec![0.0; n]);
    let short = reference(&values[n..], &vec![0.0; n]);
    assert!(check_close(&short, &want, Tol { abs: 2e-6 * 300.0_f64.sqrt(), rel: 0.0 }).is_err());
    values[280 * n + 69] = f32::NAN;
    let mut sums = vec![0.0; n];
    add_column_sums(&values, &mut sums);
    assert!(sums[69].is_nan() && sums[..69].iter().all(|v| v.is_finite()));
}

#[test]
fn a_column_has_the_same_bits_alone_and_among_others() {
    let mut seeded = Seeded::new(63);
    let values = seeded.gaussians_f32(500 * 70, 1.0);
    let mut sums = vec![0.0; 70];
    add_column_sums(&values, &mut sums);
    for j in [0, 63, 64, 69] {
        let column: Vec<f32> = values.iter().copied().skip(j).step_by(70).collect();
        let mut alone = [0.0];
        add_column_sums(&column, &mut alone);
        assert_eq!(alone[0], sums[j], "column {j}");
    }
}
