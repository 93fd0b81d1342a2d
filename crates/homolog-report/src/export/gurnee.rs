//! The columns of Gurnee's neuron dataframes that a run has: see [`super::ExportFormat::Gurnee`].

use std::path::Path;

use super::{cannot_write, file_name, write_file};
use crate::run::Neurons;
use crate::{Error, Run, Written};

/// A column of a run.
type Of = fn(&Neurons) -> &Vec<f64>;

/// In his order.
const COLUMNS: [(&str, Of); 7] = [
    ("max_corr", |neurons| &neurons.max_corr),
    ("mean_corr", |neurons| &neurons.mean_corr),
    ("min_corr", |neurons| &neurons.min_corr),
    ("max_baseline", |neurons| &neurons.max_baseline),
    ("min_baseline", |neurons| &neurons.min_baseline),
    ("mean_baseline", |neurons| &neurons.mean_baseline),
    ("excess_corr", |neurons| &neurons.excess_corr),
];

pub(super) fn write(run: &Run, output: &Path, progress: &dyn Fn(&str)) -> Result<Written, Error> {
    let mut written = Written { n_files: 0, n_bytes: 0 };
    for model in 0..run.model_names().len() {
        for checkpoint in 0..run.checkpoints().len() {
            let name = file_name(run, model, checkpoint, "csv");
            progress(&name);
            let (path, shape, neurons) = (output.join(name), run.shape(model), run.neurons(model, checkpoint));
            written.n_bytes += write_file(&path, |writer| {
                let mut csv = csv::Writer::from_writer(writer);
                let names = ["layer", "neuron"].into_iter().chain(COLUMNS.map(|column| column.0));
                csv.write_record(names).map_err(|error| cannot_write(&path)(error.into()))?;
                for place in 0..shape.n_neurons() {
                    let (layer, neuron) = shape.neuron(place);
                    let number = |value: f64| if value.is_nan() { String::new() } else { value.to_string() };
                    let numbers = COLUMNS.map(|(_, of)| number(of(neurons)[place]));
                    let cells = [layer.to_string(), neuron.to_string()].into_iter().chain(numbers);
                    csv.write_record(cells).map_err(|error| cannot_write(&path)(error.into()))?;
                }
                csv.flush().map_err(cannot_write(&path))
            })?;
            written.n_files += 1;
        }
    }
    Ok(written)
}
