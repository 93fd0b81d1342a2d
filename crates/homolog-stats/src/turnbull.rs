//! Lives whose ends are known to lie between two times only.
//!
//! What is looked at now and then dies between two looks. Where times are exact or unknown beyond the last look, this is the
//! estimate of `survival.rs`.

#[cfg(test)]
mod tests;

/// Most that the log-likelihood, per life, may lie below its maximum.
const TOLERANCE: f64 = 1e-8;
/// Steps after which it is left as it is: what tends to nothing does so ever more slowly.
const MAX_STEPS: usize = 100_000;

/// When something died: after `low`, and no later than `high`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LifeInterval {
    /// Last known alive; below +infinity.
    pub low: f64,
    /// First known dead; +infinity if that was never seen. Equal to `low` where the time of death is known exactly.
    pub high: f64,
}

/// A share of deaths, at unknown times of (`from`, `to`], or at `to` if both are equal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TurnbullStep {
    /// Beginning, not part of the interval.
    pub from: f64,
    /// End, +infinity of those that outlive all looks.
    pub to: f64,
    /// Share that dies here.
    pub mass: f64,
    /// Share that lives longer than `to`.
    pub survival: f64,
}

/// Nonparametric maximum likelihood estimate of when lives end, by self-consistency.
///
/// Deaths can be told apart only between intervals (q_j, p_j] that begin at some `low`, end at some `high` and hold no other
/// such end. Of their masses s_j, from equal ones on, with a_ij = 1 where interval j lies in life i, P_i = sum over j of a_ij s_j
/// and n lives:
///
/// s_j <- s_j / n * sum over i of a_ij / P_i
///
/// until max over j of 1/n sum over i of a_ij / P_i is at most 1 + 1e-8: the log-likelihood is then within n 1e-8 of its
/// maximum, which is concave (at most 100,000 steps). Equal lives are one with a weight.
///
/// Shapes: one step an interval, ascending and apart from each other, also where its mass is all but 0; none for no lives.
/// Not unique: within an interval the likelihood does not say where deaths lie (survival is known at its ends only, and between
/// intervals); and masses of several intervals can be exchanged where every life holds all or none of them.
/// Assumes: when one looks does not depend on who is about to die. Panics: where `low` > `high` or is NaN or +infinity.
/// Differs from lifelines 0.30: there a life begins with `low` itself, so that (1, 2] and (2, 3] share a time.
/// Source: Turnbull 1976, J. R. Statist. Soc. B 38, 290-295; stopping: Lindsay 1983, Annals of
/// Statistics 11, 86-94.
pub fn turnbull(lives: &[LifeInterval]) -> Vec<TurnbullStep> {
    let ordered = |life: &LifeInterval| life.low <= life.high && life.low < f64::INFINITY;
    assert!(lives.iter().all(ordered), "a life ends after `low`, which is finite, and no later than `high`");
    let ranges: Vec<[Edge; 2]> = lives.iter().map(edges).collect();
    let supports = supports(&ranges);
    let masses = masses(&weighted(&ranges, &supports), supports.len());
    let mut survival = 0.0;
    let mut steps: Vec<TurnbullStep> = supports
        .iter()
        .zip(&masses)
        .rev()
        .map(|([from, to], &mass)| {
            let step = TurnbullStep { from: from.time, to: to.time, mass, survival };
            survival += mass;
            step
        })
        .collect();
    steps.reverse();
    steps
}

/// A time, just before it, at it or just after it.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
struct Edge {
    time: f64,
    /// An interval's end at its time lies after the exact time's beginning, and before what begins when it is over.
    side: Side,
}

#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
enum Side {
    /// An exact time begins.
    Before,
    /// An interval or an exact time ends.
    At,
    /// An interval begins.
    After,
}

fn edges(life: &LifeInterval) -> [Edge; 2] {
    // No negative zero beside a positive one.
    let side = if life.low == life.high { Side::Before } else { Side::After };
    [Edge { time: life.low + 0.0, side }, Edge { time: life.high + 0.0, side: Side::At }]
}

fn in_order(x: Edge, y: Edge) -> std::cmp::Ordering {
    x.partial_cmp(&y).expect("no time is NaN: checked on entry")
}

/// Intervals from a beginning to the next end, where no other beginning lies between them; ascending.
fn supports(ranges: &[[Edge; 2]]) -> Vec<[Edge; 2]> {
    let mut edges: Vec<Edge> = ranges.iter().flatten().copied().collect();
    edges.sort_by(|&x, &y| in_order(x, y));
    let is_support = |pair: &&[Edge]| pair[0].side != Side::At && pair[1].side == Side::At;
    edges.windows(2).filter(is_support).map(|pair| [pair[0], pair[1]]).collect()
}

/// Of the supports, those from one to before another that different lives hold, and how many lives hold them.
fn weighted(ranges: &[[Edge; 2]], supports: &[[Edge; 2]]) -> Vec<(usize, usize, f64)> {
    let first = |low: Edge| supports.partition_point(|support| in_order(support[0], low).is_lt());
    let end = |high: Edge| supports.partition_point(|support| in_order(support[1], high).is_le());
    let mut held: Vec<(usize, usize)> = ranges.iter().map(|&[low, high]| (first(low), end(high))).collect();
    held.sort_unstable();
    held.chunk_by(|x, y| x == y).map(|equal| (equal[0].0, equal[0].1, equal.len() as f64)).collect()
}

fn masses(lives: &[(usize, usize, f64)], n_supports: usize) -> Vec<f64> {
    let n: f64 = lives.iter().map(|life| life.2).sum();
    let mut masses = vec![1.0 / n_supports as f64; n_supports];
    for _ in 0..MAX_STEPS {
        let factors = factors(lives, &masses, n);
        masses.iter_mut().zip(&factors).for_each(|(mass, factor)| *mass *= factor);
        if factors.iter().all(|&factor| factor <= 1.0 + TOLERANCE) {
            break;
        }
    }
    masses
}

/// 1/n sum over i of a_ij / P_i. Supports of a life are neighbours: one pass over lives, one over supports.
fn factors(lives: &[(usize, usize, f64)], masses: &[f64], n: f64) -> Vec<f64> {
    let mut up_to = Vec::with_capacity(masses.len() + 1);
    up_to.push(0.0);
    let mut sum = 0.0;
    up_to.extend(masses.iter().map(|mass| {
        sum += mass;
        sum
    }));
    let mut change = vec![0.0; masses.len() + 1];
    for &(first, end, weight) in lives {
        // No life holds less than weight / n from the first step on: the difference loses nothing that counts.
        let share = weight / (up_to[end] - up_to[first]);
        change[first] += share;
        change[end] -= share;
    }
    let running = |sum: &mut f64, change: &f64| {
        *sum += change;
        Some(*sum / n)
    };
    change[..masses.len()].iter().scan(0.0, running).collect()
}
