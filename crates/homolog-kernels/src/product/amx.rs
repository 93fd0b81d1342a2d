//! Products in bf16 on AMX: blocks of 32 x 32 sums in four tile registers, over a depth of thousands of terms.
//!
//! The unit adds the products of even and of odd terms apart, 16 each, then both to the sum, each addition rounded to nearest even;
//! numbers below 2^-126 are taken and given as 0 (Intel SDM, TDPBF16PS). So sums agree with those of other sets up to the order of
//! additions, and up to some 1e-36.

#[cfg(test)]
mod tests;

use std::arch::asm;
use std::cell::Cell;
use std::marker::PhantomData;
use std::ops::Range;

use super::kernel;
use super::left::Left;
use super::output::Output;
use super::pack::Packed;
use super::tiles::{BLOCK, SIDE, TERMS, WORDS};
use crate::aligned::Aligned;

/// Terms summed in one accumulator. To write a block of sums to f64 totals in memory takes about as long as 1,000 terms: so it is
/// done once a chunk of 2,048 tokens, and strips and panels of that depth stream from L2 in any case.
const DEPTH: usize = 2048;
/// The same where a term takes three products.
const SPLIT_DEPTH: usize = 1024;
/// Rows of A packed at a time: 1 MiB at most, of the 2 MiB L2 of the CPUs that have AMX.
const ROWS: usize = 256;

thread_local! {
    /// The block of A in tiles.
    static TILES_OF_A: Cell<Aligned> = Cell::default();
}

/// A block of sums as tiles are stored, row-major.
pub(super) type Sums = kernel::Sums<{ BLOCK * BLOCK }>;

/// What multiplies tiles: the hardware, or its twin in tests.
pub(super) trait Unit {
    /// Make ready on this thread; undone by dropping.
    ///
    /// SAFETY: the process may use what the unit needs.
    unsafe fn configure() -> Self;

    /// `sums` = the product of a strip of A and a panel of B over `n_steps` tiles of terms, rounded or `is_split`.
    ///
    /// Shapes, in tiles: `a` [n_steps][top, bottom] or [n_steps][hi top, hi bottom, lo top, lo bottom]; `b` [n_steps][left, right] or
    /// [n_steps][lo left, lo right, hi left, hi right].
    fn multiply(&self, n_steps: usize, is_split: bool, a: &[u32], b: &[u32], sums: &mut Sums);
}

/// The hardware: configured as long as this lives, on its thread, which it cannot leave.
pub(super) struct Tmul(PhantomData<*const ()>);

/// Operand of LDTILECFG: palette 1, eight tiles of 16 rows of 64 bytes (Intel SDM).
#[repr(C, align(64))]
struct Configuration {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    n_rows: [u8; 16],
}

static CONFIGURATION: Configuration = {
    let (mut row_bytes, mut n_rows) = ([0; 16], [0; 16]);
    let mut tile = 0;
    while tile < 8 {
        (row_bytes[tile], n_rows[tile]) = (64, 16);
        tile += 1;
    }
    Configuration { palette: 1, start_row: 0, reserved: [0; 14], row_bytes, n_rows }
};

impl Unit for Tmul {
    unsafe fn configure() -> Self {
        // SAFETY: AMX is there and permitted, by the caller's promise; the operand is a valid configuration of 64 bytes.
        unsafe {
            asm!("ldtilecfg [{}]", in(reg) &raw const CONFIGURATION, options(nostack, preserves_flags, readonly));
        };
        Self(PhantomData)
    }

    #[inline(always)]
    fn multiply(&self, n_steps: usize, is_split: bool, a: &[u32], b: &[u32], sums: &mut Sums) {
        let words = n_steps * if is_split { 4 } else { 2 } * WORDS;
        assert!(n_steps > 0 && a.len() >= words && b.len() >= words, "tiles of {n_steps} steps");
        let sums = sums.0.as_mut_ptr();
        // SAFETY: tiles are configured on this thread while `self` lives; every load reads 1 KiB of the
        // words checked above, every store writes 16 rows of 64 bytes, 128 apart, within the 4 KiB of `sums`.
        unsafe {
            if is_split {
                multiply_split(n_steps, a.as_ptr(), b.as_ptr(), sums);
            } else {
                multiply_rounded(n_steps, a.as_ptr(), b.as_ptr(), sums);
            }
        }
    }
}

impl Drop for Tmul {
    fn drop(&mut self) {
        // SAFETY: AMX is there. Tiles in use would make every switch of threads save 8 KiB.
        unsafe { asm!("tilerelease", options(nomem, nostack, preserves_flags)) };
    }
}

/// The loop over tiles of terms, by steps of so many bytes: four products that both precisions begin with, then the lines given.
macro_rules! multiply_tiles {
    ($n_steps:ident, $a:ident, $b:ident, $sums:ident, [$($line:literal),* $(,)?], step $step:literal) => {
        // SAFETY: extents are the caller's promise.
        unsafe {
            asm!(
                "tilezero tmm0",
                "tilezero tmm1",
                "tilezero tmm2",
                "tilezero tmm3",
                "2:",
                "tileloadd tmm4, [{a} + {row}]",
                "tileloadd tmm6, [{b} + {row}]",
                "tdpbf16ps tmm0, tmm4, tmm6",
                "tileloadd tmm7, [{b} + {row} + 1024]",
                "tdpbf16ps tmm1, tmm4, tmm7",
                "tileloadd tmm5, [{a} + {row} + 1024]",
                "tdpbf16ps tmm2, tmm5, tmm6",
                "tdpbf16ps tmm3, tmm5, tmm7",
                $($line,)*
                concat!("add {a}, ", $step),
                concat!("add {b}, ", $step),
                "dec {n}",
                "jnz 2b",
                "tilestored [{sums} + {row} * 2], tmm0",
                "tilestored [{sums} + {row} * 2 + 64], tmm1",
                "tilestored [{sums} + {row} * 2 + 2048], tmm2",
                "tilestored [{sums} + {row} * 2 + 2112], tmm3",
                a = inout(reg) $a => _,
                b = inout(reg) $b => _,
                n = inout(reg) $n_steps => _,
                // Bytes between rows of a tile; a row of the block of sums has two.
                row = in(reg) 64_usize,
                sums = in(reg) $sums,
                out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                options(nostack),
            );
        }
    };
}

