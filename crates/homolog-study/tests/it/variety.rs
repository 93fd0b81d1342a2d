//! Families that differ from the fixtures in every dimension, each held against the slow twin.

use std::fs;

use homolog_results::{MatchRow, ModelRow, NeuronRow};
use homolog_stats::{derangement, gaussian_rows, haar_rotation};
use homolog_study::config::BaselineKind;
use homolog_test::planted::{random_rows, write_u16_rows};
use homolog_test::tiny_gpt2::{Dtype, Gpt2Shape, Layout, Weights};
use homolog_test::{Tol, assert_close, check_close};

use crate::slow::{NullDraw, SlowModel, mixed, permuted, slow_matches};
use crate::world::{Run, World};

/// Correlations and baselines over some hundred tokens. Measured: 3.1e-7.
const CORR: Tol = Tol::abs(5e-6);
/// A match is decided where the runner-up is further away than both may be off.
const TIE: f64 = 1e-5;
/// Losses near 4 nats from f32. Measured: 4.8e-8.
const LOSS: Tol = Tol::abs(2e-6);
/// Activations of magnitude 1 from f32. Measured: 3.5e-7.
const MEAN: Tol = Tol::abs(1e-6);

/// A world and what its study file says, for the comparison.
struct Family {
    world: World,
    rows: Vec<u16>,
    context: usize,
    excluded: Vec<u32>,
    names: Vec<&'static str>,
    steps: Vec<Option<i64>>,
    draws: usize,
    rng_seed: u64,
    /// The null of the baseline.
    kind: BaselineKind,
}

impl Family {
    fn folder(&self, model: &str, step: Option<i64>) -> std::path::PathBuf {
        self.world.path(&step.map_or(model.to_owned(), |step| format!("{model}/checkpoint-{step}")))
    }

    fn permuted(&self, (a, a_idx): (&SlowModel, usize), (b, b_idx): (&SlowModel, usize), draw: usize) -> NullDraw {
        let everywhere = |model: &SlowModel| model.activations(&self.rows, self.context, &[]);
        let is_counted: Vec<bool> = self.rows.iter().map(|&id| !self.excluded.contains(&u32::from(id))).collect();
        let order = derangement(self.rows.len() / self.context, self.rng_seed, draw).unwrap();
        permuted((&everywhere(a), a_idx), (&everywhere(b), b_idx), &is_counted, self.context, &order)
    }

