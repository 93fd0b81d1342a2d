//! The kernels at study shapes, one thread: GFLOP/s beside a register-only limit and the `gemm` crate.
//!
//! `cargo bench -p homolog-kernels`. Criterion prints elements per second; an element here is one floating-point operation,
//! so Gelem/s reads as GFLOP/s. Data are random (zeros run faster on some units), correctness is asserted before timing.
#![expect(unsafe_code, reason = "the gemm crate, our outside baseline, takes raw pointers")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use homolog_kernels::{
    AttentionShape, Nonlinearity, Packed, PowerSums, accumulate_gram, accumulate_transposed, add_column_sums,
    causal_attention, causal_attention_backward, centre_and_sum, cross_entropy, cross_entropy_backward, layer_norm,
    layer_norm_backward, product,
};
use homolog_test::Seeded;

/// One product of a forward pass: activations [m, k] times weights [k, n].
fn products(c: &mut Criterion) {
    let mut group = c.benchmark_group("product");
    for (name, m, k, n) in [
        ("gpt2-small w_in", 512, 768, 3072),
        ("gpt2-small w_out", 512, 3072, 768),
        ("fixture w_in", 128, 128, 512),
        ("fixture w_o", 128, 128, 128),
    ] {
        let mut seeded = Seeded::new(1);
        let (a, b) = (seeded.gaussians_f32(m * k, 1.0), seeded.gaussians_f32(k * n, 1.0));
        let packed = Packed::from_rows(&b, n, k, n);
        let (mut out, mut theirs) = (vec![0.0; m * n], vec![0.0; m * n]);
        let gemm = |out: &mut [f32]| {
            let (m, n, k) = (m as isize, n as isize, k as isize);
            // SAFETY: row-major operands of exactly m * k, k * n and m * n values.
            unsafe {
                gemm::gemm(
                    m as usize,
                    n as usize,
                    k as usize,
                    out.as_mut_ptr(),
                    1,
                    n,
                    false,
                    a.as_ptr(),
                    1,
                    k,
                    b.as_ptr(),
                    1,
                    n,
                    0.0,
                    1.0,
                    false,
                    false,
                    false,
                    gemm::Parallelism::None,
                );
            }
        };
        product((&a, k), &packed, 0..n, None, (&mut out, n));
        gemm(&mut theirs);
        let worst = out.iter().zip(&theirs).map(|(x, y)| (x - y).abs()).fold(0.0, f32::max);
        assert!(worst < 1e-3, "{name}: {worst}");
        group.throughput(Throughput::Elements((2 * m * k * n) as u64));
        group.bench_function(name, |bench| {
            bench.iter(|| product((black_box(&a), k), &packed, 0..n, None, (&mut out, n)));
        });
        group.bench_function(format!("{name}, gemm crate"), |bench| bench.iter(|| gemm(black_box(&mut theirs))));
    }
    group.finish();
}

/// The products of a training step, forward and for the gradient of the weight, by tokens, rows and columns of the weight.
fn training(c: &mut Criterion) {
    let mut group = c.benchmark_group("training");
    group.sample_size(20);
    for (t, m, n) in [
        (128, 128, 512),
        (128, 512, 128),
        (128, 128, 384),
        (128, 128, 128),
        (128, 96, 384),
        (128, 64, 256),
        (2048, 128, 512),
        (2048, 512, 128),
        (2048, 128, 384),
        (2048, 128, 128),
        (2048, 96, 384),
        (2048, 64, 256),
        (2048, 768, 3072),
        (2048, 3072, 768),
    ] {
        let mut seeded = Seeded::new(5);
        let (x, w) = (seeded.gaussians_f32(t * m, 1.0), seeded.gaussians_f32(m * n, 1.0));
        let (weight, mut y) = (Packed::from_rows(&w, n, m, n), vec![0.0; t * n]);
        group.throughput(Throughput::Elements((2 * t * m * n) as u64));
        group.bench_function(format!("product {t} {m}x{n}"), |bench| {
            bench.iter(|| product((black_box(&x), m), &weight, 0..n, None, (&mut y, n)));
        });
        let (mut d_y, mut d_w) = (Packed::zeros(t, n), w);
        group.bench_function(format!("transposed {t} {m}x{n}"), |bench| {
            bench.iter(|| accumulate_transposed((black_box(&x), m), m, &d_y, (&mut d_w, n)));
        });
        group.bench_function(format!("packing and transposed {t} {m}x{n}"), |bench| {
            bench.iter(|| {
                d_y.set_rows(black_box(&y), n);
                accumulate_transposed((black_box(&x), m), m, &d_y, (&mut d_w, n));
            });
        });
    }
    group.finish();
}

