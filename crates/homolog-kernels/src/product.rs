//! f32 matrix products over a packed right-hand operand.
//!
//! Three products, one kernel: `product` (activations times weights, f32 result), `accumulate_transposed` (tokens
//! contracted, added to the f32 gradient of a weight) and `accumulate_gram` (tokens contracted, added to f64 totals). Every element is summed over k in ascending order, [`KC`] terms at a time in f32; nothing depends
//! on the number of rows, of columns or of threads, so neither do the bits.

mod kernel;
mod pack;
mod reference;
#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::ops::Range;

use crate::aligned::Aligned;
use crate::isa::Isa;
use kernel::Kernel;
pub use pack::Packed;
use pack::{Columns, Left, Rows};

/// Terms summed in one f32 accumulator: a 16-column panel of this depth fills half of a 32 KiB L1 cache.
const KC: usize = 256;

/// Rows of A packed at a time: with [`KC`] they fill about a quarter of a 512 KiB L2 cache.
const MC: usize = 96;

thread_local! {
    /// The packed block of A, [MC / MR][KC][MR]; kept, because a fresh mapping for every call costs page faults.
    static PACKED_A: Cell<Aligned> = Cell::default();
}

/// out = A B + bias, for the given columns of B.
///
/// Shapes: `a` [m, k] row-major with rows `a_stride` apart; `b` [k, n]; `columns` within 0..n, starting at a multiple of
/// [`Packed::COLUMN_STEP`]; `bias` [n], or none; `out` [m, `columns.len()`] with rows `out_stride` apart. `out` is not read.
/// Precision: f32, 256 terms in one accumulator; relative to |A||B| within 3e-6 of f64 at k = 3,072 (test
/// `agrees_with_float64`). NaN and infinity are carried.
/// Panics: if a shape does not fit (a bug in the caller).
pub fn product(
    (a, a_stride): (&[f32], usize),
    b: &Packed,
    columns: Range<usize>,
    bias: Option<&[f32]>,
    (out, out_stride): (&mut [f32], usize),
) {
    let width = columns.len();
    let m = (out.len() + out_stride - width).checked_div(out_stride).unwrap_or(0);
    if m == 0 || width == 0 {
        return;
    }
    assert!(b.n_rows() == 0 || a.len() >= (m - 1) * a_stride + b.n_rows(), "A has {} values for {m} rows", a.len());
    assert!(columns.end <= b.n_columns() && columns.start.is_multiple_of(Packed::COLUMN_STEP), "columns {columns:?}");
    assert!(bias.is_none_or(|bias| bias.len() == b.n_columns()), "bias is one value a column");
    assert!(out.len() >= (m - 1) * out_stride + width, "out has {} values for {m} rows", out.len());
    if b.n_rows() == 0 {
        for row in out.chunks_mut(out_stride).take(m) {
            (0..width).for_each(|j| row[j] = bias.map_or(0.0, |bias| bias[columns.start + j]));
        }
        return;
    }
    let task = ProductTask { a, a_stride, m, b, columns, bias, out_stride };
    match b.isa() {
        // SAFETY: `Packed` is made only for the set in force, which the CPU reports; shapes are checked above.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => unsafe { product_avx512(&task, out) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => unsafe { product_avx2(&task, out) },
        // SAFETY: the portable kernel needs no instruction set; shapes are checked above.
        _ => unsafe { product_body::<kernel::Portable>(&task, out) },
    }
}

/// total += A^T B, the contraction over tokens that correlation is made of.
///
/// Shapes: `a` [`n_tokens`, `n_a`], `b` [`n_tokens`, `n_b`], both packed; `total` [`n_a`, `n_b`] row-major f64.
/// Precision: products and sums f32 within 256 tokens, added to the f64 totals; correlations of centred data are within
/// 1e-6 of f64 (test `gram_agrees_with_float64`).
/// Panics: if a shape does not fit.
pub fn accumulate_gram(a: &Packed, b: &Packed, total: &mut [f64]) {
    assert_eq!(a.n_rows(), b.n_rows(), "both operands hold the same tokens");
    assert_eq!(total.len(), a.n_columns() * b.n_columns(), "total is [n_a, n_b]");
    match b.isa() {
        // SAFETY: as in `product`.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => unsafe { gram_avx512(a, b, total) },
        // SAFETY: as in `product`.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => unsafe { gram_avx2(a, b, total) },
        // SAFETY: as in `product`.
        _ => unsafe { gram_body::<kernel::Portable>(a, b, total) },
    }
}

