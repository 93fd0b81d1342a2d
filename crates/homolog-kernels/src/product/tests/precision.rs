//! Every available instruction set in every precision, one body: against the twin of rounded operands, whose bound is that of f32
//! sums, and against the twin of the operands as they are, whose bound is the precision's own.

#![expect(clippy::print_stdout, reason = "what was skipped, and what was measured")]

use homolog_test::{Seeded, Tol, assert_close_f32, check_close};

use super::*;

/// The largest error against the twin of rounded operands, relative to |A||B|: what 1,024 terms in one accumulator cost.
const OF_SUMS: f64 = 1e-6;
/// What accumulators that have no subnormal numbers may lose, absolutely.
const SUBNORMAL: f64 = 1e-36;

/// Against the twin of exact operands, relative to |A||B|, on Gaussians.
fn bound(precision: Precision) -> f64 {
    match precision {
        Precision::F32 => OF_SUMS,
        // Of either operand 2^-17 is in neither half, and lo lo is left out: 2^-16 at most. Measured: 6.3e-6.
        Precision::Bf16x3 => 3.1e-5,
        // Of either operand 2^-8 at most. Measured: 3.2e-3.
        Precision::Bf16 => 7.9e-3,
    }
}

/// Every available set in every precision; [`every_set_is_tested`] tells of those that are not.
fn each(mut test: impl FnMut(Isa, Precision)) {
    for isa in Isa::available() {
        for precision in Precision::ALL {
            test(isa, precision);
        }
    }
}

#[test]
fn every_set_is_tested() {
    for isa in Isa::ALL {
        if let Some(why) = isa.why_not() {
            println!("SKIPPED: products with {isa}, for {why}");
        }
    }
}

fn from_rows(isa: Isa, precision: Precision, b: &[f32], stride: usize, (n_rows, n_columns): (usize, usize)) -> Packed {
    let mut packed = Packed::zeros_for(isa, precision, n_rows, n_columns);
    packed.set_rows(b, stride);
    packed
}

/// The largest |got - want| / size, where a few f32 subnormals do not count.
fn worst(got: impl Iterator<Item = f64>, want: &[f64], size: &[f64]) -> f64 {
    got.zip(want.iter().zip(size))
        .map(|(got, (want, size))| {
            let error = ((got - want).abs() - SUBNORMAL).max(0.0);
            assert!(!error.is_nan(), "{got} for {want}");
            if error == 0.0 { 0.0 } else { error / size }
        })
        .fold(0.0, f64::max)
}

fn transposed(values: &[f32], n_columns: usize) -> Vec<f32> {
    let n_rows = values.len().checked_div(n_columns).unwrap_or(0);
    (0..values.len()).map(|i| values[i % n_rows * n_columns + i / n_rows]).collect()
}

/// Ones, primes, and both sides of every tile and block edge; the widest are not read in place.
const SHAPES: [(usize, usize, usize); 16] = [
    (1, 1, 1),
    (2, 3, 5),
    (7, 31, 17),
    (16, 32, 16),
    (15, 33, 31),
    (32, 64, 32),
    (33, 63, 33),
    (31, 65, 64),
    (13, 127, 97),
    (5, 129, 48),
    (97, 257, 61),
    (257, 37, 95),
    (3, 1025, 33),
    (34, 513, 35),
    (2, 3072, 50),
    (99, 41, 545),
];

