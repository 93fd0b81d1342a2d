use homolog_test::{Seeded, Tol, assert_close, check_close};

use crate::test_layer::TestLayer;

/// As the whole matrix: see the tests of `CrossCovariance`.
const CORRELATION: Tol = Tol::abs(2e-6);

const CHUNK: usize = 900;

/// Some pairs of neurons, in ascending order.
fn some_pairs(n_a: usize, n_b: usize) -> Vec<(u32, u32)> {
    let mut seeded = Seeded::new(9);
    let mut pairs: Vec<(u32, u32)> = (0..60).map(|_| (seeded.below(n_a) as u32, seeded.below(n_b) as u32)).collect();
    // Its neuron of a is constant in a test.
    pairs.push((5, 7));
    pairs.sort_unstable();
    pairs.dedup();
    pairs
}

#[test]
fn agrees_with_the_whole_matrix() {
    for mean_over_sd in [0.0, 30.0] {
        let a = TestLayer::new(1, 2, (2500, 33), mean_over_sd).with_constant(5, 0.25);
        let b = TestLayer::new(1, 3, (2500, 40), mean_over_sd);
        let pairs = some_pairs(33, 40);
        let whole = a.correlation(&b, CHUNK);
        let want: Vec<f64> = pairs.iter().map(|&(i, j)| whole.values()[(i * 40 + j) as usize]).collect();
        let got = a.pair_correlations(&b, &pairs, CHUNK);
        let is_undefined = |corrs: &[f64]| corrs.iter().map(|corr| corr.is_nan()).collect::<Vec<_>>();
        assert!(is_undefined(&want).contains(&true), "a constant neuron is among the pairs");
        assert_eq!(is_undefined(&got), is_undefined(&want));
        let defined = |corrs: &[f64]| corrs.iter().copied().filter(|corr| !corr.is_nan()).collect::<Vec<_>>();
        assert_close(&defined(&got), &defined(&want), CORRELATION);
        let mut swapped = defined(&got);
        swapped.swap(0, 1);
        assert!(check_close(&swapped, &defined(&want), CORRELATION).is_err());
    }
}

#[test]
fn chosen_neurons_have_the_bits_they_have_among_all() {
    let a = TestLayer::new(1, 2, (2500, 33), 3.0).with_constant(4, 1.0);
    let b = TestLayer::new(1, 3, (2500, 40), 3.0);
    let whole = a.correlation(&b, CHUNK);
    for chosen in [vec![0_u32], vec![32], vec![3, 4, 5, 17, 18, 19, 20, 31], (0..33).collect()] {
        let some = a.chosen_correlation(&b, &chosen, CHUNK);
        for (row, &neuron) in some.values().chunks_exact(40).zip(&chosen) {
            let want = &whole.values()[neuron as usize * 40..][..40];
            assert_eq!(
                row.iter().map(|corr| corr.to_bits()).collect::<Vec<_>>(),
                want.iter().map(|corr| corr.to_bits()).collect::<Vec<_>>(),
                "neuron {neuron} of {chosen:?}"
            );
        }
    }
}