/// out += A^T B, the gradient of a weight: X^T dY.
///
/// Shapes: `a` [k, m] row-major with rows `a_stride` apart; `b` [k, n]; `out` [m, n] with rows `out_stride` apart.
/// Precision: f32, 256 terms in one accumulator, which is then added to `out`; relative to |A||B| within 3e-6 of f64 at
/// k = 4,096 (test `transposed_agrees_with_float64`). NaN and infinity are carried.
/// Panics: if a shape does not fit.
pub fn accumulate_transposed(
    (a, a_stride): (&[f32], usize),
    m: usize,
    b: &Packed,
    (out, out_stride): (&mut [f32], usize),
) {
    let (k, n) = (b.n_rows(), b.n_columns());
    if m == 0 || n == 0 || k == 0 {
        return;
    }
    assert!(a_stride >= m && a.len() >= (k - 1) * a_stride + m, "A has {} values for {k} rows of {m}", a.len());
    assert!(out_stride >= n && out.len() >= (m - 1) * out_stride + n, "out has {} values for {m} rows", out.len());
    let a = Columns { values: a, stride: a_stride };
    match b.isa() {
        // SAFETY: as in `product`.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => unsafe { transposed_avx512(&a, m, b, out, out_stride) },
        // SAFETY: as in `product`.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => unsafe { transposed_avx2(&a, m, b, out, out_stride) },
        // SAFETY: as in `product`.
        _ => unsafe { transposed_body::<kernel::Portable>(&a, m, b, out, out_stride) },
    }
}

