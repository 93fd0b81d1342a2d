//! What a correlation has found so far, in memory and between two runs of the program.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use homolog_model::Isa;
use homolog_results::{TensorData, Tensors, data_hash, open_tensors, read_tensors, write_tensors};
use homolog_stats::{Extremes, HISTOGRAM_BINS, Moments, MomentsAccumulator, PartialHalf, PartialMoments};

use crate::Error;
use crate::matching::Matching;
use crate::plan::{Shape, Stream, Tile, View};
use crate::results::{PairCorrelation, pair_tensors, read_pair};

/// Results of one checkpoint, over the passes that are done.
#[derive(Default)]
pub(super) struct State {
    /// Tiles that are in the results below.
    pub(super) done: BTreeSet<Tile>,
    /// By layer, of every view that a pass has read.
    pub(super) moments: BTreeMap<View, Vec<MomentsAccumulator>>,
    /// 1 / sd of the rotated neurons of (model, layer, draw).
    pub(super) inverse_sd: BTreeMap<(usize, usize, usize), Vec<f32>>,
    /// By (model, other): [neuron], of those that are judged.
    pub(super) extremes: BTreeMap<(usize, usize), Vec<Extremes>>,
    /// By (model, other): [draw][neuron] of those that are judged, NaN where nothing is defined yet.
    pub(super) maxima: BTreeMap<(usize, usize), Vec<Vec<f64>>>,
    /// By (model, other), where all neurons are judged.
    pub(super) matching: BTreeMap<(usize, usize), Matching>,
}

/// What an earlier, unfinished run has left.
pub(super) enum Earlier {
    Nothing,
    /// A state begun on this instruction set, which is not the current one.
    OnOtherIsa(String),
    State(State),
}

impl State {
    /// Nothing found yet; of every pair of models all neurons are judged.
    pub(super) fn new(shapes: &[Shape], top_k: usize, draws: usize) -> Self {
        let mut state = Self::default();
        let pairs = (0..shapes.len()).flat_map(|model| (0..shapes.len()).map(move |other| (model, other)));
        let pairs = pairs.filter(|(model, other)| model != other).map(|pair| (pair, shapes[pair.0].n_neurons()));
        state.begin(pairs.clone(), top_k, draws);
        state.matching = pairs.map(|(pair, n)| (pair, Matching::none(n))).collect();
        state
    }

    /// Begin anew with so many neurons of each pair; moments and the spread of rotated neurons stay.
    pub(super) fn begin(&mut self, judged: impl Iterator<Item = ((usize, usize), usize)>, top_k: usize, draws: usize) {
        self.extremes.clear();
        self.maxima.clear();
        for (pair, n) in judged {
            self.extremes.insert(pair, vec![Extremes::new(top_k); n]);
            self.maxima.insert(pair, vec![vec![f64::NAN; n]; draws]);
        }
    }

    /// [model][neuron], over the tokens as they are.
    pub(super) fn moments_of_rows(&self, n_models: usize) -> Vec<Vec<Moments>> {
        let of_model = |model| {
            let layers = &self.moments[&(model, Stream::Rows)];
            layers.iter().flat_map(MomentsAccumulator::moments).collect()
        };
        (0..n_models).map(of_model).collect()
    }

    /// What is kept of every (model, other).
    pub(super) fn into_pairs(mut self, top_k: usize) -> BTreeMap<(usize, usize), PairCorrelation> {
        let pairs = std::mem::take(&mut self.extremes).into_iter();
        let pairs = pairs.map(|(pair, extremes)| {
            let baseline = self.maxima.remove(&pair).expect("every ordered pair has maxima").concat();
            let matching = self.matching.remove(&pair).expect("every ordered pair has matches");
            (pair, PairCorrelation::new(&extremes, baseline, matching, top_k))
        });
        pairs.collect()
    }

