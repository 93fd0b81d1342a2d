//! The innermost block: MR x NR sums held in registers over the whole depth. One implementation an instruction set.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{
    _mm256_add_ps, _mm256_broadcast_ss, _mm256_fmadd_ps, _mm256_load_ps, _mm256_loadu_ps, _mm256_setzero_ps,
    _mm256_storeu_ps, _mm512_add_ps, _mm512_fmadd_ps, _mm512_load_ps, _mm512_loadu_ps, _mm512_set1_ps,
    _mm512_setzero_ps, _mm512_storeu_ps,
};

/// Columns of the widest block.
pub(super) const MAX_NR: usize = 32;

/// Room for the largest block.
pub(super) const MAX_SUMS: usize = 12 * MAX_NR;

/// Sums of one block or more, on a cache line.
#[repr(C, align(64))]
pub(super) struct Sums<const N: usize>(pub [f32; N]);

/// MR rows of A as the kernel reads them: element (i, t) lies `i * row_step + t * term_step` after `start`.
#[derive(Clone, Copy)]
pub(super) struct Strip {
    pub(super) start: *const f32,
    pub(super) row_step: usize,
    pub(super) term_step: usize,
}

/// What the sums of a block are added to as they are written.
#[derive(Clone, Copy)]
pub(super) enum Base {
    /// Nothing: what stands in the output is not read.
    Nothing,
    /// The same NR values for every row.
    Bias(*const f32),
    /// What stands in the output.
    Out,
}

/// A register block.
pub(super) trait Kernel {
    /// Rows of A in a block; divides [`super::MC`].
    const MR: usize;
    /// Columns of B in a block, the width of a panel.
    const NR: usize;

    /// out[i * out_stride + j] = base + sum over t < depth of a(i, t) b[t * NR + j], t ascending.
    ///
    /// SAFETY: the CPU has the instruction set; `a` holds MR rows of `depth` values, `b` depth * NR on a 64-byte boundary,
    /// `out` MR rows of NR, a bias NR.
    unsafe fn multiply(depth: usize, a: Strip, b: *const f32, out: (*mut f32, usize), base: Base);
}

/// Plain Rust, left to the vectoriser.
pub(super) struct Portable;

impl Kernel for Portable {
    const MR: usize = 4;
    const NR: usize = 16;

    #[inline(always)]
    unsafe fn multiply(depth: usize, a: Strip, b: *const f32, (out, out_stride): (*mut f32, usize), base: Base) {
        let mut block = [[0.0_f32; 16]; 4];
        for t in 0..depth {
            // SAFETY: t < depth and the extents are the caller's promise.
            let b = unsafe { &*b.add(t * 16).cast::<[f32; 16]>() };
            for (i, row) in block.iter_mut().enumerate() {
                // SAFETY: as above, i < MR.
                let a = unsafe { *a.start.add(i * a.row_step + t * a.term_step) };
                for (sum, &b) in row.iter_mut().zip(b) {
                    *sum += a * b;
                }
            }
        }
        for (i, row) in block.iter_mut().enumerate() {
            // SAFETY: MR rows of NR, and a bias of NR, are the caller's promise.
            let (out, base) = unsafe {
                let out = out.add(i * out_stride).cast::<[f32; 16]>();
                let base = match base {
                    Base::Nothing => None,
                    Base::Bias(bias) => Some(*bias.cast::<[f32; 16]>()),
                    Base::Out => Some(*out),
                };
                (&mut *out, base)
            };
            if let Some(base) = base {
                row.iter_mut().zip(base).for_each(|(sum, base)| *sum += base);
            }
            *out = *row;
        }
    }
}

/// 6 x 16: twelve accumulators, two of B and one of A fill the sixteen registers.
#[cfg(target_arch = "x86_64")]
pub(super) struct Avx2;

#[cfg(target_arch = "x86_64")]
impl Kernel for Avx2 {
    const MR: usize = 6;
    const NR: usize = 16;

    #[inline(always)]
    unsafe fn multiply(depth: usize, a: Strip, b: *const f32, (out, out_stride): (*mut f32, usize), base: Base) {
        // SAFETY: set and extents are the caller's promise.
        unsafe {
            let mut block = [[_mm256_setzero_ps(); 2]; 6];
            for t in 0..depth {
                let b0 = _mm256_load_ps(b.add(t * 16));
                let b1 = _mm256_load_ps(b.add(t * 16 + 8));
                for (i, row) in block.iter_mut().enumerate() {
                    let a = _mm256_broadcast_ss(&*a.start.add(i * a.row_step + t * a.term_step));
                    row[0] = _mm256_fmadd_ps(a, b0, row[0]);
                    row[1] = _mm256_fmadd_ps(a, b1, row[1]);
                }
            }
            for (i, row) in block.iter_mut().enumerate() {
                let out = out.add(i * out_stride);
                for (half, sums) in row.iter_mut().enumerate() {
                    match base {
                        Base::Nothing => {}
                        Base::Bias(bias) => *sums = _mm256_add_ps(_mm256_loadu_ps(bias.add(half * 8)), *sums),
                        Base::Out => *sums = _mm256_add_ps(_mm256_loadu_ps(out.add(half * 8)), *sums),
                    }
                    _mm256_storeu_ps(out.add(half * 8), *sums);
                }
            }
        }
    }
}

/// 12 x 32: twenty-four accumulators of the thirty-two registers.
#[cfg(target_arch = "x86_64")]
pub(super) struct Avx512;

#[cfg(target_arch = "x86_64")]
impl Kernel for Avx512 {
    const MR: usize = 12;
    const NR: usize = 32;

    #[inline(always)]
    unsafe fn multiply(depth: usize, a: Strip, b: *const f32, (out, out_stride): (*mut f32, usize), base: Base) {
        // SAFETY: set and extents are the caller's promise.
        unsafe {
            let mut block = [[_mm512_setzero_ps(); 2]; 12];
            for t in 0..depth {
                let b0 = _mm512_load_ps(b.add(t * 32));
                let b1 = _mm512_load_ps(b.add(t * 32 + 16));
                for (i, row) in block.iter_mut().enumerate() {
                    let a = _mm512_set1_ps(*a.start.add(i * a.row_step + t * a.term_step));
                    row[0] = _mm512_fmadd_ps(a, b0, row[0]);
                    row[1] = _mm512_fmadd_ps(a, b1, row[1]);
                }
            }
            for (i, row) in block.iter_mut().enumerate() {
                let out = out.add(i * out_stride);
                for (half, sums) in row.iter_mut().enumerate() {
                    match base {
                        Base::Nothing => {}
                        Base::Bias(bias) => *sums = _mm512_add_ps(_mm512_loadu_ps(bias.add(half * 16)), *sums),
                        Base::Out => *sums = _mm512_add_ps(_mm512_loadu_ps(out.add(half * 16)), *sums),
                    }
                    _mm512_storeu_ps(out.add(half * 16), *sums);
                }
            }
        }
    }
}
