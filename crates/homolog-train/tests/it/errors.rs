//! Bad text and bad folders: a clear error, and nothing lost.

use std::fs;

use homolog_train::{Error, FamilyConfig};

use crate::world::{StopAfter, World, files};

#[test]
fn a_batch_larger_than_the_corpus_is_an_error() {
    let world = World::new();
    let mut config = world.family("both = [1]", 5, "");
    config.training.batch_rows = 1_000_000;
    let error = world.train(&config, "out").unwrap_err();
    assert!(matches!(error, Error::BatchLargerThanCorpus { batch_rows: 1_000_000, .. }), "{error}");
    assert!(error.to_string().contains("lower training.batch_rows or add text"));
    // Who follows the advice goes on in the same folder.
    world.train(&world.family("both = [1]", 2, ""), "out").unwrap();
}

#[test]
fn text_that_cannot_be_read_or_is_no_text_names_the_file() {
    let world = World::new();
    fs::write(world.path("text/zz.txt"), b"caf\xe9").unwrap();
    let error = world.train(&world.family("both = [1]", 5, ""), "out").unwrap_err();
    assert!(error.to_string().contains("zz.txt") && error.to_string().contains("UTF-8"), "{error}");
    // The same folder serves once the text is mended.
    fs::remove_file(world.path("text/zz.txt")).unwrap();
    world.train(&world.family("both = [1]", 2, ""), "out").unwrap();

    let mut config = world.family("both = [1]", 5, "");
    config.corpus.files = vec!["none/*.txt".into()];
    let error = world.train(&config, "out").unwrap_err();
    assert!(error.to_string().contains("none/*.txt"), "{error}");
    let missing = FamilyConfig::read(&world.path("no-such.toml")).unwrap_err();
    assert!(missing.to_string().contains("no-such.toml"), "{missing}");
}

#[test]
fn text_too_poor_for_the_vocabulary_says_how_much_it_gives() {
    let world = World::new();
    let mut config = world.family("both = [1]", 5, "");
    config.tokenizer.d_vocab = Some(5000);
    let error = world.train(&config, "out").unwrap_err();
    assert!(error.to_string().contains("not of 5000; ask for"), "{error}");
}

#[test]
fn another_family_in_the_folder_is_refused_and_left_as_it_is() {
    let world = World::new();
    world.train(&world.family("both = [1]", 2, ""), "out").unwrap();
    let before = files(&world.path("out"));
    let error = world.train(&world.family("both = [2]", 2, ""), "out").unwrap_err();
    assert!(error.to_string().contains("seeds.both = [1]; now seeds.both = [2]"), "{error}");
    let error = world.train(&world.family("both = [1]", 3, ""), "out").unwrap_err();
    assert!(matches!(error, Error::OtherFamily { .. }), "{error}");
    assert!(files(&world.path("out")) == before);

    // Text that changed while the training was unfinished.
    let config = world.family("both = [1]", 2, "");
    let counting = StopAfter::new(u64::MAX);
    world.train_watched(&config, "counted", &counting).unwrap();
    let after_step_1 = StopAfter::new(counting.asked.into_inner() - 2);
    assert!(matches!(world.train_watched(&config, "half", &after_step_1), Err(Error::Interrupted)));
    fs::write(world.path("text/00.txt"), "another text").unwrap();
    let error = world.train(&config, "half").unwrap_err();
    assert!(error.to_string().contains("another text"), "{error}");

    fs::create_dir(world.path("mine")).unwrap();
    fs::write(world.path("mine/thesis.tex"), "x").unwrap();
    let error = world.train(&config, "mine").unwrap_err();
    assert!(matches!(error, Error::NotAFamily { .. }), "{error}");
    assert_eq!(files(&world.path("mine")).len(), 1);
}

#[test]
fn a_model_that_diverges_is_named_and_its_checkpoints_stay() {
    let world = World::new();
    let rest = "learning_rate = 1e12\nmin_learning_rate = 0.0\nweight_decay = 0.0\nclip_norm = 1e30\nwarmup_steps = 1\n[checkpoints]\nsteps = [0, 40]";
    let config = world.family("both = [1]", 40, rest);
    let error = world.train(&config, "out").unwrap_err();
    assert!(matches!(error, Error::Diverged { .. }), "{error}");
    assert!(error.to_string().starts_with("seed-1 diverged"), "{error}");
    world.model("out/seed-1/checkpoint-0");
    assert!(!world.path("out/seed-1/checkpoint-40").exists());
}

#[test]
fn a_state_that_is_damaged_or_anothers_is_an_error_that_names_it() {
    let world = World::new();
    let config = world.family("both = [1, 2]", 3, "");
    let counting = StopAfter::new(u64::MAX);
    world.train_watched(&config, "counted", &counting).unwrap();
    let after_step_1 = counting.asked.into_inner() - 3;
    let spoil = |name: &str, spoil: &dyn Fn(Vec<u8>) -> Vec<u8>| {
        assert!(world.train_watched(&config, name, &StopAfter::new(after_step_1)).is_err());
        let [one, two] = ["seed-1", "seed-2"].map(|seed| world.path(&format!("{name}/{seed}/state.safetensors")));
        fs::write(&one, spoil(fs::read(two).unwrap())).unwrap();
        let error = world.train(&config, name).unwrap_err();
        assert!(matches!(error, Error::BadState { .. }) && error.to_string().contains("seed-1"), "{name}: {error}");
        // The advice: without it the model begins anew.
        fs::remove_file(one).unwrap();
        world.train(&config, name).unwrap();
        assert!(files(&world.path(name)) == files(&world.path("counted")), "{name}");
    };
    spoil("anothers", &|bytes| bytes);
    spoil("cut", &|bytes| bytes[..bytes.len() / 2].to_vec());
    spoil("flipped", &|mut bytes| {
        *bytes.last_mut().unwrap() ^= 1;
        bytes
    });
}

#[test]
fn a_checkpoint_that_is_gone_is_told_of() {
    let world = World::new();
    let config = world.family("both = [1]", 2, "");
    world.train(&config, "out").unwrap();
    fs::remove_dir_all(world.path("out/seed-1/checkpoint-1")).unwrap();
    let error = world.train(&config, "out").unwrap_err();
    assert!(error.to_string().contains("checkpoint-1") && error.to_string().contains("put it back"), "{error}");
}
