//! The best match of one neuron, looked for among candidates, and how surely it is the best of all.

#[cfg(test)]
mod tests;

use homolog_stats::Extremes;

/// What one neuron has to do with another model's, as far as it is known.
///
/// Candidates come from all neurons on some tokens and are scored again on more. What was left out had a correlation of at most
/// `corr` on the tokens of that moment; how far correlations move from those tokens to more is seen on the candidates.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct MatchSearch {
    /// Best first, on the most tokens so far; ties go to the lower neuron.
    candidates: Vec<(f64, u32)>,
    /// The smallest correlation when all were looked at.
    lowest: Option<(f64, u32)>,
    left_out: Vec<LeftOut>,
}

/// By how much correlations may move from `n_few` to all tokens, in units of what is seen from `n_few` to `n_more` of them: at most
/// this, whether or not the few are among the more. (Squared: 1 / few - 1 / all against 1 / few - 1 / more.)
pub(super) fn inflation(n_few: usize, n_more: usize) -> f64 {
    (1.0 - n_few as f64 / n_more as f64).sqrt().recip()
}

/// The best of the neurons that were left out at some moment.
#[derive(Clone, Copy, Debug, PartialEq)]
struct LeftOut {
    corr: f64,
    /// Root mean square of what the candidates moved by from those tokens to the next; none until they were scored again.
    error: Option<f64>,
}

impl MatchSearch {
    /// All neurons were looked at; `extremes` keeps the best of them.
    pub(super) fn new(extremes: &Extremes) -> Self {
        let n_defined: u32 = extremes.histogram().iter().sum();
        let candidates = extremes.best().to_vec();
        let is_part = candidates.len() < n_defined as usize;
        let left_out = candidates.last().filter(|_| is_part).map(|&(corr, _)| LeftOut { corr, error: None });
        Self { candidates, lowest: extremes.lowest(), left_out: left_out.into_iter().collect() }
    }

    /// Candidates and the lowest: every neuron whose correlation is asked for again.
    pub(super) fn asked(&self) -> impl Iterator<Item = u32> {
        self.candidates.iter().chain(&self.lowest).map(|&(_, neuron)| neuron)
    }

    /// Best first.
    pub(super) fn candidates(&self) -> &[(f64, u32)] {
        &self.candidates
    }

    pub(super) fn lowest(&self) -> Option<(f64, u32)> {
        self.lowest
    }

    /// Take the correlations of all that are [`MatchSearch::asked`] on more tokens; NaN is undefined. What is found of how far they moved
    /// is made larger by the factor `inflation`: see [`inflation`].
    pub(super) fn rescore(&mut self, corr: impl Fn(u32) -> f64, inflation: f64) {
        let moved: Vec<f64> = self.candidates.iter().map(|&(old, neuron)| corr(neuron) - old).collect();
        let moved: Vec<f64> = moved.into_iter().filter(|moved| !moved.is_nan()).collect();
        if !moved.is_empty() {
            let square = moved.iter().map(|moved| moved * moved).sum::<f64>() / moved.len() as f64;
            let error = inflation * square.sqrt();
            self.left_out.iter_mut().for_each(|left_out| {
                left_out.error.get_or_insert(error);
            });
        }
        self.candidates.iter_mut().for_each(|(old, neuron)| *old = corr(*neuron));
        self.candidates.retain(|(corr, _)| !corr.is_nan());
        self.sort();
        self.lowest = self.lowest.map(|(_, neuron)| (corr(neuron), neuron)).filter(|(corr, _)| !corr.is_nan());
    }

    /// What the candidates moved by when they were last scored.
    pub(super) fn error(&self) -> Option<f64> {
        self.left_out.last().and_then(|left_out| left_out.error)
    }

    /// Keep the first `n`, and those that `within` of the best.
    pub(super) fn narrow(&mut self, n: usize, within: f64) {
        let Some(&(best, _)) = self.candidates.first() else { return };
        let n_close = self.candidates.partition_point(|(corr, _)| *corr >= best - within);
        if let Some(&(corr, _)) = self.candidates.get(n.max(n_close)) {
            self.candidates.truncate(n.max(n_close));
            self.left_out.push(LeftOut { corr, error: None });
        }
    }

    /// A neuron that was held against all turned out to have this correlation, on the tokens of the candidates'. One that is among
    /// them keeps its own: single pairs are multiplied in f32, whatever the precision of whole layers.
    pub(super) fn offer(&mut self, (corr, neuron): (f64, u32)) {
        if self.candidates.iter().all(|candidate| candidate.1 != neuron) {
            self.candidates.push((corr, neuron));
            self.sort();
        }
    }

    /// By how many standard errors the best candidate lies above what was left out: the least over the moments at which
    /// something was. Infinite if nothing was; minus infinity without a candidate, or before they are scored again.
    pub(super) fn margin(&self) -> f64 {
        let Some(&(best, _)) = self.candidates.first() else { return f64::NEG_INFINITY };
        let margins = self.left_out.iter().map(|left_out| match left_out.error {
            // Nothing has moved: the order stands as it is.
            Some(0.0) if best >= left_out.corr => f64::INFINITY,
            Some(error) if error > 0.0 => (best - left_out.corr) / error,
            _ => f64::NEG_INFINITY,
        });
        margins.fold(f64::INFINITY, f64::min)
    }

    fn sort(&mut self) {
        self.candidates.sort_by(|x, y| y.0.total_cmp(&x.0).then(x.1.cmp(&y.1)));
    }
}
