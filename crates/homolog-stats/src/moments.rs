//! Moments of every neuron of a layer, streamed.

#[cfg(test)]
mod tests;

use homolog_kernels::{PowerSums, centre_and_sum};

use crate::Marginal;

/// Streams chunks of a layer's activations into moments, and centres the chunks on the way.
#[derive(Clone, Debug)]
pub struct MomentsAccumulator {
    /// Provisional means: those of the first chunk, rounded to f32. Empty before it.
    shift: Vec<f32>,
    sums: Vec<PowerSums>,
    n_tokens: u64,
}

/// What a [`MomentsAccumulator`] has summed, as plain arrays: to be kept between two runs of the program.
#[derive(Clone, Debug, PartialEq)]
pub struct PartialMoments {
    /// Tokens so far.
    pub n_tokens: u64,
    /// Provisional means [n], empty before the first token.
    pub shift: Vec<f32>,
    /// Sums of the first four powers of the centred values, [n, 4].
    pub powers: Vec<f64>,
    /// Smallest and largest value, [n, 2].
    pub range: Vec<f32>,
    /// Tokens with a positive value, [n].
    pub n_positive: Vec<u64>,
}

/// Moments of one neuron over the counted tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moments {
    /// Mean.
    pub mean: f64,
    /// Population variance (over N); exactly 0 for a constant neuron.
    pub var: f64,
    /// Third standardised moment; none for a constant neuron.
    pub skew: Option<f64>,
    /// Fourth standardised moment, 3 for a Gaussian; none for a constant neuron.
    pub kurt: Option<f64>,
    /// Smallest activation.
    pub min: f64,
    /// Largest activation.
    pub max: f64,
    /// Share of tokens with activation > 0.
    pub frac_positive: f64,
}

impl Moments {
    /// Whether no correlation of the neuron is defined: it has one value, or none that is finite.
    pub fn is_constant(&self) -> bool {
        self.var.is_nan() || self.var <= 0.0
    }
}

impl MomentsAccumulator {
    /// For a layer of `n` neurons.
    pub fn new(n: usize) -> Self {
        Self { shift: Vec::new(), sums: vec![PowerSums::EMPTY; n], n_tokens: 0 }
    }

    /// Add a chunk [`n_tokens`, n] and centre it in place by the provisional means.
    ///
    /// The provisional means are those of the first chunk that holds a token, so results depend on where the first chunk
    /// ends (in the last bits) and on nothing else.
    pub fn add(&mut self, chunk: &mut [f32]) {
        let n = self.sums.len();
        if chunk.is_empty() {
            return;
        }
        if self.shift.is_empty() {
            let mut means = vec![0.0_f64; n];
            for token in chunk.chunks_exact(n) {
                means.iter_mut().zip(token).for_each(|(mean, &x)| *mean += f64::from(x));
            }
            let n_tokens = (chunk.len() / n) as f64;
            self.shift = means.into_iter().map(|sum| (sum / n_tokens) as f32).collect();
        }
        centre_and_sum(chunk, &self.shift, &mut self.sums);
        self.n_tokens += (chunk.len() / n) as u64;
    }

    /// Centre a chunk by the provisional means without adding it: for another pass over the same tokens.
    ///
    /// Panics before the first token was added.
    pub fn centre(&self, chunk: &mut [f32]) {
        assert!(!self.shift.is_empty() || chunk.is_empty(), "the first pass sets the provisional means");
        for token in chunk.chunks_exact_mut(self.sums.len()) {
            token.iter_mut().zip(&self.shift).for_each(|(x, shift)| *x -= shift);
        }
    }

    /// Everything summed so far.
    pub fn to_partial(&self) -> PartialMoments {
        PartialMoments {
            n_tokens: self.n_tokens,
            shift: self.shift.clone(),
            powers: self.sums.iter().flat_map(|sums| sums.of_powers).collect(),
            range: self.sums.iter().flat_map(|sums| [sums.min, sums.max]).collect(),
            n_positive: self.sums.iter().map(|sums| sums.n_positive).collect(),
        }
    }

    /// Go on from [`MomentsAccumulator::to_partial`]: bit by bit the same accumulator.
    ///
    /// Panics: if the arrays are not of the same number of neurons.
    pub fn from_partial(partial: PartialMoments) -> Self {
        let PartialMoments { n_tokens, shift, powers, range, n_positive } = partial;
        let n = n_positive.len();
        assert!(powers.len() == 4 * n && range.len() == 2 * n, "moments of {n} neurons");
        assert!(shift.len() == if n_tokens == 0 { 0 } else { n }, "provisional means of {n} neurons");
        let sums = powers.as_chunks().0.iter().zip(range.as_chunks().0).zip(n_positive);
        let sums = sums.map(|((&of_powers, &[min, max]), n_positive)| PowerSums { of_powers, min, max, n_positive });
        Self { shift, sums: sums.collect(), n_tokens }
    }

    /// Tokens so far.
    pub fn n_tokens(&self) -> u64 {
        self.n_tokens
    }

    /// First neuron with a NaN or infinite activation.
    pub fn first_not_finite(&self) -> Option<usize> {
        let is_finite =
            |s: &PowerSums| s.of_powers.iter().all(|p| p.is_finite()) && s.min.is_finite() && s.max.is_finite();
        (self.n_tokens > 0).then(|| self.sums.iter().position(|sums| !is_finite(sums))).flatten()
    }

    /// Moments of every neuron. Panics before the first token.
    pub fn moments(&self) -> Vec<Moments> {
        assert!(self.n_tokens > 0, "moments of no tokens");
        let n = self.n_tokens as f64;
        let of_neuron = |(sums, &shift): (&PowerSums, &f32)| {
            let [m1, m2, m3, m4] = sums.of_powers.map(|sum| sum / n);
            let is_constant = sums.min >= sums.max;
            let var = if is_constant { 0.0 } else { m2 - m1 * m1 };
            let central3 = m3 - 3.0 * m1 * m2 + 2.0 * m1.powi(3);
            let central4 = m4 - 4.0 * m1 * m3 + 6.0 * m1 * m1 * m2 - 3.0 * m1.powi(4);
            Moments {
                mean: f64::from(shift) + m1,
                var,
                skew: (!is_constant).then(|| central3 / var.powf(1.5)),
                kurt: (!is_constant).then(|| central4 / (var * var)),
                min: f64::from(sums.min),
                max: f64::from(sums.max),
                frac_positive: sums.n_positive as f64 / n,
            }
        };
        self.sums.iter().zip(&self.shift).map(of_neuron).collect()
    }

    /// Mean and spread of the centred values: what turns sums of their products into correlations.
    pub fn marginals(&self) -> Vec<Marginal> {
        let of_neuron = |(moments, &shift): (Moments, &f32)| Marginal {
            mean: moments.mean - f64::from(shift),
            sd: if moments.is_constant() { f64::NAN } else { moments.var.sqrt() },
        };
        self.moments().into_iter().zip(&self.shift).map(of_neuron).collect()
    }
}
