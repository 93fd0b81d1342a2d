//! The innermost block: MR x NR sums held in registers over the whole depth. One implementation an instruction set.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{
    _mm256_broadcast_ss, _mm256_fmadd_ps, _mm256_load_ps, _mm256_setzero_ps, _mm256_store_ps, _mm512_fmadd_ps,
    _mm512_load_ps, _mm512_set1_ps, _mm512_setzero_ps, _mm512_store_ps,
};

/// Room for the largest block.
pub(super) const MAX_SUMS: usize = 12 * 32;

/// A block of sums, on a cache line.
#[repr(C, align(64))]
pub(super) struct Sums(pub [f32; MAX_SUMS]);

/// A register block.
pub(super) trait Kernel {
    /// Rows of A in a block; divides [`super::MC`].
    const MR: usize;
    /// Columns of B in a block, the width of a panel.
    const NR: usize;

    /// sums[i * NR + j] = sum over t < depth of a[t * MR + i] b[t * NR + j], t ascending.
    ///
    /// SAFETY: the CPU has the instruction set; `a` holds depth * MR values, `b` depth * NR on a 64-byte boundary, `sums`
    /// room for MR * NR on a 64-byte boundary.
    unsafe fn multiply(depth: usize, a: *const f32, b: *const f32, sums: *mut f32);
}

/// Plain Rust, left to the vectoriser.
pub(super) struct Portable;

impl Kernel for Portable {
    const MR: usize = 4;
    const NR: usize = 16;

    #[inline(always)]
    unsafe fn multiply(depth: usize, a: *const f32, b: *const f32, sums: *mut f32) {
        let mut block = [[0.0_f32; 16]; 4];
        for t in 0..depth {
            // SAFETY: t < depth and the extents are the caller's promise.
            let (a, b) = unsafe { (&*a.add(t * 4).cast::<[f32; 4]>(), &*b.add(t * 16).cast::<[f32; 16]>()) };
            for (row, &a) in block.iter_mut().zip(a) {
                for (sum, &b) in row.iter_mut().zip(b) {
                    *sum += a * b;
                }
            }
        }
        // SAFETY: room for MR * NR is the caller's promise.
        unsafe { *sums.cast::<[[f32; 16]; 4]>() = block };
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
    unsafe fn multiply(depth: usize, a: *const f32, b: *const f32, sums: *mut f32) {
        // SAFETY: set and extents are the caller's promise.
        unsafe {
            let mut block = [[_mm256_setzero_ps(); 2]; 6];
            for t in 0..depth {
                let b0 = _mm256_load_ps(b.add(t * 16));
                let b1 = _mm256_load_ps(b.add(t * 16 + 8));
                for (i, row) in block.iter_mut().enumerate() {
                    let a = _mm256_broadcast_ss(&*a.add(t * 6 + i));
                    row[0] = _mm256_fmadd_ps(a, b0, row[0]);
                    row[1] = _mm256_fmadd_ps(a, b1, row[1]);
                }
            }
            for (i, row) in block.iter().enumerate() {
                _mm256_store_ps(sums.add(i * 16), row[0]);
                _mm256_store_ps(sums.add(i * 16 + 8), row[1]);
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
    unsafe fn multiply(depth: usize, a: *const f32, b: *const f32, sums: *mut f32) {
        // SAFETY: set and extents are the caller's promise.
        unsafe {
            let mut block = [[_mm512_setzero_ps(); 2]; 12];
            for t in 0..depth {
                let b0 = _mm512_load_ps(b.add(t * 32));
                let b1 = _mm512_load_ps(b.add(t * 32 + 16));
                for (i, row) in block.iter_mut().enumerate() {
                    let a = _mm512_set1_ps(*a.add(t * 12 + i));
                    row[0] = _mm512_fmadd_ps(a, b0, row[0]);
                    row[1] = _mm512_fmadd_ps(a, b1, row[1]);
                }
            }
            for (i, row) in block.iter().enumerate() {
                _mm512_store_ps(sums.add(i * 32), row[0]);
                _mm512_store_ps(sums.add(i * 32 + 16), row[1]);
            }
        }
    }
}
