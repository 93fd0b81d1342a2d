#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::sync::Mutex;

use homolog_test::fixtures::Golden;
use homolog_test::reference_gpt2::{self, no_ablation};
use homolog_test::tiny_gpt2::{Gpt2Shape, Layout, Weights};
use homolog_test::{Seeded, Tol, assert_close, check_close, require_fixtures};

use super::*;
use crate::test_model::{Rows, bits};
use crate::{Activation, Capture, Checkpoint, Hooks, Start, Tokens};

/// The weights of a tiny model, read as a user's are.
fn parameters(shape: &Gpt2Shape, weights: &Weights) -> Parameters {
    let folder = tempfile::tempdir().unwrap();
    shape.write(folder.path(), weights, &Layout::PLAIN);
    Checkpoint::open(folder.path(), &BTreeSet::new()).unwrap().parameters().unwrap()
}

fn gradients(parameters: &Parameters, rows: &Rows) -> Gradients {
    Differentiable::new(parameters).gradients(rows.batch(), None, &|_, _, _| {})
}

/// The forward pass with the values dropped that a training step drops.
struct Dropped(Option<Dropout>);

impl Hooks for Dropped {
    fn wants(&self, point: HookPoint) -> bool {
        let is_embedding = point == HookPoint { layer: 0, site: Site::ResidPre };
        self.0.is_some() && (is_embedding || matches!(point.site, Site::AttnOut | Site::MlpOut))
    }

    fn at(&mut self, point: HookPoint, activation: Activation<'_>) {
        if let Some(dropout) = self.0 {
            dropout.apply(point, 0, activation.values);
        }
    }
}

fn shapes() -> Vec<Gpt2Shape> {
    let tiny = Gpt2Shape::tiny;
    vec![
        tiny(),
        Gpt2Shape { n_layers: 3, is_inverse_layer_scaled: true, ..tiny() },
        Gpt2Shape { activation: "gelu".into(), d_mlp: 1, ..tiny() },
        Gpt2Shape { is_tied: false, n_heads: 1, ..tiny() },
        Gpt2Shape { n_heads: 4, d_model: 68, d_mlp: 90, n_ctx: 70, n_layers: 1, eps: 1e-3, ..tiny() },
    ]
}

/// Mean loss of the rows in f64.
fn loss(shape: &Gpt2Shape, weights: &Weights, rows: &Rows) -> f64 {
    let run = |ids: &[u32]| reference_gpt2::forward(shape, weights, ids, &no_ablation).loss_nats;
    let losses: Vec<f64> = rows.ids.chunks(rows.context).flat_map(run).collect();
    losses.iter().sum::<f64>() / losses.len() as f64
}

/// Some values of each weight's gradient with their central difference in f64, and the largest value of that gradient.
fn differences(shape: &Gpt2Shape, weights: &Weights, rows: &Rows, found: &Parameters) -> Vec<(String, f64, f64, f64)> {
    const STEP: f32 = 1e-3;
    let mut seeded = Seeded::new(7);
    let mut all = Vec::new();
    for (name, weight) in weights {
        let gradient = found.get(name);
        let largest = gradient.iter().fold(0.0_f64, |largest, &g| largest.max(f64::from(g).abs()));
        // Tokens that occur have the gradients that matter.
        let width = *weight.shape.last().unwrap();
        let at = |k: usize| {
            if name == "wte.weight" { rows.ids[k] as usize * width + k } else { seeded.below(gradient.len()) }
        };
        for i in [0, 1, 2].map(at) {
            let mut moved = weights.clone();
            let mut loss_at = |value: f32| {
                moved.get_mut(name).unwrap().values[i] = value;
                (f64::from(value), loss(shape, &moved, rows))
            };
            let ((above, loss_above), (below, loss_below)) =
                (loss_at(weight.values[i] + STEP), loss_at(weight.values[i] - STEP));
            all.push((
                format!("{name}[{i}]"),
                f64::from(gradient[i]),
                (loss_above - loss_below) / (above - below),
                largest,
            ));
        }
    }
    all
}

#[test]
fn agrees_with_finite_differences() {
    for shape in shapes() {
        let weights = shape.random(3, 0.4 / (shape.d_model as f64).sqrt());
        let rows = Rows::random(&shape, 2, shape.n_ctx.min(66));
        let found = gradients(&parameters(&shape, &weights), &rows);
        assert!((found.loss_nats - loss(&shape, &weights, &rows)).abs() < 1e-6);
        for (name, got, want, largest) in differences(&shape, &weights, &rows, &found.parameters) {
            // What the central difference itself is off by, and f32.
            let tolerance = 2e-5 * largest + 3e-6;
            assert!((got - want).abs() <= tolerance, "{name} of {shape:?}: {got}, want {want}, largest {largest}");
        }
    }
}

