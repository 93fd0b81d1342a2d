//! The packed operand: a layout that the kernel reads in the order in which it needs it.

use super::kernel::{self, Kernel};
use super::tiles;
use crate::aligned::Aligned;
use crate::isa::Isa;
use crate::precision::Precision;
use crate::transpose::transpose_block;

/// Values on a cache line; every NR is a multiple of it.
const LINE: usize = 16;

/// Rows packed before the next columns are.
const ROW_GROUP: usize = 64;

/// A [k, n] matrix in panels of NR columns, [n / NR][k][NR]; columns beyond n are zero. For AMX below f32 it lies in tiles instead.
///
/// Weights are packed once when a model is loaded, activations once a chunk.
#[derive(Clone)]
pub struct Packed {
    /// f32, or words of tiles.
    panels: Aligned,
    n_rows: usize,
    n_columns: usize,
    nr: usize,
    isa: Isa,
    precision: Precision,
    /// Known of tiles only.
    has_finite_tiles: bool,
}

impl Packed {
    /// A range of columns may start at any multiple of this, whatever the instruction set.
    pub const COLUMN_STEP: usize = 32;

    /// Below f32, rows may be padded to a multiple of this.
    pub const ROW_STEP: usize = 32;

    /// A [`n_rows`, `n_columns`] matrix of zeros for f32 products with the instruction set in force.
    pub fn zeros(n_rows: usize, n_columns: usize) -> Self {
        Self::zeros_in(Precision::F32, n_rows, n_columns)
    }

    /// A matrix of zeros whose products have this precision.
    pub fn zeros_in(precision: Precision, n_rows: usize, n_columns: usize) -> Self {
        Self::zeros_for(Isa::current(), precision, n_rows, n_columns)
    }

    /// A matrix of zeros for one of the available instruction sets.
    pub(super) fn zeros_for(isa: Isa, precision: Precision, n_rows: usize, n_columns: usize) -> Self {
        let nr = match isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 | Isa::Amx => kernel::Avx512::NR,
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => kernel::Avx2::NR,
            _ => kernel::Portable::NR,
        };
        // In f32 tiles are of no use.
        let isa = if isa == Isa::Amx && precision == Precision::F32 { Isa::Avx512 } else { isa };
        let mut packed =
            Self { panels: Aligned::default(), n_rows, n_columns, nr, isa, precision, has_finite_tiles: true };
        packed.panels = Aligned::zeroed(packed.n_values());
        packed
    }

    /// Pack a row-major matrix `b` [`n_rows`, `n_columns`] whose rows are `stride` apart, for f32 products.
    pub fn from_rows(b: &[f32], stride: usize, n_rows: usize, n_columns: usize) -> Self {
        Self::from_rows_in(Precision::F32, b, stride, n_rows, n_columns)
    }

    /// [`Packed::from_rows`] for products of this precision.
    pub fn from_rows_in(precision: Precision, b: &[f32], stride: usize, n_rows: usize, n_columns: usize) -> Self {
        let mut packed = Self::zeros_in(precision, n_rows, n_columns);
        packed.set_rows(b, stride);
        packed
    }

    /// Pack the transpose of a row-major matrix for f32 products: `b` holds `n_columns` rows of `n_rows` values, `stride` apart.
    pub fn from_columns(b: &[f32], stride: usize, n_rows: usize, n_columns: usize) -> Self {
        Self::from_columns_in(Precision::F32, b, stride, n_rows, n_columns)
    }

    /// [`Packed::from_columns`] for products of this precision.
    pub fn from_columns_in(precision: Precision, b: &[f32], stride: usize, n_rows: usize, n_columns: usize) -> Self {
        let mut packed = Self::zeros_in(precision, n_rows, n_columns);
        packed.set_columns(b, stride);
        packed
    }

    /// Take another shape, keeping the storage; the values are then unspecified until set.
    pub fn reshape(&mut self, n_rows: usize, n_columns: usize) {
        (self.n_rows, self.n_columns) = (n_rows, n_columns);
        self.panels.grow(self.n_values());
    }

    /// Overwrite all values from a row-major matrix, as [`Packed::from_rows`].
    pub fn set_rows(&mut self, b: &[f32], stride: usize) {
        if self.is_in_tiles() {
            let (layout, words) = (self.layout(), self.panels.as_mut_words());
            self.has_finite_tiles = tiles::fill_from_rows(layout, words, (b, stride));
            return;
        }
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
        if self.is_in_tiles() {
            let (layout, words) = (self.layout(), self.panels.as_mut_words());
            self.has_finite_tiles = tiles::fill_from_columns(layout, words, (b, stride));
            return;
        }
        let (n_rows, n_columns, nr) = (self.n_rows, self.n_columns, self.nr);
        for column in (0..n_columns).step_by(nr) {
            let width = nr.min(n_columns - column);
            let panel = &mut self.panels.as_mut_slice()[column * n_rows..(column + nr) * n_rows];
            if width < nr {
                panel.fill(0.0);
            }
            transpose_block((&b[column * stride..], stride), width, n_rows, (panel, nr));
        }
    }

    /// Copy one column, `n_rows` values, into `out`; below f32 they may be rounded.
    pub fn copy_column(&self, column: usize, out: &mut [f32]) {
        assert!(column < self.n_columns && out.len() == self.n_rows, "column {column} of {}", self.n_columns);
        if self.is_in_tiles() {
            let (layout, words) = self.tiles();
            (0..self.n_rows).for_each(|row| out[row] = layout.value(words, row, column));
            return;
        }
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

    /// The precision of products with this matrix.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// The set that multiplies it.
    pub(super) fn isa(&self) -> Isa {
        self.isa
    }

    fn is_in_tiles(&self) -> bool {
        self.isa == Isa::Amx
    }

    fn layout(&self) -> tiles::Layout {
        let is_split = self.precision == Precision::Bf16x3;
        tiles::Layout { n_rows: self.n_rows, n_columns: self.n_columns, is_split }
    }

    /// What the panels hold, as f32 or words.
    fn n_values(&self) -> usize {
        if self.is_in_tiles() {
            self.layout().words()
        } else {
            self.n_columns.div_ceil(self.nr) * self.nr * self.n_rows
        }
    }

    /// The tiles of a matrix that lies in them.
    pub(super) fn tiles(&self) -> (tiles::Layout, &[u32]) {
        debug_assert!(self.is_in_tiles(), "{} {}", self.isa, self.precision);
        (self.layout(), self.panels.as_words())
    }

    /// Whether no value is NaN or infinite, of a matrix that lies in tiles.
    pub(super) fn has_finite_tiles(&self) -> bool {
        self.has_finite_tiles
    }

    /// The same matrix for kernels without tiles: its values as they were packed.
    pub(super) fn to_values(&self) -> Self {
        let mut rows = vec![0.0; self.n_rows * self.n_columns];
        let (layout, words) = self.tiles();
        for (at, value) in rows.iter_mut().enumerate() {
            *value = layout.value(words, at / self.n_columns, at % self.n_columns);
        }
        let mut packed = Self::zeros_for(Isa::Avx512, self.precision, self.n_rows, self.n_columns);
        packed.set_rows(&rows, self.n_columns);
        packed
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
