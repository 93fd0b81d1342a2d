//! One pass over the tokens: the activations it needs, chunk by chunk, and the covariances it accumulates.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use homolog_model::{Model, Precision, TokenBatch, TokenMask, Tokens};
use homolog_stats::{ChosenNeurons, Chunk, CrossCovariance, MomentsAccumulator, PairProducts};
use rayon::prelude::*;

use super::capture::CountedActivations;
use super::state::empty_moments;
use crate::plan::footprint::chunk_rows;
use crate::plan::{Chosen, Shape, Stream, Tile, View, chosen_of_layer};
use crate::{Error, Progress};

/// A layer of one model with a layer of another, each a (model, layer).
pub(crate) type LayerPair = ((usize, usize), (usize, usize));

/// A tile, and its sums over each part of the tokens that it asks for.
pub(super) type SummedTile = (Tile, Vec<CrossCovariance>);

/// Which rows a stream reads, and which of their positions count.
pub(super) struct Streams<'a> {
    mask: &'a TokenMask,
    /// By draw of null `permuted-rows`: the row that stands in for each, and positions counted in both.
    permuted: Vec<(Vec<usize>, TokenMask)>,
    /// Flat positions, of which the two halves of the tokens take every second range.
    runs: Vec<Range<usize>>,
}

impl<'a> Streams<'a> {
    /// `runs` cover all positions in order.
    pub(super) fn new(mask: &'a TokenMask, orders: Vec<Vec<usize>>, runs: Vec<Range<usize>>) -> Self {
        let permuted = orders.into_iter().map(|order| {
            let both = mask.counted_in_both(&order);
            (order, both)
        });
        Self { mask, permuted: permuted.collect(), runs }
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
    /// By layer, whether single neurons are asked for.
    is_by_neuron: Vec<bool>,
}

/// Some neurons of a layer, held against all of another model.
struct ChosenOfLayer {
    model: usize,
    layer: usize,
    other: usize,
    /// By index within the layer.
    neurons: Vec<u32>,
    packed: ChosenNeurons,
}

/// What a pass accumulates.
pub(super) struct Wanted<'a> {
    pub(super) tiles: &'a [Tile],
    /// Of tiles that hold chosen neurons.
    pub(super) chosen: &'a Chosen,
    /// Single pairs of neurons.
    pub(super) products: BTreeMap<LayerPair, PairProducts>,
}

/// One pass.
pub(super) struct Pass<'a> {
    models: &'a [Model],
    views: Vec<ReadView<'a>>,
    chosen: Vec<ChosenOfLayer>,
    covariances: Vec<SummedTile>,
    products: BTreeMap<LayerPair, PairProducts>,
}

impl<'a> Pass<'a> {
    /// A pass that accumulates what is wanted by products of a precision; it takes the moments of the views that it reads unless they are in `moments`. The
    /// first pass of all reads every model, whether a tile needs it or not: their moments are results.
    pub(super) fn new(
        models: &'a [Model],
        shapes: &[Shape],
        Wanted { tiles, chosen, products }: Wanted<'_>,
        precision: Precision,
        moments: &'a mut BTreeMap<View, Vec<MomentsAccumulator>>,
    ) -> Self {
        let of_products = || products.keys().flat_map(|&(a, b)| [a, b]);
        let by_neuron: BTreeSet<(usize, usize)> =
            of_products().chain(tiles.iter().filter_map(|tile| tile.chosen_side())).collect();
        let read_layers: BTreeSet<(View, usize)> = tiles
            .iter()
            .flat_map(|tile| tile.sides())
            .map(|side| (side.view, side.layer))
            .chain(of_products().map(|(model, layer)| ((model, Stream::Rows), layer)))
            .collect();
        let mut has_moments = BTreeMap::new();
        let of_models = (0..models.len()).map(|model| (model, Stream::Rows)).filter(|view| !moments.contains_key(view));
        for view in of_models.chain(read_layers.iter().map(|&(view, _)| view)).collect::<Vec<_>>() {
            has_moments.entry(view).or_insert_with(|| moments.contains_key(&view));
            moments.entry(view).or_insert_with(|| empty_moments(&shapes[view.0]));
        }
        let read = moments.iter_mut().filter_map(|(&view, moments)| {
            let has_moments = *has_moments.get(&view)?;
            let layers = || 0..shapes[view.0].n_layers;
            let is_read = |layer: usize| !has_moments || read_layers.contains(&(view, layer));
            let chunks =
                layers().map(|layer| is_read(layer).then(|| Chunk::new(shapes[view.0].d_mlp, precision))).collect();
            let is_by_neuron =
                layers().map(|layer| view.1 == Stream::Rows && by_neuron.contains(&(view.0, layer))).collect();
            Some(ReadView { view, chunks, moments, has_moments, is_by_neuron })
        });
        let covariance = |&tile: &Tile| {
            let [rows, columns] = tile.dimensions(shapes);
            (tile, (0..tile.n_parts()).map(|_| CrossCovariance::new(rows, columns)).collect())
        };
        let chosen_layers: BTreeSet<(usize, usize, usize)> = tiles
            .iter()
            .filter_map(|tile| tile.chosen_side().map(|(model, layer)| (model, layer, tile.sides()[1].view.0)))
            .collect();
        let chosen = chosen_layers.into_iter().map(|(model, layer, other)| {
            let (d_mlp, neurons) = (shapes[model].d_mlp, &chosen[&(model, other)]);
            let neurons = &neurons[chosen_of_layer(neurons, layer, d_mlp)];
            let neurons = neurons.iter().map(|&neuron| neuron % d_mlp as u32).collect();
            ChosenOfLayer { model, layer, other, neurons, packed: ChosenNeurons::new(precision) }
        });
        Self {
            models,
            views: read.collect(),
            chosen: chosen.collect(),
            covariances: tiles.iter().map(covariance).collect(),
            products,
        }
    }