#[test]
fn the_way_forth_is_the_forward_pass() {
    for shape in shapes() {
        let parameters = parameters(&shape, &shape.random(9, 0.2));
        let rows = Rows::random(&shape, 1, shape.n_ctx);
        let differentiable = Differentiable::new(&parameters);
        for dropout in [None, Dropout::new(0.3, 5)] {
            let pass = RowPass { differentiable: &differentiable, ids: &rows.ids, row: 0, dropout };
            let (resid, tape) = pass.forth();
            let points = (0..shape.n_layers)
                .flat_map(|layer| [Site::MlpPost, Site::ResidPost].map(|site| HookPoint { layer, site }));
            let mut captured = Capture::new(points);
            differentiable.model.forward(rows.batch(), &mut (Dropped(dropout), &mut captured));
            for (layer, tape) in tape.iter().enumerate() {
                assert_eq!(bits(&tape.mlp_post), bits(captured.get(HookPoint::mlp_post(layer))));
            }
            let last = HookPoint { layer: shape.n_layers - 1, site: Site::ResidPost };
            assert_eq!(bits(&resid), bits(captured.get(last)));
        }
    }
}

#[test]
fn neurons_alone_are_told_the_bits_of_the_whole_way_back() {
    for shape in shapes() {
        let parameters = parameters(&shape, &shape.random(5, 0.2));
        let rows = Rows::random(&shape, 2, shape.n_ctx.min(20));
        let differentiable = Differentiable::new(&parameters);
        let told = Mutex::new(Vec::new());
        let tell = |at: RowLayer, a: &[f32], d: &[f32]| told.lock().unwrap().push((at.row, at.layer, bits(a), bits(d)));
        let sorted = || {
            let mut all = std::mem::take(&mut *told.lock().unwrap());
            all.sort();
            all
        };
        let whole = differentiable.gradients(rows.batch(), None, &tell);
        let want = sorted();
        let n_targets = 2 * (rows.context - 1);
        let losses = rows.ids.chunks(rows.context).enumerate();
        let losses = losses.map(|row| differentiable.at_neurons(row, (1.0 / n_targets as f64) as f32, &tell));
        assert_close(&[losses.sum::<f64>() / n_targets as f64], &[whole.loss_nats], Tol::abs(1e-12));
        assert_eq!(sorted(), want);
    }
}

#[test]
fn another_loss_would_be_seen() {
    // The mutant of the test above: gradients of the loss of other rows.
    let shape = Gpt2Shape::tiny();
    let weights = shape.random(3, 0.1);
    let rows = Rows::random(&shape, 2, 12);
    let mut shifted = Rows::random(&shape, 2, 12);
    shifted.ids.rotate_left(1);
    let found = gradients(&parameters(&shape, &weights), &shifted);
    let differ = |(_, got, want, largest): &(String, f64, f64, f64)| (got - want).abs() > 2e-5 * largest + 3e-6;
    assert!(differences(&shape, &weights, &rows, &found.parameters).iter().any(differ));
}

