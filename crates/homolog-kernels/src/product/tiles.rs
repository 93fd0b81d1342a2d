//! How operands in bf16 lie in memory for AMX: tiles of 1 KiB, each 16 x 32 values.
//!
//! A tile of B holds 32 terms of 16 columns, the terms in pairs: word [p][j] is terms 2p (low half) and 2p + 1 (high half) of column
//! j. A tile of A holds 16 rows of 32 terms, word [i][p] the same pair of row i: it is the transpose. Matrices are padded with zeros
//! to whole tiles, so terms that are not there add 0 times 0.

use std::ops::Range;

use crate::isa::Isa;
use crate::precision::{rounded, split};
use crate::transpose::transpose_block;

/// Rows of A, or columns of B, in a tile.
pub(super) const SIDE: usize = 16;
/// Terms in a tile.
pub(super) const TERMS: usize = 32;
/// Words in a tile: pairs of bf16.
pub(super) const WORDS: usize = SIDE * TERMS / 2;
/// Rows, and columns, of a block of sums: two tiles each way.
pub(super) const BLOCK: usize = 2 * SIDE;

/// Pairs of bf16.
pub(super) type Tile = [u32; WORDS];

/// Terms [TERMS] of 16 rows of A, or columns of B.
pub(super) type Values = [[f32; SIDE]; TERMS];

/// Two bf16 in a word.
#[inline(always)]
fn pair(even: f32, odd: f32) -> u32 {
    odd.to_bits() & 0xffff_0000 | even.to_bits() >> 16
}

/// The tile of B of these values: rounded, or with `lo` split.
#[inline(always)]
pub(super) fn to_tile(values: &Values, hi: &mut Tile, lo: Option<&mut Tile>) {
    let Some(lo) = lo else {
        for p in 0..TERMS / 2 {
            let (even, odd) = (&values[2 * p], &values[2 * p + 1]);
            let hi = &mut hi[p * SIDE..(p + 1) * SIDE];
            (0..SIDE).for_each(|j| hi[j] = pair(rounded(even[j]), rounded(odd[j])));
        }
        return;
    };
    for p in 0..TERMS / 2 {
        let (even, odd) = (&values[2 * p], &values[2 * p + 1]);
        let (hi, lo) = (&mut hi[p * SIDE..(p + 1) * SIDE], &mut lo[p * SIDE..(p + 1) * SIDE]);
        for j in 0..SIDE {
            let ((even_hi, even_lo), (odd_hi, odd_lo)) = (split(even[j]), split(odd[j]));
            (hi[j], lo[j]) = (pair(even_hi, odd_hi), pair(even_lo, odd_lo));
        }
    }
}

/// The tile of A of row-major values, at most [`SIDE`] rows of at most [`TERMS`] terms, `stride` apart.
#[inline(always)]
pub(super) fn rows_to_tile(
    (a, stride): (&[f32], usize),
    (n_rows, n_terms): (usize, usize),
    hi: &mut Tile,
    mut lo: Option<&mut Tile>,
) {
    const PAIRS: usize = TERMS / 2;
    for i in 0..SIDE {
        let mut terms = [0.0; TERMS];
        if i < n_rows && n_terms == TERMS {
            terms.copy_from_slice(&a[i * stride..][..TERMS]);
        } else if i < n_rows {
            terms[..n_terms].copy_from_slice(&a[i * stride..][..n_terms]);
        }
        let hi = &mut hi[i * PAIRS..(i + 1) * PAIRS];
        if let Some(lo) = &mut lo {
            let lo = &mut lo[i * PAIRS..(i + 1) * PAIRS];
            for p in 0..PAIRS {
                let ((even_hi, even_lo), (odd_hi, odd_lo)) = (split(terms[2 * p]), split(terms[2 * p + 1]));
                (hi[p], lo[p]) = (pair(even_hi, odd_hi), pair(even_lo, odd_lo));
            }
        } else {
            (0..PAIRS).for_each(|p| hi[p] = pair(rounded(terms[2 * p]), rounded(terms[2 * p + 1])));
        }
    }
}

/// A tile of A from the tile of B with the same values.
#[inline(always)]
pub(super) fn transpose_tile(from: &Tile, to: &mut Tile) {
    transpose_block((from, SIDE), SIDE, SIDE, (to, SIDE));
}

/// Values whose terms lie in rows, `stride` apart; zero beyond the ranges.
#[inline(always)]
pub(super) fn from_rows((b, stride): (&[f32], usize), terms: Range<usize>, columns: Range<usize>) -> Values {
    let mut values = [[0.0; SIDE]; TERMS];
    let width = columns.len();
    for (t, values) in terms.zip(&mut values) {
        let row = &b[t * stride + columns.start..][..width];
        if width == SIDE {
            // Of a length that the compiler knows, not a call for every row.
            values.copy_from_slice(&row[..SIDE]);
        } else {
            values[..width].copy_from_slice(row);
        }
    }
    values
}

