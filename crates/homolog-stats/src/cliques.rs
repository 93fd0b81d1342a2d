//! Neurons of several models that agree all round: every two of them are each other's partners.
//!
//! One set for all models, where matches name one reference each. Who is whose partner, the caller decides.

#[cfg(test)]
mod tests;

/// A set of neurons, one of a model, of which every two are partners.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Clique {
    /// (model, neuron), ascending.
    pub members: Vec<(usize, u32)>,
}

/// All maximal sets of at least `min_models` neurons, at most one of a model, in which every two are partners; ascending by members.
///
/// Maximal: no neuron of another model is a partner of all members. Sets may overlap: where a and b agree with c, and with d, but
/// c does not with d, both {a, b, c} and {a, b, d} are there.
///
/// Shapes: `partners[a * n_models + b]` holds the partner in b of every neuron of a; of a model with itself only the number counts.
/// Work: about `n_models` times the pairs of partners, as long as most neurons agree with few or in one set; sets can be 3^(n/3)
/// of n models in the worst case.
/// Assumes: nothing of the partners but that they are mutual. Panics: if one is not, if there are more than 64 models, or if the
/// lists are not `n_models`^2.
/// Source: Bron and Kerbosch 1973, Communications of the ACM 16, 575-577, algorithm 457, with the pivot of Tomita, Tanaka and
/// Takahashi 2006; sets of models are bits of a word.
pub fn cliques(n_models: usize, partners: &[Vec<Option<u32>>], min_models: usize) -> Vec<Clique> {
    assert!(n_models <= 64, "{n_models} models, of at most 64");
    assert_eq!(partners.len(), n_models * n_models, "partners of every ordered pair of models");
    let partner_in = |b: usize, (a, i): (usize, u32)| partners[a * n_models + b].get(i as usize).copied().flatten();
    let mut found = Vec::new();
    for a in 0..n_models {
        let n = (0..n_models).map(|b| partners[a * n_models + b].len()).max().unwrap_or(0);
        for i in 0..n as u32 {
            let around = Around::new(n_models, (a, i), partner_in);
            let earlier = (1_u64 << a) - 1;
            // Every set is found from its member of the lowest model.
            around.extend(1 << a, around.all & !earlier, around.all & earlier, min_models, &mut found);
        }
    }
    found.sort_unstable();
    found
}

/// A neuron and its partners: at most one a model, so that a set of them is a set of models.
struct Around {
    /// By model; of models without a partner anything.
    neurons: [u32; 64],
    /// Models with a partner.
    all: u64,
    /// By model, the models whose partner is a partner of this one's.
    agree: [u64; 64],
}

impl Around {
    fn new(n_models: usize, (a, i): (usize, u32), partner_in: impl Fn(usize, (usize, u32)) -> Option<u32>) -> Self {
        let mut around = Self { neurons: [0; 64], all: 0, agree: [0; 64] };
        around.neurons[a] = i;
        for b in (0..n_models).filter(|&b| b != a) {
            if let Some(j) = partner_in(b, (a, i)) {
                assert_eq!(partner_in(a, (b, j)), Some(i), "partner {b}.{j} of neuron {a}.{i} has another one");
                around.neurons[b] = j;
                around.all |= 1 << b;
            }
        }
        for b in models(around.all) {
            for c in models(around.all & !(1 << b)) {
                if partner_in(c, (b, around.neurons[b])) == Some(around.neurons[c]) {
                    around.agree[b] |= 1 << c;
                }
            }
        }
        around
    }

    /// Every maximal set that consists of `members` and some of `candidates`; whatever could be added but is `excluded` was
    /// looked at before.
    fn extend(&self, members: u64, candidates: u64, excluded: u64, min_models: usize, found: &mut Vec<Clique>) {
        if ((members | candidates).count_ones() as usize) < min_models {
            return;
        }
        if candidates | excluded == 0 {
            found.push(Clique { members: models(members).map(|b| (b, self.neurons[b])).collect() });
            return;
        }
        // A maximal set holds the pivot or a candidate that does not agree with it.
        let n_agree = |&b: &usize| (candidates & self.agree[b]).count_ones();
        let pivot = models(candidates | excluded).max_by_key(n_agree).map_or(0, |pivot| self.agree[pivot]);
        let (mut left, mut passed) = (candidates, excluded);
        for b in models(candidates & !pivot) {
            let agree = self.agree[b];
            self.extend(members | 1 << b, left & agree, passed & agree, min_models, found);
            left &= !(1 << b);
            passed |= 1 << b;
        }
    }
}

/// The models of a set, ascending.
fn models(set: u64) -> impl Iterator<Item = usize> {
    let mut left = set;
    std::iter::from_fn(move || {
        let model = left.trailing_zeros() as usize;
        left &= left.wrapping_sub(1);
        (model < 64).then_some(model)
    })
}
