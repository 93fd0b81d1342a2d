//! One walk over all weights.
//!
//! A piece of a tensor is read of all models at one step after another, and three steps of it are held: every value is read once, and
//! memory does not grow with the size of the models or the number of checkpoints.

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};

use homolog_model::{Checkpoint, Measure, StoredTensors, squared_distance};
use rayon::prelude::*;

use super::{CheckpointEvidence, Evidence, OtherDistances, TensorEvidence};
use crate::{Error, Progress};

/// Values read at a time, 2 MB of them.
const PIECE: usize = 1 << 19;
/// Steps of a piece that are held: one, the one before it, and the one before that.
const HELD: usize = 3;

impl Evidence {
    /// Read every value of every checkpoint once.
    pub(in crate::audit) fn measure(
        checkpoints: &[Vec<Option<&Checkpoint>>],
        progress: &dyn Progress,
    ) -> Result<Self, Error> {
        let open = |of_step: &Vec<Option<&Checkpoint>>| {
            let tensors = of_step.iter().map(|checkpoint| checkpoint.map(Checkpoint::tensors).transpose());
            tensors.collect::<Result<Vec<_>, _>>()
        };
        let stored = Stored { grid: checkpoints.iter().map(open).collect::<Result<_, _>>()? };
        let sizes = stored.sizes();
        let mut names: Vec<&String> = sizes.keys().collect();
        // The largest first, so that no thread begins with it when all others are done.
        names.sort_by_key(|name| Reverse(sizes[*name].greatest));
        let n_values: u64 = sizes.values().map(|size| size.sum).sum();
        if n_values == 0 {
            return Ok(Self { checkpoints: stored.gather(BTreeMap::new()) });
        }
        progress.begin("audit checkpoints", n_values, "values");
        let names = names.into_par_iter().with_max_len(1);
        let measured = names.map(|name| Ok((name, stored.measure(name, sizes[name].greatest, progress)?)));
        let measured = measured.collect::<Result<_, Error>>()?;
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

/// Where all tensors lie; none of checkpoints that cannot be read.
struct Stored {
    grid: Grid<Option<StoredTensors>>,
}

/// What is measured of the tensors of one name.
struct TensorGrid {
    of: Grid<Option<TensorEvidence>>,
    /// [step][model][other model]; both none where the shapes differ.
    others: Grid<Vec<OtherDistances>>,
}

/// What is summed over the pieces of the tensors of one name.
struct Sums {
    measures: Grid<Measure>,
    /// Squared distances to the step before, and to the one before that.
    before: Grid<[Option<f64>; HELD - 1]>,
    others: Grid<Vec<OtherDistances>>,
}

impl Sums {
    fn new(n_steps: usize, n_models: usize) -> Self {
        Self {
            measures: vec![vec![Measure::default(); n_models]; n_steps],
            before: vec![vec![[None; HELD - 1]; n_models]; n_steps],
            others: vec![vec![vec![OtherDistances::default(); n_models]; n_models]; n_steps],
        }
    }

    /// Take in a piece at a step, which is the first of `held`, of all models. Those are compared that are alike: a value that one of them
    /// lacks would be no distance.
    fn add(
        &mut self,
        step: usize,
        held: &VecDeque<Vec<Vec<f32>>>,
        are_alike: impl Fn((usize, usize), (usize, usize)) -> bool,
    ) {
        let add = |sum: &mut Option<f64>, a: &[f32], b: &[f32]| {
            *sum = Some(sum.unwrap_or(0.0) + squared_distance(a, b));
        };
        for (model, values) in held[0].iter().enumerate() {
            self.measures[step][model].add(values);
            for back in 1..held.len() {
                if are_alike((step, model), (step - back, model)) {
                    add(&mut self.before[step][model][back - 1], values, &held[back][model]);
                }
            }
            for other in (0..held[0].len()).filter(|&other| other != model) {
                let sums = &mut self.others[step][model][other];
                // The distance of two is taken once.
                if other < model && are_alike((step, model), (step, other)) {
                    add(&mut sums.same_step, values, &held[0][other]);
                }
                if held.len() > 1 && are_alike((step, model), (step - 1, other)) {
                    add(&mut sums.step_before, values, &held[1][other]);
                }
            }
        }
    }

    /// What was taken once stands at both.
    fn mirror(&mut self) {
        for of_step in &mut self.others {
            for model in 0..of_step.len() {
                for other in model + 1..of_step.len() {
                    of_step[model][other].same_step = of_step[other][model].same_step;
                }
            }
        }
    }
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

    fn shape(&self, (step, model): (usize, usize), name: &str) -> Option<&[usize]> {
        self.grid[step][model].as_ref()?.shape(name)
    }

    fn measure(&self, name: &str, n_values: usize, progress: &dyn Progress) -> Result<TensorGrid, Error> {
        let (n_steps, n_models) = (self.grid.len(), self.grid.first().map_or(0, Vec::len));
        let mut sums = Sums::new(n_steps, n_models);
        let are_alike = |a, b| self.shape(a, name).is_some() && self.shape(a, name) == self.shape(b, name);
        for first in (0..n_values).step_by(PIECE) {
            let mut held: VecDeque<Vec<Vec<f32>>> = VecDeque::new();
            for step in 0..n_steps {
                progress.check()?;
                let read = |tensors: &Option<StoredTensors>| match tensors {
                    Some(tensors) if tensors.shape(name).is_some() => Ok(tensors.read(name, first, PIECE)?),
                    _ => Ok::<_, Error>(Vec::new()),
                };
                held.truncate(HELD - 1);
                held.push_front(self.grid[step].iter().map(read).collect::<Result<_, _>>()?);
                sums.add(step, &held, are_alike);
                progress.advance(held[0].iter().map(|values| values.len() as u64).sum());
            }
        }
        sums.mirror();
        let of = |place: (usize, usize)| {
            let shape = self.shape(place, name)?;
            let measured = sums.measures[place.0][place.1].finish();
            let [before, before_last] = sums.before[place.0][place.1];
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
        let of = (0..n_steps).map(|step| (0..n_models).map(|model| of((step, model))).collect()).collect();
        Ok(TensorGrid { of, others: sums.others })
    }

    /// By checkpoint what was measured by tensor.
    fn gather(&self, measured: BTreeMap<&String, TensorGrid>) -> Grid<Option<CheckpointEvidence>> {
        let others = |step: usize, model: usize| {
            let others = 0..self.grid[step].len();
            others
                .map(|other| if other == model { None } else { over_matrices(&measured, (step, model), other) })
                .collect()
        };
        let empty = |(step, of_step): (usize, &Vec<Option<StoredTensors>>)| {
            let models = of_step.iter().enumerate().map(|(model, tensors)| {
                tensors.as_ref().map(|_| CheckpointEvidence { tensors: Vec::new(), others: others(step, model) })
            });
            models.collect()
        };
        let mut gathered: Grid<Option<CheckpointEvidence>> = self.grid.iter().enumerate().map(empty).collect();
        for grid in measured.into_values() {
            for (gathered, of) in gathered.iter_mut().flatten().zip(grid.of.into_iter().flatten()) {
                if let (Some(gathered), Some(of)) = (gathered.as_mut(), of) {
                    gathered.tensors.push(of);
                }
            }
        }
        gathered
    }
}

/// Distances to another model over all matrices, none if it does not have the same; sums are in the order of the names.
fn over_matrices(
    measured: &BTreeMap<&String, TensorGrid>,
    (step, model): (usize, usize),
    other: usize,
) -> Option<OtherDistances> {
    let is_matrix = |grid: &&TensorGrid| grid.of[step][model].as_ref().is_some_and(TensorEvidence::is_matrix);
    let matrices = || measured.values().filter(is_matrix).map(|grid| grid.others[step][model][other]);
    let sums = OtherDistances {
        same_step: matrices().map(|distances| distances.same_step).sum(),
        step_before: matrices().map(|distances| distances.step_before).sum(),
    };
    (sums.same_step.is_some() || sums.step_before.is_some()).then_some(sums)
}
