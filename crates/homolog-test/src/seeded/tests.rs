use super::*;

#[test]
fn gives_the_published_splitmix64_stream() {
    // Reference outputs of the public-domain splitmix64.c (Vigna) for seed 1234567.
    let mut rng = Seeded::new(1_234_567);
    let got: Vec<u64> = (0..3).map(|_| rng.next_u64()).collect();
    assert_eq!(got, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
}

#[test]
fn gaussians_have_mean_zero_variance_one_and_kurtosis_three() {
    let mut rng = Seeded::new(7);
    let n = 200_000;
    let values: Vec<f64> = (0..n).map(|_| rng.gaussian()).collect();
    let mean = |power: i32| values.iter().map(|v| v.powi(power)).sum::<f64>() / f64::from(n);
    // Five standard errors: sqrt(1/n), sqrt(2/n), sqrt(96/n).
    assert!(mean(1).abs() < 0.012, "mean {}", mean(1));
    assert!((mean(2) - 1.0).abs() < 0.016, "variance {}", mean(2));
    assert!((mean(4) - 3.0).abs() < 0.11, "fourth moment {}", mean(4));
    let scaled = Seeded::new(7).gaussians_f32(10, 3.0);
    assert!(scaled.iter().zip(&values).all(|(s, v)| (f64::from(*s) - 3.0 * v).abs() < 1e-6));
}

#[test]
fn below_stays_below_and_reaches_all() {
    let mut rng = Seeded::new(3);
    let mut seen = [0; 5];
    for _ in 0..1000 {
        seen[rng.below(5)] += 1;
        let u = rng.uniform();
        assert!((0.0..1.0).contains(&u));
    }
    assert!(seen.iter().all(|&n| n > 150), "{seen:?}");
    assert_eq!(rng.below(1), 0);
}

#[test]
fn permutations_hold_every_index_once() {
    let mut rng = Seeded::new(4);
    for n in [0, 1, 2, 63, 64, 65] {
        let mut order = rng.permutation(n);
        assert!(n < 63 || order.iter().enumerate().any(|(i, &j)| i != j), "the identity");
        order.sort_unstable();
        assert!(order.iter().copied().eq(0..n));
    }
}

#[test]
fn same_seed_same_numbers_other_seed_others() {
    assert_eq!(Seeded::new(9).gaussians_f32(5, 1.0), Seeded::new(9).gaussians_f32(5, 1.0));
    assert_ne!(Seeded::new(9).gaussians_f32(5, 1.0), Seeded::new(10).gaussians_f32(5, 1.0));
}
