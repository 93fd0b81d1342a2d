//! The memory that a study takes besides covariances: what of `--memory` is left for those.

use std::collections::BTreeSet;

use homolog_results::{CliqueRow, MatchRow, NeuronRow};
use homolog_stats::{BestMatch, CrossFit, Extremes, HISTOGRAM_BINS};

use super::Shape;
use crate::Error;
use crate::config::{
    AblationSection, BaselineKind, BaselineSection, CorrelationSection, EvidenceSection, Search, WindowCheckpoints,
    WindowsSection,
};

/// The program itself: code, stacks, buffers of readers and writers.
pub(super) const PROGRAM_BYTES: u64 = 32_000_000;

/// A neuron's search besides its candidates.
const SEARCH_BYTES: u64 = 200;

/// Where a neuron's windows and histogram are.
const NEURON_WINDOWS_BYTES: usize = 100;

/// Numbers of a match besides those of its candidates.
const ESTIMATES: usize = 11;

/// Matches of a neuron within layers.
const LAYER_MATCHES: usize = 3;

/// Sets whose residual streams are held at a time.
const SETS_AT_A_TIME: usize = crate::stages::ablate::GROUP;

/// Positions whose logits are held at once on the way back.
const LOGIT_POSITIONS: usize = 128;

/// Rows whose attributions are held at a time.
const ROWS_OF_SUMS: usize = crate::stages::attribute::ROWS;

/// A window besides its activations.
const WINDOW_BYTES: usize = 32;

/// What decides how much memory a study takes.
pub(crate) struct Workload<'a> {
    pub(crate) shapes: &'a [Shape],
    pub(crate) baseline: &'a BaselineSection,
    /// Of rows, besides the baseline.
    pub(crate) permuted_draws: usize,
    pub(crate) correlation: &'a CorrelationSection,
    pub(crate) windows: &'a WindowsSection,
    pub(crate) evidence: &'a EvidenceSection,
    /// Tokens of a row.
    pub(crate) context: usize,
    /// Rows of correlations and of losses, together.
    pub(crate) n_rows: usize,
    pub(crate) ablation: &'a AblationSection,
    pub(crate) n_checkpoints: usize,
    /// Whether each neuron is held against itself at other checkpoints.
    pub(crate) follows: bool,
    /// Rows of a forward pass.
    pub(crate) batch_rows: usize,
    pub(crate) n_threads: usize,
}

/// Bytes at the moment of a study that takes most, by what they are for. All estimates are upper ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Footprint {
    /// Weights of all models of a checkpoint, and of loading the last of them.
    pub(crate) weights: u64,
    /// One chunk of activations as they come and packed, and the buffers of a forward pass.
    pub(crate) activations: u64,
    /// Rotations being worked on. Not at the same time as activations.
    pub(crate) rotations: u64,
    /// What is kept of each neuron and pair at the checkpoint at hand.
    pub(crate) kept: u64,
    /// Tables and tensors of all checkpoints.
    pub(crate) results: u64,
    /// Token rows, their masks, and the program.
    pub(crate) rest: u64,
    /// One model with sets of its neurons silenced. Not at the same time as weights, activations and what is kept.
    pub(crate) ablation: u64,
    /// One model and the windows of its neurons. Not at the same time as weights, activations and sets.
    pub(crate) windows: u64,
    /// Two models with the sums of their matches by block and group. Not at the same time as weights, activations, sets and windows.
    pub(crate) evidence: u64,
    /// Who is universal at the step at hand in every resample. Not at the same time as anything but what is kept and results.
    pub(crate) resampled: u64,
    /// Two checkpoints of one model. Not at the same time as anything but tables.
    pub(crate) follow: u64,
}