#[test]
fn products_of_every_precision_agree_with_float64() {
    let mut seeded = Seeded::new(21);
    let mut measured = std::collections::BTreeMap::new();
    for (m, k, n) in SHAPES {
        let (a, b) = (seeded.gaussians_f32(m * k, 1.0), seeded.gaussians_f32(k * n, 1.0));
        let bias = seeded.gaussians_f32(n, 1.0);
        let (columns_of_a, columns_of_b) = (transposed(&a, k), transposed(&b, n));
        let (exact, size) = reference::product_in(Precision::F32, &a, &b, (m, k, n));
        each(|isa, precision| {
            let (want, _) = reference::product_in(precision, &a, &b, (m, k, n));
            let packed = from_rows(isa, precision, &b, n, (k, n));
            let mut by_columns = Packed::zeros_for(isa, precision, k, n);
            by_columns.set_columns(&columns_of_b, k);

            let mut out = vec![f32::NAN; m * n];
            product((&a, k), &packed, 0..n, None, (&mut out, n));
            let of_out = |out: &[f32]| out.iter().map(|&v| f64::from(v)).collect::<Vec<_>>();
            let product_out = of_out(&out);
            let mut again = vec![f32::NAN; m * n];
            product((&a, k), &by_columns, 0..n, None, (&mut again, n));
            assert_eq!(again, out, "{isa} {precision}: packed by rows and by columns");
            product((&a, k), &packed, 0..n, Some(&bias), (&mut again, n));
            let with_bias: Vec<f64> = (0..m * n).map(|i| want[i] + f64::from(bias[i % n])).collect();
            let tol = Tol { abs: 2.0 * OF_SUMS * (k as f64).max(8.0), rel: 1e-6 };
            assert_close_f32(&again, &with_bias, tol);

            let mut out = vec![0.0; m * n];
            accumulate_transposed((&columns_of_a, m), m, &packed, (&mut out, n));
            let transposed_out = of_out(&out);

            let mut total = vec![0.0; m * n];
            accumulate_gram(&from_rows(isa, precision, &columns_of_a, m, (k, m)), &packed, &mut total);

            for (what, got) in [("product", product_out), ("transposed", transposed_out), ("gram", total)] {
                let error = worst(got.iter().copied(), &want, &size);
                assert!(error <= OF_SUMS, "{isa} {precision} {what} {:?}: {error:e} of rounded operands", (m, k, n));
                let error = worst(got.iter().copied(), &exact, &size);
                assert!(error <= bound(precision), "{isa} {precision} {what} {:?}: {error:e}", (m, k, n));
                let largest = measured.entry((isa, precision, what)).or_insert(0.0_f64);
                *largest = largest.max(error);
            }
        });
    }
    for ((isa, precision, what), error) in measured {
        println!("{isa} {precision} {what}: within {error:.1e} |A||B| of float64");
    }
}

#[test]
fn a_precision_that_is_not_the_one_asked_for_would_be_seen() {
    let mut seeded = Seeded::new(22);
    let (m, k, n) = (9, 300, 40);
    let (a, b) = (seeded.gaussians_f32(m * k, 1.0), seeded.gaussians_f32(k * n, 1.0));
    let [exact, split, rounded] = Precision::ALL.map(|precision| reference::product_in(precision, &a, &b, (m, k, n)));
    for (one, other) in [(&exact, &split), (&exact, &rounded), (&split, &rounded)] {
        assert!(worst(one.0.iter().copied(), &other.0, &exact.1) > OF_SUMS);
    }
    // Without the product of one's hi and the other's lo, split operands would be little better than rounded ones.
    let only_a: Vec<f32> = b.iter().map(|&x| crate::precision::rounded(x)).collect();
    let (half, _) = reference::product_in(Precision::Bf16x3, &a, &only_a, (m, k, n));
    assert!(worst(half.into_iter(), &exact.0, &exact.1) > bound(Precision::Bf16x3));
}

#[test]
fn every_precision_has_strides_and_ranges_of_columns() {
    let mut seeded = Seeded::new(23);
    let (m, k, n) = (37, 70, 130);
    let (a_stride, out_stride) = (k + 3, 105);
    let a = seeded.gaussians_f32(m * a_stride, 1.0);
    let b = seeded.gaussians_f32(k * (n + 1), 1.0);
    each(|isa, precision| {
        let packed = from_rows(isa, precision, &b, n + 1, (k, n));
        let mut all = vec![0.0; m * n];
        product((&a, a_stride), &packed, 0..n, None, (&mut all, n));
        let mut out = vec![7.0; m * out_stride];
        product((&a, a_stride), &packed, 32..n, None, (&mut out, out_stride));
        for (out, all) in out.chunks_exact(out_stride).zip(all.chunks_exact(n)) {
            assert_eq!(out[..n - 32], all[32..], "{isa} {precision}");
            assert_eq!(out[n - 32..], [7.0; 7], "{isa} {precision}: values between rows are left alone");
        }
        // A row alone has the bits that it has among others.
        let mut alone = vec![0.0; n];
        product((&a[33 * a_stride..33 * a_stride + k], k), &packed, 0..n, None, (&mut alone, n));
        assert_eq!(alone, all[33 * n..34 * n], "{isa} {precision}");
        let tight: Vec<f32> = a.chunks_exact(a_stride).flat_map(|row| &row[..k]).copied().collect();
        let b: Vec<f32> = b.chunks_exact(n + 1).flat_map(|row| &row[..n]).copied().collect();
        let (want, _) = reference::product_in(precision, &tight, &b, (m, k, n));
        assert_close_f32(&all, &want, Tol { abs: OF_SUMS * k as f64, rel: 1e-6 });
    });
}

