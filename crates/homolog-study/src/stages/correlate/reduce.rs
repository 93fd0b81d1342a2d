//! From covariances to what is kept: extremes of every neuron and pair, and the baseline.

use std::collections::BTreeMap;
use std::ops::Range;

use homolog_stats::{
    Correlation, CrossCovariance, Extremes, Marginal, MomentsAccumulator, Precision, RotatedLayer, baseline_maxima,
    gaussian_rows, haar_rotation, one_to_one, rotation_state,
};
use rayon::prelude::*;

use super::state::State;
use super::stream::SummedTile;
use crate::config::{BaselineKind, BaselineSection};
use crate::matching::Matching;
use crate::plan::{Chosen, Shape, Stream, Tile, View, chosen_of_layer};
use crate::{Error, Progress};

/// By view, then by layer: mean and spread of every neuron.
pub(super) type Marginals = BTreeMap<View, Vec<Vec<Marginal>>>;

/// Takes the covariances of each pass into a checkpoint's results.
pub(super) struct Reduction<'a> {
    shapes: &'a [Shape],
    baseline: &'a BaselineSection,
    precision: Precision,
    pub(super) state: State,
    /// Neurons that are judged instead of all: extremes and maxima in `state` are then of these.
    pub(super) chosen: Chosen,
    /// What chosen neurons are to those that they are held against, by (model, other) of the latter: [neuron].
    pub(super) offers: BTreeMap<(usize, usize), Vec<Extremes>>,
    top_k: usize,
}

/// Which way a tile is read: rows are the neurons judged, or columns are.
struct Reading<'a> {
    correlation: &'a Correlation,
    /// (model, other)
    pair: (usize, usize),
    /// Layer of the model, whose neurons are judged.
    layer: usize,
    /// Layer of the other, which is rotated.
    other_layer: usize,
    is_transposed: bool,
}

impl<'a> Reduction<'a> {
    /// Go on from `state`: rotations are multiplied in the precision, and of each neuron the `top_k` best kept.
    pub(super) fn new(
        shapes: &'a [Shape],
        baseline: &'a BaselineSection,
        (precision, top_k): (Precision, usize),
        state: State,
    ) -> Self {
        Self { shapes, baseline, precision, state, chosen: Chosen::new(), offers: BTreeMap::new(), top_k }
    }

    /// Begin anew with these neurons; moments and the spread of rotated neurons stay.
    pub(super) fn choose(&mut self, chosen: Chosen) {
        self.state.begin(chosen.iter().map(|(&pair, neurons)| (pair, neurons.len())), self.top_k, self.baseline.draws);
        let judged = chosen.keys().map(|&(model, other)| (other, model));
        self.offers =
            judged.map(|pair| (pair, vec![Extremes::new(self.top_k); self.shapes[pair.0].n_neurons()])).collect();
        self.chosen = chosen;
    }

    /// Mean and spread of every neuron of the views that count a token.
    pub(super) fn marginals(&self) -> Marginals {
        let counted = self.state.moments.iter().filter(|(_, layers)| layers[0].n_tokens() > 0);
        counted.map(|(&view, layers)| (view, layers.iter().map(MomentsAccumulator::marginals).collect())).collect()
    }

