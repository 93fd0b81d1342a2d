use homolog_test::{Seeded, Tol, assert_close};

use super::*;

fn measured(values: &[f32], piece: usize) -> Measured {
    let mut measure = Measure::default();
    values.chunks(piece).for_each(|values| measure.add(values));
    measure.finish()
}

#[test]
fn moments_are_those_of_two_passes() {
    for (n, shift) in [(1, 0.0), (7, 0.0), (8, 0.5), (65, -0.2), (5000, 0.01)] {
        let values: Vec<f32> = Seeded::new(3).gaussians_f32(n, 0.02).iter().map(|v| v + shift).collect();
        let found = measured(&values, 3);
        let wide: Vec<f64> = values.iter().map(|&v| f64::from(v)).collect();
        let n = n as f64;
        let mean = wide.iter().sum::<f64>() / n;
        let moment = |power: i32| wide.iter().map(|v| (v - mean).powi(power)).sum::<f64>() / n;
        let tol = Tol { abs: 1e-12, rel: 1e-7 };
        assert_close(&[found.mean, found.sd], &[mean, moment(2).sqrt()], Tol { abs: 1e-9, rel: 1e-7 });
        assert_close(&[found.sum_squares], &[wide.iter().map(|v| v * v).sum()], tol);
        match found.kurtosis {
            Some(kurtosis) => assert_close(&[kurtosis], &[moment(4) / moment(2).powi(2)], tol),
            None => assert_eq!(values.len(), 1, "only one value has no spread"),
        }
        let least = values.iter().copied().fold(f32::INFINITY, f32::min);
        let greatest = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        assert_eq!((found.least, found.greatest, found.n_values), (least, greatest, values.len() as u64));
    }
}

#[test]
fn a_digest_is_of_the_values_and_of_every_one() {
    let values = Seeded::new(4).gaussians_f32(100, 1.0);
    let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    let whole = measured(&values, 100).digest;
    assert_eq!(whole, blake3::hash(&bytes).to_hex().to_string());
    assert_eq!(whole, measured(&values, 7).digest);
    let mut other = values.clone();
    other[99] += 1e-3;
    assert_ne!(whole, measured(&other, 100).digest);
}

#[test]
fn a_constant_has_no_kurtosis_and_no_spread() {
    let found = measured(&[0.1; 77], 10);
    assert_eq!((found.sd, found.kurtosis), (0.0, None));
    assert_eq!((found.least, found.greatest), (0.1, 0.1));
}

#[test]
fn distances_are_those_of_plain_sums() {
    let mut seeded = Seeded::new(5);
    for n in [0, 1, 7, 8, 9, 64, 65] {
        let (a, b) = (seeded.gaussians_f32(n, 1.0), seeded.gaussians_f32(n, 1.0));
        let wanted: f64 = a.iter().zip(&b).map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2)).sum();
        assert_close(&[squared_distance(&a, &b)], &[wanted], Tol { abs: 1e-15, rel: 1e-13 });
        assert_eq!(squared_distance(&a, &a), 0.0);
    }
}
