//! How far the weights of each neuron have turned between two checkpoints.

use std::collections::BTreeMap;

use homolog_model::Checkpoint;

use super::{Span, spans};
use crate::{Error, Progress};

/// Input and output weights of a layer's neurons at one step: [`d_model`, `d_mlp`] and [`d_mlp`, `d_model`].
struct LayerWeights {
    w_in: Vec<f32>,
    w_out: Vec<f32>,
}

/// By span: cosines of input and of output weights of every neuron, in f64; NaN where they are 0 at either step. A layer of three checkpoints
/// is in memory at a time.
pub(super) fn of(checkpoints: &[&Checkpoint], progress: &dyn Progress) -> Result<BTreeMap<Span, [Vec<f64>; 2]>, Error> {
    let (n_layers, d_mlp) = (checkpoints[0].config.n_layers, checkpoints[0].config.d_mlp);
    let d_model = checkpoints[0].config.d_model;
    let stored = checkpoints.iter().map(|checkpoint| Ok(checkpoint.tensors()?)).collect::<Result<Vec<_>, Error>>()?;
    let read = |step: usize, layer: usize| {
        progress.check()?;
        let tensor = |name: &str| stored[step].read(&format!("h.{layer}.mlp.{name}.weight"), 0, d_model * d_mlp);
        Ok::<_, Error>(LayerWeights { w_in: tensor("c_fc")?, w_out: tensor("c_proj")? })
    };
    let mut cosines: BTreeMap<Span, [Vec<f64>; 2]> = BTreeMap::new();
    for layer in 0..n_layers {
        let first = read(0, layer)?;
        let mut previous: Option<LayerWeights> = None;
        for to in 1..checkpoints.len() {
            let now = read(to, layer)?;
            for (from, to) in spans(checkpoints.len()).into_iter().filter(|span| span.1 == to) {
                let before = previous.as_ref().filter(|_| from > 0).unwrap_or(&first);
                let [w_in, w_out] = cosines.entry((from, to)).or_default();
                w_in.extend(of_columns(&before.w_in, &now.w_in, d_mlp));
                w_out.extend(of_rows(&before.w_out, &now.w_out, d_model));
            }
            previous = Some(now);
        }
    }
    Ok(cosines)
}

/// x.y, x.x, y.y
type Dots = [f64; 3];

fn add(dots: &mut Dots, (x, y): (&f32, &f32)) {
    let (x, y) = (f64::from(*x), f64::from(*y));
    dots[0] += x * y;
    dots[1] += x * x;
    dots[2] += y * y;
}

/// NaN of 0 and anything.
fn cosine([xy, xx, yy]: Dots) -> f64 {
    xy / (xx * yy).sqrt()
}

fn of_rows(a: &[f32], b: &[f32], width: usize) -> Vec<f64> {
    let of_row = |(a, b): (&[f32], &[f32])| {
        let mut dots = Dots::default();
        a.iter().zip(b).for_each(|values| add(&mut dots, values));
        cosine(dots)
    };
    a.chunks_exact(width).zip(b.chunks_exact(width)).map(of_row).collect()
}

fn of_columns(a: &[f32], b: &[f32], width: usize) -> Vec<f64> {
    let mut dots = vec![Dots::default(); width];
    for (a, b) in a.chunks_exact(width).zip(b.chunks_exact(width)) {
        dots.iter_mut().zip(a.iter().zip(b)).for_each(|(dots, values)| add(dots, values));
    }
    dots.into_iter().map(cosine).collect()
}