impl Footprint {
    pub(crate) fn of(workload: &Workload<'_>) -> Self {
        let Workload { shapes, baseline, correlation, context, batch_rows, n_threads, .. } = *workload;
        let top_k = correlation.top_k;
        let chunk_tokens = chunk_rows(context) * context;
        let sum = |of: &dyn Fn(&Shape) -> u64| shapes.iter().map(of).sum::<u64>();
        let max = |of: &dyn Fn(&Shape) -> u64| shapes.iter().map(of).max().unwrap_or(0);
        let loading = max(&|shape| shape.load_bytes);
        // f32 as they come, f32 packed; a permuted draw reads all models but the first and the last twice.
        let permuted_draws = match baseline.kind {
            BaselineKind::PermutedRows => baseline.draws,
            _ => workload.permuted_draws,
        };
        let n_views = if permuted_draws > 0 { 2 } else { 1 };
        let chunk = n_views * sum(&|shape| (8 * shape.n_neurons() * chunk_tokens) as u64);
        // Single neurons are taken from a layer that is laid out anew, one at a time by thread.
        let laid_out = match correlation.search {
            Search::Exact => 0,
            Search::Screened => n_threads as u64 * max(&|shape| (4 * shape.d_mlp * chunk_tokens) as u64),
        };
        let chunk = chunk + laid_out;
        // Residual stream, what is added to it, neurons of one layer; and by thread a row's attention.
        let batch = batch_rows.min(chunk_rows(context)) * context;
        let forward = max(&|shape| {
            (4 * batch * (2 * shape.d_model + shape.d_mlp) + 4 * n_threads * context * 6 * shape.d_model) as u64
        });
        // In f64 the matrix, its product with a covariance or what it is orthogonalised from; in f32 scaled and packed.
        let widest = max(&|shape| shape.d_mlp as u64);
        let rotations = match baseline.kind {
            BaselineKind::PermutedRows => 0,
            _ => n_threads as u64 * widest * widest * (8 + 8 + 4),
        };
        let others = shapes.len() as u64 - 1;
        let n_neurons = sum(&|shape| shape.n_neurons() as u64);
        let matching = (3 * size_of::<BestMatch>() + size_of::<CrossFit>()) as u64;
        let per_pair = Extremes::bytes(top_k) as u64 + 8 * baseline.draws as u64 + matching;
        // Besides, of a screened search: what the sample gave, the candidates, and as products and scores of pairs of neurons.
        let per_pair = per_pair
            + match correlation.search {
                Search::Exact => 0,
                Search::Screened => {
                    let candidates = correlation.screening.candidates as u64;
                    let of_sample = 12 * candidates + 4 * HISTOGRAM_BINS as u64 + 8 * baseline.draws as u64;
                    let scored = 8 + 16 + 16;
                    of_sample + 16 * candidates + scored * (candidates + 1) + SEARCH_BYTES
                }
            };
        let kept = n_neurons * (others * per_pair + 64 + 8 * baseline.draws as u64)
            + estimates_bytes(shapes, workload.evidence);
        let name_bytes = 32;
        let neuron_row = (size_of::<NeuronRow>() + name_bytes) as u64;
        let clique_row = (size_of::<CliqueRow>() + name_bytes) as u64;
        // Rows of matches are written a pair of models at a time; best matches, their errors and histograms are kept of all.
        let of_match = (8 * top_k + 4 * workload.evidence.candidates + 4 * HISTOGRAM_BINS) as u64;
        let largest = max(&|shape| shape.n_neurons() as u64);
        let one_part = 2 * largest * (size_of::<MatchRow>() + 2 * name_bytes) as u64;
        // Scores of all tokens and of halves, standard errors, best matches.
        let standing = 4 * 16 + others * 8;
        let of_neuron = neuron_row + clique_row + standing + others * of_match;
        // Who is universal at the step before in every resample: a bit a neuron; at the step at hand a byte, while nothing is correlated.
        let resampled = n_neurons * workload.ablation.resamples as u64;
        let results = workload.n_checkpoints as u64 * n_neurons * of_neuron + one_part + resampled / 8;
        let masks = 1 + permuted_draws;
        let rest = PROGRAM_BYTES + (workload.n_rows * context * (4 + masks)) as u64;
        let weights = sum(&|shape| shape.weight_bytes);
        // Loading is over when activations are there.
        let weights = weights + loading.saturating_sub(chunk + forward);
        // A row's clean pass keeps the residual stream and the neurons of every layer, for sets to begin from. Threads that wait for
        // a part of a row may begin another: two rows a thread.
        let row = |shape: &Shape| 4 * context * (shape.n_layers + 2) * (2 * shape.d_model + shape.d_mlp);
        // Besides, the neurons of the row that stands in for it, and of several sets the residual stream as it is, normalised, and what is made
        // of it.
        let beside =
            |shape: &Shape| 4 * context * (shape.n_layers * shape.d_mlp + 3 * (1 + SETS_AT_A_TIME) * shape.d_model);
        let of_rows = |shape: &Shape| (2 * n_threads * (row(shape) + beside(shape))) as u64;
        // Means by position, in f64 and f32, and rows of which they are taken.
        let by_position = |shape: &Shape| (context * shape.n_neurons() * (8 + 4 + 8 * 4)) as u64;
        // Who is near whom in a layer, at most; orders of all neurons, by draw; and how often each row is in each resample.
        let AblationSection { enabled, draws, permutations, resamples, tokens, .. } = *workload.ablation;
        let n_draws = draws.max(permutations);
        let n_ablated_rows = if tokens == 0 { workload.n_rows } else { workload.n_rows.min(tokens / context) };
        let of_sets = |shape: &Shape| {
            let of_neurons = shape.n_neurons() * (2 * shape.d_mlp + 16 * n_draws);
            if enabled { (of_neurons + 4 * n_ablated_rows * resamples) as u64 } else { 0 }
        };
        let silencing = max(&|shape| {
            shape.weight_bytes + shape.load_bytes + of_rows(shape).max(by_position(shape)) + of_sets(shape)
        });
        // The way back: weights as they are, to compute with and transposed; of each row everything, its logits, and sums of some rows.
        let back = |shape: &Shape| {
            let of_row = 4 * context * shape.n_layers * (3 * shape.d_mlp + 10 * shape.d_model);
            n_threads * (of_row + 8 * context.min(LOGIT_POSITIONS) * shape.d_vocab)
                + 16 * ROWS_OF_SUMS * shape.n_neurons()
        };
        let attribution = max(&|shape| 3 * shape.weight_bytes + shape.load_bytes + back(shape) as u64);
        let ablation = silencing.max(attribution);
        let largest = max(&|shape| shape.weight_bytes + shape.load_bytes);
        let windows = largest + forward + window_bytes(workload.windows, shapes, context);
        let windows = if workload.windows.checkpoints == WindowCheckpoints::None { 0 } else { windows };
        let mut of_pairs = Vec::new();
        for a in 0..shapes.len() {
            of_pairs.extend((a + 1..shapes.len()).map(|b| {
                let n_tokens = workload.evidence.frequent_tokens.min(shapes[a].d_vocab);
                let n_groups = (n_tokens + 1, context);
                evidence_bytes(shapes, &[(a, b)], workload.evidence, n_groups, (context, n_threads))
            }));
        }
        let evidence = of_pairs.into_iter().max().filter(|_| workload.evidence.enabled);
        let evidence = evidence.map_or(0, |largest| largest + loading + forward);
        let follow = max(&|shape| follow_bytes(shape, (2, 1), context, (batch_rows, n_threads)));
        let follow = if workload.follows { follow } else { 0 };
        Self {
            weights,
            activations: chunk + forward,
            rotations,
            kept,
            results,
            rest,
            ablation,
            windows,
            evidence,
            follow,
            resampled,
        }
    }

