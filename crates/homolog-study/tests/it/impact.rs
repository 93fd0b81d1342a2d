//! What ablations do besides the loss, in every mode; how sure that is; and controls that are like the universal neurons.

use std::collections::BTreeSet;
use std::fs;

use homolog_results::{
    AblationRow, BalanceRow, DamageRow, EmergenceRow, FamilyRow, MatchRow, NeuronRow, PersistenceRow,
};
use homolog_stats::derangement;
use homolog_test::planted::write_u16_rows;
use homolog_test::reference_gpt2::{Reference, forward, no_ablation};
use homolog_test::tiny_gpt2::{Gpt2Shape, Layout, Weights};
use homolog_test::{Seeded, Tol, assert_close};

use crate::ablation::{CONTEXT, LOSS, N_ROWS, copies, threshold_for};
use crate::slow::SlowModel;
use crate::world::{Run, World};

/// Divergences near 0.01 nats from f32 logits. Measured: 3e-8.
const KL: Tol = Tol::abs(2e-7);

/// [layer][position * d_mlp + neuron] of every row.
type Activations = Vec<Vec<Vec<f64>>>;

/// Mean loss, divergence from the clean predictions, share of equal first choices, and the loss at the first position and at all others.
fn outcome(clean: &[Reference], ablated: &[Reference], d_vocab: usize) -> [f64; 5] {
    let mut sums = [0.0; 5];
    for (clean, ablated) in clean.iter().zip(ablated) {
        for (position, &loss) in ablated.loss_nats.iter().enumerate() {
            let logits = |run: &Reference| run.logits[position * d_vocab..][..d_vocab].to_vec();
            let log_p = |logits: &[f64]| {
                let sum: f64 = logits.iter().map(|logit| logit.exp()).sum();
                logits.iter().map(|logit| logit - sum.ln()).collect::<Vec<f64>>()
            };
            let top = |logits: &[f64]| (0..d_vocab).fold(0, |top, v| if logits[v] > logits[top] { v } else { top });
            let (p, q) = (log_p(&logits(clean)), log_p(&logits(ablated)));
            sums[0] += loss;
            sums[1] += p.iter().zip(&q).map(|(p, q)| p.exp() * (p - q)).sum::<f64>();
            sums[2] += if top(&logits(clean)) == top(&logits(ablated)) { 1.0 } else { 0.0 };
            sums[if position == 0 { 3 } else { 4 }] += loss;
        }
    }
    let (n_rows, n_rest) = (clean.len() as f64, (clean[0].loss_nats.len() - 1) as f64);
    let n = n_rows * (n_rest + 1.0);
    [sums[0] / n, sums[1] / n, sums[2] / n, sums[3] / n_rows, sums[4] / (n_rows * n_rest)]
}

