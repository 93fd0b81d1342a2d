//! The best match of every neuron without every product: all pairs on a sample of the tokens, candidates on all of them, and
//! exactly what that leaves in doubt.
//!
//! A neuron is computed exactly if its match is not sure by the margin of `search.rs`; if its excess correlation lies close to a
//! threshold, since its baseline comes from the sample; or if it is drawn to be audited. The audit tells how far the rest can be
//! trusted. Decision 0012 has the reasons.

mod search;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;

use homolog_model::{Model, Tokens};
use homolog_stats::{Extremes, PairScore, RandomOrder, Universality};

use super::level::{Level, PairScores};
use super::reduce::Reduction;
use super::state::State;
use super::{Correlation, load, shape};
use crate::Error;
use crate::config::{ScreeningSection, UniversalityRule};
use crate::plan::{Chosen, Shape};
use crate::results::{Audit, CheckpointCorrelation, PairCorrelation, PairScreening};
use search::{MatchSearch, inflation};

/// (model, other)
type Pair = (usize, usize);

/// Audited neurons from which a spread is told.
const LEAST_DIFFERENCES: usize = 8;

/// Rows of the sample, of `n_rows`; none where that is all there are.
pub(crate) fn sample_rows(section: &ScreeningSection, context: usize, n_rows: usize) -> Option<usize> {
    Some(section.tokens.div_ceil(context)).filter(|&n_sampled| n_sampled < n_rows)
}

/// Rows on which candidates are narrowed; none where they are less than twice the sample's, or all there are.
pub(crate) fn narrowing_rows(section: &ScreeningSection, context: usize, n_rows: usize) -> Option<usize> {
    let [sample, narrowing] = [section.tokens, section.narrowing_tokens].map(|tokens| tokens.div_ceil(context));
    (narrowing >= 2 * sample && narrowing < n_rows).then_some(narrowing)
}

/// From the artifact of the sample at `screened`, which counts `n_sampled` positions, write that of all tokens at `path`.
pub(super) fn make(
    correlation: &Correlation<'_>,
    (screened, n_sampled): (&Path, usize),
    path: &Path,
) -> Result<(), Error> {
    let Correlation { config, inputs, step_idx, progress, .. } = *correlation;
    let checkpoints = &inputs.checkpoints[step_idx];
    let shapes: Vec<Shape> = checkpoints.iter().map(|checkpoint| shape(checkpoint, config)).collect();
    let sample = CheckpointCorrelation::read(screened, shapes.len())?;
    let models = load(checkpoints, config.correlation.precision, progress)?;
    let mut screening = Screening::new(correlation, &models, &shapes, (sample, n_sampled));
    let n_narrowed_on = screening.narrow()?;
    let moments = screening.decide()?;
    screening.into_results(moments, n_narrowed_on).write(path)
}

/// What a neuron has to do with another model, computed over all tokens and all pairs.
struct Exact {
    extremes: Extremes,
    /// By draw; none where the spread of rotated neurons is not computed over all tokens.
    baseline: Option<Vec<f64>>,
}

/// What screening alone says of a neuron.
struct Screened {
    /// The best match, if there is one.
    best: Option<(f64, u32)>,
    /// Whether it would have been left at that.
    is_sure: bool,
}

/// Why a neuron was computed exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    Audited,
    Unsure,
    NearThreshold,
}

/// One checkpoint's screening.
struct Screening<'a> {
    correlation: &'a Correlation<'a>,
    section: &'a ScreeningSection,
    models: &'a [Model],
    shapes: &'a [Shape],
    /// All pairs of neurons, on the sample.
    sample: CheckpointCorrelation,
    /// Counted positions of the sample.
    n_sampled: usize,
    /// [neuron]
    searches: BTreeMap<Pair, Vec<MatchSearch>>,
    exact: BTreeMap<Pair, BTreeMap<u32, (Exact, Why)>>,
    /// What screening alone has found for the audited.
    audited: BTreeMap<Pair, BTreeMap<u32, Screened>>,
}

