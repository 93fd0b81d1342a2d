//! Which neurons an explorer lists: all of them, or the universal ones of the last checkpoint and as many to compare with.

use std::cmp::Ordering;

use crate::Run;
use crate::rule_words::shorthand;
use crate::run::{Neurons, Shape};

/// Universal neurons in a report at most.
const MAX_UNIVERSAL: usize = 4000;

/// Which neurons are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Every one.
    All,
    /// See [`Selection::universal`].
    Selected,
}

/// The neurons listed, by model.
#[derive(Clone, Debug)]
pub(crate) struct Selection {
    pub(super) scope: Scope,
    /// [model]: places, ascending.
    pub(super) neurons: Vec<Vec<usize>>,
    /// [model]: those that are there to compare with, ascending.
    pub(super) controls: Vec<Vec<usize>>,
    /// What a reader must know, one sentence each.
    pub(super) notes: Vec<String>,
}

impl Selection {
    /// Every neuron of every model.
    pub(crate) fn all(run: &Run) -> Self {
        let n_models = run.model_names().len();
        let neurons = (0..n_models).map(|model| (0..run.shape(model).n_neurons()).collect()).collect();
        Self { scope: Scope::All, neurons, controls: vec![Vec::new(); n_models], notes: Vec::new() }
    }

    /// The universal neurons of the last checkpoint, the 4,000 of greatest excess where there are more, and for each a control: a
    /// neuron of the same model and layer that is not universal, nearest to it in (log activation variance, share of tokens with a
    /// positive activation).
    ///
    /// Both quantities are divided by their standard deviation over the layer's neurons that are not constant. Universal neurons
    /// choose in the order of their excess, greatest first, ties by model and place; a control is given once; ties go to the lower neuron.
    /// Where a layer has no neuron left there is no control.
    pub(crate) fn universal(run: &Run) -> Self {
        let n_models = run.model_names().len();
        let last = run.last_checkpoint();
        let mut universal: Vec<(f64, usize, usize)> = Vec::new();
        for model in 0..n_models {
            let neurons = run.neurons(model, last);
            let places = (0..neurons.is_universal.len()).filter(|&place| neurons.is_universal[place]);
            universal.extend(places.map(|place| (neurons.excess_corr[place], model, place)));
        }
        universal.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| (a.1, a.2).cmp(&(b.1, b.2))));
        let n_universal = universal.len();
        universal.truncate(MAX_UNIVERSAL);
        let mut pools: Vec<Vec<Pool>> = (0..n_models)
            .map(|model| {
                let shape = run.shape(model);
                (0..shape.n_layers).map(|layer| Pool::new(run.neurons(model, last), shape, layer)).collect()
            })
            .collect();
        let mut selection = Self {
            scope: Scope::Selected,
            neurons: vec![Vec::new(); n_models],
            controls: vec![Vec::new(); n_models],
            notes: Vec::new(),
        };
        let mut n_without = 0;
        for &(_, model, place) in &universal {
            selection.neurons[model].push(place);
            match pools[model][place / run.shape(model).d_mlp].take_nearest(run.neurons(model, last), place) {
                Some(control) => selection.controls[model].push(control),
                None => n_without += 1,
            }
        }
        for (neurons, controls) in selection.neurons.iter_mut().zip(&mut selection.controls) {
            neurons.extend(controls.iter());
            neurons.sort_unstable();
            controls.sort_unstable();
        }
        selection.notes = notes(run, n_universal, universal.len(), n_without);
        selection
    }

    /// Neurons listed of one layer, as places in the model.
    pub(super) fn of_layer(&self, model: usize, layer: usize, shape: Shape) -> &[usize] {
        let listed = &self.neurons[model];
        let start = listed.partition_point(|&place| place < layer * shape.d_mlp);
        let end = listed.partition_point(|&place| place < (layer + 1) * shape.d_mlp);
        &listed[start..end]
    }
}

fn notes(run: &Run, n_universal: usize, n_listed: usize, n_without: usize) -> Vec<String> {
    let mut notes = vec![
        "Listed are the universal neurons of the last checkpoint; with each a control, a neuron of the same model and layer that is \
         not universal and has nearly the same activation variance and share of positive activations."
            .to_owned(),
    ];
    if n_universal == 0 {
        notes = vec![format!(
            "No neuron is universal at the last checkpoint ({}).",
            shorthand(&run.settings, run.threshold())
        )];
    }
    if n_listed < n_universal {
        notes.push(format!("Of {n_universal} universal neurons these are the {n_listed} of greatest excess."));
    }
    if n_without > 0 {
        notes.push(format!("{n_without} of them have no control: their layer has too few other neurons."));
    }
    notes
}

/// The neurons of one layer that may become controls.
struct Pool {
    /// Places that are left.
    free: Vec<usize>,
    /// Standard deviations of the two quantities over the layer; 1 where they are the same for all.
    scale: [f64; 2],
}

impl Pool {
    fn new(neurons: &Neurons, shape: Shape, layer: usize) -> Self {
        let places = layer * shape.d_mlp..(layer + 1) * shape.d_mlp;
        let is_varied = |&place: &usize| neurons.act_var[place] > 0.0;
        let deviation = |of: usize| {
            let values: Vec<f64> = places.clone().filter(is_varied).map(|place| features(neurons, place)[of]).collect();
            let n = values.len().max(1) as f64;
            let mean = values.iter().sum::<f64>() / n;
            let deviation = (values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / n).sqrt();
            if deviation > 0.0 { deviation } else { 1.0 }
        };
        let scale = [deviation(0), deviation(1)];
        // A constant neuron has no variance to compare.
        let free = places.filter(is_varied).filter(|&place| !neurons.is_universal[place]).collect();
        Self { free, scale }
    }

    fn take_nearest(&mut self, neurons: &Neurons, place: usize) -> Option<usize> {
        let wanted = features(neurons, place);
        let distance = |candidate: usize| {
            let found = features(neurons, candidate);
            (0..2).map(|of| ((found[of] - wanted[of]) / self.scale[of]).powi(2)).sum::<f64>()
        };
        let order = |a: &(usize, f64), b: &(usize, f64)| -> Ordering { a.1.total_cmp(&b.1) };
        // `min_by` takes the first of equals, which is the lower neuron: `remove` keeps the order.
        let nearest = self.free.iter().enumerate().map(|(at, &candidate)| (at, distance(candidate))).min_by(order)?.0;
        Some(self.free.remove(nearest))
    }
}

/// What controls are matched by.
fn features(neurons: &Neurons, place: usize) -> [f64; 2] {
    [neurons.act_var[place].ln(), neurons.frac_positive[place]]
}
