//! Whether two samples come from one distribution.

#[cfg(test)]
mod tests;

/// The two-sample test of Kolmogorov and Smirnov.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KolmogorovSmirnov {
    /// Largest distance of the two empirical distribution functions.
    pub statistic: f64,
    /// Chance of a larger one between independent samples of one distribution, for large samples.
    pub p: f64,
}

impl KolmogorovSmirnov {
    /// Compare two samples, in any order; none if either is empty or holds a NaN.
    ///
    /// p = 2 sum over k >= 1 of (-1)^(k - 1) exp(-2 k^2 m d^2), m = n_a n_b / (n_a + n_b): the limit for large m, too
    /// large for small m.
    ///
    /// Assumes: independent values. Where they depend, the statistic is an effect size and p a figure to be read with it.
    /// Source: Smirnov 1948, Annals of Mathematical Statistics 19, 279-281.
    pub fn new(a: &[f64], b: &[f64]) -> Option<Self> {
        if a.is_empty() || b.is_empty() || a.iter().chain(b).any(|x| x.is_nan()) {
            return None;
        }
        let [a, b] = [a, b].map(|sample| {
            let mut sorted = sample.to_vec();
            sorted.sort_unstable_by(f64::total_cmp);
            sorted
        });
        let (n_a, n_b) = (a.len() as f64, b.len() as f64);
        let (mut i, mut j, mut statistic) = (0, 0, 0.0_f64);
        while i < a.len() && j < b.len() {
            let x = a[i].min(b[j]);
            // Both go past equal values before they are compared.
            i += a[i..].iter().take_while(|&&value| value <= x).count();
            j += b[j..].iter().take_while(|&&value| value <= x).count();
            statistic = statistic.max((i as f64 / n_a - j as f64 / n_b).abs());
        }
        Some(Self { statistic, p: limit(statistic * (n_a * n_b / (n_a + n_b)).sqrt()) })
    }
}

/// Chance that Kolmogorov's distribution is larger.
fn limit(x: f64) -> f64 {
    // Below, the chance is 1 to twelve digits, and the series below slow.
    if x < 0.2 {
        return 1.0;
    }
    let term = |k: f64| (-2.0 * k * k * x * x).exp();
    let sum: f64 = (1..=20).rev().map(|k| if k % 2 == 1 { term(f64::from(k)) } else { -term(f64::from(k)) }).sum();
    (2.0 * sum).clamp(0.0, 1.0)
}
