//! Which sets are ablated, and what their rows say. (Who is in a random set: `stages/ablate/sets/tests.rs`.)

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use homolog_results::{AblationRow, ModelRow, NeuronRow};
use homolog_test::planted::random_rows;
use homolog_test::tiny_gpt2::{Gpt2Shape, Layout};
use homolog_test::{Tol, assert_close};

use crate::slow::SlowModel;
use crate::world::{Run, World};

pub(crate) const CONTEXT: usize = 12;
pub(crate) const N_ROWS: usize = 30;
const BOS: u32 = 60;
/// Losses near 4 nats, summed from f32 over 330 targets. Measured: 2.2e-8.
pub(crate) const LOSS: Tol = Tol::abs(2e-6);

/// Model b is model a: every neuron has its twin, so that `excess_corr` is 1 - baseline and any number of neurons is universal
/// at some threshold.
pub(crate) fn copies() -> (World, Vec<u16>) {
    let shape = Gpt2Shape::tiny();
    let rows = random_rows(N_ROWS, CONTEXT, shape.d_vocab, shape.bos, 7);
    let mut world = World::new(&rows, CONTEXT);
    let weights = shape.random(2, 0.3);
    world.model("a", None, (&shape, &weights), Layout::PLAIN);
    world.model("b", None, (&shape, &weights), Layout::PLAIN);
    (world, rows)
}

/// A threshold that so many neurons of model a pass.
pub(crate) fn threshold_for(n_universal: usize) -> f64 {
    let (mut world, _) = copies();
    world.add("[ablation]\nenabled = false");
    let neurons = world.run().table::<NeuronRow>();
    let mut excess: Vec<f64> =
        neurons.iter().filter(|row| row.model == "a").filter_map(|row| row.excess_corr).collect();
    excess.sort_by(|x, y| y.total_cmp(x));
    f64::midpoint(excess[n_universal - 1], excess[n_universal])
}

/// Universal neurons of a model, flat.
fn universal(run: &Run, model: &str) -> BTreeSet<usize> {
    let neurons = run.table::<NeuronRow>();
    let universal = neurons.iter().filter(|row| row.model == model && row.is_universal);
    universal.map(|row| usize::from(row.layer) * 40 + row.neuron as usize).collect()
}

fn by_layer(universal: &BTreeSet<usize>) -> Vec<usize> {
    (0..2).map(|layer| universal.iter().filter(|&&flat| flat / 40 == layer).count()).collect()
}

/// Hold the multiples of random sets to the rule: those of the study file that there are neurons for, then doubled while the mean
/// damage stays below the universal set's. Returns how many multiples were added by doubling.
///
/// `n_universal` gives the universal neurons of each layer for a row of the universal set.
#[track_caller]
pub(crate) fn assert_multiples_go_on_as_they_should(
    rows: &[AblationRow],
    (configured, d_mlp): (&[u32], usize),
    n_universal: &dyn Fn(&AblationRow) -> Vec<usize>,
) -> usize {
    let mut n_doubled = 0;
    for set in rows.iter().filter(|row| row.set == "universal") {
        let n_universal = n_universal(set);
        let n: usize = n_universal.iter().sum();
        assert_eq!(set.n_neurons, n as u64, "{set:?}");
        for kind in ["random", "random_layer_matched", "random_matched"] {
            let mut found = BTreeMap::<u32, Vec<f64>>::new();
            let of_kind = |row: &&AblationRow| {
                (&row.model, row.checkpoint, &row.mode) == (&set.model, set.checkpoint, &set.mode) && row.set == kind
            };
            for row in rows.iter().filter(of_kind) {
                let multiple = row.multiple.expect("random sets have a multiple");
                assert_eq!(row.n_neurons, n as u64 * u64::from(multiple), "{row:?}");
                let draws = found.entry(multiple).or_default();
                assert_eq!(row.draw, Some(draws.len() as u32), "{row:?}: draws in order");
                draws.push(row.delta_loss_nats);
            }
            let fits = |multiple: u32| match kind {
                "random" => n * (multiple as usize + 1) <= d_mlp * n_universal.len(),
                _ => n_universal.iter().all(|n| n * (multiple as usize + 1) <= d_mlp),
            };
            let mut expected: Vec<u32> = configured.iter().copied().filter(|&multiple| fits(multiple)).collect();
            while let Some(&largest) = expected.last() {
                let deltas = found.get(&largest).unwrap_or_else(|| panic!("{set:?}: no {kind} of multiple {largest}"));
                let damage = deltas.iter().sum::<f64>() / deltas.len() as f64;
                if damage >= set.delta_loss_nats || !fits(2 * largest) {
                    break;
                }
                expected.push(2 * largest);
                n_doubled += 1;
            }
            assert_eq!(found.keys().copied().collect::<Vec<_>>(), expected, "multiples of {kind} for {set:?}");
        }
    }
    n_doubled
}

