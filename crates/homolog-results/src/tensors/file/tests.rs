#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;

use std::path::PathBuf;

use super::*;
use crate::{TensorData, read_tensors, write_tensors};

fn written(folder: &Path) -> PathBuf {
    let path = folder.join("file.safetensors");
    let corr = TensorData::F32 { shape: vec![3, 2], data: vec![0.0, 0.5, 1.0, 1.5, f32::MAX, -0.0] };
    let neuron = TensorData::U32 { shape: vec![3, 1], data: vec![7, 8, u32::MAX] };
    let sums = TensorData::F64 { shape: vec![1], data: vec![0.1] };
    let tensors = [("corr".to_owned(), corr), ("neuron".to_owned(), neuron), ("sums".to_owned(), sums)];
    write_tensors(&path, &tensors, &[("study".to_owned(), "a".to_owned())]).unwrap();
    path
}

#[test]
fn rows_are_those_of_the_whole_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path());
    let (file, whole) = (open_tensors(&path).unwrap(), read_tensors(&path).unwrap());
    assert_eq!(file.names(), whole.names());
    assert_eq!(file.metadata(), whole.metadata());
    assert_eq!(file.shape("corr").unwrap(), [3, 2]);
    assert_eq!(file.f32_rows("corr", 0..3).unwrap(), whole.f32("corr").unwrap().1);
    assert_eq!(file.f32_rows("corr", 1..2).unwrap(), [1.0, 1.5]);
    assert_eq!(file.u32_rows("neuron", 1..3).unwrap(), [8, u32::MAX]);
    assert!(file.u32_rows("neuron", 2..2).unwrap().is_empty());
}

#[test]
fn absent_tensors_and_other_types_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let file = open_tensors(&written(folder.path())).unwrap();
    assert!(matches!(file.shape("corrs"), Err(Error::MissingTensor { .. })));
    assert!(matches!(file.u32_rows("corr", 0..1), Err(Error::TensorType { .. })));
}

#[test]
fn files_cut_short_or_padded_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path());
    let bytes = fs::read(&path).unwrap();
    for n_bytes in [0, 7, 8, 20, bytes.len() - 1] {
        fs::write(&path, &bytes[..n_bytes]).unwrap();
        assert!(matches!(open_tensors(&path), Err(Error::NotSafetensors { .. })), "{n_bytes} bytes");
    }
    fs::write(&path, [bytes.as_slice(), b"x"].concat()).unwrap();
    assert!(matches!(open_tensors(&path), Err(Error::NotSafetensors { .. })));
    fs::write(&path, [u64::MAX.to_le_bytes().as_slice(), &bytes[8..]].concat()).unwrap();
    assert!(matches!(open_tensors(&path), Err(Error::NotSafetensors { .. })));
}
