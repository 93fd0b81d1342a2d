use homolog_test::Seeded;
use proptest::prelude::*;

use super::*;

/// Partners of models of `n` neurons each.
struct Graph {
    n_models: usize,
    n: usize,
    partners: Vec<Vec<Option<u32>>>,
}

impl Graph {
    fn new(n_models: usize, n: usize) -> Self {
        Self { n_models, n, partners: vec![vec![None; n]; n_models * n_models] }
    }

    fn partner(&self, (a, i): (usize, u32), b: usize) -> Option<u32> {
        self.partners[a * self.n_models + b][i as usize]
    }

    /// Make two neurons partners, if neither has one in the other's model.
    fn join(&mut self, (a, i): (usize, u32), (b, j): (usize, u32)) {
        if self.partner((a, i), b).is_none() && self.partner((b, j), a).is_none() {
            self.partners[a * self.n_models + b][i as usize] = Some(j);
            self.partners[b * self.n_models + a][j as usize] = Some(i);
        }
    }

    fn join_all(&mut self, members: &[(usize, u32)]) {
        for (at, &one) in members.iter().enumerate() {
            members[..at].iter().for_each(|&other| self.join(one, other));
        }
    }

    fn found(&self, min_models: usize) -> Vec<Clique> {
        cliques(self.n_models, &self.partners, min_models)
    }

    fn is_clique(&self, members: &[(usize, u32)]) -> bool {
        members
            .iter()
            .enumerate()
            .all(|(at, &(a, i))| members[..at].iter().all(|&(b, j)| a != b && self.partner((a, i), b) == Some(j)))
    }

    /// By trying every choice of a neuron or none of every model.
    fn twin(&self, min_models: usize) -> Vec<Clique> {
        let n_choices = (self.n + 1).pow(self.n_models as u32);
        let all = (0..n_choices).map(|mut choice| {
            let mut members = vec![];
            for model in 0..self.n_models {
                if let Some(neuron) = (choice % (self.n + 1)).checked_sub(1) {
                    members.push((model, neuron as u32));
                }
                choice /= self.n + 1;
            }
            members
        });
        let everyone: Vec<(usize, u32)> =
            (0..self.n_models).flat_map(|a| (0..self.n as u32).map(move |i| (a, i))).collect();
        let is_maximal = |members: &Vec<(usize, u32)>| {
            !everyone.iter().any(|&one| !members.contains(&one) && self.is_clique(&[&members[..], &[one]].concat()))
        };
        let kept = all.filter(|members| members.len() >= min_models.max(1) && self.is_clique(members));
        let mut kept: Vec<Clique> = kept.filter(is_maximal).map(|members| Clique { members }).collect();
        kept.sort();
        kept
    }
}

#[test]
fn a_planted_family_is_recovered_without_its_re_initialised_members() {
    let (n_models, n, n_families) = (5, 300, 80);
    let mut seeded = Seeded::new(1);
    let orders: Vec<Vec<usize>> = (0..n_models).map(|_| seeded.permutation(n)).collect();
    let mut graph = Graph::new(n_models, n);
    let mut planted = vec![];
    for family in 0..n_families {
        // One in five is initialised anew, and then nobody's partner.
        let mut members: Vec<(usize, u32)> = (0..n_models).map(|a| (a, orders[a][family] as u32)).collect();
        members.retain(|_| seeded.below(5) > 0);
        graph.join_all(&members);
        planted.push(Clique { members });
    }
    // Chance partners among the others.
    for _ in 0..400 {
        let mut one = || (seeded.below(n_models), n_families + seeded.below(n - n_families));
        let ((a, i), (b, j)) = (one(), one());
        if a != b {
            graph.join((a, orders[a][i] as u32), (b, orders[b][j] as u32));
        }
    }
    for min_models in [4, 5] {
        let mut want: Vec<Clique> =
            planted.iter().filter(|clique| clique.members.len() >= min_models).cloned().collect();
        want.sort();
        assert!(want.len() > 10);
        assert_eq!(graph.found(min_models), want);
    }
    assert!(graph.found(2).len() > 300, "pairs by chance are there too");
}