#[test]
fn every_set_has_its_rows_and_the_losses_are_right() {
    let (mut world, rows) = copies();
    let threshold = threshold_for(7);
    world.add(&format!("[universality]\nthreshold = {threshold}\nthresholds = [{threshold}]"));
    world.add("[ablation]\nmodes = [\"mean\", \"zero\"]\ndraws = 2\nmultiples = [2, 1]");
    let run = world.run();
    let table = run.table::<AblationRow>();

    assert_eq!(universal(&run, "a").len(), 7);
    let n_doubled =
        assert_multiples_go_on_as_they_should(&table, (&[1, 2], 40), &|row| by_layer(&universal(&run, &row.model)));
    assert!(n_doubled > 0, "no multiple was doubled, so nothing was shown");

    let slow = SlowModel::read(&world.path("a"));
    let clean = slow.loss(&rows, CONTEXT, &|_| None);
    let neurons = run.table::<NeuronRow>();
    for model in ["a", "b"] {
        let universal = universal(&run, model);
        let means: Vec<f64> = neurons.iter().filter(|row| row.model == model).map(|row| row.act_mean).collect();
        for mode in ["zero", "mean"] {
            let value = |flat: usize| if mode == "zero" { 0.0 } else { means[flat] };
            let of_set = |set: &str| {
                let of_set = |row: &&AblationRow| row.model == model && row.mode == mode && row.set == set;
                table.iter().filter(of_set).cloned().collect::<Vec<_>>()
            };
            let sets = [(of_set("universal"), vec![None]), (of_set("universal_layer"), vec![Some(0), Some(1)])];
            for (rows_of_set, layers) in sets {
                assert_eq!(rows_of_set.iter().map(|row| row.layer).collect::<Vec<_>>(), layers);
                for row in rows_of_set {
                    assert_eq!((row.threshold, row.multiple, row.draw), (Some(threshold), None, None), "{row:?}");
                    let is_in = |&&flat: &&usize| row.layer.is_none_or(|layer| flat / 40 == usize::from(layer));
                    let set: BTreeSet<usize> = universal.iter().filter(is_in).copied().collect();
                    assert_eq!(row.n_neurons, set.len() as u64, "{row:?}");
                    let want = slow.loss(&rows, CONTEXT, &|flat| set.contains(&flat).then(|| value(flat)));
                    assert_close(&[row.loss_nats_clean, row.loss_nats], &[clean, want], LOSS);
                }
            }
            let random_layer: Vec<_> =
                of_set("random_layer").iter().map(|row| (row.layer, row.multiple, row.draw, row.n_neurons)).collect();
            let n = by_layer(&universal);
            let want = [(0, 0), (0, 1), (1, 0), (1, 1)]
                .map(|(layer, draw)| (Some(layer), Some(1), Some(draw), n[usize::from(layer)] as u64));
            assert_eq!(random_layer, want);
        }
    }
    for row in &table {
        assert_close(&[row.delta_loss_nats], &[row.loss_nats - row.loss_nats_clean], Tol::EXACT);
        let efficiency = (row.n_neurons > 0).then(|| row.delta_loss_nats / row.n_neurons as f64);
        assert_eq!(row.efficiency_nats.map(f64::to_bits), efficiency.map(f64::to_bits), "{row:?}");
    }
    let losses_of = |draw| {
        let of_draw = table.iter().filter(move |row| row.set == "random" && row.draw == Some(draw));
        of_draw.map(|row| row.loss_nats.to_bits()).collect::<Vec<_>>()
    };
    assert_ne!(losses_of(0), losses_of(1), "draws are different sets");
}

