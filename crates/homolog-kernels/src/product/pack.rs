//! Layouts that let the kernel read both operands in the order it needs them.

use std::ops::Range;

use super::kernel::{self, Kernel, Strip};
use crate::aligned::Aligned;
use crate::isa::Isa;

/// Values on a cache line; every NR is a multiple of it.
const LINE: usize = 16;

/// Rows packed before the next columns are.
const ROW_GROUP: usize = 64;

/// A [k, n] matrix in panels of NR columns, [n / NR][k][NR]; columns beyond n are zero.
///
/// Weights are packed once when a model is loaded, activations once a chunk.
#[derive(Clone)]
pub struct Packed {
    panels: Aligned,
    n_rows: usize,
    n_columns: usize,
    nr: usize,
    isa: Isa,
}

impl Packed {
    /// A range of columns may start at any multiple of this, whatever the instruction set.
    pub const COLUMN_STEP: usize = 32;

    /// A [`n_rows`, `n_columns`] matrix of zeros for the instruction set in force.
    pub fn zeros(n_rows: usize, n_columns: usize) -> Self {
        let isa = Isa::current();
        let nr = match isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => kernel::Avx512::NR,
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => kernel::Avx2::NR,
            _ => kernel::Portable::NR,
        };
        let panels = Aligned::zeroed(n_columns.div_ceil(nr) * nr * n_rows);
        Self { panels, n_rows, n_columns, nr, isa }
    }

    /// Pack a row-major matrix `b` [`n_rows`, `n_columns`] whose rows are `stride` apart.
    pub fn from_rows(b: &[f32], stride: usize, n_rows: usize, n_columns: usize) -> Self {
        let mut packed = Self::zeros(n_rows, n_columns);
        packed.set_rows(b, stride);
        packed
    }

    /// Pack the transpose of a row-major matrix: `b` holds `n_columns` rows of `n_rows` values, `stride` apart.
    pub fn from_columns(b: &[f32], stride: usize, n_rows: usize, n_columns: usize) -> Self {
        let mut packed = Self::zeros(n_rows, n_columns);
        packed.set_columns(b, stride);
        packed
    }

    /// Take another shape, keeping the storage; the values are then unspecified until set.
    pub fn reshape(&mut self, n_rows: usize, n_columns: usize) {
        self.panels.grow(n_columns.div_ceil(self.nr) * self.nr * n_rows);
        (self.n_rows, self.n_columns) = (n_rows, n_columns);
    }

    /// Overwrite all values from a row-major matrix, as [`Packed::from_rows`].
    pub fn set_rows(&mut self, b: &[f32], stride: usize) {
        let (n_rows, n_columns, nr) = (self.n_rows, self.n_columns, self.nr);
        // Some rows of all panels at a time, so that few pages are in use.
        for first in (0..n_rows).step_by(ROW_GROUP) {
            let rows = first..n_rows.min(first + ROW_GROUP);
            for column in (0..n_columns).step_by(nr) {
                let width = nr.min(n_columns - column);
                let panel = &mut self.panels.as_mut_slice()[column * n_rows..(column + nr) * n_rows];
                for row in rows.clone() {
                    let out = &mut panel[row * nr..(row + 1) * nr];
                    let values = &b[row * stride + column..][..width];
                    if width == nr {
                        // Of a length that the compiler knows, not a call for every line.
                        for line in (0..nr).step_by(LINE) {
                            out[line..line + LINE].copy_from_slice(&values[line..line + LINE]);
                        }
                    } else {
                        out[..width].copy_from_slice(values);
                        out[width..].fill(0.0);
                    }
                }
            }
        }
    }

    /// Overwrite all values from the transpose of a row-major matrix, as [`Packed::from_columns`].
    pub fn set_columns(&mut self, b: &[f32], stride: usize) {
        let (n_rows, n_columns, nr) = (self.n_rows, self.n_columns, self.nr);
        for column in (0..n_columns).step_by(nr) {
            let width = nr.min(n_columns - column);
            let panel = &mut self.panels.as_mut_slice()[column * n_rows..(column + nr) * n_rows];
            if width < nr {
                panel.fill(0.0);
            }
            transpose((&b[column * stride..], stride), width, n_rows, (panel, nr));
        }
    }

    /// Copy one column, `n_rows` values, into `out`.
    pub fn copy_column(&self, column: usize, out: &mut [f32]) {
        assert!(column < self.n_columns && out.len() == self.n_rows, "column {column} of {}", self.n_columns);
        let start = self.column_start(column);
        for (row, out) in out.iter_mut().enumerate() {
            *out = self.values()[start + row * self.nr];
        }
    }

    /// Rows, the contracted dimension of a product.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Columns.
    pub fn n_columns(&self) -> usize {
        self.n_columns
    }

    pub(super) fn isa(&self) -> Isa {
        self.isa
    }

    pub(super) fn values(&self) -> &[f32] {
        self.panels.as_slice()
    }

    /// Where row 0 of a column lies in [`Packed::values`]; its rows are NR apart.
    #[inline(always)]
    pub(super) fn column_start(&self, column: usize) -> usize {
        let in_panel = column % self.nr;
        (column - in_panel) * self.n_rows + in_panel
    }

    /// The panel that starts at a column, [`n_rows`][NR].
    #[inline(always)]
    pub(super) fn panel(&self, column: usize) -> &[f32] {
        &self.values()[column * self.n_rows..(column + self.nr) * self.n_rows]
    }
}