    /// Take in the covariances of a pass, and drop them. Errors: interrupted, no position counted twice in a permuted draw.
    pub(super) fn add_pass(&mut self, covariances: Vec<SummedTile>, progress: &dyn Progress) -> Result<(), Error> {
        let n_tokens: BTreeMap<View, u64> =
            self.state.moments.iter().map(|(&view, layers)| (view, layers[0].n_tokens())).collect();
        let marginals = self.marginals();
        let mut between = Vec::new();
        let mut within = Vec::new();
        for (tile, parts) in covariances {
            let covariance = self.cross_fit(tile, parts);
            let [a, b] = tile.sides();
            let n_tokens = n_tokens[&a.view];
            if n_tokens == 0 {
                return Err(Error::NothingCountedTwice);
            }
            let (of_a, of_b) = (&marginals[&a.view][a.layer], &marginals[&b.view][b.layer]);
            let (a, b) = ((a.view.0, a.layer), (b.view.0, b.layer));
            match tile {
                Tile::Within { .. } => within.push((a, covariance.into_covariance(n_tokens, of_a, of_b))),
                Tile::Between { .. } => between.push((tile, covariance.into_correlation(n_tokens, of_a, of_b))),
                Tile::Chosen { model, layer, other, .. } => {
                    let first = (layer * self.shapes[model].d_mlp) as u32;
                    let chosen = &self.chosen[&(model, other)][self.places((model, other), layer)];
                    let of_a: Vec<Marginal> = chosen.iter().map(|neuron| of_a[(neuron - first) as usize]).collect();
                    between.push((tile, covariance.into_correlation(n_tokens, &of_a, of_b)));
                }
                Tile::Permuted { draw, .. } => {
                    let correlation = covariance.into_correlation(n_tokens, of_a, of_b);
                    correlation.raise_row_maxima(self.maxima((a.0, b.0), draw, a.1));
                    correlation.raise_column_maxima(self.maxima((b.0, a.0), draw, b.1));
                }
            }
            progress.check()?;
        }
        self.spread_of_rotated(&within, progress)?;
        drop(within);
        // The matching of two layers is serial: several at a time.
        let is_of_one_layer = |tile: &Tile| tile.sides()[0].layer == tile.sides()[1].layer;
        let assign = |(tile, correlation): &(Tile, Correlation)| match tile {
            Tile::Between { .. } if is_of_one_layer(tile) => {
                let [n_a, n_b] = tile.dimensions(self.shapes);
                one_to_one(correlation.values(), n_a, n_b)
            }
            _ => Vec::new(),
        };
        let assigned: Vec<Vec<Option<u32>>> = between.par_iter().map(assign).collect();
        progress.check()?;
        for ((tile, correlation), assigned) in between.iter().zip(&assigned) {
            self.scan(*tile, correlation);
            if let Tile::Between { .. } = tile {
                self.scan_layers(*tile, correlation, assigned);
            }
        }
        // A pass may hold layers with themselves only, permuted rows are not rotated, and nothing is where no spread is known.
        if !between.is_empty() && !self.state.inverse_sd.is_empty() {
            self.rotate(&between, &marginals, progress)?;
        }
        Ok(())
    }

    /// Take what the halves of a tile say of each other, and add them up.
    fn cross_fit(&mut self, tile: Tile, mut parts: Vec<CrossCovariance>) -> CrossCovariance {
        let second = if parts.len() == 2 { parts.pop() } else { None };
        let mut whole = parts.pop().expect("a tile is summed over at least one part of the tokens");
        let Some(second) = second else { return whole };
        // A screened search has chosen candidates on all tokens: its halves are not apart.
        if let Tile::Chosen { .. } = tile {
            whole.merge(&second);
            return whole;
        }
        let halves = tile.sides().map(|side| {
            let moments = &self.state.moments[&side.view][side.layer];
            (moments.n_tokens_of_halves(), moments.marginals_of_halves())
        });
        self.with_matching(tile, |[(first_a, of_a), (first_b, of_b)], [neurons_a, neurons_b]| {
            let [(n_tokens, marginals_a), (_, marginals_b)] = &halves;
            CrossCovariance::cross_fit(
                [&whole, &second],
                *n_tokens,
                [marginals_a, marginals_b],
                (first_a, &mut of_a.cross_fit[neurons_a]),
                (first_b, &mut of_b.cross_fit[neurons_b]),
            );
        });
        whole.merge(&second);
        whole
    }

