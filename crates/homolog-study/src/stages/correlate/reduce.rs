//! From covariances to what is kept: extremes of every neuron and pair, and the rotation baseline.

use std::collections::BTreeMap;

use homolog_stats::{
    Correlation, CrossCovariance, Extremes, Marginal, MomentsAccumulator, RotatedLayer, baseline_maxima, haar_rotation,
    rotation_state,
};
use rayon::prelude::*;

use crate::Progress;
use crate::config::{BaselineSection, CorrelationSection};
use crate::plan::{Shape, Tile};
use crate::results::PairCorrelation;

/// Running results of one checkpoint, over passes.
pub(super) struct Reduction<'a> {
    shapes: &'a [Shape],
    baseline: &'a BaselineSection,
    top_k: usize,
    /// 1 / sd of the rotated neurons of (model, layer, draw).
    inverse_sd: BTreeMap<(usize, usize, usize), Vec<f32>>,
    /// By (model, other): [neuron].
    extremes: BTreeMap<(usize, usize), Vec<Extremes>>,
    /// By (model, other): [draw][neuron], NaN where nothing is defined yet.
    maxima: BTreeMap<(usize, usize), Vec<Vec<f64>>>,
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
    pub(super) fn new(shapes: &'a [Shape], correlation: &CorrelationSection, baseline: &'a BaselineSection) -> Self {
        let mut extremes = BTreeMap::new();
        let mut maxima = BTreeMap::new();
        for (model, shape) in shapes.iter().enumerate() {
            for other in (0..shapes.len()).filter(|&other| other != model) {
                let n = shape.n_layers * shape.d_mlp;
                extremes.insert((model, other), vec![Extremes::new(correlation.top_k); n]);
                maxima.insert((model, other), vec![vec![f64::NAN; n]; baseline.draws]);
            }
        }
        Self { shapes, baseline, top_k: correlation.top_k, inverse_sd: BTreeMap::new(), extremes, maxima }
    }

    /// Take in the covariances of a pass, and drop them.
    pub(super) fn add_pass(
        &mut self,
        covariances: Vec<(Tile, CrossCovariance)>,
        moments: &[Vec<MomentsAccumulator>],
        progress: &dyn Progress,
    ) {
        let n_tokens = moments[0][0].n_tokens();
        let marginals: Vec<Vec<Vec<Marginal>>> =
            moments.iter().map(|layers| layers.iter().map(MomentsAccumulator::marginals).collect()).collect();
        let mut between = Vec::new();
        let mut within = Vec::new();
        for (tile, covariance) in covariances {
            let [a, b] = tile.sides();
            let (of_a, of_b) = (&marginals[a.0][a.1], &marginals[b.0][b.1]);
            match tile {
                Tile::Within { .. } => within.push((a, covariance.into_covariance(n_tokens, of_a, of_b))),
                Tile::Between { .. } => between.push((a, b, covariance.into_correlation(n_tokens, of_a, of_b))),
            }
        }
        self.spread_of_rotated(&within);
        drop(within);
        for (a, b, correlation) in &between {
            self.scan(*a, *b, correlation);
        }
        // A pass may hold layers with themselves only.
        if !between.is_empty() {
            self.rotate(&between, &marginals, progress);
        }
    }

    fn spread_of_rotated(&mut self, within: &[((usize, usize), Vec<f64>)]) {
        let draws = self.baseline.draws;
        let tasks: Vec<_> = within.iter().flat_map(|layer| (0..draws).map(move |draw| (layer, draw))).collect();
        let spreads = tasks.par_iter().map(|(((model, layer), covariance), draw)| {
            let q = self.rotation(*model, *layer, *draw);
            ((*model, *layer, *draw), RotatedLayer::inverse_sd(&q, covariance))
        });
        let spreads: Vec<_> = spreads.collect();
        self.inverse_sd.extend(spreads);
    }

    fn scan(&mut self, a: (usize, usize), b: (usize, usize), correlation: &Correlation) {
        let [d_a, d_b] = [a, b].map(|(model, _)| self.shapes[model].d_mlp);
        let of_a = self.extremes.get_mut(&(a.0, b.0)).expect("every ordered pair has extremes");
        correlation.scan_rows(b.1 * d_b, &mut of_a[a.1 * d_a..(a.1 + 1) * d_a]);
        let of_b = self.extremes.get_mut(&(b.0, a.0)).expect("every ordered pair has extremes");
        correlation.scan_columns(a.1 * d_a, &mut of_b[b.1 * d_b..(b.1 + 1) * d_b]);
    }

    /// Rotate each layer in turn and hold every tile that reads it against it: a rotation is made once a pass and draw.
    fn rotate(&mut self, between: &[Between], marginals: &[Vec<Vec<Marginal>>], progress: &dyn Progress) {
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
                    let (model, layer) = **side;
                    let sd: Vec<f64> = marginals[model][layer].iter().map(|marginal| marginal.sd).collect();
                    let inverse_sd = self.inverse_sd[&(model, layer, *draw)].clone();
                    RotatedLayer::new(&self.rotation(model, layer, *draw), &sd, inverse_sd)
                })
                .collect();
            for (((_, readings), draw), rotated) in tasks.iter().zip(&rotated) {
                for reading in *readings {
                    let d_mlp = self.shapes[reading.pair.0].d_mlp;
                    let maxima = &mut self.maxima.get_mut(&reading.pair).expect("every ordered pair has maxima")[*draw];
                    let maxima = &mut maxima[reading.layer * d_mlp..(reading.layer + 1) * d_mlp];
                    baseline_maxima(reading.correlation, reading.is_transposed, rotated, maxima);
                    progress.advance(1);
                }
            }
        }
        progress.end();
    }

    fn rotation(&self, model: usize, layer: usize, draw: usize) -> Vec<f64> {
        haar_rotation(self.shapes[model].d_mlp, rotation_state(self.baseline.seed, model, layer, draw))
    }

    /// What is kept, by (model, other).
    pub(super) fn into_pairs(mut self) -> BTreeMap<(usize, usize), PairCorrelation> {
        let pairs = std::mem::take(&mut self.extremes).into_iter();
        let pairs = pairs.map(|(pair, extremes)| {
            let baseline = self.maxima.remove(&pair).expect("every ordered pair has maxima").concat();
            (pair, PairCorrelation::new(&extremes, baseline, self.top_k))
        });
        pairs.collect()
    }
}
