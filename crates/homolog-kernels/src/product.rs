//! Matrix products over a packed right-hand operand, whose precision they follow.
//!
//! Three products, one kernel: `product` (activations times weights, f32 result), `accumulate_transposed` (tokens
//! contracted, added to the f32 gradient of a weight) and `accumulate_gram` (tokens contracted, added to f64 totals). Every
//! element is summed over k in blocks of terms, each in f32; nothing depends on the number of rows, of columns or of threads, so
//! neither do the bits.

#[cfg(target_arch = "x86_64")]
mod amx;
mod kernel;
mod left;
mod output;
mod pack;
mod reference;
mod rounded;
#[cfg(test)]
mod tests;
mod tiles;

use std::cell::Cell;
use std::ops::Range;

use crate::aligned::Aligned;
use crate::isa::Isa;
use crate::precision::Precision;
use kernel::{Base, Kernel};
use left::{Columns, Left, Rows};
use output::{Dense, First, Output, Totals};
pub use pack::Packed;

/// Terms summed in one f32 accumulator: a 16-column panel of this depth fills half of a 32 KiB L1 cache.
const KC: usize = 256;

/// The same where a term takes three products: then 384 are summed.
const SPLIT_KC: usize = 128;

/// Blocks of [`KC`] terms whose f32 sums are added to each other before they go into f64 totals: reading and writing those takes as
/// long as a few hundred terms.
const RUN: usize = 4;

/// Rows of A packed at a time for such a run: with its terms they fill 192 KiB of the L2 cache.
const RUN_ROWS: usize = 48;

/// Rows of A packed at a time: with [`KC`] they fill about a quarter of a 512 KiB L2 cache.
const MC: usize = 96;

thread_local! {
    /// The packed block of A, [MC / MR][KC][MR]; kept, because a fresh mapping for every call costs page faults.
    static PACKED_A: Cell<Aligned> = Cell::default();
    /// A rounded or split panel of B and block of A, kept likewise.
    static ROUNDED: Cell<Aligned> = Cell::default();
}

/// out = A B + bias, for the given columns of B.
///
/// Shapes: `a` [m, k] row-major with rows `a_stride` apart; `b` [k, n]; `columns` within 0..n, starting at a multiple of
/// [`Packed::COLUMN_STEP`]; `bias` [n], or none; `out` [m, `columns.len()`] with rows `out_stride` apart. `out` is not read.
/// Precision: that of B. f32 sums 256 terms in one accumulator: relative to |A||B| within 3e-6 of f64 at k = 3,072 (test
/// `agrees_with_float64`); bf16x3 within 7e-6, bf16 within 4e-3 (test
/// `products_of_every_precision_agree_with_float64`). NaN and infinity are carried as by a product in f64; beyond 3.39e38 bf16 has
/// infinity only.
/// Panics: if a shape does not fit (a bug in the caller).
pub fn product(a: (&[f32], usize), b: &Packed, columns: Range<usize>, bias: Option<&[f32]>, out: (&mut [f32], usize)) {
    product_of_first_rows(a, b, b.n_rows(), columns, bias, out);
}

/// [`product`] with the first `k` rows of B.
pub(crate) fn product_of_first_rows(
    (a, a_stride): (&[f32], usize),
    b: &Packed,
    k: usize,
    columns: Range<usize>,
    bias: Option<&[f32]>,
    (out, out_stride): (&mut [f32], usize),
) {
    let width = columns.len();
    let m = (out.len() + out_stride - width).checked_div(out_stride).unwrap_or(0);
    if m == 0 || width == 0 {
        return;
    }
    assert!(k <= b.n_rows(), "{k} rows of {}", b.n_rows());
    assert!(k == 0 || a.len() >= (m - 1) * a_stride + k, "A has {} values for {m} rows", a.len());
    assert!(columns.end <= b.n_columns() && columns.start.is_multiple_of(Packed::COLUMN_STEP), "columns {columns:?}");
    assert!(bias.is_none_or(|bias| bias.len() == b.n_columns()), "bias is one value a column");
    assert!(out.len() >= (m - 1) * out_stride + width, "out has {} values for {m} rows", out.len());
    if k == 0 {
        for row in out.chunks_mut(out_stride).take(m) {
            (0..width).for_each(|j| row[j] = bias.map_or(0.0, |bias| bias[columns.start + j]));
        }
        return;
    }
    let out = Dense { out, stride: out_stride, first_column: columns.start, first: First::Overwrites(bias) };
    run(&Rows { values: a, stride: a_stride }, m, (b, k), columns, out);
}

