//! A study's numbers by the definition, in f64: forward passes in plain loops, correlations pair by pair, activations
//! rotated.

use std::path::Path;

use homolog_stats::rotation_state;
use homolog_test::reference_gpt2::{Reference, forward, forward_by_position, no_ablation, pearson};
use homolog_test::tiny_gpt2::{Gpt2Shape, Weights, read};

/// A model as its folder has it: weights rounded to the type they are stored in.
pub(crate) struct SlowModel {
    pub(crate) shape: Gpt2Shape,
    pub(crate) weights: Weights,
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

    /// What each row computes; `ablate` gives the value of a flat neuron number that is ablated at a position of a row.
    pub(crate) fn passes(
        &self,
        rows: &[u16],
        context: usize,
        ablate: &dyn Fn(usize, usize, usize) -> Option<f64>,
    ) -> Vec<Reference> {
        let pass = |(at, row): (usize, &[u16])| {
            let tokens: Vec<u32> = row.iter().copied().map(u32::from).collect();
            let ablate = |layer, neuron, position| ablate(layer * self.shape.d_mlp + neuron, at, position);
            forward_by_position(&self.shape, &self.weights, &tokens, &ablate)
        };
        rows.chunks_exact(context).enumerate().map(pass).collect()
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

/// What one draw of a null holds against each other, [neuron][token] each: side a, side b.
pub(crate) type NullDraw = (Vec<Vec<f64>>, Vec<Vec<f64>>);

/// Every neuron of `a` held against all of `b`, and against all of each draw of a null.
pub(crate) fn slow_matches(a: &[Vec<f64>], b: &[Vec<f64>], null: &[NullDraw]) -> Vec<SlowMatch> {
    let of_neuron = |(i, a): (usize, &Vec<f64>)| {
        let mut ranked: Vec<(f64, usize)> =
            b.iter().enumerate().filter_map(|(j, b)| Some((pearson(a, b)?, j))).collect();
        ranked.sort_by(|x, y| y.0.total_cmp(&x.0).then(x.1.cmp(&y.1)));
        let largest = |(a, b): &NullDraw| b.iter().filter_map(|b| pearson(&a[i], b)).reduce(f64::max);
        let maxima: Option<Vec<f64>> = null.iter().map(largest).collect();
        let baseline = maxima.map(|maxima| maxima.iter().sum::<f64>() / null.len() as f64);
        SlowMatch { ranked, baseline }
    };
    a.iter().enumerate().map(of_neuron).collect()
}

/// `a` against `b`, model `b_idx` of the study, with every layer of `d_mlp` neurons mixed by a random matrix.
pub(crate) fn mixed(
    a: &[Vec<f64>],
    b: &[Vec<f64>],
    (b_idx, d_mlp): (usize, usize),
    (draw, rng_seed): (usize, u64),
    matrix: fn(usize, u64) -> Vec<f64>,
) -> NullDraw {
    let layers = b.chunks_exact(d_mlp).enumerate();
    let mixed = layers.flat_map(|(layer, b)| mix(b, &matrix(d_mlp, rotation_state(rng_seed, b_idx, layer, draw))));
    (a.to_vec(), mixed.collect())
}

/// `a` against `b` with whole rows permuted: activations at every position, counted or not, come in; those of positions counted in
/// both rows go out. The model that comes first in the study keeps its rows.
pub(crate) fn permuted(
    (a, a_idx): (&[Vec<f64>], usize),
    (b, b_idx): (&[Vec<f64>], usize),
    is_counted: &[bool],
    context: usize,
    order: &[usize],
) -> NullDraw {
    let places: Vec<(usize, usize)> = (0..is_counted.len())
        .map(|at| (at, order[at / context] * context + at % context))
        .filter(|&(own, stand_in)| is_counted[own] && is_counted[stand_in])
        .collect();
    let own = |x: &[Vec<f64>]| x.iter().map(|x| places.iter().map(|place| x[place.0]).collect()).collect();
    let stand_in = |x: &[Vec<f64>]| x.iter().map(|x| places.iter().map(|place| x[place.1]).collect()).collect();
    if a_idx < b_idx { (own(a), stand_in(b)) } else { (stand_in(a), own(b)) }
}

/// b'(t)[m] = sum over n of Q[m, n] b(t)[n]
fn mix(b: &[Vec<f64>], q: &[f64]) -> Vec<Vec<f64>> {
    let mixed = q.chunks_exact(b.len()).map(|q| {
        let mut sum = vec![0.0; b[0].len()];
        for (q, b) in q.iter().zip(b) {
            sum.iter_mut().zip(b).for_each(|(sum, b)| *sum += q * b);
        }
        sum
    });
    mixed.collect()
}
