//! Activations of counted positions, gathered for one chunk of rows.

use homolog_model::{Activation, HookPoint, Hooks, Site, TokenMask};
use homolog_stats::Chunk;

/// Copies `mlp.hook_post` at counted positions into the chunk of each layer, in the order of the tokens.
pub(super) struct CountedActivations<'a> {
    /// By layer.
    pub(super) chunks: &'a mut [Chunk],
    pub(super) mask: &'a TokenMask,
    /// Row of the token file that the batch begins with.
    pub(super) first_row: usize,
}

impl Hooks for CountedActivations<'_> {
    fn wants(&self, point: HookPoint) -> bool {
        point.site == Site::MlpPost
    }

    fn at(&mut self, point: HookPoint, activation: Activation<'_>) {
        let positions = activation.values.chunks_exact(activation.width);
        let rows = self.first_row..self.first_row + activation.n_rows;
        let counted = rows.flat_map(|row| self.mask.row(row));
        for (activations, _) in positions.zip(counted).filter(|(_, is_counted)| **is_counted) {
            self.chunks[point.layer].push(activations);
        }
    }
}
