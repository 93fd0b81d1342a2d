//! From correlations to decisions: excess, universality and emergence, with how sure they are.

use homolog_model::NeuronId;
use homolog_results::{EmergenceRow, NeuronRow, ScreeningRow};
use homolog_stats::{PairScore, ShareAbove, Universality, mean_interval, t_quantile};

use super::evidence::Evidence;
use super::nulls::Discoveries;
use crate::StudyConfig;
use crate::cliques_table::MutualMatches;
use crate::config::UniversalityRule;
use crate::inputs::Inputs;
use crate::results::{CheckpointCorrelation, PairScreening};

/// Raised whenever the arithmetic of neurons, matches, cliques, nulls or emergence changes.
pub(crate) const VERSION: u32 = 4;

/// One step classified.
#[derive(Default)]
pub(crate) struct Classified {
    pub(crate) neurons: Vec<NeuronRow>,
    pub(crate) emergence: Vec<EmergenceRow>,
    /// None of an exact search.
    pub(crate) screening: Vec<ScreeningRow>,
    /// By model.
    pub(crate) standings: Vec<Standing>,
}

/// Where the neurons of one model stand at one step: what is held against other steps. Decisions are taken on these, before any rounding.
pub(crate) struct Standing {
    /// [neuron]: what the study's rule holds against its threshold, none where undefined.
    pub(crate) scores: Vec<Option<f64>>,
    /// The same on each half of the tokens, baselines kept; none where these were not halved, and by rule fdr.
    pub(crate) halves: Option<[Vec<Option<f64>>; 2]>,
    /// [neuron]: standard error of the score; none without evidence and by another rule than excess.
    pub(crate) se: Option<Vec<Option<f64>>>,
    /// Of each other model in order, [neuron]: the flat number of the best match; none where undefined.
    pub(crate) matched: Vec<Vec<Option<u32>>>,
}

impl Standing {
    fn of(step: &Step<'_>, model: usize, neurons: &[Neuron]) -> Self {
        let rule = step.config.universality.rule;
        let is_halved = step.inputs.runs.len() > 1 && step.correlated.screening.is_none();
        let half = |half: usize| neurons.iter().map(|neuron| neuron.score_on_half(step, half)).collect();
        let se = || neurons.iter().map(|neuron| neuron.interval.map(|interval| interval.0)).collect();
        let others = (0..step.inputs.names.len()).filter(|&other| other != model);
        let matched = others.map(|other| {
            let pair = &step.correlated.pairs[&(model, other)];
            (0..neurons.len()).map(|neuron| Some(pair.best(neuron, 0)?.1 as u32)).collect()
        });
        Self {
            matched: matched.collect(),
            scores: neurons.iter().map(|neuron| neuron.score(step)).collect(),
            halves: (is_halved && rule != UniversalityRule::Fdr).then(|| [half(0), half(1)]),
            se: step.evidence.filter(|_| rule == UniversalityRule::Excess).map(|_| se()),
        }
    }
}

/// What is known of one step.
pub(crate) struct Step<'a> {
    pub(crate) config: &'a StudyConfig,
    pub(crate) inputs: &'a Inputs,
    pub(crate) at: usize,
    pub(crate) correlated: &'a CheckpointCorrelation,
    pub(crate) evidence: Option<&'a Evidence>,
    pub(crate) discoveries: &'a Discoveries,
    pub(crate) mutual: &'a MutualMatches,
    /// By model, where there is an earlier step.
    pub(crate) previous: Option<&'a [Standing]>,
}

/// Classify every neuron of every model at one step, each model in turn being the reference.
pub(crate) fn run(step: &Step<'_>) -> Classified {
    let mut classified = Classified::default();
    let n_models = step.inputs.names.len();
    for model in 0..n_models {
        let neurons: Vec<Neuron> =
            (0..step.correlated.moments[model].len()).map(|neuron| Neuron::of(step, model, neuron)).collect();
        let standing = Standing::of(step, model, &neurons);
        classified.neurons.extend(neurons.iter().zip(&standing.scores).map(|(neuron, &score)| neuron.row(step, score)));
        for other in (0..n_models).filter(|&other| other != model) {
            let screening = step.correlated.screening.as_ref().map(|screening| &screening[&(model, other)]);
            classified.screening.extend(screening.map(|of| screening_row(step.inputs, step.at, (model, other), of)));
        }
        classified.emergence.extend(emergence_rows(step, model, &neurons, &standing.scores));
        classified.standings.push(standing);
    }
    classified
}

/// One neuron against all other models.
struct Neuron {
    model: usize,
    /// Flat number.
    number: usize,
    /// Of each other model, in order.
    scores: Vec<Option<PairScore>>,
    universality: Universality,
    /// Standard error and ends of the interval of the excess.
    interval: Option<(f64, f64, f64)>,
}

