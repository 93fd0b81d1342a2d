//! Lives of which some were still going on when they were last seen: survival, and whether groups live equally long.
//!
//! Times are known exactly here, or to be longer than seen; of deaths between two looks see `turnbull.rs`. Used on neurons that
//! become universal and cease to be.

#[cfg(test)]
mod tests;

use statrs::distribution::{ChiSquared, ContinuousCDF, Normal};

/// Sums of as many terms as there are times, each off by 1e-16 of its size.
const ROUNDING: f64 = 1e-12;

/// How long something lived, or was seen to live.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Life {
    /// Of death, or when last seen; finite.
    pub time: f64,
    /// Else it was still alive at `time` (right-censored).
    pub is_death: bool,
}

/// Survival from one time on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SurvivalStep {
    /// At which something died or was last seen.
    pub time: f64,
    /// Alive just before, those among them that are last seen now.
    pub n_at_risk: u64,
    /// Deaths at `time`.
    pub n_deaths: u64,
    /// Last seen at `time`, alive.
    pub n_censored: u64,
    /// Share that lives longer than `time`.
    pub survival: f64,
    /// Lower end of its pointwise interval; none at survival 1 and 0.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
}

/// Share that survives each time, with pointwise intervals.
///
/// S(t) = product over times s <= t of (1 - d_s / n_s), d_s deaths among n_s at risk
///
/// v = sum over s <= t of d_s / (n_s (n_s - d_s)) / (log S)^2, `low`, `high` = S^exp(+- z sqrt(v)), z the normal quantile
/// (1 + `level`) / 2: Greenwood's variance, symmetric on the scale log(-log S). Who is last seen at a time is at risk of
/// the deaths at that time.
///
/// Shapes: one step for each different time, ascending; none for no lives. Undefined: no interval at S = 1 and S = 0.
/// Assumes: lives are independent, and who is no longer seen would have lived on as those who are. Panics: unless times are finite
/// and `level` lies between 0 and 1.
/// Source: Kaplan and Meier 1958, J. Amer. Statist. Assoc. 53, 457-481; Kalbfleisch and Prentice 2002, section 1.4 (interval).
pub fn kaplan_meier(lives: &[Life], level: f64) -> Vec<SurvivalStep> {
    assert!(level > 0.0 && level < 1.0, "an interval's coverage lies between 0 and 1, not at {level}");
    let z = Normal::standard().inverse_cdf(f64::midpoint(1.0, level));
    let (mut survival, mut greenwood) = (1.0, 0.0);
    let step = |(time, counts): (f64, Vec<AtTime>)| {
        let counts = counts[0];
        let (n, d) = (counts.at_risk as f64, counts.deaths as f64);
        survival *= (n - d) / n;
        greenwood += if d > 0.0 { d / (n * (n - d)) } else { 0.0 };
        let is_inside = survival > 0.0 && survival < 1.0;
        let end = |z: f64| is_inside.then(|| survival.powf((z * greenwood.sqrt() / -survival.ln()).exp()));
        SurvivalStep {
            time,
            n_at_risk: counts.at_risk,
            n_deaths: counts.deaths,
            n_censored: counts.censored,
            survival,
            low: end(z),
            high: end(-z),
        }
    };
    times(&[lives]).into_iter().map(step).collect()
}

/// First time that no more than half survive; none if more than half survive all that was seen.
///
/// Source: the convention of lifelines; where survival is one half for a while (compared up to rounding, 1e-12), its beginning.
pub fn median_survival(steps: &[SurvivalStep]) -> Option<f64> {
    steps.iter().find(|step| step.survival <= 0.5 + ROUNDING).map(|step| step.time)
}

/// Whether groups live equally long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogRank {
    /// Distance of observed from expected deaths.
    pub chi_squared: f64,
    /// Groups that were compared, less one.
    pub degrees_of_freedom: usize,
    /// Chance of a larger distance where all die at equal rates.
    pub p_value: f64,
}

