//! Windows by the definition, in plain loops: candidates of all rows, sorted, for every prefix of the rows.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::path::Path;

use homolog_model::{Activation, HookPoint, Hooks, TokenMask, Tokens};
use homolog_results::data_hash;
use homolog_test::Seeded;

use super::*;
use crate::config::WindowsSection;

const N_LAYERS: usize = 2;
/// More than one block, the last of them not whole.
const D_MLP: usize = 40;
const EXCLUDED: u32 = 2;

/// What the slow way does otherwise, to show that a test would see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mutant {
    None,
    /// Every row has a window of its own.
    NotFolded,
    /// Of equal activations in a row the last.
    LastPosition,
    /// Of equal activations in two rows the later.
    LaterRow,
    /// Positions that are not counted may be peaks, and are in the histogram.
    Uncounted,
    /// Texts that were driven out are counted when they come back.
    Remembered,
    /// The last bin is open.
    OpenBin,
}

const MUTANTS: [Mutant; 6] =
    [Mutant::NotFolded, Mutant::LastPosition, Mutant::LaterRow, Mutant::Uncounted, Mutant::Remembered, Mutant::OpenBin];

/// Rows, and an activation of every neuron at every position: [layer][row][position][index] in one.
struct Case {
    tokens: Tokens,
    mask: TokenMask,
    activations: Vec<f32>,
}

impl Case {
    /// Few ids and few values, so that texts return, and activations are equal.
    fn new(rng_seed: u64, n_rows: usize, context: usize) -> Self {
        let mut seeded = Seeded::new(rng_seed);
        let ids: Vec<u32> = (0..n_rows * context).map(|_| seeded.below(3) as u32).collect();
        let tokens = Tokens::new(Path::new("rows"), ids, context).unwrap();
        let mask = TokenMask::new(&tokens, &[EXCLUDED]);
        let mut activation = |_| seeded.below(9) as f32 - 3.0;
        let activations = (0..N_LAYERS * n_rows * context * D_MLP).map(&mut activation).collect();
        Self { tokens, mask, activations }
    }

    fn activation(&self, neuron: usize, row: usize, position: usize) -> f32 {
        let (n_rows, context) = (self.tokens.n_rows(), self.tokens.context());
        let (layer, index) = (neuron / D_MLP, neuron % D_MLP);
        self.activations[((layer * n_rows + row) * context + position) * D_MLP + index]
    }

    /// Least and greatest at counted positions.
    fn range(&self, neuron: usize) -> (f64, f64) {
        let places = (0..self.tokens.n_rows()).flat_map(|row| (0..self.tokens.context()).map(move |at| (row, at)));
        let counted = places.filter(|&(row, at)| self.mask.row(row)[at]);
        let values: Vec<f64> = counted.map(|(row, at)| f64::from(self.activation(neuron, row, at))).collect();
        (values.iter().copied().fold(f64::MAX, f64::min), values.iter().copied().fold(f64::MIN, f64::max))
    }

    fn tops(&self, section: &WindowsSection, batch_rows: usize) -> Vec<(String, TensorData)> {
        let ranges: Vec<_> = (0..N_LAYERS * D_MLP).map(|neuron| self.range(neuron)).collect();
        let mut tops = Tops::new(section, (&self.tokens, &self.mask), &ranges, D_MLP);
        let (n_rows, n_pos) = (self.tokens.n_rows(), self.tokens.context());
        for first in (0..n_rows).step_by(batch_rows) {
            let rows = first..(first + batch_rows).min(n_rows);
            tops.begin_batch(first);
            for layer in 0..N_LAYERS {
                let of_row = n_pos * D_MLP;
                let values = &self.activations[(layer * n_rows + rows.start) * of_row..][..rows.len() * of_row];
                assert!(tops.wants(HookPoint::mlp_post(layer)) && !tops.wants(HookPoint::resid_mid(layer)));
                let activation = Activation { values: &mut values.to_vec(), n_rows: rows.len(), n_pos, width: D_MLP };
                tops.at(HookPoint::mlp_post(layer), activation);
            }
        }
        tops.into_tensors()
    }

    /// The same tensors by the definition.
    fn slow_tops(&self, section: &WindowsSection, mutant: Mutant) -> Vec<(String, TensorData)> {
        let (n, top, length) = (N_LAYERS * D_MLP, section.top, section.context.min(self.tokens.context()));
        let mut numbers: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
        let mut activations = Vec::new();
        for neuron in 0..n {
            let mut windows = self.slow_windows(neuron, top, length, mutant);
            windows.resize(top, None);
            for window in windows {
                let [row, start, peak, n_duplicates] = window.unwrap_or([u32::MAX; 4]);
                numbers.entry("row").or_default().push(row);
                numbers.entry("start").or_default().push(start);
                numbers.entry("peak").or_default().push(peak);
                numbers.entry("n_duplicates").or_default().push(n_duplicates);
                let at = |position| self.activation(neuron, row as usize, start as usize + position);
                activations.extend((0..length).map(|position| if row == u32::MAX { f32::NAN } else { at(position) }));
            }
            numbers.entry("histogram").or_default().extend(self.slow_histogram(neuron, section.bins, mutant));
        }
        let u32s = |(name, data): (&str, Vec<u32>)| {
            (name.to_owned(), TensorData::U32 { shape: vec![n, data.len() / n], data })
        };
        let mut tensors: Vec<_> = numbers.into_iter().map(u32s).collect();
        let activations = TensorData::F32 { shape: vec![n, top, length], data: activations };
        tensors.push(("activation".to_owned(), activations));
        tensors
    }

