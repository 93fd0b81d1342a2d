//! Ctrl-C, SIGTERM and a full disk, as a shell brings them about.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use homolog_test::planted::{random_rows, shape, write_u16_rows};

use crate::{homolog, planted};

const ONLY_CORRELATIONS: [&str; 7] = [
    "--set",
    "ablation.enabled=false",
    "--set",
    "windows.checkpoints=none",
    "--set",
    "evidence.enabled=false",
    "--no-report",
];

/// The planted pair with so many rows that a run takes seconds, in several passes.
fn long() -> (tempfile::TempDir, Vec<&'static str>) {
    let folder = planted();
    let shape = shape();
    let rows = random_rows(6000, shape.n_ctx, shape.d_vocab, shape.bos, 3);
    write_u16_rows(&folder.path().join("tokens.u16"), &rows);
    let arguments = [&["run", "study.toml", "--memory", "62M"], &ONLY_CORRELATIONS[..]].concat();
    (folder, arguments)
}

/// Start, and send the signal as soon as stderr tells of passes.
fn interrupted(folder: &Path, arguments: &[&str], signal: &str) -> (Option<i32>, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_homolog"))
        .args(arguments)
        .current_dir(folder)
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut told = Vec::new();
    for line in lines.by_ref() {
        told.push(line.unwrap());
        if told.last().is_some_and(|line| line.contains("passes over the tokens")) {
            break;
        }
    }
    std::thread::sleep(Duration::from_millis(100));
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    told.extend(lines.map(Result::unwrap));
    (child.wait().unwrap().code(), told.join("\n"))
}

#[test]
fn ctrl_c_ends_with_130_and_tells_how_to_go_on() {
    let (folder, arguments) = long();
    for (signal, status) in [("-INT", 130), ("-TERM", 143)] {
        let (code, told) = interrupted(folder.path(), &arguments, signal);
        assert_eq!(code, Some(status), "{told}");
        assert!(
            told.contains("stopping")
                && told.contains("finished work is kept")
                && told.contains("run study.toml --memory 62M --set"),
            "{told}"
        );
        assert!(!told.contains("panicked"), "{told}");
        let status = homolog(folder.path(), &["status", "runs/twins"]);
        assert!(status.stdout.contains("unfinished"), "{}", status.stdout);
    }
    let done = homolog(folder.path(), &arguments);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let whole = homolog(folder.path(), &[&["run", "study.toml", "-q", "-o", "whole"], &ONLY_CORRELATIONS[..]].concat());
    assert_eq!(whole.code, Some(0), "{}", whole.stderr);
    for table in ["neurons", "matches"] {
        let read = |run: &str| std::fs::read(folder.path().join(format!("{run}/tables/{table}.parquet"))).unwrap();
        assert!(read("runs/twins") == read("whole"), "{table}");
    }
}

#[test]
fn a_full_disk_is_an_error_that_names_the_file() {
    let folder = planted();
    // No file may grow beyond 8 KiB; the signal that says so is ignored, as a full disk sends none.
    let script = format!("trap '' XFSZ; ulimit -f 8; exec {} run study.toml -q", env!("CARGO_BIN_EXE_homolog"));
    let full = Command::new("bash").args(["-c", &script]).current_dir(folder.path()).output().unwrap();
    let told = String::from_utf8(full.stderr).unwrap();
    assert_eq!(full.status.code(), Some(1), "{told}");
    assert!(told.contains("cannot write") && told.contains("runs/twins/artifacts") && told.contains("space"), "{told}");
    let left: Vec<_> = std::fs::read_dir(folder.path().join("runs/twins/artifacts")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(homolog(folder.path(), &["run", "study.toml", "-q"]).code, Some(0));
}
