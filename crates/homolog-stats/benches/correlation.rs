//! Correlation at GPT-2 Small size: one layer of a model with four layers of another, on all threads (`RAYON_NUM_THREADS` sets
//! them), from a chunk of activations to the totals, and from the totals to what is kept.
//!
//! `cargo bench -p homolog-stats`. Criterion prints elements per second; an element of `products` is one floating-point
//! operation, so Gelem/s reads as GFLOP/s; an element of the others is a pair of neurons.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use homolog_stats::{
    Chunk, CrossCovariance, Extremes, MomentsAccumulator, Precision, RotatedLayer, baseline_maxima, haar_rotation,
};
use homolog_test::Seeded;
use rayon::prelude::*;

const D_MLP: usize = 3072;
const N_TOKENS: usize = 2048;
const N_LAYERS: usize = 4;

fn chunk(rng_seed: u64) -> (Chunk, MomentsAccumulator) {
    let mut chunk = Chunk::new(D_MLP, Precision::F32);
    let values = Seeded::new(rng_seed).gaussians_f32(N_TOKENS * D_MLP, 1.0);
    chunk.grow(N_TOKENS).copy_from_slice(&values);
    let mut moments = MomentsAccumulator::new(D_MLP);
    chunk.pack_with_moments(&mut moments, 0);
    (chunk, moments)
}

fn gpt2_small(c: &mut Criterion) {
    let (a, of_a) = chunk(1);
    let layers: Vec<(Chunk, MomentsAccumulator)> =
        (0..N_LAYERS).into_par_iter().map(|layer| chunk(2 + layer as u64)).collect();
    let mut totals: Vec<CrossCovariance> = layers.iter().map(|_| CrossCovariance::new(D_MLP, D_MLP)).collect();
    let mut group = c.benchmark_group("gpt2-small");
    group.sample_size(10).throughput(Throughput::Elements((2 * N_TOKENS * D_MLP * D_MLP * N_LAYERS) as u64));
    group.bench_function("products", |bench| {
        bench.iter(|| totals.par_iter_mut().zip(&layers).for_each(|(total, (b, _))| total.add(&a, b)));
    });
    drop(totals);

    let (b, of_b) = &layers[0];
    let mut total = CrossCovariance::new(D_MLP, D_MLP);
    total.add(&a, b);
    let correlation = total.into_correlation(N_TOKENS as u64, &of_a.marginals(), &of_b.marginals());
    group.throughput(Throughput::Elements((D_MLP * D_MLP) as u64));
    group.bench_function("extremes of rows", |bench| {
        bench.iter_batched_ref(
            || vec![Extremes::new(16); D_MLP],
            |extremes| correlation.scan_rows(0, extremes),
            BatchSize::LargeInput,
        );
    });
    let q = haar_rotation(D_MLP, 1);
    let sd: Vec<f64> = of_b.marginals().iter().map(|marginal| marginal.sd).collect();
    let rotated = RotatedLayer::new(&q, &sd, vec![1.0; D_MLP], Precision::F32);
    let mut maxima = vec![f64::NAN; D_MLP];
    group.bench_function("baseline of rows", |bench| {
        bench.iter(|| baseline_maxima(&correlation, false, &rotated, &mut maxima));
    });
    group.finish();
}

criterion_group!(benches, gpt2_small);
criterion_main!(benches);
