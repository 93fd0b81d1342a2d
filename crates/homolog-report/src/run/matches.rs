//! Table `matches` as columns.

use std::path::Path;

use homolog_results::{MatchRow, read_batches};

use super::{Shape, checkpoint_words, neurons};
use crate::Error;

/// What stands for no neuron where there is no match.
pub(crate) const NO_NEURON: u32 = u32::MAX;

/// Every neuron of one model against one other, in the places of [`super::Neurons`]. NaN is undefined.
#[derive(Clone, Debug, Default)]
pub(crate) struct Matches {
    /// Greatest correlation with any neuron of the other model.
    pub(crate) max_corr: Vec<f32>,
    /// Place of the neuron that reaches it, `layer * d_mlp + neuron` in the other model; `NO_NEURON` where undefined.
    pub(crate) matched: Vec<u32>,
    /// Greatest correlation but that.
    pub(crate) second_corr: Vec<f32>,
    /// Least correlation.
    pub(crate) lowest_corr: Vec<f32>,
    /// The same maximum against the null.
    pub(crate) baseline: Vec<f32>,
    /// Whether no screening decided the match.
    pub(crate) is_exact: Vec<bool>,
    /// Standard errors by which a screened match is sure; NaN where exact.
    pub(crate) margin: Vec<f32>,
    /// Whether both halves of the tokens choose the match; none without cross-fitting.
    pub(crate) is_same_in_halves: Vec<Option<bool>>,
    /// Whether the neuron is the best match of its best match.
    pub(crate) is_mutual: Vec<bool>,
    /// Correlation of the match without means for frequent tokens.
    pub(crate) corr_without_token: Vec<f32>,
    /// The same without means at positions.
    pub(crate) corr_without_position: Vec<f32>,
    /// The same without the fit of both.
    pub(crate) corr_without_both: Vec<f32>,
}

impl Matches {
    fn with_capacity(n: usize) -> Self {
        Self {
            max_corr: Vec::with_capacity(n),
            matched: Vec::with_capacity(n),
            second_corr: Vec::with_capacity(n),
            lowest_corr: Vec::with_capacity(n),
            baseline: Vec::with_capacity(n),
            is_exact: Vec::with_capacity(n),
            margin: Vec::with_capacity(n),
            is_same_in_halves: Vec::with_capacity(n),
            is_mutual: Vec::with_capacity(n),
            corr_without_token: Vec::with_capacity(n),
            corr_without_position: Vec::with_capacity(n),
            corr_without_both: Vec::with_capacity(n),
        }
    }

    /// Memory that the columns take.
    #[cfg(test)]
    pub(super) fn n_bytes(&self) -> usize {
        let correlations = [&self.max_corr, &self.second_corr, &self.lowest_corr, &self.baseline, &self.margin];
        let without = [&self.corr_without_token, &self.corr_without_position, &self.corr_without_both];
        let numbers = correlations.iter().chain(&without);
        let numbers: usize = numbers.map(|numbers| numbers.capacity()).sum();
        let flags = self.is_exact.capacity() + self.is_mutual.capacity() + self.is_same_in_halves.capacity();
        4 * (numbers + self.matched.capacity()) + flags
    }
}

/// Where the columns of a pair of models at a checkpoint stand.
pub(super) fn place(n_models: usize, n_checkpoints: usize, model: usize, other: usize, checkpoint: usize) -> usize {
    (model * n_models + other) * n_checkpoints + checkpoint
}

/// Columns by [model, other, checkpoint].
pub(super) fn read(
    path: &Path,
    names: &[String],
    checkpoints: &[Option<i64>],
    shapes: &[Shape],
) -> Result<Vec<Matches>, Error> {
    let mut matches = vec![Matches::default(); names.len() * names.len() * checkpoints.len()];
    let incomplete = |model: &str, checkpoint: Option<i64>| Error::Incomplete {
        path: path.to_owned(),
        model: model.to_owned(),
        checkpoint: checkpoint_words(checkpoint),
    };
    read_batches(path, |rows: Vec<MatchRow>| {
        for row in &rows {
            let unknown = || {
                let (model, checkpoint) = (row.model.clone(), checkpoint_words(row.checkpoint));
                Error::UnknownModel { path: path.to_owned(), model, checkpoint }
            };
            let (model, checkpoint) =
                neurons::find(names, checkpoints, &row.model, row.checkpoint).ok_or_else(unknown)?;
            let other = names.iter().position(|name| *name == row.other).ok_or_else(unknown)?;
            let group = &mut matches[place(names.len(), checkpoints.len(), model, other, checkpoint)];
            if group.max_corr.is_empty() {
                *group = Matches::with_capacity(shapes[model].n_neurons());
            }
            let is_next = shapes[model].place(row.layer, row.neuron) == Some(group.max_corr.len());
            if !is_next || model == other {
                return Err(incomplete(&row.model, row.checkpoint));
            }
            let place_in_other = |layer: Option<u16>, neuron: Option<u32>| match (layer, neuron) {
                (Some(layer), Some(neuron)) => {
                    let place = shapes[other].place(layer, neuron).map(|place| place as u32);
                    place.ok_or_else(|| incomplete(&row.model, row.checkpoint))
                }
                _ => Ok(NO_NEURON),
            };
            group.max_corr.push(row.max_corr.unwrap_or(f32::NAN));
            group.matched.push(place_in_other(row.matched_layer, row.matched_neuron)?);
            group.second_corr.push(row.second_corr.unwrap_or(f32::NAN));
            group.lowest_corr.push(row.lowest_corr.unwrap_or(f32::NAN));
            group.baseline.push(row.baseline.unwrap_or(f32::NAN));
            group.is_exact.push(row.is_exact);
            group.margin.push(row.margin.unwrap_or(f32::NAN));
            group.is_same_in_halves.push(row.is_same_in_halves);
            group.is_mutual.push(row.is_mutual);
            group.corr_without_token.push(row.corr_without_token.unwrap_or(f32::NAN));
            group.corr_without_position.push(row.corr_without_position.unwrap_or(f32::NAN));
            group.corr_without_both.push(row.corr_without_both.unwrap_or(f32::NAN));
        }
        Ok::<_, Error>(())
    })?;
    for (model, name) in names.iter().enumerate() {
        for other in (0..names.len()).filter(|&other| other != model) {
            for (at, &checkpoint) in checkpoints.iter().enumerate() {
                let group = &matches[place(names.len(), checkpoints.len(), model, other, at)];
                if group.max_corr.len() != shapes[model].n_neurons() {
                    return Err(incomplete(name, checkpoint));
                }
            }
        }
    }
    Ok(matches)
}