    /// Both directions of a tile between two models: flat number of the layer's first neuron, what is kept, and the layer's neurons.
    fn with_matching(&mut self, tile: Tile, act: impl FnOnce([(u32, &mut Matching); 2], [Range<usize>; 2])) {
        let [a, b] = tile.sides().map(|side| (side.view.0, side.layer));
        let neurons = [a, b].map(|(model, layer)| {
            let d_mlp = self.shapes[model].d_mlp;
            layer * d_mlp..(layer + 1) * d_mlp
        });
        let [first_a, first_b] = neurons.each_ref().map(|neurons| neurons.start as u32);
        let kept = [(a.0, b.0), (b.0, a.0)].map(|pair| self.state.matching.remove_entry(&pair).expect("every pair"));
        let [(pair_a, mut of_a), (pair_b, mut of_b)] = kept;
        act([(first_a, &mut of_a), (first_b, &mut of_b)], neurons);
        self.state.matching.extend([(pair_a, of_a), (pair_b, of_b)]);
    }

    /// Matches within layers of the same index and their neighbours, and one to one.
    fn scan_layers(&mut self, tile: Tile, correlation: &Correlation, assigned: &[Option<u32>]) {
        let [a, b] = tile.sides();
        self.with_matching(tile, |[(first_a, of_a), (first_b, of_b)], [neurons_a, neurons_b]| {
            if a.layer.abs_diff(b.layer) <= 1 {
                correlation.scan_rows_for_best(first_b as usize, &mut of_a.near_layers[neurons_a.clone()]);
                correlation.scan_columns_for_best(first_a as usize, &mut of_b.near_layers[neurons_b.clone()]);
            }
            if a.layer == b.layer {
                correlation.scan_rows_for_best(first_b as usize, &mut of_a.same_layer[neurons_a.clone()]);
                correlation.scan_columns_for_best(first_a as usize, &mut of_b.same_layer[neurons_b.clone()]);
                for (i, j) in assigned.iter().enumerate().filter_map(|(i, j)| Some((i, (*j)? as usize))) {
                    let corr = correlation.values()[i * neurons_b.len() + j];
                    of_a.one_to_one[neurons_a.start + i].push(corr, first_b + j as u32);
                    of_b.one_to_one[neurons_b.start + j].push(corr, first_a + i as u32);
                }
            }
        });
    }

    /// Where the neurons of one layer of `pair.0` stand among those that are judged against `pair.1`.
    fn places(&self, pair: (usize, usize), layer: usize) -> Range<usize> {
        let d_mlp = self.shapes[pair.0].d_mlp;
        match self.chosen.get(&pair) {
            Some(chosen) => chosen_of_layer(chosen, layer, d_mlp),
            None => layer * d_mlp..(layer + 1) * d_mlp,
        }
    }

    /// Running maxima of one layer of `pair.0`.
    fn maxima(&mut self, pair: (usize, usize), draw: usize, layer: usize) -> &mut [f64] {
        let places = self.places(pair, layer);
        &mut self.state.maxima.get_mut(&pair).expect("every pair that is judged has maxima")[draw][places]
    }

    fn spread_of_rotated(
        &mut self,
        within: &[((usize, usize), Vec<f64>)],
        progress: &dyn Progress,
    ) -> Result<(), Error> {
        if within.is_empty() {
            return Ok(());
        }
        let draws = self.baseline.draws;
        let tasks: Vec<_> = within.iter().flat_map(|layer| (0..draws).map(move |draw| (layer, draw))).collect();
        progress.begin("spread of rotated neurons", tasks.len() as u64, "layers");
        let spreads = tasks.par_iter().map(|(((model, layer), covariance), draw)| {
            progress.check()?;
            let q = self.rotation(*model, *layer, *draw);
            let inverse_sd = RotatedLayer::inverse_sd(&q, covariance);
            progress.advance(1);
            Ok(((*model, *layer, *draw), inverse_sd))
        });
        let spreads = spreads.collect::<Result<Vec<_>, Error>>()?;
        self.state.inverse_sd.extend(spreads);
        progress.end();
        Ok(())
    }

