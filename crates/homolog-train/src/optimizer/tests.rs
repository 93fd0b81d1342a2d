use homolog_model::{Config, Nonlinearity};
use homolog_test::{Seeded, Tol, assert_close, check_close};

use super::*;
use crate::FamilyConfig;

fn zeros() -> Parameters {
    Parameters::zeros(&Config {
        n_layers: 1,
        n_heads: 1,
        d_model: 4,
        d_head: 4,
        d_mlp: 8,
        d_vocab: 10,
        n_ctx: 4,
        eps: 1e-5,
        nonlinearity: Nonlinearity::GeluNew,
        is_head_scaled: true,
        is_inverse_layer_scaled: false,
        is_tied: true,
        special_tokens: [9].into(),
    })
}

fn training() -> TrainingSection {
    let text = "family.name = \"f\"\n[corpus]\nfiles = [\"a.txt\"]\ncontext = 4\n[seeds]\nboth = [1]\n[training]\nsteps = 9\n\
                weight_decay = 0.3\nbeta1 = 0.8\nbeta2 = 0.9";
    FamilyConfig::parse(text, std::path::Path::new("f.toml")).expect("a family").training
}

/// The printed update in f64, of one value over all steps; `decay` 0 for what does not decay.
fn reference(start: f32, gradients: &[f32], learning_rate: f64, decay: f64) -> f64 {
    let (b1, b2) = (0.8_f64, 0.9_f64);
    let (mut p, mut m, mut v) = (f64::from(start), 0.0, 0.0);
    for (t, &g) in gradients.iter().enumerate() {
        let (g, t) = (f64::from(g), t as i32 + 1);
        m = b1 * m + (1.0 - b1) * g;
        v = b2 * v + (1.0 - b2) * g * g;
        p -= learning_rate * (m / (1.0 - b1.powi(t)) / ((v / (1.0 - b2.powi(t))).sqrt() + 1e-8) + decay * p);
    }
    p
}

#[test]
fn agrees_with_float64_and_only_matrices_decay() {
    let mut seeded = Seeded::new(3);
    let mut parameters = zeros();
    let n = parameters.values().len();
    parameters.values_mut().copy_from_slice(&seeded.gaussians_f32(n, 1.0));
    let start = parameters.clone();
    let mut optimizer = AdamW::new(n);
    let mut gradients = Vec::new();
    for step in 1..=5 {
        let mut gradient = zeros();
        gradient.values_mut().copy_from_slice(&seeded.gaussians_f32(n, 0.1));
        optimizer.update(&mut parameters, &gradient, &training(), (step, 0.01));
        gradients.push(gradient);
    }
    let tol = Tol { abs: 1e-6, rel: 1e-6 };
    let want = |decay_of: &dyn Fn(bool) -> f64| -> Vec<f64> {
        let of = |parameter: &homolog_model::Parameter| {
            let decay = decay_of(parameter.shape.len() >= 2);
            let value = |i: usize| {
                let over_steps: Vec<f32> = gradients.iter().map(|gradient| gradient.values()[i]).collect();
                reference(start.values()[i], &over_steps, 0.01, decay)
            };
            parameter.range.clone().map(value).collect::<Vec<f64>>()
        };
        start.layout().iter().flat_map(of).collect()
    };
    let got: Vec<f64> = parameters.values().iter().copied().map(f64::from).collect();
    assert_close(&got, &want(&|is_matrix| if is_matrix { 0.3 } else { 0.0 }), tol);
    // The mutants: decay everywhere, decay nowhere.
    assert!(check_close(&want(&|_| 0.3), &got, tol).is_err() && check_close(&want(&|_| 0.0), &got, tol).is_err());
}

#[test]
fn clipping_keeps_the_direction_and_carries_nan() {
    let mut gradient = zeros();
    gradient.values_mut()[..2].copy_from_slice(&[3.0, -4.0]);
    assert_eq!(clip(&mut gradient, 10.0), 5.0);
    assert_eq!(gradient.values()[..2], [3.0, -4.0]);
    assert_eq!(clip(&mut gradient, 1.0), 5.0);
    assert_close(
        &[f64::from(gradient.values()[0]), f64::from(gradient.values()[1])],
        &[0.6, -0.8],
        Tol { abs: 1e-7, rel: 0.0 },
    );
    gradient.values_mut()[7] = f32::NAN;
    assert!(clip(&mut gradient, 1.0).is_nan());
}
