//! Bundles `detail-M-C-L`: best matches, windows and histograms of one layer.

use homolog_results::TensorFile;

use super::{Scope, Source, numbers};
use crate::Error;
use crate::bundle::{Bundle, Elements};
use crate::run::{TokenRows, Windows};

/// What stands for no row, no neuron, no token.
const NONE: u32 = u32::MAX;

pub(super) fn bundle(source: &Source<'_>, model: usize, checkpoint: usize, layer: usize) -> Result<Bundle, Error> {
    let layer = Layer::new(source, model, checkpoint, layer);
    let mut bundle = Bundle::default();
    let indices = layer.listed.iter().map(|&place| (place % layer.d_mlp) as u32);
    bundle.add("neuron", &[layer.listed.len()], &Elements::U32(indices.collect()));
    if let Some(file) = &source.top_k {
        add_top_k(&mut bundle, &layer, file)?;
    }
    if let Some(windows) = source.windows(model, checkpoint) {
        add_windows(&mut bundle, &layer, windows)?;
    }
    Ok(bundle)
}

/// One layer, and which of its neurons are listed.
struct Layer<'a> {
    source: &'a Source<'a>,
    model: usize,
    checkpoint: usize,
    d_mlp: usize,
    /// Place of the layer's first neuron.
    first: usize,
    /// Places in the model.
    listed: &'a [usize],
}

impl<'a> Layer<'a> {
    fn new(source: &'a Source<'a>, model: usize, checkpoint: usize, layer: usize) -> Self {
        let shape = source.run.shape(model);
        let listed = source.selection.of_layer(model, layer, shape);
        Self { source, model, checkpoint, d_mlp: shape.d_mlp, first: layer * shape.d_mlp, listed }
    }

    fn places(&self) -> std::ops::Range<usize> {
        self.first..self.first + self.d_mlp
    }

    /// Of values of the whole layer, `width` a neuron, the first `n` of each neuron listed.
    fn pick<T: Copy>(&self, values: &[T], width: usize, n: usize) -> Vec<T> {
        let start = |place: usize| (place - self.first) * width;
        self.listed.iter().flat_map(|&place| &values[start(place)..start(place) + n]).copied().collect()
    }
}

fn add_top_k(bundle: &mut Bundle, layer: &Layer<'_>, file: &TensorFile) -> Result<(), Error> {
    let run = layer.source.run;
    let (kept, shown) = (run.settings.top_k, layer.source.n_best());
    for other in run.others(layer.model) {
        let top_k = run.top_k(file, layer.model, other, layer.checkpoint, layer.places())?;
        let shape = [layer.listed.len(), shown];
        let corr = layer.pick(&top_k.corr, kept, shown).into_iter().map(numbers::for_list).collect();
        bundle.add(format!("topk.{other}.corr"), &shape, &Elements::F32(corr));
        let neurons = layer.pick(&top_k.neuron, kept, shown);
        bundle.add(format!("topk.{other}.neuron"), &shape, &Elements::U32(neurons));
    }
    Ok(())
}

