//! Planted worlds: pairs of models of which it is known, by construction, which neurons they share.
//!
//! A study of them must find exactly the planted neurons, and none in a null pair. Sizes and scales are those of [`shape`] and
//! [`weights`]; with other ones the margins below do not hold.
//!
//! Measured in f64 on 40 rows of 24 tokens, BOS not counted, against one orthogonal rotation, over six worlds (`rng_seed` 1 to 6):
//! shared neurons have `max_corr` 1 and an excess of at least 0.584; re-initialised ones have at most 0.212 (`max_corr` 0.447), and
//! null pairs at most 0.150 (`max_corr` 0.308). Test `margins_are_wide` holds one of these worlds to the bounds 0.55 and 0.35.

use std::fs;
use std::path::Path;

use crate::seeded::Seeded;
use crate::tiny_gpt2::{Gpt2Shape, Weights};

#[cfg(test)]
mod tests;

/// Rows that the margins were measured on.
pub const N_ROWS: usize = 40;

/// Two models and the truth about them. A neuron's global number is layer * `d_mlp` + index.
#[derive(Debug, Clone, PartialEq)]
pub struct PlantedPair {
    /// The first model.
    pub a: Weights,
    /// The second model.
    pub b: Weights,
    /// For every neuron of `a` the same neuron's number in `b`, in the same layer; None if `b` does not have it.
    pub partner: Vec<Option<usize>>,
}

/// The shape of planted worlds: 2 layers of 320 neurons on a residual stream of 128, 600 tokens of which the last is BOS, rows of 24.
///
/// Why not smaller: a rotated neuron correlates with a given neuron of its own layer by about 1 / sqrt(effective rank of the
/// layer's activations), and the baseline is the largest of 640 such values. A stream of 32 leaves baselines of 0.75.
pub fn shape() -> Gpt2Shape {
    Gpt2Shape { n_heads: 4, d_model: 128, d_mlp: 320, d_vocab: 600, n_ctx: 24, bos: Some(599), ..Gpt2Shape::tiny() }
}

/// Random weights whose neurons are diverse: the residual stream is mostly the token's embedding (standard deviation 0.2, against
/// 0.06 for positions and 0.005 for what blocks write), every neuron reads it with the same strength (columns of `c_fc` of norm 2)
/// and is off for most tokens (`c_fc` bias near -1), so that no neuron or direction dominates a layer.
pub fn weights(shape: &Gpt2Shape, rng_seed: u64) -> Weights {
    let sd = 0.1;
    let mut weights = shape.random(rng_seed, sd);
    for (name, weight) in &mut weights {
        let factor = match &**name {
            "wte.weight" | "lm_head.weight" => 0.2 / sd,
            "wpe.weight" => 0.06 / sd,
            name if name.contains(".c_proj.") => 0.005 / sd,
            _ => 1.0,
        };
        weight.values.iter_mut().for_each(|v| *v *= factor as f32);
    }
    for l in 0..shape.n_layers {
        let bias = values(&mut weights, &format!("h.{l}.mlp.c_fc.bias"));
        for v in bias {
            *v -= 1.0;
        }
        let columns = values(&mut weights, &format!("h.{l}.mlp.c_fc.weight"));
        for neuron in 0..shape.d_mlp {
            let factor = 2.0 / norm(columns.iter().skip(neuron).step_by(shape.d_mlp));
            columns.iter_mut().skip(neuron).step_by(shape.d_mlp).for_each(|v| *v *= factor);
        }
    }
    weights
}