    /// Stream all rows. Errors: interrupted.
    pub(super) fn run(
        &mut self,
        streams: &Streams<'_>,
        tokens: &Tokens,
        batch_rows: usize,
        name: &str,
        progress: &dyn Progress,
    ) -> Result<(), Error> {
        progress.begin(name, (tokens.n_rows() * tokens.context()) as u64, "tokens");
        for (at, run) in streams.runs.iter().enumerate() {
            for positions in chunks(run, tokens.context()) {
                self.add_chunk(streams, tokens, &positions, at % 2, batch_rows, progress)?;
                progress.advance(positions.len() as u64);
            }
        }
        progress.end();
        Ok(())
    }

    fn add_chunk(
        &mut self,
        streams: &Streams<'_>,
        tokens: &Tokens,
        positions: &Range<usize>,
        half: usize,
        batch_rows: usize,
        progress: &dyn Progress,
    ) -> Result<(), Error> {
        let context = tokens.context();
        let places = positions.start / context..positions.end.div_ceil(context);
        for ReadView { view: (model, stream), chunks, .. } in &mut self.views {
            chunks.iter_mut().flatten().for_each(Chunk::clear);
            for first in places.clone().step_by(batch_rows) {
                progress.check()?;
                let batch = first..(first + batch_rows).min(places.end);
                let mut ids = Vec::with_capacity(batch.len() * context);
                for place in batch {
                    let row = streams.row(*stream, place);
                    ids.extend_from_slice(tokens.batch(row..row + 1).ids);
                }
                let mask = streams.mask(*stream);
                let mut hooks = CountedActivations { chunks, mask, first_row: first, positions };
                self.models[*model].forward(TokenBatch { ids: &ids, context }, &mut hooks);
            }
        }
        self.views.par_iter_mut().for_each(|ReadView { chunks, moments, has_moments, is_by_neuron, .. }| {
            let layers = chunks.par_iter_mut().zip(moments.par_iter_mut()).zip(is_by_neuron);
            layers.for_each_init(Vec::new, |scratch, ((chunk, moments), is_by_neuron)| {
                let Some(chunk) = chunk else { return };
                if *has_moments {
                    chunk.pack_again(moments);
                } else {
                    chunk.pack_with_moments(moments, half);
                }
                if *is_by_neuron {
                    chunk.transpose(scratch);
                }
            });
        });
        let views: BTreeMap<View, &Vec<Option<Chunk>>> =
            self.views.iter().map(|read| (read.view, &read.chunks)).collect();
        let chunk = |view: View, layer: usize| views[&view][layer].as_ref().expect("a wanted layer is read");
        self.chosen.par_iter_mut().for_each(|chosen| {
            chosen.packed.set(chunk((chosen.model, Stream::Rows), chosen.layer), &chosen.neurons);
        });
        let chosen: BTreeMap<(usize, usize, usize), &ChosenNeurons> =
            self.chosen.iter().map(|chosen| ((chosen.model, chosen.layer, chosen.other), &chosen.packed)).collect();
        // The check below makes an error of what is left out here.
        let goes_on = || !progress.is_cancelled();
        self.covariances.par_iter_mut().filter(|_| goes_on()).for_each(|(tile, parts)| {
            let at = half % parts.len();
            let covariance = &mut parts[at];
            let [a, b] = tile.sides();
            let chunk_b = chunk(b.view, b.layer);
            match tile {
                Tile::Chosen { .. } => covariance.add_chosen(chosen[&(a.view.0, a.layer, b.view.0)], chunk_b),
                _ => covariance.add(chunk(a.view, a.layer), chunk_b),
            }
        });
        self.products.par_iter_mut().filter(|_| goes_on()).for_each(|(&(a, b), products)| {
            products.add(chunk((a.0, Stream::Rows), a.1), chunk((b.0, Stream::Rows), b.1));
        });
        progress.check()
    }

    /// Sums over all tokens: of tiles, and of single pairs.
    pub(super) fn into_sums(self) -> (Vec<SummedTile>, BTreeMap<LayerPair, PairProducts>) {
        (self.covariances, self.products)
    }
}

/// A run of flat positions in chunks of whole rows, but for those that the run begins and ends in; about equally long.
pub(crate) fn chunks(run: &Range<usize>, context: usize) -> impl Iterator<Item = Range<usize>> {
    let rows = run.start / context..run.end.div_ceil(context);
    let n_chunks = rows.len().div_ceil(chunk_rows(context));
    let end = move |chunk: usize| (rows.start + chunk * rows.len() / n_chunks) * context;
    let run = run.clone();
    (0..n_chunks).map(move |chunk| end(chunk).max(run.start)..end(chunk + 1).min(run.end))
}
