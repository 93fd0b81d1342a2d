//! What one pass over the tokens sums of some models and pairs of their neurons.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use homolog_model::{Model, TokenBatch};
use homolog_stats::{BlockMoments, Chunk, GroupCounts, GroupSums, PairProducts, PairSums, Precision};
use rayon::prelude::*;

use super::{FrequentTokens, Pair};
use crate::inputs::Inputs;
use crate::plan::Shape;
use crate::stages::correlate::capture::CountedActivations;
use crate::stages::correlate::level::products;
use crate::stages::correlate::stream::{LayerPair, chunks};
use crate::{Error, Progress};

/// Sums of one model.
struct OfModel {
    d_mlp: usize,
    /// By layer.
    blocks: Vec<BlockMoments>,
    groups: Vec<GroupSums>,
}

/// Sums over all counted tokens, by block and by group.
pub(super) struct Sums {
    models: BTreeMap<usize, OfModel>,
    /// By (a, layer) and (b, layer), a < b.
    products: BTreeMap<LayerPair, PairProducts>,
    /// Tokens of every class at every position.
    pub(super) counts: GroupCounts,
    n_blocks: usize,
}

/// Where the counted tokens of a chunk belong.
struct Place {
    classes: Vec<u32>,
    positions: Vec<u32>,
    /// Block, and its tokens within the chunk.
    blocks: Vec<(usize, Range<usize>)>,
}

impl Place {
    fn new(inputs: &Inputs, frequent: Option<&FrequentTokens>, chunk: &Range<usize>) -> Self {
        let (tokens, context) = (&inputs.tokens, inputs.tokens.context());
        let mut place = Self { classes: Vec::new(), positions: Vec::new(), blocks: Vec::new() };
        for (block, range) in inputs.blocks.ranges().enumerate() {
            let first = place.classes.len();
            for at in range.start.max(chunk.start)..range.end.min(chunk.end) {
                let (row, position) = (at / context, at % context);
                if inputs.mask.row(row)[position] {
                    let id = tokens.batch(row..row + 1).ids[position];
                    place.classes.push(frequent.map_or(0, |frequent| frequent.class(id)));
                    place.positions.push(position as u32);
                }
            }
            if place.classes.len() > first {
                place.blocks.push((block, first..place.classes.len()));
            }
        }
        place
    }
}

impl Sums {
    /// Zeros. Without frequent tokens nothing is summed by group.
    pub(super) fn new(
        asked: BTreeMap<Pair, Vec<(u32, u32)>>,
        models: &BTreeSet<usize>,
        shapes: &[Shape],
        n_blocks: usize,
        (frequent, n_positions): (Option<&FrequentTokens>, usize),
    ) -> Self {
        let n_classes = frequent.map_or(0, FrequentTokens::n_classes);
        let of_model = |&model: &usize| {
            let Shape { n_layers, d_mlp, .. } = shapes[model];
            let groups = (0..n_layers).filter(|_| n_classes > 0).map(|_| GroupSums::new(d_mlp, n_classes, n_positions));
            let blocks = (0..n_layers).map(|_| BlockMoments::new(d_mlp, n_blocks)).collect();
            (model, OfModel { d_mlp, blocks, groups: groups.collect() })
        };
        Self {
            models: models.iter().map(of_model).collect(),
            products: products(shapes, asked, n_blocks),
            counts: GroupCounts::new(n_classes, n_positions),
            n_blocks,
        }
    }

    /// Add all tokens. `means` [neuron] of each model centre its activations.
    pub(super) fn stream(
        &mut self,
        loaded: &BTreeMap<usize, Model>,
        means: &BTreeMap<usize, Vec<f32>>,
        inputs: &Inputs,
        frequent: Option<&FrequentTokens>,
        (batch_rows, name): (usize, &str),
        progress: &dyn Progress,
    ) -> Result<(), Error> {
        let context = inputs.tokens.context();
        let empty = |of_model: &OfModel| -> Vec<Option<Chunk>> {
            of_model.blocks.iter().map(|_| Some(Chunk::new(of_model.d_mlp, Precision::F32))).collect()
        };
        let mut read: BTreeMap<usize, Vec<Option<Chunk>>> =
            self.models.iter().map(|(&model, of_model)| (model, empty(of_model))).collect();
        let positions = inputs.tokens.positions();
        progress.begin(name, positions.len() as u64, "tokens");
        for chunk in chunks(&positions, context) {
            let place = Place::new(inputs, frequent, &chunk);
            for (model, layers) in &mut read {
                layers.iter_mut().flatten().for_each(Chunk::clear);
                let rows = chunk.start / context..chunk.end.div_ceil(context);
                for first in rows.clone().step_by(batch_rows) {
                    progress.check()?;
                    let batch = inputs.tokens.batch(first..(first + batch_rows).min(rows.end));
                    let (chunks, mask) = (layers.as_mut_slice(), &inputs.mask);
                    let mut hooks = CountedActivations { chunks, mask, first_row: first, positions: &chunk };
                    loaded[model].forward(TokenBatch { ids: batch.ids, context }, &mut hooks);
                }
            }
            self.add(&mut read, means, &place, progress)?;
            progress.advance(chunk.len() as u64);
        }
        progress.end();
        Ok(())
    }

