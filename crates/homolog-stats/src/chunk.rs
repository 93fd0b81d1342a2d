//! One layer's activations for one chunk of tokens, on the way into the estimators.

use homolog_kernels::{Packed, Precision, transpose};

use crate::MomentsAccumulator;

/// Activations [`n_tokens`, n] of the current chunk; once packed, centred and ready for products.
pub struct Chunk {
    n: usize,
    n_tokens: usize,
    /// Room for the largest chunk so far; the first `n_tokens` * n values are this one's.
    values: Vec<f32>,
    packed: Packed,
    /// Whether `values` lie neuron by neuron, [n, `n_tokens`].
    is_transposed: bool,
}

impl Chunk {
    /// Empty, for a layer of `n` neurons and products of this precision. Memory: twice the chunk, as it comes and packed.
    pub fn new(n: usize, precision: Precision) -> Self {
        let packed = Packed::zeros_in(precision, 0, n);
        Self { n, n_tokens: 0, values: Vec::new(), packed, is_transposed: false }
    }

    /// Forget the tokens.
    pub fn clear(&mut self) {
        self.n_tokens = 0;
        self.is_transposed = false;
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

    /// Centre and pack, adding the tokens to the moments of one half of them (see [`MomentsAccumulator::add`]). Only products see
    /// rounded values; moments are of activations as they come.
    pub fn pack_with_moments(&mut self, moments: &mut MomentsAccumulator, half: usize) {
        moments.add(&mut self.values[..self.n_tokens * self.n], half);
        self.pack();
    }

    /// Centre and pack by moments that another pass over the same tokens has taken.
    pub fn pack_again(&mut self, moments: &MomentsAccumulator) {
        moments.centre(&mut self.values[..self.n_tokens * self.n]);
        self.pack();
    }

    /// Centre by means [n] without packing: for those who want single neurons alone.
    pub fn centre(&mut self, means: &[f32]) {
        for token in self.values[..self.n_tokens * self.n].chunks_exact_mut(self.n) {
            token.iter_mut().zip(means).for_each(|(x, mean)| *x -= mean);
        }
    }

    /// Activations as they lie, [`n_tokens`, n].
    pub fn by_token(&self) -> &[f32] {
        assert!(!self.is_transposed, "not transposed yet");
        &self.values[..self.n_tokens * self.n]
    }

    fn pack(&mut self) {
        self.packed.reshape(self.n_tokens, self.n);
        self.packed.set_rows(&self.values, self.n);
    }

    /// Lay the centred values out neuron by neuron, for those who want single neurons; a chunk that is to be packed is packed before.
    /// `scratch` is room that may serve the next chunk.
    pub fn transpose(&mut self, scratch: &mut Vec<f32>) {
        let (n, n_tokens) = (self.n, self.n_tokens);
        assert!(!self.is_transposed, "transposed once");
        scratch.resize(scratch.len().max(n * n_tokens), 0.0);
        transpose(&self.values[..n * n_tokens], n, &mut scratch[..n * n_tokens]);
        std::mem::swap(&mut self.values, scratch);
        self.is_transposed = true;
    }

    pub(crate) fn n_tokens(&self) -> usize {
        self.n_tokens
    }

    /// Centred values, [n, `n_tokens`].
    pub(crate) fn by_neuron(&self) -> &[f32] {
        assert!(self.is_transposed, "transposed before");
        &self.values[..self.n * self.n_tokens]
    }

    pub(crate) fn packed(&self) -> &Packed {
        &self.packed
    }
}

/// Some neurons of a chunk, packed by themselves.
pub struct ChosenNeurons {
    values: Vec<f32>,
    packed: Packed,
}

impl ChosenNeurons {
    /// None yet, for products of this precision.
    pub fn new(precision: Precision) -> Self {
        Self { values: Vec::new(), packed: Packed::zeros_in(precision, 0, 0) }
    }

    /// Take `neurons`, by index within the layer, of a transposed chunk.
    pub fn set(&mut self, chunk: &Chunk, neurons: &[u32]) {
        let n_tokens = chunk.n_tokens;
        let columns = neurons.iter().map(|&neuron| &chunk.by_neuron()[neuron as usize * n_tokens..][..n_tokens]);
        self.values.clear();
        columns.for_each(|column| self.values.extend_from_slice(column));
        self.packed.reshape(n_tokens, neurons.len());
        self.packed.set_columns(&self.values, n_tokens.max(1));
    }

    pub(crate) fn packed(&self) -> &Packed {
        &self.packed
    }
}