    /// Bytes besides covariances.
    pub(crate) fn total(&self) -> u64 {
        let correlation = self.weights + self.activations.max(self.rotations) + self.kept;
        let beside_kept = self.windows.max(self.evidence).max(self.resampled) + self.kept;
        correlation.max(self.ablation).max(beside_kept).max(self.follow) + self.results + self.rest
    }

    /// What `memory_bytes` leaves for the sums of matches, of which [`Footprint::room`] has found that those of two models fit.
    pub(crate) fn evidence_room(&self, memory_bytes: u64) -> u64 {
        memory_bytes.saturating_sub(self.kept + self.results + self.rest)
    }

    /// What `memory_bytes` leaves once nothing is held but tables and tokens.
    pub(crate) fn room_beside_results(&self, memory_bytes: u64) -> u64 {
        memory_bytes.saturating_sub(self.results + self.rest)
    }

    /// What `memory_bytes` leaves for covariances.
    ///
    /// Errors: `TooLittleMemory` if that is less than `largest_tile`.
    pub(crate) fn room(&self, memory_bytes: u64, largest_tile: u64) -> Result<u64, Error> {
        let needed_bytes = self.total() + largest_tile;
        if needed_bytes > memory_bytes {
            return Err(Error::TooLittleMemory { budget_bytes: memory_bytes, needed_bytes });
        }
        Ok(memory_bytes - self.total())
    }
}

