//! Which universal neurons stay universal: every pair of checkpoints of a model, and how often each neuron is universal.

use homolog_results::{PersistenceRow, StabilityRow};
use homolog_stats::overlap;

use super::classify::{layers, members};
use crate::StudyConfig;
use crate::inputs::Inputs;

/// Raised whenever the arithmetic of persistence or stability changes.
pub(crate) const VERSION: u32 = 1;

/// `scores` is [step][model][neuron]. No rows when a study names no checkpoints: nothing can persist.
pub(crate) fn run(
    config: &StudyConfig,
    inputs: &Inputs,
    scores: &[Vec<Vec<Option<f64>>>],
) -> (Vec<PersistenceRow>, Vec<StabilityRow>) {
    let rule = config.universality.rule;
    let (mut persistence, mut stability) = (Vec::new(), Vec::new());
    if config.checkpoints.is_none() {
        return (persistence, stability);
    }
    for (model, name) in inputs.names.iter().enumerate() {
        let d_mlp = inputs.checkpoints[0][model].config.d_mlp;
        let n_neurons = scores[0][model].len();
        for &threshold in config.thresholds() {
            let sets: Vec<Vec<bool>> = scores.iter().map(|step| members(rule, &step[model], threshold)).collect();
            for (layer, neurons) in layers(n_neurons, d_mlp) {
                for from in 0..sets.len() {
                    for to in from + 1..sets.len() {
                        let overlap = overlap(&sets[from][neurons.clone()], &sets[to][neurons.clone()], d_mlp);
                        persistence.push(PersistenceRow {
                            model: name.clone(),
                            from_checkpoint: inputs.steps[from],
                            to_checkpoint: inputs.steps[to],
                            is_consecutive: to == from + 1,
                            is_from_first: from == 0,
                            layer,
                            threshold,
                            n_from: overlap.n_from,
                            n_to: overlap.n_to,
                            n_both: overlap.n_both,
                            persistence: overlap.persistence,
                            jaccard: overlap.jaccard,
                            expected_by_chance: overlap.expected_by_chance,
                        });
                    }
                }
                let times = |neuron: usize| sets.iter().filter(|set| set[neuron]).count();
                stability.extend((1..=sets.len()).map(|k| StabilityRow {
                    model: name.clone(),
                    layer,
                    threshold,
                    k: k as u32,
                    n_universal_at_least_k: neurons.clone().filter(|&neuron| times(neuron) >= k).count() as u64,
                }));
            }
        }
    }
    (persistence, stability)
}
