//! First and second moments of every neuron of a layer within each block of tokens.

#[cfg(test)]
mod tests;

use std::ops::Range;

use crate::Chunk;

/// Sums of the centred activations of a layer and of their squares, by block.
#[derive(Clone, Debug)]
pub struct BlockMoments {
    n: usize,
    /// By block.
    n_tokens: Vec<u64>,
    /// [`n_blocks`, n]: sum, sum of squares; f64.
    sums: Vec<[f64; 2]>,
}

impl BlockMoments {
    /// Zero sums of `n` neurons.
    pub fn new(n: usize, n_blocks: usize) -> Self {
        Self { n, n_tokens: vec![0; n_blocks], sums: vec![[0.0; 2]; n_blocks * n] }
    }

    /// Add some tokens of a transposed chunk to a block.
    pub fn add_block(&mut self, chunk: &Chunk, block: usize, tokens: Range<usize>) {
        let n_tokens = chunk.n_tokens();
        self.n_tokens[block] += tokens.len() as u64;
        let columns = chunk.by_neuron().chunks_exact(n_tokens.max(1));
        for (sums, column) in self.sums[block * self.n..(block + 1) * self.n].iter_mut().zip(columns) {
            let [sum, squares] = sum_and_squares(&column[tokens.clone()]);
            *sums = [sums[0] + sum, sums[1] + squares];
        }
    }

    /// Tokens of a block.
    pub fn n_tokens(&self, block: usize) -> u64 {
        self.n_tokens[block]
    }

    /// Sum and sum of squares of a neuron in a block.
    pub fn sums(&self, block: usize, neuron: u32) -> [f64; 2] {
        self.sums[block * self.n + neuron as usize]
    }
}

/// In eight lanes: one sum after another would wait for each other.
fn sum_and_squares(values: &[f32]) -> [f64; 2] {
    let mut lanes = [[0.0_f64; 8]; 2];
    let (chunks, rest) = values.as_chunks::<8>();
    let mut add = |lane: usize, value: f32| {
        let value = f64::from(value);
        lanes[0][lane] += value;
        lanes[1][lane] += value * value;
    };
    for chunk in chunks {
        chunk.iter().enumerate().for_each(|(lane, &value)| add(lane, value));
    }
    rest.iter().enumerate().for_each(|(lane, &value)| add(lane, value));
    lanes.map(|lanes| lanes.iter().sum())
}