    /// Hold every row of models, neurons and matches to the slow twin.
    #[track_caller]
    fn assert_agrees(&self, run: &Run) {
        let (models, neurons, matches) = (run.table::<ModelRow>(), run.table::<NeuronRow>(), run.table::<MatchRow>());
        assert_eq!(models.len(), self.names.len() * self.steps.len());
        for &step in &self.steps {
            let slow: Vec<SlowModel> =
                self.names.iter().map(|name| SlowModel::read(&self.folder(name, step))).collect();
            let activations: Vec<Vec<Vec<f64>>> =
                slow.iter().map(|model| model.activations(&self.rows, self.context, &self.excluded)).collect();
            for (a, name) in self.names.iter().enumerate() {
                let row = models.iter().find(|row| row.model == *name && row.checkpoint == step).unwrap();
                assert_close(&[row.loss_nats], &[slow[a].loss(&self.rows, self.context, &|_| None)], LOSS);
                assert_eq!(row.n_tokens_counted, activations[a][0].len() as u64);
                let of_model: Vec<_> =
                    neurons.iter().filter(|row| row.model == *name && row.checkpoint == step).collect();
                assert_eq!(of_model.len(), slow[a].n_neurons());
                let mean = |values: &Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
                let got: Vec<f64> = of_model.iter().map(|row| row.act_mean).collect();
                assert_close(&got, &activations[a].iter().map(mean).collect::<Vec<_>>(), MEAN);
                let mut excess = vec![Vec::new(); slow[a].n_neurons()];
                for (b, other) in self.names.iter().enumerate().filter(|(b, _)| *b != a) {
                    let is_pair = |row: &&MatchRow| row.model == *name && row.other == *other && row.checkpoint == step;
                    let rows: Vec<_> = matches.iter().filter(is_pair).collect();
                    assert_eq!(rows.len(), slow[a].n_neurons());
                    let d_mlp = slow[b].shape.d_mlp;
                    let null: Vec<NullDraw> = (0..self.draws)
                        .map(|draw| match self.kind {
                            BaselineKind::PermutedRows => self.permuted((&slow[a], a), (&slow[b], b), draw),
                            kind => {
                                let is_orthogonal = kind == BaselineKind::Orthogonal;
                                let matrix = if is_orthogonal { haar_rotation } else { gaussian_rows };
                                mixed(&activations[a], &activations[b], (b, d_mlp), (draw, self.rng_seed), matrix)
                            }
                        })
                        .collect();
                    let wanted = slow_matches(&activations[a], &activations[b], &null);
                    for ((row, want), excess) in rows.into_iter().zip(wanted).zip(&mut excess) {
                        let flat = |layer: Option<u16>, neuron: Option<u32>| {
                            Some(usize::from(layer?) * d_mlp + neuron? as usize)
                        };
                        let matched = flat(row.matched_layer, row.matched_neuron);
                        let lowest = flat(row.lowest_layer, row.lowest_neuron);
                        let Some(baseline) = want.baseline else {
                            let got = (row.max_corr, row.second_corr, row.lowest_corr, row.baseline, matched, lowest);
                            assert_eq!(got, (None, None, None, None, None, None), "undefined: {row:?}");
                            continue;
                        };
                        let (first, last) = (want.ranked[0], want.ranked[want.ranked.len() - 1]);
                        let got = [row.max_corr, row.second_corr, row.lowest_corr, row.baseline];
                        let got = got.map(|corr| f64::from(corr.expect("defined")));
                        assert_close(&got, &[first.0, want.ranked[1].0, last.0, baseline], CORR);
                        if first.0 - want.ranked[1].0 > TIE {
                            assert_eq!(matched, Some(first.1), "{row:?}");
                        }
                        if want.ranked[want.ranked.len() - 2].0 - last.0 > TIE {
                            assert_eq!(lowest, Some(last.1), "{row:?}");
                        }
                        excess.push(first.0 - baseline);
                    }
                }
                for (row, excess) in of_model.iter().zip(&excess) {
                    match row.excess_corr {
                        Some(got) => assert_close(&[got], &[mean(excess)], CORR),
                        None => assert!(excess.is_empty(), "{row:?}"),
                    }
                }
            }
        }
    }
}

fn layout(dtype: Dtype) -> Layout {
    Layout { dtype, ..Layout::PLAIN }
}

/// Random weights loud enough that attention, layers and biases all matter.
fn random(shape: &Gpt2Shape, rng_seed: u64) -> Weights {
    shape.random(rng_seed, 0.25)
}

/// 2 models without checkpoints, inverse-layer scaling, f16 and no prefix, untied, `gelu`, another BOS.
#[test]
fn two_models_without_checkpoints() {
    let shape = Gpt2Shape {
        n_layers: 3,
        n_heads: 3,
        d_model: 24,
        d_mlp: 50,
        d_vocab: 97,
        n_ctx: 20,
        activation: "gelu".into(),
        is_inverse_layer_scaled: true,
        is_tied: false,
        bos: Some(3),
        eps: 1e-3,
    };
    // Rows shorter than the models' positions.
    let (context, rows) = (17, random_rows(21, 17, 97, Some(3), 1));
    let mut world = World::new(&rows, context);
    let layout = Layout { has_prefix: false, ..layout(Dtype::F16) };
    world.model("one", None, (&shape, &random(&shape, 1)), layout);
    world.model("two", None, (&shape, &random(&shape, 2)), layout);
    world.add("[baseline]\ndraws = 2\nseed = 9\n[ablation]\nenabled = false");
    let run = world.run();
    let (names, steps) = (vec!["one", "two"], vec![None]);
    let family = Family {
        world,
        rows,
        context,
        excluded: vec![3],
        names,
        steps,
        draws: 2,
        rng_seed: 9,
        kind: BaselineKind::Orthogonal,
    };
    family.assert_agrees(&run);
    assert_eq!(run.manifest().exclude_tokens, [3], "from config.json, since the study file names none");
}

