//! What was measured of one model at one step: outcomes of the clean model and of every set, row by row; in memory and as an artifact.

use std::path::Path;

use homolog_results::{TensorData, open_tensors, write_tensors};
use serde::{Deserialize, Serialize};

use super::outcome::{COLUMNS, Outcome};
use super::sets::SetId;
use crate::Error;
use crate::config::AblationMode;

/// Name of the metadata that says which sets there are.
const SETS: &str = "sets";

/// Outcomes over the same rows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Measured {
    pub(crate) clean: Outcome,
    pub(crate) sets: Vec<(MeasuredSet, Outcome)>,
}

/// Which neurons were silenced, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct MeasuredSet {
    pub(crate) id: SetId,
    pub(crate) mode: AblationMode,
    pub(crate) n_neurons: usize,
}

impl Measured {
    /// The set of this name over all layers, in this mode.
    pub(crate) fn set(&self, name: &str, mode: AblationMode) -> Option<(&MeasuredSet, &Outcome)> {
        self.sets.iter().find(|(set, _)| set.id.set == name && set.mode == mode).map(|(set, outcome)| (set, outcome))
    }

    /// Single neurons, flat, and their outcomes.
    pub(crate) fn singles(&self) -> impl Iterator<Item = (usize, &Outcome)> {
        self.sets.iter().filter_map(|(set, outcome)| Some((set.id.single?, outcome)))
    }

    pub(super) fn write(&self, path: &Path) -> Result<(), Error> {
        let n_rows = self.clean.n_rows();
        let mut tensors = Vec::new();
        let f64s = |name: String, shape: Vec<usize>, data: Vec<f64>| (name, TensorData::F64 { shape, data });
        for (at, name) in COLUMNS.into_iter().enumerate() {
            tensors.push(f64s(format!("clean.{name}"), vec![n_rows], self.clean.columns()[at].to_vec()));
            let of_sets = self.sets.iter().flat_map(|(_, outcome)| outcome.columns()[at].iter().copied()).collect();
            tensors.push(f64s(name.to_owned(), vec![self.sets.len(), n_rows], of_sets));
        }
        let sets: Vec<&MeasuredSet> = self.sets.iter().map(|(set, _)| set).collect();
        let sets = serde_json::to_string(&(self.clean.n_targets, sets)).expect("plain values serialise");
        Ok(write_tensors(path, &tensors, &[(SETS.to_owned(), sets)])?)
    }

    /// What [`Measured::write`] wrote. Errors: a file that is none of ours.
    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        let tensors = open_tensors(path)?;
        let damaged = || Error::DamagedState { path: path.to_owned() };
        let sets = tensors.metadata().get(SETS).ok_or_else(damaged)?;
        let (n_targets, sets): (usize, Vec<MeasuredSet>) = serde_json::from_str(sets).map_err(|_| damaged())?;
        let mut clean = Vec::new();
        let mut of_sets = Vec::new();
        for name in COLUMNS {
            clean.push(tensors.f64(&format!("clean.{name}"))?.1);
            of_sets.push(tensors.f64(name)?.1);
        }
        let outcome = |columns: Vec<Vec<f64>>| {
            let columns = columns.try_into().expect("as many as there are names");
            Outcome::from_columns(n_targets, columns)
        };
        let clean = outcome(clean);
        let n_rows = clean.n_rows();
        if of_sets.iter().any(|column| column.len() != sets.len() * n_rows) {
            return Err(damaged());
        }
        let of_set = |(at, set): (usize, MeasuredSet)| {
            let rows = at * n_rows..(at + 1) * n_rows;
            (set, outcome(of_sets.iter().map(|column| column[rows.clone()].to_vec()).collect()))
        };
        let sets = sets.into_iter().enumerate().map(of_set).collect();
        Ok(Self { clean, sets })
    }
}