    /// Write everything, so that [`State::read`] goes on with the same bits. The instruction set goes along: sums that were begun
    /// on one are not finished on another.
    pub(super) fn write(&self, path: &Path, top_k: usize) -> Result<(), Error> {
        let done: Vec<u32> = self.done.iter().copied().flat_map(tile_to_numbers).collect();
        let mut tensors = vec![("done".to_owned(), TensorData::U32 { shape: vec![self.done.len(), 6], data: done })];
        for (&view, layers) in &self.moments {
            for (layer, moments) in layers.iter().enumerate() {
                let PartialMoments { shift, halves } = moments.to_partial();
                let name = |what: &str| format!("moments.{}.{layer}.{what}", view_name(view));
                tensors.push((name("shift"), TensorData::F32 { shape: vec![shift.len()], data: shift }));
                for (half, PartialHalf { n_tokens, powers, range, n_positive }) in halves.into_iter().enumerate() {
                    let n = n_positive.len();
                    let name = |what: &str| name(&format!("{half}.{what}"));
                    tensors.extend([
                        (name("n_tokens"), TensorData::U64 { shape: vec![1], data: vec![n_tokens] }),
                        (name("powers"), TensorData::F64 { shape: vec![n, 4], data: powers }),
                        (name("range"), TensorData::F32 { shape: vec![n, 2], data: range }),
                        (name("n_positive"), TensorData::U64 { shape: vec![n], data: n_positive }),
                    ]);
                }
            }
        }
        for ((model, layer, draw), inverse_sd) in &self.inverse_sd {
            let data = TensorData::F32 { shape: vec![inverse_sd.len()], data: inverse_sd.clone() };
            tensors.push((format!("inverse_sd.{model}.{layer}.{draw}"), data));
        }
        for (&pair, extremes) in &self.extremes {
            let matching = self.matching[&pair].clone();
            let kept = PairCorrelation::new(extremes, self.maxima[&pair].concat(), matching, top_k);
            tensors.extend(pair_tensors(pair, kept));
        }
        let metadata = [
            ("isa".to_owned(), Isa::current().to_string()),
            // No manifest knows this file: it tells of damage by itself.
            ("data_hash".to_owned(), data_hash(&tensors)),
        ];
        Ok(write_tensors(path, &tensors, &metadata)?)
    }

    /// What [`State::write`] left, of the same shapes and settings. Errors: the file is damaged.
    pub(super) fn read(path: &Path, shapes: &[Shape], top_k: usize, draws: usize) -> Result<Earlier, Error> {
        if !path.exists() {
            return Ok(Earlier::Nothing);
        }
        let tensors = read_tensors(path)?;
        let isa = tensors.metadata().get("isa").cloned().unwrap_or_default();
        if isa != Isa::current().to_string() {
            return Ok(Earlier::OnOtherIsa(isa));
        }
        let mut state = Self::new(shapes, top_k, draws);
        let damaged = || Error::DamagedState { path: path.to_path_buf() };
        if tensors.metadata().get("data_hash") != Some(&tensors.data_hash()) {
            return Err(damaged());
        }
        for numbers in tensors.u32("done")?.1.as_chunks().0 {
            state.done.insert(tile_from_numbers(*numbers).ok_or_else(damaged)?);
        }
        for name in tensors.names() {
            let parts: Vec<&str> = name.split('.').collect();
            let number = |at: usize| parts.get(at).and_then(|part| part.parse::<usize>().ok()).ok_or_else(damaged);
            match parts[0] {
                "moments" if parts.last() == Some(&"shift") => {
                    let view = view_from_name(parts.get(1).copied().unwrap_or_default()).ok_or_else(damaged)?;
                    let layer = number(2)?;
                    let shape = shapes.get(view.0).filter(|shape| layer < shape.n_layers).ok_or_else(damaged)?;
                    let moments = read_moments(&tensors, name.trim_end_matches("shift"), shape.d_mlp)?;
                    let layers = state.moments.entry(view).or_insert_with(|| empty_moments(shape));
                    layers[layer] = moments.ok_or_else(damaged)?;
                }
                "inverse_sd" => {
                    let at = (number(1)?, number(2)?, number(3)?);
                    state.inverse_sd.insert(at, tensors.f32(&name)?.1);
                }
                _ => {}
            }
        }
        drop(tensors);
        let tensors = open_tensors(path)?;
        let Self { extremes, maxima, matching, .. } = &mut state;
        for (&(model, other), extremes) in extremes.iter_mut() {
            let n = shapes[model].n_neurons();
            let kept = read_pair(&tensors, (model, other))?;
            let is_whole = kept.n_best == Extremes::n_kept(top_k)
                && kept.best_neuron.len() == n * kept.n_best
                && kept.histogram.len() == n * HISTOGRAM_BINS
                && [kept.lowest_neuron.len(), kept.n_undefined.len(), kept.lowest_corr.len()] == [n; 3]
                && kept.baseline.len() == draws * n
                && kept.matching.cross_fit.len() == n
                && [&kept.matching.same_layer, &kept.matching.near_layers, &kept.matching.one_to_one]
                    .iter()
                    .all(|bests| bests.len() == n);
            if !is_whole {
                return Err(damaged());
            }
            *extremes = kept.to_extremes(top_k);
            maxima.insert((model, other), kept.baseline.chunks_exact(n).map(<[f64]>::to_vec).collect());
            matching.insert((model, other), kept.matching);
        }
        Ok(Earlier::State(state))
    }
}

