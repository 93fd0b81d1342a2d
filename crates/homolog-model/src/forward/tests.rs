#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use homolog_test::close::check_close_f32;
use homolog_test::fixtures::{Golden, json};
use homolog_test::reference_gpt2::{self, Reference, no_ablation};
use homolog_test::tiny_gpt2::{Gpt2Shape, Weights};
use homolog_test::{Tol, assert_close, assert_close_f32, require_fixtures};
use proptest::prelude::*;

use super::*;
use crate::test_model::{Rows, bits, model, model_in};
use crate::{Ablate, Ablation, Capture, Checkpoint, NeuronId, NoHooks, Precision, TokenMask, Tokens};

/// f32 throughout, against the definition in f64. Measured, in units of 1 + |value|: 5.5e-6 at hook points, 3.3e-6 for logits,
/// 4.5e-7 for losses; the rest is for other seeds and instruction sets.
const FORWARD: Tol = Tol { abs: 2e-5, rel: 2e-5 };

/// Random weights whose outputs are as large as their inputs or larger, so that attention and every bias matter.
fn random(shape: &Gpt2Shape, rng_seed: u64) -> Weights {
    shape.random(rng_seed, 1.2 / (shape.d_model as f64).sqrt())
}

/// Shapes that differ from the tiny one in one way each, and one that passes a block of 64 queries.
fn shapes() -> Vec<Gpt2Shape> {
    let tiny = Gpt2Shape::tiny;
    vec![
        tiny(),
        Gpt2Shape { d_mlp: 64, ..tiny() },
        Gpt2Shape { d_mlp: 1, ..tiny() },
        Gpt2Shape { n_layers: 4, is_inverse_layer_scaled: true, ..tiny() },
        Gpt2Shape { activation: "gelu".into(), ..tiny() },
        Gpt2Shape { is_tied: false, ..tiny() },
        Gpt2Shape { n_layers: 1, n_heads: 1, ..tiny() },
        Gpt2Shape { n_heads: 3, d_model: 24, d_vocab: 7, eps: 1e-3, ..tiny() },
        Gpt2Shape { n_heads: 4, d_model: 68, d_mlp: 300, n_ctx: 70, d_vocab: 300, is_tied: false, ..tiny() },
    ]
}

fn random_model(shape: &Gpt2Shape) -> Model {
    model(shape, &random(shape, 1))
}

fn reference(shape: &Gpt2Shape, weights: &Weights, ids: &[u32]) -> Reference {
    reference_gpt2::forward(shape, weights, ids, &no_ablation)
}

/// What the reference has at a hook point; differences of residual streams where it keeps only those.
fn at(shape: &Gpt2Shape, weights: &Weights, ids: &[u32], run: &Reference, point: HookPoint) -> Vec<f64> {
    let HookPoint { layer, site } = point;
    let minus = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x - y).collect();
    let resid_pre = || -> Vec<f64> {
        if layer > 0 {
            return run.resid_post[layer - 1].clone();
        }
        let row = |name: &str, i: usize| weights[name].values[i * shape.d_model..][..shape.d_model].to_vec();
        let embed = |(t, &id): (usize, &u32)| row("wte.weight", id as usize).into_iter().zip(row("wpe.weight", t));
        ids.iter().enumerate().flat_map(embed).map(|(token, position)| f64::from(token) + f64::from(position)).collect()
    };
    match site {
        Site::ResidPre => resid_pre(),
        Site::AttnOut => minus(&run.resid_mid[layer], &resid_pre()),
        Site::ResidMid => run.resid_mid[layer].clone(),
        Site::MlpPre => run.mlp_pre[layer].clone(),
        Site::MlpPost => run.mlp_post[layer].clone(),
        Site::MlpOut => minus(&run.resid_post[layer], &run.resid_mid[layer]),
        Site::ResidPost => run.resid_post[layer].clone(),
    }
}

