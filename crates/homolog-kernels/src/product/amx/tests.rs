//! Everything about tiles but the unit itself, on any CPU: the unit's twin in its place. The hardware is tested with the other sets,
//! in `product/tests/precision.rs`.

use homolog_test::Seeded;

use super::*;
use crate::isa::Isa;
use crate::precision::Precision;
use crate::product::left::{Columns, Rows};
use crate::product::output::{Dense, First, Totals};
use crate::product::reference;

/// TDPBF16PS as the manual gives it, without the loss of subnormal numbers.
struct Twin;

impl Unit for Twin {
    unsafe fn configure() -> Self {
        Self
    }

    fn multiply(&self, n_steps: usize, is_split: bool, a: &[u32], b: &[u32], sums: &mut Sums) {
        sums.0.fill(0.0);
        // Which pair of tiles of A meets which of B.
        let pairs: &[(usize, usize)] = if is_split { &[(0, 0), (0, 2), (2, 2)] } else { &[(0, 0)] };
        let n_tiles = if is_split { 4 } else { 2 };
        for step in 0..n_steps {
            for &(of_a, of_b) in pairs {
                for (i, j) in (0..BLOCK).flat_map(|i| (0..BLOCK).map(move |j| (i, j))) {
                    let tile = |words: &[u32], tile: usize, word: usize| words[(step * n_tiles + tile) * WORDS + word];
                    let mut of_parity = [0.0_f32; 2];
                    for p in 0..TERMS / 2 {
                        let x = tile(a, of_a + i / SIDE, i % SIDE * SIDE + p);
                        let y = tile(b, of_b + j / SIDE, p * SIDE + j % SIDE);
                        let halves = |word: u32| [word << 16, word & 0xffff_0000].map(f32::from_bits);
                        let (x, y) = (halves(x), halves(y));
                        (0..2).for_each(|parity| of_parity[parity] = x[parity].mul_add(y[parity], of_parity[parity]));
                    }
                    sums.0[i * BLOCK + j] += of_parity[0] + of_parity[1];
                }
            }
        }
    }
}

#[test]
fn tiles_agree_with_float64() {
    let mut seeded = Seeded::new(31);
    for (m, k, n) in [(1, 1, 1), (17, 33, 31), (40, 70, 66), (257, 37, 33), (3, 2081, 5), (35, 1025, 37)] {
        let (a, b) = (seeded.gaussians_f32(m * k, 1.0), seeded.gaussians_f32(k * n, 1.0));
        let columns_of_a: Vec<f32> = (0..k * m).map(|at| a[at % m * k + at / m]).collect();
        let columns_of_b: Vec<f32> = (0..n * k).map(|at| b[at % k * n + at / k]).collect();
        for precision in [Precision::Bf16x3, Precision::Bf16] {
            let (want, size) = reference::product_in(precision, &a, &b, (m, k, n));
            let zeros = |n| Packed::zeros_for(Isa::Amx, precision, k, n);
            let (mut of_a, mut by_rows, mut by_columns) = (zeros(m), zeros(n), zeros(n));
            of_a.set_rows(&columns_of_a, m);
            by_rows.set_rows(&b, n);
            by_columns.set_columns(&columns_of_b, k);
            let (mut product, mut transposed, mut total) = (vec![f32::NAN; m * n], vec![0.0; m * n], vec![0.0; m * n]);
            // SAFETY: the twin needs nothing.
            unsafe {
                let first = First::Overwrites(None);
                let out = Dense { out: &mut product, stride: n, first_column: 0, first };
                blocks::<Twin, _, _>(&Rows { values: &a, stride: k }, m, &by_rows, 0..n, out);
                let out = Dense { out: &mut transposed, stride: n, first_column: 0, first: First::Adds };
                blocks::<Twin, _, _>(&Columns { values: &columns_of_a, stride: m }, m, &by_columns, 0..n, out);
                blocks::<Twin, _, _>(&of_a, m, &by_rows, 0..n, Totals { total: &mut total, n_columns: n });
            }
            assert_eq!(product, transposed, "{precision} {:?}", (m, k, n));
            let wide = product.iter().map(|&v| f64::from(v));
            for (at, got) in wide.chain(total).enumerate() {
                let (want, size) = (want[at % (m * n)], size[at % (m * n)]);
                assert!((got - want).abs() <= 1e-6 * size, "{precision} {:?} at {at}: {got} for {want}", (m, k, n));
            }
        }
    }
}

#[test]
fn values_come_back_as_they_were_packed() {
    let values: Vec<f32> = Seeded::new(32).gaussians_f32(45 * 50, 1.0);
    for (precision, error) in [(Precision::Bf16x3, 2.0_f32.powi(-17)), (Precision::Bf16, 2.0_f32.powi(-8))] {
        let mut packed = Packed::zeros_for(Isa::Amx, precision, 45, 50);
        packed.set_rows(&values, 50);
        assert!(packed.has_finite_tiles());
        let mut column = [0.0; 45];
        for j in 0..50 {
            packed.copy_column(j, &mut column);
            for (i, got) in column.iter().enumerate() {
                let want = values[i * 50 + j];
                assert!((got - want).abs() <= error * want.abs(), "{precision} {i} {j}: {got} for {want}");
            }
        }
        let mut special = values.clone();
        special[44 * 50 + 49] = f32::NEG_INFINITY;
        packed.set_rows(&special, 50);
        assert!(!packed.has_finite_tiles());
        packed.copy_column(49, &mut column);
        assert_eq!(column[44], f32::NEG_INFINITY);
        packed.set_rows(&values, 50);
        assert!(packed.has_finite_tiles());
    }
}