/// Four loads for four products.
#[inline(always)]
unsafe fn multiply_rounded(n_steps: usize, a: *const u32, b: *const u32, sums: *mut f32) {
    multiply_tiles!(n_steps, a, b, sums, [], step "2048");
}

/// Eight loads for twelve products: hi of A meets lo of B, then hi of B, which then meets lo of A. Each sum is added to every fourth
/// product, which hides the unit's latency of 52 cycles behind four times 16.
#[inline(always)]
unsafe fn multiply_split(n_steps: usize, a: *const u32, b: *const u32, sums: *mut f32) {
    multiply_tiles!(
        n_steps, a, b, sums,
        [
            "tileloadd tmm6, [{b} + {row} + 2048]",
            "tdpbf16ps tmm0, tmm4, tmm6",
            "tileloadd tmm7, [{b} + {row} + 3072]",
            "tdpbf16ps tmm1, tmm4, tmm7",
            "tdpbf16ps tmm2, tmm5, tmm6",
            "tdpbf16ps tmm3, tmm5, tmm7",
            "tileloadd tmm4, [{a} + {row} + 2048]",
            "tdpbf16ps tmm0, tmm4, tmm6",
            "tdpbf16ps tmm1, tmm4, tmm7",
            "tileloadd tmm5, [{a} + {row} + 3072]",
            "tdpbf16ps tmm2, tmm5, tmm6",
            "tdpbf16ps tmm3, tmm5, tmm7",
        ],
        step "4096"
    );
}

/// [`blocks`] on the hardware.
///
/// SAFETY: the process may use AMX.
#[target_feature(enable = "avx2,fma,avx512f")]
pub(super) unsafe fn blocks_on_hardware<L: Left, O: Output>(
    a: &L,
    m: usize,
    b: &Packed,
    columns: Range<usize>,
    out: O,
) {
    // SAFETY: the caller's promise.
    unsafe { blocks::<Tmul, L, O>(a, m, b, columns, out) }
}

/// Walk A in blocks of [`ROWS`] rows and [`DEPTH`] terms, B in panels of 32 columns.
///
/// SAFETY: the process may use what the unit needs; B lies in tiles.
#[inline(always)]
pub(super) unsafe fn blocks<U: Unit, L: Left, O: Output>(
    a: &L,
    m: usize,
    b: &Packed,
    columns: Range<usize>,
    mut out: O,
) {
    let (layout, words_of_b) = b.tiles();
    let (k, is_split, step) = (layout.n_rows, layout.is_split, layout.step());
    let depth_of_block = if is_split { SPLIT_DEPTH } else { DEPTH };
    let mut buffer = TILES_OF_A.take();
    let n_steps_of_block = depth_of_block.min(k).div_ceil(TERMS);
    buffer.grow(ROWS.min(m).div_ceil(BLOCK) * n_steps_of_block * step);
    // SAFETY: the caller's promise.
    let unit = unsafe { U::configure() };
    let mut sums = kernel::Sums([0.0; BLOCK * BLOCK]);
    for k0 in (0..k).step_by(depth_of_block) {
        let terms = k0..k.min(k0 + depth_of_block);
        let n_steps = terms.len().div_ceil(TERMS);
        let strip = n_steps * step;
        for m0 in (0..m).step_by(ROWS) {
            let rows = m0..m.min(m0 + ROWS);
            let words = buffer.as_mut_words();
            for (row, words) in rows.clone().step_by(BLOCK).zip(words.chunks_exact_mut(strip)) {
                for (term, words) in terms.clone().step_by(TERMS).zip(words.chunks_exact_mut(step)) {
                    let terms = term..terms.end.min(term + TERMS);
                    let (hi, lo) = words.split_at_mut(2 * WORDS);
                    for half in 0..2 {
                        let first = row + half * SIDE;
                        let rows = first.min(rows.end)..rows.end.min(first + SIDE);
                        let of_half = half * WORDS..(half + 1) * WORDS;
                        let hi = (&mut hi[of_half.clone()]).try_into().expect("a tile");
                        let lo = is_split.then(|| (&mut lo[of_half]).try_into().expect("a tile"));
                        a.tile(rows, terms.clone(), hi, lo);
                    }
                }
            }
            let words = buffer.as_words();
            for column in columns.clone().step_by(BLOCK) {
                let panel = &words_of_b[column / BLOCK * layout.panel() + k0 / TERMS * step..][..strip];
                let width = BLOCK.min(columns.end - column);
                for (row, strip) in rows.clone().step_by(BLOCK).zip(words.chunks_exact(strip)) {
                    let n_rows = BLOCK.min(rows.end - row);
                    (0..n_rows).for_each(|i| out.touch(row + i, column, BLOCK));
                    unit.multiply(n_steps, is_split, strip, panel, &mut sums);
                    for i in 0..n_rows {
                        out.add::<kernel::Avx512>(row + i, column, &sums.0[i * BLOCK..i * BLOCK + width], k0 == 0);
                    }
                }
            }
        }
    }
    drop(unit);
    TILES_OF_A.set(buffer);
}