/// The other nulls: three models, two draws, excluded tokens wherever they stand, several passes.
#[test]
fn gaussian_and_permuted_rows() {
    for (name, kind) in [("gaussian-rows", BaselineKind::GaussianRows), ("permuted-rows", BaselineKind::PermutedRows)] {
        let shape = Gpt2Shape { d_mlp: 20, ..Gpt2Shape::tiny() };
        let (context, rows) = (12, random_rows(19, 12, 61, None, 5));
        let mut world = World::new(&rows, context);
        let names = vec!["a", "b", "c"];
        for (i, name) in names.iter().enumerate() {
            world.model(name, None, (&shape, &random(&shape, i as u64)), Layout::PLAIN);
        }
        world.text = world.text.replace("context = 12", "context = 12\nexclude_tokens = [4, 9, 17]");
        world.add(&format!("[baseline]\nkind = \"{name}\"\ndraws = 2\nseed = 3\n[ablation]\nenabled = false"));
        let run = world.run();
        let steps = vec![None];
        let family =
            Family { world, rows, context, excluded: vec![4, 9, 17], names, steps, draws: 2, rng_seed: 3, kind };
        family.assert_agrees(&run);
        // The mutant: the null of another seed.
        let mutant = Family { rng_seed: 4, ..family };
        assert!(
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| mutant.assert_agrees(&run))).is_err(),
            "{name}"
        );
    }
}

/// 4 models x 3 checkpoints, bf16 with mask buffers and a copy of the tied unembedding, tokens excluded by the study
/// file, rows as long as the models' positions.
#[test]
fn four_models_at_three_checkpoints() {
    let shape = Gpt2Shape { d_mlp: 33, d_vocab: 70, n_ctx: 9, bos: Some(69), ..Gpt2Shape::tiny() };
    let (context, rows) = (9, random_rows(30, 9, 70, None, 2));
    let mut world = World::new(&rows, context);
    let layout = Layout { has_mask_buffers: true, has_lm_head: true, ..layout(Dtype::Bf16) };
    let names = vec!["d", "c", "b", "a"];
    for (i, name) in names.iter().enumerate() {
        for step in [0, 8, 100] {
            world.model(name, Some(step), (&shape, &random(&shape, 10 * i as u64 + step as u64)), layout);
        }
    }
    world.text = world.text.replace("context = 9", "context = 9\nexclude_tokens = [4, 9, 4]");
    world.add("[checkpoints]\nsteps = [8, 0, 100]\n[ablation]\nenabled = false");
    let run = world.run();
    let steps = vec![Some(0), Some(8), Some(100)];
    let family = Family {
        world,
        rows,
        context,
        excluded: vec![4, 9],
        names,
        steps,
        draws: 1,
        rng_seed: 0,
        kind: BaselineKind::Orthogonal,
    };
    family.assert_agrees(&run);

    // The mutant: a rotation of another seed.
    let mutant = Family { rng_seed: 1, ..family };
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| mutant.assert_agrees(&run))).is_err());
}

/// Models of different depth and width, one checkpoint.
#[test]
fn models_of_different_shapes() {
    let shallow = Gpt2Shape { d_mlp: 70, n_layers: 1, ..Gpt2Shape::tiny() };
    let deep = Gpt2Shape { d_mlp: 24, n_layers: 4, n_heads: 4, d_model: 32, n_ctx: 30, ..Gpt2Shape::tiny() };
    let (context, rows) = (12, random_rows(25, 12, 61, Some(60), 3));
    let mut world = World::new(&rows, context);
    world.model("shallow", Some(1), (&shallow, &random(&shallow, 1)), Layout::PLAIN);
    world.model("deep", Some(1), (&deep, &random(&deep, 2)), Layout::PLAIN);
    world.model("tiny", Some(1), (&Gpt2Shape::tiny(), &random(&Gpt2Shape::tiny(), 3)), Layout::PLAIN);
    world.add("[checkpoints]\nsteps = [1]\n[universality]\nthreshold = 0.01\n[ablation]\ndraws = 1\nmultiples = [1]");
    let run = world.run();
    let (names, steps) = (vec!["shallow", "deep", "tiny"], vec![Some(1)]);
    Family {
        world,
        rows,
        context,
        excluded: vec![60],
        names,
        steps,
        draws: 1,
        rng_seed: 0,
        kind: BaselineKind::Orthogonal,
    }
    .assert_agrees(&run);
}

