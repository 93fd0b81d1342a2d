use super::*;
use crate::fixtures::Golden;
use crate::tiny_gpt2::read;
use crate::{Tol, assert_close, require_fixtures};

/// Both sides are f64 over a few hundred additions of numbers of order one to ten.
const F64: Tol = Tol { abs: 1e-9, rel: 1e-9 };

fn tokens() -> Vec<u32> {
    vec![60, 3, 3, 14, 15, 9, 2, 6]
}

fn run(shape: &Gpt2Shape, weights: &Weights, tokens: &[u32]) -> Reference {
    forward(shape, weights, tokens, &no_ablation)
}

#[test]
fn agrees_with_the_goldens_of_the_fixture_family() {
    let fixtures = require_fixtures!();
    let (shape, weights) = read(&fixtures.join("family/seed-a/checkpoint-1600"));
    let golden = Golden::open(fixtures.join("goldens/acts_seed-a_final.safetensors"));
    let bytes = std::fs::read(fixtures.join("tokens.u16")).expect("the fixtures have tokens");
    let tokens: Vec<u32> = bytes[..256].chunks_exact(2).map(|b| u32::from(u16::from_le_bytes([b[0], b[1]]))).collect();
    let run = run(&shape, &weights, &tokens);

    // The golden activations are rounded to f32.
    let rounded_to_f32 = Tol { abs: 1e-9, rel: 6e-8 };
    assert_eq!(golden.shape("post_gelu_ctx0"), [4, 128, 512]);
    assert_close(&run.mlp_post.concat(), &golden.f64("post_gelu_ctx0"), rounded_to_f32);
    assert_eq!(golden.shape("logits_ctx0_pos126_127"), [2, 2048]);
    assert_close(&run.logits[126 * 2048..], &golden.f64("logits_ctx0_pos126_127"), F64);
    // Token 127 is predicted from position 126.
    let logits = &golden.f64("logits_ctx0_pos126_127")[..2048];
    let log_normalizer = logits.iter().map(|v| v.exp()).sum::<f64>().ln();
    assert_close(&run.loss_nats[126..], &[log_normalizer - logits[tokens[127] as usize]], F64);

    // Mutants: the same weights under another rule.
    for mutant in [
        Gpt2Shape { is_inverse_layer_scaled: true, ..shape.clone() },
        Gpt2Shape { activation: "gelu".into(), ..shape.clone() },
        Gpt2Shape { eps: 1e-3, ..shape.clone() },
        Gpt2Shape { n_heads: 2, ..shape.clone() },
    ] {
        let mutated = forward(&mutant, &weights, &tokens, &no_ablation).mlp_post.concat();
        assert!(
            crate::close::check_close(&mutated, &golden.f64("post_gelu_ctx0"), rounded_to_f32).is_err(),
            "{mutant:?}"
        );
    }
}

#[test]
fn later_tokens_change_nothing_before_them() {
    let shape = Gpt2Shape { is_inverse_layer_scaled: true, ..Gpt2Shape::tiny() };
    let weights = shape.random(1, 0.3);
    let long = run(&shape, &weights, &tokens());
    let short = run(&shape, &weights, &tokens()[..5]);
    assert_eq!(short.logits, long.logits[..5 * shape.d_vocab]);
    assert_eq!(short.loss_nats, long.loss_nats[..4]);
    assert_eq!(short.mlp_post[1], long.mlp_post[1][..5 * shape.d_mlp]);
    let one = run(&shape, &weights, &tokens()[..1]);
    assert!(one.loss_nats.is_empty() && one.logits.len() == shape.d_vocab);
}

#[test]
fn inverse_layer_scaling_spares_the_first_layer() {
    let plain = Gpt2Shape::tiny();
    let scaled = Gpt2Shape { is_inverse_layer_scaled: true, ..plain.clone() };
    let weights = plain.random(2, 0.5);
    let (a, b) = (run(&plain, &weights, &tokens()), run(&scaled, &weights, &tokens()));
    assert_eq!(a.resid_post[0], b.resid_post[0]);
    assert_ne!(a.resid_mid[1], b.resid_mid[1]);
}

#[test]
fn untied_unembedding_is_lm_head() {
    let tied = Gpt2Shape::tiny();
    let untied = Gpt2Shape { is_tied: false, ..tied.clone() };
    let mut weights = untied.random(3, 0.3);
    let other = run(&untied, &weights, &tokens());
    let copy = weights["wte.weight"].clone();
    weights.insert("lm_head.weight".into(), copy);
    let same = run(&untied, &weights, &tokens());
    weights.remove("lm_head.weight");
    assert_eq!(same, run(&tied, &weights, &tokens()));
    assert_ne!(same.logits, other.logits);
}