#[test]
fn every_mode_does_what_the_float64_model_does() {
    let (mut world, rows) = copies();
    world.add("[ablation]\nmodes = [\"zero\", \"mean\", \"position-mean\", \"resample\"]\nseed = 5");
    world.add("[[ablation.set]]\nname = \"mine\"\nfile = \"mine.csv\"");
    fs::write(world.path("mine.csv"), "layer,neuron\n0,3\n0,4\n0,39\n1,0\n1,7\n1,21\n").unwrap();
    let set: BTreeSet<usize> = [3, 4, 39, 40, 47, 61].into();
    let run = world.run();
    let slow = SlowModel::read(&world.path("a"));
    let clean = slow.passes(&rows, CONTEXT, &|_, _, _| None);
    let activations: Activations = clean.iter().map(|row| row.mlp_post.clone()).collect();
    let of = |row: usize, flat: usize, position: usize| activations[row][flat / 40][position * 40 + flat % 40];
    // Of the rows' positions all but the first, which holds the token that is not counted, and wherever else it is.
    let counted = slow.activations(&rows, CONTEXT, &[60]);
    let mean = |flat: usize| counted[flat].iter().sum::<f64>() / counted[flat].len() as f64;
    let mean_at =
        |flat: usize, position: usize| (0..N_ROWS).map(|row| of(row, flat, position)).sum::<f64>() / N_ROWS as f64;
    let others = derangement(N_ROWS, 5, 0).unwrap();
    let d_vocab = slow.shape.d_vocab;
    let of_clean = outcome(&clean, &clean, d_vocab);
    let mut seen = Vec::new();
    for mode in ["zero", "mean", "position-mean", "resample"] {
        let value = |flat: usize, row: usize, position: usize| match mode {
            "zero" => 0.0,
            "mean" => mean(flat),
            "position-mean" => mean_at(flat, position),
            _ => of(others[row], flat, position),
        };
        let replaced =
            |flat: usize, row: usize, position: usize| set.contains(&flat).then(|| value(flat, row, position));
        let [loss, kl, same_top, first, rest] = outcome(&clean, &slow.passes(&rows, CONTEXT, &replaced), d_vocab);
        let table = run.table::<AblationRow>();
        let is_it = |row: &&AblationRow| row.model == "a" && row.set == "mine" && row.mode == mode;
        let row = table.iter().find(is_it).unwrap();
        assert_close(&[row.loss_nats_clean, row.loss_nats], &[of_clean[0], loss], LOSS);
        assert_close(&[row.kl_nats], &[kl], KL);
        assert_close(&[row.top1_agreement], &[same_top], Tol::EXACT);
        let split = [row.delta_first_nats, row.delta_rest_nats.unwrap()];
        assert_close(&split, &[first - of_clean[3], rest - of_clean[4]], LOSS);
        let (low, high) = (row.delta_low.unwrap(), row.delta_high.unwrap());
        assert!(low < row.delta_loss_nats && row.delta_loss_nats < high, "{row:?}");
        seen.push(loss);
    }
    seen.sort_by(f64::total_cmp);
    assert!(seen.windows(2).all(|pair| pair[1] - pair[0] > 5.0 * LOSS.abs), "modes differ: {seen:?}");
}

/// One layer of 600 neurons, of which 60 are shared between two models, and tokens that model a predicts. Shared neurons write four times as much
/// as most others, and so do 120 of those: what a neuron is worth follows from how much it writes alone.
fn big_writers_are_universal() -> World {
    let shape = Gpt2Shape { n_layers: 1, d_mlp: 600, is_tied: false, ..Gpt2Shape::tiny() };
    let mut a = shape.random(3, 0.35);
    let other = shape.random(4, 0.35);
    let mut b = a.clone();
    // Model b reads other things with all but the first 60 neurons; everything before the neurons is the same.
    for (name, keeps) in [("h.0.mlp.c_fc.weight", shape.d_model), ("h.0.mlp.c_fc.bias", 1)] {
        let (of_b, of_other) = (&mut b.get_mut(name).unwrap().values, &other[name].values);
        for row in 0..keeps {
            let neurons = row * shape.d_mlp + 60..(row + 1) * shape.d_mlp;
            of_b[neurons.clone()].copy_from_slice(&of_other[neurons]);
        }
    }
    for weights in [&mut a, &mut b] {
        let w_out = &mut weights.get_mut("h.0.mlp.c_proj.weight").unwrap().values;
        for (neuron, row) in w_out.chunks_exact_mut(shape.d_model).enumerate() {
            let size = if neuron < 180 { 0.6 } else { 0.15 };
            for w in row {
                *w *= size;
            }
        }
    }
    let rows = predicted_rows(&shape, &a);
    let mut world = World::new(&rows, CONTEXT);
    write_u16_rows(&world.path("tokens.u16"), &rows);
    world.model("a", None, (&shape, &a), Layout::PLAIN);
    world.model("b", None, (&shape, &b), Layout::PLAIN);
    world
}

