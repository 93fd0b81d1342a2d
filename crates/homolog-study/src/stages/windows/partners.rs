//! What neurons of one model do on windows of other models' neurons.

use std::collections::BTreeSet;

use homolog_model::{Activation, HookPoint, Hooks, Site};
use homolog_results::TensorData;

/// One window to read one neuron on. Ordered as a pass meets them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Request {
    pub(super) row: u32,
    /// Of the neuron that is read.
    pub(super) layer: u32,
    pub(super) index: u32,
    /// First position of the window.
    pub(super) start: u32,
    /// The model whose neuron the window is of, and the place of both in its array [n, `n_windows`].
    pub(super) model: u32,
    pub(super) place: u32,
}

/// BLAKE3 of requests in their order, hexadecimal.
pub(super) fn hash(requests: &[Request]) -> String {
    let mut hasher = blake3::Hasher::new();
    for &Request { row, layer, index, start, model, place } in requests {
        for number in [row, layer, index, start, model, place] {
            hasher.update(&number.to_le_bytes());
        }
    }
    hasher.finalize().to_hex().to_string()
}

/// Tensor of what the matches of a model's neurons do, by its place in the study.
pub(super) fn tensor_name(model: usize) -> String {
    format!("{model}.activation")
}

/// What was asked, and what was read so far.
pub(super) struct Partners<'a> {
    /// Ascending.
    requests: &'a [Request],
    wanted_layers: BTreeSet<u32>,
    /// Rows of the batch.
    batch: Vec<u32>,
    n_windows: usize,
    /// Positions of a window.
    length: usize,
    /// By model whose windows they are: [n, `n_windows`, length], NaN where nothing is asked.
    activations: Vec<(usize, Vec<f32>)>,
}

impl<'a> Partners<'a> {
    /// `sizes` are the models whose windows are read, and their neurons.
    pub(super) fn new(requests: &'a [Request], sizes: &[(usize, usize)], (n_windows, length): (usize, usize)) -> Self {
        let nothing = |&(model, n): &(usize, usize)| (model, vec![f32::NAN; n * n_windows * length]);
        Self {
            requests,
            wanted_layers: requests.iter().map(|request| request.layer).collect(),
            batch: Vec::new(),
            n_windows,
            length,
            activations: sizes.iter().map(nothing).collect(),
        }
    }

    /// Rows to be read, ascending.
    pub(super) fn rows(&self) -> Vec<u32> {
        self.requests.chunk_by(|a, b| a.row == b.row).map(|requests| requests[0].row).collect()
    }

    /// What comes next is the batch of these rows.
    pub(super) fn begin_batch(&mut self, rows: &[u32]) {
        self.batch = rows.to_vec();
    }

    pub(super) fn into_tensors(self) -> Vec<(String, TensorData)> {
        let (n_windows, length) = (self.n_windows, self.length);
        let tensor = |(model, data): (usize, Vec<f32>)| {
            let shape = vec![data.len() / (n_windows * length), n_windows, length];
            (tensor_name(model), TensorData::F32 { shape, data })
        };
        self.activations.into_iter().map(tensor).collect()
    }
}

impl Hooks for Partners<'_> {
    fn wants(&self, point: HookPoint) -> bool {
        point.site == Site::MlpPost && self.wanted_layers.contains(&(point.layer as u32))
    }

    fn at(&mut self, point: HookPoint, activation: Activation<'_>) {
        let Activation { values, n_pos, width, .. } = activation;
        let layer = point.layer as u32;
        for (values, &row) in values.chunks_exact(n_pos * width).zip(&self.batch) {
            let before =
                |place: (u32, u32)| self.requests.partition_point(|request| (request.row, request.layer) < place);
            for request in &self.requests[before((row, layer))..before((row, layer + 1))] {
                let of_model = self.activations.iter_mut().find(|(model, _)| *model == request.model as usize);
                let (_, to) = of_model.expect("a model whose windows are read");
                let to = &mut to[request.place as usize * self.length..][..self.length];
                for (position, to) in (request.start as usize..).zip(to) {
                    *to = values[position * width + request.index as usize];
                }
            }
        }
    }
}