/// total += A^T B, the contraction over tokens that correlation is made of.
///
/// Shapes: `a` [`n_tokens`, `n_a`], `b` [`n_tokens`, `n_b`], both packed; `total` [`n_a`, `n_b`] row-major f64.
/// Precision: that of both; products and sums f32 within a block of tokens, added to the f64 totals.
/// In f32 a block is 1,024 tokens, of which 256 stand in one accumulator: correlations of centred data are within 1e-6 of f64
/// (test `gram_agrees_with_float64`).
/// Panics: if a shape does not fit, or the precisions differ.
pub fn accumulate_gram(a: &Packed, b: &Packed, total: &mut [f64]) {
    assert_eq!(a.n_rows(), b.n_rows(), "both operands hold the same tokens");
    assert_eq!((a.isa(), a.precision()), (b.isa(), b.precision()), "both operands are packed alike");
    assert_eq!(total.len(), a.n_columns() * b.n_columns(), "total is [n_a, n_b]");
    run(a, a.n_columns(), (b, b.n_rows()), 0..b.n_columns(), Totals { total, n_columns: b.n_columns() });
}

/// out += A^T B, the gradient of a weight: X^T dY.
///
/// Shapes: `a` [k, m] row-major with rows `a_stride` apart; `b` [k, n]; `out` [m, n] with rows `out_stride` apart.
/// Precision: that of B, as [`product`]; f32 relative to |A||B| within 3e-6 of f64 at k = 4,096 (test
/// `transposed_agrees_with_float64`). NaN and infinity are carried.
/// Panics: if a shape does not fit.
pub fn accumulate_transposed(a: (&[f32], usize), m: usize, b: &Packed, out: (&mut [f32], usize)) {
    transposed(a, m, b, out, First::Adds);
}

/// out = A^T B, as [`accumulate_transposed`]. Nothing is written if B has no rows.
pub(crate) fn product_transposed(a: (&[f32], usize), m: usize, b: &Packed, out: (&mut [f32], usize)) {
    transposed(a, m, b, out, First::Overwrites(None));
}

fn transposed(
    (a, a_stride): (&[f32], usize),
    m: usize,
    b: &Packed,
    (out, out_stride): (&mut [f32], usize),
    first: First<'_>,
) {
    let (k, n) = (b.n_rows(), b.n_columns());
    if m == 0 || n == 0 || k == 0 {
        return;
    }
    assert!(a_stride >= m && a.len() >= (k - 1) * a_stride + m, "A has {} values for {k} rows of {m}", a.len());
    assert!(out_stride >= n && out.len() >= (m - 1) * out_stride + n, "out has {} values for {m} rows", out.len());
    let out = Dense { out, stride: out_stride, first_column: 0, first };
    run(&Columns { values: a, stride: a_stride }, m, (b, k), 0..n, out);
}