/// Products of rounded operands, through every layer. Measured, in units of 1 + |value|: logits 7.0e-5 in bf16x3 and 3.3e-2 in bf16,
/// losses 8.2e-6 and 5.3e-3, on weights that let errors grow.
#[test]
fn lower_precisions_agree_with_the_reference() {
    for (precision, tol, better) in [(Precision::Bf16x3, 2e-4, 1e-6), (Precision::Bf16, 1e-1, 2e-4)] {
        for shape in shapes() {
            let weights = random(&shape, 1);
            let model = model_in(precision, &shape, &weights);
            let rows = Rows::random(&shape, 1, shape.n_ctx);
            let want = reference(&shape, &weights, &rows.ids);
            let logits = model.logits(rows.batch(), &mut NoHooks);
            assert_close_f32(&logits, &want.logits, Tol { abs: tol, rel: tol });
            let loss = model.loss(rows.batch(), Start::Tokens, &mut NoHooks);
            assert_close_f32(&loss, &want.loss_nats, Tol { abs: tol, rel: tol });
            let is_better = check_close_f32(&logits, &want.logits, Tol { abs: better, rel: better }).is_ok();
            assert!(!is_better, "{precision} is as good as a better one");
            // What no product makes is exact: a token's row, tied or not.
            let embed = |model: &Model| {
                let mut capture = Capture::new([HookPoint { layer: 0, site: Site::ResidPre }]);
                model.forward(rows.batch(), &mut capture);
                bits(capture.get(HookPoint { layer: 0, site: Site::ResidPre }))
            };
            assert_eq!(embed(&model), embed(&random_model(&shape)), "{precision}");
        }
    }
}

fn capture_all(model: &Model, tokens: TokenBatch<'_>) -> Capture {
    let mut capture = Capture::new(HookPoint::all(model.config().n_layers));
    model.forward(tokens, &mut capture);
    capture
}

fn loss(model: &Model, rows: &Rows) -> Vec<f32> {
    model.loss(rows.batch(), Start::Tokens, &mut NoHooks)
}

#[test]
fn agrees_with_float64_at_every_hook_point() {
    for (seed, shape) in shapes().into_iter().enumerate() {
        let weights = random(&shape, seed as u64);
        let model = model(&shape, &weights);
        for context in [1, 2, shape.n_ctx - 1, shape.n_ctx] {
            let rows = Rows::random(&shape, 3, context);
            let capture = capture_all(&model, rows.batch());
            let logits = model.logits(rows.batch(), &mut NoHooks);
            let loss = loss(&model, &rows);
            for (row, ids) in rows.ids.chunks_exact(context).enumerate() {
                let of_row = |values: &[f32]| values.chunks_exact(values.len() / 3).nth(row).unwrap_or(&[]).to_vec();
                let run = reference(&shape, &weights, ids);
                for point in HookPoint::all(shape.n_layers) {
                    let want = at(&shape, &weights, ids, &run, point);
                    assert_close_f32(&of_row(capture.get(point)), &want, FORWARD);
                }
                assert_close_f32(&of_row(&logits), &run.logits, FORWARD);
                if context > 1 {
                    assert_close_f32(&of_row(&loss), &run.loss_nats, FORWARD);
                }
            }
            assert_eq!(loss.len(), 3 * (context - 1));
        }
    }
}

#[test]
fn another_arithmetic_would_be_seen() {
    let shape = Gpt2Shape { is_inverse_layer_scaled: true, is_tied: false, ..Gpt2Shape::tiny() };
    let weights = random(&shape, 1);
    let model = model(&shape, &weights);
    let rows = Rows::random(&shape, 1, 12);
    let got = loss(&model, &rows);
    let is_close = |want: &[f64]| check_close_f32(&got, want, FORWARD).is_ok();
    assert!(is_close(&reference(&shape, &weights, &rows.ids).loss_nats));
    for mutant in [
        Gpt2Shape { is_inverse_layer_scaled: false, ..shape.clone() },
        Gpt2Shape { activation: "gelu".into(), ..shape.clone() },
        Gpt2Shape { activation: "relu".into(), ..shape.clone() },
        Gpt2Shape { eps: 1e-3, ..shape.clone() },
        Gpt2Shape { n_heads: 4, ..shape.clone() },
    ] {
        assert!(!is_close(&reference(&mutant, &weights, &rows.ids).loss_nats), "{mutant:?}");
    }
    // Every weight matters: a forgotten bias, a transposed square matrix, positions one off.
    for (name, weight) in &weights {
        let mut spoilt = weights.clone();
        spoilt.get_mut(name).unwrap().values = weight.values.iter().map(|v| v * 0.99).collect();
        // Scores of a query are shifted alike by the bias of the keys, which softmax does not see; the rest of that bias is seen.
        assert!(!is_close(&reference(&shape, &spoilt, &rows.ids).loss_nats), "{name} times 0.99");
    }
    let mut transposed = weights.clone();
    transposed.get_mut("h.0.attn.c_proj.weight").unwrap().values =
        (0..256).map(|at| weights["h.0.attn.c_proj.weight"].values[at % 16 * 16 + at / 16]).collect();
    assert!(!is_close(&reference(&shape, &transposed, &rows.ids).loss_nats), "a square weight transposed");
    let mut tied = weights.clone();
    tied.insert("lm_head.weight".into(), weights["wte.weight"].clone());
    assert!(!is_close(&reference(&shape, &tied, &rows.ids).loss_nats), "the embedding for the unembedding");
    // Labels shifted: the token itself, or the one after the next.
    let run = reference(&shape, &weights, &rows.ids);
    let nats = |t: usize, target: u32| {
        let logits = &run.logits[t * 61..(t + 1) * 61];
        logits.iter().map(|x| x.exp()).sum::<f64>().ln() - logits[target as usize]
    };
    let against = |labels: &[u32]| (0..11).map(|t| nats(t, labels[t])).collect::<Vec<_>>();
    assert!(is_close(&against(&rows.ids[1..])));
    assert!(!is_close(&against(&rows.ids)), "labels one back");
    assert!(!is_close(&against(&[&rows.ids[2..], &rows.ids[..1]].concat())), "labels one on");
}

