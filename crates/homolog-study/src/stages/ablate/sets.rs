//! Which sets of neurons are silenced: the universal ones, and random ones to hold them against.

#[cfg(test)]
mod tests;

use std::ops::Range;

use homolog_model::Config;
use homolog_stats::{MatchedNeighbours, MatchedOrder, RandomOrder};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::covariates::NeuronCovariates;
use crate::config::{AblationMode, AblationSection};

/// Nearest neurons among which a matched one is drawn: few enough to match closely, enough for draws to differ.
const N_NEAR: usize = 10;

/// Tells the streams of matched sets from those of others.
const MATCHED_STREAM: u64 = 0x6d61_7463_6865_6400;

/// What tells a set from others in table `ablation`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SetId {
    pub(crate) threshold: Option<f64>,
    pub(crate) set: String,
    pub(crate) layer: Option<usize>,
    pub(crate) multiple: Option<u32>,
    pub(crate) draw: Option<usize>,
    /// The flat number of a neuron that is silenced by itself: of table `singles`.
    pub(crate) single: Option<usize>,
}

impl SetId {
    pub(super) fn own(set: &str) -> Self {
        Self { threshold: None, set: set.to_owned(), layer: None, multiple: None, draw: None, single: None }
    }
}

/// How a random set over all layers is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RandomKind {
    /// Uniformly from the neurons that are not universal.
    Uniform,
    /// The same with as many from each layer as a multiple of the universal set has.
    LayerMatched,
    /// Each like a universal neuron of its layer in activation, output weights and how often it is active.
    Matched,
}

impl RandomKind {
    pub(crate) const ALL: [Self; 3] = [Self::Uniform, Self::LayerMatched, Self::Matched];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Uniform => "random",
            Self::LayerMatched => "random_layer_matched",
            Self::Matched => "random_matched",
        }
    }
}

/// The set that random ones are held against: the universal neurons, or a user's list.
#[derive(Clone, Copy)]
pub(super) struct Reference<'a> {
    pub(super) name: &'a str,
    /// By which its neurons were chosen; none for a list.
    pub(super) threshold: Option<f64>,
    /// Flat, ascending.
    pub(super) neurons: &'a [usize],
    /// Place of the model in the study, and its step: with the study's seed they decide what is drawn.
    pub(super) model_idx: usize,
    pub(super) step: Option<i64>,
}

/// The sets of one model at one step.
pub(super) struct Sets<'a> {
    section: &'a AblationSection,
    reference: Reference<'a>,
    /// Neurons of the reference in each layer.
    n_in_layer: Vec<usize>,
    d_mlp: usize,
    /// Random orders of the neurons that are not in the reference, one a draw: every random set is a beginning of one, so a larger
    /// multiple contains the smaller.
    orders: Vec<RandomOrder>,
    /// The same for matched sets, in rounds of one for each neuron of the reference.
    matched: Vec<MatchedOrder>,
}

/// A set and its neurons, flat and ascending.
pub(super) type NamedSet = (SetId, Vec<usize>);

impl<'a> Sets<'a> {
    pub(super) fn new(
        section: &'a AblationSection,
        config: &Config,
        reference: Reference<'a>,
        covariates: &NeuronCovariates,
    ) -> Self {
        let neurons = reference.neurons;
        let in_layer = |layer: usize| neurons.iter().filter(|&&flat| flat / config.d_mlp == layer).count();
        let others: Vec<usize> = (0..config.n_neurons()).filter(|flat| neurons.binary_search(flat).is_err()).collect();
        // A study without checkpoints draws as if its step were -1, which no step is.
        let step = reference.step.unwrap_or(-1);
        let order = |draw| RandomOrder::new(others.clone(), section.seed, reference.model_idx, step, draw);
        let neighbours = MatchedNeighbours::new(neurons, &covariates.covariates);
        let key = |draw: usize| [MATCHED_STREAM ^ section.seed, reference.model_idx as u64, step as u64, draw as u64];
        let n_draws = section.draws.max(section.permutations);
        // Permutations are of the reference's size only.
        let matched = |draw: usize| {
            let n_rounds = if draw < section.draws { usize::MAX } else { 1 };
            MatchedOrder::of_rounds(&neighbours, N_NEAR, n_rounds, key(draw))
        };
        Self {
            section,
            reference,
            n_in_layer: (0..config.n_layers).map(in_layer).collect(),
            d_mlp: config.d_mlp,
            orders: (0..n_draws).map(order).collect(),
            matched: (0..n_draws).into_par_iter().map(matched).collect(),
        }
    }