/// The left operand of a product, A [m, k], in whatever layout it lies.
pub(super) trait Left {
    /// Pack rows `rows` and terms `terms` of A into `out`, [rows / MR][terms][MR]; rows beyond the end are zero.
    fn pack<K: Kernel>(&self, rows: Range<usize>, terms: Range<usize>, out: &mut [f32]);

    /// Whether to read A where it lies rather than pack it, for a product with this many columns. No bit depends on it.
    fn is_read_in_place(&self, n_columns: usize) -> bool;

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

impl Left for Rows<'_> {
    #[inline(always)]
    fn pack<K: Kernel>(&self, rows: Range<usize>, terms: Range<usize>, out: &mut [f32]) {
        let depth = terms.len();
        for (block, first) in rows.clone().step_by(K::MR).enumerate() {
            let out = &mut out[block * K::MR * depth..(block + 1) * K::MR * depth];
            let n_rows = K::MR.min(rows.end - first);
            if n_rows < K::MR {
                out.fill(0.0);
            }
            transpose((&self.values[first * self.stride + terms.start..], self.stride), n_rows, depth, (out, K::MR));
        }
    }

    #[inline(always)]
    fn is_read_in_place(&self, n_columns: usize) -> bool {
        // MR streams in reading order cost nothing until many panels read them again.
        n_columns <= 512
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

impl Left for Columns<'_> {
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
    fn strip<K: Kernel>(&self, first_row: usize, first_term: usize, depth: usize) -> Strip {
        strip::<K>(self.values, first_term * self.stride + first_row, (1, self.stride), depth)
    }
}

/// The transpose of a packed matrix.
impl Left for Packed {
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

    fn strip<K: Kernel>(&self, _: usize, _: usize, _: usize) -> Strip {
        unreachable!("a strip may lie in two panels")
    }
}

/// out[t * out_stride + i] = a[i * stride + t] for i < n_rows, t < depth.
#[inline(always)]
fn transpose((a, stride): (&[f32], usize), n_rows: usize, depth: usize, (out, out_stride): (&mut [f32], usize)) {
    if n_rows == 0 || depth == 0 {
        return;
    }
    assert!(a.len() >= (n_rows - 1) * stride + depth, "transpose: A has {} values", a.len());
    assert!(out.len() >= (depth - 1) * out_stride + n_rows, "transpose: room for {} values", out.len());
    // Four by four, which the compiler makes loads, shuffles and stores of vectors.
    let (whole_rows, whole_depth) = (n_rows / 4 * 4, depth / 4 * 4);
    for t in (0..whole_depth).step_by(4) {
        for i in (0..whole_rows).step_by(4) {
            // SAFETY: i + 3 < n_rows and t + 3 < depth, whose extents are checked above.
            unsafe {
                let from = a.as_ptr().add(i * stride + t);
                let row = |i: usize| *from.add(i * stride).cast::<[f32; 4]>();
                let rows = [row(0), row(1), row(2), row(3)];
                let to = out.as_mut_ptr().add(t * out_stride + i);
                for t in 0..4 {
                    *to.add(t * out_stride).cast::<[f32; 4]>() = [rows[0][t], rows[1][t], rows[2][t], rows[3][t]];
                }
            }
        }
    }
    for i in 0..n_rows {
        for t in if i < whole_rows { whole_depth } else { 0 }..depth {
            out[t * out_stride + i] = a[i * stride + t];
        }
    }
}
