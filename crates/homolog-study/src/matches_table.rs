//! Table `matches`, from the artifacts of all steps, two models at a time: the largest table by far, never held whole.

use std::path::{Path, PathBuf};

use homolog_model::NeuronId;
use homolog_results::{MatchRow, write_parts};
use homolog_stats::BestMatch;

use crate::inputs::Inputs;
use crate::results::{CheckpointCorrelation, PairCorrelation, PairScreening};
use crate::stages::evidence::PairEvidence;
use crate::stages::nulls::{NullPaths, PairNulls};
use crate::{Error, StudyConfig};

/// Where what is known of one step's matches lies.
pub(crate) struct StepArtifacts {
    pub(crate) correlated: PathBuf,
    /// None where no evidence was asked for.
    pub(crate) evidence: Option<PathBuf>,
    pub(crate) nulls: NullPaths,
}

/// Everything that is known of one (model, other) at one step.
struct OfPair {
    pair: PairCorrelation,
    /// The other against the model.
    back: PairCorrelation,
    screening: Option<PairScreening>,
    evidence: Option<PairEvidence>,
    nulls: PairNulls,
    /// By neuron: neurons of the other whose best match it is.
    n_matched_by: Vec<u32>,
    d_mlp: usize,
    other_d_mlp: usize,
}

/// Write the table; returns its number of rows.
pub(crate) fn write(
    config: &StudyConfig,
    inputs: &Inputs,
    steps: &[StepArtifacts],
    path: &Path,
    metadata: &[(String, String)],
) -> Result<u64, Error> {
    // As rows are sorted: by names, not by places in the study.
    let mut models: Vec<usize> = (0..inputs.names.len()).collect();
    models.sort_by_key(|&model| &inputs.names[model]);
    let mut parts = Vec::new();
    for &model in &models {
        for &other in models.iter().filter(|&&other| other != model) {
            parts.extend((0..steps.len()).map(|step_idx| (model, other, step_idx)));
        }
    }
    let rows = |(model, other, step_idx): (usize, usize, usize)| {
        let of_pair = OfPair::read(config, inputs, step_idx, &steps[step_idx], (model, other))?;
        let names = (&inputs.names[model], &inputs.names[other]);
        let n = of_pair.pair.n_neurons();
        Ok::<Vec<MatchRow>, Error>((0..n).map(|neuron| of_pair.row(names, inputs.steps[step_idx], neuron)).collect())
    };
    write_parts(path, parts.into_iter().map(rows), metadata)
}

impl OfPair {
    fn read(
        config: &StudyConfig,
        inputs: &Inputs,
        step_idx: usize,
        artifacts: &StepArtifacts,
        (model, other): (usize, usize),
    ) -> Result<Self, Error> {
        let (pair, screening) = CheckpointCorrelation::read_one(&artifacts.correlated, (model, other))?;
        let (back, _) = CheckpointCorrelation::read_one(&artifacts.correlated, (other, model))?;
        let evidence = artifacts.evidence.as_ref().map(|path| PairEvidence::read(path, (model, other))).transpose()?;
        let [d_mlp, other_d_mlp] = [model, other].map(|model| inputs.checkpoints[step_idx][model].config.d_mlp);
        let nulls = PairNulls::read(config, (model, other), (&pair, d_mlp), &artifacts.nulls)?;
        let mut n_matched_by = vec![0; pair.n_neurons()];
        for (_, partner) in (0..back.n_neurons()).filter_map(|neuron| back.best(neuron, 0)) {
            n_matched_by[partner] += 1;
        }
        Ok(Self { pair, back, screening, evidence, nulls, n_matched_by, d_mlp, other_d_mlp })
    }

