//! From covariances to what is kept: extremes of every neuron and pair, and the baseline.

use std::collections::BTreeMap;

use homolog_stats::{
    Correlation, CrossCovariance, Marginal, MomentsAccumulator, RotatedLayer, baseline_maxima, gaussian_rows,
    haar_rotation, rotation_state,
};
use rayon::prelude::*;

use super::state::State;
use crate::config::{BaselineKind, BaselineSection};
use crate::plan::{Shape, Stream, Tile, View};
use crate::{Error, Progress};

/// By view, then by layer: mean and spread of every neuron.
type Marginals = BTreeMap<View, Vec<Vec<Marginal>>>;

/// Takes the covariances of each pass into a checkpoint's results.
pub(super) struct Reduction<'a> {
    shapes: &'a [Shape],
    baseline: &'a BaselineSection,
    pub(super) state: State,
}

/// The correlation of a layer of one model with a layer of another, each side a (model, layer).
type Between = ((usize, usize), (usize, usize), Correlation);

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
    /// Go on from `state`.
    pub(super) fn new(shapes: &'a [Shape], baseline: &'a BaselineSection, state: State) -> Self {
        Self { shapes, baseline, state }
    }

    /// Take in the covariances of a pass, and drop them. Errors: interrupted, no position counted twice in a permuted draw.
    pub(super) fn add_pass(
        &mut self,
        covariances: Vec<(Tile, CrossCovariance)>,
        progress: &dyn Progress,
    ) -> Result<(), Error> {
        let moments = &self.state.moments;
        let n_tokens: BTreeMap<View, u64> =
            moments.iter().map(|(&view, layers)| (view, layers[0].n_tokens())).collect();
        let marginals: Marginals = moments
            .iter()
            .filter(|(view, _)| n_tokens[view] > 0)
            .map(|(&view, layers)| (view, layers.iter().map(MomentsAccumulator::marginals).collect()))
            .collect();
        let mut between = Vec::new();
        let mut within = Vec::new();
        for (tile, covariance) in covariances {
            let [a, b] = tile.sides();
            let n_tokens = n_tokens[&a.view];
            if n_tokens == 0 {
                return Err(Error::NothingCountedTwice);
            }
            let (of_a, of_b) = (&marginals[&a.view][a.layer], &marginals[&b.view][b.layer]);
            let (a, b) = ((a.view.0, a.layer), (b.view.0, b.layer));
            match tile {
                Tile::Within { .. } => within.push((a, covariance.into_covariance(n_tokens, of_a, of_b))),
                Tile::Between { .. } => between.push((a, b, covariance.into_correlation(n_tokens, of_a, of_b))),
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
        for (a, b, correlation) in &between {
            self.scan(*a, *b, correlation);
        }
        // A pass may hold layers with themselves only, and permuted rows are not rotated.
        if !between.is_empty() && self.baseline.kind != BaselineKind::PermutedRows {
            self.rotate(&between, &marginals, progress)?;
        }
        Ok(())
    }

    /// Running maxima of one layer of `pair.0`.
    fn maxima(&mut self, pair: (usize, usize), draw: usize, layer: usize) -> &mut [f64] {
        let d_mlp = self.shapes[pair.0].d_mlp;
        let maxima = &mut self.state.maxima.get_mut(&pair).expect("every ordered pair has maxima")[draw];
        &mut maxima[layer * d_mlp..(layer + 1) * d_mlp]
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

    fn scan(&mut self, a: (usize, usize), b: (usize, usize), correlation: &Correlation) {
        let [d_a, d_b] = [a, b].map(|(model, _)| self.shapes[model].d_mlp);
        let of_a = self.state.extremes.get_mut(&(a.0, b.0)).expect("every ordered pair has extremes");
        correlation.scan_rows(b.1 * d_b, &mut of_a[a.1 * d_a..(a.1 + 1) * d_a]);
        let of_b = self.state.extremes.get_mut(&(b.0, a.0)).expect("every ordered pair has extremes");
        correlation.scan_columns(a.1 * d_a, &mut of_b[b.1 * d_b..(b.1 + 1) * d_b]);
    }

    /// Rotate each layer in turn and hold every tile that reads it against it: a rotation is made once a pass and draw.
    fn rotate(&mut self, between: &[Between], marginals: &Marginals, progress: &dyn Progress) -> Result<(), Error> {
        let mut readings: BTreeMap<(usize, usize), Vec<Reading<'_>>> = BTreeMap::new();
        for (a, b, correlation) in between {
            let forward = Reading { correlation, pair: (a.0, b.0), layer: a.1, other_layer: b.1, is_transposed: false };
            let backward = Reading { correlation, pair: (b.0, a.0), layer: b.1, other_layer: a.1, is_transposed: true };
            for reading in [forward, backward] {
                readings.entry((reading.pair.1, reading.other_layer)).or_default().push(reading);
            }
        }
        let draws = self.baseline.draws;
        progress.begin("baseline", (2 * between.len() * draws) as u64, "layer pairs");
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
                    Ok(RotatedLayer::new(&self.rotation(model, layer, *draw), &sd, inverse_sd))
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
