//! Which covariances are accumulated in which pass over the tokens, so that they fit in memory.

#[cfg(test)]
mod tests;

use crate::Error;

/// Rows of tokens are gathered into chunks of at most this many positions (or one row, if it is longer): activations are kept
/// for one chunk. A constant: where chunks end decides the last bits of a result.
pub(crate) const CHUNK_TOKENS: usize = 2048;

/// One block of covariances: a layer of one model with a layer of the same or another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tile {
    /// A layer with itself, for the spread of its rotated neurons.
    Within { model: usize, layer: usize },
    /// A layer of model a with a layer of model b, a < b: serves both directions.
    Between { a: usize, layer_a: usize, b: usize, layer_b: usize },
}

/// Layers and neurons a layer of one model.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) n_layers: usize,
    pub(crate) d_mlp: usize,
    /// f32 bytes of its weights.
    pub(crate) weight_bytes: u64,
}

impl Tile {
    fn bytes(self, shapes: &[Shape]) -> u64 {
        let (rows, columns) = match self {
            Self::Within { model, .. } => (shapes[model].d_mlp, shapes[model].d_mlp),
            Self::Between { a, b, .. } => (shapes[a].d_mlp, shapes[b].d_mlp),
        };
        8 * rows as u64 * columns as u64
    }

    /// The (model, layer) pairs that it reads.
    pub(crate) fn sides(self) -> [(usize, usize); 2] {
        match self {
            Self::Within { model, layer } => [(model, layer); 2],
            Self::Between { a, layer_a, b, layer_b } => [(a, layer_a), (b, layer_b)],
        }
    }
}

/// Divide all tiles of a checkpoint into passes. Every `Within` tile comes before any `Between` tile, since the baseline
/// of a pair needs the spread of both models' rotated neurons.
///
/// Errors: `TooLittleMemory` if not even one tile fits beside models and activations.
pub(crate) fn passes(
    shapes: &[Shape],
    chunk_tokens: usize,
    top_k: usize,
    n_draws: usize,
    memory_bytes: u64,
    n_threads: usize,
) -> Result<Vec<Vec<Tile>>, Error> {
    let within = shapes.iter().enumerate();
    let mut tiles: Vec<Tile> =
        within.flat_map(|(model, shape)| (0..shape.n_layers).map(move |layer| Tile::Within { model, layer })).collect();
    for a in 0..shapes.len() {
        for b in a + 1..shapes.len() {
            for layer_a in 0..shapes[a].n_layers {
                tiles.extend((0..shapes[b].n_layers).map(|layer_b| Tile::Between { a, layer_a, b, layer_b }));
            }
        }
    }
    let fixed = fixed_bytes(shapes, chunk_tokens, top_k, n_draws, n_threads);
    let largest = tiles.iter().map(|tile| tile.bytes(shapes)).max().expect("two models have tiles");
    if fixed + largest > memory_bytes {
        return Err(Error::TooLittleMemory { budget: gigabytes(memory_bytes), needed: gigabytes(fixed + largest) });
    }
    let room = memory_bytes - fixed;
    let mut passes = vec![Vec::new()];
    let mut used = 0;
    for tile in tiles {
        let bytes = tile.bytes(shapes);
        if used + bytes > room {
            passes.push(Vec::new());
            used = 0;
        }
        used += bytes;
        passes.last_mut().expect("never empty").push(tile);
    }
    Ok(passes)
}

/// Bytes that every pass takes besides its tiles: weights, one chunk of activations as they come and packed, what is kept
/// of each neuron, and the rotations being worked on.
fn fixed_bytes(shapes: &[Shape], chunk_tokens: usize, top_k: usize, n_draws: usize, n_threads: usize) -> u64 {
    let n_neurons = |shape: &Shape| (shape.n_layers * shape.d_mlp) as u64;
    let others = shapes.len() as u64 - 1;
    let kept_per_neuron = 16 * top_k as u64 + 4 * 40 + 64 + 8 * n_draws as u64;
    let of_models: u64 = shapes
        .iter()
        .map(|shape| shape.weight_bytes + n_neurons(shape) * (2 * 4 * chunk_tokens as u64 + others * kept_per_neuron))
        .sum();
    let widest = shapes.iter().map(|shape| shape.d_mlp).max().unwrap_or(0) as u64;
    // A rotation takes its f64 matrix, its covariance product and its f32 packing at once.
    of_models + n_threads as u64 * widest * widest * (8 + 8 + 4)
}

pub(crate) fn gigabytes(bytes: u64) -> String {
    format!("{:.1} GB", bytes as f64 / 1e9)
}
