//! From correlations to decisions: excess, universality, emergence, and the match of every neuron.

use homolog_model::NeuronId;
use homolog_results::{EmergenceRow, MatchRow, NeuronRow, ScreeningRow};
use homolog_stats::{PairScore, Universality};

use crate::StudyConfig;
use crate::inputs::Inputs;
use crate::results::{CheckpointCorrelation, PairCorrelation, PairScreening};

/// Raised whenever the arithmetic of neurons, matches or emergence changes.
pub(crate) const VERSION: u32 = 2;

/// One step classified.
#[derive(Default)]
pub(crate) struct Classified {
    pub(crate) neurons: Vec<NeuronRow>,
    pub(crate) matches: Vec<MatchRow>,
    pub(crate) emergence: Vec<EmergenceRow>,
    /// None of an exact search.
    pub(crate) screening: Vec<ScreeningRow>,
    /// [model][neuron]: excess correlation, none where undefined. Decisions are taken on these, before any rounding.
    pub(crate) excess: Vec<Vec<Option<f64>>>,
}

/// Classify every neuron of every model at one step, each model in turn being the reference.
pub(crate) fn run(
    config: &StudyConfig,
    inputs: &Inputs,
    step_idx: usize,
    correlated: &CheckpointCorrelation,
) -> Classified {
    let mut classified = Classified::default();
    let n_models = inputs.names.len();
    for model in 0..n_models {
        let others: Vec<usize> = (0..n_models).filter(|&other| other != model).collect();
        let n_neurons = correlated.moments[model].len();
        let mut excess = Vec::with_capacity(n_neurons);
        for neuron in 0..n_neurons {
            let score = |other: &usize| {
                let pair = &correlated.pairs[&(model, *other)];
                Some(PairScore { max_corr: pair.best(neuron, 0)?.0, baseline: pair.baseline(neuron)? })
            };
            let scores: Vec<Option<PairScore>> = others.iter().map(score).collect();
            let universality = Universality::of(&scores);
            excess.push(universality.excess_corr);
            classified.neurons.push(neuron_row(
                config,
                inputs,
                step_idx,
                correlated,
                (model, neuron),
                (&scores, &universality),
            ));
        }
        for other in others {
            let pair = &correlated.pairs[&(model, other)];
            let screening = correlated.screening.as_ref().map(|screening| &screening[&(model, other)]);
            let row = |neuron| match_row(inputs, step_idx, (model, other), neuron, (pair, screening));
            classified.matches.extend((0..n_neurons).map(row));
            classified.screening.extend(screening.map(|of| screening_row(inputs, step_idx, (model, other), of)));
        }
        classified.emergence.extend(emergence_rows(config, inputs, step_idx, model, &excess));
        classified.excess.push(excess);
    }
    classified
}

fn neuron_row(
    config: &StudyConfig,
    inputs: &Inputs,
    step_idx: usize,
    correlated: &CheckpointCorrelation,
    (model, neuron): (usize, usize),
    (scores, universality): (&[Option<PairScore>], &Universality),
) -> NeuronRow {
    let section = &config.universality;
    let id = NeuronId::from_flat(neuron, inputs.checkpoints[step_idx][model].config.d_mlp);
    let n_above = scores.iter().flatten().filter(|score| score.max_corr > section.count_threshold).count();
    let moments = &correlated.moments[model][neuron];
    NeuronRow {
        model: inputs.names[model].clone(),
        checkpoint: inputs.steps[step_idx],
        layer: id.layer as u16,
        neuron: id.index as u32,
        max_corr: universality.max_corr,
        mean_corr: universality.mean_corr,
        min_corr: universality.min_corr,
        max_baseline: universality.max_baseline,
        mean_baseline: universality.mean_baseline,
        min_baseline: universality.min_baseline,
        excess_corr: universality.excess_corr,
        is_exact: correlated.screening.as_ref().is_none_or(|screening| {
            let of_model = screening.iter().filter(|(pair, _)| pair.0 == model);
            of_model.into_iter().all(|(_, screening)| screening.is_exact(neuron) && screening.is_baseline_exact(neuron))
        }),
        is_universal: universality.is_universal(section.threshold),
        n_models_above: n_above as u32,
        is_universal_count: n_above >= config.count_models(),
        act_mean: moments.mean,
        act_var: moments.var,
        act_skew: moments.skew,
        act_kurt: moments.kurt,
        act_min: moments.min,
        act_max: moments.max,
        frac_positive: moments.frac_positive,
    }
}

