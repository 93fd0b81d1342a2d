//! One pass over the tokens: the activations it needs, chunk by chunk, and the covariances it accumulates.

use std::collections::BTreeMap;

use homolog_model::{Model, TokenBatch, TokenMask};
use homolog_stats::{Chunk, CrossCovariance, MomentsAccumulator};
use rayon::prelude::*;

use super::capture::CountedActivations;
use super::state::empty_moments;
use crate::inputs::Inputs;
use crate::plan::footprint::chunk_rows;
use crate::plan::{Shape, Stream, Tile, View};
use crate::{Error, Progress};

/// Which rows a stream reads, and which of their positions count.
pub(super) struct Streams<'a> {
    mask: &'a TokenMask,
    /// By draw of null `permuted-rows`: the row that stands in for each, and positions counted in both.
    permuted: Vec<(Vec<usize>, TokenMask)>,
}

impl<'a> Streams<'a> {
    pub(super) fn new(mask: &'a TokenMask, orders: Vec<Vec<usize>>) -> Self {
        let permuted = orders.into_iter().map(|order| {
            let both = mask.counted_in_both(&order);
            (order, both)
        });
        Self { mask, permuted: permuted.collect() }
    }

    /// Positions that count, by place in the stream.
    fn mask(&self, stream: Stream) -> &TokenMask {
        match stream {
            Stream::Rows => self.mask,
            Stream::Paired { draw } | Stream::StandIn { draw } => &self.permuted[draw].1,
        }
    }

    /// The row of tokens at a place in the stream.
    fn row(&self, stream: Stream, place: usize) -> usize {
        match stream {
            Stream::Rows | Stream::Paired { .. } => place,
            Stream::StandIn { draw } => self.permuted[draw].0[place],
        }
    }
}

/// What one model shows in one stream, in this pass.
struct ReadView<'a> {
    view: View,
    /// By layer; none where no tile and no moments need it.
    chunks: Vec<Option<Chunk>>,
    moments: &'a mut Vec<MomentsAccumulator>,
    /// An earlier pass has taken the moments.
    has_moments: bool,
}

/// One pass.
pub(super) struct Pass<'a> {
    models: &'a [Model],
    views: Vec<ReadView<'a>>,
    covariances: Vec<(Tile, CrossCovariance)>,
}

impl<'a> Pass<'a> {
    /// A pass that accumulates `tiles`; it takes the moments of the views that it reads unless they are in `moments`. The first
    /// pass of all reads every model, whether a tile needs it or not: their moments are results.
    pub(super) fn new(
        models: &'a [Model],
        shapes: &[Shape],
        tiles: &[Tile],
        moments: &'a mut BTreeMap<View, Vec<MomentsAccumulator>>,
    ) -> Self {
        let mut has_moments = BTreeMap::new();
        let of_tiles = tiles.iter().flat_map(|tile| tile.sides()).map(|side| side.view);
        let of_models = (0..models.len()).map(|model| (model, Stream::Rows)).filter(|view| !moments.contains_key(view));
        for view in of_models.chain(of_tiles).collect::<Vec<_>>() {
            has_moments.entry(view).or_insert_with(|| moments.contains_key(&view));
            moments.entry(view).or_insert_with(|| empty_moments(&shapes[view.0]));
        }
        let read = moments.iter_mut().filter_map(|(&view, moments)| {
            let has_moments = *has_moments.get(&view)?;
            let is_read = |layer: usize| {
                !has_moments
                    || tiles.iter().any(|tile| tile.sides().iter().any(|side| side.view == view && side.layer == layer))
            };
            let shape = &shapes[view.0];
            let chunks = (0..shape.n_layers).map(|layer| is_read(layer).then(|| Chunk::new(shape.d_mlp))).collect();
            Some(ReadView { view, chunks, moments, has_moments })
        });
        let covariance = |&tile: &Tile| {
            let [a, b] = tile.sides();
            (tile, CrossCovariance::new(shapes[a.view.0].d_mlp, shapes[b.view.0].d_mlp))
        };
        Self { models, views: read.collect(), covariances: tiles.iter().map(covariance).collect() }
    }

    /// Stream all rows. Errors: interrupted.
    pub(super) fn run(
        &mut self,
        streams: &Streams<'_>,
        inputs: &Inputs,
        batch_rows: usize,
        name: &str,
        progress: &dyn Progress,
    ) -> Result<(), Error> {
        let (n_rows, context) = (inputs.tokens.n_rows(), inputs.tokens.context());
        let chunk_rows = chunk_rows(context);
        progress.begin(name, (n_rows * context) as u64, "tokens");
        for first in (0..n_rows).step_by(chunk_rows) {
            let places = first..(first + chunk_rows).min(n_rows);
            self.add_chunk(streams, inputs, places.clone(), batch_rows, progress)?;
            progress.advance((places.len() * context) as u64);
        }
        progress.end();
        Ok(())
    }

    fn add_chunk(
        &mut self,
        streams: &Streams<'_>,
        inputs: &Inputs,
        places: std::ops::Range<usize>,
        batch_rows: usize,
        progress: &dyn Progress,
    ) -> Result<(), Error> {
        let context = inputs.tokens.context();
        for ReadView { view: (model, stream), chunks, .. } in &mut self.views {
            chunks.iter_mut().flatten().for_each(Chunk::clear);
            for first in places.clone().step_by(batch_rows) {
                progress.check()?;
                let batch = first..(first + batch_rows).min(places.end);
                let mut ids = Vec::with_capacity(batch.len() * context);
                for place in batch {
                    let row = streams.row(*stream, place);
                    ids.extend_from_slice(inputs.tokens.batch(row..row + 1).ids);
                }
                let mut hooks = CountedActivations { chunks, mask: streams.mask(*stream), first_row: first };
                self.models[*model].forward(TokenBatch { ids: &ids, context }, &mut hooks);
            }
        }
        self.views.par_iter_mut().for_each(|ReadView { chunks, moments, has_moments, .. }| {
            chunks.par_iter_mut().zip(moments.par_iter_mut()).for_each(|(chunk, moments)| match chunk {
                Some(chunk) if *has_moments => chunk.pack_again(moments),
                Some(chunk) => chunk.pack_with_moments(moments),
                None => {}
            });
        });
        let chunks: BTreeMap<View, &Vec<Option<Chunk>>> =
            self.views.iter().map(|read| (read.view, &read.chunks)).collect();
        self.covariances.par_iter_mut().for_each(|(tile, covariance)| {
            // The check below makes an error of what is left out here.
            if progress.is_cancelled() {
                return;
            }
            let [a, b] =
                tile.sides().map(|side| chunks[&side.view][side.layer].as_ref().expect("a tile's layers are read"));
            covariance.add(a, b);
        });
        progress.check()
    }

    pub(super) fn into_covariances(self) -> Vec<(Tile, CrossCovariance)> {
        self.covariances
    }
}
