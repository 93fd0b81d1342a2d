//! Ablation: neurons whose activation is replaced by a constant at every position.

#[cfg(test)]
mod tests;

use crate::{Activation, HookPoint, Hooks, NeuronId, Site};

/// What an ablated neuron's activation becomes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ablation<'a> {
    /// 0.
    Zero,
    /// Its mean over the counted tokens of the study, by flat neuron number.
    Mean(&'a [f32]),
}

/// Replaces the activations of a set of neurons at `mlp.hook_post`, at every position of every row.
#[derive(Clone, Debug, Default)]
pub struct Ablate {
    /// (index, replacement) of the ablated neurons of each layer.
    by_layer: Vec<Vec<(usize, f32)>>,
}

impl Ablate {
    /// Ablate `neurons` of a model of `n_layers` x `d_mlp`. Panics if a neuron is not one of the model's.
    pub fn new(neurons: &[NeuronId], ablation: Ablation<'_>, n_layers: usize, d_mlp: usize) -> Self {
        let mut by_layer = vec![Vec::new(); n_layers];
        for neuron in neurons {
            assert!(neuron.layer < n_layers && neuron.index < d_mlp, "neuron {neuron} of {n_layers} x {d_mlp}");
            let value = match ablation {
                Ablation::Zero => 0.0,
                Ablation::Mean(means) => means[neuron.flat(d_mlp)],
            };
            by_layer[neuron.layer].push((neuron.index, value));
        }
        Self { by_layer }
    }

    /// First layer with an ablated neuron: everything before its `mlp.hook_post` is as in the clean model.
    pub fn first_layer(&self) -> Option<usize> {
        self.by_layer.iter().position(|neurons| !neurons.is_empty())
    }
}

impl Hooks for Ablate {
    fn wants(&self, point: HookPoint) -> bool {
        point.site == Site::MlpPost && self.by_layer.get(point.layer).is_some_and(|neurons| !neurons.is_empty())
    }

    fn at(&mut self, point: HookPoint, activation: Activation<'_>) {
        for position in activation.values.chunks_exact_mut(activation.width) {
            for &(index, value) in &self.by_layer[point.layer] {
                position[index] = value;
            }
        }
    }
}
