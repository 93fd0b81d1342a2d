use homolog_test::{Seeded, Tol, assert_close, check_close};

use super::*;

fn reference(values: &[f32], shift: &[f32], column: usize) -> [f64; 4] {
    let d = |row: &[f32]| f64::from(row[column] - shift[column]);
    [1, 2, 3, 4].map(|power| values.chunks_exact(shift.len()).map(|row| d(row).powi(power)).sum())
}

#[test]
fn agrees_with_float64_and_centres() {
    let mut seeded = Seeded::new(31);
    for (n_tokens, n) in [(0, 3), (1, 1), (63, 15), (64, 16), (65, 17), (300, 65)] {
        let values: Vec<f32> = seeded.gaussians_f32(n_tokens * n, 1.0).iter().map(|v| v + 0.5).collect();
        let shift = seeded.gaussians_f32(n, 1.0);
        let mut centred = values.clone();
        let mut sums = vec![PowerSums::EMPTY; n];
        centre_and_sum(&mut centred, &shift, &mut sums);
        for column in 0..n {
            let want = reference(&values, &shift, column);
            assert_close(&sums[column].of_powers, &want, Tol { abs: 1e-12, rel: 1e-12 });
            let in_column = || values.chunks_exact(n).map(|row| row[column]);
            assert_eq!(sums[column].min, in_column().fold(f32::INFINITY, f32::min));
            assert_eq!(sums[column].max, in_column().fold(f32::NEG_INFINITY, f32::max));
            assert_eq!(sums[column].n_positive, in_column().filter(|&x| x > 0.0).count() as u64);
        }
        for (at, (&x, &d)) in values.iter().zip(&centred).enumerate() {
            assert_eq!(d, x - shift[at % n]);
        }
    }
}

#[test]
fn chunks_change_no_bit_and_a_lost_token_would_be_seen() {
    let mut seeded = Seeded::new(32);
    let (n_tokens, n) = (101, 20);
    let values = seeded.gaussians_f32(n_tokens * n, 1.0);
    let shift = seeded.gaussians_f32(n, 1.0);
    let run = |values: &[f32], chunk: usize| {
        let mut sums = vec![PowerSums::EMPTY; n];
        values.chunks(chunk * n).for_each(|chunk| centre_and_sum(&mut chunk.to_vec(), &shift, &mut sums));
        sums
    };
    assert_eq!(run(&values, 7), run(&values, n_tokens));
    let (whole, short) = (run(&values, 101), run(&values[n..], 101));
    assert!(check_close(&short[0].of_powers, &whole[0].of_powers, Tol { abs: 1e-12, rel: 1e-12 }).is_err());
}
