#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;

use homolog_test::tiny_gpt2::{Dtype, Gpt2Shape, Layout};
use serde_json::{Value, json};

use super::*;

fn open(folder: &Path) -> Checkpoint {
    Checkpoint::open(folder, &BTreeSet::new()).unwrap()
}

#[test]
fn hashes_are_of_the_files_contents_and_nothing_else() {
    let shape = Gpt2Shape::tiny();
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    shape.write(folders[0].path(), &shape.random(1, 0.1), &Layout::PLAIN);
    shape.write(folders[1].path(), &shape.random(1, 0.1), &Layout::PLAIN);
    shape.write(folders[2].path(), &shape.random(1, 0.1), &Layout { dtype: Dtype::F16, ..Layout::PLAIN });
    let [first, same, half] = folders.each_ref().map(|folder| open(folder.path()));
    assert_eq!((&first.weights_hash, &first.config_hash), (&same.weights_hash, &same.config_hash));
    assert_ne!(first.weights_hash, half.weights_hash);
    assert_eq!(first.config_hash, half.config_hash, "torch_dtype changes no arithmetic");
    assert_eq!(first.config, half.config);
    let hash = |name: &str| blake3::hash(&fs::read(folders[0].path().join(name)).unwrap()).to_hex().to_string();
    assert_eq!(first.weights_hash, hash("model.safetensors"));
    let scaled = Gpt2Shape { is_inverse_layer_scaled: true, ..shape.clone() };
    scaled.write(folders[2].path(), &shape.random(1, 0.1), &Layout::PLAIN);
    assert_ne!(first.config_hash, open(folders[2].path()).config_hash, "arithmetic that weights do not show");
}

#[test]
fn weights_that_change_after_they_were_hashed_are_refused() {
    let shape = Gpt2Shape::tiny();
    let folder = tempfile::tempdir().unwrap();
    shape.write(folder.path(), &shape.random(1, 0.1), &Layout::PLAIN);
    let checkpoint = open(folder.path());
    assert!(checkpoint.load(Precision::F32).is_ok());
    shape.write(folder.path(), &shape.random(2, 0.1), &Layout::PLAIN);
    assert!(matches!(checkpoint.load(Precision::F32), Err(Error::Changed { .. })));
}