/// Rows drawn token by token from what the model predicts, so that whatever is taken from it does harm.
fn predicted_rows(shape: &Gpt2Shape, weights: &Weights) -> Vec<u16> {
    let mut seeded = Seeded::new(11);
    let mut rows = Vec::new();
    for _ in 0..60 {
        let mut row = vec![60_u32];
        while row.len() < CONTEXT {
            let run = forward(shape, weights, &row, &no_ablation);
            let logits = &run.logits[(row.len() - 1) * shape.d_vocab..];
            let weights: Vec<f64> = logits.iter().map(|logit| logit.exp()).collect();
            let mut left = seeded.below(1 << 30) as f64 / f64::from(1 << 30) * weights.iter().sum::<f64>();
            let token = weights.iter().position(|weight| {
                left -= weight;
                left < 0.0
            });
            row.push(token.unwrap_or(shape.d_vocab - 1) as u32);
        }
        rows.extend(row.into_iter().map(|token| token as u16));
    }
    rows
}

fn damage(run: &Run, control: &str) -> DamageRow {
    run.table::<DamageRow>().into_iter().find(|row| row.model == "a" && row.control == control).unwrap()
}

#[test]
fn matched_controls_see_through_what_uniform_ones_are_misled_by() {
    let mut world = big_writers_are_universal();
    world.add("[universality]\nrule = \"count\"\ncount_threshold = 0.999\nthresholds = [0.999]");
    world.add("[ablation]\nmodes = [\"zero\"]\nmultiples = [1]");
    world.add("per_layer = false\npermutations = 60\nresamples = 400");
    let run = world.run();
    let universal: Vec<u32> = run
        .table::<NeuronRow>()
        .iter()
        .filter(|row| row.model == "a" && row.is_universal)
        .map(|row| row.neuron)
        .collect();
    assert_eq!(universal, (0..60).collect::<Vec<_>>());
    let (uniform, matched) = (damage(&run, "random"), damage(&run, "random_matched"));
    // Of the others 120 of 540 write as much, the rest a quarter: universal neurons look worth more than they are.
    assert!(uniform.ratio.unwrap() > 1.8 && uniform.p_value.unwrap() < 0.05, "{uniform:?}");
    assert!((0.7..1.4).contains(&matched.ratio.unwrap()), "{matched:?}");
    assert!(matched.ratio_low.unwrap() < 1.0 && matched.ratio_high.unwrap() > 1.0, "{matched:?}");
    assert!(matched.p_value.unwrap() > 0.05, "{matched:?}");
    assert_eq!((uniform.n_draws, matched.n_draws), (60, 60));
    let balance = run.table::<BalanceRow>();
    let difference = |control: &str| {
        let is_it = |row: &&BalanceRow| row.model == "a" && row.control == control && row.covariate == "log_write_norm";
        balance.iter().find(is_it).unwrap().standardized_difference.unwrap()
    };
    assert!(difference("random") > 1.0 && difference("random_matched").abs() < 0.3, "{}", difference("random_matched"));
}