fn match_row(
    inputs: &Inputs,
    step_idx: usize,
    (model, other): (usize, usize),
    neuron: usize,
    (pair, screening): (&PairCorrelation, Option<&PairScreening>),
) -> MatchRow {
    let checkpoints = &inputs.checkpoints[step_idx];
    let id = NeuronId::from_flat(neuron, checkpoints[model].config.d_mlp);
    let other_id =
        |best: Option<(f64, usize)>| best.map(|(_, flat)| NeuronId::from_flat(flat, checkpoints[other].config.d_mlp));
    let corr = |best: Option<(f64, usize)>| best.map(|(corr, _)| corr as f32);
    let (best, second, lowest) = (pair.best(neuron, 0), pair.best(neuron, 1), pair.lowest(neuron));
    MatchRow {
        model: inputs.names[model].clone(),
        other: inputs.names[other].clone(),
        checkpoint: inputs.steps[step_idx],
        layer: id.layer as u16,
        neuron: id.index as u32,
        max_corr: corr(best),
        matched_layer: other_id(best).map(|id| id.layer as u16),
        matched_neuron: other_id(best).map(|id| id.index as u32),
        second_corr: corr(second),
        lowest_corr: corr(lowest),
        lowest_layer: other_id(lowest).map(|id| id.layer as u16),
        lowest_neuron: other_id(lowest).map(|id| id.index as u32),
        is_exact: screening.is_none_or(|screening| screening.is_exact(neuron)),
        margin: screening
            .filter(|screening| !screening.is_exact(neuron))
            .map(|screening| screening.margin[neuron] as f32),
        baseline: pair.baseline(neuron).map(|baseline| baseline as f32),
        is_baseline_exact: screening.is_none_or(|screening| screening.is_baseline_exact(neuron)),
    }
}

fn screening_row(
    inputs: &Inputs,
    step_idx: usize,
    (model, other): (usize, usize),
    PairScreening { margin, audit }: &PairScreening,
) -> ScreeningRow {
    let bias = |at: usize| audit.baseline_bias.map(|bias| bias[at]);
    ScreeningRow {
        model: inputs.names[model].clone(),
        other: inputs.names[other].clone(),
        checkpoint: inputs.steps[step_idx],
        n_tokens_sample: audit.n_sampled as u64,
        n_tokens_narrowing: audit.n_narrowed_on.map(|n| n as u64),
        n_neurons: margin.len() as u64,
        n_audited: audit.n_audited as u64,
        n_unsure: audit.n_unsure as u64,
        n_near_threshold: audit.n_near_threshold as u64,
        n_screened: margin.iter().filter(|margin| !margin.is_nan()).count() as u64,
        least_margin: margin.iter().copied().filter(|margin| !margin.is_nan()).min_by(f64::total_cmp),
        n_audited_sure: audit.n_audited_sure as u64,
        n_same_match: audit.n_same_match as u64,
        max_corr_difference: audit.max_corr_difference,
        baseline_bias: bias(0),
        baseline_bias_sd: bias(1),
        baseline_bias_largest: bias(2),
    }
}

/// Who is universal at a threshold, by flat neuron number; an undefined excess is not.
pub(crate) fn members(excess: &[Option<f64>], threshold: f64) -> Vec<bool> {
    excess.iter().map(|excess| excess.is_some_and(|excess| excess > threshold)).collect()
}

/// All layers (none), then each, over a slice of all neurons of a model.
pub(crate) fn layers(n_neurons: usize, d_mlp: usize) -> impl Iterator<Item = (Option<u16>, std::ops::Range<usize>)> {
    let each = (0..n_neurons / d_mlp).map(move |layer| (Some(layer as u16), layer * d_mlp..(layer + 1) * d_mlp));
    std::iter::once((None, 0..n_neurons)).chain(each)
}

fn emergence_rows(
    config: &StudyConfig,
    inputs: &Inputs,
    step_idx: usize,
    model: usize,
    excess: &[Option<f64>],
) -> Vec<EmergenceRow> {
    let d_mlp = inputs.checkpoints[step_idx][model].config.d_mlp;
    let mut rows = Vec::new();
    for &threshold in &config.universality.thresholds {
        let is_member = members(excess, threshold);
        for (layer, neurons) in layers(excess.len(), d_mlp) {
            let n_neurons = neurons.len() as u64;
            let n_universal = is_member[neurons].iter().filter(|&&is_member| is_member).count() as u64;
            rows.push(EmergenceRow {
                model: inputs.names[model].clone(),
                checkpoint: inputs.steps[step_idx],
                layer,
                threshold,
                n_neurons,
                n_universal,
                share: n_universal as f64 / n_neurons as f64,
            });
        }
    }
    rows
}