impl Neuron {
    fn of(step: &Step<'_>, model: usize, neuron: usize) -> Self {
        let score = |other: usize| {
            let pair = &step.correlated.pairs[&(model, other)];
            Some(PairScore { max_corr: pair.best(neuron, 0)?.0, baseline: pair.baseline(neuron)? })
        };
        let others = (0..step.inputs.names.len()).filter(|&other| other != model);
        let scores: Vec<Option<PairScore>> = others.map(score).collect();
        let universality = Universality::of(&scores);
        let interval = step.evidence.zip(universality.excess_corr).and_then(|(evidence, excess)| {
            let without: Vec<f64> = evidence.without(model, neuron).iter().map(|change| excess + change).collect();
            mean_interval(excess, &without, &evidence.n_tokens, step.config.evidence.level)
        });
        Self { model, number: neuron, scores, universality, interval }
    }

    /// By the study's rule.
    fn score(&self, step: &Step<'_>) -> Option<f64> {
        match step.config.universality.rule {
            UniversalityRule::Excess => self.universality.excess_corr,
            UniversalityRule::Count => nth_corr(&self.scores, step.config.count_models()),
            UniversalityRule::Fdr => step.discoveries.q_bh[self.model][self.number],
        }
    }

    /// By the study's rule, of the best match on one half of the tokens and its correlation there.
    fn score_on_half(&self, step: &Step<'_>, half: usize) -> Option<f64> {
        let score = |other: usize| {
            let pair = &step.correlated.pairs[&(self.model, other)];
            let (max_corr, _) = pair.matching.cross_fit[self.number].chosen[half].get()?;
            Some(PairScore { max_corr, baseline: pair.baseline(self.number)? })
        };
        let others = (0..step.inputs.names.len()).filter(|&other| other != self.model);
        let scores: Vec<Option<PairScore>> = others.map(score).collect();
        match step.config.universality.rule {
            UniversalityRule::Excess => Universality::of(&scores).excess_corr,
            UniversalityRule::Count => nth_corr(&scores, step.config.count_models()),
            UniversalityRule::Fdr => None,
        }
    }

    /// Mean over the other models of what is defined; none where nothing is.
    fn mean_over_others(&self, step: &Step<'_>, of: impl Fn(usize) -> Option<f64>) -> Option<f64> {
        let others = (0..step.inputs.names.len()).filter(|&other| other != self.model);
        let defined: Vec<f64> = others.filter_map(of).collect();
        (!defined.is_empty()).then(|| defined.iter().sum::<f64>() / defined.len() as f64)
    }

    fn row(&self, step: &Step<'_>, score: Option<f64>) -> NeuronRow {
        let &Self { model, number: neuron, ref scores, universality, .. } = self;
        let Step { config, inputs, at: step_idx, correlated, .. } = *step;
        let section = &config.universality;
        let id = NeuronId::from_flat(neuron, inputs.checkpoints[step_idx][model].config.d_mlp);
        let n_above = scores.iter().flatten().filter(|score| score.max_corr > section.count_threshold).count();
        let moments = &correlated.moments[model][neuron];
        let cross_fitted = |other: usize| correlated.pairs[&(model, other)].matching.cross_fit[neuron].estimate();
        let excess_of_cross_fitted =
            |other: usize| Some(cross_fitted(other)? - correlated.pairs[&(model, other)].baseline(neuron)?);
        let of_match = |column: &'static str| {
            self.mean_over_others(step, |other| step.evidence?.pairs[&(model, other)].get(column, neuron))
        };
        let explained = |at: usize| {
            let share = step.evidence.map(|evidence| evidence.models[model].explained[at][neuron]);
            share.filter(|share| !share.is_nan())
        };
        let p = step.discoveries.p[model][neuron];
        let q_bh = step.discoveries.q_bh[model][neuron];
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
                of_model
                    .into_iter()
                    .all(|(_, screening)| screening.is_exact(neuron) && screening.is_baseline_exact(neuron))
            }),
            excess_se: self.interval.map(|interval| interval.0),
            excess_low: self.interval.map(|interval| interval.1),
            excess_high: self.interval.map(|interval| interval.2),
            cross_fitted_corr: self.mean_over_others(step, cross_fitted),
            cross_fitted_excess: self.mean_over_others(step, excess_of_cross_fitted),
            p_value: p.map(|p| p.p),
            p_is_fitted: p.map(|p| p.is_fitted),
            q_bh,
            q_by: step.discoveries.q_by[model][neuron],
            is_universal: section.rule.is_universal(score, config.threshold()),
            is_universal_excess: universality.is_universal(config.excess_threshold()),
            is_universal_fdr: UniversalityRule::Fdr.is_universal(q_bh, section.fdr),
            n_models_above: n_above as u32,
            is_universal_count: n_above >= config.count_models(),
            n_mutual: step.mutual.n_mutual(model, neuron),
            n_models_clique: step.mutual.n_models_clique(model, neuron),
            mean_corr_without_both: of_match("without_both"),
            token_share: explained(0),
            position_share: explained(1),
            token_position_share: explained(2),
            act_mean: moments.mean,
            act_var: moments.var,
            act_skew: moments.skew,
            act_kurt: moments.kurt,
            act_min: moments.min,
            act_max: moments.max,
            frac_positive: moments.frac_positive,
            // What the neuron is worth to the loss is known later.
            ..NeuronRow::default()
        }
    }
}

