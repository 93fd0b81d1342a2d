//! What is kept of one (model, other) besides the best matches of all: matches chosen on halves of the tokens, within layers, and
//! one to one.

use homolog_results::{TensorData, TensorFile};
use homolog_stats::{BestMatch, CrossFit};

use crate::Error;

/// Of every neuron of a model, against another. Arrays hold NaN where undefined.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Matching {
    /// [n]; all none where the tokens were not halved.
    pub(crate) cross_fit: Vec<CrossFit>,
    /// [n]: the best match in the layer of the same index.
    pub(crate) same_layer: Vec<BestMatch>,
    /// [n]: the best match in that layer, the one before and the one after.
    pub(crate) near_layers: Vec<BestMatch>,
    /// [n]: the partner in the one-to-one matching of the two layers of the same index.
    pub(crate) one_to_one: Vec<BestMatch>,
}

impl Matching {
    /// Nothing met yet, of `n` neurons.
    pub(crate) fn none(n: usize) -> Self {
        let none = vec![BestMatch::NONE; n];
        Self {
            cross_fit: vec![CrossFit::NONE; n],
            same_layer: none.clone(),
            near_layers: none.clone(),
            one_to_one: none,
        }
    }

    /// A neuron's matches within layers: in the same, in that and its neighbours, one to one.
    pub(crate) fn of_layers(&self, neuron: usize) -> [BestMatch; 3] {
        [&self.same_layer, &self.near_layers, &self.one_to_one].map(|bests| bests[neuron])
    }

    /// Tensors by what they hold: correlations f64, flat neuron numbers of the other model u32, 4294967295 where none.
    pub(crate) fn to_tensors(&self) -> Vec<(&'static str, TensorData)> {
        let n = self.same_layer.len();
        let chosen = || self.cross_fit.iter().flat_map(|fit| fit.chosen);
        let mut tensors = vec![
            ("halves_corr", TensorData::F64 { shape: vec![n, 2], data: chosen().map(|best| best.corr).collect() }),
            ("halves_neuron", TensorData::U32 { shape: vec![n, 2], data: chosen().map(|best| best.neuron).collect() }),
            (
                "halves_measured",
                TensorData::F64 {
                    shape: vec![n, 2],
                    data: self.cross_fit.iter().flat_map(|fit| fit.measured).collect(),
                },
            ),
        ];
        for ([corr, neuron], best) in BESTS.into_iter().zip([&self.same_layer, &self.near_layers, &self.one_to_one]) {
            tensors.push((corr, TensorData::F64 { shape: vec![n], data: best.iter().map(|best| best.corr).collect() }));
            let data = best.iter().map(|best| best.neuron).collect();
            tensors.push((neuron, TensorData::U32 { shape: vec![n], data }));
        }
        tensors
    }

    /// What [`Matching::to_tensors`] gave, by names under `prefix`.
    pub(crate) fn read(tensors: &TensorFile, prefix: &str) -> Result<Self, Error> {
        let bests = |[corr, neuron]: [&str; 2]| {
            let corrs = tensors.f64(&format!("{prefix}{corr}"))?.1;
            let neurons = tensors.u32(&format!("{prefix}{neuron}"))?.1;
            Ok::<_, Error>(corrs.into_iter().zip(neurons).map(|(corr, neuron)| BestMatch { corr, neuron }).collect())
        };
        let chosen: Vec<BestMatch> = bests(["halves_corr", "halves_neuron"])?;
        let measured = tensors.f64(&format!("{prefix}halves_measured"))?.1;
        let halves = chosen.as_chunks().0.iter().zip(measured.as_chunks().0);
        let [same_layer, near_layers, one_to_one] = BESTS;
        Ok(Self {
            cross_fit: halves.map(|(&chosen, &measured)| CrossFit { chosen, measured }).collect(),
            same_layer: bests(same_layer)?,
            near_layers: bests(near_layers)?,
            one_to_one: bests(one_to_one)?,
        })
    }
}

/// Names of the correlation and the neuron.
const BESTS: [[&str; 2]; 3] = [
    ["same_layer_corr", "same_layer_neuron"],
    ["near_layers_corr", "near_layers_neuron"],
    ["one_to_one_corr", "one_to_one_neuron"],
];