fn add_windows(bundle: &mut Bundle, layer: &Layer<'_>, windows: &Windows) -> Result<(), Error> {
    let fineness = layer.source.fineness;
    let (n, n_windows, places) = (layer.listed.len(), windows.n_kept.min(fineness.max_windows), layer.places());
    let histogram = layer.pick(&windows.histogram(places.clone())?, windows.n_bins, windows.n_bins);
    let histogram = histogram.into_iter().map(|count| numbers::leading(count, fineness.count_bits)).collect();
    bundle.add("histogram", &[n, windows.n_bins], &Elements::U32(histogram));
    let neurons = layer.source.run.neurons(layer.model, layer.checkpoint);
    let range = layer.listed.iter().flat_map(|&place| [neurons.act_min[place] as f32, neurons.act_max[place] as f32]);
    bundle.add("range", &[n, 2], &Elements::F32(range.collect()));
    let each = |values: Vec<u32>| layer.pick(&values, windows.n_kept, n_windows);
    let rows = each(windows.row(places.clone())?);
    let starts = each(windows.start(places.clone())?);
    let peaks = each(windows.peak(places.clone())?);
    let shape = [n, n_windows];
    bundle.add("row", &shape, &Elements::U32(rows.clone()));
    bundle.add("start", &shape, &Elements::U32(starts.clone()));
    bundle.add("peak", &shape, &Elements::U32(peaks.clone()));
    bundle.add("n_duplicates", &shape, &Elements::U32(each(windows.n_duplicates(places.clone())?)));
    // There is text wherever there are windows: see `Source::window_checkpoints`.
    let Some(corpus) = &layer.source.tokens else { return Ok(()) };
    let tokens = tokens(corpus, &rows, &starts, windows)?;
    let excluded = &layer.source.run.manifest.exclude_tokens;
    let is_counted: Vec<bool> = tokens.iter().map(|token| *token != NONE && !excluded.contains(token)).collect();
    let [kept, shown] = [windows.n_kept, n_windows].map(|n| n * windows.window_tokens);
    let activations = layer.pick(&windows.activation(places.clone())?, kept, shown);
    let each = activations.chunks_exact(windows.window_tokens).zip(starts.iter().zip(&peaks));
    let peaks = each.map(|(values, (&start, &peak))| numbers::for_list(peak_activation(values, start, peak)));
    bundle.add("peak_activation", &shape, &Elements::F32(peaks.collect()));
    let own = Activations { values: &activations, is_counted: &is_counted, step: fineness.step };
    own.add(bundle, "", [n, n_windows, n_windows, windows.window_tokens]);
    for other in layer.source.run.others(layer.model) {
        let n_with_partners = windows.n_with_partners.min(fineness.max_partner_windows);
        let [kept, shown] = [windows.n_with_partners, n_with_partners].map(|n| n * windows.window_tokens);
        let values = layer.pick(&windows.partner(other, places.clone())?, kept, shown);
        let theirs = Activations { values: &values, is_counted: &is_counted, step: fineness.partner_step };
        theirs.add(bundle, &format!("partner.{other}."), [n, n_windows, n_with_partners, windows.window_tokens]);
    }
    if layer.source.selection.scope == Scope::Selected {
        bundle.add("tokens", &[n, n_windows, windows.window_tokens], &Elements::U32(tokens));
    }
    Ok(())
}

/// The activation at the peak; NaN where there is no window.
fn peak_activation(values: &[f32], start: u32, peak: u32) -> f32 {
    if peak == NONE {
        return f32::NAN;
    }
    peak.checked_sub(start).and_then(|at| values.get(at as usize)).copied().unwrap_or(f32::NAN)
}

/// Activations of the neurons listed.
struct Activations<'a> {
    /// [n, windows, positions]
    values: &'a [f32],
    /// [n, all windows, positions]
    is_counted: &'a [bool],
    step: i8,
}

impl Activations<'_> {
    /// `size`: neurons, windows of each, how many of these have values, positions.
    fn add(&self, bundle: &mut Bundle, prefix: &str, [n, n_windows, n_with_values, window_tokens]: [usize; 4]) {
        let width = n_with_values * window_tokens;
        let mut quantised = Vec::with_capacity(self.values.len());
        let scale = |at: usize| {
            let is_counted = &self.is_counted[at * n_windows * window_tokens..][..width];
            numbers::quantised(&self.values[at * width..][..width], is_counted, self.step, &mut quantised)
        };
        let scales: Vec<f32> = (0..n).map(scale).collect();
        let shape = [n, n_with_values, window_tokens];
        bundle.add(format!("{prefix}activation"), &shape, &Elements::I8(quantised));
        bundle.add(format!("{prefix}scale"), &shape[..1], &Elements::F32(scales));
    }
}

/// Ids of each window's tokens, the greatest u32 where there is none.
///
/// Errors: a window lies outside of the corpus.
fn tokens(corpus: &TokenRows, rows: &[u32], starts: &[u32], windows: &Windows) -> Result<Vec<u32>, Error> {
    let mut tokens = Vec::with_capacity(rows.len() * windows.window_tokens);
    for (&row, &start) in rows.iter().zip(starts) {
        let end = tokens.len() + windows.window_tokens;
        if row != NONE {
            tokens.extend(corpus.window(row as usize, start as usize, windows.window_tokens, windows.path())?);
        }
        tokens.resize(end, NONE);
    }
    Ok(tokens)
}