/// The n-th largest `max_corr` of a neuron; none where fewer are defined.
fn nth_corr(scores: &[Option<PairScore>], n: usize) -> Option<f64> {
    let mut corrs: Vec<f64> = scores.iter().flatten().map(|score| score.max_corr).collect();
    corrs.sort_unstable_by(|a, b| b.total_cmp(a));
    corrs.get(n - 1).copied()
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

/// Who is universal by a rule and threshold, by flat neuron number; what is undefined is not.
pub(crate) fn members(rule: UniversalityRule, scores: &[Option<f64>], threshold: f64) -> Vec<bool> {
    scores.iter().map(|&score| rule.is_universal(score, threshold)).collect()
}

/// All layers (none), then each, over a slice of all neurons of a model.
pub(crate) fn layers(n_neurons: usize, d_mlp: usize) -> impl Iterator<Item = (Option<u16>, std::ops::Range<usize>)> {
    let each = (0..n_neurons / d_mlp).map(move |layer| (Some(layer as u16), layer * d_mlp..(layer + 1) * d_mlp));
    std::iter::once((None, 0..n_neurons)).chain(each)
}

fn emergence_rows(step: &Step<'_>, model: usize, neurons: &[Neuron], scores: &[Option<f64>]) -> Vec<EmergenceRow> {
    let Step { config, inputs, at: step_idx, .. } = *step;
    let d_mlp = inputs.checkpoints[step_idx][model].config.d_mlp;
    let rule = config.universality.rule;
    // Only an excess is known without each block.
    let evidence = step.evidence.filter(|_| rule == UniversalityRule::Excess);
    let mut rows = Vec::new();
    for &threshold in config.thresholds() {
        let is_member = members(rule, scores, threshold);
        let was_member = step.previous.map(|previous| members(rule, &previous[model].scores, threshold));
        for (layer, of_layer) in layers(scores.len(), d_mlp) {
            let n_neurons = of_layer.len() as u64;
            let n_universal = is_member[of_layer.clone()].iter().filter(|&&is_member| is_member).count() as u64;
            let share = n_universal as f64 / n_neurons as f64;
            let neurons = &neurons[of_layer.clone()];
            let interval = evidence.and_then(|evidence| {
                let se = share_se(neurons, evidence, model, threshold)?;
                let reach = t_quantile(evidence.n_tokens.len() - 1, config.evidence.level) * se;
                Some((se, share - reach, share + reach))
            });
            // Without an interval a neuron is possibly universal if it is so, and never surely.
            let changed =
                |from: &[bool], to: &[bool]| from.iter().zip(to).filter(|&(from, to)| *to && !*from).count() as u64;
            let [is, was] = [Some(&is_member), was_member.as_ref()].map(|set| Some(&set?[of_layer.clone()]));
            let is_possible = |(neuron, is_member): (&Neuron, &bool)| {
                neuron.interval.map_or(*is_member, |interval| interval.2 > threshold)
            };
            let n_possibly = neurons.iter().zip(&is_member[of_layer]).filter(|of| is_possible(*of)).count() as u64;
            let intervals = neurons.iter().filter_map(|neuron| neuron.interval);
            let n_surely = intervals.filter(|interval| interval.1 > threshold).count() as u64;
            rows.push(EmergenceRow {
                model: inputs.names[model].clone(),
                checkpoint: inputs.steps[step_idx],
                layer,
                threshold,
                n_neurons,
                n_universal,
                share,
                share_se: interval.map(|interval| interval.0),
                share_low: interval.map(|interval| interval.1),
                share_high: interval.map(|interval| interval.2),
                n_surely: evidence.map(|_| n_surely),
                n_possibly: evidence.map(|_| n_possibly),
                n_births: was.zip(is).map(|(was, is)| changed(was, is)),
                n_deaths: was.zip(is).map(|(was, is)| changed(is, was)),
            });
        }
    }
    rows
}

/// Standard error of the share of these neurons whose excess passes a threshold.
fn share_se(neurons: &[Neuron], evidence: &Evidence, model: usize, threshold: f64) -> Option<f64> {
    let mut share = ShareAbove::new(threshold, evidence.n_tokens.len());
    for neuron in neurons {
        match neuron.universality.excess_corr {
            Some(excess) => {
                let se = neuron.interval.map(|interval| interval.0);
                share.push(excess, se, evidence.without(model, neuron.number));
            }
            None => share.push_undefined(),
        }
    }
    share.se(&evidence.n_tokens)
}
