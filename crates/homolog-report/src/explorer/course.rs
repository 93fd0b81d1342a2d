//! Bundles `course-M`: how the neurons listed came about.

use super::{Source, numbers, table};
use crate::bundle::{Bundle, Elements};
use crate::run::Neurons;

/// A column of the table.
type Of = fn(&Neurons) -> &Vec<f64>;

pub(super) fn bundle(source: &Source<'_>, model: usize) -> Bundle {
    let run = source.run;
    let listed = &source.selection.neurons[model];
    let n_checkpoints = run.checkpoints().len();
    let mut bundle = Bundle::default();
    table::add_neurons(&mut bundle, source, model);
    let columns: [(&str, Of); 3] = [
        ("excess_corr", |neurons| &neurons.excess_corr),
        ("mean_corr", |neurons| &neurons.mean_corr),
        ("mean_baseline", |neurons| &neurons.mean_baseline),
    ];
    for (name, of) in columns {
        let columns: Vec<&Vec<f64>> = (0..n_checkpoints).map(|checkpoint| of(run.neurons(model, checkpoint))).collect();
        let values = listed.iter().flat_map(|&place| columns.iter().map(move |column| column[place] as f32));
        let values = values.map(numbers::for_table).collect();
        bundle.add(name, &[listed.len(), n_checkpoints], &Elements::F32(values));
    }
    bundle
}