/// One chunk of one layer pair of a correlation.
fn gram(c: &mut Criterion) {
    let mut group = c.benchmark_group("gram");
    group.sample_size(10);
    for (name, n_tokens, n) in [("gpt2-small layer pair", 2048, 3072), ("fixture layer pair", 2048, 512)] {
        let mut seeded = Seeded::new(2);
        let a = Packed::from_rows(&seeded.gaussians_f32(n_tokens * n, 1.0), n, n_tokens, n);
        let b = Packed::from_rows(&seeded.gaussians_f32(n_tokens * n, 1.0), n, n_tokens, n);
        let mut total = vec![0.0; n * n];
        group.throughput(Throughput::Elements((2 * n_tokens * n * n) as u64));
        group.bench_function(name, |bench| bench.iter(|| accumulate_gram(black_box(&a), &b, &mut total)));
    }
    group.finish();
}

/// What is not a product; elements are values.
fn pointwise(c: &mut Criterion) {
    let mut group = c.benchmark_group("pointwise");
    let mut seeded = Seeded::new(3);
    let values = seeded.gaussians_f32(128 * 512, 1.0);
    let (w, b) = (vec![1.0; 512], vec![0.0; 512]);
    let mut out = values.clone();
    group.throughput(Throughput::Elements(values.len() as u64));
    group.bench_function("layer_norm", |bench| bench.iter(|| layer_norm(black_box(&values), &w, &b, 1e-5, &mut out)));
    for form in [Nonlinearity::GeluNew, Nonlinearity::Gelu] {
        group.bench_function(format!("{form:?}"), |bench| {
            bench.iter(|| {
                out.copy_from_slice(&values);
                form.apply(black_box(&mut out));
            });
        });
    }
    let pre = seeded.gaussians_f32(128 * 512, 1.0);
    let (mut d_w, mut d_b) = (w.clone(), b.clone());
    group.bench_function("layer_norm_backward", |bench| {
        bench.iter(|| layer_norm_backward(black_box(&pre), &w, 1e-5, &values, &mut out, &mut d_w, &mut d_b));
    });
    for form in [Nonlinearity::GeluNew, Nonlinearity::Gelu] {
        group.bench_function(format!("{form:?} backward"), |bench| {
            bench.iter(|| {
                out.copy_from_slice(&values);
                form.backward(black_box(&pre), &mut out);
            });
        });
    }
    group.bench_function("add_column_sums", |bench| bench.iter(|| add_column_sums(black_box(&values), &mut d_b)));
    let mut sums = vec![PowerSums::EMPTY; 512];
    group.bench_function("centre_and_sum", |bench| {
        bench.iter(|| {
            out.copy_from_slice(&values);
            centre_and_sum(black_box(&mut out), &b, &mut sums);
        });
    });
    group.finish();
}

/// Attention and loss of one row; elements are floating-point operations of their products.
fn row(c: &mut Criterion) {
    let mut group = c.benchmark_group("row");
    let mut seeded = Seeded::new(4);
    for (name, n_pos, n_heads, d_head, d_vocab) in [("fixture", 128, 4, 32, 2048), ("gpt2-small", 512, 12, 64, 50257)] {
        let d_model = n_heads * d_head;
        let qkv = seeded.gaussians_f32(n_pos * 3 * d_model, 1.0);
        let mut z = vec![0.0; n_pos * d_model];
        let shape = AttentionShape { n_heads, d_head, score_scale: 0.2 };
        group.throughput(Throughput::Elements((2 * n_pos * n_pos * d_model) as u64));
        group.bench_function(format!("attention {name}"), |bench| {
            bench.iter(|| causal_attention(black_box(&qkv), shape, &mut z));
        });
        let (d_z, mut d_qkv) = (seeded.gaussians_f32(z.len(), 1.0), vec![0.0; qkv.len()]);
        group.throughput(Throughput::Elements((5 * n_pos * n_pos * d_model) as u64));
        group.bench_function(format!("attention backward {name}"), |bench| {
            bench.iter(|| causal_attention_backward(black_box(&qkv), shape, &d_z, &mut d_qkv));
        });
        let w_u = Packed::from_rows(&seeded.gaussians_f32(d_model * d_vocab, 0.1), d_vocab, d_model, d_vocab);
        let targets: Vec<u32> = (0..n_pos).map(|_| seeded.below(d_vocab) as u32).collect();
        let mut loss = vec![0.0; n_pos];
        group.throughput(Throughput::Elements((2 * n_pos * d_model * d_vocab) as u64));
        group.bench_function(format!("cross_entropy {name}"), |bench| {
            bench.iter(|| cross_entropy(black_box(&z), &w_u, &targets, &mut loss));
        });
        let n_block = 64;
        let (x, targets, loss) = (&z[..n_block * d_model], &targets[..n_block], &mut loss[..n_block]);
        let mut d_logits = vec![0.0; n_block * d_vocab];
        group.throughput(Throughput::Elements((2 * n_block * d_model * d_vocab) as u64));
        group.bench_function(format!("cross_entropy backward {name}, {n_block} positions"), |bench| {
            bench.iter(|| cross_entropy_backward(black_box(x), &w_u, targets, 1.0, loss, &mut d_logits));
        });
    }
    group.finish();
}

criterion_group!(benches, products, training, gram, pointwise, row);
criterion_main!(benches);
