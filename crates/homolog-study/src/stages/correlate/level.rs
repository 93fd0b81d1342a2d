//! One set of tokens, and what is computed on it: whole layers, chosen neurons, single pairs.

use std::collections::BTreeMap;
use std::ops::Range;

use homolog_model::{Model, TokenMask, Tokens};
use homolog_stats::PairProducts;

use super::reduce::Reduction;
use super::stream::{LayerPair, Streams};
use super::{Correlation, Source};
use crate::Error;
use crate::plan::{self, Chosen, Shape, Stream, Tile};

/// A pair of neurons and its correlation.
type ScoredPair = ((u32, u32), f64);

/// Correlations of single pairs of neurons.
#[derive(Default)]
pub(super) struct PairScores {
    /// Pairs by index within their layers, ascending; model a < model b.
    by_layers: BTreeMap<LayerPair, Vec<ScoredPair>>,
    /// By model.
    d_mlp: Vec<u32>,
}

impl PairScores {
    /// Of a flat neuron of `model` and one of `other`; NaN where undefined. Panics if it was not asked for.
    pub(super) fn corr(&self, (model, other): (usize, usize), neuron: u32, of_other: u32) -> f64 {
        let mut sides = [(model, neuron), (other, of_other)];
        sides.sort_unstable();
        let [a, b] = sides.map(|(model, neuron)| (model, (neuron / self.d_mlp[model]) as usize));
        let [i, j] = sides.map(|(model, neuron)| neuron % self.d_mlp[model]);
        let scores = &self.by_layers[&(a, b)];
        let at = scores.binary_search_by_key(&(i, j), |score| score.0).expect("a pair that was asked for");
        scores[at].1
    }
}

/// Tokens with what has been summed over them.
pub(super) struct Level<'a> {
    correlation: &'a Correlation<'a>,
    models: &'a [Model],
    shapes: &'a [Shape],
    tokens: Tokens,
    mask: TokenMask,
    /// Flat positions that the two halves of the tokens take in turn; one run where they are not halved.
    runs: Vec<Range<usize>>,
    pub(super) reduction: Reduction<'a>,
}

impl<'a> Level<'a> {
    /// Nothing summed yet.
    pub(super) fn new(
        correlation: &'a Correlation<'a>,
        (models, shapes): (&'a [Model], &'a [Shape]),
        (tokens, runs): (Tokens, Vec<Range<usize>>),
        reduction: Reduction<'a>,
    ) -> Self {
        let mask = TokenMask::new(&tokens, &correlation.inputs.exclude_tokens);
        Self { correlation, models, shapes, tokens, mask, runs, reduction }
    }

    /// Counted positions.
    pub(super) fn n_counted(&self) -> usize {
        self.mask.n_tokens_counted()
    }

    /// Hold `chosen` against all of the other models, take `within` layers if asked for, and score `asked` pairs of neurons.
    ///
    /// What is found of the chosen is left in the reduction; earlier findings there are dropped. `name` is for the user.
    pub(super) fn run(
        &mut self,
        name: &str,
        chosen: Chosen,
        takes_within: bool,
        asked: BTreeMap<(usize, usize), Vec<(u32, u32)>>,
    ) -> Result<PairScores, Error> {
        let mut tiles: Vec<Tile> = plan::within_tiles(self.shapes).filter(|_| takes_within).collect();
        tiles.extend(plan::chosen_tiles(self.shapes, &chosen, self.runs.len() > 1));
        self.reduction.choose(chosen);
        let room = self.correlation.room(&self.correlation.config.correlation, self.shapes, &tiles)?;
        let mut passes = plan::passes(&tiles, self.shapes, room);
        if passes.is_empty() {
            passes.push(Vec::new());
        }
        let streams = Streams::new(&self.mask, Vec::new(), self.runs.clone());
        let mut products = products(self.shapes, asked, 1);
        let mut scores = PairScores::default();
        for (pass_idx, tiles) in passes.iter().enumerate() {
            let source = Source { models: self.models, shapes: self.shapes, streams: &streams, tokens: &self.tokens };
            let wanted = (tiles.as_slice(), std::mem::take(&mut products));
            let at = (pass_idx, passes.len());
            let scored = self.correlation.pass(&source, &format!(", {name}"), at, wanted, &mut self.reduction)?;
            if pass_idx == 0 {
                scores = self.scores(scored);
            }
        }
        Ok(scores)
    }

    fn scores(&self, products: BTreeMap<LayerPair, PairProducts>) -> PairScores {
        let marginals = self.reduction.marginals();
        let of = |(model, layer): (usize, usize)| &marginals[&(model, Stream::Rows)][layer];
        let n_counted = self.n_counted() as u64;
        let scored = |((a, b), products): (LayerPair, PairProducts)| {
            ((a, b), products.into_correlations(n_counted, of(a), of(b)))
        };
        let by_layers = products.into_iter().map(scored).collect();
        PairScores { by_layers, d_mlp: self.shapes.iter().map(|shape| shape.d_mlp as u32).collect() }
    }
}

/// Pairs of flat neurons by (a, b), sorted into layers.
pub(crate) fn products(
    shapes: &[Shape],
    asked: BTreeMap<(usize, usize), Vec<(u32, u32)>>,
    n_blocks: usize,
) -> BTreeMap<LayerPair, PairProducts> {
    let mut by_layers: BTreeMap<LayerPair, Vec<(u32, u32)>> = BTreeMap::new();
    for ((a, b), pairs) in asked {
        let (d_a, d_b) = (shapes[a].d_mlp as u32, shapes[b].d_mlp as u32);
        for (i, j) in pairs {
            let layers = ((a, (i / d_a) as usize), (b, (j / d_b) as usize));
            by_layers.entry(layers).or_default().push((i % d_a, j % d_b));
        }
    }
    by_layers.into_iter().map(|(layers, pairs)| (layers, PairProducts::new(pairs, n_blocks))).collect()
}