#[test]
fn an_empty_universal_set_costs_nothing_and_has_no_efficiency() {
    let (mut world, _) = copies();
    world.add("[universality]\nthreshold = 1.5\nthresholds = [1.5]\n[ablation]\ndraws = 2\nmultiples = [1, 3]");
    let run = world.run();
    let table = run.table::<AblationRow>();
    // 1 universal, 3 kinds x 2 multiples x 2 draws, 2 layers x (1 universal + 2 draws): in 2 modes, for 2 models. In the first mode the
    // 3 kinds have 4 draws of the universal set's size.
    assert_eq!(table.len(), (1 + 12 + 6) * 2 * 2 + 3 * 2 * 2);
    for row in table {
        assert_eq!((row.n_neurons, row.delta_loss_nats.to_bits(), row.efficiency_nats), (0, 0, None), "{row:?}");
        assert_eq!(row.loss_nats.to_bits(), row.loss_nats_clean.to_bits());
    }
}

#[test]
fn multiples_without_enough_neurons_give_a_note_instead_of_rows() {
    let (mut world, _) = copies();
    // Everybody passes, so nobody is left to draw from.
    world.add("[universality]\nthreshold = -3\nthresholds = [-3]\n[ablation]\nmodes = [\"zero\"]\nmultiples = [1, 4]");
    let run = world.run();
    let sets: BTreeSet<String> = run.table::<AblationRow>().into_iter().map(|row| row.set).collect();
    assert_eq!(sets.into_iter().collect::<Vec<_>>(), ["universal", "universal_layer"]);
    let notes = run.manifest().notes;
    for model in ["a", "b"] {
        for lacking in [
            "`random` set of multiple 1",
            "`random` set of multiple 4",
            "`random_layer_matched` set of multiple 1",
            "`random_layer_matched` set of multiple 4",
            "`random_matched` set of multiple 1",
            "`random_layer` set of layer 0",
            "`random_layer` set of layer 1",
        ] {
            let is_told = |note: &String| note.contains(&format!("ablate {model}, ")) && note.contains(lacking);
            assert!(notes.iter().any(is_told), "{model}: no {lacking} is not told: {notes:?}");
        }
    }
}

#[test]
fn disabled_ablation_leaves_an_empty_table_and_reads_no_list() {
    let (mut world, _) = copies();
    world.add("[ablation]\nenabled = false\n[[ablation.set]]\nname = \"x\"\nfile = \"no-such-file.csv\"");
    let run = world.run();
    assert_eq!(run.table::<AblationRow>(), []);
    assert!(run.manifest().stages.iter().all(|stage| stage.stage != "ablate"));
}