#[test]
fn agrees_with_the_golden_activations_and_logits() {
    let fixtures = require_fixtures!();
    let folder = fixtures.join("family/seed-a/checkpoint-1600");
    let model = Checkpoint::open(&folder, &BTreeSet::new()).unwrap().load(Precision::F32).unwrap();
    let tokens = Tokens::read(&fixtures.join("tokens.u16"), 128).unwrap();
    let golden = Golden::open(fixtures.join("goldens/acts_seed-a_final.safetensors"));
    let mut capture = Capture::new((0..4).map(HookPoint::mlp_post));
    model.forward(tokens.batch(0..1), &mut capture);
    let post = golden.f64("post_gelu_ctx0");
    let logits = golden.f64("logits_ctx0_pos126_127");
    let mut got_logits = model.logits(tokens.batch(0..1), &mut NoHooks);
    // Measured: 1.9e-6 and 4.6e-6.
    for (layer, want) in post.chunks_exact(128 * 512).enumerate() {
        assert_close_f32(capture.get(HookPoint::mlp_post(layer)), want, Tol::abs(1e-5));
    }
    assert_close_f32(&got_logits.split_off(126 * 2048), &logits, Tol::abs(1e-4));
    // Mutants: another layer; another position.
    assert!(
        check_close_f32(capture.get(HookPoint::mlp_post(0)), &post[128 * 512..][..128 * 512], Tol::abs(1e-5)).is_err()
    );
    assert!(check_close_f32(&got_logits.split_off(124 * 2048), &logits, Tol::abs(1e-4)).is_err());
}

#[test]
fn agrees_with_the_golden_losses_clean_and_ablated() {
    let fixtures = require_fixtures!();
    let folder = fixtures.join("family/seed-a/checkpoint-1600");
    let model = Checkpoint::open(&folder, &BTreeSet::new()).unwrap().load(Precision::F32).unwrap();
    let tokens = Tokens::read(&fixtures.join("tokens.u16"), 128).unwrap();
    let ablation = &json(fixtures.join("goldens/ablation.json"))["seed-a|1600|0.3"];
    let universal = ablation["universal"].as_array().unwrap();
    let universal: Vec<NeuronId> =
        universal.iter().map(|flat| NeuronId::from_flat(flat.as_u64().unwrap() as usize, 512)).collect();
    let means = Golden::open(fixtures.join("goldens/checkpoint-1600.safetensors")).f64("seed-a.act_mean");
    let means: Vec<f32> = means.into_iter().map(|mean| mean as f32).collect();
    let mean_loss = |hooks: &mut Ablate<'_>| {
        let loss = model.loss(tokens.batch(0..160), Start::Tokens, hooks);
        loss.iter().map(|&loss| f64::from(loss)).sum::<f64>() / loss.len() as f64
    };
    let clean = mean_loss(&mut Ablate::default());
    let zero = mean_loss(&mut Ablate::new(&universal, Ablation::Zero, 4, 512));
    let mean = mean_loss(&mut Ablate::new(&universal, Ablation::Mean(&means), 4, 512));
    let golden = ["loss", "zero_universal", "mean_universal"].map(|key| ablation[key].as_f64().unwrap());
    // Means of 20,320 losses; measured 8e-9.
    assert_close(&[clean, zero - clean, mean - clean], &golden, Tol::abs(1e-7));
    // The mask counts inputs, never targets: no loss is left out.
    assert!(TokenMask::new(&tokens, &[2047, 198]).n_tokens_counted() < 160 * 127);
}

