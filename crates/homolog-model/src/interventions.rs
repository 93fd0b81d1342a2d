//! Ablation: neurons whose activation is replaced, at every position.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::{Activation, HookPoint, Hooks, NeuronId, Site};

/// What an ablated neuron's activation becomes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Ablation<'a> {
    /// 0.
    #[default]
    Zero,
    /// Its mean over the counted tokens of the study, by flat neuron number.
    Mean(&'a [f32]),
    /// A value of its own at each position, by layer [`n_pos`, `d_mlp`]: means by position, or what another row has there.
    ByPosition(&'a [Vec<f32>]),
}

/// Replaces the activations of a set of neurons at `mlp.hook_post`, at every position of every row.
#[derive(Clone, Debug, Default)]
pub struct Ablate<'a> {
    /// Indices of the ablated neurons of each layer.
    by_layer: Arc<Vec<Vec<usize>>>,
    d_mlp: usize,
    ablation: Ablation<'a>,
}

impl<'a> Ablate<'a> {
    /// Ablate `neurons` of a model of `n_layers` x `d_mlp`. Panics if a neuron is not one of the model's.
    pub fn new(neurons: &[NeuronId], ablation: Ablation<'a>, n_layers: usize, d_mlp: usize) -> Self {
        let mut by_layer = vec![Vec::new(); n_layers];
        for neuron in neurons {
            assert!(neuron.layer < n_layers && neuron.index < d_mlp, "neuron {neuron} of {n_layers} x {d_mlp}");
            by_layer[neuron.layer].push(neuron.index);
        }
        Self { by_layer: Arc::new(by_layer), d_mlp, ablation }
    }

    /// The same neurons, made something else.
    #[must_use]
    pub fn with<'b>(&self, ablation: Ablation<'b>) -> Ablate<'b> {
        Ablate { by_layer: Arc::clone(&self.by_layer), d_mlp: self.d_mlp, ablation }
    }

    /// First layer with an ablated neuron: everything before its `mlp.hook_post` is as in the clean model.
    pub fn first_layer(&self) -> Option<usize> {
        self.by_layer.iter().position(|neurons| !neurons.is_empty())
    }
}

impl Hooks for Ablate<'_> {
    fn wants(&self, point: HookPoint) -> bool {
        point.site == Site::MlpPost && self.by_layer.get(point.layer).is_some_and(|neurons| !neurons.is_empty())
    }

    fn at(&mut self, point: HookPoint, activation: Activation<'_>) {
        let HookPoint { layer, .. } = point;
        let Activation { values, n_pos, width, .. } = activation;
        for (at, position) in values.chunks_exact_mut(width).enumerate() {
            for &index in &self.by_layer[layer] {
                position[index] = match self.ablation {
                    Ablation::Zero => 0.0,
                    Ablation::Mean(means) => means[layer * self.d_mlp + index],
                    Ablation::ByPosition(layers) => layers[layer][at % n_pos * self.d_mlp + index],
                };
            }
        }
    }
}