/// Sums of the matches of these models (a, b) by block, and by `n_groups`: classes of tokens and positions.
pub(crate) fn evidence_bytes(
    shapes: &[Shape],
    pairs: &[(usize, usize)],
    section: &EvidenceSection,
    n_groups: (usize, usize),
    (context, n_threads): (usize, usize),
) -> u64 {
    let EvidenceSection { blocks, candidates, frequent_tokens, .. } = *section;
    let (n_classes, n_positions) = if frequent_tokens == 0 { (0, 0) } else { n_groups };
    let read: BTreeSet<usize> = pairs.iter().flat_map(|&(a, b)| [a, b]).collect();
    let neurons = |model: usize| shapes[model].n_neurons() as u64;
    // Activations in f32; sums by group or, a layer at a time, what is solved from them; sums and squares by block.
    let chunk_tokens = chunk_rows(context) * context;
    let of_neuron = 4 * chunk_tokens + 8 * (n_classes + 2 * n_positions) + 16 * blocks;
    let of_models: u64 = read.iter().map(|&model| shapes[model].weight_bytes + neurons(model) * of_neuron as u64).sum();
    // By thread a layer that is laid out anew; a layer's sums while it is solved; what all neurons share.
    let widest = shapes.iter().map(|shape| shape.d_mlp).max().unwrap_or(0);
    let of_layer = widest * (4 * n_threads * chunk_tokens + 8 * (n_classes + n_positions));
    let shared = 8 * n_positions * (2 * n_classes + n_positions);
    // Of each match its sums by block and where they are.
    let of_match = (candidates + LAYER_MATCHES) * (16 + 8 * blocks);
    let of_pairs: u64 = pairs.iter().map(|&(a, b)| (neurons(a) + neurons(b)) * of_match as u64).sum();
    of_models + (of_layer + shared) as u64 + of_pairs
}

/// Checkpoints of one model, each neuron held against itself at another: so many loaded, and so many pairs of them.
pub(crate) fn follow_bytes(
    shape: &Shape,
    (n_loaded, n_pairs): (usize, usize),
    context: usize,
    (batch_rows, n_threads): (usize, usize),
) -> u64 {
    let chunk_tokens = chunk_rows(context) * context;
    // Activations as they come, packed and laid out anew; powers and range of each neuron; its sums with itself and what they come to.
    let of_checkpoint = shape.n_neurons() * (8 * chunk_tokens + 64);
    let laid_out = 4 * n_threads * shape.d_mlp * chunk_tokens;
    let of_pair = shape.n_neurons() * 64;
    let batch = batch_rows.min(chunk_rows(context)) * context;
    let forward = 4 * batch * (2 * shape.d_model + shape.d_mlp) + 4 * n_threads * context * 6 * shape.d_model;
    n_loaded as u64 * (shape.weight_bytes + of_checkpoint as u64)
        + shape.load_bytes
        + (n_pairs * of_pair + laid_out + forward) as u64
}

/// What is said of each neuron's matches, of all models, once it is known.
fn estimates_bytes(shapes: &[Shape], section: &EvidenceSection) -> u64 {
    let n_neurons: u64 = shapes.iter().map(|shape| shape.n_neurons() as u64).sum();
    let of_match = 8 * (ESTIMATES + section.candidates) * (shapes.len() - 1);
    if section.enabled { n_neurons * (of_match + 8 * section.blocks) as u64 } else { 0 }
}

/// Windows and histograms of the largest model as they are found and as they are written, and the same of what the matches do.
fn window_bytes(section: &WindowsSection, shapes: &[Shape], context: usize) -> u64 {
    let neurons = || shapes.iter().map(|shape| shape.n_neurons() as u64);
    let [of_neuron, of_match] = bytes_of_neuron(section, context);
    2 * (neurons().max().unwrap_or(0) * of_neuron + neurons().sum::<u64>() * of_match)
}

/// Files of windows of one checkpoint: artifacts and results.
pub(crate) fn window_files_bytes(section: &WindowsSection, shapes: &[Shape], context: usize) -> u64 {
    let neurons: u64 = shapes.iter().map(|shape| shape.n_neurons() as u64).sum();
    let [of_neuron, of_match] = bytes_of_neuron(section, context);
    2 * neurons * (of_neuron + (shapes.len() as u64 - 1) * of_match)
}

/// Of one neuron: its windows and histogram; and its match in one other model on its first windows.
fn bytes_of_neuron(section: &WindowsSection, context: usize) -> [u64; 2] {
    let WindowsSection { top, partner_windows, bins, .. } = *section;
    let of_window = WINDOW_BYTES + 4 * section.length(context);
    [NEURON_WINDOWS_BYTES + top * of_window + 4 * bins, partner_windows * of_window].map(|bytes| bytes as u64)
}

/// Rows of a chunk: see [`super::CHUNK_TOKENS`].
pub(crate) fn chunk_rows(context: usize) -> usize {
    (super::CHUNK_TOKENS / context).max(1)
}
