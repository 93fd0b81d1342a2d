//! Standard errors and intervals from estimates that leave one block of tokens out.
//!
//! Blocks are whole documents or whole rows, so that tokens of different blocks are independent where tokens of one block are
//! not. Used on correlations of pairs of neurons, and on means and shares.

#[cfg(test)]
mod tests;

use std::ops::{Add, Sub};

use statrs::distribution::{ContinuousCDF, StudentsT};

/// Variances below this share of the sum of squares they are computed from, and correlations nearer to 1, are rounding: f64 sums of
/// a million products are off by about 1e-13 of their size, activations in f32 by 1e-14 of their squares.
const ROUNDING: f64 = 1e-12;

/// Standard error of an estimate, from the estimates without each block; blocks may differ in size.
///
/// With h_b = n / m_b, `d_b` = `estimate` - `without[b]` and g blocks, m_b = `weights[b]` of n = sum of m_b:
/// pseudo-values are `estimate` + (h_b - 1) d_b, their weighted mean `estimate` + D, D = sum of (1 - m_b / n) d_b, and
///
/// se^2 = 1/g sum over b of ((h_b - 1) d_b - D)^2 / (h_b - 1)
///
/// With equal blocks this is Tukey's (g - 1) / g sum of (`without[b]` - their mean)^2.
///
/// Shapes: `without`, `weights` [n_blocks]; blocks of weight 0 are left out.
/// Undefined: none for fewer than two blocks, or where an estimate is not finite.
/// Assumes: blocks are independent, and the estimate is a smooth function of means over tokens (a correlation is, a maximum over
/// neurons or a median is not).
/// Source: Busing, Meijer and van der Leeden 1999, Statistics and Computing 9, 3-8 (delete-m_j jackknife, variance estimator).
pub fn jackknife_se(estimate: f64, without: &[f64], weights: &[f64]) -> Option<f64> {
    assert_eq!(without.len(), weights.len(), "an estimate and a weight a block");
    let total: f64 = weights.iter().sum();
    let mut sums = Pseudovalues::default();
    for (&without, &weight) in without.iter().zip(weights).filter(|&(_, &weight)| weight > 0.0) {
        sums.push(estimate - without, weight / total);
    }
    sums.variance().map(f64::sqrt)
}

/// Standard error and interval of a mean or a share, on its own scale.
///
/// `estimate` -+ t se, t the quantile (1 + `level`) / 2 of Student's t with one degree of freedom fewer than blocks.
///
/// Shapes, undefined, source: as [`jackknife_se`]. The interval may leave the range of what is estimated: a share near 0 can have
/// a negative `low`. Returns (se, low, high).
pub fn mean_interval(estimate: f64, without: &[f64], weights: &[f64], level: f64) -> Option<(f64, f64, f64)> {
    let se = jackknife_se(estimate, without, weights)?;
    let n_blocks = weights.iter().filter(|&&weight| weight > 0.0).count();
    let reach = t_quantile(n_blocks - 1, level) * se;
    Some((se, estimate - reach, estimate + reach))
}

/// Sums of one block's tokens over a pair of neurons a and b.
///
/// Values should be centred by a provisional mean, as [`crate::MomentsAccumulator`] does: variances are differences of these.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PairSums {
    /// Tokens.
    pub n: f64,
    /// Sum of a.
    pub a: f64,
    /// Sum of b.
    pub b: f64,
    /// Sum of a^2.
    pub aa: f64,
    /// Sum of b^2.
    pub bb: f64,
    /// Sum of a b.
    pub ab: f64,
}

impl Add for PairSums {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            n: self.n + other.n,
            a: self.a + other.a,
            b: self.b + other.b,
            aa: self.aa + other.aa,
            bb: self.bb + other.bb,
            ab: self.ab + other.ab,
        }
    }
}

impl Sub for PairSums {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            n: self.n - other.n,
            a: self.a - other.a,
            b: self.b - other.b,
            aa: self.aa - other.aa,
            bb: self.bb - other.bb,
            ab: self.ab - other.ab,
        }
    }
}

impl PairSums {
    /// Pearson correlation; none if either neuron is constant up to rounding.
    pub fn corr(&self) -> Option<f64> {
        self.corr_beside(self)
    }

    /// Correlation over all tokens but those of one block of them; none if either neuron is constant there up to rounding.
    pub fn corr_without(&self, block: &Self) -> Option<f64> {
        (*self - *block).corr_beside(self)
    }

    /// Correlation of what is left of `whole`, whose rounding the difference carries: a neuron that is active in one block only
    /// is constant without it, though its sums do not come out as zeros.
    fn corr_beside(&self, whole: &Self) -> Option<f64> {
        let inverse_n = 1.0 / self.n;
        let var_a = self.aa - self.a * self.a * inverse_n;
        let var_b = self.bb - self.b * self.b * inverse_n;
        // Comparisons with NaN are false.
        (var_a > ROUNDING * whole.aa && var_b > ROUNDING * whole.bb)
            .then(|| (self.ab - self.a * self.b * inverse_n) / (var_a * var_b).sqrt())
    }
}

