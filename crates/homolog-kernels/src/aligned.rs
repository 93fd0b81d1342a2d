//! A growable f32 buffer that starts on a cache line, so that no vector load of a panel straddles two.

/// One cache line.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; 16]);

/// f32 storage aligned to 64 bytes; its length is rounded up to whole lines, the excess holds zeros.
#[derive(Clone, Default)]
pub(crate) struct Aligned(Vec<Line>);

impl Aligned {
    pub(crate) fn zeroed(len: usize) -> Self {
        Self(vec![Line([0.0; 16]); len.div_ceil(16)])
    }

    /// Make room for `len` values; existing values are kept, new ones are zero.
    pub(crate) fn grow(&mut self, len: usize) {
        if self.0.len() * 16 < len {
            self.0.resize(len.div_ceil(16), Line([0.0; 16]));
        }
    }

    pub(crate) fn as_slice(&self) -> &[f32] {
        // SAFETY: `Line` is `repr(C)` over [f32; 16] without padding, so the allocation is len * 16 consecutive f32.
        unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast::<f32>(), self.0.len() * 16) }
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [f32] {
        // SAFETY: as in `as_slice`, and the borrow is exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.0.as_mut_ptr().cast::<f32>(), self.0.len() * 16) }
    }

    /// The same storage as words, for operands that are no f32.
    pub(crate) fn as_words(&self) -> &[u32] {
        // SAFETY: as in `as_slice`; every bit pattern of an f32 is a u32.
        unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast::<u32>(), self.0.len() * 16) }
    }

    pub(crate) fn as_mut_words(&mut self) -> &mut [u32] {
        // SAFETY: as in `as_words`, and the borrow is exclusive; every u32 is the bit pattern of an f32.
        unsafe { std::slice::from_raw_parts_mut(self.0.as_mut_ptr().cast::<u32>(), self.0.len() * 16) }
    }
}
