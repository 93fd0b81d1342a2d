//! Table `continuity`, from artifacts and standings, two checkpoints of a model at a time: never held whole.

use std::path::Path;

use homolog_model::NeuronId;
use homolog_results::{ContinuityRow, write_parts};

use crate::inputs::Inputs;
use crate::stages::classify::{Standing, members};
use crate::stages::follow::{Followed, Span, spans};
use crate::{Error, StudyConfig};

/// What the table is made from.
pub(crate) struct Continuity {
    /// By model.
    pub(crate) followed: Vec<Followed>,
    /// [step][model]
    pub(crate) standings: Vec<Vec<Standing>>,
}

/// Of a neuron: other models in which it has a best match at both steps, and in which that is the same neuron.
pub(crate) fn matches_kept(from: &Standing, to: &Standing, neuron: usize) -> [u32; 2] {
    let matched = from.matched.iter().zip(&to.matched).filter_map(|(from, to)| Some((from[neuron]?, to[neuron]?)));
    matched.fold([0, 0], |[n, n_kept], (from, to)| [n + 1, n_kept + u32::from(from == to)])
}

impl Continuity {
    /// Write the table; returns its number of rows.
    pub(crate) fn write(
        &self,
        config: &StudyConfig,
        inputs: &Inputs,
        path: &Path,
        metadata: &[(String, String)],
    ) -> Result<u64, Error> {
        // As rows are sorted: by names, not by places in the study.
        let mut models: Vec<usize> = (0..inputs.names.len()).collect();
        models.sort_by_key(|&model| &inputs.names[model]);
        let of_model = |model: usize| spans(inputs.steps.len()).into_iter().map(move |span| (model, span));
        let parts = models.into_iter().flat_map(of_model);
        write_parts(path, parts.map(|(model, span)| self.rows(config, inputs, model, span)), metadata)
    }

    fn rows(
        &self,
        config: &StudyConfig,
        inputs: &Inputs,
        model: usize,
        (from, to): Span,
    ) -> Result<Vec<ContinuityRow>, Error> {
        let found = self.followed[model].read((from, to))?;
        let standings = [from, to].map(|step| &self.standings[step][model]);
        let rule = config.universality.rule;
        let [was, is] = standings.map(|standing| members(rule, &standing.scores, config.threshold()));
        let defined = |values: &[f64], neuron: usize| Some(values[neuron] as f32).filter(|value| !value.is_nan());
        let row = |neuron: usize| {
            let id = NeuronId::from_flat(neuron, inputs.checkpoints[from][model].config.d_mlp);
            let [n_matches, n_matches_kept] = matches_kept(standings[0], standings[1], neuron);
            ContinuityRow {
                model: inputs.names[model].clone(),
                from_checkpoint: inputs.steps[from],
                to_checkpoint: inputs.steps[to],
                layer: id.layer as u16,
                neuron: id.index as u32,
                is_universal_from: was[neuron],
                is_universal_to: is[neuron],
                self_corr: defined(&found.self_corr, neuron),
                cos_in: defined(&found.cos_in, neuron),
                cos_out: defined(&found.cos_out, neuron),
                n_matches,
                n_matches_kept,
            }
        };
        Ok((0..was.len()).map(row).collect())
    }
}
