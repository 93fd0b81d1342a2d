use homolog_test::{Seeded, Tol, assert_close, assert_close_f32, check_close};

use super::*;

mod precision;

/// Shapes around every tile edge, empty ones included; the last are wide enough for A to be packed.
const SHAPES: [(usize, usize, usize); 13] = [
    (0, 3, 4),
    (1, 0, 5),
    (1, 1, 1),
    (5, 7, 15),
    (6, 16, 16),
    (7, 17, 33),
    (63, 64, 65),
    (97, 255, 31),
    (12, 257, 64),
    (13, 513, 100),
    (3, 3072, 48),
    (65, 63, 513),
    (97, 258, 545),
];

#[test]
fn agrees_with_float64() {
    let mut seeded = Seeded::new(11);
    for (m, k, n) in SHAPES {
        let a = seeded.gaussians_f32(m * k, 1.0);
        let b = seeded.gaussians_f32(k * n, 1.0);
        let bias = seeded.gaussians_f32(n, 1.0);
        let want = reference::product(&a, &b, &bias, (m, k, n));
        // Sums of k products of unit Gaussians: |A||B| is about k.
        let tol = Tol { abs: 3e-6 * (k as f64).sqrt().max(1.0), rel: 1e-6 };
        let transposed: Vec<f32> = (0..n * k).map(|i| b[(i % k.max(1)) * n + i / k.max(1)]).collect();
        for packed in [Packed::from_rows(&b, n, k, n), Packed::from_columns(&transposed, k, k, n)] {
            let mut out = vec![f32::NAN; m * n];
            product((&a, k), &packed, 0..n, Some(&bias), (&mut out, n));
            assert_close_f32(&out, &want, tol);
        }
    }
}

#[test]
fn a_swapped_column_would_be_seen() {
    let mut seeded = Seeded::new(12);
    let (m, k, n) = (4, 9, 3);
    let (a, b) = (seeded.gaussians_f32(m * k, 1.0), seeded.gaussians_f32(k * n, 1.0));
    let want = reference::product(&a, &b, &[0.0; 3], (m, k, n));
    let mut swapped = want.clone();
    swapped.chunks_exact_mut(n).for_each(|row| row.swap(0, 1));
    assert!(check_close(&swapped, &want, Tol { abs: 1e-5, rel: 1e-6 }).is_err());
}

#[test]
fn strides_and_column_ranges_address_the_right_values() {
    let mut seeded = Seeded::new(13);
    let (m, k, n) = (9, 20, 100);
    let (a_stride, out_stride) = (k + 3, 70);
    let a = seeded.gaussians_f32(m * a_stride, 1.0);
    let b = seeded.gaussians_f32(k * n, 1.0);
    let tight: Vec<f32> = a.chunks_exact(a_stride).flat_map(|row| row[..k].to_vec()).collect();
    let want = reference::product(&tight, &b, &vec![0.0; n], (m, k, n));
    let mut out = vec![7.0; m * out_stride];
    product((&a, a_stride), &Packed::from_rows(&b, n, k, n), 32..100, None, (&mut out, out_stride));
    for i in 0..m {
        let row = &out[i * out_stride..(i + 1) * out_stride];
        assert_close_f32(&row[..68], &want[i * n + 32..(i + 1) * n], Tol { abs: 1e-5, rel: 1e-6 });
        assert_eq!(row[68..], [7.0; 2], "values between rows are left alone");
    }
}

#[test]
fn a_row_has_the_same_bits_alone_and_among_others() {
    let mut seeded = Seeded::new(14);
    let (m, k, n) = (101, 300, 37);
    let (a, b) = (seeded.gaussians_f32(m * k, 1.0), seeded.gaussians_f32(k * n, 1.0));
    let packed = Packed::from_rows(&b, n, k, n);
    let mut all = vec![0.0; m * n];
    product((&a, k), &packed, 0..n, None, (&mut all, n));
    for row in [0, 50, 100] {
        let mut alone = vec![0.0; n];
        product((&a[row * k..(row + 1) * k], k), &packed, 0..n, None, (&mut alone, n));
        assert_eq!(alone, all[row * n..(row + 1) * n], "row {row}");
    }
}

#[test]
fn a_column_has_the_same_bits_packed_and_in_place() {
    let mut seeded = Seeded::new(19);
    let (m, k, n) = (101, 300, 600);
    let (a, b) = (seeded.gaussians_f32(m * k, 1.0), seeded.gaussians_f32(k * n, 1.0));
    let packed = Packed::from_rows(&b, n, k, n);
    let mut all = vec![0.0; m * n];
    product((&a, k), &packed, 0..n, None, (&mut all, n));
    for columns in [0..32, 32..100, 64..576] {
        let width = columns.len();
        let mut some = vec![0.0; m * width];
        product((&a, k), &packed, columns.clone(), None, (&mut some, width));
        for (row, (some, all)) in some.chunks_exact(width).zip(all.chunks_exact(n)).enumerate() {
            assert_eq!(some, &all[columns.clone()], "row {row}, columns {columns:?}");
        }
    }
}

#[test]
fn nan_and_infinity_are_carried() {
    let mut a = vec![1.0; 4];
    let b = vec![1.0; 4 * 3];
    a[2] = f32::NAN;
    let mut out = vec![0.0; 3];
    product((&a, 4), &Packed::from_rows(&b, 3, 4, 3), 0..3, None, (&mut out, 3));
    assert!(out.iter().all(|v| v.is_nan()));
    a[2] = f32::INFINITY;
    product((&a, 4), &Packed::from_rows(&b, 3, 4, 3), 0..3, None, (&mut out, 3));
    assert_eq!(out, [f32::INFINITY; 3]);
}

