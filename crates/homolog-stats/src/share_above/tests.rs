#![expect(clippy::unwrap_used, reason = "tests")]

use homolog_test::Seeded;

use super::*;

const N_BLOCKS: usize = 40;

/// Block means of neurons that share part of their noise; returns the hard share above 0 and the standard error that one sample tells.
fn world(rng_seed: u64, n_neurons: usize) -> (f64, f64) {
    let mut seeded = Seeded::new(rng_seed);
    // The truths are the same in every world.
    let mut truths = Seeded::new(1);
    let common: Vec<f64> = (0..N_BLOCKS).map(|_| seeded.gaussian()).collect();
    let mut share = ShareAbove::new(0.0, N_BLOCKS);
    let mut n_above = 0;
    for _ in 0..n_neurons {
        let truth = 0.5 * truths.gaussian();
        let blocks: Vec<f64> = common.iter().map(|common| truth + common + 0.7 * seeded.gaussian()).collect();
        let estimate = blocks.iter().sum::<f64>() / N_BLOCKS as f64;
        let changes: Vec<f64> = blocks.iter().map(|block| (estimate - block) / (N_BLOCKS - 1) as f64).collect();
        let without: Vec<f64> = changes.iter().map(|change| estimate + change).collect();
        share.push(estimate, jackknife_se(estimate, &without, &[1.0; N_BLOCKS]), &changes);
        n_above += u32::from(estimate > 0.0);
    }
    (f64::from(n_above) / n_neurons as f64, share.se(&[1.0; N_BLOCKS]).unwrap())
}

/// What one sample tells is the spread that many samples show. Taking neurons one by one for independent would tell a tenth of it.
#[test]
fn the_standard_error_is_the_spread_over_samples() {
    let worlds: Vec<(f64, f64)> = (0..150).map(|rng_seed| world(100 + rng_seed, 300)).collect();
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let shares: Vec<f64> = worlds.iter().map(|world| world.0).collect();
    let told = mean(&worlds.iter().map(|world| world.1).collect::<Vec<_>>());
    let of = mean(&shares);
    let spread = mean(&shares.iter().map(|share| (share - of).powi(2)).collect::<Vec<_>>()).sqrt();
    assert!((told / spread - 1.0).abs() < 0.25, "told {told}, spread {spread}");
    assert!(spread > 3.0 * (0.25_f64 / 300.0).sqrt() / 2.0, "noise is shared: {spread}");
}

#[test]
fn neurons_near_a_threshold_that_nobody_passes_leave_it_unsure() {
    let mut share = ShareAbove::new(0.5, 4);
    share.push(0.49, Some(0.02), &[0.01, -0.01, 0.005, -0.005]);
    share.push(0.1, Some(0.02), &[0.01, -0.01, 0.005, -0.005]);
    share.push_undefined();
    assert!(share.se(&[1.0; 4]).unwrap() > 0.01);
    let mut far = ShareAbove::new(0.5, 4);
    far.push(0.1, Some(0.02), &[0.01, -0.01, 0.005, -0.005]);
    far.push(0.9, None, &[f64::NAN; 4]);
    assert_eq!(far.se(&[1.0; 4]), Some(0.0));
    assert_eq!(ShareAbove::new(0.5, 4).se(&[1.0; 4]), None, "of no neurons");
}
