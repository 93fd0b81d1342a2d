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
    let (n, n_windows, places) = (layer.listed.len(), windows.n_kept, layer.places());
    let fineness = layer.source.fineness;
    let histogram = layer.pick(&windows.histogram(places.clone())?, windows.n_bins, windows.n_bins);
    let histogram = histogram.into_iter().map(|count| numbers::leading(count, fineness.count_bits)).collect();
    bundle.add("histogram", &[n, windows.n_bins], &Elements::U32(histogram));
    let neurons = layer.source.run.neurons(layer.model, layer.checkpoint);
    let range = layer.listed.iter().flat_map(|&place| [neurons.act_min[place] as f32, neurons.act_max[place] as f32]);
    bundle.add("range", &[n, 2], &Elements::F32(range.collect()));
    let each = |values: Vec<u32>| layer.pick(&values, n_windows, n_windows);
    let rows = each(windows.row(places.clone())?);
    let starts = each(windows.start(places.clone())?);
    let shape = [n, n_windows];
    bundle.add("row", &shape, &Elements::U32(rows.clone()));
    bundle.add("start", &shape, &Elements::U32(starts.clone()));
    bundle.add("peak", &shape, &Elements::U32(each(windows.peak(places.clone())?)));
    bundle.add("n_duplicates", &shape, &Elements::U32(each(windows.n_duplicates(places.clone())?)));
    let activations = windows.activation(places.clone())?;
    add_activations(bundle, "", layer, &activations, [n_windows, windows.window_tokens], fineness.step);
    for other in layer.source.run.others(layer.model) {
        let activations = windows.partner(other, places.clone())?;
        let prefix = format!("partner.{other}.");
        let size = [windows.n_with_partners, windows.window_tokens];
        add_activations(bundle, &prefix, layer, &activations, size, fineness.partner_step);
    }
    if let (Scope::Selected, Some(corpus)) = (layer.source.selection.scope, &layer.source.tokens) {
        let tokens = tokens(corpus, &rows, &starts, windows)?;
        bundle.add("tokens", &[n, n_windows, windows.window_tokens], &Elements::U32(tokens));
    }
    Ok(())
}

fn add_activations(
    bundle: &mut Bundle,
    prefix: &str,
    layer: &Layer<'_>,
    activations: &[f32],
    [n_windows, window_tokens]: [usize; 2],
    step: i8,
) {
    let width = n_windows * window_tokens;
    let listed = layer.pick(activations, width, width);
    let mut quantised = Vec::with_capacity(listed.len());
    let scale =
        |at: usize, quantised: &mut Vec<i8>| numbers::quantised(&listed[at * width..][..width], step, quantised);
    let scales: Vec<f32> = (0..layer.listed.len()).map(|at| scale(at, &mut quantised)).collect();
    let shape = [layer.listed.len(), n_windows, window_tokens];
    bundle.add(format!("{prefix}activation"), &shape, &Elements::I8(quantised));
    bundle.add(format!("{prefix}scale"), &shape[..1], &Elements::F32(scales));
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
