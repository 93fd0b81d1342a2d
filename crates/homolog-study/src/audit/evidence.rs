//! What is measured of the weights of all checkpoints, in one walk over them.
//!
//! A piece of a tensor is read at one step of all models after another, and three steps of it are held: every value is read once, and
//! memory does not grow with the models or with the number of checkpoints.

use std::collections::{BTreeMap, VecDeque};

use homolog_model::{Checkpoint, Measure, StoredTensors, squared_distance};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{Error, Progress};

/// Values read at a time, 2 MB of them.
const PIECE: usize = 1 << 19;

/// By [step][model]; none where the checkpoint cannot be read.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Evidence {
    pub(super) checkpoints: Vec<Vec<Option<CheckpointEvidence>>>,
}

/// Of one checkpoint.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CheckpointEvidence {
    /// By name.
    pub(super) tensors: Vec<TensorEvidence>,
    /// By model; none for itself, and for those whose matrices have other shapes.
    pub(super) others: Vec<Option<OtherDistances>>,
}

/// Of one tensor of a checkpoint.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct TensorEvidence {
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
    pub(super) digest: String,
    pub(super) n_values: u64,
    pub(super) sum_squares: f64,
    pub(super) mean: f64,
    pub(super) sd: f64,
    pub(super) kurtosis: Option<f64>,
    pub(super) least: f32,
    pub(super) greatest: f32,
    /// Squared distance to the step before.
    pub(super) before: Option<f64>,
    /// Squared distance to the step before that.
    pub(super) before_last: Option<f64>,
}

/// Squared distances of all matrices to another model's.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct OtherDistances {
    pub(super) same_step: Option<f64>,
    /// From this checkpoint to the other model's step before.
    pub(super) step_before: Option<f64>,
}

/// Cosine of two vectors, by their squared norms and their squared distance.
pub(super) fn cosine(a: f64, b: f64, squared_distance: f64) -> Option<f64> {
    (a > 0.0 && b > 0.0).then(|| (0.5 * (a + b - squared_distance) / (a * b).sqrt()).clamp(-1.0, 1.0))
}

impl TensorEvidence {
    /// Gains and biases are not.
    pub(super) fn is_matrix(&self) -> bool {
        self.shape.len() == 2
    }

    pub(super) fn is_constant(&self) -> bool {
        self.least == self.greatest
    }
}

impl CheckpointEvidence {
    pub(super) fn matrices(&self) -> impl Iterator<Item = &TensorEvidence> {
        self.tensors.iter().filter(|tensor| tensor.is_matrix())
    }

    pub(super) fn digest(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for tensor in &self.tensors {
            hasher.update(format!("{}\n{:?}\n{}\n", tensor.name, tensor.shape, tensor.digest).as_bytes());
        }
        hasher.finalize().to_hex().to_string()
    }

    /// Of all matrices.
    pub(super) fn sum_squares(&self) -> f64 {
        self.matrices().map(|tensor| tensor.sum_squares).sum()
    }

    /// Squared distance of all matrices to the step before.
    pub(super) fn before(&self) -> Option<f64> {
        self.matrices().map(|tensor| tensor.before).sum()
    }

    /// Squared distance of all matrices to the step before that.
    pub(super) fn before_last(&self) -> Option<f64> {
        self.matrices().map(|tensor| tensor.before_last).sum()
    }
}

impl Evidence {
    pub(super) fn at(&self, step_idx: usize, model_idx: usize) -> Option<&CheckpointEvidence> {
        self.checkpoints[step_idx][model_idx].as_ref()
    }

    pub(super) fn cosine_before(&self, step_idx: usize, model_idx: usize) -> Option<f64> {
        let of = self.at(step_idx, model_idx)?;
        let before = self.at(step_idx.checked_sub(1)?, model_idx)?;
        cosine(of.sum_squares(), before.sum_squares(), of.before()?)
    }

    pub(super) fn cosine_to_other(&self, step_idx: usize, model_idx: usize, other_idx: usize) -> Option<f64> {
        let of = self.at(step_idx, model_idx)?;
        let other = self.at(step_idx, other_idx)?;
        cosine(of.sum_squares(), other.sum_squares(), of.others[other_idx]?.same_step?)
    }

