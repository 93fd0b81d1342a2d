//! A study's numbers by the definition, in f64: forward passes in plain loops, correlations pair by pair, activations
//! rotated.

use std::path::Path;

use homolog_stats::{haar_rotation, rotation_state};
use homolog_test::reference_gpt2::{forward, no_ablation, pearson};
use homolog_test::tiny_gpt2::{Gpt2Shape, Weights, read};

/// A model as its folder has it: weights rounded to the type they are stored in.
pub(crate) struct SlowModel {
    pub(crate) shape: Gpt2Shape,
    weights: Weights,
}

/// What one neuron of a model finds in another.
pub(crate) struct SlowMatch {
    /// Defined correlations with (flat neuron number), descending; ties by number.
    pub(crate) ranked: Vec<(f64, usize)>,
    /// Mean over draws of the largest correlation with a rotated neuron; none if nothing is defined.
    pub(crate) baseline: Option<f64>,
}

impl SlowModel {
    pub(crate) fn read(folder: &Path) -> Self {
        let (shape, weights) = read(folder);
        Self { shape, weights }
    }

    pub(crate) fn n_neurons(&self) -> usize {
        self.shape.n_layers * self.shape.d_mlp
    }

    /// [neuron][counted token]
    pub(crate) fn activations(&self, rows: &[u16], context: usize, excluded: &[u32]) -> Vec<Vec<f64>> {
        let mut neurons = vec![Vec::new(); self.n_neurons()];
        for row in rows.chunks_exact(context) {
            let tokens: Vec<u32> = row.iter().copied().map(u32::from).collect();
            let run = forward(&self.shape, &self.weights, &tokens, &no_ablation);
            let counted = (0..context).filter(|&position| !excluded.contains(&tokens[position]));
            for position in counted {
                for (flat, activations) in neurons.iter_mut().enumerate() {
                    let (layer, index) = (flat / self.shape.d_mlp, flat % self.shape.d_mlp);
                    activations.push(run.mlp_post[layer][position * self.shape.d_mlp + index]);
                }
            }
        }
        neurons
    }

    /// Mean over all predicted tokens; `ablate` gives the value of a flat neuron number that is ablated.
    pub(crate) fn loss(&self, rows: &[u16], context: usize, ablate: &dyn Fn(usize) -> Option<f64>) -> f64 {
        let losses = rows.chunks_exact(context).flat_map(|row| {
            let tokens: Vec<u32> = row.iter().copied().map(u32::from).collect();
            forward(&self.shape, &self.weights, &tokens, &|layer, neuron| ablate(layer * self.shape.d_mlp + neuron))
                .loss_nats
        });
        let losses: Vec<f64> = losses.collect();
        losses.iter().sum::<f64>() / losses.len() as f64
    }
}

/// Every neuron of `a` held against model `other_idx` of the study, whose layers are `d_mlp` wide; baseline seed `rng_seed`.
pub(crate) fn slow_matches(
    a: &[Vec<f64>],
    b: &[Vec<f64>],
    (other_idx, d_mlp): (usize, usize),
    (draws, rng_seed): (usize, u64),
) -> Vec<SlowMatch> {
    let rotated: Vec<Vec<Vec<f64>>> = (0..draws)
        .map(|draw| {
            let layers = b.chunks_exact(d_mlp).enumerate();
            layers.flat_map(|(layer, b)| rotate(b, rotation_state(rng_seed, other_idx, layer, draw))).collect()
        })
        .collect();
    let of_neuron = |a: &Vec<f64>| {
        let mut ranked: Vec<(f64, usize)> =
            b.iter().enumerate().filter_map(|(j, b)| Some((pearson(a, b)?, j))).collect();
        ranked.sort_by(|x, y| y.0.total_cmp(&x.0).then(x.1.cmp(&y.1)));
        let largest = |b: &Vec<Vec<f64>>| b.iter().filter_map(|b| pearson(a, b)).reduce(f64::max);
        let maxima: Option<Vec<f64>> = rotated.iter().map(largest).collect();
        let baseline = maxima.map(|maxima| maxima.iter().sum::<f64>() / draws as f64);
        SlowMatch { ranked, baseline }
    };
    a.iter().map(of_neuron).collect()
}

/// b'(t)[m] = sum over n of Q[m, n] b(t)[n]
fn rotate(b: &[Vec<f64>], state: u64) -> Vec<Vec<f64>> {
    let n = b.len();
    let q = haar_rotation(n, state);
    let rotated = q.chunks_exact(n).map(|q| {
        let mut sum = vec![0.0; b[0].len()];
        for (q, b) in q.iter().zip(b) {
            sum.iter_mut().zip(b).for_each(|(sum, b)| *sum += q * b);
        }
        sum
    });
    rotated.collect()
}
