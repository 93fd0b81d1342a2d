#![expect(clippy::unwrap_used, reason = "tests")]

mod safetensors;
mod shards;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use homolog_test::tiny_gpt2::{Format, Gpt2Shape, Layout};

use super::files::WeightFiles;
use crate::{Checkpoint, Error};

fn open(folder: &Path) -> Result<Checkpoint, Error> {
    Checkpoint::open(folder, &BTreeSet::new())
}

/// A folder of a tiny model in this format and as many files.
fn folder(format: Format, n_files: usize) -> tempfile::TempDir {
    let (folder, shape) = (tempfile::tempdir().unwrap(), Gpt2Shape::tiny());
    shape.write_as(folder.path(), &shape.random(5, 0.3), &Layout::PLAIN, format, n_files);
    folder
}

#[test]
fn the_first_of_four_kinds_of_weight_files_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let shape = Gpt2Shape::tiny();
    let write = |format, n_files| shape.write_as(folder.path(), &shape.random(5, 0.3), &Layout::PLAIN, format, n_files);
    let found = || WeightFiles::find(folder.path()).map(|files| files.path.file_name().unwrap().to_owned());
    assert!(
        matches!(found(), Err(Error::NoWeights { hint, .. }) if hint.contains("is this the folder of a checkpoint?"))
    );
    write(Format::Torch, 2);
    assert_eq!(found().unwrap(), "pytorch_model.bin.index.json");
    write(Format::Torch, 1);
    assert_eq!(found().unwrap(), "pytorch_model.bin");
    write(Format::Safetensors, 2);
    assert_eq!(found().unwrap(), "model.safetensors.index.json");
    fs::create_dir(folder.path().join("model.safetensors")).unwrap();
    assert_eq!(found().unwrap(), "model.safetensors.index.json", "a folder of that name is no weight file");
    fs::remove_dir(folder.path().join("model.safetensors")).unwrap();
    write(Format::Safetensors, 1);
    assert_eq!(found().unwrap(), "model.safetensors");
}
