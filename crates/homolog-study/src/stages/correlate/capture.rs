//! Activations of counted positions, gathered for one chunk of rows.

use std::ops::Range;

use homolog_model::{Activation, HookPoint, Hooks, Site, TokenMask};
use homolog_stats::Chunk;
use rayon::prelude::*;

/// Copies `mlp.hook_post` at counted positions into the chunk of each layer, in the order of the tokens.
pub(crate) struct CountedActivations<'a> {
    /// By layer; none where nobody wants the layer.
    pub(crate) chunks: &'a mut [Option<Chunk>],
    pub(crate) mask: &'a TokenMask,
    /// Row of the mask that the batch begins with.
    pub(crate) first_row: usize,
    /// Flat positions (row * context + place) that are copied, if they count.
    pub(crate) positions: &'a Range<usize>,
}

impl Hooks for CountedActivations<'_> {
    fn wants(&self, point: HookPoint) -> bool {
        point.site == Site::MlpPost && self.chunks[point.layer].is_some()
    }

    fn at(&mut self, point: HookPoint, activation: Activation<'_>) {
        let Activation { values, n_rows, n_pos, width } = activation;
        let is_inside = |row: usize, place: usize| self.positions.contains(&((self.first_row + row) * n_pos + place));
        let counted = |row: usize| {
            let mask = self.mask.row(self.first_row + row);
            (0..n_pos).filter(move |&place| mask[place] && is_inside(row, place))
        };
        let n_counted = |row: usize| counted(row).count();
        let chunk = self.chunks[point.layer].as_mut().expect("a layer that is wanted");
        let mut rest = chunk.grow((0..n_rows).map(n_counted).sum());
        let mut rows = Vec::with_capacity(n_rows);
        for row in 0..n_rows {
            let (kept, after) = rest.split_at_mut(n_counted(row) * width);
            rows.push((counted(row), kept));
            rest = after;
        }
        rows.into_par_iter().zip(values.par_chunks_exact(n_pos * width)).for_each(|((counted, kept), activations)| {
            let kept = counted.zip(kept.chunks_exact_mut(width));
            kept.for_each(|(place, to)| to.copy_from_slice(&activations[place * width..(place + 1) * width]));
        });
    }
}