/// [`blocks`] with the kernel of B's instruction set. The caller has checked that B has rows and that the shapes fit.
fn run<L: Left, O: Output>(a: &L, m: usize, b: (&Packed, usize), columns: Range<usize>, out: O) {
    match b.0.isa() {
        #[cfg(target_arch = "x86_64")]
        Isa::Amx => {
            let (b, k) = b;
            assert_eq!(k, b.n_rows(), "tiles of B are read whole");
            // Whole tiles cannot leave an infinity out of the products with a lo: the other kernels can.
            if b.precision() == Precision::Bf16x3 && !(b.has_finite_tiles() && a.is_finite(m, k)) {
                let b = (&b.to_values(), k);
                return match a.without_tiles() {
                    Some(a) => run(&a, m, b, columns, out),
                    None => run(a, m, b, columns, out),
                };
            }
            // SAFETY: `Packed` lies in tiles only if this process may use AMX.
            unsafe { amx::blocks_on_hardware(a, m, b, columns, out) }
        }
        // SAFETY: `Packed` is made only for a set that is available.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => unsafe { blocks_avx512(a, m, b, columns, out) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => unsafe { blocks_avx2(a, m, b, columns, out) },
        // SAFETY: the portable kernel needs no instruction set.
        _ => unsafe { blocks_in_precision::<kernel::Portable, L, O>(a, m, b, columns, out) },
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,avx512f")]
unsafe fn blocks_avx512<L: Left, O: Output>(a: &L, m: usize, b: (&Packed, usize), columns: Range<usize>, out: O) {
    // SAFETY: this function enables the set that the kernel needs.
    unsafe { blocks_in_precision::<kernel::Avx512, L, O>(a, m, b, columns, out) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn blocks_avx2<L: Left, O: Output>(a: &L, m: usize, b: (&Packed, usize), columns: Range<usize>, out: O) {
    // SAFETY: this function enables the set that the kernel needs.
    unsafe { blocks_in_precision::<kernel::Avx2, L, O>(a, m, b, columns, out) }
}

/// SAFETY: the caller enables K's instruction set.
#[inline(always)]
unsafe fn blocks_in_precision<K: Kernel, L: Left, O: Output>(
    a: &L,
    m: usize,
    b: (&Packed, usize),
    columns: Range<usize>,
    out: O,
) {
    // Numbers, since an enum cannot be a constant parameter: compiled once each.
    const F32: u8 = Precision::F32 as u8;
    const BF16X3: u8 = Precision::Bf16x3 as u8;
    const BF16: u8 = Precision::Bf16 as u8;
    // SAFETY: the caller's promise.
    unsafe {
        match b.0.precision() {
            Precision::F32 => blocks::<F32, K, L, O>(a, m, b, columns, out),
            Precision::Bf16x3 => blocks::<BF16X3, K, L, O>(a, m, b, columns, out),
            Precision::Bf16 => blocks::<BF16, K, L, O>(a, m, b, columns, out),
        }
    }
}

/// [`blocks`] in f32, with [`RUN`] blocks of terms added up before they are handed over.
///
/// # Safety
/// As of [`blocks`].
#[inline(always)]
unsafe fn runs<K: Kernel, L: Left, O: Output>(
    a: &L,
    m: usize,
    (b, k): (&Packed, usize),
    columns: Range<usize>,
    mut out: O,
) {
    let mut sums = kernel::Sums([0.0; RUN_ROWS * kernel::MAX_NR]);
    let mut buffer = PACKED_A.take();
    buffer.grow(RUN_ROWS * KC * RUN);
    for k0 in (0..k).step_by(KC * RUN) {
        let end = k.min(k0 + KC * RUN);
        for m0 in (0..m).step_by(RUN_ROWS) {
            let height = RUN_ROWS.min(m - m0);
            for (first, packed) in (k0..end).step_by(KC).zip(buffer.as_mut_slice().chunks_exact_mut(RUN_ROWS * KC)) {
                a.pack::<K>(m0..m0 + height, first..end.min(first + KC), packed);
            }
            let packed = buffer.as_slice();
            for column in columns.clone().step_by(K::NR) {
                (0..height).for_each(|i| out.touch(m0 + i, column, K::NR));
                for first in (k0..end).step_by(KC) {
                    let depth = KC.min(end - first);
                    let panel = &b.panel(column)[first * K::NR..(first + depth) * K::NR];
                    let packed = &packed[(first - k0) * RUN_ROWS..];
                    let base = if first == k0 { Base::Nothing } else { Base::Out };
                    for row in (0..height).step_by(K::MR) {
                        let strip = left::strip::<K>(packed, row * depth, (1, K::MR), depth);
                        let out = &mut sums.0[row * K::NR..(row + K::MR) * K::NR];
                        // SAFETY: `strip` holds MR rows of `depth`, `panel` depth * NR on a cache line; `out` MR rows of NR.
                        unsafe { K::multiply(depth, strip, panel.as_ptr(), (out.as_mut_ptr(), K::NR), base) };
                    }
                }
                let width = K::NR.min(columns.end - column);
                for i in 0..height {
                    out.add::<K>(m0 + i, column, &sums.0[i * K::NR..i * K::NR + width], k0 == 0);
                }
            }
        }
    }
    PACKED_A.set(buffer);
}

/// Walk A in blocks of [`MC`] rows and [`KC`] terms and the first k rows of B in panels of NR columns; below f32 both are rounded or
/// split on the way. Whole blocks of MR x NR sums are written by the kernel where the output allows it; of others every row is
/// handed over. Each is announced before its sums are made.
///
/// SAFETY: the caller enables K's instruction set.
#[inline(always)]
unsafe fn blocks<const PRECISION: u8, K: Kernel, L: Left, O: Output>(
    a: &L,
    m: usize,
    (b, k): (&Packed, usize),
    columns: Range<usize>,
    mut out: O,
) {
    let is_f32 = PRECISION == Precision::F32 as u8;
    if is_f32 && O::IS_DEAR {
        // SAFETY: the caller's promise.
        return unsafe { runs::<K, L, O>(a, m, (b, k), columns, out) };
    }
    let is_split = PRECISION == Precision::Bf16x3 as u8;
    let (kc, n_planes) = if is_split { (SPLIT_KC, 3) } else { (KC, 1) };
    let mut sums = kernel::Sums([0.0; kernel::MAX_SUMS]);
    // Taken out rather than borrowed in a closure: a closure would not be compiled for the instruction set.
    let mut buffer = PACKED_A.take();
    let mut rounded = if is_f32 { Aligned::default() } else { ROUNDED.take() };
    buffer.grow(MC * kc);
    let packed_a = buffer.as_mut_slice();
    let room_of_panel = n_planes * kc * K::NR;
    if !is_f32 {
        rounded.grow(room_of_panel + n_planes * kc * MC);
    }
    let (panel_room, a_room) = rounded.as_mut_slice().split_at_mut(if is_f32 { 0 } else { room_of_panel });
    let reads_in_place = is_f32 && a.is_read_in_place(columns.len());
    for k0 in (0..k).step_by(kc) {
        let depth = kc.min(k - k0);
        let n_terms = n_planes * depth;
        let is_first = k0 == 0;
        for m0 in (0..m).step_by(MC) {
            let height = MC.min(m - m0);
            // Rows that make no whole block are packed in any case.
            let n_in_place = if reads_in_place { height / K::MR * K::MR } else { 0 };
            a.pack::<K>(m0 + n_in_place..m0 + height, k0..k0 + depth, packed_a);
            let n_packed = height.next_multiple_of(K::MR) * depth;
            let strips: &[f32] = if is_f32 {
                packed_a
            } else if is_split {
                let strips = packed_a[..n_packed].chunks_exact(K::MR * depth);
                for (strip, out) in strips.zip(a_room.chunks_exact_mut(K::MR * n_terms)) {
                    rounded::split_terms::<true>(strip, out);
                }
                a_room
            } else {
                rounded::round(&packed_a[..n_packed], a_room);
                a_room
            };
            for column in columns.clone().step_by(K::NR) {
                let panel = &b.panel(column)[k0 * K::NR..(k0 + depth) * K::NR];
                let panel: &[f32] = if is_f32 {
                    panel
                } else if is_split {
                    rounded::split_terms::<false>(panel, panel_room);
                    panel_room
                } else {
                    rounded::round(panel, panel_room);
                    panel_room
                };
                let width = K::NR.min(columns.end - column);
                for row in (0..height).step_by(K::MR) {
                    let n_rows = K::MR.min(height - row);
                    (0..n_rows).for_each(|i| out.touch(m0 + row + i, column, K::NR));
                    let strip = if row < n_in_place {
                        a.strip::<K>(m0 + row, k0, depth)
                    } else {
                        left::strip::<K>(strips, (row - n_in_place) * n_terms, (1, K::MR), n_terms)
                    };
                    let is_whole = n_rows == K::MR && width == K::NR;
                    let block = if is_whole { out.block((m0 + row, column), n_rows, width, is_first) } else { None };
                    if let Some((out, stride, base)) = block {
                        // SAFETY: `strip` holds MR rows of `n_terms`, `panel` n_terms * NR on a cache line; `out` holds MR rows of
                        // NR, a bias NR.
                        unsafe { K::multiply(n_terms, strip, panel.as_ptr(), (out, stride), base) };
                        continue;
                    }
                    // SAFETY: as above; `sums` has room for MR * NR.
                    unsafe { K::multiply(n_terms, strip, panel.as_ptr(), (sums.0.as_mut_ptr(), K::NR), Base::Nothing) };
                    for i in 0..n_rows {
                        out.add::<K>(m0 + row + i, column, &sums.0[i * K::NR..i * K::NR + width], is_first);
                    }
                }
            }
        }
    }
    PACKED_A.set(buffer);
    if !is_f32 {
        ROUNDED.set(rounded);
    }
}
