//! Tiny models for tests, read from a folder as a user's are, and rows of tokens for them.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use homolog_test::Seeded;
use homolog_test::tiny_gpt2::{Gpt2Shape, Layout, Weights};

use crate::{Checkpoint, Model, Precision, TokenBatch};

/// The model that these weights make, in f32.
pub(crate) fn model(shape: &Gpt2Shape, weights: &Weights) -> Model {
    model_in(Precision::F32, shape, weights)
}

/// The model that these weights make.
pub(crate) fn model_in(precision: Precision, shape: &Gpt2Shape, weights: &Weights) -> Model {
    let folder = tempfile::tempdir().unwrap();
    shape.write(folder.path(), weights, &Layout::PLAIN);
    Checkpoint::open(folder.path(), &BTreeSet::new()).unwrap().load(precision).unwrap()
}

/// Random rows of a context.
pub(crate) struct Rows {
    pub(crate) ids: Vec<u32>,
    pub(crate) context: usize,
}

impl Rows {
    pub(crate) fn random(shape: &Gpt2Shape, n_rows: usize, context: usize) -> Self {
        let mut seeded = Seeded::new(99);
        Self { ids: (0..n_rows * context).map(|_| seeded.below(shape.d_vocab) as u32).collect(), context }
    }

    pub(crate) fn batch(&self) -> TokenBatch<'_> {
        TokenBatch { ids: &self.ids, context: self.context }
    }
}

/// For comparisons bit for bit.
pub(crate) fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}