    fn slow_histogram(&self, neuron: usize, bins: usize, mutant: Mutant) -> Vec<u32> {
        let (least, greatest) = self.range(neuron);
        let mut histogram = vec![0; bins];
        for row in 0..self.tokens.n_rows() {
            for position in 0..self.tokens.context() {
                if !self.mask.row(row)[position] && mutant != Mutant::Uncounted {
                    continue;
                }
                let activation = f64::from(self.activation(neuron, row, position));
                // The bin whose lower edge is the last not above the activation.
                let edge = |bin: usize| least + (greatest - least) * bin as f64 / bins as f64;
                let bin = (0..bins).rev().find(|&bin| edge(bin) <= activation).unwrap_or(0);
                let is_outside = mutant == Mutant::OpenBin && activation >= greatest;
                if !is_outside {
                    histogram[if least == greatest { 0 } else { bin }] += 1;
                }
            }
        }
        histogram
    }

    /// (row, start, peak, `n_duplicates`) of what is kept.
    fn slow_windows(&self, neuron: usize, top: usize, length: usize, mutant: Mutant) -> Vec<Option<[u32; 4]>> {
        let n_rows = self.tokens.n_rows();
        let candidates: Vec<Option<Candidate>> =
            (0..n_rows).map(|row| self.candidate(neuron, row, length, mutant)).collect();
        // Texts that are kept of the rows so far, best first.
        let kept_after = |last: usize| {
            let mut best: BTreeMap<(Vec<u32>, usize), &Candidate> = BTreeMap::new();
            for candidate in candidates[..=last].iter().flatten() {
                let tell_apart = if mutant == Mutant::NotFolded { candidate.row } else { 0 };
                let of_text = best.entry((candidate.text.clone(), tell_apart)).or_insert(candidate);
                let is_better = if mutant == Mutant::LaterRow {
                    candidate.activation >= of_text.activation
                } else {
                    candidate.activation > of_text.activation
                };
                if is_better {
                    *of_text = candidate;
                }
            }
            let mut best: Vec<&Candidate> = best.into_values().collect();
            best.sort_by(|a, b| {
                let rows = if mutant == Mutant::LaterRow { b.row.cmp(&a.row) } else { a.row.cmp(&b.row) };
                b.activation.total_cmp(&a.activation).then(rows)
            });
            best.truncate(top);
            best
        };
        let kept: Vec<Vec<&Candidate>> = (0..n_rows).map(kept_after).collect();
        let is_kept = |row: usize, text: &[u32]| kept[row].iter().any(|kept| kept.text == text);
        let window = |window: &&Candidate| {
            // Since when the text has been kept without a break.
            let since = (0..n_rows).rev().take_while(|&row| is_kept(row, &window.text)).last().unwrap();
            let since = if mutant == Mutant::Remembered { 0 } else { since };
            let n_same = candidates[since..].iter().flatten().filter(|candidate| candidate.text == window.text).count();
            let n_duplicates = if mutant == Mutant::NotFolded { 0 } else { n_same - 1 };
            Some([window.row, window.start, window.peak, n_duplicates].map(|number| number as u32))
        };
        kept[n_rows - 1].iter().map(window).collect()
    }

    fn candidate(&self, neuron: usize, row: usize, length: usize, mutant: Mutant) -> Option<Candidate> {
        let context = self.tokens.context();
        let is_counted = |position: &usize| self.mask.row(row)[*position] || mutant == Mutant::Uncounted;
        let positions: Vec<usize> = (0..context).filter(is_counted).collect();
        let activation = |position: usize| self.activation(neuron, row, position);
        let greatest = positions.iter().map(|&position| activation(position)).reduce(f32::max)?;
        let mut peaks = positions.into_iter().filter(|&position| activation(position) == greatest);
        let peak = if mutant == Mutant::LastPosition { peaks.next_back() } else { peaks.next() }?;
        // The first window that shows at most three quarters of itself before the peak and ends within the row, or else the last.
        let starts = 0..=context - length;
        let start = starts.clone().find(|start| peak - start.min(&peak) <= length * 3 / 4).unwrap_or(*starts.end());
        let text = self.tokens.batch(row..row + 1).ids[start..=peak].to_vec();
        Some(Candidate { activation: greatest, row, start, peak, text })
    }
}

struct Candidate {
    activation: f32,
    row: usize,
    start: usize,
    peak: usize,
    text: Vec<u32>,
}