/// Accumulators of every layer of a model, before the first token.
pub(super) fn empty_moments(shape: &Shape) -> Vec<MomentsAccumulator> {
    vec![MomentsAccumulator::new(shape.d_mlp); shape.n_layers]
}

/// None: the arrays do not fit each other.
fn read_moments(tensors: &Tensors, prefix: &str, n: usize) -> Result<Option<MomentsAccumulator>, Error> {
    let half = |half: usize| {
        let name = |what: &str| format!("{prefix}{half}.{what}");
        Ok::<_, Error>(PartialHalf {
            n_tokens: tensors.u64(&name("n_tokens"))?.1.first().copied().unwrap_or(0),
            powers: tensors.f64(&name("powers"))?.1,
            range: tensors.f32(&name("range"))?.1,
            n_positive: tensors.u64(&name("n_positive"))?.1,
        })
    };
    let partial = PartialMoments { shift: tensors.f32(&format!("{prefix}shift"))?.1, halves: [half(0)?, half(1)?] };
    let is_begun = partial.halves.iter().any(|half| half.n_tokens > 0);
    let is_whole = partial.shift.len() == if is_begun { n } else { 0 }
        && partial.halves.iter().all(|PartialHalf { powers, range, n_positive, .. }| {
            n_positive.len() == n && powers.len() == 4 * n && range.len() == 2 * n
        });
    Ok(is_whole.then(|| MomentsAccumulator::from_partial(partial)))
}

/// `0r`, `0p3`, `0s3`: model, stream, draw.
fn view_name((model, stream): View) -> String {
    match stream {
        Stream::Rows => format!("{model}r"),
        Stream::Paired { draw } => format!("{model}p{draw}"),
        Stream::StandIn { draw } => format!("{model}s{draw}"),
    }
}

fn view_from_name(name: &str) -> Option<View> {
    let at = name.find(|c: char| c.is_ascii_alphabetic())?;
    let (model, draw) = (name[..at].parse().ok()?, &name[at + 1..]);
    match name.as_bytes()[at] {
        b'r' if draw.is_empty() => Some((model, Stream::Rows)),
        b'p' => Some((model, Stream::Paired { draw: draw.parse().ok()? })),
        b's' => Some((model, Stream::StandIn { draw: draw.parse().ok()? })),
        _ => None,
    }
}

fn tile_to_numbers(tile: Tile) -> [u32; 6] {
    let numbers = match tile {
        Tile::Within { model, layer } => [0, 0, model, layer, 0, 0],
        Tile::Between { a, layer_a, b, layer_b, in_halves } => [1, usize::from(in_halves), a, layer_a, b, layer_b],
        Tile::Permuted { draw, a, layer_a, b, layer_b } => [2, draw, a, layer_a, b, layer_b],
        Tile::Chosen { .. } => unreachable!("what is found of chosen neurons is not kept between two runs"),
    };
    numbers.map(|number| number as u32)
}

fn tile_from_numbers(numbers: [u32; 6]) -> Option<Tile> {
    let [kind, which, a, layer_a, b, layer_b] = numbers.map(|number| number as usize);
    match kind {
        0 => Some(Tile::Within { model: a, layer: layer_a }),
        1 => Some(Tile::Between { a, layer_a, b, layer_b, in_halves: which == 1 }),
        2 => Some(Tile::Permuted { draw: which, a, layer_a, b, layer_b }),
        _ => None,
    }
}