#[test]
fn partners_in_a_ring_agree_two_by_two_only() {
    // 0 - 1 - 2 - 3 - 0: chains of partners are no clique.
    let mut graph = Graph::new(4, 1);
    (0..4).for_each(|a| graph.join((a, 0), ((a + 1) % 4, 0)));
    assert_eq!(graph.found(3), []);
    let pairs = [[0, 1], [0, 3], [1, 2], [2, 3]].map(|pair| Clique { members: pair.map(|model| (model, 0)).to_vec() });
    assert_eq!(graph.found(2), pairs);
    // One more pair makes two triangles of it, which share the pair.
    graph.join((0, 0), (2, 0));
    let triangles = [[0, 1, 2], [0, 2, 3]].map(|three| Clique { members: three.map(|model| (model, 0)).to_vec() });
    assert_eq!(graph.found(2), triangles);
}

#[test]
fn sets_that_share_one_neuron_are_found_once_and_whole() {
    // Two triangles with one corner in common, whichever models they are of.
    for shared in 0..5 {
        let others: Vec<usize> = (0..5).filter(|&model| model != shared).collect();
        for second in 1..4 {
            let (near, far): (Vec<usize>, Vec<usize>) =
                others.iter().copied().partition(|&model| model == others[0] || model == others[second]);
            let mut graph = Graph::new(5, 1);
            let mut want: Vec<Clique> = [near, far]
                .map(|two| {
                    let mut members: Vec<(usize, u32)> =
                        [&two[..], &[shared]].concat().into_iter().map(|m| (m, 0)).collect();
                    members.sort_unstable();
                    graph.join_all(&members);
                    Clique { members }
                })
                .to_vec();
            want.sort();
            assert_eq!(graph.found(1), want);
        }
    }
}

#[test]
fn a_neuron_without_partners_is_a_set_of_one() {
    let mut graph = Graph::new(2, 2);
    graph.join((0, 1), (1, 0));
    let sets = [vec![(0, 0)], vec![(0, 1), (1, 0)], vec![(1, 1)]].map(|members| Clique { members });
    assert_eq!(graph.found(1), sets);
    assert_eq!(graph.found(2), sets[1..2]);
    assert_eq!(graph.found(3), []);
    assert_eq!(cliques(0, &[], 2), []);
    assert_eq!(cliques(1, &[vec![]], 2), []);
}

#[test]
fn as_many_models_as_a_word_has_bits() {
    let mut graph = Graph::new(64, 2);
    let members: Vec<(usize, u32)> = (0..64).map(|a| (a, a as u32 % 2)).collect();
    graph.join_all(&members);
    assert_eq!(graph.found(2), [Clique { members }]);
}

#[test]
#[should_panic(expected = "partner 1.1 of neuron 0.0 has another one")]
fn a_partner_that_is_not_mutual_is_refused() {
    let mut graph = Graph::new(2, 2);
    graph.partners[1][0] = Some(1);
    graph.found(2);
}

#[test]
#[should_panic(expected = "65 models")]
fn more_models_are_refused() {
    Graph::new(65, 1).found(2);
}

proptest! {
    #[test]
    fn agrees_with_every_choice_tried(
        rng_seed in any::<u64>(), n_models in 1_usize..6, n in 1_usize..4, n_pairs in 0_usize..40, min_models in 1_usize..4,
    ) {
        let mut seeded = Seeded::new(rng_seed);
        let mut graph = Graph::new(n_models, n);
        for _ in 0..n_pairs {
            let mut one = || (seeded.below(n_models), seeded.below(n) as u32);
            let (one, other) = (one(), one());
            if one.0 != other.0 {
                graph.join(one, other);
            }
        }
        prop_assert_eq!(graph.found(min_models), graph.twin(min_models));
    }
}
