use homolog_model::Nonlinearity;

use super::*;

fn config() -> Config {
    Config {
        n_layers: 8,
        n_heads: 2,
        d_model: 64,
        d_head: 32,
        d_mlp: 256,
        d_vocab: 300,
        n_ctx: 40,
        eps: 1e-5,
        nonlinearity: Nonlinearity::GeluNew,
        is_head_scaled: true,
        is_inverse_layer_scaled: false,
        is_tied: true,
        special_tokens: [299].into(),
    }
}

/// Mean and standard deviation.
fn moments(values: &[f32]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
    (mean, (values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / n).sqrt())
}

#[test]
fn weights_have_gpt2s_scale() {
    let parameters = gpt2(&config(), 3);
    for parameter in parameters.layout().iter() {
        let values = parameters.get(&parameter.name);
        if parameter.shape.len() == 1 {
            let want = if parameter.name.contains("ln_") && parameter.name.ends_with("weight") { 1.0 } else { 0.0 };
            assert!(values.iter().all(|&v| v == want), "{}", parameter.name);
            continue;
        }
        let want = if parameter.name.ends_with("c_proj.weight") { 0.02 / 4.0 } else { 0.02 };
        let (mean, sd) = moments(values);
        // Six standard errors of a sample of this size.
        let error = 6.0 * want / (values.len() as f64).sqrt();
        assert!((sd - want).abs() < error && mean.abs() < error, "{}: mean {mean}, sd {sd}", parameter.name);
    }
}

#[test]
fn seeds_and_weights_have_streams_of_their_own() {
    let [one, again, two] = [1, 1, 2].map(|seed| gpt2(&config(), seed));
    assert!(one.values() == again.values());
    assert!(one.get("wte.weight")[..64] != two.get("wte.weight")[..64]);
    assert!(one.get("h.0.mlp.c_fc.weight")[..64] != one.get("h.1.mlp.c_fc.weight")[..64]);
    // A wider vocabulary moves no other weight.
    let wider = gpt2(&Config { d_vocab: 301, ..config() }, 1);
    assert!(wider.get("h.3.attn.c_attn.weight") == one.get("h.3.attn.c_attn.weight"));
}
