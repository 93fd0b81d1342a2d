//! The portable kernels, in a process of their own: the instruction set is chosen once a process.

use homolog_kernels::{Isa, Packed, accumulate_gram, accumulate_transposed, product};
use homolog_test::{Seeded, Tol, assert_close, assert_close_f32};

#[test]
fn the_portable_products_agree_with_float64() {
    Isa::force(Isa::Portable).expect("nothing has run yet");
    assert_eq!(Isa::current(), Isa::Portable);
    let mut seeded = Seeded::new(1);
    for (m, k, n) in [(1, 1, 1), (5, 17, 15), (64, 300, 65), (97, 64, 48)] {
        let (a, b) = (seeded.gaussians_f32(m * k, 1.0), seeded.gaussians_f32(k * n, 1.0));
        let sum = |i: usize, j: usize| (0..k).map(|t| f64::from(a[i * k + t]) * f64::from(b[t * n + j])).sum::<f64>();
        let want: Vec<f64> = (0..m * n).map(|ij| sum(ij / n, ij % n)).collect();
        let mut out = vec![0.0; m * n];
        product((&a, k), &Packed::from_rows(&b, n, k, n), 0..n, None, (&mut out, n));
        // Sums of k products of unit Gaussians in f32.
        let tol = Tol { abs: 3e-6 * (k as f64).sqrt(), rel: 1e-6 };
        assert_close_f32(&out, &want, tol);
        // A^T B with A given as its transpose: k tokens of m neurons.
        let rows: Vec<f32> = (0..k * m).map(|ti| a[ti % m * k + ti / m]).collect();
        out.fill(0.0);
        accumulate_transposed((&rows, m), m, &Packed::from_rows(&b, n, k, n), (&mut out, n));
        assert_close_f32(&out, &want, tol);
        let transposed = Packed::from_columns(&a, k, k, m);
        let mut total = vec![0.0; m * n];
        accumulate_gram(&transposed, &Packed::from_rows(&b, n, k, n), &mut total);
        assert_close(&total, &want, tol);
    }
}

#[test]
fn another_set_cannot_be_chosen_afterwards() {
    // Whichever test runs first, the process ends up portable, and stays so.
    Isa::force(Isa::Portable).expect("portable is always there");
    for other in Isa::available().into_iter().filter(|&isa| isa != Isa::Portable) {
        assert_eq!(Isa::force(other), Err(Isa::Portable));
    }
    assert_eq!(Isa::from_name(&Isa::Avx2.to_string()), Some(Isa::Avx2));
    assert_eq!(Isa::from_name("sse9"), None);
}
