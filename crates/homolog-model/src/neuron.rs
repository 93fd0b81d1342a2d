//! Which neuron: one column of `blocks.L.mlp.hook_post`.

#[cfg(test)]
mod tests;

use std::fmt;

/// A neuron of one model. Ordered by layer, then index. Prints as `5.1234`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NeuronId {
    /// Layer, from 0.
    pub layer: usize,
    /// Column within the layer, 0..`d_mlp`.
    pub index: usize,
}

impl NeuronId {
    /// The neuron with this number when layers are laid end to end.
    pub fn from_flat(flat: usize, d_mlp: usize) -> Self {
        Self { layer: flat / d_mlp, index: flat % d_mlp }
    }

    /// Its number when layers are laid end to end.
    pub fn flat(self, d_mlp: usize) -> usize {
        self.layer * d_mlp + self.index
    }
}

impl fmt::Display for NeuronId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.layer, self.index)
    }
}
