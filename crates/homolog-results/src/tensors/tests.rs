#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

fn tensors() -> Vec<(String, TensorData)> {
    vec![
        ("halves".to_owned(), TensorData::F32 { shape: vec![3], data: vec![0.5, -0.0, f32::MAX] }),
        ("counts".to_owned(), TensorData::U32 { shape: vec![1, 2], data: vec![u32::MAX, 0] }),
        ("sums".to_owned(), TensorData::F64 { shape: vec![2, 2], data: vec![0.1, -0.0, 1e300, f64::MIN_POSITIVE] }),
        ("none".to_owned(), TensorData::F64 { shape: vec![0, 7], data: vec![] }),
        ("totals".to_owned(), TensorData::U64 { shape: vec![], data: vec![u64::MAX - 1] }),
    ]
}

fn metadata() -> Vec<(String, String)> {
    (0..16).map(|i| (format!("key {i}"), format!("value \"{i}\""))).collect()
}

#[test]
fn come_back_as_they_went() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tensors/file.safetensors");
    write_tensors(&path, &tensors(), &metadata()).unwrap();
    let read = read_tensors(&path).unwrap();
    assert_eq!(read.names(), ["counts", "halves", "none", "sums", "totals"]);
    assert_eq!(read.f32("halves").unwrap(), ([3].as_slice(), vec![0.5, -0.0, f32::MAX]));
    assert_eq!(read.u32("counts").unwrap(), ([1, 2].as_slice(), vec![u32::MAX, 0]));
    assert_eq!(read.f64("sums").unwrap(), ([2, 2].as_slice(), vec![0.1, -0.0, 1e300, f64::MIN_POSITIVE]));
    assert_eq!(read.f64("none").unwrap(), ([0, 7].as_slice(), vec![]));
    assert_eq!(read.u64("totals").unwrap(), ([].as_slice(), vec![u64::MAX - 1]));
    assert_eq!(*read.metadata(), metadata().into_iter().collect());
}

#[test]
fn nothing_is_a_file_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.safetensors");
    write_tensors(&path, &[], &[]).unwrap();
    let read = read_tensors(&path).unwrap();
    assert!(read.names().is_empty() && read.metadata().is_empty());
}

#[test]
fn order_does_not_reach_the_bytes_and_data_is_aligned() {
    let folder = tempfile::tempdir().unwrap();
    let [a, b] = ["a", "b"].map(|name| folder.path().join(name));
    write_tensors(&a, &tensors(), &metadata()).unwrap();
    let (mut tensors, mut metadata) = (tensors(), metadata());
    tensors.reverse();
    metadata.reverse();
    write_tensors(&b, &tensors, &metadata).unwrap();
    assert_eq!(fs::read(&a).unwrap(), fs::read(&b).unwrap());

    let read = read_tensors(&a).unwrap();
    for name in read.names() {
        let info = read.header.info(&name).unwrap();
        let alignment = info.dtype.bitsize() / 8;
        assert_eq!((read.data_start + info.data_offsets.0) % alignment, 0, "{name}");
    }
}

#[test]
fn misuse_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.safetensors");
    write_tensors(&path, &tensors(), &[]).unwrap();
    let read = read_tensors(&path).unwrap();
    let error = read.f64("absent").unwrap_err();
    assert!(matches!(&error, Error::MissingTensor { path: named, tensor } if *named == path && tensor == "absent"));
    let error = read.u32("halves").unwrap_err();
    assert!(
        matches!(&error, Error::TensorType { tensor, expected: Dtype::U32, found: Dtype::F32, .. } if tensor == "halves")
    );

    let old = fs::read(&path).unwrap();
    let [first, ..] = &tensors()[..] else { unreachable!("five tensors") };
    let error = write_tensors(&path, &[first.clone(), first.clone()], &[]).unwrap_err();
    assert!(matches!(&error, Error::DuplicateTensor { tensor, .. } if tensor == "halves"), "{error:?}");
    assert_eq!(fs::read(&path).unwrap(), old);
}

#[test]
#[should_panic(expected = "shape [2, 2] and length disagree")]
fn a_wrong_shape_is_a_bug() {
    let wrong = TensorData::U32 { shape: vec![2, 2], data: vec![1, 2, 3] };
    let _ = write_tensors(Path::new("/nonexistent/file"), &[("wrong".to_owned(), wrong)], &[]);
}

#[test]
fn hostile_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.safetensors");
    assert!(matches!(read_tensors(&path).unwrap_err(), Error::MissingFile { path: named } if named == path));
    write_tensors(&path, &tensors(), &metadata()).unwrap();
    let whole = fs::read(&path).unwrap();
    let too_long_a_header = [&u64::MAX.to_le_bytes(), &whole[8..]].concat();
    let one_byte_more = [&whole[..], b"x"].concat();
    let specimens =
        [&[][..], &whole[..4], &whole[..100], &whole[..whole.len() - 1], &too_long_a_header, &one_byte_more];
    for bytes in specimens {
        fs::write(&path, bytes).unwrap();
        let error = read_tensors(&path).unwrap_err();
        assert!(matches!(&error, Error::NotSafetensors { path: named, .. } if *named == path), "{error:?}");
    }
}