struct ProductTask<'a> {
    a: &'a [f32],
    a_stride: usize,
    m: usize,
    b: &'a Packed,
    columns: Range<usize>,
    bias: Option<&'a [f32]>,
    out_stride: usize,
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,avx512f")]
unsafe fn product_avx512(task: &ProductTask<'_>, out: &mut [f32]) {
    // SAFETY: this function enables the set that the kernel needs.
    unsafe { product_body::<kernel::Avx512>(task, out) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn product_avx2(task: &ProductTask<'_>, out: &mut [f32]) {
    // SAFETY: this function enables the set that the kernel needs.
    unsafe { product_body::<kernel::Avx2>(task, out) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,avx512f")]
unsafe fn gram_avx512(a: &Packed, b: &Packed, total: &mut [f64]) {
    // SAFETY: this function enables the set that the kernel needs.
    unsafe { gram_body::<kernel::Avx512>(a, b, total) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn gram_avx2(a: &Packed, b: &Packed, total: &mut [f64]) {
    // SAFETY: this function enables the set that the kernel needs.
    unsafe { gram_body::<kernel::Avx2>(a, b, total) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,avx512f")]
unsafe fn transposed_avx512(a: &Columns<'_>, m: usize, b: &Packed, out: &mut [f32], out_stride: usize) {
    // SAFETY: this function enables the set that the kernel needs.
    unsafe { transposed_body::<kernel::Avx512>(a, m, b, out, out_stride) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn transposed_avx2(a: &Columns<'_>, m: usize, b: &Packed, out: &mut [f32], out_stride: usize) {
    // SAFETY: this function enables the set that the kernel needs.
    unsafe { transposed_body::<kernel::Avx2>(a, m, b, out, out_stride) }
}

/// SAFETY: the caller enables K's instruction set and has checked the shapes.
#[inline(always)]
unsafe fn product_body<K: Kernel>(task: &ProductTask<'_>, out: &mut [f32]) {
    let ProductTask { a, a_stride, m, b, ref columns, bias, out_stride } = *task;
    let out_start = out.as_ptr();
    let touch = |row: usize, column: usize| {
        prefetch::<f32>(out_start.wrapping_add(row * out_stride + column - columns.start), K::NR);
    };
    let add = |row: usize, column: usize, sums: &[f32], is_first: bool| {
        let start = row * out_stride + column - columns.start;
        let out = &mut out[start..start + sums.len()];
        match bias {
            _ if !is_first => add_row::<K, f32>(out, sums, |out, sum| *out += sum),
            None => out.copy_from_slice(sums),
            Some(bias) => {
                let bias = &bias[column..column + sums.len()];
                (0..sums.len()).for_each(|j| out[j] = bias[j] + sums[j]);
            }
        }
    };
    // SAFETY: forwarded from the caller.
    unsafe { blocks::<K>(&Rows { values: a, stride: a_stride }, m, b, columns.clone(), touch, add) }
}

/// SAFETY: the caller enables K's instruction set and has checked the shapes.
#[inline(always)]
unsafe fn transposed_body<K: Kernel>(a: &Columns<'_>, m: usize, b: &Packed, out: &mut [f32], out_stride: usize) {
    let out_start = out.as_ptr();
    let touch = |row: usize, column: usize| prefetch::<f32>(out_start.wrapping_add(row * out_stride + column), K::NR);
    let add = |row: usize, column: usize, sums: &[f32], _| {
        let start = row * out_stride + column;
        add_row::<K, f32>(&mut out[start..start + sums.len()], sums, |out, sum| *out += sum);
    };
    // SAFETY: forwarded from the caller.
    unsafe { blocks::<K>(a, m, b, 0..b.n_columns(), touch, add) }
}

/// SAFETY: the caller enables K's instruction set and has checked the shapes.
#[inline(always)]
unsafe fn gram_body<K: Kernel>(a: &Packed, b: &Packed, total: &mut [f64]) {
    let n_b = b.n_columns();
    let total_start = total.as_ptr();
    let touch = |row: usize, column: usize| prefetch::<f64>(total_start.wrapping_add(row * n_b + column), K::NR);
    let add = |row: usize, column: usize, sums: &[f32], _| {
        let start = row * n_b + column;
        add_row::<K, f64>(&mut total[start..start + sums.len()], sums, |total, sum| *total += f64::from(sum));
    };
    // SAFETY: forwarded from the caller.
    unsafe { blocks::<K>(a, a.n_columns(), b, 0..n_b, touch, add) }
}

/// Add one row of a block. A full row has a length that the compiler knows, and so becomes a few vector instructions.
#[inline(always)]
fn add_row<K: Kernel, T>(out: &mut [T], sums: &[f32], add: impl Fn(&mut T, f32)) {
    if out.len() == K::NR {
        let (out, sums) = (&mut out[..K::NR], &sums[..K::NR]);
        for j in 0..K::NR {
            add(&mut out[j], sums[j]);
        }
    } else {
        out.iter_mut().zip(sums).for_each(|(out, &sum)| add(out, sum));
    }
}

/// Ask for the cache lines of `n` values that are about to be added to.
#[inline(always)]
fn prefetch<T>(start: *const T, n: usize) {
    #[cfg(target_arch = "x86_64")]
    for line in (0..n).step_by(64 / size_of::<T>()) {
        // SAFETY: SSE is part of x86-64, and a prefetch of any address is harmless.
        unsafe {
            std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(start.wrapping_add(line).cast());
        };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (start, n);
}

/// Walk A in blocks of [`MC`] rows and [`KC`] terms and B in panels of NR columns; hand every row of every MR x NR block of
/// sums to `add(row, first column, sums, whether these are its first)`, having announced it by `touch(row, first column)` before the sums are made.
///
/// SAFETY: the caller enables K's instruction set.
#[inline(always)]
unsafe fn blocks<K: Kernel>(
    a: &impl Left,
    m: usize,
    b: &Packed,
    columns: Range<usize>,
    touch: impl Fn(usize, usize),
    mut add: impl FnMut(usize, usize, &[f32], bool),
) {
    let mut sums = kernel::Sums([0.0; kernel::MAX_SUMS]);
    // Taken out rather than borrowed in a closure: a closure would not be compiled for the instruction set.
    let mut buffer = PACKED_A.take();
    buffer.grow(MC * KC);
    let packed_a = buffer.as_mut_slice();
    for k0 in (0..b.n_rows()).step_by(KC) {
        let depth = KC.min(b.n_rows() - k0);
        for m0 in (0..m).step_by(MC) {
            let height = MC.min(m - m0);
            a.pack::<K>(m0..m0 + height, k0..k0 + depth, packed_a);
            for column in columns.clone().step_by(K::NR) {
                let panel = &b.panel(column)[k0 * K::NR..(k0 + depth) * K::NR];
                let width = K::NR.min(columns.end - column);
                for row in (0..height).step_by(K::MR) {
                    let n_rows = K::MR.min(height - row);
                    (0..n_rows).for_each(|i| touch(m0 + row + i, column));
                    let rows = &packed_a[row * depth..(row + K::MR) * depth];
                    // SAFETY: `rows` holds depth * MR values and `panel` depth * NR; `sums` has room for MR * NR.
                    unsafe { K::multiply(depth, rows.as_ptr(), panel.as_ptr(), sums.0.as_mut_ptr()) };
                    for i in 0..n_rows {
                        add(m0 + row + i, column, &sums.0[i * K::NR..i * K::NR + width], k0 == 0);
                    }
                }
            }
        }
    }
    PACKED_A.set(buffer);
}