#[test]
fn damage_follows_from_the_rows_of_the_ablations() {
    let (mut world, _) = copies();
    let threshold = threshold_for(7);
    world.add(&format!("[universality]\nthreshold = {threshold}\nthresholds = [{threshold}]"));
    world.add(
        "[ablation]\nmodes = [\"mean\", \"zero\"]\ndraws = 2\npermutations = 6\nmultiples = [1, 2]\nresamples = 300",
    );
    let run = world.run();
    let table = run.table::<AblationRow>();
    let rows = run.table::<DamageRow>();
    assert_eq!(rows.len(), 2 * 2 * 3);
    for row in &rows {
        let deltas = |set: &str, multiple: Option<u32>| {
            let is_it = |ablation: &&AblationRow| {
                let is_place = ablation.model == row.model && ablation.mode == row.mode;
                is_place && ablation.set == set && ablation.multiple == multiple
            };
            table.iter().filter(is_it).map(|ablation| ablation.delta_loss_nats).collect::<Vec<f64>>()
        };
        let mut draws = deltas(&row.control, Some(1));
        // Permutations are of the first mode, and zero comes before mean.
        assert_eq!(draws.len(), if row.mode == "zero" { 6 } else { 2 });
        let universal = deltas("universal", None)[0];
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        assert_close(&[row.universal_delta_nats, row.control_delta_nats.unwrap()], &[universal, mean], Tol::abs(1e-12));
        let n_as_great = draws.iter().filter(|&&delta| delta >= universal).count();
        assert_eq!(row.p_value, Some((1 + n_as_great) as f64 / (1 + draws.len()) as f64));
        draws.sort_by(f64::total_cmp);
        let n = draws.len();
        assert_close(
            &[row.control_delta_median.unwrap()],
            &[f64::midpoint(draws[n / 2 - 1], draws[n / 2])],
            Tol::abs(1e-12),
        );
        let ratio = (universal > 0.0 && mean > 0.0).then(|| universal / mean);
        assert_eq!(row.ratio.is_some(), ratio.is_some());
        if let (Some(found), Some(want)) = (row.ratio, ratio) {
            assert_close(&[found], &[want], Tol { abs: 0.0, rel: 1e-9 });
            assert!(row.ratio_low.unwrap() <= found && row.ratio_high.is_none_or(|high| found <= high), "{row:?}");
        }
    }
}

/// Three models at two steps, with what their neurons share.
fn family(threshold: Option<f64>) -> World {
    let shape = Gpt2Shape::tiny();
    let rows = homolog_test::planted::random_rows(N_ROWS, CONTEXT, shape.d_vocab, shape.bos, 7);
    let mut world = World::new(&rows, CONTEXT);
    let shared = shape.random(2, 0.3);
    for (at, model) in ["a", "b", "c"].into_iter().enumerate() {
        for step in [5, 40] {
            // The same weights, and noise of each model's own that lessens with training.
            let noise = shape.random(100 * at as u64 + step as u64, if step == 5 { 0.06 } else { 0.05 });
            let mut weights = shared.clone();
            for (name, weight) in &mut weights {
                weight.values.iter_mut().zip(&noise[name].values).for_each(|(w, noise)| *w += noise);
            }
            world.model(model, Some(step), (&shape, &weights), Layout::PLAIN);
        }
    }
    world.add("[checkpoints]\nsteps = [5, 40]");
    let Some(threshold) = threshold else {
        world.add("[ablation]\nenabled = false\n[attribution]\nenabled = false");
        return world;
    };
    world.add(&format!("[universality]\nthreshold = {threshold}\nthresholds = [{threshold}]"));
    world.add("[ablation]\nmodes = [\"zero\"]\ndraws = 2\nmultiples = [1, 2]\npermutations = 3\nresamples = 200");
    world
}

/// A threshold that three neurons of every model pass at step 5, or more.
fn threshold_of_family() -> f64 {
    let world = family(None);
    let neurons = world.run().table::<NeuronRow>();
    let between_third_and_fourth = |model: &str| {
        let of_model = neurons.iter().filter(|row| row.model == model && row.checkpoint == Some(5));
        let mut excess: Vec<f64> = of_model.filter_map(|row| row.excess_corr).collect();
        excess.sort_by(|x, y| y.total_cmp(x));
        f64::midpoint(excess[2], excess[3])
    };
    ["a", "b", "c"].map(between_third_and_fourth).into_iter().fold(f64::INFINITY, f64::min)
}

