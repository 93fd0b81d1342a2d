//! Windows and histograms of every neuron of a model, kept while its activations stream.

use homolog_model::{Activation, HookPoint, Hooks, Site, TokenMask, Tokens};
use homolog_results::TensorData;
use rayon::prelude::*;

use super::{NO_ROW, window_start};
use crate::config::WindowsSection;

/// Neurons looked at together: what is counted of them stays in the nearest cache.
const BLOCK: usize = 32;

/// No position of a row.
const NO_POSITION: u32 = u32::MAX;

/// What is kept of one model. Looks at a batch of rows after another, in the order of the rows.
pub(super) struct Tops<'a> {
    sizes: Sizes,
    rows: Rows<'a>,
    /// Row that the batch begins with.
    first_row: usize,
    /// [layer][index]
    layers: Vec<Vec<NeuronTop>>,
}

/// Of one neuron's windows and histogram.
#[derive(Clone, Copy)]
struct Sizes {
    top: usize,
    /// Positions of a window.
    length: usize,
    bins: usize,
}

/// The rows that windows are of.
#[derive(Clone, Copy)]
struct Rows<'a> {
    tokens: &'a Tokens,
    mask: &'a TokenMask,
}

/// One neuron's windows so far.
struct NeuronTop {
    /// Descending by activation; equal ones in the order of rows.
    windows: Vec<Window>,
    /// By slot, [top, length].
    activations: Vec<f32>,
    histogram: Vec<u32>,
    /// Least activation, and bins a unit of activation; none for a neuron that is constant.
    least: f64,
    bins_per_unit: f64,
}

/// A window by its peak.
#[derive(Clone, Copy)]
struct Window {
    activation: f32,
    row: u32,
    start: u32,
    peak: u32,
    /// Token at the peak: tells most texts apart without a look at the rows.
    token: u32,
    n_duplicates: u32,
    /// Where its activations are.
    slot: u32,
}

impl<'a> Tops<'a> {
    /// Of a model's neurons with these (least, greatest) activations, layers of `d_mlp` laid end to end.
    pub(super) fn new(
        section: &WindowsSection,
        (tokens, mask): (&'a Tokens, &'a TokenMask),
        ranges: &[(f64, f64)],
        d_mlp: usize,
    ) -> Self {
        let sizes = Sizes { top: section.top, length: section.length(tokens.context()), bins: section.bins };
        let neuron = |&(least, greatest): &(f64, f64)| NeuronTop {
            windows: Vec::with_capacity(sizes.top),
            activations: vec![f32::NAN; sizes.top * sizes.length],
            histogram: vec![0; sizes.bins],
            least,
            bins_per_unit: if greatest > least { sizes.bins as f64 / (greatest - least) } else { 0.0 },
        };
        let layers = ranges.chunks_exact(d_mlp).map(|ranges| ranges.iter().map(neuron).collect());
        Self { sizes, rows: Rows { tokens, mask }, first_row: 0, layers: layers.collect() }
    }

    /// What comes next is the batch that begins with this row.
    pub(super) fn begin_batch(&mut self, first_row: usize) {
        self.first_row = first_row;
    }

    /// See [`super::write`].
    pub(super) fn into_tensors(self) -> Vec<(String, TensorData)> {
        let Sizes { top, length, bins } = self.sizes;
        let neurons: Vec<NeuronTop> = self.layers.into_iter().flatten().collect();
        let n = neurons.len();
        let of_windows = |name: &str, of: fn(&Window) -> u32| {
            let padded = |neuron: &NeuronTop| {
                let mut values: Vec<u32> = neuron.windows.iter().map(of).collect();
                values.resize(top, NO_ROW);
                values
            };
            (name.to_owned(), TensorData::U32 { shape: vec![n, top], data: neurons.iter().flat_map(padded).collect() })
        };
        let mut tensors = vec![
            of_windows("row", |window| window.row),
            of_windows("start", |window| window.start),
            of_windows("peak", |window| window.peak),
            of_windows("n_duplicates", |window| window.n_duplicates),
        ];
        let data = neurons.iter().flat_map(|neuron| neuron.histogram.iter().copied()).collect();
        tensors.push(("histogram".to_owned(), TensorData::U32 { shape: vec![n, bins], data }));
        let mut data = Vec::with_capacity(n * top * length);
        for neuron in neurons {
            for window in &neuron.windows {
                data.extend_from_slice(&neuron.activations[window.slot as usize * length..][..length]);
            }
            data.resize(data.len() + (top - neuron.windows.len()) * length, f32::NAN);
        }
        tensors.push(("activation".to_owned(), TensorData::F32 { shape: vec![n, top, length], data }));
        tensors
    }
}

