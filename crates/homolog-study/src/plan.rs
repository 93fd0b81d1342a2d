//! Which covariances are accumulated in which pass over the tokens, so that they fit in memory.

pub(crate) mod cost;
pub(crate) mod footprint;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::Range;

use crate::config::{BaselineKind, BaselineSection, Search};

/// Rows of tokens are gathered into chunks of at most this many positions (or one row, if it is longer): activations are kept
/// for one chunk. A constant: where chunks end decides the last bits of a result.
pub(crate) const CHUNK_TOKENS: usize = 2048;

/// Which positions of the tokens a model is read at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stream {
    /// Every counted position, row after row.
    Rows,
    /// Null `permuted-rows`: positions counted both in a row and in the row that stands in for it in this draw, read from the
    /// row itself ...
    Paired { draw: usize },
    /// ... or from the one that stands in.
    StandIn { draw: usize },
}

/// What one model shows in one stream.
pub(crate) type View = (usize, Stream);

/// One block of covariances: a layer of one model with a layer of the same or another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tile {
    /// A layer with itself, for the spread of its rotated neurons.
    Within { model: usize, layer: usize },
    /// A layer of model a with a layer of model b, a < b: serves both directions. Perhaps each half of the tokens by itself.
    Between { a: usize, layer_a: usize, b: usize, layer_b: usize, in_halves: bool },
    /// The same with b's rows permuted; read the other way round, a's rows permuted by the inverse.
    Permuted { draw: usize, a: usize, layer_a: usize, b: usize, layer_b: usize },
    /// Some neurons of a layer of one model with a layer of another: serves this direction. In halves where all of them would be,
    /// so that what is computed of a neuron does not depend on how it came to be.
    Chosen { model: usize, layer: usize, other: usize, other_layer: usize, n_chosen: usize, in_halves: bool },
}

/// By (model, other): flat numbers of the neurons of `model` that are held against all of `other`, ascending.
pub(crate) type Chosen = BTreeMap<(usize, usize), Vec<u32>>;

/// One side of a tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Side {
    pub(crate) view: View,
    pub(crate) layer: usize,
}

/// Dimensions of one model, and what it takes in memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) n_layers: usize,
    pub(crate) d_mlp: usize,
    pub(crate) d_model: usize,
    pub(crate) d_vocab: usize,
    /// Bytes of its weights once loaded.
    pub(crate) weight_bytes: u64,
    /// Bytes that loading takes besides, at most.
    pub(crate) load_bytes: u64,
}

impl Shape {
    pub(crate) fn n_neurons(&self) -> usize {
        self.n_layers * self.d_mlp
    }
}

impl Tile {
    pub(crate) fn bytes(self, shapes: &[Shape]) -> u64 {
        let [rows, columns] = self.dimensions(shapes);
        // Chosen neurons are also packed by themselves, once for all layers of the other model.
        let packed = match self {
            Self::Chosen { other_layer: 0, n_chosen, .. } => 8 * n_chosen * CHUNK_TOKENS,
            _ => 0,
        };
        (8 * self.n_parts() * rows * columns + packed) as u64
    }

    /// Parts of the tokens that are summed over by themselves.
    pub(crate) fn n_parts(self) -> usize {
        let in_halves = matches!(self, Self::Between { in_halves: true, .. } | Self::Chosen { in_halves: true, .. });
        if in_halves { 2 } else { 1 }
    }

    /// Neurons of each side.
    pub(crate) fn dimensions(self, shapes: &[Shape]) -> [usize; 2] {
        let [rows, columns] = self.sides().map(|side| shapes[side.view.0].d_mlp);
        match self {
            Self::Chosen { n_chosen, .. } => [n_chosen, columns],
            _ => [rows, columns],
        }
    }

    /// The (model, layer) of which some neurons are chosen.
    pub(crate) fn chosen_side(self) -> Option<(usize, usize)> {
        match self {
            Self::Chosen { model, layer, .. } => Some((model, layer)),
            _ => None,
        }
    }

    /// Rows, then columns.
    pub(crate) fn sides(self) -> [Side; 2] {
        match self {
            Self::Within { model, layer } => [Side { view: (model, Stream::Rows), layer }; 2],
            Self::Between { a, layer_a, b, layer_b, .. } => {
                [Side { view: (a, Stream::Rows), layer: layer_a }, Side { view: (b, Stream::Rows), layer: layer_b }]
            }
            Self::Permuted { draw, a, layer_a, b, layer_b } => [
                Side { view: (a, Stream::Paired { draw }), layer: layer_a },
                Side { view: (b, Stream::StandIn { draw }), layer: layer_b },
            ],
            Self::Chosen { model, layer, other, other_layer, .. } => {
                [Side { view: (model, Stream::Rows), layer }, Side { view: (other, Stream::Rows), layer: other_layer }]
            }
        }
    }

    /// Tiles of one group are accumulated from the same streams: the tokens as they are, or one permutation of them.
    fn group(self) -> usize {
        match self {
            Self::Within { .. } | Self::Between { .. } | Self::Chosen { .. } => 0,
            Self::Permuted { draw, .. } => 1 + draw,
        }
    }
}