/// A neuron that nothing moves has no correlation, is nobody's match, and is counted.
#[test]
fn dead_neurons_are_undefined_and_counted() {
    let shape = Gpt2Shape::tiny();
    let (context, rows) = (12, random_rows(25, 12, 61, Some(60), 4));
    let mut world = World::new(&rows, context);
    let mut weights = random(&shape, 1);
    // Neurons 0.7 and 0.8 of `one` are constant; they differ in their biases, and one is exactly 0.
    let c_fc = &mut weights.get_mut("h.0.mlp.c_fc.weight").unwrap().values;
    for d in 0..shape.d_model {
        c_fc[d * shape.d_mlp + 7] = 0.0;
        c_fc[d * shape.d_mlp + 8] = 0.0;
    }
    weights.get_mut("h.0.mlp.c_fc.bias").unwrap().values[8] = 0.0;
    world.model("one", None, (&shape, &weights), Layout::PLAIN);
    world.model("two", None, (&shape, &random(&shape, 2)), Layout::PLAIN);
    world.model("three", None, (&shape, &random(&shape, 3)), Layout::PLAIN);
    // Below what any excess can be: universal is who has one.
    world.add("[universality]\nthreshold = -3\nthresholds = [-3]\n[ablation]\nenabled = false");
    let run = world.run();
    for row in run.table::<NeuronRow>() {
        let is_dead = row.model == "one" && row.layer == 0 && [7, 8].contains(&row.neuron);
        let corr = [row.max_corr, row.mean_corr, row.min_corr, row.max_baseline, row.mean_baseline, row.min_baseline];
        let all = corr.into_iter().chain([row.excess_corr, row.act_skew, row.act_kurt]);
        assert!(all.into_iter().all(|value| value.is_none() == is_dead), "{row:?}");
        assert_eq!(row.is_universal, !is_dead, "{row:?}");
        assert_eq!(row.act_var == 0.0, is_dead, "{row:?}");
        if is_dead {
            assert_eq!((row.n_models_above, row.is_universal_count, row.act_min), (0, false, row.act_max), "{row:?}");
        }
    }
    for row in run.table::<MatchRow>() {
        let is_dead = |layer, neuron| layer == Some(0) && [Some(7), Some(8)].contains(&neuron);
        let is_to_dead = is_dead(row.matched_layer, row.matched_neuron) || is_dead(row.lowest_layer, row.lowest_neuron);
        assert!(row.other != "one" || !is_to_dead, "{row:?}");
    }
    for row in run.table::<ModelRow>() {
        assert_eq!(row.n_undefined, if row.model == "one" { 2 } else { 0 }, "{row:?}");
    }
    // 2 neurons x 80 of `two` and 80 of `three`; each pair of neurons once, not in both directions.
    assert_eq!(run.manifest().n_undefined_pairs, 2 * 160);
    let histograms = homolog_results::read_tensors(&run.folder.join("tensors/histograms.safetensors")).unwrap();
    let counts = |pair: &str| histograms.u32(&format!("{pair}.counts")).unwrap().1;
    let sums = |pair: &str| counts(pair).chunks_exact(40).map(|row| row.iter().sum::<u32>()).collect::<Vec<_>>();
    assert!(sums("two+one").iter().all(|&sum| sum == 78), "a dead neuron is in no bin");
    assert_eq!(sums("one+two").iter().filter(|&&sum| sum == 0).count(), 2);
    let names = vec!["one", "two", "three"];
    let family = Family {
        world,
        rows,
        context,
        excluded: vec![60],
        names,
        steps: vec![None],
        draws: 1,
        rng_seed: 0,
        kind: BaselineKind::Orthogonal,
    };
    family.assert_agrees(&run);
}

