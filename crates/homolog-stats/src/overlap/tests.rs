use homolog_test::{Seeded, Tol, assert_close};
use proptest::prelude::*;

use super::*;

fn members(text: &str) -> Vec<bool> {
    text.chars().map(|c| c == '#').collect()
}

#[test]
fn counts_shares_and_chance_of_a_known_case() {
    // Two layers of four: sizes 2 and 1 at first, 3 and 2 later.
    let got = overlap(&members("##...#.."), &members("#.##.##."), 4);
    assert_eq!((got.n_from, got.n_to, got.n_both), (3, 5, 2));
    assert_eq!((got.persistence, got.jaccard), (Some(2.0 / 3.0), Some(2.0 / 6.0)));
    // By layer: 2 * 3 / 4 + 1 * 2 / 4; over one layer of eight it would be 3 * 5 / 8.
    assert_close(&[got.expected_by_chance], &[2.0], Tol::EXACT);
    assert_close(&[overlap(&members("##...#.."), &members("#.##.##."), 8).expected_by_chance], &[1.875], Tol::EXACT);
}

#[test]
fn persistence_divides_by_the_first_set() {
    let (small, large) = (members("#..."), members("###."));
    assert_eq!(overlap(&small, &large, 4).persistence, Some(1.0));
    assert_eq!(overlap(&large, &small, 4).persistence, Some(1.0 / 3.0));
    assert_eq!(overlap(&small, &large, 4).jaccard, overlap(&large, &small, 4).jaccard);
}

#[test]
fn empty_sets_leave_shares_undefined() {
    let (none, some) = (members("...."), members("#..."));
    let undefined = |got: Overlap| (got.persistence, got.jaccard);
    assert_eq!(undefined(overlap(&none, &none, 2)), (None, None));
    assert_eq!(undefined(overlap(&none, &some, 2)), (None, Some(0.0)));
    assert_eq!(undefined(overlap(&some, &none, 2)), (Some(0.0), Some(0.0)));
    assert_close(&[overlap(&none, &some, 2).expected_by_chance], &[0.0], Tol::EXACT);
}

#[test]
fn chance_is_what_independent_sets_share() {
    let (d_mlp, n_draws) = (40, 4000);
    let mut seeded = Seeded::new(1);
    let mut set = || {
        // Sizes 10 and 30 of the two layers.
        let mut set = vec![false; 2 * d_mlp];
        seeded.permutation(d_mlp)[..10].iter().for_each(|&i| set[i] = true);
        seeded.permutation(d_mlp)[..30].iter().for_each(|&i| set[d_mlp + i] = true);
        set
    };
    let mut total = 0;
    for _ in 0..n_draws {
        let got = overlap(&set(), &set(), d_mlp);
        assert_close(&[got.expected_by_chance], &[2.5 + 22.5], Tol::EXACT);
        total += got.n_both;
    }
    // Five standard errors of a hypergeometric count of variance 1.44 in each layer; chance over both at once would be 20.
    let mean = total as f64 / f64::from(n_draws);
    assert!((mean - 25.0).abs() < 0.14, "shared on average {mean}");
}

#[test]
#[should_panic(expected = "sets over the same whole layers")]
fn sets_of_different_models_are_refused() {
    overlap(&members("##.."), &members("##......"), 4);
}

proptest! {
    #[test]
    fn a_set_persists_in_itself_and_both_directions_agree(
        (from, to) in (1_usize..40).prop_flat_map(|n| {
            (prop::collection::vec(any::<bool>(), 3 * n), prop::collection::vec(any::<bool>(), 3 * n))
        }),
    ) {
        let d_mlp = from.len() / 3;
        let (forth, back) = (overlap(&from, &to, d_mlp), overlap(&to, &from, d_mlp));
        prop_assert_eq!((forth.n_from, forth.n_to, forth.n_both), (back.n_to, back.n_from, back.n_both));
        prop_assert_eq!((forth.jaccard, forth.expected_by_chance), (back.jaccard, back.expected_by_chance));
        prop_assert!(forth.n_both <= forth.n_from.min(forth.n_to));
        let itself = overlap(&from, &from, d_mlp);
        let expected = from.contains(&true).then_some(1.0);
        prop_assert_eq!((itself.persistence, itself.jaccard), (expected, expected));
    }
}
