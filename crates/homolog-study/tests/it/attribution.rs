//! What single neurons are worth: to first order, against differences in f64, and ablated one by one.

use std::collections::BTreeSet;

use homolog_results::{AblationRow, AttributionRow, NeuronRow, SingleRow};
use homolog_test::{Tol, assert_close};

use crate::ablation::{CONTEXT, LOSS, copies, threshold_for};
use crate::slow::SlowModel;
use crate::world::{Run, World};

/// Central differences of the loss, and f32. Measured: 6e-8 of effects near 1e-3.
const FIRST_ORDER: Tol = Tol::abs(1e-6);

fn run(attribution: &str) -> (World, Run, SlowModel, Vec<u16>) {
    let (mut world, rows) = copies();
    let threshold = threshold_for(7);
    world.add(&format!("[universality]\nthreshold = {threshold}\nthresholds = [{threshold}]"));
    world.add("[ablation]\nmodes = [\"zero\"]\nmultiples = [1]\ndraws = 1\nper_layer = false");
    world.add(&format!("[attribution]\n{attribution}"));
    let (run, slow) = (world.run(), SlowModel::read(&world.path("a")));
    (world, run, slow, rows)
}

fn neurons(run: &Run) -> Vec<NeuronRow> {
    run.table::<NeuronRow>().into_iter().filter(|row| row.model == "a").collect()
}

#[test]
fn the_first_order_is_the_slope_of_the_loss() {
    let (_world, run, mut slow, rows) = run("top = 0\nuniversal = 0\nrandom = 0");
    let neurons = neurons(&run);
    let d_model = slow.shape.d_model;
    let largest = neurons.iter().map(|row| row.attribution_zero_nats.unwrap().abs()).fold(0.0, f64::max);
    assert!(largest > 100.0 * FIRST_ORDER.abs, "{largest}");
    for flat in [0, 3, 17, 39, 40, 62, 79] {
        let row = &neurons[flat];
        let name = format!("h.{}.mlp.c_proj", flat / 40);
        let of_row = flat % 40 * d_model..(flat % 40 + 1) * d_model;
        let write: Vec<f32> = slow.weights[&format!("{name}.weight")].values[of_row.clone()].to_vec();
        let norm = write.iter().map(|&w| f64::from(w).powi(2)).sum::<f64>().sqrt();
        assert_close(&[row.write_norm.unwrap()], &[norm], Tol::abs(1e-12));
        // Output weights times 1 + h are activations times 1 + h; and a share h of the mean comes in by the bias.
        let mut loss_at = |h: f32, mean: f64| {
            let bias = slow.weights[&format!("{name}.bias")].values.clone();
            let weights = &mut slow.weights.get_mut(&format!("{name}.weight")).unwrap().values;
            weights[of_row.clone()].iter_mut().zip(&write).for_each(|(w, write)| *w = write * (1.0 + h));
            let biases = &mut slow.weights.get_mut(&format!("{name}.bias")).unwrap().values;
            let added = |write: &f32| (-f64::from(h) * mean * f64::from(*write)) as f32;
            biases.iter_mut().zip(&write).for_each(|(b, write)| *b += added(write));
            let loss = slow.loss(&rows, CONTEXT, &|_| None);
            slow.weights.get_mut(&format!("{name}.weight")).unwrap().values[of_row.clone()].copy_from_slice(&write);
            slow.weights.get_mut(&format!("{name}.bias")).unwrap().values = bias;
            loss
        };
        let h = 0.03125;
        let mut slope = |mean: f64| (loss_at(h, mean) - loss_at(-h, mean)) / (2.0 * f64::from(h));
        // Towards zero, and towards the mean.
        let want = [-slope(0.0), -slope(row.act_mean)];
        let found = [row.attribution_zero_nats.unwrap(), row.attribution_mean_nats.unwrap()];
        assert_close(&found, &want, Tol { abs: FIRST_ORDER.abs, rel: 2e-3 });
        assert!(row.attribution_zero_se.unwrap() > 0.0);
    }
}

#[test]
fn single_neurons_are_those_of_most_attribution_and_random_ones() {
    let (_world, run, slow, rows) = run("top = 3\nuniversal = 4\nrandom = 5");
    let neurons = neurons(&run);
    let flat = |row: &SingleRow| usize::from(row.layer) * 40 + row.neuron as usize;
    let singles: Vec<SingleRow> = run.table::<SingleRow>().into_iter().filter(|row| row.model == "a").collect();
    let chosen =
        |is_of: fn(&SingleRow) -> bool| singles.iter().filter(|row| is_of(row)).map(flat).collect::<BTreeSet<usize>>();
    let mut ranked: Vec<usize> = (0..80).collect();
    let magnitude = |neuron: usize| neurons[neuron].attribution_zero_nats.unwrap().abs();
    ranked.sort_by(|&x, &y| magnitude(y).total_cmp(&magnitude(x)));
    assert_eq!(chosen(|row| row.is_top), ranked[..3].iter().copied().collect());
    let of_universal = chosen(|row| row.is_of_universal);
    assert_eq!((of_universal.len(), chosen(|row| row.is_of_all).len()), (4, 5));
    assert!(of_universal.iter().all(|&neuron| neurons[neuron].is_universal));
    let clean = slow.loss(&rows, CONTEXT, &|_| None);
    for row in &singles {
        let want = slow.loss(&rows, CONTEXT, &|neuron| (neuron == flat(row)).then_some(0.0)) - clean;
        assert_close(&[row.delta_loss_nats], &[want], LOSS);
        assert_close(&[row.attribution_zero_nats], &[neurons[flat(row)].attribution_zero_nats.unwrap()], Tol::EXACT);
        assert!(row.delta_low.unwrap() <= row.delta_loss_nats && row.delta_loss_nats <= row.delta_high.unwrap());
    }
    let table = run.table::<AttributionRow>();
    let row = table.iter().find(|row| row.model == "a").unwrap();
    let deltas: Vec<f64> = singles.iter().filter(|row| row.is_of_universal).map(|row| row.delta_loss_nats).collect();
    let sum = 7.0 * deltas.iter().sum::<f64>() / 4.0;
    let joint = run.table::<AblationRow>().into_iter().find(|row| row.model == "a" && row.set == "universal").unwrap();
    assert_close(
        &[row.sum_of_singles_nats.unwrap(), row.joint_delta_nats.unwrap()],
        &[sum, joint.delta_loss_nats],
        Tol::abs(1e-12),
    );
    assert!(row.sum_of_singles_low.unwrap() < sum && sum < row.sum_of_singles_high.unwrap());
    assert_eq!((row.n_universal, row.n_singles, row.n_top, row.n_random), (7, 4, 3, 5));
    let mean = |is_universal: bool| {
        let of = neurons.iter().filter(|row| row.is_universal == is_universal);
        let values: Vec<f64> = of.map(|row| row.attribution_zero_nats.unwrap()).collect();
        values.iter().sum::<f64>() / values.len() as f64
    };
    assert_close(
        &[row.universal_attribution_nats.unwrap(), row.other_attribution_nats.unwrap()],
        &[mean(true), mean(false)],
        Tol::abs(1e-12),
    );
}

#[test]
fn what_is_not_asked_for_is_not_told() {
    let (_world, run, ..) = run("enabled = false");
    assert!(neurons(&run).iter().all(|row| row.attribution_zero_nats.is_none() && row.write_norm.is_some()));
    assert!(
        !run.folder.join("tables/singles.parquet").exists() && !run.folder.join("tables/attribution.parquet").exists()
    );
}
