//! Where sums go: an f32 matrix, which the kernel writes itself, or f64 totals.

use super::kernel::{Base, Kernel};

/// Where blocks of sums go.
///
/// # Safety
/// What `block` gives is exclusively borrowed and has room for `n_rows` rows of `width` at its stride, and a bias of it for
/// `width`: the kernel writes and reads there without looking.
pub(super) unsafe trait Output {
    /// Whether writing a block costs so much that sums of several are added up in f32 before.
    const IS_DEAR: bool;

    /// Announce that `width` values of a row are about to be written.
    fn touch(&self, row: usize, column: usize, width: usize);

    /// Where the kernel itself may write a block of `n_rows` x `width`, the stride there, and what the sums are added to.
    fn block(
        &mut self,
        at: (usize, usize),
        n_rows: usize,
        width: usize,
        is_first: bool,
    ) -> Option<(*mut f32, usize, Base)>;

    /// Take one row of a block that the kernel does not write.
    fn add<K: Kernel>(&mut self, row: usize, column: usize, sums: &[f32], is_first: bool);
}

/// What the first sums of an element do to it; later ones are added.
#[derive(Clone, Copy)]
pub(super) enum First<'a> {
    Overwrites(Option<&'a [f32]>),
    Adds,
}

/// An f32 matrix.
pub(super) struct Dense<'a> {
    pub(super) out: &'a mut [f32],
    pub(super) stride: usize,
    /// The column of B that is column 0 here.
    pub(super) first_column: usize,
    pub(super) first: First<'a>,
}

// SAFETY: `block` slices the matrix, and the bias, to the extent of the block.
unsafe impl Output for Dense<'_> {
    const IS_DEAR: bool = false;

    #[inline(always)]
    fn touch(&self, row: usize, column: usize, width: usize) {
        prefetch::<f32>(self.out.as_ptr().wrapping_add(row * self.stride + column - self.first_column), width);
    }

    #[inline(always)]
    fn block(
        &mut self,
        (row, column): (usize, usize),
        n_rows: usize,
        width: usize,
        is_first: bool,
    ) -> Option<(*mut f32, usize, Base)> {
        let start = row * self.stride + column - self.first_column;
        let out = &mut self.out[start..start + (n_rows - 1) * self.stride + width];
        let base = match self.first {
            First::Overwrites(None) if is_first => Base::Nothing,
            First::Overwrites(Some(bias)) if is_first => Base::Bias(bias[column..column + width].as_ptr()),
            _ => Base::Out,
        };
        Some((out.as_mut_ptr(), self.stride, base))
    }

    #[inline(always)]
    fn add<K: Kernel>(&mut self, row: usize, column: usize, sums: &[f32], is_first: bool) {
        let start = row * self.stride + column - self.first_column;
        let out = &mut self.out[start..start + sums.len()];
        match self.first {
            First::Overwrites(None) if is_first => out.copy_from_slice(sums),
            First::Overwrites(Some(bias)) if is_first => {
                (0..sums.len()).for_each(|j| out[j] = bias[column + j] + sums[j]);
            }
            _ => out.iter_mut().zip(sums).for_each(|(out, &sum)| *out += sum),
        }
    }
}

/// An f64 matrix that is added to.
pub(super) struct Totals<'a> {
    pub(super) total: &'a mut [f64],
    pub(super) n_columns: usize,
}

// SAFETY: `block` gives nothing.
unsafe impl Output for Totals<'_> {
    const IS_DEAR: bool = true;

    #[inline(always)]
    fn touch(&self, row: usize, column: usize, width: usize) {
        prefetch::<f64>(self.total.as_ptr().wrapping_add(row * self.n_columns + column), width);
    }

    #[inline(always)]
    fn block(&mut self, _: (usize, usize), _: usize, _: usize, _: bool) -> Option<(*mut f32, usize, Base)> {
        None
    }

    #[inline(always)]
    fn add<K: Kernel>(&mut self, row: usize, column: usize, sums: &[f32], _: bool) {
        let start = row * self.n_columns + column;
        let total = &mut self.total[start..start + sums.len()];
        // A full row has a length that the compiler knows, and so becomes a few vector instructions.
        if sums.len() == K::NR {
            let (total, sums) = (&mut total[..K::NR], &sums[..K::NR]);
            (0..K::NR).for_each(|j| total[j] += f64::from(sums[j]));
        } else {
            total.iter_mut().zip(sums).for_each(|(total, &sum)| *total += f64::from(sum));
        }
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