/// The neurons of one layer among those chosen of a model, as positions in the list.
pub(crate) fn chosen_of_layer(chosen: &[u32], layer: usize, d_mlp: usize) -> Range<usize> {
    let begin = |layer: usize| chosen.partition_point(|&neuron| (neuron as usize) < layer * d_mlp);
    begin(layer)..begin(layer + 1)
}

/// Bytes of the largest tile, or of the largest that a screened search may come to: all neurons of a layer chosen.
pub(crate) fn largest_tile(tiles: &[Tile], shapes: &[Shape], search: Search, in_halves: bool) -> u64 {
    let largest = tiles.iter().map(|tile| tile.bytes(shapes)).max().unwrap_or(0);
    let pairs = (0..shapes.len()).flat_map(|model| (0..shapes.len()).map(move |other| (model, other)));
    let chosen = pairs.map(|(model, other)| {
        let n_chosen = shapes[model].d_mlp;
        Tile::Chosen { model, layer: 0, other, other_layer: 0, n_chosen, in_halves }.bytes(shapes)
    });
    match search {
        Search::Exact => largest,
        Search::Screened => largest.max(chosen.max().unwrap_or(0)),
    }
}

/// Every tile that holds chosen neurons, in the order in which they are accumulated.
pub(crate) fn chosen_tiles(shapes: &[Shape], chosen: &Chosen, in_halves: bool) -> Vec<Tile> {
    let mut tiles = Vec::new();
    for (&(model, other), neurons) in chosen {
        for layer in 0..shapes[model].n_layers {
            let n_chosen = chosen_of_layer(neurons, layer, shapes[model].d_mlp).len();
            let others = (0..shapes[other].n_layers).filter(|_| n_chosen > 0);
            tiles.extend(others.map(|other_layer| Tile::Chosen {
                model,
                layer,
                other,
                other_layer,
                n_chosen,
                in_halves,
            }));
        }
    }
    tiles
}

/// The tiles that the spread of rotated neurons comes from.
pub(crate) fn within_tiles(shapes: &[Shape]) -> impl Iterator<Item = Tile> {
    let layers = shapes.iter().enumerate();
    layers.flat_map(|(model, shape)| (0..shape.n_layers).map(move |layer| Tile::Within { model, layer }))
}

/// Every tile of a checkpoint, in the order in which they are accumulated. Every `Within` tile comes before any `Between` tile,
/// since the baseline of a pair needs the spread of both models' rotated neurons.
pub(crate) fn tiles(shapes: &[Shape], baseline: &BaselineSection, in_halves: bool) -> Vec<Tile> {
    let is_permuted = baseline.kind == BaselineKind::PermutedRows;
    let mut tiles: Vec<Tile> = within_tiles(shapes).filter(|_| !is_permuted).collect();
    let mut between = Vec::new();
    for a in 0..shapes.len() {
        for b in a + 1..shapes.len() {
            for layer_a in 0..shapes[a].n_layers {
                between.extend((0..shapes[b].n_layers).map(|layer_b| (a, layer_a, b, layer_b)));
            }
        }
    }
    tiles.extend(between.iter().map(|&(a, layer_a, b, layer_b)| Tile::Between { a, layer_a, b, layer_b, in_halves }));
    for draw in (0..baseline.draws).filter(|_| is_permuted) {
        tiles.extend(between.iter().map(|&(a, layer_a, b, layer_b)| Tile::Permuted { draw, a, layer_a, b, layer_b }));
    }
    tiles
}

/// Divide tiles, in their order, into passes of at most `room` bytes each. `room` is at least that of every tile.
pub(crate) fn passes(tiles: &[Tile], shapes: &[Shape], room: u64) -> Vec<Vec<Tile>> {
    let mut passes: Vec<Vec<Tile>> = Vec::new();
    let mut used = 0;
    for &tile in tiles {
        let bytes = tile.bytes(shapes);
        let is_same_group = passes.last().and_then(|pass| pass.last()).is_some_and(|last| last.group() == tile.group());
        if !is_same_group || used + bytes > room {
            passes.push(Vec::new());
            used = 0;
        }
        used += bytes;
        passes.last_mut().expect("a pass was just begun").push(tile);
    }
    passes
}

/// Bytes of the pass that takes most.
pub(crate) fn largest_pass(passes: &[Vec<Tile>], shapes: &[Shape]) -> u64 {
    passes.iter().map(|pass| pass.iter().map(|tile| tile.bytes(shapes)).sum()).max().unwrap_or(0)
}

/// `8.2 GB`, `35 MB`: with the digits that matter.
pub(crate) fn bytes_text(bytes: u64) -> String {
    match bytes {
        10_000_000_000.. => format!("{:.1} GB", bytes as f64 / 1e9),
        1_000_000_000.. => format!("{:.2} GB", bytes as f64 / 1e9),
        1_000_000.. => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} kB", bytes as f64 / 1e3),
    }
}
