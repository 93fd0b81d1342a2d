use std::fs;
use std::path::{Path, PathBuf};

use super::{Compression, Layout, find_files, format, hash_files};
use crate::Error;

fn folder(names: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for name in names {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a file has a folder")).expect("a temporary folder can be written");
        fs::write(path, name).expect("a temporary folder can be written");
    }
    folder
}

fn find(folder: &tempfile::TempDir, patterns: &[&str]) -> Result<Vec<String>, Error> {
    let patterns: Vec<_> = patterns.iter().map(PathBuf::from).collect();
    let files = find_files(folder.path(), &patterns)?;
    let name = |path: &PathBuf| path.strip_prefix(folder.path()).expect("below").to_string_lossy().into_owned();
    Ok(files.iter().map(name).collect())
}

fn message(result: Result<impl std::fmt::Debug, Error>) -> String {
    result.expect_err("an error is expected").to_string()
}

#[test]
fn patterns_keep_their_order_and_matches_are_sorted() {
    let folder = folder(&["b.txt", "a.txt", "z/c.jsonl", "z/.hidden.jsonl", "z/y/d.jsonl", "only.parquet"]);
    assert_eq!(find(&folder, &["only.parquet", "*.txt"]).expect("files"), ["only.parquet", "a.txt", "b.txt"]);
    assert_eq!(find(&folder, &["*/*.jsonl"]).expect("files"), ["z/c.jsonl"]);
    assert_eq!(find(&folder, &["z/**/*"]).expect("files"), ["z/c.jsonl", "z/y/d.jsonl"]);
    assert_eq!(find(&folder, &[]).expect("files"), [""; 0]);
}

#[test]
fn a_file_may_be_named_like_a_pattern_in_a_folder_that_is_too() {
    let folder = folder(&["[x]/a[1].txt", "[x]/b.txt"]);
    assert_eq!(find(&folder, &["[x]/a[1].txt"]).expect("files"), ["[x]/a[1].txt"]);
    let files = find_files(&folder.path().join("[x]"), &["b.*".into()]).expect("files");
    assert_eq!(files, [folder.path().join("[x]/b.txt")]);
    let absolute = folder.path().join("[[]x]/b.*");
    assert_eq!(find_files(Path::new("/nowhere"), &[absolute]).expect("files"), files);
}

#[test]
fn a_pattern_without_a_match_is_an_error() {
    let folder = folder(&["a.txt", "deep/b.txt"]);
    let found = message(find(&folder, &["a.txt", "*.jsonl"]));
    assert!(found.starts_with("corpus files `*.jsonl`: there is no such file in "), "{found}");
    assert!(message(find(&folder, &["deep"])).contains("no such file"), "folders are no files");
    let found = message(find(&folder, &["a***.txt"]));
    assert!(found.starts_with("corpus files `a***.txt`: "), "{found}");
}

#[test]
fn a_file_matched_twice_is_an_error() {
    let folder = folder(&["a.txt", "b.txt"]);
    let found = message(find(&folder, &["*.txt", "./a.txt"]));
    assert!(found.contains("a.txt is matched twice, by `*.txt` and by `./a.txt`"), "{found}");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(folder.path().join("a.txt"), folder.path().join("c.txt")).expect("a link");
        assert!(message(find(&folder, &["*.txt"])).contains("c.txt is matched twice, by `*.txt`"));
    }
}

#[test]
fn names_tell_the_format() {
    let format_of = |name: &str| format(Path::new(name)).ok();
    assert_eq!(format_of("x/a.b.txt"), Some((Layout::Text, Compression::None)));
    assert_eq!(format_of("A.TXT.GZ"), Some((Layout::Text, Compression::Gzip)));
    assert_eq!(format_of("a.txt.zst"), Some((Layout::Text, Compression::Zstd)));
    assert_eq!(format_of("a.jsonl"), Some((Layout::Lines, Compression::None)));
    assert_eq!(format_of("a.jsonl.gz"), Some((Layout::Lines, Compression::Gzip)));
    assert_eq!(format_of("a.jsonl.zst"), Some((Layout::Lines, Compression::Zstd)));
    assert_eq!(format_of("a.parquet"), Some((Layout::Parquet, Compression::None)));
    for name in ["a", "txt", "a.gz", "a.parquet.gz", "a.json", "a.csv", "a.txt.bz2", "a.txt.gz.zst", ""] {
        assert_eq!(format_of(name), None, "{name}");
    }
    let folder = folder(&["a.txt", "README.md"]);
    let found = message(find(&folder, &["*"]));
    assert!(found.contains("README.md: its name ends in none of .txt .jsonl .parquet"), "{found}");
}

#[test]
fn hashes_are_of_the_bytes() {
    let folder = folder(&["a.txt"]);
    let path = folder.path().join("a.txt");
    let told = std::sync::atomic::AtomicU64::new(0);
    let progress = |n_bytes| {
        told.fetch_add(n_bytes, std::sync::atomic::Ordering::Relaxed);
        true
    };
    let hashes = hash_files(std::slice::from_ref(&path), &progress).expect("a hash");
    assert_eq!(hashes, [blake3::hash(b"a.txt").to_hex().to_string()]);
    assert_eq!(told.into_inner(), 5);
    assert!(matches!(hash_files(std::slice::from_ref(&path), &|_| false), Err(Error::Interrupted)));
    let missing = folder.path().join("missing.txt");
    assert!(message(hash_files(&[missing], &|_| true)).contains("missing.txt"));
}