#[test]
fn every_precision_takes_empty_operands() {
    each(|isa, precision| {
        let empty = from_rows(isa, precision, &[], 3, (0, 3));
        let mut out = [7.0; 6];
        product((&[], 0), &empty, 0..3, Some(&[1.0, 2.0, 3.0]), (&mut out, 3));
        assert_eq!(out, [1.0, 2.0, 3.0, 1.0, 2.0, 3.0], "{isa} {precision}: no terms leave the bias");
        accumulate_transposed((&[], 2), 2, &empty, (&mut out, 3));
        assert_eq!(out[..3], [1.0, 2.0, 3.0]);
        let mut total = [5.0; 9];
        accumulate_gram(&empty, &empty, &mut total);
        assert_eq!(total, [5.0; 9]);
        let narrow = from_rows(isa, precision, &[], 0, (3, 0));
        product((&[1.0; 6], 3), &narrow, 0..0, None, (&mut [], 0));
        accumulate_gram(&from_rows(isa, precision, &[1.0; 6], 2, (3, 2)), &narrow, &mut []);
        product((&[], 3), &from_rows(isa, precision, &[1.0; 6], 2, (3, 2)), 0..2, None, (&mut [], 2));
    });
}

/// Products with NaN or an infinity on either side: what f64 gives, NaN for NaN and infinity for infinity.
#[test]
fn every_precision_carries_nan_and_infinity_as_float64_does() {
    const SPECIAL: [f32; 5] = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0, 1.0];
    let (m, k, n) = (35, 70, 37);
    let mut seeded = Seeded::new(24);
    for (seed, of_a, of_b) in [(0, true, false), (1, false, true), (2, true, true)] {
        let (mut a, mut b) = (seeded.gaussians_f32(m * k, 1.0), seeded.gaussians_f32(k * n, 1.0));
        for i in 0..5 {
            // In rows 0, 8, .. of A and columns 0, 8, .. of B; where they meet, in a term they share.
            if of_a {
                a[8 * i * k + 7 * i] = SPECIAL[i];
            }
            if of_b {
                b[7 * i * n + 8 * ((i + seed) % 5)] = SPECIAL[(i + 1) % 5];
            }
        }
        let (want, _) = reference::product_in(Precision::F32, &a, &b, (m, k, n));
        assert!(want.iter().any(|v| v.is_nan()) && want.iter().any(|v| v.is_infinite()));
        let columns_of_a = transposed(&a, k);
        each(|isa, precision| {
            let packed = from_rows(isa, precision, &b, n, (k, n));
            let mut out = vec![0.0; m * n];
            product((&a, k), &packed, 0..n, None, (&mut out, n));
            let mut total = vec![0.0; m * n];
            accumulate_gram(&from_rows(isa, precision, &columns_of_a, m, (k, m)), &packed, &mut total);
            let product = out.iter().map(|&v| f64::from(v));
            for (at, (want, got)) in want.iter().cycle().zip(product.chain(total)).enumerate() {
                let is_same = match *want {
                    want if want.is_nan() => got.is_nan(),
                    want if want.is_infinite() => got == want,
                    _ => got.is_finite(),
                };
                assert!(is_same, "{isa} {precision}, case {seed}: element {at} is {got}, not {want}");
            }
        });
    }
}

#[test]
#[should_panic(expected = "packed alike")]
fn operands_of_other_precisions_are_not_mixed() {
    let [f32, _, bf16] = Precision::ALL.map(|precision| Packed::from_rows_in(precision, &[1.0], 1, 1, 1));
    accumulate_gram(&f32, &bf16, &mut [0.0]);
}

#[test]
fn a_reshaped_packing_of_every_precision_forgets_its_past() {
    each(|isa, precision| {
        let mut packed = from_rows(isa, precision, &[9.0; 50 * 40], 40, (50, 40));
        packed.reshape(3, 2);
        packed.set_rows(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 2);
        let mut column = [0.0; 3];
        packed.copy_column(1, &mut column);
        assert_eq!(column, [2.0, 4.0, 6.0], "{isa} {precision}");
        let mut total = [0.0; 4];
        accumulate_gram(&packed, &packed, &mut total);
        assert_eq!(total, [35.0, 44.0, 44.0, 56.0], "{isa} {precision}");
        packed.reshape(2, 35);
        packed.set_columns(&[3.0; 70], 2);
        let mut total = vec![0.0; 35 * 35];
        accumulate_gram(&packed, &packed, &mut total);
        assert!(check_close(&total, &[18.0; 35 * 35], Tol::abs(0.0)).is_ok(), "{isa} {precision}");
    });
}