#[test]
fn a_row_has_the_same_bits_alone_and_in_a_batch() {
    for shape in shapes() {
        let model = random_model(&shape);
        let rows = Rows::random(&shape, 5, shape.n_ctx);
        let batch = capture_all(&model, rows.batch());
        let (batch_loss, batch_logits) = (loss(&model, &rows), model.logits(rows.batch(), &mut NoHooks));
        for (row, ids) in rows.ids.chunks_exact(rows.context).enumerate() {
            let alone = Rows { ids: ids.to_vec(), context: rows.context };
            let of_row = |values: &[f32]| bits(values.chunks_exact(values.len() / 5).nth(row).unwrap());
            let capture = capture_all(&model, alone.batch());
            for point in HookPoint::all(shape.n_layers) {
                assert_eq!(bits(capture.get(point)), of_row(batch.get(point)), "{point}");
            }
            assert_eq!(bits(&loss(&model, &alone)), of_row(&batch_loss));
            assert_eq!(bits(&model.logits(alone.batch(), &mut NoHooks)), of_row(&batch_logits));
        }
    }
}

#[test]
fn thread_counts_change_no_bit() {
    for shape in shapes() {
        let model = random_model(&shape);
        let rows = Rows::random(&shape, 5, shape.n_ctx);
        let run = |n_threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
            pool.install(|| {
                let capture = capture_all(&model, rows.batch());
                let points = HookPoint::all(shape.n_layers).map(|point| bits(capture.get(point)));
                (points.collect::<Vec<_>>(), bits(&loss(&model, &rows)))
            })
        };
        assert!(run(1) == run(2) && run(1) == run(5));
    }
}

#[test]
fn no_batch_is_no_values() {
    let shape = Gpt2Shape::tiny();
    let model = random_model(&shape);
    let none = TokenBatch { ids: &[], context: 12 };
    assert!(capture_all(&model, none).get(HookPoint::mlp_post(1)).is_empty());
    assert!(model.loss(none, Start::Tokens, &mut NoHooks).is_empty());
    assert!(model.logits(none, &mut NoHooks).is_empty());
}

#[test]
fn a_single_position_predicts_nothing() {
    let shape = Gpt2Shape::tiny();
    let model = random_model(&shape);
    assert!(loss(&model, &Rows::random(&shape, 3, 1)).is_empty());
}

#[test]
#[should_panic(expected = "rows of 13 tokens in a model of 12 positions")]
fn rows_beyond_the_last_position_are_refused() {
    let shape = Gpt2Shape::tiny();
    loss(&random_model(&shape), &Rows::random(&shape, 1, 13));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_future_token_changes_no_bit_before_it(which in 0..shapes().len(), at in 0.0..1.0, shift in 1_u32..7) {
        let shape = &shapes()[which];
        let model = random_model(shape);
        let rows = Rows::random(shape, 1, shape.n_ctx);
        let changed_at = (at * shape.n_ctx as f64) as usize;
        let mut changed = Rows { ids: rows.ids.clone(), context: rows.context };
        changed.ids[changed_at] = (changed.ids[changed_at] + shift) % shape.d_vocab as u32;
        // The same row cut off before the change.
        let cut = Rows { ids: rows.ids[..changed_at.max(1)].to_vec(), context: changed_at.max(1) };
        let [whole, changed, cut] = [&rows, &changed, &cut].map(|rows| capture_all(&model, rows.batch()));
        for point in HookPoint::all(shape.n_layers) {
            let width = whole.get(point).len() / shape.n_ctx;
            let before = changed_at * width;
            let same = |other: &Capture, length: usize| bits(&other.get(point)[..length]) == bits(&whole.get(point)[..length]);
            prop_assert!(same(&changed, before), "{} before position {}", point, changed_at);
            prop_assert!(same(&cut, before), "{} of the row cut off at {}", point, changed_at);
            // The residual stream carries the token itself.
            let sees = point.site != Site::ResidPre || point.layer > 0 || shape.d_vocab > 1;
            prop_assert!(!sees || !same(&changed, before + width), "{} at position {}", point, changed_at);
        }
    }
}

