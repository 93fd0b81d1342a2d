//! One layer's activations for one chunk of tokens, on the way into the estimators.

use homolog_kernels::Packed;

use crate::MomentsAccumulator;

/// Activations [`n_tokens`, n] of the current chunk; once packed, centred and ready for products.
pub struct Chunk {
    n: usize,
    n_tokens: usize,
    /// Room for the largest chunk so far; the first `n_tokens` * n values are this one's.
    values: Vec<f32>,
    packed: Packed,
}

impl Chunk {
    /// Empty, for a layer of `n` neurons. Memory: twice the chunk, as it comes and packed.
    pub fn new(n: usize) -> Self {
        Self { n, n_tokens: 0, values: Vec::new(), packed: Packed::zeros(0, n) }
    }

    /// Forget the tokens.
    pub fn clear(&mut self) {
        self.n_tokens = 0;
    }

    /// Add `n_tokens` tokens, whose activations [`n_tokens`, n] the caller then writes: they are unspecified until then.
    pub fn grow(&mut self, n_tokens: usize) -> &mut [f32] {
        let start = self.n_tokens * self.n;
        self.n_tokens += n_tokens;
        let end = self.n_tokens * self.n;
        if self.values.len() < end {
            self.values.resize(end, 0.0);
        }
        &mut self.values[start..end]
    }

    /// Centre and pack, adding the tokens to the moments.
    pub fn pack_with_moments(&mut self, moments: &mut MomentsAccumulator) {
        moments.add(&mut self.values[..self.n_tokens * self.n]);
        self.pack();
    }

    /// Centre and pack by moments that another pass over the same tokens has taken.
    pub fn pack_again(&mut self, moments: &MomentsAccumulator) {
        moments.centre(&mut self.values[..self.n_tokens * self.n]);
        self.pack();
    }

    fn pack(&mut self) {
        self.packed.reshape(self.n_tokens, self.n);
        self.packed.set_rows(&self.values, self.n);
    }

    pub(crate) fn packed(&self) -> &Packed {
        &self.packed
    }
}