    /// Name of the set that random ones are held against.
    pub(super) fn reference(&self) -> &'a str {
        self.reference.name
    }

    /// Neurons of that set, flat and ascending.
    pub(super) fn neurons(&self) -> &'a [usize] {
        self.reference.neurons
    }

    /// Every set that the study file asks for, but the user's own.
    pub(super) fn configured(&self) -> Vec<NamedSet> {
        let mut sets = vec![(self.id(self.reference.name), self.reference.neurons.to_vec())];
        for kind in RandomKind::ALL {
            sets.extend(self.section.multiples.iter().flat_map(|&multiple| self.random(kind, multiple)));
        }
        for layer in (0..self.n_in_layer.len()).filter(|_| self.section.per_layer) {
            let universal = self.reference.neurons.iter().copied().filter(|&flat| self.is_in(flat, layer)).collect();
            sets.push((SetId { layer: Some(layer), ..self.id(&format!("{}_layer", self.reference.name)) }, universal));
            for (draw, order) in self.orders.iter().enumerate().take(self.section.draws) {
                let id = SetId { layer: Some(layer), multiple: Some(1), draw: Some(draw), ..self.id("random_layer") };
                let random = order.take_where(self.n_in_layer[layer], |flat| self.is_in(flat, layer));
                sets.extend(random.map(|random| (id, random)));
            }
        }
        sets
    }

    /// Random sets of the universal set's size that permutation p-values take besides the configured ones.
    pub(super) fn permutations(&self) -> Vec<NamedSet> {
        let n_configured = if self.section.multiples.contains(&1) { self.section.draws } else { 0 };
        let draws = n_configured..self.section.permutations.max(n_configured);
        RandomKind::ALL.into_iter().flat_map(|kind| self.draw(kind, 1, draws.clone())).collect()
    }

    /// Every draw of a random set of `multiple` times the universal set's size; none if there are not so many neurons.
    pub(super) fn random(&self, kind: RandomKind, multiple: u32) -> Vec<NamedSet> {
        self.draw(kind, multiple, 0..self.section.draws)
    }

    /// Every draw of this multiple that is measured in the first of the modes.
    pub(super) fn drawn(&self, kind: RandomKind, multiple: u32) -> Vec<NamedSet> {
        let AblationSection { draws, permutations, .. } = *self.section;
        self.draw(kind, multiple, 0..if multiple == 1 { draws.max(permutations) } else { draws })
    }

    fn draw(&self, kind: RandomKind, multiple: u32, draws: Range<usize>) -> Vec<NamedSet> {
        let times = |n: usize| n.checked_mul(multiple as usize);
        let draw_set = |draw: usize| {
            let order = &self.orders[draw];
            let neurons = match kind {
                RandomKind::Matched => self.matched[draw].take(multiple as usize)?,
                RandomKind::Uniform => order.take(times(self.reference.neurons.len())?)?,
                RandomKind::LayerMatched => {
                    let layers = self.n_in_layer.iter().enumerate();
                    let sets = layers.map(|(layer, &n)| order.take_where(times(n)?, |flat| self.is_in(flat, layer)));
                    sets.collect::<Option<Vec<_>>>()?.concat()
                }
            };
            Some((SetId { multiple: Some(multiple), draw: Some(draw), ..self.id(kind.name()) }, neurons))
        };
        draws.filter_map(draw_set).collect()
    }

    /// A line for every multiple of the study file, and every layer, for which there are not enough neurons.
    pub(super) fn notes(&self, modes: &[AblationMode], unit: &str) -> Vec<String> {
        let mut notes = Vec::new();
        for kind in RandomKind::ALL {
            for &multiple in self.section.multiples.iter().filter(|&&multiple| self.random(kind, multiple).is_empty()) {
                notes.push(format!("ablate {unit}: no `{}` set of multiple {multiple}: there are not so many neurons outside the set `{}`", kind.name(), self.reference.name));
            }
        }
        let per_layer = self.section.per_layer && !modes.is_empty();
        for (layer, &n) in self.n_in_layer.iter().enumerate().filter(|&(_, &n)| per_layer && 2 * n > self.d_mlp) {
            notes.push(format!(
                "ablate {unit}: no `random_layer` set of layer {layer}: {n} of its {} neurons are in the set `{}`",
                self.d_mlp, self.reference.name
            ));
        }
        notes
    }

    fn id(&self, set: &str) -> SetId {
        SetId { threshold: self.reference.threshold, ..SetId::own(set) }
    }

    fn is_in(&self, flat: usize, layer: usize) -> bool {
        flat / self.d_mlp == layer
    }
}
