#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;

use homolog_test::tiny_gpt2::{Dtype, Gpt2Shape, Layout};

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
    assert!(checkpoint.load().is_ok());
    shape.write(folder.path(), &shape.random(2, 0.1), &Layout::PLAIN);
    assert!(matches!(checkpoint.load(), Err(Error::Changed { .. })));
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
