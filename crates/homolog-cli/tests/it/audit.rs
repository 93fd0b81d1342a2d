//! `homolog audit`, and `--strict` of a run.

use std::fs;

use serde_json::Value;

use crate::{homolog, planted};

#[test]
fn an_audit_prints_its_evidence_writes_nothing_and_is_strict_when_asked() {
    // The second model has the first's embeddings and attention, as a model of other origins has not.
    let folder = planted();
    let files = || fs::read_dir(folder.path()).unwrap().count();
    let before = files();
    let done = homolog(folder.path(), &["audit", "study.toml", "--quiet"]);
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""));
    let table: Vec<&str> = done.stdout.lines().take_while(|line| line.starts_with('|')).collect();
    assert_eq!(table.len(), 2 + 2, "{}", done.stdout);
    assert!(table.iter().all(|line| line.matches('|').count() == 10), "{}", done.stdout);
    assert!(table[2].starts_with("| a | - | 28 | ") && table[3].starts_with("| b | - | 28 | "), "{}", done.stdout);
    assert!(done.stdout.contains("Warning: a: ") && done.stdout.contains("are those of `b`"), "{}", done.stdout);
    assert!(done.stdout.ends_with("2 checkpoints, 1 warning.\n"), "{}", done.stdout);

    let strict = homolog(folder.path(), &["audit", "study.toml", "--strict", "-q"]);
    assert_eq!((strict.code, &strict.stdout), (Some(1), &done.stdout));
    assert!(strict.stderr.contains("1 warning") && strict.stderr.contains("--strict"), "{}", strict.stderr);

    let json = homolog(folder.path(), &["audit", "study.toml", "--json", "-q"]);
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["warnings"][0]["kind"], "partly-identical");
    assert_eq!(json["checkpoints"].as_array().unwrap().len(), 2);
    assert_eq!(files(), before, "an audit writes nothing");

    // A run tells the same, and with --strict does no more.
    let run = homolog(folder.path(), &["run", "study.toml", "--strict", "--no-report"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{}", run.stderr);
    assert!(run.stderr.contains("warning: a: ") && run.stderr.contains("--strict"), "{}", run.stderr);
    assert!(!folder.path().join("runs/twins/tables").exists());
    let manifest: Value =
        serde_json::from_slice(&fs::read(folder.path().join("runs/twins/manifest.json")).unwrap()).unwrap();
    assert_eq!((&manifest["audit"]["warnings"], &manifest["is_finished"]), (&json["warnings"], &false.into()));
}

#[test]
fn all_that_cannot_be_read_is_told_at_once() {
    let folder = planted();
    for model in ["a", "b"] {
        fs::write(folder.path().join(format!("models/{model}/model.safetensors")), b"short").unwrap();
    }
    let done = homolog(folder.path(), &["audit", "study.toml", "-q"]);
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    assert!(done.stdout.contains("Warning: a: ") && done.stdout.contains("Warning: b: "), "{}", done.stdout);
    assert!(done.stderr.contains("2 checkpoints"), "{}", done.stderr);
}