/// A pair that shares half of its neurons. In each layer of `b` a random half of the neurons of `weights` is re-initialised (a new
/// `c_fc` column of the old one's norm, and another neuron's bias), then all are permuted.
///
/// What the re-initialised neurons write (their rows of `c_proj`) is zero in *both* models, so that the residual streams are the
/// same up to the order of summation; `a` therefore is not quite `weights`.
pub fn twin(shape: &Gpt2Shape, weights: &Weights, rng_seed: u64) -> PlantedPair {
    shape.assert_fits(weights);
    let (d, m) = (shape.d_model, shape.d_mlp);
    let mut rng = Seeded::new(rng_seed);
    let (mut a, mut b) = (weights.clone(), weights.clone());
    let mut partner = vec![None; shape.n_layers * m];
    for l in 0..shape.n_layers {
        let [c_fc, c_fc_bias, c_proj] =
            ["c_fc.weight", "c_fc.bias", "c_proj.weight"].map(|name| format!("h.{l}.mlp.{name}"));
        let order = rng.permutation(m);
        let (reinitialised, shared) = order.split_at(m / 2);

        for &neuron in reinitialised {
            let fresh = rng.gaussians_f32(d, 1.0);
            let column = values(&mut b, &c_fc);
            let factor = norm(column.iter().skip(neuron).step_by(m)) / norm(fresh.iter());
            for (c, v) in fresh.iter().enumerate() {
                column[c * m + neuron] = v * factor;
            }
            values(&mut b, &c_fc_bias)[neuron] = weights[&c_fc_bias].values[rng.below(m)];
            values(&mut a, &c_proj)[neuron * d..][..d].fill(0.0);
            values(&mut b, &c_proj)[neuron * d..][..d].fill(0.0);
        }

        // Neuron i of `a` stands at place[i] of `b`.
        let place = rng.permutation(m);
        move_columns(values(&mut b, &c_fc), &place);
        move_columns(values(&mut b, &c_fc_bias), &place);
        move_rows(values(&mut b, &c_proj), &place);
        for &neuron in shared {
            partner[l * m + neuron] = Some(l * m + place[neuron]);
        }
    }
    PlantedPair { a, b, partner }
}

/// A pair that shares nothing: independent [`weights`], embeddings included.
pub fn null_pair(shape: &Gpt2Shape, rng_seed: u64) -> PlantedPair {
    let mut rng = Seeded::new(rng_seed);
    let (a, b) = (weights(shape, rng.next_u64()), weights(shape, rng.next_u64()));
    PlantedPair { a, b, partner: vec![None; shape.n_layers * shape.d_mlp] }
}

/// `n_rows` rows of `context` random tokens, row-major. With a BOS, every row begins with it and it occurs nowhere else.
///
/// Panics: if the vocabulary does not fit u16 or has no token beside BOS, or BOS lies outside it.
pub fn random_rows(n_rows: usize, context: usize, d_vocab: usize, bos: Option<u32>, rng_seed: u64) -> Vec<u16> {
    assert!(d_vocab <= usize::from(u16::MAX) + 1, "{d_vocab} token ids do not fit u16");
    assert!(bos.is_none_or(|bos| (bos as usize) < d_vocab), "BOS {bos:?} of a vocabulary of {d_vocab}");
    let mut rng = Seeded::new(rng_seed);
    let mut rows = Vec::with_capacity(n_rows * context);
    for position in (0..n_rows).flat_map(|_| 0..context) {
        let token = match bos {
            Some(bos) if position == 0 => bos as usize,
            Some(bos) => {
                let token = rng.below(d_vocab - 1);
                token + usize::from(token >= bos as usize)
            }
            None => rng.below(d_vocab),
        };
        rows.push(token as u16);
    }
    rows
}

/// Writes tokens as little-endian u16, the study file's `token_file`.
#[track_caller]
pub fn write_u16_rows(path: &Path, rows: &[u16]) {
    let bytes: Vec<u8> = rows.iter().flat_map(|token| token.to_le_bytes()).collect();
    fs::write(path, bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

fn values<'a>(weights: &'a mut Weights, name: &str) -> &'a mut [f32] {
    &mut weights.get_mut(name).expect("a GPT-2 weight").values
}

fn norm<'a>(values: impl Iterator<Item = &'a f32>) -> f32 {
    values.map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt() as f32
}

/// Column i of every row of `place.len()` values goes to column `place[i]`.
fn move_columns(values: &mut [f32], place: &[usize]) {
    for row in values.chunks_exact_mut(place.len()) {
        let old = row.to_vec();
        old.iter().zip(place).for_each(|(&v, &to)| row[to] = v);
    }
}

/// Row i of `place.len()` rows goes to row `place[i]`.
fn move_rows(values: &mut [f32], place: &[usize]) {
    let width = values.len() / place.len();
    let old = values.to_vec();
    for (row, &to) in old.chunks_exact(width).zip(place) {
        values[to * width..][..width].copy_from_slice(row);
    }
}