#[test]
fn held_out_rows_are_for_losses_alone() {
    let shape = Gpt2Shape::tiny();
    let (context, rows) = (12, random_rows(25, 12, 61, Some(60), 5));
    let held_out = random_rows(11, 12, 61, Some(60), 6);
    let mut world = World::new(&rows, context);
    for (name, rng_seed) in [("one", 1), ("two", 2)] {
        world.model(name, None, (&shape, &random(&shape, rng_seed)), Layout::PLAIN);
    }
    world.add("[ablation]\nmodes = [\"zero\"]\ndraws = 1\nmultiples = [1]");
    let same = world.run();
    write_u16_rows(&world.path("held-out.u16"), &held_out);
    world.text = world.text.replace("[corpus]", "[corpus]\nheld_out_token_file = \"held-out.u16\"");
    let options = crate::world::options(&world.path("held-out"));
    let run = world.run_with(&options).unwrap();
    for (row, same) in run.table::<ModelRow>().into_iter().zip(same.table::<ModelRow>()) {
        let slow = SlowModel::read(&world.path(&row.model));
        let want = slow.loss(&held_out, context, &|_| None);
        assert_close(&[row.loss_nats], &[want], LOSS);
        assert!(check_close(&[same.loss_nats], &[want], LOSS).is_err(), "other rows have another loss");
        assert_eq!((&*row.loss_tokens, &*same.loss_tokens), ("held_out", "same"));
        assert_eq!((row.n_targets, same.n_targets), (11 * 11, 25 * 11));
        assert_eq!(row.n_tokens_counted, same.n_tokens_counted);
        assert_eq!(row.tokens_hash, same.tokens_hash);
    }
    assert_eq!(run.table::<MatchRow>(), same.table::<MatchRow>());
    let (run, same) = (run.manifest(), same.manifest());
    assert_eq!(run.inputs.held_out_tokens.expect("named").n_rows, 11);
    assert_eq!(same.inputs.held_out_tokens, None);
    let tells = |notes: &[String]| notes.iter().any(|note| note.contains("measured on the same rows"));
    assert!(!tells(&run.notes) && tells(&same.notes));
}

#[test]
fn the_same_rows_under_another_name_are_not_held_out() {
    let shape = Gpt2Shape::tiny();
    let rows = random_rows(6, 12, 61, Some(60), 5);
    let mut world = World::new(&rows, 12);
    for (name, rng_seed) in [("one", 1), ("two", 2)] {
        world.model(name, None, (&shape, &random(&shape, rng_seed)), Layout::PLAIN);
    }
    world.add("[ablation]\nenabled = false");
    write_u16_rows(&world.path("copy.u16"), &rows);
    world.text = world.text.replace("[corpus]", "[corpus]\nheld_out_token_file = \"copy.u16\"");
    assert!(world.run().table::<ModelRow>().iter().all(|row| row.loss_tokens == "same"));
}

#[test]
fn a_tokenizer_says_what_is_not_counted_where_the_config_does_not() {
    let shape = Gpt2Shape { bos: None, ..Gpt2Shape::tiny() };
    let mut world = World::new(&random_rows(6, 12, 61, Some(60), 5), 12);
    for (name, rng_seed) in [("one", 1), ("two", 2)] {
        world.model(name, None, (&shape, &random(&shape, rng_seed)), Layout::PLAIN);
        std::fs::write(world.path(name).join("vocab.json"), r#"{"<|endoftext|>": 60, "\u010a": 3}"#).unwrap();
    }
    world.add("[ablation]\nenabled = false");
    assert_eq!(world.run().manifest().exclude_tokens, [3, 60]);
}

#[test]
fn the_same_rows_in_another_format_give_the_same_bytes() {
    let shape = Gpt2Shape::tiny();
    let rows = random_rows(25, 12, 61, Some(60), 5);
    let mut world = World::new(&rows, 12);
    for (name, rng_seed) in [("one", 1), ("two", 2)] {
        world.model(name, None, (&shape, &random(&shape, rng_seed)), Layout::PLAIN);
    }
    let wanted = world.run().results();
    let header = "{'descr': '<i4', 'fortran_order': False, 'shape': (25, 12), }";
    let mut npy = b"\x93NUMPY\x01\x00".to_vec();
    npy.extend((header.len() as u16).to_le_bytes());
    npy.extend(header.bytes());
    npy.extend(rows.iter().flat_map(|&id| i32::from(id).to_le_bytes()));
    fs::write(world.path("tokens.npy"), npy).unwrap();
    fs::write(world.path("tokens.u32"), rows.iter().flat_map(|&id| u32::from(id).to_le_bytes()).collect::<Vec<_>>())
        .unwrap();
    for file in ["tokens.npy", "tokens.u32"] {
        world.text = world.text.replace("tokens.u16", file);
        let options = crate::world::options(&world.path(&format!("run-{file}")));
        let found = world.run_with(&options).unwrap().results();
        assert!(found == wanted, "{file}");
        world.text = world.text.replace(file, "tokens.u16");
    }
}