#[test]
fn a_familys_claims_follow_from_the_tables_of_its_models() {
    let threshold = threshold_of_family();
    let world = family(Some(threshold));
    let run = world.run();
    let table = run.table::<FamilyRow>();
    let row = |quantity: &str, checkpoint: i64, control: Option<&str>| {
        let is_it = |row: &&FamilyRow| {
            row.quantity == quantity && row.checkpoint == Some(checkpoint) && row.control.as_deref() == control
        };
        table.iter().find(is_it).unwrap_or_else(|| panic!("no {quantity} at {checkpoint}")).clone()
    };
    let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
    let emergence = run.table::<EmergenceRow>();
    let shares = |step: i64| {
        let of_step = emergence.iter().filter(|row| row.checkpoint == Some(step) && row.layer.is_none());
        of_step.map(|row| row.share).collect::<Vec<f64>>()
    };
    assert!(mean(shares(5)) > 0.03 && mean(shares(40)) > mean(shares(5)), "{:?} {:?}", shares(5), shares(40));
    for step in [5, 40] {
        assert_close(&[row("share", step, None).estimate.unwrap()], &[mean(shares(step))], Tol::abs(1e-12));
    }
    let rise = row("share_rise", 40, None);
    assert_close(&[rise.estimate.unwrap()], &[mean(shares(40)) - mean(shares(5))], Tol::abs(1e-12));
    assert!(rise.low < rise.estimate && rise.estimate < rise.high, "{rise:?}");
    let lasting: Vec<PersistenceRow> =
        run.table::<PersistenceRow>().into_iter().filter(|row| row.layer.is_none()).collect();
    let persistence = row("persistence", 40, None);
    assert_eq!((persistence.from_checkpoint, persistence.n_models), (Some(5), 3));
    let want = mean(lasting.iter().map(|row| row.persistence.unwrap()).collect());
    let chance = mean(lasting.iter().map(|row| row.expected_by_chance / row.n_from as f64).collect());
    let found = [persistence.estimate.unwrap(), row("expected_persistence", 40, None).estimate.unwrap()];
    assert_close(&found, &[want, chance], Tol::abs(1e-12));
    // Without one model the excess of the others is that over those that are left.
    let matches = run.table::<MatchRow>();
    let without = |left: &str| {
        let of_model = |model: &str| {
            let of_pair =
                matches.iter().filter(|row| row.checkpoint == Some(40) && row.model == model && row.other != left);
            let n_universal =
                of_pair.filter(|row| f64::from(row.max_corr.unwrap() - row.baseline.unwrap()) > threshold);
            n_universal.count() as f64 / 80.0
        };
        let left_over: Vec<f64> = ["a", "b", "c"].into_iter().filter(|&name| name != left).map(of_model).collect();
        mean(left_over)
    };
    let all = ["a", "b", "c"].map(without);
    let share = row("share", 40, None);
    let want = [all.iter().copied().fold(f64::INFINITY, f64::min), all.iter().copied().fold(0.0, f64::max)];
    assert_close(&[share.without_one_low.unwrap(), share.without_one_high.unwrap()], &want, Tol::abs(1e-12));
    assert!(share.low < share.estimate && share.estimate < share.high, "{share:?}");

    let damages: Vec<DamageRow> =
        run.table::<DamageRow>().into_iter().filter(|row| row.checkpoint == Some(40)).collect();
    for control in ["random", "random_layer_matched", "random_matched"] {
        let of_control: Vec<&DamageRow> = damages.iter().filter(|row| row.control == control).collect();
        let universal = mean(of_control.iter().map(|row| row.universal_delta_nats).collect());
        let random = mean(of_control.iter().map(|row| row.control_delta_nats.unwrap()).collect());
        let ratio = row("ratio", 40, Some(control));
        assert_eq!(ratio.estimate.is_some(), universal > 0.0 && random > 0.0);
        if let Some(found) = ratio.estimate {
            assert_close(&[found], &[universal / random], Tol { abs: 0.0, rel: 1e-9 });
        }
        assert!(ratio.p_value.unwrap() >= 0.25 && ratio.p_value.unwrap() <= 1.0, "three draws: {ratio:?}");
    }
}
