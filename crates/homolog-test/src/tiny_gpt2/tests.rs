use super::*;
use crate::fixtures::{Golden, json};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

#[test]
fn random_weights_follow_the_documented_scales() {
    let shape = Gpt2Shape { is_tied: false, ..Gpt2Shape::tiny() };
    let weights = shape.random(1, 0.2);
    shape.assert_fits(&weights);
    assert_eq!(weights.len(), 2 + 2 * 12 + 2 + 1);
    let sd = |name: &str, mean: f32| {
        let values = &weights[name].values;
        (values.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / values.len() as f32).sqrt()
    };
    assert!((sd("h.1.mlp.c_fc.weight", 0.0) - 0.2).abs() < 0.02);
    assert!((sd("h.0.ln_1.weight", 1.0) - 0.1).abs() < 0.06);
    assert!((sd("h.0.attn.c_attn.bias", 0.0) - 0.05).abs() < 0.02);
    assert!(weights.values().all(|weight| weight.values.iter().all(|&v| v != 0.0)));
    assert_eq!(weights, shape.random(1, 0.2));
    assert_ne!(weights, shape.random(2, 0.2));
}

#[test]
fn small_has_the_parameters_of_gpt2_small() {
    let n: usize = Gpt2Shape::small().names().iter().map(|(_, shape)| shape.iter().product::<usize>()).sum();
    assert_eq!(n, 124_439_808);
}

#[test]
fn folder_round_trips_in_every_layout() {
    for is_tied in [false, true] {
        let shape = Gpt2Shape {
            is_tied,
            is_inverse_layer_scaled: is_tied,
            bos: is_tied.then_some(3),
            eps: 1e-6,
            ..Gpt2Shape::tiny()
        };
        // Values on a grid that all three types hold exactly.
        let mut weights = shape.random(5, 0.3);
        for weight in weights.values_mut() {
            weight.values.iter_mut().for_each(|v| *v = (*v * 64.0).round() / 64.0);
        }
        for dtype in [Dtype::F32, Dtype::F16, Dtype::Bf16] {
            for bits in 0..8 {
                let layout = Layout {
                    dtype,
                    has_prefix: bits & 1 > 0,
                    has_mask_buffers: bits & 2 > 0,
                    has_lm_head: bits & 4 > 0,
                };
                let folder = folder();
                shape.write(folder.path(), &weights, &layout);
                assert_eq!(read(folder.path()), (shape.clone(), weights.clone()), "{layout:?}");
            }
        }
    }
}

#[test]
fn layout_decides_what_the_file_holds() {
    let shape = Gpt2Shape::tiny();
    let weights = shape.random(5, 0.3);
    let folder = folder();
    shape.write(folder.path(), &weights, &Layout::PLAIN);
    let plain = Golden::open(folder.path().join("model.safetensors"));
    assert_eq!(plain.names().len(), weights.len());
    assert!(plain.names().iter().all(|name| name.starts_with("transformer.")));
    let config = json(folder.path().join("config.json"));
    assert_eq!((&config["n_inner"], &config["vocab_size"]), (&40.into(), &61.into()));

    let full = Layout { dtype: Dtype::F16, has_prefix: false, has_mask_buffers: true, has_lm_head: true };
    shape.write(folder.path(), &weights, &full);
    let full = Golden::open(folder.path().join("model.safetensors"));
    assert_eq!(full.names().len(), weights.len() + 2 * 2 + 1);
    assert_eq!(full.shape("h.0.attn.bias"), [1, 1, 12, 12]);
    let mask = full.i64("h.0.attn.bias");
    assert_eq!((mask[0], mask[1], mask[12], mask[13], mask[14]), (1, 0, 1, 1, 0));
    assert_eq!(full.f64("h.1.attn.masked_bias"), [-1e4]);
    assert_eq!(full.f64("lm_head.weight"), full.f64("wte.weight"));
}

#[test]
#[should_panic(expected = "weight h.1.mlp.c_fc.bias is missing")]
fn write_refuses_an_incomplete_model() {
    let shape = Gpt2Shape::tiny();
    let mut weights = shape.random(5, 0.3);
    weights.remove("h.1.mlp.c_fc.bias");
    shape.write(folder().path(), &weights, &Layout::PLAIN);
}

#[test]
fn reads_the_fixture_family() {
    let fixtures = crate::require_fixtures!();
    let (shape, weights) = read(&fixtures.join("family/seed-a/checkpoint-1600"));
    assert_eq!((shape.n_layers, shape.d_model, shape.d_mlp, shape.d_vocab), (4, 128, 512, 2048));
    assert_eq!(shape.bos, Some(2047));
    assert_eq!(weights["h.3.attn.c_attn.weight"].shape, [128, 384]);
}
