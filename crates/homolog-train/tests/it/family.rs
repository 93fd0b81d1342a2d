//! What a family is: seeds, checkpoints, and models that have learned something.

use std::fs;

use homolog_model::{NoHooks, Start, Tokens};
use homolog_train::Outcome;
use serde_json::Value;

use crate::world::{World, files};

fn weights(world: &World, folder: &str) -> Vec<u8> {
    fs::read(world.path(folder).join("model.safetensors")).unwrap()
}

#[test]
fn a_trained_model_knows_the_text_and_an_untrained_or_shifted_one_does_not() {
    // A sentence of about 13 tokens holds 2 bits, so the text has about 0.11 nats a token; rows begin anywhere in a sentence.
    const BOUND: f64 = 0.8;
    let world = World::new();
    let config = world.family("both = [1]", 200, "learning_rate = 3e-3\n[checkpoints]\nsteps = [0, 200]");
    let outcome = world.train(&config, "out").unwrap();
    let rows = Tokens::read(&world.path("out/rows/held-out.u16"), 24).unwrap();
    let rows = rows.first_rows(10);
    let batch = rows.batch(0..10);
    let mean = |folder: &str| {
        let losses = world.model(folder).loss(batch, Start::Tokens, &mut NoHooks);
        losses.iter().map(|&loss| f64::from(loss)).sum::<f64>() / losses.len() as f64
    };
    let trained = mean("out/seed-1/checkpoint-200");
    assert!(trained < BOUND, "{trained}");
    assert!((mean("out/seed-1/checkpoint-0") - 300_f64.ln()).abs() < 0.2);

    // Read back through homolog-model it gives the loss that the trainer saw.
    let Outcome::Done { held_out_loss_nats } = outcome else { panic!("it was not there before") };
    assert_eq!(held_out_loss_nats, [("seed-1".to_owned(), trained)]);
    let log = fs::read_to_string(world.path("out/seed-1/log.jsonl")).unwrap();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 201);
    assert_eq!(lines[200]["held_out_loss_nats"], trained);
    assert_eq!(lines[200]["tokens"], 200 * 8 * 24);
    assert!(lines[0]["train_loss_nats"].is_null() && lines[1]["train_loss_nats"].as_f64().unwrap() > 5.0);

    // The mutant: what it predicts, held against the token after the next.
    let logits = world.model("out/seed-1/checkpoint-200").logits(batch, &mut NoHooks);
    let loss_at = |row: usize, position: usize, target: usize| {
        let logits = &logits[(row * 24 + position) * 300..][..300];
        let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let sum: f64 = logits.iter().map(|&logit| f64::from(logit - max).exp()).sum();
        sum.ln() + f64::from(max) - f64::from(logits[batch.ids[row * 24 + target] as usize])
    };
    let mean_at = |shift: usize| {
        let places = (0..10).flat_map(|row| (0..24 - shift).map(move |position| (row, position)));
        let losses: Vec<f64> = places.map(|(row, position)| loss_at(row, position, position + shift)).collect();
        losses.iter().sum::<f64>() / losses.len() as f64
    };
    assert!((mean_at(1) - trained).abs() < 1e-5 && mean_at(2) > 2.0 * BOUND);
}

#[test]
fn the_same_seeds_give_the_same_bytes_whatever_the_threads() {
    let world = World::new();
    let config = world.family("both = [3, 4]", 6, "evaluate_every = 2");
    let on = |n_threads: usize, name: &str| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
        pool.install(|| world.train(&config, name)).unwrap();
        files(&world.path(name))
    };
    let one = on(1, "one");
    assert!(one == on(2, "two") && one == on(5, "five"));
    assert!(weights(&world, "one/seed-3/checkpoint-6") != weights(&world, "one/seed-4/checkpoint-6"));
    let names: Vec<String> = one.keys().map(|path| path.display().to_string()).collect();
    assert!(!names.iter().any(|name| name.contains("state") || name.contains(".tmp")), "{names:?}");
}

#[test]
fn a_crossed_design_sets_initialisation_and_data_order_apart() {
    let world = World::new();
    world.train(&world.family("init = [1, 2]\ndata = [1, 9]", 3, "[checkpoints]\nsteps = [0, 3]"), "out").unwrap();
    let at = |init, data, step| weights(&world, &format!("out/init-{init}-data-{data}/checkpoint-{step}"));
    assert!(at(1, 1, 0) == at(1, 9, 0) && at(2, 1, 0) == at(2, 9, 0) && at(1, 1, 0) != at(2, 1, 0));
    let trained = [at(1, 1, 3), at(1, 9, 3), at(2, 1, 3), at(2, 9, 3)];
    assert!((0..4).all(|i| (0..i).all(|j| trained[i] != trained[j])));
    // The batch of step 1 depends on the data order alone: models of one initialisation and two orders see different losses.
    let first_loss = |name: &str| {
        let log = fs::read_to_string(world.path(&format!("out/{name}/log.jsonl"))).unwrap();
        let line: Value = serde_json::from_str(log.lines().nth(1).unwrap()).unwrap();
        line["train_loss_nats"].as_f64().unwrap()
    };
    assert!(first_loss("init-1-data-1") != first_loss("init-1-data-9"));
    // One seed of both is the crossed model of that pair.
    world.train(&world.family("both = [1]", 3, "[checkpoints]\nsteps = [3]"), "both").unwrap();
    assert!(weights(&world, "both/seed-1/checkpoint-3") == at(1, 1, 3));
}

#[test]
fn an_existing_tokenizer_is_taken_as_it_is() {
    let world = World::new();
    world.train(&world.family("both = [1]", 1, ""), "first").unwrap();
    let mut config = world.family("both = [1]", 1, "");
    config.tokenizer.d_vocab = None;
    config.tokenizer.path = Some("first/tokenizer".into());
    world.train(&config, "second").unwrap();
    assert!(weights(&world, "first/seed-1/checkpoint-1") == weights(&world, "second/seed-1/checkpoint-1"));
}

#[test]
fn dropout_changes_the_training_and_not_the_evaluation() {
    let world = World::new();
    let first_lines = |rest: &str, name: &str| {
        world.train(&world.family("both = [1]", 4, rest), name).unwrap();
        let log = fs::read_to_string(world.path(&format!("{name}/seed-1/log.jsonl"))).unwrap();
        log.lines().take(2).map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>()
    };
    let [none, some, again] = [("dropout = 0.0", "none"), ("dropout = 0.2", "some"), ("dropout = 0.2", "again")]
        .map(|(rest, name)| first_lines(rest, name));
    assert_eq!(none[0], some[0], "the held-out loss at step 0");
    assert_ne!(none[1]["train_loss_nats"], some[1]["train_loss_nats"]);
    assert_eq!(some, again);
}