impl<'a> Screening<'a> {
    fn new(
        correlation: &'a Correlation<'a>,
        models: &'a [Model],
        shapes: &'a [Shape],
        (sample, n_sampled): (CheckpointCorrelation, usize),
    ) -> Self {
        let section = &correlation.config.correlation.screening;
        let of_pair = |(&pair, kept): (&Pair, &PairCorrelation)| {
            (pair, kept.to_extremes(section.candidates).iter().map(MatchSearch::new).collect())
        };
        let searches = sample.pairs.iter().map(of_pair).collect();
        let exact = sample.pairs.keys().map(|&pair| (pair, BTreeMap::new())).collect();
        Self { correlation, section, models, shapes, sample, n_sampled, searches, exact, audited: BTreeMap::new() }
    }

    fn level(&self, tokens: Tokens, runs: Vec<Range<usize>>, top_k: usize) -> Level<'a> {
        let config = self.correlation.config;
        let settings = (config.correlation.precision, top_k);
        let reduction = Reduction::new(self.shapes, &config.baseline, settings, State::default());
        Level::new(self.correlation, (self.models, self.shapes), (tokens, runs), reduction)
    }

    /// Score all candidates on more tokens than the sample, look again among all neurons on those for what stays unsure, and keep
    /// few candidates. Returns the counted positions; none if [`narrowing_rows`] says that it is not worth it.
    fn narrow(&mut self) -> Result<Option<usize>, Error> {
        let all = &self.correlation.inputs.tokens;
        let Some(n_rows) = narrowing_rows(self.section, all.context(), all.n_rows()) else { return Ok(None) };
        let tokens = all.spread(n_rows);
        let runs = vec![tokens.positions()];
        let mut level = self.level(tokens, runs, self.section.candidates);
        if level.n_counted() <= self.n_sampled {
            return Ok(None);
        }
        let scores = level.run("candidates on more tokens", Chosen::new(), false, self.asked())?;
        self.rescore(&scores, inflation(self.n_sampled, level.n_counted()));
        drop(scores);
        let unsure = self.unsure(&level);
        let expected = (self.n_sampled as f64 / level.n_counted() as f64).sqrt();
        let keep = Extremes::n_kept(self.correlation.config.correlation.top_k);
        if !unsure.is_empty() {
            self.tell(&unsure, "are looked for again among all neurons on more tokens");
            level.run("unsure matches on more tokens", unsure.clone(), false, BTreeMap::new())?;
            self.offer(&level);
        }
        for (pair, searches) in &mut self.searches {
            let again = unsure.get(pair).map_or(&[][..], Vec::as_slice);
            for (neuron, search) in searches.iter_mut().enumerate() {
                // The error of a correlation falls with the square root of the tokens.
                let error = search.error().unwrap_or(f64::INFINITY) * expected;
                if let Ok(at) = again.binary_search(&(neuron as u32)) {
                    *search = MatchSearch::new(&level.reduction.state.extremes[pair][at]);
                }
                search.narrow(keep, self.section.margin * error);
            }
        }
        Ok(Some(level.n_counted()))
    }

    /// Score what candidates there are over all tokens, and compute exactly what must be. Returns the moments of every model.
    fn decide(&mut self) -> Result<Vec<Vec<homolog_stats::Moments>>, Error> {
        let inputs = self.correlation.inputs;
        // In the same order as an exact search, which comes to the same bits.
        let (tokens, runs) = (inputs.tokens.clone(), inputs.runs.clone());
        let mut level = self.level(tokens, runs, self.correlation.config.correlation.top_k);
        let audit = self.draw_audit();
        let scores = level.run("candidates on all tokens", audit.clone(), self.has_baselines(), self.asked())?;
        self.rescore(&scores, 1.0);
        drop(scores);
        for (&pair, neurons) in &audit {
            let screened = |&neuron: &u32| {
                let search = &self.searches[&pair][neuron as usize];
                let best = search.candidates().first().copied();
                (neuron, Screened { best, is_sure: search.margin() >= self.section.margin })
            };
            self.audited.insert(pair, neurons.iter().map(screened).collect());
        }
        self.take(&level, |_, _| Why::Audited);
        let moments = level.reduction.state.moments_of_rows(self.shapes.len());
        let drift = self.drift();
        loop {
            let unsure = self.unsure(&level);
            let near = if self.section.exact_near_thresholds { self.near_thresholds(drift) } else { Chosen::new() };
            let mut chosen: BTreeMap<Pair, BTreeSet<u32>> = BTreeMap::new();
            for (&pair, neurons) in unsure.iter().chain(&near) {
                chosen.entry(pair).or_default().extend(neurons);
            }
            let chosen: Chosen = chosen.into_iter().map(|(pair, neurons)| (pair, Vec::from_iter(neurons))).collect();
            if chosen.is_empty() {
                return Ok(moments);
            }
            self.tell(&chosen, "are computed exactly");
            level.run("what stays in doubt on all tokens", chosen, false, BTreeMap::new())?;
            self.take(&level, |pair, neuron| match unsure.get(&pair) {
                Some(unsure) if unsure.binary_search(&neuron).is_ok() => Why::Unsure,
                _ => Why::NearThreshold,
            });
        }
    }

    /// Whether what is computed exactly has its baseline from all tokens too.
    fn has_baselines(&self) -> bool {
        self.section.audit > 0
    }

    /// Every pair of neurons that a search asks for, by (a, b) with a < b.
    fn asked(&self) -> BTreeMap<Pair, Vec<(u32, u32)>> {
        let mut asked: BTreeMap<Pair, Vec<(u32, u32)>> = BTreeMap::new();
        for (&(model, other), searches) in &self.searches {
            let pairs = searches
                .iter()
                .enumerate()
                .flat_map(|(neuron, search)| search.asked().map(move |of_other| (neuron as u32, of_other)));
            if model < other {
                asked.entry((model, other)).or_default().extend(pairs);
            } else {
                asked.entry((other, model)).or_default().extend(pairs.map(|(neuron, of_other)| (of_other, neuron)));
            }
        }
        asked
    }

    fn rescore(&mut self, scores: &PairScores, inflation: f64) {
        for (&pair, searches) in &mut self.searches {
            for (neuron, search) in searches.iter_mut().enumerate() {
                search.rescore(|of_other| scores.corr(pair, neuron as u32, of_other), inflation);
            }
        }
    }

    /// Neurons that are not constant on these tokens, and whose match is not sure.
    fn unsure(&self, level: &Level<'_>) -> Chosen {
        let moments = level.reduction.state.moments_of_rows(self.shapes.len());
        let mut unsure = Chosen::new();
        for (&pair, searches) in &self.searches {
            let is_unsure = |neuron: usize| {
                // NaN is not sure either.
                let is_sure = searches[neuron].margin() >= self.section.margin;
                !is_sure && !moments[pair.0][neuron].is_constant() && !self.exact[&pair].contains_key(&(neuron as u32))
            };
            let neurons: Vec<u32> = (0..searches.len()).filter(|&neuron| is_unsure(neuron)).map(|n| n as u32).collect();
            if !neurons.is_empty() {
                unsure.insert(pair, neurons);
            }
        }
        unsure
    }

    /// Random neurons of each model, for every other model the same.
    fn draw_audit(&self) -> Chosen {
        if self.section.audit == 0 {
            return Chosen::new();
        }
        // The same neurons at every checkpoint: -1, which no step is.
        let step = -1;
        let of_model = |model: usize| -> Vec<u32> {
            let n_neurons = self.shapes[model].n_neurons();
            let order = RandomOrder::new((0..n_neurons).collect(), self.section.audit_seed, model, step, 0);
            let drawn = order.take(self.section.audit.min(n_neurons)).expect("no more than there are");
            drawn.into_iter().map(|neuron| neuron as u32).collect()
        };
        let drawn: Vec<Vec<u32>> = (0..self.shapes.len()).map(of_model).collect();
        self.searches.keys().map(|&pair| (pair, drawn[pair.0].clone())).collect()
    }

    /// Keep what the level has found of chosen neurons, and offer it to the others.
    fn take(&mut self, level: &Level<'_>, why: impl Fn(Pair, u32) -> Why) {
        let reduction = &level.reduction;
        for (pair, neurons) in &reduction.chosen {
            for (at, &neuron) in neurons.iter().enumerate() {
                let of_draw = |maxima: &Vec<f64>| maxima[at];
                let baseline = self.has_baselines().then(|| reduction.state.maxima[pair].iter().map(of_draw).collect());
                let exact = Exact { extremes: reduction.state.extremes[pair][at].clone(), baseline };
                let of_pair = self.exact.get_mut(pair).expect("every pair has a map");
                of_pair.insert(neuron, (exact, why(*pair, neuron)));
            }
        }
        self.offer(level);
    }

    /// Tell every neuron of what was held against it: one that is constant on the sample is nobody's candidate there.
    fn offer(&mut self, level: &Level<'_>) {
        for (pair, offers) in &level.reduction.offers {
            let searches = self.searches.get_mut(pair).expect("every pair is searched");
            for (search, offered) in searches.iter_mut().zip(offers) {
                offered.best().iter().for_each(|&offer| search.offer(offer));
            }
        }
    }

    /// The best correlation and the baseline of one neuron, exact where it is known so.
    fn score(&self, pair: Pair, neuron: usize) -> Option<PairScore> {
        let exact = self.exact[&pair].get(&(neuron as u32)).map(|(exact, _)| exact);
        let best = exact
            .map_or_else(|| self.searches[&pair][neuron].candidates().first(), |exact| exact.extremes.best().first());
        let baseline = match exact.and_then(|exact| exact.baseline.as_ref()) {
            Some(draws) => mean(draws).filter(|mean| !mean.is_nan()),
            None => self.sample.pairs[&pair].baseline(neuron),
        };
        Some(PairScore { max_corr: best?.0, baseline: baseline? })
    }

    fn others(&self, model: usize) -> impl Iterator<Item = usize> + Clone + use<> {
        (0..self.shapes.len()).filter(move |&other| other != model)
    }

    /// Excess correlation of the audited, exact - screened: mean and standard deviation over all models; the latter infinite where
    /// too few are defined, so that nobody is taken to be far from a threshold.
    fn drift(&self) -> (f64, f64) {
        let mut differences = Vec::new();
        for model in 0..self.shapes.len() {
            let Some(neurons) = self.others(model).next().and_then(|other| self.audited.get(&(model, other))) else {
                continue;
            };
            for &neuron in neurons.keys() {
                let of_other = |other: usize| {
                    let exact = self.score((model, other), neuron as usize)?;
                    let screened = PairScore {
                        max_corr: self.audited[&(model, other)][&neuron].best?.0,
                        baseline: self.sample.pairs[&(model, other)].baseline(neuron as usize)?,
                    };
                    Some((exact, screened))
                };
                let both: Vec<_> = self.others(model).map(of_other).collect();
                let excess = |of: fn((PairScore, PairScore)) -> PairScore| {
                    Universality::of(&both.iter().map(|both| both.map(of)).collect::<Vec<_>>()).excess_corr
                };
                differences
                    .extend(excess(|both| both.0).zip(excess(|both| both.1)).map(|(exact, screened)| exact - screened));
            }
        }
        let mean = mean(&differences).unwrap_or(0.0);
        if differences.len() < LEAST_DIFFERENCES {
            return (mean, f64::INFINITY);
        }
        let squares: f64 = differences.iter().map(|difference| (difference - mean).powi(2)).sum();
        (mean, (squares / (differences.len() - 1) as f64).sqrt())
    }

    /// Neurons whose excess may lie on either side of a threshold, and that are not all exact.
    fn near_thresholds(&self, (mean, sd): (f64, f64)) -> Chosen {
        let mut near = Chosen::new();
        let config = self.correlation.config;
        // By another rule the excess has one threshold only, that of its own column.
        let thresholds = match config.universality.rule {
            UniversalityRule::Excess => config.thresholds().to_vec(),
            UniversalityRule::Count | UniversalityRule::Fdr => vec![config.excess_threshold()],
        };
        for model in 0..self.shapes.len() {
            for neuron in 0..self.shapes[model].n_neurons() {
                let is_open = |other: &usize| !self.exact[&(model, *other)].contains_key(&(neuron as u32));
                let open: Vec<usize> = self.others(model).filter(is_open).collect();
                let scores: Vec<_> = self.others(model).map(|other| self.score((model, other), neuron)).collect();
                let Some(excess) = Universality::of(&scores).excess_corr else { continue };
                // On one side of a threshold as it is and once corrected, with room for what the correction does not know.
                let is_near =
                    |threshold: &f64| (excess + mean - threshold).abs() <= self.section.margin * sd + mean.abs();
                if !open.is_empty() && thresholds.iter().any(is_near) {
                    for other in open {
                        near.entry((model, other)).or_default().push(neuron as u32);
                    }
                }
            }
        }
        near
    }

    fn tell(&self, chosen: &Chosen, what: &str) {
        let n: usize = chosen.values().map(Vec::len).sum();
        let of: usize = self.searches.values().map(Vec::len).sum();
        self.correlation.say(&format!("{n} of {of} matches ({:.1} %) {what}", 100.0 * n as f64 / of as f64));
    }

    fn into_results(
        self,
        moments: Vec<Vec<homolog_stats::Moments>>,
        n_narrowed_on: Option<usize>,
    ) -> CheckpointCorrelation {
        let top_k = self.correlation.config.correlation.top_k;
        let mut pairs = BTreeMap::new();
        let mut screening = BTreeMap::new();
        for (&pair, searches) in &self.searches {
            let (sample, exact) = (&self.sample.pairs[&pair], &self.exact[&pair]);
            let n_constant = moments[pair.1].iter().filter(|moments| moments.is_constant()).count();
            let extremes = searches.iter().enumerate().map(|(neuron, search)| {
                if let Some((exact, _)) = exact.get(&(neuron as u32)) {
                    return exact.extremes.clone();
                }
                let is_constant = moments[pair.0][neuron].is_constant();
                let n_undefined = if is_constant { moments[pair.1].len() } else { n_constant };
                let best = &search.candidates()[..search.candidates().len().min(Extremes::n_kept(top_k))];
                let histogram = sample.histogram.as_chunks().0[neuron];
                Extremes::restore(top_k, best, search.lowest(), histogram, n_undefined as u32)
            });
            let extremes: Vec<Extremes> = extremes.collect();
            let mut baseline = sample.baseline.clone();
            for (&neuron, (exact, _)) in exact {
                for (draw, &maximum) in exact.baseline.iter().flatten().enumerate() {
                    baseline[draw * searches.len() + neuron as usize] = maximum;
                }
            }
            // Of a constant neuron it is known exactly that nothing is defined.
            let margin = |(neuron, search): (usize, &MatchSearch)| {
                let is_known = exact.contains_key(&(neuron as u32)) || moments[pair.0][neuron].is_constant();
                if is_known { f64::NAN } else { search.margin() }
            };
            let margin = searches.iter().enumerate().map(margin).collect();
            pairs.insert(pair, PairCorrelation::new(&extremes, baseline, sample.matching.clone(), top_k));
            screening.insert(pair, PairScreening { margin, audit: self.audit(pair, n_narrowed_on) });
        }
        CheckpointCorrelation { moments, pairs, screening: Some(screening) }
    }

    fn audit(&self, pair: Pair, n_narrowed_on: Option<usize>) -> Audit {
        let exact = &self.exact[&pair];
        let count = |wanted: Why| exact.values().filter(|(_, why)| *why == wanted).count();
        let (mut n_audited_sure, mut n_same_match) = (0, 0);
        let mut max_corr_difference: Option<f64> = None;
        let mut biases = Vec::new();
        for (neuron, screened) in self.audited.get(&pair).into_iter().flatten() {
            let (exact, _) = &exact[neuron];
            if let Some((best, screened)) =
                exact.extremes.best().first().zip(screened.best.filter(|_| screened.is_sure))
            {
                n_audited_sure += 1;
                n_same_match += usize::from(best.1 == screened.1);
                let difference = (best.0 - screened.0).abs();
                max_corr_difference = Some(max_corr_difference.unwrap_or(0.0).max(difference));
            }
            let exact = exact.baseline.as_deref().and_then(mean).filter(|mean| !mean.is_nan());
            let sampled = self.sample.pairs[&pair].baseline(*neuron as usize);
            biases.extend(sampled.zip(exact).map(|(sampled, exact)| sampled - exact));
        }
        let baseline_bias = mean(&biases).map(|mean| {
            let variance = biases.iter().map(|bias| (bias - mean).powi(2)).sum::<f64>() / biases.len() as f64;
            [mean, variance.sqrt(), biases.iter().fold(0.0, |largest, bias| bias.abs().max(largest))]
        });
        Audit {
            n_sampled: self.n_sampled,
            n_narrowed_on,
            n_unsure: count(Why::Unsure),
            n_near_threshold: count(Why::NearThreshold),
            n_audited: count(Why::Audited),
            n_audited_sure,
            n_same_match,
            max_corr_difference,
            baseline_bias,
            has_exact_baselines: self.has_baselines(),
        }
    }
}

/// None of nothing.
fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}