    fn add(
        &mut self,
        read: &mut BTreeMap<usize, Vec<Option<Chunk>>>,
        means: &BTreeMap<usize, Vec<f32>>,
        place: &Place,
        progress: &dyn Progress,
    ) -> Result<(), Error> {
        if self.has_groups() {
            self.counts.add(&place.classes, &place.positions);
        }
        let models: Vec<_> = self.models.iter_mut().zip(read.values_mut()).collect();
        models.into_par_iter().for_each(|((model, of_model), layers)| {
            let OfModel { d_mlp, blocks, groups } = of_model;
            let mut groups: Vec<Option<&mut GroupSums>> = groups.iter_mut().map(Some).collect();
            groups.resize_with(blocks.len(), || None);
            let layers = layers.par_iter_mut().zip(blocks).zip(groups).zip(means[model].par_chunks(*d_mlp));
            layers.for_each_init(Vec::new, |scratch, (((chunk, blocks), groups), means)| {
                let chunk = chunk.as_mut().expect("every layer is read");
                chunk.centre(means);
                if let Some(groups) = groups {
                    groups.add(chunk.by_token(), &place.classes, &place.positions);
                }
                chunk.transpose(scratch);
                for (block, tokens) in &place.blocks {
                    blocks.add_block(chunk, *block, tokens.clone());
                }
            });
        });
        progress.check()?;
        let goes_on = || !progress.is_cancelled();
        self.products.par_iter_mut().filter(|_| goes_on()).for_each(|(&((a, layer_a), (b, layer_b)), products)| {
            let chunk = |model: usize, layer: usize| read[&model][layer].as_ref().expect("every layer is read");
            for (block, tokens) in &place.blocks {
                products.add_block(chunk(a, layer_a), chunk(b, layer_b), *block, tokens.clone());
            }
        });
        progress.check()
    }

    /// Whether anything is summed by class and position.
    pub(super) fn has_groups(&self) -> bool {
        self.models.values().any(|of_model| !of_model.groups.is_empty())
    }

    /// Models (a, b), a < b, whose pairs were asked for.
    pub(super) fn pairs(&self) -> BTreeSet<Pair> {
        self.products.keys().map(|((a, _), (b, _))| (*a, *b)).collect()
    }

    /// Give away the sums by group of one model, by layer. Panics if it was not read.
    pub(super) fn take_groups(&mut self, model: usize) -> Vec<GroupSums> {
        std::mem::take(&mut self.models.get_mut(&model).expect("a model that was read").groups)
    }

    /// Sum of squares of a flat neuron over all tokens.
    pub(super) fn squares(&self, model: usize, neuron: usize) -> f64 {
        let OfModel { d_mlp, blocks, .. } = &self.models[&model];
        let of_layer = &blocks[neuron / d_mlp];
        (0..self.n_blocks).map(|block| of_layer.sums(block, (neuron % d_mlp) as u32)[1]).sum()
    }

    /// Counted tokens of a block.
    pub(super) fn n_tokens(&self, block: usize) -> u64 {
        self.models.values().next().map_or(0, |of_model| of_model.blocks[0].n_tokens(block))
    }

    /// Sums of a flat neuron of `model` (a) and one of `other` (b), block by block. Panics if they were not asked for.
    pub(super) fn of_pair(&self, (model, other): Pair, neuron: usize, of_other: usize, blocks: &mut [PairSums]) {
        let (a, i, b, j) =
            if model < other { (model, neuron, other, of_other) } else { (other, of_other, model, neuron) };
        let side = |model: usize, neuron: usize| {
            let OfModel { d_mlp, blocks, .. } = &self.models[&model];
            (neuron / d_mlp, (neuron % d_mlp) as u32, blocks)
        };
        let ((layer_a, i, blocks_a), (layer_b, j, blocks_b)) = (side(a, i), side(b, j));
        let products = &self.products[&((a, layer_a), (b, layer_b))];
        products.block_sums((i, j), &blocks_a[layer_a], &blocks_b[layer_b], blocks);
        if model > other {
            for sums in blocks {
                *sums = PairSums { a: sums.b, b: sums.a, aa: sums.bb, bb: sums.aa, ..*sums };
            }
        }
    }
}
