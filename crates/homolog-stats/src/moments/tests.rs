use homolog_test::{Seeded, Tol, assert_close, check_close};
use proptest::prelude::*;

use super::*;
use crate::test_layer::TestLayer;

/// Sums are f64, but x - shift is rounded to f32 (6e-8 of it) unless x is near the shift. Measured: 1.1e-7 of 1 + |value| on
/// heavy-tailed columns, 1e-14 at mean/sd 30, where the difference is exact.
const MOMENTS: Tol = Tol { abs: 5e-7, rel: 5e-7 };

/// Two passes in float64: mean, var, skew, kurt, min, max, `frac_positive`.
fn twin(x: &[f64]) -> [f64; 7] {
    let n = x.len() as f64;
    let mean = x.iter().sum::<f64>() / n;
    let central = |power| x.iter().map(|x| (x - mean).powi(power)).sum::<f64>() / n;
    let var = central(2);
    let min = x.iter().copied().fold(f64::INFINITY, f64::min);
    let max = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let n_positive = x.iter().filter(|&&x| x > 0.0).count() as f64;
    [mean, var, central(3) / var.powf(1.5), central(4) / (var * var), min, max, n_positive / n]
}

fn flat(moments: &Moments) -> [f64; 7] {
    let Moments { mean, var, skew, kurt, min, max, frac_positive } = *moments;
    [mean, var, skew.expect("not constant"), kurt.expect("not constant"), min, max, frac_positive]
}

fn cube_positive(x: f32) -> f32 {
    x.max(0.0).powi(3)
}

#[test]
fn agrees_with_two_pass_float64() {
    for (n_tokens, n) in [(2, 3), (63, 1), (64, 15), (65, 64), (3000, 65)] {
        for mean_over_sd in [0.0, 3.0, 30.0] {
            let gaussian = TestLayer::new(1, 2, (n_tokens, n), mean_over_sd);
            // Rare and large, as activations are after the nonlinearity.
            let heavy_tailed = TestLayer::new(1, 2, (n_tokens.max(63), n), mean_over_sd).map(cube_positive);
            for layer in [gaussian, heavy_tailed] {
                let moments = layer.moments(1000).moments();
                assert_eq!(moments.len(), n);
                for (j, moments) in moments.iter().enumerate() {
                    let want = twin(&layer.column(j));
                    assert_close(&flat(moments)[..4], &want[..4], MOMENTS);
                    assert_close(&flat(moments)[4..], &want[4..], Tol::EXACT);
                }
            }
        }
    }
}

#[test]
fn a_variance_over_n_minus_1_a_lost_token_and_a_swapped_column_would_be_seen() {
    let layer = TestLayer::new(1, 2, (3000, 5), 3.0);
    let moments = layer.moments(1000).moments();
    let want = twin(&layer.column(0));
    let is_close = |got: [f64; 7]| check_close(&got, &want, MOMENTS).is_ok();
    let got = flat(&moments[0]);
    assert!(is_close(got));
    assert!(!is_close([got[0], got[1] * 3000.0 / 2999.0, got[2], got[3], got[4], got[5], got[6]]), "over N - 1");
    assert!(!is_close([got[0], got[1], got[2], got[3] - 3.0, got[4], got[5], got[6]]), "excess kurtosis");
    assert!(!is_close(flat(&moments[1])), "another column");
    let short = TestLayer { values: layer.values[layer.n..].to_vec(), ..layer };
    assert!(!is_close(flat(&short.moments(1000).moments()[0])), "a token lost");
}

#[test]
fn a_constant_neuron_has_variance_exactly_0_and_no_shape() {
    // None of these values survives a sum and a division by the count in f32.
    for value in [0.0, 0.1, -1.7, 3e-30, 3e30] {
        let layer = TestLayer::new(1, 2, (301, 3), 0.0).with_constant(1, value);
        let accumulator = layer.moments(100);
        let constant = accumulator.moments()[1];
        let value = f64::from(value);
        assert_eq!((constant.var, constant.skew, constant.kurt), (0.0, None, None), "{value}");
        assert_eq!((constant.mean, constant.min, constant.max), (value, value, value));
        let sds: Vec<bool> = accumulator.marginals().iter().map(|marginal| marginal.sd.is_nan()).collect();
        assert_eq!(sds, [false, true, false], "{value}");
    }
}

#[test]
fn a_neuron_that_is_constant_in_the_first_chunk_only_is_not_constant() {
    let mut layer = TestLayer::new(1, 2, (500, 2), 3.0);
    layer.values[..200].iter_mut().for_each(|x| *x = 0.0);
    let moments = layer.moments(100).moments();
    for (j, moments) in moments.iter().enumerate() {
        assert_close(&flat(moments), &twin(&layer.column(j)), MOMENTS);
    }
}

#[test]
fn gaussians_have_kurtosis_3_and_no_skew() {
    let n_tokens = 100_000;
    let values = Seeded::new(3).gaussians_f32(n_tokens, 2.0);
    let moments = TestLayer { n: 1, values }.moments(4096).moments()[0];
    let [mean, var, skew, kurt, ..] = flat(&moments);
    // Five standard errors: sqrt(4/n), 4 sqrt(2/n), sqrt(6/n), sqrt(24/n).
    assert!(mean.abs() < 0.032 && (var - 4.0).abs() < 0.09, "mean {mean}, variance {var}");
    assert!(skew.abs() < 0.039 && (kurt - 3.0).abs() < 0.078, "skew {skew}, kurtosis {kurt}");
}

