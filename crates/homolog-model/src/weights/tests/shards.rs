//! Weights in several files, and indexes that are not as they should be.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::test_model::{Rows, bits};
use crate::{NoHooks, Precision};

const INDEX: &str = "model.safetensors.index.json";
const FIRST: &str = "model-00001-of-00002.safetensors";
const SECOND: &str = "model-00002-of-00002.safetensors";

fn logits(folder: &Path) -> Vec<u32> {
    let rows = Rows::random(&Gpt2Shape::tiny(), 2, 12);
    bits(&open(folder).unwrap().load(Precision::F32).unwrap().logits(rows.batch(), &mut NoHooks))
}

#[test]
fn shards_are_the_model_they_were_split_from() {
    let whole = logits(folder(Format::Safetensors, 1).path());
    for format in [Format::Safetensors, Format::Torch] {
        for n_files in [2, 3, 40] {
            assert!(logits(folder(format, n_files).path()) == whole, "{format:?} {n_files}");
        }
    }
}

#[test]
fn the_hash_of_shards_is_of_names_and_contents() {
    let folder = folder(Format::Safetensors, 2);
    let path = |name: &str| folder.path().join(name);
    let hash = || open(folder.path()).unwrap().weights_hash;
    let mut hasher = blake3::Hasher::new();
    for name in [FIRST, SECOND] {
        let hash = blake3::hash(&fs::read(path(name)).unwrap());
        hasher.update(&(name.len() as u64).to_le_bytes()).update(name.as_bytes()).update(hash.as_bytes());
    }
    let before = hash();
    assert_eq!(before, hasher.finalize().to_hex().to_string());
    // Renamed, the index with them.
    fs::rename(path(SECOND), path("other.safetensors")).unwrap();
    let text = fs::read_to_string(path(INDEX)).unwrap();
    fs::write(path(INDEX), text.replace(SECOND, "other.safetensors")).unwrap();
    assert_ne!(hash(), before);
}

#[test]
fn a_shard_that_changes_after_it_was_hashed_is_refused() {
    let folder = folder(Format::Safetensors, 2);
    let checkpoint = open(folder.path()).unwrap();
    assert!(checkpoint.load(Precision::F32).is_ok());
    let path = folder.path().join(SECOND);
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&path, bytes).unwrap();
    assert!(matches!(checkpoint.load(Precision::F32), Err(Error::Changed { .. })));
}

#[test]
fn a_value_that_is_not_finite_is_found_in_its_shard() {
    let (folder, shape) = (tempfile::tempdir().unwrap(), Gpt2Shape::tiny());
    let names = shape.random(5, 0.3);
    for (at, name) in names.keys().enumerate() {
        let mut weights = names.clone();
        weights.get_mut(name).unwrap().values[3] = f32::NAN;
        shape.write_as(folder.path(), &weights, &Layout::PLAIN, Format::Safetensors, 2);
        let error = open(folder.path()).unwrap_err();
        let shard = [FIRST, SECOND][at % 2];
        assert!(
            matches!(&error, Error::NotFinite { path, element: 3, .. } if path.ends_with(shard)),
            "{name}: {error}"
        );
    }
}

/// What opening gives after the index was edited.
fn edited(edit: impl FnOnce(&Path, &mut Value)) -> Result<Checkpoint, Error> {
    let folder = folder(Format::Safetensors, 2);
    let path = folder.path().join(INDEX);
    let mut index: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    edit(folder.path(), &mut index);
    fs::write(&path, index.to_string()).unwrap();
    open(folder.path())
}

#[track_caller]
fn assert_refused(says: &str, edit: impl FnOnce(&Path, &mut Value)) {
    let error = edited(edit).unwrap_err();
    let message = error.to_string();
    assert!(matches!(error, Error::BadShards { .. }) && message.contains(INDEX), "{message}");
    assert!(message.contains(says), "{message:?} does not say {says:?}");
}

const NAME: &str = "transformer.wte.weight";

#[test]
fn a_shard_has_a_plain_name() {
    assert!(edited(|_, _| ()).is_ok());
    for name in
        ["../../etc/passwd", "/etc/passwd", "sub/model.safetensors", "..", ".", "", "a\\b", "C:model", "./x", "a\0b"]
    {
        assert_refused("is not a plain file name", |folder, index| {
            fs::create_dir(folder.join("sub")).unwrap();
            fs::copy(folder.join(FIRST), folder.join("sub/model.safetensors")).unwrap();
            index["weight_map"][NAME] = json!(name);
        });
    }
}

/// As in the cache of Hugging Face, whose files are links to `../../blobs`.
#[cfg(unix)]
#[test]
fn a_shard_may_be_a_link() {
    let elsewhere = tempfile::tempdir().unwrap();
    assert!(
        edited(|folder, _| {
            let target = elsewhere.path().join("blob");
            fs::rename(folder.join(FIRST), &target).unwrap();
            std::os::unix::fs::symlink(target, folder.join(FIRST)).unwrap();
        })
        .is_ok()
    );
}

#[test]
fn shards_are_as_their_index_says() {
    assert_refused("shard model-00002-of-00002.safetensors is not in the folder", |folder, _| {
        fs::remove_file(folder.join(SECOND)).unwrap();
    });
    assert_refused("is not in the folder", |folder, index| {
        fs::create_dir(folder.join("directory")).unwrap();
        index["weight_map"][NAME] = json!("directory");
    });
    assert_refused("tensor `transformer.more` is not in model-00001", |_, index| {
        index["weight_map"]["transformer.more"] = json!(FIRST);
    });
    assert_refused(&format!("tensor `{NAME}` of model-0000"), |_, index| {
        index["weight_map"].as_object_mut().unwrap().remove(NAME);
    });
    assert_refused("is in model-00001-of-00002.safetensors too, not only in model-00002", |folder, _| {
        // The first shard's tensors in both.
        fs::copy(folder.join(SECOND), folder.join(FIRST)).unwrap();
    });
}

#[test]
fn what_is_no_index_is_refused() {
    for index in [json!({}), json!([]), json!({"weight_map": []}), json!({"weight_map": {"a": 1}}), json!(null)] {
        assert_refused("is no index of shards", |_, found| *found = index);
    }
    assert_refused("lists no tensors", |_, index| index["weight_map"] = json!({}));
    let folder = folder(Format::Safetensors, 2);
    fs::write(folder.path().join(INDEX), "{\"weight_map\": ").unwrap();
    assert!(matches!(open(folder.path()), Err(Error::BadShards { .. })));
}

#[test]
fn a_missing_tensor_is_missing_from_all_shards() {
    let removed = |folder: &Path, index: &mut Value| {
        index["weight_map"].as_object_mut().unwrap().retain(|_, shard| shard == FIRST);
        fs::remove_file(folder.join(SECOND)).unwrap();
    };
    let error = edited(removed).unwrap_err();
    assert!(matches!(&error, Error::MissingTensor { path, .. } if path.ends_with(INDEX)), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn no_change_of_the_index_makes_the_reader_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let folder = folder(Format::Safetensors, 2);
        let path = folder.path().join(INDEX);
        let mut text = fs::read(&path).unwrap();
        for (at, byte) in changes {
            let at = at.index(text.len());
            text[at] = byte;
        }
        fs::write(&path, &text).unwrap();
        let _ = open(folder.path());
        fs::write(&path, &text[..cut.index(text.len())]).unwrap();
        let _ = open(folder.path());
    }
}