    pub(super) fn cosine_to_others_before(&self, step_idx: usize, model_idx: usize, other_idx: usize) -> Option<f64> {
        let of = self.at(step_idx, model_idx)?;
        let other = self.at(step_idx.checked_sub(1)?, other_idx)?;
        cosine(of.sum_squares(), other.sum_squares(), of.others[other_idx]?.step_before?)
    }

    /// Read every value of every checkpoint once.
    pub(super) fn measure(checkpoints: &[Vec<Option<&Checkpoint>>], progress: &dyn Progress) -> Result<Self, Error> {
        let open = |checkpoint: &Option<&Checkpoint>| checkpoint.map(Checkpoint::tensors).transpose();
        let stored = checkpoints.iter().map(|of_step| of_step.iter().map(open).collect::<Result<Vec<_>, _>>());
        let stored = Stored { grid: stored.collect::<Result<_, _>>()? };
        let sizes = stored.sizes();
        let mut names: Vec<&String> = sizes.keys().collect();
        // The largest first, so that no thread begins with it when all others are done.
        names.sort_by_key(|name| std::cmp::Reverse(sizes[*name].greatest));
        let n_values: u64 = sizes.values().map(|size| size.sum).sum();
        progress.begin("audit checkpoints", n_values.max(1), "values");
        let measured: Result<BTreeMap<&String, TensorGrid>, Error> = names
            .into_par_iter()
            .with_max_len(1)
            .map(|name| Ok((name, stored.measure(name, sizes[name].greatest, progress)?)))
            .collect();
        let measured = measured?;
        if n_values == 0 {
            progress.advance(1);
        }
        progress.end();
        Ok(Self { checkpoints: stored.gather(measured) })
    }
}

/// Values of the tensors of one name.
#[derive(Default)]
struct Size {
    /// In one checkpoint at most.
    greatest: usize,
    /// In all.
    sum: u64,
}

/// [step][model]
type Grid<T> = Vec<Vec<T>>;

struct Stored {
    grid: Grid<Option<StoredTensors>>,
}

/// What is measured of the tensors of one name.
struct TensorGrid {
    of: Grid<Option<TensorEvidence>>,
    /// [step][model][other model]; both none where the shapes differ.
    others: Grid<Vec<OtherDistances>>,
}

impl Stored {
    fn sizes(&self) -> BTreeMap<String, Size> {
        let mut sizes = BTreeMap::<String, Size>::new();
        for tensors in self.grid.iter().flatten().flatten() {
            for name in tensors.names() {
                let n_values = tensors.shape(name).map_or(0, |shape| shape.iter().product());
                let size = sizes.entry(name.to_owned()).or_default();
                size.greatest = size.greatest.max(n_values);
                size.sum += n_values as u64;
            }
        }
        sizes
    }

    fn shape(&self, step_idx: usize, model_idx: usize, name: &str) -> Option<&[usize]> {
        self.grid[step_idx][model_idx].as_ref()?.shape(name)
    }

