//! Overlap of two sets of neurons of one model at two checkpoints: persistence, Jaccard, chance.

#[cfg(test)]
mod tests;

/// How far the set at one checkpoint is found again at another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Overlap {
    /// Members at the first checkpoint.
    pub n_from: u64,
    /// Members at the second.
    pub n_to: u64,
    /// Members at both.
    pub n_both: u64,
    /// `n_both` / `n_from`; none if there is nothing to persist.
    pub persistence: Option<f64>,
    /// `n_both` / |union|; none if both sets are empty.
    pub jaccard: Option<f64>,
    /// Expected `n_both` of two independent sets of these sizes: `n_from n_to / n`, summed over layers.
    pub expected_by_chance: f64,
}

/// Overlap over layers of `d_mlp` neurons; `from` and `to` say of every neuron of these layers whether it is a member.
///
/// P(c -> c') = `|U_c and U_c'| / |U_c|`, by neuron index. Source: Nandan et al. 2025, arXiv:2508.00903 (persistence).
pub fn overlap(from: &[bool], to: &[bool], d_mlp: usize) -> Overlap {
    assert!(from.len() == to.len() && from.len().is_multiple_of(d_mlp), "sets over the same whole layers");
    let count = |members: &[bool]| members.iter().filter(|&&is_member| is_member).count() as u64;
    let (n_from, n_to) = (count(from), count(to));
    let n_both = from.iter().zip(to).filter(|&(&from, &to)| from && to).count() as u64;
    let n_either = n_from + n_to - n_both;
    let layers = from.chunks_exact(d_mlp).zip(to.chunks_exact(d_mlp));
    Overlap {
        n_from,
        n_to,
        n_both,
        persistence: (n_from > 0).then(|| n_both as f64 / n_from as f64),
        jaccard: (n_either > 0).then(|| n_both as f64 / n_either as f64),
        expected_by_chance: layers.map(|(from, to)| (count(from) * count(to)) as f64 / d_mlp as f64).sum(),
    }
}