impl Hooks for Tops<'_> {
    fn wants(&self, point: HookPoint) -> bool {
        point.site == Site::MlpPost
    }

    fn at(&mut self, point: HookPoint, activation: Activation<'_>) {
        let Activation { values, n_pos, width, .. } = activation;
        let (sizes, rows, first_row) = (self.sizes, self.rows, self.first_row);
        let values = &*values;
        self.layers[point.layer].par_chunks_mut(BLOCK).enumerate().for_each(|(block, neurons)| {
            for (values, row) in values.chunks_exact(n_pos * width).zip(first_row..) {
                look(neurons, (values, width, block * BLOCK), row, sizes, rows);
            }
        });
    }
}

/// Count a row of tokens in the histograms of a block of neurons, and offer each the window of its peak there.
///
/// `values` [context, width] are activations of the layer, of which the block's begin at `first`.
fn look(
    neurons: &mut [NeuronTop],
    (values, width, first): (&[f32], usize, usize),
    row: usize,
    Sizes { top, length, .. }: Sizes,
    rows: Rows<'_>,
) {
    let ids = rows.tokens.batch(row..row + 1).ids;
    let mut greatest = [f32::NEG_INFINITY; BLOCK];
    let mut peaks = [NO_POSITION; BLOCK];
    let counted = rows.mask.row(row).iter().enumerate().filter(|(_, is_counted)| **is_counted);
    for (position, _) in counted {
        let values = &values[position * width + first..][..neurons.len()];
        for ((&value, greatest), peak) in values.iter().zip(&mut greatest).zip(&mut peaks) {
            // Strictly: of equal ones the first. Both are always written, so that many are compared at once.
            let is_greater = value > *greatest;
            *greatest = if is_greater { value } else { *greatest };
            *peak = if is_greater { position as u32 } else { *peak };
        }
        for (neuron, &value) in neurons.iter_mut().zip(values) {
            neuron.count(value);
        }
    }
    for (at, neuron) in neurons.iter_mut().enumerate() {
        let (peak, activation) = (peaks[at], greatest[at]);
        // No position of the row is counted.
        if peak == NO_POSITION {
            continue;
        }
        let start = window_start(peak as usize, length, ids.len());
        let token = ids[peak as usize];
        let window = Window { activation, row: row as u32, start: start as u32, peak, token, n_duplicates: 0, slot: 0 };
        let activations = (start..start + length).map(|position| values[position * width + first + at]);
        neuron.offer(window, activations, (top, length), rows.tokens);
    }
}

impl NeuronTop {
    /// An activation goes into its bin. One that lies beyond the ends, which another instruction set may have found, goes into the
    /// outermost.
    fn count(&mut self, activation: f32) {
        // A cast of what is below 0 gives 0.
        let bin = ((f64::from(activation) - self.least) * self.bins_per_unit) as usize;
        let last = self.histogram.len() - 1;
        self.histogram[bin.min(last)] += 1;
    }

    /// Keep the window of a row after all so far if it is among the `top` greatest, or fold it and the one of the same text into the
    /// greater of both.
    fn offer(
        &mut self,
        window: Window,
        activations: impl Iterator<Item = f32>,
        (top, length): (usize, usize),
        tokens: &Tokens,
    ) {
        let text = |window: &Window| {
            let row = window.row as usize;
            &tokens.batch(row..row + 1).ids[window.start as usize..=window.peak as usize]
        };
        let is_same = |kept: &Window| kept.token == window.token && text(kept) == text(&window);
        let (slot, n_duplicates) = match self.windows.iter().position(is_same) {
            Some(at) if self.windows[at].activation >= window.activation => {
                self.windows[at].n_duplicates += 1;
                return;
            }
            Some(at) => {
                let folded = self.windows.remove(at);
                (folded.slot, folded.n_duplicates + 1)
            }
            None if self.windows.len() < top => (self.windows.len() as u32, 0),
            None if self.windows[top - 1].activation >= window.activation => return,
            None => (self.windows.pop().expect("at least one is kept").slot, 0),
        };
        let kept = &mut self.activations[slot as usize * length..][..length];
        kept.iter_mut().zip(activations).for_each(|(kept, activation)| *kept = activation);
        let at = self.windows.partition_point(|kept| kept.activation >= window.activation);
        self.windows.insert(at, Window { n_duplicates, slot, ..window });
    }
}
