//! The left operand of a product, in whatever layout it lies.

use std::ops::Range;

use super::kernel::{Kernel, Strip};
use super::pack::Packed;
use super::tiles::{self, Tile, are_finite};
use crate::transpose::transpose_block;

/// The left operand of a product, A [m, k].
///
/// # Safety
/// `pack` writes whole strips, and `strip` gives one whose MR rows of `depth` values all lie within the operand: the kernel reads
/// both without looking.
pub(super) unsafe trait Left {
    /// Pack rows `rows` and terms `terms` of A into `out`, [rows / MR][terms][MR]; rows beyond the end are zero.
    fn pack<K: Kernel>(&self, rows: Range<usize>, terms: Range<usize>, out: &mut [f32]);

    /// Whether to read A where it lies rather than pack it, for a product with this many columns. No bit depends on it.
    fn is_read_in_place(&self, n_columns: usize) -> bool;

    /// Pack at most 16 rows and 32 terms of A into a tile, rounded or with `lo` split; what lies beyond them is zero.
    fn tile(&self, rows: Range<usize>, terms: Range<usize>, hi: &mut Tile, lo: Option<&mut Tile>);

    /// Whether no value of A [m, k] is NaN or infinite.
    fn is_finite(&self, m: usize, k: usize) -> bool;

    /// A for kernels without tiles, if it lies in tiles.
    fn without_tiles(&self) -> Option<Packed>;

    /// MR rows of `depth` terms where they lie. Panics if they are not all there, or not at even steps.
    fn strip<K: Kernel>(&self, first_row: usize, first_term: usize, depth: usize) -> Strip;
}

/// The strip of `values` whose element (0, 0) lies at `start`, with the given steps between rows and between terms.
#[inline(always)]
pub(super) fn strip<K: Kernel>(
    values: &[f32],
    start: usize,
    (row_step, term_step): (usize, usize),
    depth: usize,
) -> Strip {
    let values = &values[start..=start + (K::MR - 1) * row_step + (depth - 1) * term_step];
    Strip { start: values.as_ptr(), row_step, term_step }
}

/// Row-major A, rows `stride` apart.
pub(super) struct Rows<'a> {
    pub(super) values: &'a [f32],
    pub(super) stride: usize,
}

// SAFETY: every strip is written as a transpose of MR rows of `depth`, and `strip` checks its extent.
unsafe impl Left for Rows<'_> {
    #[inline(always)]
    fn pack<K: Kernel>(&self, rows: Range<usize>, terms: Range<usize>, out: &mut [f32]) {
        let depth = terms.len();
        for (block, first) in rows.clone().step_by(K::MR).enumerate() {
            let out = &mut out[block * K::MR * depth..(block + 1) * K::MR * depth];
            let n_rows = K::MR.min(rows.end - first);
            if n_rows < K::MR {
                out.fill(0.0);
            }
            transpose_block(
                (&self.values[first * self.stride + terms.start..], self.stride),
                n_rows,
                depth,
                (out, K::MR),
            );
        }
    }

    #[inline(always)]
    fn is_read_in_place(&self, n_columns: usize) -> bool {
        // MR streams in reading order cost nothing until many panels read them again.
        n_columns <= 512
    }

    #[inline(always)]
    fn tile(&self, rows: Range<usize>, terms: Range<usize>, hi: &mut Tile, lo: Option<&mut Tile>) {
        let start = if rows.is_empty() { 0 } else { rows.start * self.stride + terms.start };
        tiles::rows_to_tile((&self.values[start..], self.stride), (rows.len(), terms.len()), hi, lo);
    }

    #[inline(always)]
    fn is_finite(&self, m: usize, k: usize) -> bool {
        (0..m).all(|i| are_finite(&self.values[i * self.stride..][..k]))
    }

    fn without_tiles(&self) -> Option<Packed> {
        None
    }

    #[inline(always)]
    fn strip<K: Kernel>(&self, first_row: usize, first_term: usize, depth: usize) -> Strip {
        strip::<K>(self.values, first_row * self.stride + first_term, (self.stride, 1), depth)
    }
}

/// The transpose of a row-major matrix: term t of every row lies side by side, terms `stride` apart.
pub(super) struct Columns<'a> {
    pub(super) values: &'a [f32],
    pub(super) stride: usize,
}

/// Terms packed for all rows before the next ones: their lines of one column fit the ways of an L1 cache at any stride.
const TERM_GROUP: usize = 8;