/// A correlation with its uncertainty over blocks of tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CorrInterval {
    /// Pearson correlation over all blocks.
    pub corr: f64,
    /// Jackknife standard error of the correlation itself.
    pub se: f64,
    /// Lower end, of an interval that is symmetric in Fisher's z.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Independent tokens that would leave z as uncertain: 3 + 1 / se_z^2.
    pub n_eff: f64,
}

/// [`Intervals::corr`] for a single pair.
pub fn corr_interval(blocks: &[PairSums], level: f64) -> Option<CorrInterval> {
    Intervals::new(blocks.len(), level).corr(blocks.iter().copied())
}

/// Intervals of many correlations over the same number of blocks: quantiles of Student's t are computed once.
#[derive(Clone, Debug)]
pub struct Intervals {
    /// Critical value by number of blocks that hold tokens, from 2.
    critical: Vec<f64>,
}

impl Intervals {
    /// For at most `n_blocks` blocks and intervals of coverage `level`, say 0.95.
    ///
    /// Panics: unless `level` lies between 0 and 1.
    pub fn new(n_blocks: usize, level: f64) -> Self {
        Self { critical: (2..=n_blocks).map(|n| t_quantile(n - 1, level)).collect() }
    }

    /// Correlation of a pair, its standard error, and an interval by the jackknife on Fisher's scale.
    ///
    /// z = artanh(corr), se_z its jackknife standard error, `low` and `high` = tanh(z -+ t se_z), t with one degree of freedom
    /// fewer than blocks; `se` is the jackknife's on the scale of the correlation; `n_eff` = 3 + 1 / se_z^2.
    ///
    /// `blocks` yields the sums of every block, and is gone through twice; blocks without tokens are left out. Nothing is
    /// allocated.
    /// Undefined: none for fewer than two blocks with tokens, where a neuron is constant, with or without any one block, where a
    /// correlation is 1 or -1 up to rounding (1e-12), or where all blocks say the same.
    /// Assumes: blocks are independent and many enough (20 or more) for their spread to be known; see docs/method.md.
    /// Source: [`jackknife_se`]; Fisher 1921 (z, variance 1 / (n - 3)); artanh before the jackknife: Miller 1974, Biometrika 61,
    /// 1-15, section 3.
    /// Panics: if more blocks hold tokens than [`Intervals::new`] was told.
    pub fn corr(&self, blocks: impl Iterator<Item = PairSums> + Clone) -> Option<CorrInterval> {
        let blocks = blocks.filter(|block| block.n > 0.0);
        let whole = blocks.clone().fold(PairSums::default(), Add::add);
        let corr = whole.corr()?;
        let z = fisher_z(corr)?;
        let inverse_n = 1.0 / whole.n;
        let (mut of_corr, mut of_z) = (Pseudovalues::default(), Pseudovalues::default());
        for block in blocks {
            let without = whole.corr_without(&block)?;
            let share = block.n * inverse_n;
            of_corr.push(corr - without, share);
            of_z.push(z - fisher_z(without)?, share);
        }
        let var_z = of_z.variance().filter(|&var| var > ROUNDING * ROUNDING)?;
        let reach = self.critical[of_z.n_blocks - 2] * var_z.sqrt();
        Some(CorrInterval {
            corr,
            se: of_corr.variance()?.sqrt(),
            low: (z - reach).tanh(),
            high: (z + reach).tanh(),
            n_eff: 3.0 + 1.0 / var_z,
        })
    }
}

/// artanh(corr), by one logarithm; none at 1 and -1 up to rounding.
fn fisher_z(corr: f64) -> Option<f64> {
    (corr.abs() < 1.0 - ROUNDING).then(|| 0.5 * ((1.0 + corr) / (1.0 - corr)).ln())
}

/// Sums over blocks from which the variance of the pseudo-values follows, its square multiplied out. What is summed are
/// differences from the estimate, not estimates, so that nothing cancels.
#[derive(Default)]
struct Pseudovalues {
    n_blocks: usize,
    /// Of (1 - m/n) d.
    bias: f64,
    /// Of d.
    sum: f64,
    /// Of (h - 1) d^2.
    squares: f64,
    /// Of 1 / (h - 1).
    inverse: f64,
}

impl Pseudovalues {
    /// The estimate less the one without a block that holds this share of the weight.
    fn push(&mut self, difference: f64, share: f64) {
        let rest = 1.0 - share;
        self.n_blocks += 1;
        self.bias += rest * difference;
        self.sum += difference;
        self.squares += rest / share * difference * difference;
        self.inverse += share / rest;
    }

    fn variance(&self) -> Option<f64> {
        let sum = self.squares - 2.0 * self.bias * self.sum + self.bias * self.bias * self.inverse;
        (self.n_blocks >= 2 && sum.is_finite()).then(|| (sum / self.n_blocks as f64).max(0.0))
    }
}

/// Quantile (1 + level) / 2 of Student's t.
pub fn t_quantile(degrees_of_freedom: usize, level: f64) -> f64 {
    assert!(level > 0.0 && level < 1.0, "an interval's coverage lies between 0 and 1, not at {level}");
    let t = StudentsT::new(0.0, 1.0, degrees_of_freedom as f64).expect("at least one degree of freedom");
    t.inverse_cdf(f64::midpoint(1.0, level))
}
