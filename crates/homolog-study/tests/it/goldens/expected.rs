//! The golden files, as they are or mutated.

use std::path::{Path, PathBuf};

use homolog_test::fixtures::{Golden, json};
use serde_json::Value;

/// A wrong golden.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Mutation {
    /// Every number x 1.01; every neuron's number + 1.
    Scale,
    /// seed-a's numbers under seed-b's name and the other way round.
    SwapModels,
    /// Elements 2k and 2k + 1 of every tensor exchanged.
    SwapNeighbours,
}

pub(super) struct Goldens {
    folder: PathBuf,
    mutation: Option<Mutation>,
}

/// A tensor file.
pub(super) struct Tensors {
    file: Golden,
    mutation: Option<Mutation>,
}

impl Goldens {
    pub(super) fn open(fixtures: &Path, mutation: Option<Mutation>) -> Self {
        Self { folder: fixtures.join("goldens"), mutation }
    }

    /// The same without mutation: for what is allowed, not for what is wanted.
    pub(super) fn unmutated(&self) -> Self {
        Self { folder: self.folder.clone(), mutation: None }
    }

    pub(super) fn tensors(&self, file: &str) -> Tensors {
        Tensors { file: Golden::open(self.folder.join(format!("{file}.safetensors"))), mutation: self.mutation }
    }

    pub(super) fn json(&self, file: &str) -> Value {
        let value = json(self.folder.join(format!("{file}.json")));
        match self.mutation {
            Some(Mutation::Scale) => scaled(value),
            Some(Mutation::SwapModels) => serde_json::from_str(&swapped(&value.to_string())).unwrap(),
            Some(Mutation::SwapNeighbours) | None => value,
        }
    }
}

impl Tensors {
    pub(super) fn f64(&self, name: &str) -> Vec<f64> {
        let mut values = self.file.f64(&self.name(name));
        if self.mutation == Some(Mutation::Scale) {
            values = values.into_iter().map(|value| value * 1.01).collect();
        }
        self.neighbours(name, values)
    }

    /// Flat neuron numbers.
    pub(super) fn neurons(&self, name: &str) -> Vec<usize> {
        let by = usize::from(self.mutation == Some(Mutation::Scale));
        let neurons = self.file.i64(&self.name(name)).into_iter().map(|neuron| neuron as usize + by);
        self.neighbours(name, neurons.collect())
    }

    fn name(&self, name: &str) -> String {
        if self.mutation == Some(Mutation::SwapModels) { swapped(name) } else { name.to_owned() }
    }

    fn neighbours<T>(&self, name: &str, mut values: Vec<T>) -> Vec<T> {
        if self.mutation == Some(Mutation::SwapNeighbours) {
            let n_rows = self.file.shape(name)[0];
            let width = values.len() / n_rows;
            for pair in values.chunks_exact_mut(2 * width) {
                let (even, odd) = pair.split_at_mut(width);
                even.swap_with_slice(odd);
            }
        }
        values
    }
}

fn scaled(value: Value) -> Value {
    match value {
        Value::Number(number) => (number.as_f64().unwrap() * 1.01).into(),
        Value::Array(values) => values.into_iter().map(scaled).collect(),
        Value::Object(values) => values.into_iter().map(|(key, value)| (key, scaled(value))).collect(),
        other => other,
    }
}

fn swapped(text: &str) -> String {
    text.replace("seed-a", "another").replace("seed-b", "seed-a").replace("another", "seed-b")
}
