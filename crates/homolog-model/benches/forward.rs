//! Forward pass and loss at GPT-2 Small size on random weights, on all threads (`RAYON_NUM_THREADS` sets them).
//!
//! `cargo bench -p homolog-model`. Criterion prints elements per second; an element is a token.

use std::collections::BTreeSet;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use homolog_model::{Checkpoint, HookPoint, Hooks, NoHooks, Precision, Site, Start, Tokens};
use homolog_test::Seeded;
use homolog_test::tiny_gpt2::{Gpt2Shape, Layout};

/// Rows of the length that the paper's study uses.
const CONTEXT: usize = 512;
const N_ROWS: usize = 8;

/// Looks at every neuron's activation and keeps nothing: the forward pass that a correlation needs.
struct AllNeurons;

impl Hooks for AllNeurons {
    fn wants(&self, point: HookPoint) -> bool {
        point.site == Site::MlpPost
    }

    fn at(&mut self, _: HookPoint, activation: homolog_model::Activation<'_>) {
        black_box(activation.values);
    }
}

fn gpt2_small(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let shape = Gpt2Shape::small();
    shape.write(folder.path(), &shape.random(1, 0.02), &Layout::PLAIN);
    let path = folder.path().join("tokens.u32");
    let mut seeded = Seeded::new(2);
    let ids = (0..N_ROWS * CONTEXT).map(|_| seeded.below(shape.d_vocab) as u32);
    std::fs::write(&path, ids.flat_map(u32::to_le_bytes).collect::<Vec<u8>>()).expect("a token file");
    let tokens = Tokens::read(&path, CONTEXT).expect("whole rows");
    let model = Checkpoint::open(folder.path(), &BTreeSet::new())
        .and_then(|found| found.load(Precision::F32))
        .expect("a model");

    let mut group = c.benchmark_group("gpt2-small");
    group.sample_size(10).throughput(Throughput::Elements((N_ROWS * CONTEXT) as u64));
    group.bench_function("forward to every mlp.hook_post", |bench| {
        bench.iter(|| model.forward(tokens.batch(0..N_ROWS), &mut AllNeurons));
    });
    group.bench_function("loss", |bench| {
        bench.iter(|| black_box(model.loss(tokens.batch(0..N_ROWS), Start::Tokens, &mut NoHooks)));
    });
    group.finish();
}

criterion_group!(benches, gpt2_small);
criterion_main!(benches);
