//! Table `cliques`: which neurons of several models are each other's best match all round.

use homolog_model::NeuronId;
use homolog_results::CliqueRow;
use homolog_stats::{Clique, cliques};

use crate::StudyConfig;
use crate::inputs::Inputs;
use crate::results::CheckpointCorrelation;

/// Mutual best matches of one step, and the cliques that they make.
pub(crate) struct MutualMatches {
    n_models: usize,
    /// [model * `n_models` + other][neuron]: its best match, where the match's best is this neuron.
    partners: Vec<Vec<Option<u32>>>,
    cliques: Vec<Clique>,
    /// [model][neuron]: models of its largest clique, 1 where it is in none.
    n_models_clique: Vec<Vec<u32>>,
}

impl MutualMatches {
    pub(crate) fn new(correlated: &CheckpointCorrelation) -> Self {
        let n_models = correlated.moments.len();
        let best = |model: usize, other: usize, neuron: usize| {
            correlated.pairs[&(model, other)].best(neuron, 0).map(|(_, partner)| partner)
        };
        let mutual = |model: usize, other: usize, neuron: usize| {
            best(model, other, neuron).filter(|&partner| best(other, model, partner) == Some(neuron))
        };
        let mut partners = Vec::new();
        for model in 0..n_models {
            for other in 0..n_models {
                let n = if model == other { 0 } else { correlated.moments[model].len() };
                let of_pair = (0..n).map(|neuron| mutual(model, other, neuron).map(|partner| partner as u32));
                partners.push(of_pair.collect());
            }
        }
        let cliques = cliques(n_models, &partners, n_models.min(LEAST_MODELS));
        let mut n_models_clique: Vec<Vec<u32>> =
            correlated.moments.iter().map(|moments| vec![1; moments.len()]).collect();
        for clique in &cliques {
            for &(model, neuron) in &clique.members {
                let largest = &mut n_models_clique[model][neuron as usize];
                *largest = (*largest).max(clique.members.len() as u32);
            }
        }
        Self { n_models, partners, cliques, n_models_clique }
    }

    /// Other models with a mutual best match of a neuron.
    pub(crate) fn n_mutual(&self, model: usize, neuron: usize) -> u32 {
        let others = (0..self.n_models).filter(|&other| other != model);
        others.filter(|other| self.partners[model * self.n_models + other][neuron].is_some()).count() as u32
    }

    /// Models of the largest clique that a neuron is in.
    pub(crate) fn n_models_clique(&self, model: usize, neuron: usize) -> u32 {
        self.n_models_clique[model][neuron]
    }

    /// The table of one step.
    pub(crate) fn rows(
        &self,
        config: &StudyConfig,
        inputs: &Inputs,
        step_idx: usize,
        correlated: &CheckpointCorrelation,
    ) -> Vec<CliqueRow> {
        let mut rows = Vec::new();
        for (number, Clique { members }) in self.cliques.iter().enumerate() {
            let mut corrs = Vec::new();
            let mut excess = Vec::new();
            for &(model, neuron) in members {
                for &(other, _) in members.iter().filter(|(other, _)| *other != model) {
                    let pair = &correlated.pairs[&(model, other)];
                    let best = pair.best(neuron as usize, 0).map(|best| best.0);
                    corrs.extend(best);
                    excess.extend(best.zip(pair.baseline(neuron as usize)).map(|(corr, baseline)| corr - baseline));
                }
            }
            let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
            let is_full = members.len() == self.n_models;
            let excess_corr = (!excess.is_empty()).then(|| mean(&excess));
            rows.extend(members.iter().map(|&(model, neuron)| {
                let id = NeuronId::from_flat(neuron as usize, inputs.checkpoints[step_idx][model].config.d_mlp);
                CliqueRow {
                    checkpoint: inputs.steps[step_idx],
                    clique: number as u32,
                    model: inputs.names[model].clone(),
                    layer: id.layer as u16,
                    neuron: id.index as u32,
                    n_models: members.len() as u32,
                    is_full,
                    min_corr: corrs.iter().copied().fold(f64::INFINITY, f64::min),
                    mean_corr: mean(&corrs),
                    excess_corr,
                    is_universal: is_full && excess_corr.is_some_and(|excess| excess > config.excess_threshold()),
                }
            }));
        }
        rows
    }
}

/// Models of the smallest clique that is told of, where the study has as many.
const LEAST_MODELS: usize = 3;