// SAFETY: every strip is written as a transpose of MR rows of `depth`, and `strip` checks its extent.
unsafe impl Left for Columns<'_> {
    #[inline(always)]
    fn pack<K: Kernel>(&self, rows: Range<usize>, terms: Range<usize>, out: &mut [f32]) {
        let (depth, height) = (terms.len(), rows.len());
        for group in (0..depth).step_by(TERM_GROUP) {
            let group = group..depth.min(group + TERM_GROUP);
            for block in (0..height).step_by(K::MR) {
                let n_rows = K::MR.min(height - block);
                let out = &mut out[block * depth + group.start * K::MR..block * depth + group.end * K::MR];
                for t in group.clone() {
                    let out = &mut out[(t - group.start) * K::MR..][..K::MR];
                    let start = (terms.start + t) * self.stride + rows.start + block;
                    let values = &self.values[start..start + n_rows];
                    if n_rows == K::MR {
                        // Of a length that the compiler knows, not a call for every term.
                        let values = &values[..K::MR];
                        (0..K::MR).for_each(|i| out[i] = values[i]);
                    } else {
                        out[..n_rows].copy_from_slice(values);
                        out[n_rows..].fill(0.0);
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn is_read_in_place(&self, n_columns: usize) -> bool {
        // Every term is on another line, and on another page where rows are long.
        n_columns <= if self.stride <= 384 { 128 } else { 64 }
    }

    #[inline(always)]
    fn tile(&self, rows: Range<usize>, terms: Range<usize>, hi: &mut Tile, lo: Option<&mut Tile>) {
        let values = tiles::from_rows((self.values, self.stride), terms, rows);
        let mut of_b = [[0; tiles::WORDS]; 2];
        let [of_hi, of_lo] = &mut of_b;
        tiles::to_tile(&values, of_hi, lo.is_some().then_some(of_lo));
        tiles::transpose_tile(&of_b[0], hi);
        if let Some(lo) = lo {
            tiles::transpose_tile(&of_b[1], lo);
        }
    }

    #[inline(always)]
    fn is_finite(&self, m: usize, k: usize) -> bool {
        (0..k).all(|t| are_finite(&self.values[t * self.stride..][..m]))
    }

    fn without_tiles(&self) -> Option<Packed> {
        None
    }

    #[inline(always)]
    fn strip<K: Kernel>(&self, first_row: usize, first_term: usize, depth: usize) -> Strip {
        strip::<K>(self.values, first_term * self.stride + first_row, (1, self.stride), depth)
    }
}

/// The transpose of a packed matrix.
// SAFETY: every strip is written term by term; none is read in place.
unsafe impl Left for Packed {
    #[inline(always)]
    fn pack<K: Kernel>(&self, rows: Range<usize>, terms: Range<usize>, out: &mut [f32]) {
        let depth = terms.len();
        for (block, first) in rows.clone().step_by(K::MR).enumerate() {
            let out = &mut out[block * K::MR * depth..(block + 1) * K::MR * depth];
            // Rows beyond the end read the last row and are cleared below; no tile has more than 16 rows.
            let mut sources: [&[f32]; 16] = [&[]; 16];
            for (i, source) in sources[..K::MR].iter_mut().enumerate() {
                let start = self.column_start((first + i).min(rows.end - 1)) + terms.start * K::NR;
                *source = &self.values()[start..=(start + (depth - 1) * K::NR)];
            }
            for (t, out) in out.chunks_exact_mut(K::MR).enumerate() {
                for i in 0..K::MR {
                    // SAFETY: every source holds (depth - 1) * NR + 1 values and t < depth.
                    out[i] = unsafe { *sources[i].get_unchecked(t * K::NR) };
                }
            }
            if rows.end - first < K::MR {
                for out in out.chunks_exact_mut(K::MR) {
                    out[rows.end - first..].fill(0.0);
                }
            }
        }
    }

    #[inline(always)]
    fn is_read_in_place(&self, _: usize) -> bool {
        false
    }

    #[inline(always)]
    fn tile(&self, rows: Range<usize>, terms: Range<usize>, hi: &mut Tile, lo: Option<&mut Tile>) {
        let (layout, words) = self.tiles();
        let tile = |start: usize| words[start..].first_chunk().expect("a tile");
        if rows.is_empty() {
            hi.fill(0);
            if let Some(lo) = lo {
                lo.fill(0);
            }
            return;
        }
        let (of_hi, of_lo) = layout.tiles(terms.start, rows.start);
        tiles::transpose_tile(tile(of_hi), hi);
        if let Some((of_lo, lo)) = of_lo.zip(lo) {
            tiles::transpose_tile(tile(of_lo), lo);
        }
    }

    fn is_finite(&self, _: usize, _: usize) -> bool {
        self.has_finite_tiles()
    }

    fn without_tiles(&self) -> Option<Packed> {
        Some(self.to_values())
    }

    fn strip<K: Kernel>(&self, _: usize, _: usize, _: usize) -> Strip {
        unreachable!("a strip may lie in two panels")
    }
}