/// Values whose terms lie side by side, columns `stride` apart; zero beyond the ranges.
#[inline(always)]
pub(super) fn from_columns((b, stride): (&[f32], usize), terms: Range<usize>, columns: Range<usize>) -> Values {
    let mut values = [[0.0; SIDE]; TERMS];
    if !terms.is_empty() && !columns.is_empty() {
        let b = &b[columns.start * stride + terms.start..];
        transpose_block((b, stride), columns.len(), terms.len(), (values.as_flattened_mut(), SIDE));
    }
    values
}

/// Pack a row-major matrix; returns whether all its values are finite.
pub(super) fn fill_from_rows(layout: Layout, words: &mut [u32], (b, stride): (&[f32], usize)) -> bool {
    fill(layout, words, |terms, columns| from_rows((b, stride), terms, columns))
}

/// Pack the transpose of a row-major matrix; returns whether all its values are finite.
pub(super) fn fill_from_columns(layout: Layout, words: &mut [u32], (b, stride): (&[f32], usize)) -> bool {
    fill(layout, words, |terms, columns| from_columns((b, stride), terms, columns))
}

/// [`Layout::fill`], vectorised where the CPU has AVX-512: wherever there is a use for tiles.
fn fill(layout: Layout, words: &mut [u32], values: impl Fn(Range<usize>, Range<usize>) -> Values) -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx2,fma,avx512f")]
        fn avx512(layout: Layout, words: &mut [u32], values: impl Fn(Range<usize>, Range<usize>) -> Values) -> bool {
            layout.fill(words, values)
        }
        if Isa::Avx512.why_not().is_none() {
            // SAFETY: the CPU has the set.
            return unsafe { avx512(layout, words, values) };
        }
    }
    layout.fill(words, values)
}

/// Whether no value is NaN or infinite.
#[inline(always)]
pub(super) fn are_finite(values: &[f32]) -> bool {
    // Without an early end, so that it vectorises.
    let exponents = values.iter().fold(0, |largest: u32, value| largest.max(value.to_bits() & 0x7f80_0000));
    exponents < 0x7f80_0000
}

/// A packed matrix in tiles: panels of [`BLOCK`] columns, each [term tile][lo left, lo right, hi left, hi right], the lo only where
/// values are split.
#[derive(Clone, Copy)]
pub(super) struct Layout {
    pub(super) n_rows: usize,
    pub(super) n_columns: usize,
    pub(super) is_split: bool,
}

impl Layout {
    /// Words of one tile of terms in a panel.
    pub(super) fn step(self) -> usize {
        if self.is_split { 4 * WORDS } else { 2 * WORDS }
    }

    /// Words of a panel.
    pub(super) fn panel(self) -> usize {
        self.n_rows.div_ceil(TERMS) * self.step()
    }

    /// Words of the matrix.
    pub(super) fn words(self) -> usize {
        self.n_columns.div_ceil(BLOCK) * self.panel()
    }

    /// Where the tiles of 16 columns at some terms begin: hi, and lo if values are split.
    pub(super) fn tiles(self, term: usize, column: usize) -> (usize, Option<usize>) {
        let half = column % BLOCK / SIDE * WORDS;
        let start = column / BLOCK * self.panel() + term / TERMS * self.step();
        if self.is_split { (start + 2 * WORDS + half, Some(start + half)) } else { (start + half, None) }
    }

    /// Fill all tiles; `values` gives those of some terms and columns. Returns whether all values are finite.
    #[inline(always)]
    pub(super) fn fill(self, words: &mut [u32], values: impl Fn(Range<usize>, Range<usize>) -> Values) -> bool {
        let mut is_finite = true;
        for column in (0..self.n_columns.next_multiple_of(BLOCK)).step_by(SIDE) {
            let columns = column.min(self.n_columns)..(column + SIDE).min(self.n_columns);
            for term in (0..self.n_rows).step_by(TERMS) {
                let values = values(term..(term + TERMS).min(self.n_rows), columns.clone());
                is_finite &= are_finite(values.as_flattened());
                let (hi, lo) = self.tiles(term, column);
                // lo comes before hi.
                let (before, from_hi) = words.split_at_mut(hi);
                let lo = lo.map(|lo| before[lo..].first_chunk_mut().expect("a tile"));
                to_tile(&values, from_hi.first_chunk_mut().expect("a tile"), lo);
            }
        }
        is_finite
    }

    /// One value as it was packed: rounded, or the sum of its halves.
    pub(super) fn value(self, words: &[u32], row: usize, column: usize) -> f32 {
        let at = row % TERMS / 2 * SIDE + column % SIDE;
        let value = |tile: usize| {
            let word = words[tile + at];
            f32::from_bits(if row.is_multiple_of(2) { word << 16 } else { word & 0xffff_0000 })
        };
        let (hi, lo) = self.tiles(row, column);
        value(hi) + lo.map_or(0.0, value)
    }
}