#[test]
fn ablating_a_whole_layer_leaves_its_output_bias() {
    let shape = Gpt2Shape::tiny();
    let weights = shape.random(4, 0.3);
    let run = forward(&shape, &weights, &tokens(), &|layer, _| (layer == 1).then_some(0.0));
    let bias = &weights["h.1.mlp.c_proj.bias"].values;
    let written: Vec<f64> = run.resid_post[1].iter().zip(&run.resid_mid[1]).map(|(post, mid)| post - mid).collect();
    let want: Vec<f64> = (0..tokens().len()).flat_map(|_| bias.iter().map(|&v| f64::from(v))).collect();
    assert_close(&written, &want, Tol::abs(1e-14));
    assert!(run.mlp_post[1].iter().all(|&v| v == 0.0) && run.mlp_pre[1].iter().any(|&v| v != 0.0));
}

#[test]
#[expect(clippy::float_cmp, reason = "other neurons keep their very bits")]
fn ablating_one_neuron_replaces_it_at_every_position() {
    let shape = Gpt2Shape::tiny();
    let weights = shape.random(5, 0.3);
    let clean = run(&shape, &weights, &tokens());
    let ablated = forward(&shape, &weights, &tokens(), &|layer, neuron| ((layer, neuron) == (0, 7)).then_some(2.5));
    for (t, row) in ablated.mlp_post[0].chunks_exact(shape.d_mlp).enumerate() {
        for (neuron, &v) in row.iter().enumerate() {
            assert_eq!(v, if neuron == 7 { 2.5 } else { clean.mlp_post[0][t * shape.d_mlp + neuron] });
        }
    }
    assert_ne!(ablated.loss_nats, clean.loss_nats);
}

#[test]
fn pearson_knows_exact_cases() {
    let x = [1.0, 2.0, 4.0, 8.0];
    let scaled: Vec<f64> = x.iter().map(|v| 3.0 * v + 100.0).collect();
    assert_close(&[pearson(&x, &scaled).expect("varies")], &[1.0], Tol::abs(1e-14));
    let negated: Vec<f64> = x.iter().map(|v| -v).collect();
    assert_close(&[pearson(&x, &negated).expect("varies")], &[-1.0], Tol::abs(1e-14));
    // sd of (0, 0, 1, 1) and (0, 1, 0, 1): uncorrelated by construction; one half where three of four agree around the mean.
    assert_eq!(pearson(&[0.0, 0.0, 1.0, 1.0], &[0.0, 1.0, 0.0, 1.0]), Some(0.0));
    assert_close(&[pearson(&[0.0, 1.0, 2.0], &[0.0, 2.0, 1.0]).expect("varies")], &[0.5], Tol::abs(1e-14));
    assert_eq!(pearson(&x, &[0.1; 4]), None);
    assert_eq!(pearson(&[1.0], &[2.0]), None);
    assert!(pearson(&x, &[1.0, f64::NAN, 0.0, 2.0]).expect("not constant").is_nan());
}

#[test]
fn erfc_agrees_with_tabled_values() {
    // mpmath at 40 digits, rounded to f64, of the doubles nearest to the arguments.
    let table = [
        (0.0, 1.0),
        (0.1, 0.887_537_083_981_715),
        (0.5, 0.479_500_122_186_953_5),
        (1.0, 0.157_299_207_050_285_13),
        (1.5, 0.033_894_853_524_689_274),
        (1.99, 0.004_888_586_800_383_003),
        (2.0, 0.004_677_734_981_047_266),
        (2.01, 0.004_475_150_644_751_763),
        (3.0, 2.209_049_699_858_544e-5),
        (5.0, 1.537_459_794_428_035e-12),
        (10.0, 2.088_487_583_762_545e-45),
        (-0.3, 1.328_626_759_459_127_4),
        (-2.5, 1.999_593_047_982_555),
        (-6.0, 2.0),
    ];
    for (x, want) in table {
        let got = erfc(x);
        assert!((got - want).abs() <= 4e-16, "erfc({x}) = {got:e}, want {want:e}");
        assert!((got / want - 1.0).abs() <= 1e-13, "erfc({x}) = {got:e}, want {want:e}");
    }
}

#[test]
#[expect(clippy::float_cmp, reason = "zero is exact")]
fn activations_have_known_values() {
    for name in ["gelu_new", "gelu", "relu", "silu"] {
        assert_eq!(activate(name, 0.0), 0.0, "{name}");
        assert_close(&[activate(name, 40.0), activate(name, -800.0)], &[40.0, 0.0], Tol::abs(1e-14));
    }
    // x Phi(x) at 1: 0.8413447460685429.
    assert_close(&[activate("gelu", 1.0)], &[0.841_344_746_068_542_9], Tol::abs(1e-15));
    // 0.5 (1 + tanh(sqrt(2/pi) 1.044715)).
    assert_close(&[activate("gelu_new", 1.0)], &[0.841_191_990_608_276_8], Tol::abs(1e-15));
    assert_close(&[activate("silu", 1.0)], &[0.731_058_578_630_004_9], Tol::abs(1e-15));
}

#[test]
#[should_panic(expected = "unknown activation \"swish\"")]
fn refuses_an_unknown_activation() {
    activate("swish", 1.0);
}