    fn row(&self, (model, other): (&String, &String), checkpoint: Option<i64>, neuron: usize) -> MatchRow {
        let Self { pair, screening, nulls, .. } = self;
        let screening = screening.as_ref();
        let is_exact = screening.is_none_or(|screening| screening.is_exact(neuron));
        let id = NeuronId::from_flat(neuron, self.d_mlp);
        let other_id = |best: Option<(f64, usize)>| best.map(|(_, flat)| NeuronId::from_flat(flat, self.other_d_mlp));
        let corr = |best: Option<(f64, usize)>| best.map(|(corr, _)| corr as f32);
        let (best, second, lowest) = (pair.best(neuron, 0), pair.best(neuron, 1), pair.lowest(neuron));
        let evidence = |column: &'static str| self.evidence.as_ref()?.get(column, neuron);
        let rounded = |value: Option<f64>| value.map(|value| value as f32);
        let halves = pair.matching.cross_fit[neuron];
        // Where the sample has chosen a match within layers, its correlation over all tokens may be known.
        let of_layers = |best: BestMatch, column: &'static str| {
            let (corr, flat) = best.get()?;
            let id = NeuronId::from_flat(flat as usize, self.other_d_mlp);
            Some((evidence(column).unwrap_or(corr) as f32, id))
        };
        let [same_layer, near_layers, one_to_one] = pair.matching.of_layers(neuron);
        let same_layer = of_layers(same_layer, "same_layer");
        let near_layers = of_layers(near_layers, "near_layers");
        let one_to_one = of_layers(one_to_one, "one_to_one");
        let p_rotation = best.and_then(|best| nulls.p_rotation(neuron, best.0));
        MatchRow {
            model: model.clone(),
            other: other.clone(),
            checkpoint,
            layer: id.layer as u16,
            neuron: id.index as u32,
            max_corr: corr(best),
            matched_layer: other_id(best).map(|id| id.layer as u16),
            matched_neuron: other_id(best).map(|id| id.index as u32),
            second_corr: corr(second),
            lowest_corr: corr(lowest),
            lowest_layer: other_id(lowest).map(|id| id.layer as u16),
            lowest_neuron: other_id(lowest).map(|id| id.index as u32),
            is_exact,
            margin: screening
                .filter(|screening| !screening.is_exact(neuron))
                .map(|screening| screening.margin[neuron] as f32),
            baseline: rounded(pair.baseline(neuron)),
            is_baseline_exact: screening.is_none_or(|screening| screening.is_baseline_exact(neuron)),
            max_corr_se: rounded(evidence("se")),
            max_corr_low: rounded(evidence("low")),
            max_corr_high: rounded(evidence("high")),
            n_eff: rounded(evidence("n_eff")),
            cross_fitted_corr: rounded(halves.estimate()),
            is_same_in_halves: halves.is_same_match(),
            lead: best.zip(second).map(|(best, second)| (best.0 - second.0) as f32),
            lead_se: rounded(evidence("lead_se")),
            is_mutual: best.and_then(|(_, partner)| self.back.best(partner, 0)).is_some_and(|back| back.1 == neuron),
            n_matched_by: self.n_matched_by[neuron],
            is_antipodal: best.zip(lowest).filter(|_| is_exact).map(|(best, lowest)| -lowest.0 > best.0),
            same_layer_corr: same_layer.map(|of| of.0),
            same_layer_neuron: same_layer.map(|(_, id)| id.index as u32),
            near_layers_corr: near_layers.map(|of| of.0),
            near_layers_layer: near_layers.map(|(_, id)| id.layer as u16),
            near_layers_neuron: near_layers.map(|(_, id)| id.index as u32),
            one_to_one_corr: one_to_one.map(|of| of.0),
            one_to_one_neuron: one_to_one.map(|(_, id)| id.index as u32),
            corr_without_token: rounded(evidence("without_token")),
            corr_without_position: rounded(evidence("without_position")),
            corr_without_both: rounded(evidence("without_both")),
            p_rotation: p_rotation.map(|p| p.p),
            p_is_fitted: p_rotation.map(|p| p.is_fitted),
            p_permuted: best.and_then(|best| nulls.p_permuted(neuron, best.0)).map(|p| p as f32),
            p_untrained: best.and_then(|best| nulls.p_untrained(neuron, best.0)).map(|p| p as f32),
        }
    }
}
