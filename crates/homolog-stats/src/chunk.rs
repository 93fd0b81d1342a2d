//! One layer's activations for one chunk of tokens, on the way into the estimators.

use homolog_kernels::Packed;

use crate::MomentsAccumulator;

/// Activations [`n_tokens`, n] of the current chunk; once packed, centred and ready for products.
pub struct Chunk {
    n: usize,
    values: Vec<f32>,
    packed: Packed,
}

impl Chunk {
    /// Empty, for a layer of `n` neurons. Memory: twice the chunk, as it comes and packed.
    pub fn new(n: usize) -> Self {
        Self { n, values: Vec::new(), packed: Packed::zeros(0, n) }
    }

    /// Forget the tokens.
    pub fn clear(&mut self) {
        self.values.clear();
    }

    /// Add one token's activations, [n].
    pub fn push(&mut self, activations: &[f32]) {
        debug_assert_eq!(activations.len(), self.n, "one value a neuron");
        self.values.extend_from_slice(activations);
    }

    /// Centre and pack, adding the tokens to the moments.
    pub fn pack_with_moments(&mut self, moments: &mut MomentsAccumulator) {
        moments.add(&mut self.values);
        self.pack();
    }

    /// Centre and pack by moments that another pass over the same tokens has taken.
    pub fn pack_again(&mut self, moments: &MomentsAccumulator) {
        moments.centre(&mut self.values);
        self.pack();
    }

    fn pack(&mut self) {
        self.packed.reshape(self.values.len() / self.n, self.n);
        self.packed.set_rows(&self.values, self.n);
    }

    pub(crate) fn packed(&self) -> &Packed {
        &self.packed
    }
}
