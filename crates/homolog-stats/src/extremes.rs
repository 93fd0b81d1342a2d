//! What is kept of one neuron's correlations with all neurons of another model.

#[cfg(test)]
mod tests;

/// Bins of equal width 0.05 over [-1, 1]; closed below, the last one closed above too.
pub const HISTOGRAM_BINS: usize = 40;

/// The largest correlations in order, the smallest, and a histogram; undefined ones are counted and never win.
///
/// Ties go to the lower neuron, so the order in which correlations arrive does not matter.
#[derive(Clone, Debug, PartialEq)]
pub struct Extremes {
    capacity: usize,
    /// The largest (correlation, neuron), descending; at most `capacity`.
    best: Vec<(f64, u32)>,
    /// The smallest.
    lowest: Option<(f64, u32)>,
    /// Counts by bin.
    histogram: [u32; HISTOGRAM_BINS],
    /// Undefined pairs.
    n_undefined: u32,
}

impl Extremes {
    /// Correlations kept where `top_k` are asked for: at least two, so that there is a runner-up.
    pub const fn n_kept(top_k: usize) -> usize {
        if top_k < 2 { 2 } else { top_k }
    }

    /// Memory of one neuron's, once filled.
    pub const fn bytes(top_k: usize) -> usize {
        size_of::<Self>() + Self::n_kept(top_k) * size_of::<(f64, u32)>()
    }

    /// Keep the [`Extremes::n_kept`] largest.
    pub fn new(top_k: usize) -> Self {
        let capacity = Self::n_kept(top_k);
        let best = Vec::with_capacity(capacity);
        Self { capacity, best, lowest: None, histogram: [0; HISTOGRAM_BINS], n_undefined: 0 }
    }

    /// Go on from what another has kept: `best` descending and no more than it keeps.
    ///
    /// Panics: if `best` is longer than that.
    pub fn restore(
        top_k: usize,
        best: &[(f64, u32)],
        lowest: Option<(f64, u32)>,
        histogram: [u32; HISTOGRAM_BINS],
        n_undefined: u32,
    ) -> Self {
        let mut extremes = Self::new(top_k);
        assert!(best.len() <= extremes.capacity, "{} correlations kept, of {top_k}", best.len());
        extremes.best.extend_from_slice(best);
        Self { lowest, histogram, n_undefined, ..extremes }
    }

    /// Take note of one correlation; NaN is an undefined pair.
    pub fn push(&mut self, corr: f64, neuron: u32) {
        if corr.is_nan() {
            self.n_undefined += 1;
            return;
        }
        // Rounding may carry a correlation of 1 just beyond it: it belongs to the last bin.
        let bin = ((corr + 1.0) * (HISTOGRAM_BINS / 2) as f64) as usize;
        self.histogram[bin.min(HISTOGRAM_BINS - 1)] += 1;
        let precedes = |other: &(f64, u32)| corr > other.0 || (corr >= other.0 && neuron < other.1);
        if self.best.len() < self.capacity || self.best.last().is_some_and(precedes) {
            let at = self.best.partition_point(|other| !precedes(other));
            self.best.truncate(self.capacity - 1);
            self.best.insert(at, (corr, neuron));
        }
        if self.lowest.is_none_or(|lowest| corr < lowest.0 || (corr <= lowest.0 && neuron < lowest.1)) {
            self.lowest = Some((corr, neuron));
        }
    }

    /// The largest correlations, descending.
    pub fn best(&self) -> &[(f64, u32)] {
        &self.best
    }

    /// The smallest correlation.
    pub fn lowest(&self) -> Option<(f64, u32)> {
        self.lowest
    }

    /// Counts of defined correlations by bin.
    pub fn histogram(&self) -> &[u32; HISTOGRAM_BINS] {
        &self.histogram
    }

    /// Pairs whose correlation is undefined.
    pub fn n_undefined(&self) -> u32 {
        self.n_undefined
    }
}