#[test]
fn values_that_are_not_finite_are_found_wherever_they_stand() {
    assert_eq!(MomentsAccumulator::new(2).first_not_finite(), None, "before any token");
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        for token in [0, 99, 100, 299] {
            let mut layer = TestLayer::new(1, 2, (300, 3), 0.0);
            assert_eq!(layer.moments(100).first_not_finite(), None);
            layer.values[token * 3 + 1] = bad;
            assert_eq!(layer.moments(100).first_not_finite(), Some(1), "{bad} at token {token}");
        }
    }
}

#[test]
fn centring_again_gives_the_chunks_of_the_first_pass_and_an_empty_chunk_changes_nothing() {
    let layer = TestLayer::new(1, 2, (120, 17), 30.0);
    let mut accumulator = MomentsAccumulator::new(17);
    accumulator.add(&mut [], 0);
    let mut chunks: Vec<Vec<f32>> = layer.values.chunks(50 * 17).map(<[f32]>::to_vec).collect();
    for chunk in &mut chunks {
        accumulator.add(chunk, 0);
    }
    let before = accumulator.moments();
    accumulator.add(&mut [], 0);
    accumulator.centre(&mut []);
    assert_eq!((accumulator.moments(), accumulator.n_tokens()), (before, 120));
    for (centred, values) in chunks.iter().zip(layer.values.chunks(50 * 17)) {
        let mut again = values.to_vec();
        accumulator.centre(&mut again);
        assert_eq!(&again, centred);
        assert_ne!(again, values);
    }
    for (marginal, moments) in accumulator.marginals().iter().zip(accumulator.moments()) {
        assert!(marginal.mean.abs() < moments.var.sqrt(), "the first 50 tokens centre the rest");
        assert_close(&[marginal.sd], &[moments.var.sqrt()], Tol::EXACT);
    }
}

#[test]
#[should_panic(expected = "moments of no tokens")]
fn no_tokens_have_no_moments() {
    MomentsAccumulator::new(1).moments();
}

#[test]
#[should_panic(expected = "the first pass sets the provisional means")]
fn centring_needs_a_first_pass() {
    MomentsAccumulator::new(1).centre(&mut [1.0]);
}

proptest! {
    #[test]
    fn where_later_chunks_end_changes_no_bit(cuts in prop::collection::vec(50_usize..200, 0..6)) {
        let layer = TestLayer::new(1, 2, (200, 5), 3.0);
        let mut cuts = cuts;
        cuts.extend([0, 50, 200]);
        cuts.sort_unstable();
        let mut accumulator = MomentsAccumulator::new(5);
        for ends in cuts.windows(2) {
            accumulator.add(&mut layer.values[ends[0] * 5..ends[1] * 5].to_vec(), 0);
        }
        prop_assert_eq!(accumulator.moments(), layer.moments(50).moments());
    }

    #[test]
    fn the_order_of_tokens_changes_only_the_last_digits(rng_seed: u64) {
        let layer = TestLayer::new(1, 2, (200, 3), 3.0);
        let order = Seeded::new(rng_seed).permutation(200);
        let values = order.iter().flat_map(|&token| layer.values[token * 3..][..3].to_vec()).collect();
        let permuted = TestLayer { n: 3, values }.moments(50).moments();
        for (got, want) in permuted.iter().zip(layer.moments(50).moments()) {
            prop_assert_eq!(check_close(&flat(got), &flat(&want), MOMENTS), Ok(()));
        }
    }
}

#[test]
fn going_on_from_kept_sums_changes_no_bit() {
    let layer = TestLayer::new(1, 2, (120, 17), 30.0);
    let mut whole = MomentsAccumulator::new(17);
    let mut first = MomentsAccumulator::new(17);
    assert_eq!(MomentsAccumulator::from_partial(first.to_partial()).n_tokens(), 0, "before the first token");
    for (at, chunk) in layer.values.chunks(50 * 17).enumerate() {
        whole.add(&mut chunk.to_vec(), at % 2);
        if at > 0 {
            first = MomentsAccumulator::from_partial(first.to_partial());
        }
        first.add(&mut chunk.to_vec(), at % 2);
    }
    assert_eq!(first.to_partial(), whole.to_partial());
    assert_eq!(first.moments(), whole.moments());
    // Mutant: sums of another neuron.
    let mut swapped = whole.to_partial();
    swapped.halves[1].powers.swap(0, 4);
    assert_ne!(MomentsAccumulator::from_partial(swapped).moments(), whole.moments());
}

#[test]
fn halves_are_what_their_tokens_are_and_together_the_whole() {
    let layer = TestLayer::new(1, 2, (240, 3), 3.0).with_constant(2, 0.5);
    let mut accumulator = MomentsAccumulator::new(3);
    for (at, chunk) in layer.values.chunks(30 * 3).enumerate() {
        accumulator.add(&mut chunk.to_vec(), at % 2);
    }
    assert_eq!((accumulator.n_tokens(), accumulator.n_tokens_of_halves()), (240, [120, 120]));
    let of_half =
        |half: usize| -> Vec<f32> { layer.values.chunks(30 * 3).skip(half).step_by(2).flatten().copied().collect() };
    for (half, marginals) in accumulator.marginals_of_halves().iter().enumerate() {
        let alone = TestLayer { n: 3, values: of_half(half) };
        for j in 0..2 {
            let [mean, var, ..] = twin(&alone.column(j));
            let got = [marginals[j].mean + f64::from(accumulator.shift()[j]), marginals[j].sd];
            assert_close(&got, &[mean, var.sqrt()], MOMENTS);
            let other = twin(&TestLayer { n: 3, values: of_half(1 - half) }.column(j));
            assert!(check_close(&got, &[other[0], other[1].sqrt()], MOMENTS).is_err(), "the other half would be seen");
        }
        assert!(marginals[2].sd.is_nan());
    }
    for (got, want) in accumulator.moments().iter().zip(layer.moments(30).moments()).take(2) {
        assert_close(&flat(got), &flat(&want), MOMENTS);
    }
}