#[test]
fn agrees_with_pytorch_in_float64() {
    let fixtures = require_fixtures!();
    let golden = Golden::open(fixtures.join("goldens/gradients_seed-a_670.safetensors"));
    let folder = fixtures.join("family/seed-a/checkpoint-670");
    let parameters = Checkpoint::open(&folder, &BTreeSet::new()).unwrap().parameters().unwrap();
    let tokens = Tokens::read(&fixtures.join("tokens.u16"), 128).unwrap();
    let attribution = Mutex::new(vec![0.0; 4 * 512]);
    let found = Differentiable::new(&parameters).gradients(tokens.batch(0..8), None, &|at, a, d| {
        let sums = &mut attribution.lock().unwrap()[at.layer * 512..][..512];
        for (at, (&a, &d)) in a.iter().zip(d).enumerate() {
            sums[at % 512] += f64::from(a) * f64::from(d);
        }
    });
    let names: Vec<String> =
        golden.names().iter().filter_map(|name| name.strip_prefix("grad.").map(str::to_owned)).collect();
    assert_eq!(names.len(), found.parameters.layout().len());
    for name in &names {
        let want = golden.f64(&format!("grad.{name}"));
        let got: Vec<f64> = found.parameters.get(name).iter().copied().map(f64::from).collect();
        let largest = want.iter().fold(0.0_f64, |largest, g| largest.max(g.abs()));
        let tol = Tol { abs: 5e-6 * largest, rel: 0.0 };
        assert_close(&got, &want, tol);
        // The mutant: one of a hundred rows forgotten.
        let scaled: Vec<f64> = want.iter().map(|g| g * 1.01).collect();
        assert!(check_close(&scaled, &want, tol).is_err());
    }
    let attribution = attribution.into_inner().unwrap();
    let want = golden.f64("attribution");
    let largest = want.iter().fold(0.0_f64, |largest, a| largest.max(a.abs()));
    let tol = Tol { abs: 5e-6 * largest, rel: 0.0 };
    assert_close(&attribution, &want, tol);
    let next_neuron: Vec<f64> = want.iter().skip(1).chain(&want[..1]).copied().collect();
    assert!(check_close(&attribution, &next_neuron, tol).is_err());
}

#[test]
fn dropped_values_have_the_gradients_of_the_loss_without_them() {
    // The f64 twin knows no dropout: central differences of the f32 loss, whose rounding allows a coarse step.
    const STEP: f32 = 2e-2;
    let shape = Gpt2Shape::tiny();
    let mut parameters = parameters(&shape, &shape.random(3, 0.2));
    let rows = Rows::random(&shape, 8, 12);
    let dropout = Dropout::new(0.3, 11);
    let found = Differentiable::new(&parameters).gradients(rows.batch(), dropout, &|_, _, _| {});
    let clean = gradients(&parameters, &rows);
    let loss = |parameters: &Parameters, dropout: Option<Dropout>| {
        let losses = parameters.model().loss(rows.batch(), Start::Tokens, &mut Dropped(dropout));
        losses.iter().map(|&loss| f64::from(loss)).sum::<f64>() / losses.len() as f64
    };
    assert!((found.loss_nats - loss(&parameters, dropout)).abs() < 1e-6);
    assert!((found.loss_nats - clean.loss_nats).abs() > 1e-3);
    let mut n_seen = 0;
    for parameter in parameters.layout().iter() {
        let gradient = found.parameters.get(&parameter.name).to_vec();
        let place = |i: &usize| gradient[*i].abs();
        let largest = (0..gradient.len()).max_by(|a, b| place(a).total_cmp(&place(b))).unwrap();
        let at = parameter.range.start + largest;
        let value = parameters.values()[at];
        let mut loss_at = |value: f32| {
            parameters.values_mut()[at] = value;
            loss(&parameters, dropout)
        };
        let want = (loss_at(value + STEP) - loss_at(value - STEP)) / f64::from(2.0 * STEP);
        loss_at(value);
        let got = f64::from(gradient[largest]);
        assert!((got - want).abs() < 0.01 * want.abs() + 1e-5, "{}: {got}, want {want}", parameter.name);
        // The mutant: gradients that know nothing of what was dropped.
        let clean = f64::from(clean.parameters.get(&parameter.name)[largest]);
        n_seen += usize::from((clean - want).abs() > 0.01 * want.abs() + 1e-5);
    }
    assert!(n_seen > 20, "{n_seen} weights would show a forgotten mask");
}

#[test]
fn threads_change_no_bit() {
    let shape = Gpt2Shape { n_heads: 4, d_model: 68, d_mlp: 300, n_ctx: 70, d_vocab: 300, ..Gpt2Shape::tiny() };
    let parameters = parameters(&shape, &shape.random(5, 0.1));
    let rows = Rows::random(&shape, 20, 70);
    let on = |n_threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
        pool.install(|| bits(gradients(&parameters, &rows).parameters.values()))
    };
    let one = on(1);
    assert!(one == on(2) && one == on(5));
}

#[test]
fn nan_in_a_weight_reaches_loss_and_gradients() {
    let shape = Gpt2Shape::tiny();
    let mut parameters = parameters(&shape, &shape.random(5, 0.1));
    parameters.get_mut("h.0.mlp.c_fc.bias")[3] = f32::NAN;
    let found = gradients(&parameters, &Rows::random(&shape, 1, 12));
    assert!(found.loss_nats.is_nan() && found.parameters.get("wte.weight").iter().any(|g| g.is_nan()));
}