    fn measure(&self, name: &str, n_values: usize, progress: &dyn Progress) -> Result<TensorGrid, Error> {
        let (n_steps, n_models) = (self.grid.len(), self.grid.first().map_or(0, Vec::len));
        let mut measures: Grid<Measure> = vec![vec![Measure::default(); n_models]; n_steps];
        let mut before: Grid<[Option<f64>; 2]> = vec![vec![[None; 2]; n_models]; n_steps];
        let mut others: Grid<Vec<OtherDistances>> =
            vec![vec![vec![OtherDistances::default(); n_models]; n_models]; n_steps];
        // Models whose tensor has one shape are compared; a value that one of them lacks would be no distance.
        let is_alike = |a: (usize, usize), b: (usize, usize)| {
            let (a, b) = (self.shape(a.0, a.1, name), self.shape(b.0, b.1, name));
            a.is_some() && a == b
        };
        let add = |sum: &mut Option<f64>, a: &[f32], b: &[f32]| {
            *sum = Some(sum.unwrap_or(0.0) + squared_distance(a, b));
        };
        for first in (0..n_values).step_by(PIECE) {
            // This step's piece of every model, the last step's, and the one's before that.
            let mut held: VecDeque<Vec<Vec<f32>>> = VecDeque::new();
            for step in 0..n_steps {
                progress.check()?;
                let read = |tensors: &Option<StoredTensors>| match tensors {
                    Some(tensors) if tensors.shape(name).is_some() => Ok(tensors.read(name, first, PIECE)?),
                    _ => Ok::<_, Error>(Vec::new()),
                };
                held.push_front(self.grid[step].iter().map(read).collect::<Result<_, _>>()?);
                held.truncate(3);
                for model in 0..n_models {
                    let values = &held[0][model];
                    measures[step][model].add(values);
                    for back in 1..held.len() {
                        if is_alike((step, model), (step - back, model)) {
                            add(&mut before[step][model][back - 1], values, &held[back][model]);
                        }
                    }
                    for other in (0..n_models).filter(|&other| other != model) {
                        // The distance of two is taken once.
                        if other < model && is_alike((step, model), (step, other)) {
                            add(&mut others[step][model][other].same_step, values, &held[0][other]);
                        }
                        if held.len() > 1 && is_alike((step, model), (step - 1, other)) {
                            add(&mut others[step][model][other].step_before, values, &held[1][other]);
                        }
                    }
                }
                progress.advance(held[0].iter().map(|values| values.len() as u64).sum());
            }
        }
        for of_step in &mut others {
            for model in 0..n_models {
                for other in model + 1..n_models {
                    of_step[model][other].same_step = of_step[other][model].same_step;
                }
            }
        }
        let of = |step: usize, model: usize| {
            let shape = self.shape(step, model, name)?;
            let measured = measures[step][model].finish();
            let [before, before_last] = before[step][model];
            Some(TensorEvidence {
                name: name.to_owned(),
                shape: shape.to_vec(),
                digest: measured.digest,
                n_values: measured.n_values,
                sum_squares: measured.sum_squares,
                mean: measured.mean,
                sd: measured.sd,
                kurtosis: measured.kurtosis,
                least: measured.least,
                greatest: measured.greatest,
                before,
                before_last,
            })
        };
        let of = (0..n_steps).map(|step| (0..n_models).map(|model| of(step, model)).collect()).collect();
        Ok(TensorGrid { of, others })
    }

    /// By checkpoint what was measured by tensor.
    fn gather(&self, measured: BTreeMap<&String, TensorGrid>) -> Grid<Option<CheckpointEvidence>> {
        let empty = |tensors: &Option<StoredTensors>| {
            tensors.as_ref().map(|_| CheckpointEvidence { tensors: Vec::new(), others: Vec::new() })
        };
        let mut gathered: Grid<Option<CheckpointEvidence>> =
            self.grid.iter().map(|of_step| of_step.iter().map(empty).collect()).collect();
        for (step, of_step) in gathered.iter_mut().enumerate() {
            for (model, of) in of_step.iter_mut().enumerate() {
                let Some(of) = of else { continue };
                let n_models = self.grid[step].len();
                let others =
                    (0..n_models).map(|other| (other != model).then(|| self.sum(&measured, (step, model), other)));
                of.others = others.map(Option::flatten).collect();
            }
        }
        for grid in measured.into_values() {
            for (gathered, of) in gathered.iter_mut().flatten().zip(grid.of.into_iter().flatten()) {
                if let (Some(gathered), Some(of)) = (gathered.as_mut(), of) {
                    gathered.tensors.push(of);
                }
            }
        }
        gathered
    }

    /// Over all matrices, if the other model has the same; sums are in the order of the names.
    fn sum(
        &self,
        measured: &BTreeMap<&String, TensorGrid>,
        (step, model): (usize, usize),
        other: usize,
    ) -> Option<OtherDistances> {
        let of = |grid: &TensorGrid| grid.of[step][model].as_ref().is_some_and(TensorEvidence::is_matrix);
        let matrices = || measured.values().filter(|grid| of(grid)).map(|grid| grid.others[step][model][other]);
        let sums = OtherDistances {
            same_step: matrices().map(|distances| distances.same_step).sum(),
            step_before: matrices().map(|distances| distances.step_before).sum(),
        };
        (sums.same_step.is_some() || sums.step_before.is_some()).then_some(sums)
    }
}