/// The log-rank test of k groups.
///
/// At each time with d deaths among n at risk, n_j of them in group j: expected e_j = d n_j / n, and with
/// Z_j = sum of d_j - e_j, V_jl = sum of d (n - d) / (n - 1) n_j / n (delta_jl - n_l / n) over times,
///
/// chi_squared = Z' V^-1 Z over all groups but the last, chi-squared with k - 1 degrees of freedom in large samples
///
/// Groups of which nobody was at risk when anyone died drop out, empty ones among them.
/// Undefined: none for fewer than two groups, without deaths, or where deaths leave no choice (all at risk die at each time).
/// Assumes: lives are independent, who is no longer seen would have lived on as those who are in all groups, and enough deaths
/// (five expected in every group). Most power where the rates of death are proportional; none to speak of where survival
/// crosses.
/// Panics: unless times are finite.
/// Source: Mantel 1966, Cancer Chemotherapy Reports 50, 163-170; Peto and Peto 1972, J. R. Statist. Soc. A 135, 185-207.
pub fn log_rank(groups: &[Vec<Life>]) -> Option<LogRank> {
    let first_death = groups.iter().flatten().filter(|life| life.is_death).map(|life| life.time).reduce(f64::min)?;
    let is_seen = |group: &&Vec<Life>| group.iter().any(|life| life.time >= first_death);
    let seen: Vec<&[Life]> = groups.iter().filter(is_seen).map(Vec::as_slice).collect();
    let degrees_of_freedom = seen.len().checked_sub(1).filter(|&degrees| degrees > 0)?;
    let mut scores = vec![0.0; degrees_of_freedom];
    let mut variances = vec![vec![0.0; degrees_of_freedom]; degrees_of_freedom];
    for (_, counts) in times(&seen) {
        let total = |of: fn(&AtTime) -> u64| counts.iter().map(of).sum::<u64>() as f64;
        let (n, d) = (total(|at| at.at_risk), total(|at| at.deaths));
        // One who is alone at risk says nothing.
        let spread = if n > 1.0 { d * (n - d) / (n - 1.0) } else { 0.0 };
        let share = |j: usize| counts[j].at_risk as f64 / n;
        for j in 0..degrees_of_freedom {
            scores[j] += counts[j].deaths as f64 - d * share(j);
            for l in 0..degrees_of_freedom {
                variances[j][l] += spread * share(j) * (f64::from(u8::from(j == l)) - share(l));
            }
        }
    }
    let chi_squared = inverse_form(variances, &scores)?;
    let p_value = ChiSquared::new(degrees_of_freedom as f64).ok()?.sf(chi_squared);
    Some(LogRank { chi_squared, degrees_of_freedom, p_value })
}

/// z' V^-1 z of a symmetric V that is not negative, by elimination; none where V is singular up to rounding.
fn inverse_form(mut v: Vec<Vec<f64>>, z: &[f64]) -> Option<f64> {
    let mut left = z.to_vec();
    let mut form = 0.0;
    let diagonal: Vec<f64> = (0..z.len()).map(|j| v[j][j]).collect();
    for j in 0..z.len() {
        if v[j][j] <= ROUNDING * diagonal[j] {
            return None;
        }
        form += left[j] * left[j] / v[j][j];
        for l in j + 1..z.len() {
            let factor = v[l][j] / v[j][j];
            left[l] -= factor * left[j];
            for m in j..z.len() {
                v[l][m] -= factor * v[j][m];
            }
        }
    }
    Some(form)
}

/// How many of a group are at risk, die and are last seen at one time.
#[derive(Clone, Copy, Debug, Default)]
struct AtTime {
    at_risk: u64,
    deaths: u64,
    censored: u64,
}

/// Every different time, ascending, with what happens in each group.
fn times(groups: &[&[Life]]) -> Vec<(f64, Vec<AtTime>)> {
    let in_group = |(group, lives): (usize, &&[Life])| lives.iter().map(move |&life| (life, group)).collect::<Vec<_>>();
    let mut lives: Vec<(Life, usize)> = groups.iter().enumerate().flat_map(in_group).collect();
    assert!(lives.iter().all(|(life, _)| life.time.is_finite()), "times are finite");
    lives.sort_by(|x, y| x.0.time.total_cmp(&y.0.time));
    let mut at_risk: Vec<u64> = groups.iter().map(|lives| lives.len() as u64).collect();
    let of_time = |chunk: &[(Life, usize)]| {
        let mut counts: Vec<AtTime> = at_risk.iter().map(|&at_risk| AtTime { at_risk, ..AtTime::default() }).collect();
        for &(life, group) in chunk {
            at_risk[group] -= 1;
            *if life.is_death { &mut counts[group].deaths } else { &mut counts[group].censored } += 1;
        }
        (chunk[0].0.time, counts)
    };
    lives.chunk_by(|x, y| x.0.time == y.0.time).map(of_time).collect()
}
