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
    /// Of each half of the tokens.
    halves: [HalfSums; 2],
}

#[derive(Clone, Debug)]
struct HalfSums {
    sums: Vec<PowerSums>,
    n_tokens: u64,
}

/// What a [`MomentsAccumulator`] has summed, as plain arrays: to be kept between two runs of the program.
#[derive(Clone, Debug, PartialEq)]
pub struct PartialMoments {
    /// Provisional means [n], empty before the first token.
    pub shift: Vec<f32>,
    /// Of each half of the tokens.
    pub halves: [PartialHalf; 2],
}

/// One half of [`PartialMoments`].
#[derive(Clone, Debug, PartialEq)]
pub struct PartialHalf {
    /// Tokens so far.
    pub n_tokens: u64,
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
        let half = HalfSums { sums: vec![PowerSums::EMPTY; n], n_tokens: 0 };
        Self { shift: Vec::new(), halves: [half.clone(), half] }
    }

    /// Add a chunk [`n_tokens`, n] of one half of the tokens (0 or 1; all are 0 where nobody asks for halves), and centre it in
    /// place by the provisional means.
    ///
    /// The provisional means are those of the first chunk that holds a token, so results depend on where the first chunk
    /// ends (in the last bits) and on nothing else.
    pub fn add(&mut self, chunk: &mut [f32], half: usize) {
        let HalfSums { sums, n_tokens } = &mut self.halves[half];
        let n = sums.len();
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
        centre_and_sum(chunk, &self.shift, sums);
        *n_tokens += (chunk.len() / n) as u64;
    }

    /// Centre a chunk by the provisional means without adding it: for another pass over the same tokens.
    ///
    /// Panics before the first token was added.
    pub fn centre(&self, chunk: &mut [f32]) {
        assert!(!self.shift.is_empty() || chunk.is_empty(), "the first pass sets the provisional means");
        for token in chunk.chunks_exact_mut(self.halves[0].sums.len()) {
            token.iter_mut().zip(&self.shift).for_each(|(x, shift)| *x -= shift);
        }
    }

    /// Everything summed so far.
    pub fn to_partial(&self) -> PartialMoments {
        let half = |HalfSums { sums, n_tokens }: &HalfSums| PartialHalf {
            n_tokens: *n_tokens,
            powers: sums.iter().flat_map(|sums| sums.of_powers).collect(),
            range: sums.iter().flat_map(|sums| [sums.min, sums.max]).collect(),
            n_positive: sums.iter().map(|sums| sums.n_positive).collect(),
        };
        PartialMoments { shift: self.shift.clone(), halves: self.halves.each_ref().map(half) }
    }

    /// Go on from [`MomentsAccumulator::to_partial`]: bit by bit the same accumulator.
    ///
    /// Panics: if the arrays are not of the same number of neurons.
    pub fn from_partial(partial: PartialMoments) -> Self {
        let PartialMoments { shift, halves } = partial;
        let n = halves[0].n_positive.len();
        let is_begun = halves.iter().any(|half| half.n_tokens > 0);
        assert!(shift.len() == if is_begun { n } else { 0 }, "provisional means of {n} neurons");
        let half = |PartialHalf { n_tokens, powers, range, n_positive }: PartialHalf| {
            assert!(powers.len() == 4 * n && range.len() == 2 * n && n_positive.len() == n, "moments of {n} neurons");
            let sums = powers.as_chunks().0.iter().zip(range.as_chunks().0).zip(n_positive);
            let sums =
                sums.map(|((&of_powers, &[min, max]), n_positive)| PowerSums { of_powers, min, max, n_positive });
            HalfSums { sums: sums.collect(), n_tokens }
        };
        Self { shift, halves: halves.map(half) }
    }

    /// Tokens so far.
    pub fn n_tokens(&self) -> u64 {
        self.halves.iter().map(|half| half.n_tokens).sum()
    }

    /// Tokens so far of each half.
    pub fn n_tokens_of_halves(&self) -> [u64; 2] {
        self.halves.each_ref().map(|half| half.n_tokens)
    }

    /// Provisional means, by which values are centred: empty before the first token.
    pub fn shift(&self) -> &[f32] {
        &self.shift
    }

    /// First neuron with a NaN or infinite activation.
    pub fn first_not_finite(&self) -> Option<usize> {
        let is_finite =
            |s: &PowerSums| s.of_powers.iter().all(|p| p.is_finite()) && s.min.is_finite() && s.max.is_finite();
        (self.n_tokens() > 0).then(|| self.whole().sums.iter().position(|sums| !is_finite(sums))).flatten()
    }

    /// Moments of every neuron. Panics before the first token.
    pub fn moments(&self) -> Vec<Moments> {
        self.moments_of(&self.whole())
    }

    /// Mean and spread of the centred values: what turns sums of their products into correlations. Panics before the first token.
    pub fn marginals(&self) -> Vec<Marginal> {
        self.marginals_of(&self.whole())
    }

    /// The same within each half of the tokens. Panics before the first token of either.
    pub fn marginals_of_halves(&self) -> [Vec<Marginal>; 2] {
        self.halves.each_ref().map(|half| self.marginals_of(half))
    }

    /// Both halves together.
    fn whole(&self) -> HalfSums {
        let [first, second] = &self.halves;
        let both = first.sums.iter().zip(&second.sums).map(|(first, second)| PowerSums {
            of_powers: std::array::from_fn(|power| first.of_powers[power] + second.of_powers[power]),
            min: first.min.min(second.min),
            max: first.max.max(second.max),
            n_positive: first.n_positive + second.n_positive,
        });
        HalfSums { sums: both.collect(), n_tokens: self.n_tokens() }
    }

    fn moments_of(&self, HalfSums { sums, n_tokens }: &HalfSums) -> Vec<Moments> {
        assert!(*n_tokens > 0, "moments of no tokens");
        let n = *n_tokens as f64;
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
        sums.iter().zip(&self.shift).map(of_neuron).collect()
    }

    fn marginals_of(&self, half: &HalfSums) -> Vec<Marginal> {
        let of_neuron = |(moments, &shift): (Moments, &f32)| Marginal {
            mean: moments.mean - f64::from(shift),
            sd: if moments.is_constant() { f64::NAN } else { moments.var.sqrt() },
        };
        self.moments_of(half).into_iter().zip(&self.shift).map(of_neuron).collect()
    }
}