#[test]
fn an_empty_ablation_changes_no_bit() {
    for shape in shapes() {
        let model = random_model(&shape);
        let rows = Rows::random(&shape, 2, shape.n_ctx);
        let mut empty = Ablate::new(&[], Ablation::Zero, shape.n_layers, shape.d_mlp);
        let ablated = model.loss(rows.batch(), Start::Tokens, &mut empty);
        assert_eq!(bits(&ablated), bits(&loss(&model, &rows)));
    }
}

#[test]
fn ablating_neurons_that_write_nothing_changes_no_bit() {
    let shape = Gpt2Shape::tiny();
    let silent = [NeuronId { layer: 0, index: 3 }, NeuronId { layer: 0, index: 39 }, NeuronId { layer: 1, index: 0 }];
    let mut weights = random(&shape, 1);
    for neuron in silent {
        let w_out = weights.get_mut(&format!("h.{}.mlp.c_proj.weight", neuron.layer)).unwrap();
        w_out.values[neuron.index * 16..][..16].fill(0.0);
    }
    let model = model(&shape, &weights);
    let rows = Rows::random(&shape, 2, 12);
    let clean = loss(&model, &rows);
    let ablated = |neurons: &[NeuronId], ablation| {
        bits(&model.loss(rows.batch(), Start::Tokens, &mut Ablate::new(neurons, ablation, 2, 40)))
    };
    assert_eq!(ablated(&silent, Ablation::Zero), bits(&clean));
    assert_eq!(ablated(&silent, Ablation::Mean(&[0.7; 80])), bits(&clean));
    // Their neighbours write something.
    for neuron in silent {
        let neighbour = NeuronId { index: (neuron.index + 1) % 40, ..neuron };
        assert_ne!(ablated(&[neighbour], Ablation::Zero), bits(&clean), "{neighbour}");
    }
}

#[test]
fn zeroing_a_whole_layer_leaves_its_output_bias() {
    for shape in shapes() {
        let weights = random(&shape, 1);
        let model = model(&shape, &weights);
        let rows = Rows::random(&shape, 2, shape.n_ctx);
        for layer in 0..shape.n_layers {
            let whole: Vec<NeuronId> = (0..shape.d_mlp).map(|index| NeuronId { layer, index }).collect();
            let mlp_out = HookPoint { layer, site: Site::MlpOut };
            let ablate = Ablate::new(&whole, Ablation::Zero, shape.n_layers, shape.d_mlp);
            let mut hooks = (ablate, Capture::new([mlp_out]));
            model.forward(rows.batch(), &mut hooks);
            let b_out = bits(&weights[&format!("h.{layer}.mlp.c_proj.bias")].values);
            assert!(hooks.1.get(mlp_out).chunks_exact(shape.d_model).all(|out| bits(out) == b_out), "layer {layer}");
        }
    }
}

/// Some neurons of the layers from `first` on, and a value for every neuron.
fn neurons_from(shape: &Gpt2Shape, first: usize) -> (Vec<NeuronId>, Vec<f32>) {
    let of_layer = |layer| (layer..shape.d_mlp).step_by(3).map(move |index| NeuronId { layer, index });
    let means = homolog_test::Seeded::new(3).gaussians_f32(shape.n_layers * shape.d_mlp, 0.5);
    ((first..shape.n_layers).flat_map(of_layer).collect(), means)
}