#[test]
fn a_tokenizer_in_the_folder_is_found() {
    let shape = Gpt2Shape::tiny();
    let folder = tempfile::tempdir().unwrap();
    shape.write(folder.path(), &shape.random(1, 0.1), &Layout::PLAIN);
    assert_eq!(open(folder.path()).vocabulary, None);
    fs::write(folder.path().join("vocab.json"), r#"{"\u010a": 5, "<|endoftext|>": 9}"#).unwrap();
    let vocabulary = open(folder.path()).vocabulary.unwrap();
    assert_eq!((vocabulary.newline(), vocabulary.end_of_text()), (Some(5), Some(9)));
}

#[test]
fn a_folder_that_lacks_a_file_cannot_be_opened() {
    let shape = Gpt2Shape::tiny();
    let folder = tempfile::tempdir().unwrap();
    shape.write(folder.path(), &shape.random(1, 0.1), &Layout::PLAIN);
    fs::remove_file(folder.path().join("model.safetensors")).unwrap();
    assert!(matches!(Checkpoint::open(folder.path(), &BTreeSet::new()), Err(Error::NoWeights { .. })));
    fs::remove_file(folder.path().join("config.json")).unwrap();
    assert!(matches!(Checkpoint::open(folder.path(), &BTreeSet::new()), Err(Error::Unreadable { .. })));
    let missing = Checkpoint::open(&folder.path().join("checkpoint-7"), &BTreeSet::new());
    assert!(matches!(missing, Err(Error::NoWeights { hint, .. }) if hint.contains("no such folder")));
}

#[test]
fn what_is_wrong_with_weights_is_known_when_they_are_opened() {
    let shape = Gpt2Shape::tiny();
    let folder = tempfile::tempdir().unwrap();
    let mut weights = shape.random(1, 0.1);
    weights.get_mut("ln_f.bias").unwrap().values[15] = f32::NEG_INFINITY;
    shape.write(folder.path(), &weights, &Layout::PLAIN);
    let error = Checkpoint::open(folder.path(), &BTreeSet::new()).unwrap_err();
    assert!(matches!(&error, Error::NotFinite { element: 15, .. }), "{error}");
    let says = "model.safetensors: tensor `transformer.ln_f.bias` holds -inf at element 15; this checkpoint is damaged";
    assert!(error.to_string().contains(says), "{error}");
    let longer = Gpt2Shape { n_ctx: 13, ..shape };
    longer.write(folder.path(), &longer.random(1, 0.1), &Layout::PLAIN);
    let config = fs::read_to_string(folder.path().join("config.json")).unwrap();
    fs::write(folder.path().join("config.json"), config.replace("\"n_positions\": 13", "\"n_positions\": 12")).unwrap();
    let error = Checkpoint::open(folder.path(), &BTreeSet::new()).unwrap_err();
    assert!(error.to_string().contains("`transformer.wpe.weight` has shape [13, 16], config.json calls for [12, 16]"));
}

/// What opening a tiny model gives when its config says something else.
fn with_config(changes: &[(&str, Value)]) -> Error {
    let shape = Gpt2Shape::tiny();
    let folder = tempfile::tempdir().unwrap();
    shape.write(folder.path(), &shape.random(1, 0.1), &Layout::PLAIN);
    let path = folder.path().join("config.json");
    let mut config: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    for (key, value) in changes {
        config[key] = value.clone();
    }
    fs::write(&path, config.to_string()).unwrap();
    Checkpoint::open(folder.path(), &BTreeSet::new()).unwrap_err()
}

#[test]
fn absurd_dimensions_are_refused_before_anything_is_made_of_them() {
    for huge in [1_u64 << 40, 1_000_000_000_000_000_000, u64::MAX] {
        let error = with_config(&[("n_layer", json!(huge))]);
        assert!(matches!(&error, Error::MissingTensor { tensor, .. } if tensor == "h.2.ln_1.weight"), "{error}");
        for (key, tensor) in
            [("vocab_size", "wte.weight"), ("n_positions", "wpe.weight"), ("n_inner", "h.0.mlp.c_fc.weight")]
        {
            let error = with_config(&[(key, json!(huge))]);
            assert!(
                matches!(&error, Error::ShapeMismatch { tensor: found, .. } if found.ends_with(tensor)),
                "{key} {huge}: {error}"
            );
        }
        let error = with_config(&[("n_embd", json!(huge)), ("n_head", json!(1)), ("n_inner", json!(40))]);
        assert!(matches!(error, Error::ShapeMismatch { .. }), "{huge}: {error}");
    }
    let widest = with_config(&[("n_embd", json!(u64::MAX)), ("n_head", json!(1)), ("n_inner", Value::Null)]);
    assert!(matches!(&widest, Error::BadConfig { .. }) && widest.to_string().contains("`n_embd`"), "{widest}");
}

#[test]
fn memory_is_that_of_the_weights_and_their_padding() {
    for is_tied in [true, false] {
        let shape = Gpt2Shape { is_tied, ..Gpt2Shape::tiny() };
        let folder = tempfile::tempdir().unwrap();
        shape.write(folder.path(), &shape.random(1, 0.1), &Layout::PLAIN);
        let checkpoint = open(folder.path());
        // Width 16, 40 neurons, 61 tokens, 12 positions: columns are padded to 64 (48), 32 (16), 64 (40), 64 (61).
        let vectors = 48 + 16 + 40 + 16 + 4 * 16;
        let block = 16 * 64 + 16 * 32 + 16 * 64 + 40 * 32 + vectors;
        let n_values = 2 * block + 2 * 16 + 12 * 16 + 16 * 64 + if is_tied { 0 } else { 61 * 16 };
        assert_eq!(checkpoint.loaded_bytes(Precision::F32), 4 * n_values);
        // Below f32 rows are padded too, 16 to 32 and 40 to 64, and the embedding is kept beside the unembedding.
        let block = 32 * 64 + 32 * 32 + 32 * 64 + 64 * 32 + vectors;
        let n_values = 2 * block + 2 * 16 + 12 * 16 + 32 * 64 + 61 * 16;
        assert_eq!(checkpoint.loaded_bytes(Precision::Bf16), 4 * n_values);
        let n_weights = shape.names().iter().map(|(_, shape)| shape.iter().product::<usize>() as u64).sum::<u64>();
        assert!(checkpoint.loaded_bytes(Precision::F32) > 4 * n_weights);
        // The largest matrix is the embedding; the rest is a buffer of a fixed size.
        let mut wider = checkpoint.clone();
        wider.config.d_vocab = 1061;
        assert_eq!(wider.load_transient_bytes() - checkpoint.load_transient_bytes(), 4 * 1000 * 16);
        assert!((4 * 61 * 16..4_000_000).contains(&checkpoint.load_transient_bytes()));
    }
}
