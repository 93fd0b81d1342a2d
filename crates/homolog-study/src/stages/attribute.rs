//! What every neuron is worth to first order: activation times gradient of the loss, from one way back a row; and how much it writes.

use std::path::Path;
use std::sync::Mutex;

use homolog_model::{Checkpoint, Differentiable, Parameters, Tokens};
use homolog_results::{NeuronRow, TensorData, open_tensors, write_tensors};
use rayon::prelude::*;
use serde_json::json;

use super::ablate::loss_rows;
use super::correlate::step_name;
use crate::artifacts::{self, Artifacts, Unit};
use crate::inputs::Inputs;
use crate::{Error, Progress, StudyConfig};

/// Raised whenever the arithmetic below changes.
pub(crate) const VERSION: u32 = 1;

/// Rows whose sums are held at a time; they are added up in order, so that their number changes no bit.
pub(crate) const ROWS: usize = 16;

/// Of every neuron of one model at one step, by flat number.
pub(crate) struct Attributions {
    /// Euclidean norm of its output weights.
    pub(crate) write_norm: Vec<f64>,
    /// None where the study asks for none.
    pub(crate) first_order: Option<FirstOrder>,
}

impl Attributions {
    /// Write them into the rows of one model, in the order of its neurons.
    pub(crate) fn fill<'a>(&self, rows: impl Iterator<Item = &'a mut NeuronRow>) {
        for (neuron, row) in rows.enumerate() {
            row.write_norm = Some(self.write_norm[neuron]);
            if let Some(FirstOrder { zero, zero_se, mean }) = &self.first_order {
                row.attribution_zero_nats = Some(zero[neuron]);
                row.attribution_zero_se = Some(zero_se[neuron]).filter(|se| !se.is_nan());
                row.attribution_mean_nats = Some(mean[neuron]);
            }
        }
    }
}

/// First-order estimates of the rise of the mean loss, in nats, when a neuron alone is replaced.
///
/// With a(t) the activation and g(t) the derivative of the mean loss by it: replaced by z(t) the loss rises by the sum over t of
/// (z(t) - a(t)) g(t), to first order.
pub(crate) struct FirstOrder {
    /// By 0.
    pub(crate) zero: Vec<f64>,
    /// Its standard error over rows; NaN with fewer than two.
    pub(crate) zero_se: Vec<f64>,
    /// By its mean.
    pub(crate) mean: Vec<f64>,
}

/// Of one model at one step; none where neither ablations nor attributions are asked for. `means` are the neurons' mean
/// activations, from the correlations of the key.
pub(crate) fn run(
    config: &StudyConfig,
    inputs: &Inputs,
    (step_idx, model_idx): (usize, usize),
    (means, correlation_key): (&[f32], &str),
    artifacts: &mut Artifacts,
    progress: &dyn Progress,
) -> Result<Option<Attributions>, Error> {
    let asks = config.attribution.enabled;
    if !asks && !config.ablation.enabled {
        return Ok(None);
    }
    let checkpoint = &inputs.checkpoints[step_idx][model_idx];
    let tokens = loss_rows(config, inputs);
    let decides = json!({
        "weights": (&checkpoint.weights_hash, &checkpoint.config_hash),
        // Norms of weights depend on no tokens.
        "first_order": asks.then(|| (tokens.hash(), correlation_key, model_idx)),
    });
    let key = artifacts::key("attribute", VERSION, &decides);
    let of = format!("{}, {}", inputs.names[model_idx], step_name(inputs.steps[step_idx]));
    let unit = Unit { stage: "attribute", of, key, extension: "safetensors" };
    let path = artifacts.get_or_make(&unit, progress, |path| {
        let parameters = checkpoint.parameters()?;
        let mut tensors = vec![column("write_norm", write_norms(&parameters))];
        if asks {
            progress.begin(&format!("attribute {}", unit.of), tokens.n_rows() as u64, "rows");
            let FirstOrder { zero, zero_se, mean } = first_order(&parameters, &tokens, means, progress)?;
            progress.end();
            tensors.extend([column("zero", zero), column("zero_se", zero_se), column("mean", mean)]);
        }
        Ok(write_tensors(path, &tensors, &[])?)
    })?;
    read(&path, asks).map(Some)
}

fn column(name: &str, data: Vec<f64>) -> (String, TensorData) {
    (name.to_owned(), TensorData::F64 { shape: vec![data.len()], data })
}

