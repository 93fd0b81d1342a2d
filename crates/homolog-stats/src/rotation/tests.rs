#![expect(clippy::unwrap_used, reason = "tests")]

use homolog_test::{Seeded, Tol, assert_close, check_close, require_fixtures};

use super::*;

/// Rounding of 1e-16 times a condition number that rarely passes 1e4. Measured: 1.4e-15 against plain Gram-Schmidt up to
/// n = 200, 2.2e-16 against the goldens at n = 512.
const SAME_ROTATION: Tol = Tol::abs(1e-11);

const SIZES: [usize; 6] = [1, 2, 63, 64, 65, 200];

/// Largest |Q Q^T - I|.
fn deviation(q: &[f64], n: usize) -> f64 {
    let row = |i: usize| &q[i * n..(i + 1) * n];
    let dot = |i: usize, j: usize| row(i).iter().zip(row(j)).map(|(x, y)| x * y).sum::<f64>();
    let pairs = (0..n).flat_map(|i| (0..=i).map(move |j| (i, j)));
    pairs.map(|(i, j)| (dot(i, j) - f64::from(u8::from(i == j))).abs()).fold(0.0, f64::max)
}

/// Row by row, each less its projections on the rows before it, twice; no blocks.
fn plain_gram_schmidt(gaussians: &[f64], n: usize) -> Vec<f64> {
    let mut q: Vec<Vec<f64>> = Vec::new();
    for row in gaussians.chunks_exact(n) {
        let mut row = row.to_vec();
        for other in q.iter().chain(&q) {
            let dot: f64 = row.iter().zip(other).map(|(x, y)| x * y).sum();
            row.iter_mut().zip(other).for_each(|(x, y)| *x -= dot * y);
        }
        let norm = row.iter().map(|x| x * x).sum::<f64>().sqrt();
        q.push(row.iter().map(|x| x / norm).collect());
    }
    q.concat()
}

#[test]
fn is_orthogonal() {
    for n in SIZES {
        let q = haar_rotation(n, 7);
        assert_eq!(q.len(), n * n);
        let deviation = deviation(&q, n);
        assert!(deviation < 1e-12, "n {n}: {deviation:e}");
    }
    let mut bent = haar_rotation(65, 7);
    bent[64 * 65] += 1e-11;
    assert!(deviation(&bent, 65) > 1e-12, "a bent row would be seen");
}

#[test]
fn agrees_with_plain_gram_schmidt_on_an_independent_stream() {
    for n in SIZES {
        // The test crate's generator is the same one, written a second time.
        let mut seeded = Seeded::new(7);
        let gaussians: Vec<f64> = (0..n * n).map(|_| seeded.gaussian()).collect();
        let want = plain_gram_schmidt(&gaussians, n);
        let got = haar_rotation(n, 7);
        assert_close(&got, &want, SAME_ROTATION);
        if n > 2 {
            let transposed: Vec<f64> = (0..n * n).map(|at| got[at % n * n + at / n]).collect();
            assert!(check_close(&transposed, &want, SAME_ROTATION).is_err(), "columns for rows would be seen");
            assert!(check_close(&haar_rotation(n, 8), &want, SAME_ROTATION).is_err(), "another state would be seen");
        }
    }
}

#[test]
fn agrees_with_the_golden_corners() {
    let fixtures = require_fixtures!();
    let bytes = std::fs::read(fixtures.join("goldens/rotation_corner.npy")).unwrap();
    // [3 models][4 layers][4 rows][8 columns] after a header of 128 bytes.
    let golden: Vec<f64> = bytes[128..].as_chunks().0.iter().map(|&bytes| f64::from_le_bytes(bytes)).collect();
    assert_eq!(golden.len(), 3 * 4 * 4 * 8);
    for (at, golden) in golden.chunks_exact(4 * 8).enumerate() {
        let q = haar_rotation(512, rotation_state(0, at / 4, at % 4, 0));
        let corner: Vec<f64> = (0..4).flat_map(|row| q[row * 512..][..8].to_vec()).collect();
        assert_close(&corner, golden, SAME_ROTATION);
    }
}

#[test]
fn is_haar_distributed() {
    // Of Haar-orthogonal matrices the trace has mean 0 and variance 1, the determinant either sign equally often, and the
    // square of an entry mean 1/n. Rows normalised to a fixed sign would fail the first two.
    let (n, n_draws) = (3, 4000_u32);
    let mut traces = Vec::new();
    let mut n_negative = 0;
    let mut corner = 0.0;
    for state in 0..n_draws {
        let q = haar_rotation(n, u64::from(state).wrapping_mul(0x0123_4567_89AB_CDEF));
        traces.push(q[0] + q[4] + q[8]);
        let determinant = q[0] * (q[4] * q[8] - q[5] * q[7]) - q[1] * (q[3] * q[8] - q[5] * q[6])
            + q[2] * (q[3] * q[7] - q[4] * q[6]);
        n_negative += u32::from(determinant < 0.0);
        corner += q[8] * q[8];
    }
    let mean = |values: &[f64], power| values.iter().map(|x: &f64| x.powi(power)).sum::<f64>() / f64::from(n_draws);
    // Five standard errors: the trace's square has variance at most 2, an entry's square less than 0.1.
    assert!(mean(&traces, 1).abs() < 0.08, "trace {}", mean(&traces, 1));
    assert!((mean(&traces, 2) - 1.0).abs() < 0.12, "squared trace {}", mean(&traces, 2));
    assert!((f64::from(n_negative) / f64::from(n_draws) - 0.5).abs() < 0.04, "negative determinants {n_negative}");
    assert!((corner / f64::from(n_draws) - 1.0 / 3.0).abs() < 0.025, "last entry {corner}");
}

#[test]
fn the_state_is_the_documented_one() {
    assert_eq!(mix64(0), 0);
    assert_eq!(rotation_state(0, 2, 3, 0), 2003);
    assert_eq!(rotation_state(0, 2, 3, 5), 5_002_003);
    // SplitMix64 started at 0 gives mix64(its increment) first: published as e220a8397b1dcdaf.
    assert_eq!(mix64(0x9E37_79B9_7F4A_7C15), 0xE220_A839_7B1D_CDAF);
    assert_eq!(rotation_state(9, 2, 3, 5), mix64(9).wrapping_add(5_002_003));
}

#[test]
fn every_seed_model_layer_and_draw_has_its_own_state() {
    let mut states = Vec::new();
    for rng_seed in [0, 1, u64::MAX] {
        for model_idx in 0..5 {
            for layer in 0..48 {
                states.extend((0..4).map(|draw| rotation_state(rng_seed, model_idx, layer, draw)));
            }
        }
    }
    let n = states.len();
    states.sort_unstable();
    states.dedup();
    assert_eq!(states.len(), n);
}

#[test]
fn gaussian_rows_have_unit_norm() {
    for n in SIZES {
        let state = rotation_state(3, 1, 2, 0);
        let rows = gaussian_rows(n, state);
        let norms: Vec<f64> = rows.chunks_exact(n).map(|row| row.iter().map(|x| x * x).sum::<f64>().sqrt()).collect();
        assert_close(&norms, &vec![1.0; n], Tol::abs(1e-12));
        // The same Gaussians, so the same first row; the others are not made orthogonal.
        assert_close(&rows[..n], &haar_rotation(n, state)[..n], SAME_ROTATION);
        assert!(n == 1 || deviation(&rows, n) > 0.01, "rows of {n} came out orthogonal");
    }
}