#[test]
fn gram_agrees_with_float64() {
    let mut seeded = Seeded::new(15);
    for (t, m, n) in [(0, 2, 3), (1, 1, 1), (63, 5, 17), (64, 64, 65), (257, 33, 31), (4096, 7, 40)] {
        let (a, b) = (seeded.gaussians_f32(t * m, 1.0), seeded.gaussians_f32(t * n, 1.0));
        let start: Vec<f64> = (0..m * n).map(|_| seeded.gaussian()).collect();
        let mut total = start.clone();
        accumulate_gram(&Packed::from_rows(&a, m, t, m), &Packed::from_rows(&b, n, t, n), &mut total);
        let gram = reference::gram(&a, &b, (t, m, n));
        let want: Vec<f64> = start.iter().zip(gram).map(|(start, gram)| start + gram).collect();
        // Divided by t (unit variances) this is the error of a correlation.
        assert_close(&total, &want, Tol { abs: 1e-6 * (t as f64).max(1.0), rel: 0.0 });
    }
}

#[test]
fn transposed_agrees_with_float64() {
    let mut seeded = Seeded::new(16);
    for (k, m, n) in [
        (0, 3, 4),
        (1, 1, 1),
        (5, 6, 16),
        (7, 7, 17),
        (63, 5, 15),
        (64, 12, 32),
        (65, 97, 33),
        (257, 64, 65),
        (513, 96, 31),
        (4096, 13, 40),
        (63, 97, 129),
        (258, 65, 200),
    ] {
        let (a_stride, out_stride) = (m + 3, n + 2);
        let a = seeded.gaussians_f32(k * a_stride, 1.0);
        let b = seeded.gaussians_f32(k * n, 1.0);
        let start = seeded.gaussians_f32(m * out_stride, 1.0);
        let tight: Vec<f32> = a.chunks_exact(a_stride).flat_map(|row| row[..m].to_vec()).collect();
        let gram = reference::gram(&tight, &b, (k, m, n));
        let mut out = start.clone();
        // The last row of A and of the result may end where its values end.
        let (a, end) = (&a[..a.len().saturating_sub(3)], out.len() - 2);
        accumulate_transposed((a, a_stride), m, &Packed::from_rows(&b, n, k, n), (&mut out[..end], out_stride));
        let tol = Tol { abs: 3e-6 * (k as f64).sqrt().max(1.0), rel: 1e-6 };
        for i in 0..m {
            let (row, start) = (&out[i * out_stride..][..out_stride], &start[i * out_stride..][..out_stride]);
            let want: Vec<f64> = (0..n).map(|j| f64::from(start[j]) + gram[i * n + j]).collect();
            assert_close_f32(&row[..n], &want, tol);
            assert_eq!(row[n..], start[n..], "values between rows are left alone");
        }
    }
}

#[test]
fn a_lost_token_would_be_seen_in_the_transposed_product() {
    let mut seeded = Seeded::new(17);
    let (k, m, n) = (4096, 3, 4);
    let (a, b) = (seeded.gaussians_f32(k * m, 1.0), seeded.gaussians_f32(k * n, 1.0));
    let want = reference::gram(&a, &b, (k, m, n));
    let short = reference::gram(&a[m..], &b[n..], (k - 1, m, n));
    assert!(check_close(&short, &want, Tol { abs: 3e-6 * 64.0, rel: 1e-6 }).is_err());
}

#[test]
fn a_weight_has_the_same_gradient_bits_alone_and_among_others() {
    let mut seeded = Seeded::new(18);
    // Wide enough for A to be packed; alone it is read in place.
    let (k, m, n) = (600, 101, 170);
    let (a, b) = (seeded.gaussians_f32(k * m, 1.0), seeded.gaussians_f32(k * n, 1.0));
    let mut all = vec![0.0; m * n];
    accumulate_transposed((&a, m), m, &Packed::from_rows(&b, n, k, n), (&mut all, n));
    for (i, j) in [(0, 0), (50, 33), (100, 169)] {
        let mut alone = [0.0];
        accumulate_transposed((&a[i..], m), 1, &Packed::from_rows(&b[j..], n, k, 1), (&mut alone, 1));
        assert_eq!(alone[0], all[i * n + j], "weight {i}, {j}");
    }
}

#[test]
fn nan_and_infinity_are_carried_into_the_transposed_product() {
    let mut a = vec![1.0; 5 * 2];
    a[3] = f32::NAN;
    a[4] = f32::INFINITY;
    let mut out = vec![0.0; 2 * 3];
    accumulate_transposed((&a, 2), 2, &Packed::from_rows(&[1.0; 15], 3, 5, 3), (&mut out, 3));
    assert_eq!(out[..3], [f32::INFINITY; 3]);
    assert!(out[3..].iter().all(|v| v.is_nan()));
}

#[test]
fn a_reshaped_packing_forgets_its_past() {
    let mut packed = Packed::from_rows(&[9.0; 200], 20, 10, 20);
    packed.reshape(3, 2);
    packed.set_rows(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 2);
    let mut column = [0.0; 3];
    packed.copy_column(1, &mut column);
    assert_eq!(column, [2.0, 4.0, 6.0]);
    let mut total = [0.0; 4];
    accumulate_gram(&packed, &packed, &mut total);
    assert_eq!(total, [35.0, 44.0, 44.0, 56.0]);
}
