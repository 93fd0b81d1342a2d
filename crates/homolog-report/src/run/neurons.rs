//! Table `neurons` as columns.

use std::path::Path;

use homolog_results::{NeuronRow, read_batches};

use super::checkpoint_words;
use crate::Error;

/// Layers of a model and neurons in each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Layers.
    pub(crate) n_layers: usize,
    /// Neurons a layer.
    pub(crate) d_mlp: usize,
}

impl Shape {
    /// Neurons of the model.
    pub(crate) fn n_neurons(self) -> usize {
        self.n_layers * self.d_mlp
    }

    /// Place of a neuron among all of the model; none if it has no such neuron.
    pub(crate) fn place(self, layer: u16, neuron: u32) -> Option<usize> {
        let (layer, neuron) = (usize::from(layer), neuron as usize);
        (layer < self.n_layers && neuron < self.d_mlp).then_some(layer * self.d_mlp + neuron)
    }

    /// Layer and index of the neuron at `place`.
    pub(crate) fn neuron(self, place: usize) -> (u16, u32) {
        ((place / self.d_mlp) as u16, (place % self.d_mlp) as u32)
    }
}

/// Declares the columns once: name, type in memory, and the conversion from the row's field.
macro_rules! columns {
    ($($(#[$doc:meta])+ $name:ident: $type:ty = $from:expr;)+) => {
        /// Every neuron of one model at one checkpoint: neuron i of layer l at place `l * d_mlp + i` of each column. NaN is undefined.
        #[derive(Clone, Debug, Default)]
        pub(crate) struct Neurons {
            $($(#[$doc])+ pub(crate) $name: Vec<$type>,)+
        }

        impl Neurons {
            fn push(&mut self, row: &NeuronRow) {
                $({
                    let from: fn(&NeuronRow) -> $type = $from;
                    self.$name.push(from(row));
                })+
            }

            /// Give back what growing took in spare.
            fn shrink(&mut self) {
                $(self.$name.shrink_to_fit();)+
            }

            /// Memory that the columns take.
            #[cfg(test)]
            pub(super) fn n_bytes(&self) -> usize {
                [$(self.$name.capacity() * size_of::<$type>()),+].into_iter().sum()
            }
        }
    };
}

columns! {
    /// Greatest `max_corr` over the other models.
    max_corr: f64 = |row| or_nan(row.max_corr);
    /// Mean `max_corr` over the other models.
    mean_corr: f64 = |row| or_nan(row.mean_corr);
    /// Least `max_corr` over the other models.
    min_corr: f64 = |row| or_nan(row.min_corr);
    /// Greatest baseline over the other models.
    max_baseline: f64 = |row| or_nan(row.max_baseline);
    /// Mean baseline over the other models.
    mean_baseline: f64 = |row| or_nan(row.mean_baseline);
    /// Least baseline over the other models.
    min_baseline: f64 = |row| or_nan(row.min_baseline);
    /// Mean of `max_corr` - baseline over the other models.
    excess_corr: f64 = |row| or_nan(row.excess_corr);
    /// Whether no screening decided anything of it.
    is_exact: bool = |row| row.is_exact;
    /// Whether it is universal by the study's rule and threshold.
    is_universal: bool = |row| row.is_universal;
    /// Other models whose `max_corr` is greater than `count_threshold`.
    n_models_above: u32 = |row| row.n_models_above;
    /// Whether these are `count_models` or more.
    is_universal_count: bool = |row| row.is_universal_count;
    /// Lower end of the interval of `excess_corr`.
    excess_low: f32 = |row| or_nan(row.excess_low) as f32;
    /// Upper end.
    excess_high: f32 = |row| or_nan(row.excess_high) as f32;
    /// Mean over the other models of the correlation on the half that did not choose the match.
    cross_fitted_corr: f32 = |row| or_nan(row.cross_fitted_corr) as f32;
    /// Mean of that minus the baseline.
    cross_fitted_excess: f32 = |row| or_nan(row.cross_fitted_excess) as f32;
    /// p-value of `mean_corr` by rotations.
    p_value: f32 = |row| or_nan(row.p_value) as f32;
    /// Benjamini-Hochberg q-value.
    q_bh: f32 = |row| or_nan(row.q_bh) as f32;
    /// Whether it is universal by the excess rule.
    is_universal_excess: bool = |row| row.is_universal_excess;
    /// Whether it is a discovery: `q_bh` at most `fdr`.
    is_universal_fdr: bool = |row| row.is_universal_fdr;
    /// Other models whose best match has it as the best match.
    n_mutual: u32 = |row| row.n_mutual;
    /// Models in its largest clique, 1 of none.
    n_models_clique: u32 = |row| row.n_models_clique;
    /// Mean over the other models of the match's correlation without tokens and positions.
    mean_corr_without_both: f32 = |row| or_nan(row.mean_corr_without_both) as f32;
    /// Share of the activation's variance that means for frequent tokens explain.
    token_share: f32 = |row| or_nan(row.token_share) as f32;
    /// Mean activation.
    act_mean: f64 = |row| row.act_mean;
    /// Variance of the activation, over N.
    act_var: f64 = |row| row.act_var;
    /// Skewness of the activation.
    act_skew: f64 = |row| or_nan(row.act_skew);
    /// Kurtosis of the activation, 3 for a Gaussian.
    act_kurt: f64 = |row| or_nan(row.act_kurt);
    /// Least activation.
    act_min: f64 = |row| row.act_min;
    /// Greatest activation.
    act_max: f64 = |row| row.act_max;
    /// Share of counted tokens with an activation greater than 0.
    frac_positive: f64 = |row| row.frac_positive;
}

fn or_nan(value: Option<f64>) -> f64 {
    value.unwrap_or(f64::NAN)
}

/// Columns by [model, checkpoint], and the shape of each model.
pub(super) fn read(
    path: &Path,
    names: &[String],
    checkpoints: &[Option<i64>],
) -> Result<(Vec<Neurons>, Vec<Shape>), Error> {
    let n_groups = names.len() * checkpoints.len();
    let mut neurons = vec![Neurons::default(); n_groups];
    // Layer and neuron of the last row of each group: rows are in order, so the last one tells the shape.
    let mut last: Vec<Option<(u16, u32)>> = vec![None; n_groups];
    let mut is_grid = vec![true; n_groups];
    let mut d_mlp = vec![0_u32; n_groups];
    let mut current = 0;
    read_batches(path, |rows: Vec<NeuronRow>| {
        for row in &rows {
            let place = |(model, checkpoint)| model * checkpoints.len() + checkpoint;
            let group = find(names, checkpoints, &row.model, row.checkpoint).map(place).ok_or_else(|| {
                let checkpoint = checkpoint_words(row.checkpoint);
                Error::UnknownModel { path: path.to_owned(), model: row.model.clone(), checkpoint }
            })?;
            if row.layer == 0 {
                d_mlp[group] = row.neuron + 1;
            }
            is_grid[group] &= match last[group] {
                None => (row.layer, row.neuron) == (0, 0),
                Some((layer, neuron)) if row.layer == layer => row.neuron == neuron + 1,
                Some((layer, neuron)) => row.layer == layer + 1 && row.neuron == 0 && neuron + 1 == d_mlp[group],
            };
            // Groups stand one after another: the one before is whole.
            if last[group].is_none() {
                neurons[current].shrink();
                current = group;
            }
            last[group] = Some((row.layer, row.neuron));
            neurons[group].push(row);
        }
        Ok::<_, Error>(())
    })?;
    neurons[current].shrink();
    let shape = |group: usize| {
        let (layer, neuron) = last[group].filter(|_| is_grid[group])?;
        let shape = Shape { n_layers: usize::from(layer) + 1, d_mlp: d_mlp[group] as usize };
        (neuron as usize + 1 == shape.d_mlp).then_some(shape)
    };
    let mut shapes = Vec::new();
    for (model, name) in names.iter().enumerate() {
        let first = shape(model * checkpoints.len());
        for (place, &checkpoint) in checkpoints.iter().enumerate() {
            let found = shape(model * checkpoints.len() + place);
            if found.is_none() || found != first {
                let checkpoint = checkpoint_words(checkpoint);
                return Err(Error::Incomplete { path: path.to_owned(), model: name.clone(), checkpoint });
            }
        }
        shapes.extend(first);
    }
    Ok((neurons, shapes))
}

/// Places of a model and a checkpoint.
pub(super) fn find(
    names: &[String],
    checkpoints: &[Option<i64>],
    model: &str,
    checkpoint: Option<i64>,
) -> Option<(usize, usize)> {
    let model = names.iter().position(|name| name == model)?;
    Some((model, checkpoints.iter().position(|&known| known == checkpoint)?))
}