fn section(top: usize, context: usize, bins: usize) -> WindowsSection {
    WindowsSection { top, context, bins, partner_windows: 1, ..WindowsSection::default() }
}

#[test]
fn windows_are_those_of_the_definition() {
    // Rows shorter and longer than a window, more windows than texts, a window of one token, a bin of everything.
    let cases = [
        (30, 6, section(3, 4, 8)),
        (40, 5, section(2, 32, 5)),
        (25, 9, section(4, 3, 64)),
        (12, 1, section(20, 7, 1)),
        (20, 7, section(1, 1, 3)),
        (1, 4, section(2, 2, 16)),
    ];
    let mut seen = [false; MUTANTS.len()];
    for (at, (n_rows, context, section)) in cases.iter().enumerate() {
        let case = Case::new(at as u64, *n_rows, *context);
        let found = case.tops(section, 4);
        let hash = data_hash(&found);
        let slow = case.slow_tops(section, Mutant::None);
        for (name, tensor) in &slow {
            let of_name = found.iter().find(|(found, _)| found == name).unwrap();
            let [found, wanted] =
                [of_name, &(name.clone(), tensor.clone())].map(|one| data_hash(std::slice::from_ref(one)));
            assert_eq!(found, wanted, "case {at}: {name}");
        }
        assert_eq!(hash, data_hash(&slow), "case {at}");
        for batch_rows in [1, 7, 100] {
            assert_eq!(data_hash(&case.tops(section, batch_rows)), hash, "case {at}, batches of {batch_rows}");
        }
        for (mutant, seen) in MUTANTS.into_iter().zip(&mut seen) {
            *seen |= data_hash(&case.slow_tops(section, mutant)) != hash;
        }
    }
    assert_eq!(seen, [true; MUTANTS.len()], "mutants that are seen, of {MUTANTS:?}");
}

#[test]
fn a_window_shows_its_peak_and_three_quarters_before_it() {
    assert_eq!(window_start(100, 32, 512), 76);
    assert_eq!(window_start(10, 32, 512), 0, "the row begins");
    assert_eq!(window_start(511, 32, 512), 480, "the row ends");
    assert_eq!(window_start(5, 8, 8), 0, "the whole row");
    for (length, row_tokens) in [(1, 1), (1, 9), (4, 9), (9, 9), (32, 512)] {
        for peak in 0..row_tokens {
            let start = window_start(peak, length, row_tokens);
            assert!((start..start + length).contains(&peak) && start + length <= row_tokens, "{peak} of {row_tokens}");
        }
    }
}

#[test]
fn matches_are_read_on_the_windows_that_ask_for_them() {
    let case = Case::new(9, 6, 5);
    let request = |row, (layer, index), start, model, place| Request { row, layer, index, start, model, place };
    // Two windows of length 3 of three neurons of model 0, and of one of model 2.
    let mut requests = vec![
        request(4, (1, 39), 2, 0, 0),
        request(1, (0, 3), 0, 0, 1),
        request(4, (1, 7), 1, 0, 4),
        request(4, (0, 3), 2, 2, 0),
        request(1, (0, 3), 0, 2, 1),
    ];
    requests.sort_unstable();
    let mut read = Partners::new(&requests, &[(0, 3), (2, 1)], (2, 3));
    assert_eq!(read.rows(), [1, 4]);
    let n_pos = case.tokens.context();
    for rows in [&[1_u32][..], &[4]] {
        read.begin_batch(rows);
        for layer in 0..N_LAYERS {
            assert!(read.wants(HookPoint::mlp_post(layer)) && !read.wants(HookPoint::mlp_post(N_LAYERS)));
            let row = layer * case.tokens.n_rows() + rows[0] as usize;
            let mut values = case.activations[row * n_pos * D_MLP..][..n_pos * D_MLP].to_vec();
            read.at(HookPoint::mlp_post(layer), Activation { values: &mut values, n_rows: 1, n_pos, width: D_MLP });
        }
    }
    let mut wanted = [vec![f32::NAN; 3 * 2 * 3], vec![f32::NAN; 2 * 3]];
    for &Request { row, layer, index, start, model, place } in &requests {
        for at in 0..3 {
            let neuron = layer as usize * D_MLP + index as usize;
            wanted[model as usize / 2][place as usize * 3 + at] =
                case.activation(neuron, row as usize, start as usize + at);
        }
    }
    let names = ["0.activation", "2.activation"].map(str::to_owned);
    let shapes = [vec![3, 2, 3], vec![1, 2, 3]];
    let wanted: Vec<_> = names.into_iter().zip(shapes.into_iter().zip(wanted)).collect();
    let wanted: Vec<_> =
        wanted.into_iter().map(|(name, (shape, data))| (name, TensorData::F32 { shape, data })).collect();
    assert_eq!(data_hash(&read.into_tensors()), data_hash(&wanted));

    let mut other = requests.clone();
    other[2].start += 1;
    assert_ne!(partners::hash(&other), partners::hash(&requests));
}