#[test]
fn ablation_agrees_with_float64() {
    for (seed, shape) in shapes().into_iter().enumerate() {
        let weights = random(&shape, seed as u64);
        let model = model(&shape, &weights);
        let rows = Rows::random(&shape, 1, shape.n_ctx);
        let (neurons, means) = neurons_from(&shape, 0);
        let set: BTreeSet<NeuronId> = neurons.iter().copied().collect();
        let mut all_losses = vec![reference(&shape, &weights, &rows.ids).loss_nats];
        for ablation in [Ablation::Zero, Ablation::Mean(&means)] {
            let replaced = |layer, index| {
                let neuron = NeuronId { layer, index };
                set.contains(&neuron).then(|| match ablation {
                    Ablation::Zero => 0.0,
                    Ablation::Mean(means) => f64::from(means[neuron.flat(shape.d_mlp)]),
                    Ablation::ByPosition(_) => unreachable!("not among those above"),
                })
            };
            let want = reference_gpt2::forward(&shape, &weights, &rows.ids, &replaced);
            let ablate = Ablate::new(&neurons, ablation, shape.n_layers, shape.d_mlp);
            let mut hooks = (ablate, Capture::new(HookPoint::all(shape.n_layers)));
            let got = model.loss(rows.batch(), Start::Tokens, &mut hooks);
            for point in HookPoint::all(shape.n_layers) {
                let want = at(&shape, &weights, &rows.ids, &want, point);
                assert_close_f32(hooks.1.get(point), &want, FORWARD);
            }
            assert_close_f32(&got, &want.loss_nats, FORWARD);
            assert!(
                all_losses.iter().all(|other| check_close_f32(&got, other, FORWARD).is_err()),
                "it makes a difference"
            );
            all_losses.push(want.loss_nats);
        }
    }
}

#[test]
fn predictions_of_a_changed_row_are_its_own_beside_the_clean_ones() {
    for shape in shapes() {
        let model = random_model(&shape);
        let rows = Rows::random(&shape, 1, shape.n_ctx);
        let (neurons, means) = neurons_from(&shape, 0);
        let mut ablate = Ablate::new(&neurons, Ablation::Mean(&means), shape.n_layers, shape.d_mlp);
        let clean = model.resid_final(rows.batch(), Start::Tokens, &mut NoHooks);
        let changed = model.resid_final(rows.batch(), Start::Tokens, &mut ablate);
        let found = model.predictions(&rows.ids, &clean, &[changed, clean.clone()]);
        let losses: Vec<Vec<u32>> =
            found.iter().map(|found| found.iter().map(|found| found.loss.to_bits()).collect()).collect();
        let ablated = bits(&model.loss(rows.batch(), Start::Tokens, &mut ablate));
        assert_eq!(losses, [bits(&loss(&model, &rows)), ablated, bits(&loss(&model, &rows))]);
        assert!(found[0].iter().all(|found| found.kl == 0.0));
        assert!(found[1].iter().any(|found| found.kl > 1e-4) && found[2].iter().all(|found| found.kl.abs() < 1e-6));
    }
}

#[test]
fn starting_from_captured_values_changes_no_bit() {
    for shape in shapes() {
        let model = random_model(&shape);
        let rows = Rows::random(&shape, 3, shape.n_ctx);
        let clean = capture_all(&model, rows.batch());
        for first in 0..shape.n_layers {
            let (neurons, means) = neurons_from(&shape, first);
            let start = Start::MlpPost {
                layer: first,
                resid_mid: clean.get(HookPoint::resid_mid(first)),
                mlp_post: clean.get(HookPoint::mlp_post(first)),
            };
            for ablation in [Ablation::Zero, Ablation::Mean(&means)] {
                let mut ablate = Ablate::new(&neurons, ablation, shape.n_layers, shape.d_mlp);
                assert_eq!(ablate.first_layer(), (!neurons.is_empty()).then_some(first));
                let whole = model.loss(rows.batch(), Start::Tokens, &mut ablate);
                let resumed = model.loss(rows.batch(), start, &mut ablate);
                assert_eq!(bits(&resumed), bits(&whole), "layer {first}");
            }
            let resumed = model.loss(rows.batch(), start, &mut NoHooks);
            assert_eq!(bits(&resumed), bits(&loss(&model, &rows)), "clean, layer {first}");
        }
    }
}

#[test]
fn starting_from_another_layers_values_would_be_seen() {
    let shape = Gpt2Shape::tiny();
    let model = random_model(&shape);
    let rows = Rows::random(&shape, 1, 12);
    let clean = capture_all(&model, rows.batch());
    let resumed = |layer, resid_mid, mlp_post| {
        let (resid_mid, mlp_post) =
            (clean.get(HookPoint::resid_mid(resid_mid)), clean.get(HookPoint::mlp_post(mlp_post)));
        bits(&model.loss(rows.batch(), Start::MlpPost { layer, resid_mid, mlp_post }, &mut NoHooks))
    };
    let want = bits(&loss(&model, &rows));
    assert_eq!(resumed(1, 1, 1), want);
    for (layer, resid_mid, mlp_post) in [(1, 0, 1), (1, 1, 0), (0, 1, 1)] {
        assert_ne!(resumed(layer, resid_mid, mlp_post), want);
    }
}