#[test]
fn ablation_tokens_limits_the_rows_of_ablation_alone() {
    let (mut world, rows) = copies();
    // Five whole rows and a part of the sixth, which is not used.
    world.add("[ablation]\ntokens = 65\nmodes = [\"zero\"]\n[[ablation.set]]\nname = \"mine\"\nfile = \"mine.csv\"");
    fs::write(world.path("mine.csv"), "neuron,layer\n3,0\n39,1\n").unwrap();
    let run = world.run();
    let slow = SlowModel::read(&world.path("a"));
    let few = &rows[..5 * CONTEXT];
    let clean = slow.loss(few, CONTEXT, &|_| None);
    let ablated = slow.loss(few, CONTEXT, &|flat| (flat == 3 || flat == 79).then_some(0.0));
    let table = run.table::<AblationRow>();
    for row in &table {
        assert_close(&[row.loss_nats_clean], &[clean], LOSS);
    }
    let mine: Vec<&AblationRow> = table.iter().filter(|row| row.set == "mine").collect();
    assert_eq!(mine.len(), 2, "one a model");
    for row in mine {
        assert_close(&[row.loss_nats], &[ablated], LOSS);
    }
    let all = slow.loss(&rows, CONTEXT, &|_| None);
    for row in run.table::<ModelRow>() {
        assert_close(&[row.loss_nats], &[all], LOSS);
        assert_eq!(row.n_targets, (N_ROWS * (CONTEXT - 1)) as u64);
    }
    assert!((all - clean).abs() > 100.0 * LOSS.abs, "fewer rows have another loss");
}

#[test]
fn users_sets_are_for_the_models_and_checkpoints_they_name() {
    let shape = Gpt2Shape::tiny();
    let rows = random_rows(N_ROWS, CONTEXT, shape.d_vocab, Some(BOS), 7);
    let mut world = World::new(&rows, CONTEXT);
    for (model, rng_seed) in [("a", 10), ("b", 20)] {
        for step in [5, 40] {
            let weights = shape.random(rng_seed + step as u64, 0.3);
            world.model(model, Some(step), (&shape, &weights), Layout::PLAIN);
        }
    }
    world.add("[checkpoints]\nsteps = [40, 5]\n[ablation]\nmodes = [\"mean\"]");
    world.add("[[ablation.set]]\nname = \"everywhere\"\nfile = \"everywhere.csv\"");
    world.add("[[ablation.set]]\nname = \"one place\"\nfile = \"once.csv\"\nmodels = [\"b\"]\ncheckpoints = [40]");
    world.add("[[ablation.set]]\nname = \"nobody\"\nfile = \"nobody.csv\"\nmodels = [\"a\"]\ncheckpoints = [5]");
    fs::write(world.path("everywhere.csv"), "layer,neuron\n1,0\n").unwrap();
    fs::write(world.path("once.csv"), "why, layer , neuron\nlarge, 0, 1\n\"a, b\", 1, 2\n").unwrap();
    fs::write(world.path("nobody.csv"), "layer,neuron\n").unwrap();
    let run = world.run();
    let table = run.table::<AblationRow>();
    let places = |set: &str| {
        let of_set = table.iter().filter(|row| row.set == set);
        of_set.map(|row| (row.model.clone(), row.checkpoint.unwrap(), row.n_neurons)).collect::<Vec<_>>()
    };
    let place = |model: &str, step, n_neurons| (model.to_owned(), step, n_neurons);
    assert_eq!(places("everywhere"), [place("a", 5, 1), place("a", 40, 1), place("b", 5, 1), place("b", 40, 1)]);
    assert_eq!(places("one place"), [place("b", 40, 2)]);
    assert_eq!(places("nobody"), [place("a", 5, 0)]);
    let row = table.iter().find(|row| row.set == "one place").unwrap();
    assert_eq!((row.threshold, row.layer, row.multiple, row.draw), (None, None, None, None));
    let slow = SlowModel::read(&world.path("b/checkpoint-40"));
    let activations = slow.activations(&rows, CONTEXT, &[BOS]);
    let mean = |flat: usize| activations[flat].iter().sum::<f64>() / activations[flat].len() as f64;
    let want = slow.loss(&rows, CONTEXT, &|flat| [1, 42].contains(&flat).then(|| mean(flat)));
    assert_close(&[row.loss_nats], &[want], LOSS);
}