    fn scan(&mut self, tile: Tile, correlation: &Correlation) {
        let [a, b] = tile.sides().map(|side| (side.view.0, side.layer));
        let first_b = b.1 * self.shapes[b.0].d_mlp;
        let rows = self.places((a.0, b.0), a.1);
        let of_a = self.state.extremes.get_mut(&(a.0, b.0)).expect("every pair that is judged has extremes");
        correlation.scan_rows(first_b, &mut of_a[rows.clone()]);
        let columns = first_b..first_b + self.shapes[b.0].d_mlp;
        if let Tile::Chosen { .. } = tile {
            let of_b = self.offers.get_mut(&(b.0, a.0)).expect("chosen neurons are offered to the others");
            correlation.scan_columns(&self.chosen[&(a.0, b.0)][rows], &mut of_b[columns]);
        } else {
            let of_b = self.state.extremes.get_mut(&(b.0, a.0)).expect("every pair that is judged has extremes");
            let numbers: Vec<u32> = rows.map(|neuron| neuron as u32).collect();
            correlation.scan_columns(&numbers, &mut of_b[columns]);
        }
    }

    /// Rotate each layer in turn and hold every tile that reads it against it: a rotation is made once a pass and draw.
    fn rotate(
        &mut self,
        between: &[(Tile, Correlation)],
        marginals: &Marginals,
        progress: &dyn Progress,
    ) -> Result<(), Error> {
        let mut readings: BTreeMap<(usize, usize), Vec<Reading<'_>>> = BTreeMap::new();
        let mut n_readings = 0;
        for (tile, correlation) in between {
            let [a, b] = tile.sides().map(|side| (side.view.0, side.layer));
            let forward = Reading { correlation, pair: (a.0, b.0), layer: a.1, other_layer: b.1, is_transposed: false };
            let backward = Reading { correlation, pair: (b.0, a.0), layer: b.1, other_layer: a.1, is_transposed: true };
            let is_both_ways = matches!(tile, Tile::Between { .. });
            for reading in std::iter::once(forward).chain(is_both_ways.then_some(backward)) {
                readings.entry((reading.pair.1, reading.other_layer)).or_default().push(reading);
                n_readings += 1;
            }
        }
        let draws = self.baseline.draws;
        progress.begin("baseline", (n_readings * draws) as u64, "layer pairs");
        let tasks: Vec<_> = readings.iter().flat_map(|entry| (0..draws).map(move |draw| (entry, draw))).collect();
        // As many rotations at a time as there are threads: making one is serial, using it is parallel.
        for tasks in tasks.chunks(rayon::current_num_threads()) {
            let rotated: Vec<RotatedLayer> = tasks
                .par_iter()
                .map(|((side, _), draw)| {
                    progress.check()?;
                    let (model, layer) = **side;
                    let marginals = &marginals[&(model, Stream::Rows)][layer];
                    let sd: Vec<f64> = marginals.iter().map(|marginal| marginal.sd).collect();
                    let inverse_sd = self.state.inverse_sd[&(model, layer, *draw)].clone();
                    Ok(RotatedLayer::new(&self.rotation(model, layer, *draw), &sd, inverse_sd, self.precision))
                })
                .collect::<Result<_, Error>>()?;
            for (((_, readings), draw), rotated) in tasks.iter().zip(&rotated) {
                for reading in *readings {
                    progress.check()?;
                    let maxima = self.maxima(reading.pair, *draw, reading.layer);
                    baseline_maxima(reading.correlation, reading.is_transposed, rotated, maxima);
                    progress.advance(1);
                }
            }
        }
        progress.end();
        Ok(())
    }

    /// The random matrix of the null, [d_mlp, d_mlp].
    fn rotation(&self, model: usize, layer: usize, draw: usize) -> Vec<f64> {
        let (n, state) = (self.shapes[model].d_mlp, rotation_state(self.baseline.seed, model, layer, draw));
        match self.baseline.kind {
            BaselineKind::Orthogonal => haar_rotation(n, state),
            BaselineKind::GaussianRows => gaussian_rows(n, state),
            BaselineKind::PermutedRows => unreachable!("permuted rows are not rotated"),
        }
    }
}
