#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::io::{ErrorKind, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use super::*;

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn creates_folders_and_replaces() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b/file");
    write_bytes(&path, b"old and longer").unwrap();
    write_bytes(&path, b"new").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"new");
    assert_eq!(names(path.parent().unwrap()), ["file"]);
}

#[test]
fn a_failed_write_leaves_the_old_file_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    write_bytes(&path, b"old").unwrap();
    let error = write_atomically(&path, |writer| {
        writer.write_all(b"half").unwrap();
        writer.flush().unwrap();
        assert_eq!(names(folder.path()).len(), 2, "the half is in a sibling");
        assert!(names(folder.path())[0].starts_with(".file."), "and hidden");
        Err(Error::NoFileName { path: PathBuf::from("marker") })
    })
    .unwrap_err();
    assert!(matches!(error, Error::NoFileName { path } if path == Path::new("marker")));
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(names(folder.path()), ["file"]);
}

#[test]
fn a_panic_leaves_the_old_file_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    write_bytes(&path, b"old").unwrap();
    let result = catch_unwind(AssertUnwindSafe(|| write_atomically::<Error>(&path, |_| panic!("a bug in a stage"))));
    assert!(result.is_err());
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(names(folder.path()), ["file"]);
}

#[test]
fn what_a_killed_process_left_is_stepped_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let left = folder.path().join(format!(".file.{}-0.tmp", std::process::id()));
    fs::write(&left, b"left").unwrap();
    write_bytes(&path, b"new").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"new");
    assert_eq!(fs::read(&left).unwrap(), b"left");
}

#[test]
fn a_folder_in_the_way_is_an_error_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("taken");
    fs::create_dir_all(path.join("inside")).unwrap();
    let error = write_bytes(&path, b"new").unwrap_err();
    assert!(matches!(&error, Error::Write { path: named, .. } if *named == path), "{error:?}");
    assert_eq!(names(folder.path()), ["taken"]);
    let error = write_bytes(&folder.path().join(".."), b"new").unwrap_err();
    assert!(matches!(error, Error::NoFileName { .. }), "{error:?}");
}

#[test]
fn hash_is_blake3_of_the_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    write_bytes(&path, b"abc").unwrap();
    // Test vector of the BLAKE3 reference implementation (b3sum of "abc").
    assert_eq!(file_hash(&path).unwrap(), "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85");
    let missing = folder.path().join("missing");
    assert!(matches!(file_hash(&missing).unwrap_err(), Error::MissingFile { path } if path == missing));
    let error = file_hash(folder.path()).unwrap_err();
    assert!(matches!(&error, Error::Read { source, .. } if source.kind() == ErrorKind::IsADirectory), "{error:?}");
}

#[test]
fn a_claimed_folder_is_closed_to_others_and_clean() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    fs::create_dir_all(run.join("tables/below")).unwrap();
    for left in [".manifest.json.7-0.tmp", "tables/.neurons.parquet.7-1.tmp"] {
        fs::write(run.join(left), "half").unwrap();
    }
    fs::create_dir(run.join("mine")).unwrap();
    let kept = ["notes.tmp", ".hidden", ".draft.tmp", ".a.7-.tmp", "mine/.x.7-0.tmp", "tables/neurons.parquet"];
    for kept in kept.into_iter().chain(["tables/below/.x.7-0.tmp"]) {
        fs::write(run.join(kept), "mine").unwrap();
    }
    let lock = FolderLock::claim(&run).unwrap();
    assert_eq!(names(&run), [".a.7-.tmp", ".draft.tmp", ".hidden", ".lock", "mine", "notes.tmp", "tables"]);
    assert_eq!(names(&run.join("tables")), ["below", "neurons.parquet"]);
    assert_eq!((names(&run.join("mine")).len(), names(&run.join("tables/below")).len()), (1, 1), "not folders of ours");
    assert!(FolderLock::is_held(&run) && !FolderLock::is_held(folder.path()));
    let error = FolderLock::claim(&run).unwrap_err();
    assert!(matches!(&error, Error::Locked { folder } if *folder == run), "{error:?}");
    drop(lock);
    assert!(!FolderLock::is_held(&run));
    FolderLock::claim(&run).unwrap();
}

#[test]
fn files_are_removed_and_missing_ones_are_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let (there, gone) = (folder.path().join("there"), folder.path().join("gone"));
    fs::write(&there, "x").unwrap();
    remove_files(&[there, gone]).unwrap();
    assert!(names(folder.path()).is_empty());
    let sub = folder.path().join("folder");
    fs::create_dir(&sub).unwrap();
    assert!(matches!(remove_files(std::slice::from_ref(&sub)), Err(Error::Write { path, .. }) if path == sub));
}