fn read(path: &Path, asks: bool) -> Result<Attributions, Error> {
    let tensors = open_tensors(path)?;
    let column = |name: &str| Ok::<_, Error>(tensors.f64(name)?.1);
    let first_order = if asks {
        Some(FirstOrder { zero: column("zero")?, zero_se: column("zero_se")?, mean: column("mean")? })
    } else {
        None
    };
    Ok(Attributions { write_norm: column("write_norm")?, first_order })
}

/// [`Attributions::write_norm`] of a checkpoint that is not otherwise read.
pub(crate) fn write_norms_of(checkpoint: &Checkpoint) -> Result<Vec<f64>, Error> {
    Ok(write_norms(&checkpoint.parameters()?))
}

fn write_norms(parameters: &Parameters) -> Vec<f64> {
    let config = parameters.config();
    let norm = |w: &[f32]| w.iter().map(|&w| f64::from(w).powi(2)).sum::<f64>().sqrt();
    let of_layer = |layer: usize| {
        let w_out = parameters.get(&format!("h.{layer}.mlp.c_proj.weight"));
        w_out.chunks_exact(config.d_model).map(norm).collect::<Vec<f64>>()
    };
    (0..config.n_layers).flat_map(of_layer).collect()
}

/// Sums of one row, by flat neuron: of a g and of g, g the derivative of the sum of the row's losses.
struct RowSums {
    activation_gradient: Vec<f64>,
    gradient: Vec<f64>,
}

fn first_order(
    parameters: &Parameters,
    tokens: &Tokens,
    means: &[f32],
    progress: &dyn Progress,
) -> Result<FirstOrder, Error> {
    let (n_neurons, d_mlp) = (parameters.config().n_neurons(), parameters.config().d_mlp);
    let differentiable = Differentiable::new(parameters);
    let of_row = |row: usize| -> Result<RowSums, Error> {
        progress.check()?;
        let sums = Mutex::new(RowSums { activation_gradient: vec![0.0; n_neurons], gradient: vec![0.0; n_neurons] });
        let ids = tokens.batch(row..row + 1).ids;
        differentiable.at_neurons((row, ids), 1.0, &|at, activations, gradients| {
            let mut sums = sums.lock().expect("no thread panics while it adds");
            let RowSums { activation_gradient, gradient } = &mut *sums;
            let here = at.layer * d_mlp..(at.layer + 1) * d_mlp;
            let (products, gradient_sums) = (&mut activation_gradient[here.clone()], &mut gradient[here]);
            for (a, g) in activations.chunks_exact(d_mlp).zip(gradients.chunks_exact(d_mlp)) {
                for (neuron, (&a, &g)) in a.iter().zip(g).enumerate() {
                    products[neuron] += f64::from(a) * f64::from(g);
                    gradient_sums[neuron] += f64::from(g);
                }
            }
        });
        progress.advance(1);
        Ok(sums.into_inner().expect("no thread panics while it adds"))
    };
    let (n_rows, n_targets) = (tokens.n_rows(), (tokens.context() - 1) as f64);
    let zeros = || vec![0.0; n_neurons];
    let (mut zero, mut squares, mut gradient) = (zeros(), zeros(), zeros());
    for first in (0..n_rows).step_by(ROWS) {
        let rows = (first..(first + ROWS).min(n_rows)).into_par_iter().map(of_row);
        for row in rows.collect::<Result<Vec<_>, Error>>()? {
            for neuron in 0..n_neurons {
                // The row's own mean loss.
                let rise = -row.activation_gradient[neuron] / n_targets;
                zero[neuron] += rise;
                squares[neuron] += rise * rise;
                gradient[neuron] += row.gradient[neuron] / n_targets;
            }
        }
    }
    let n = n_rows as f64;
    let se = |(&sum, &squares): (&f64, &f64)| ((squares - sum * sum / n).max(0.0) / (n * (n - 1.0))).sqrt();
    let zero_se = zero.iter().zip(&squares).map(|both| if n_rows < 2 { f64::NAN } else { se(both) }).collect();
    let zero: Vec<f64> = zero.iter().map(|sum| sum / n).collect();
    let means = means.iter().map(|&mean| f64::from(mean));
    let mean =
        zero.iter().zip(&gradient).zip(means).map(|((zero, gradient), mean)| zero + mean * gradient / n).collect();
    Ok(FirstOrder { zero, zero_se, mean })
}
