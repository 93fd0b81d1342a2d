//! The command from outside: exit codes, stdout and stderr, and what is in the run folder.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use homolog_test::fixtures::json;
use homolog_test::planted::{N_ROWS, random_rows, shape, twin, weights, write_u16_rows};
use homolog_test::tiny_gpt2::Layout;
use tempfile::TempDir;

/// What a command did.
struct Done {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

fn homolog(folder: &Path, arguments: &[&str]) -> Done {
    let output: Output =
        Command::new(env!("CARGO_BIN_EXE_homolog")).args(arguments).current_dir(folder).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Done { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// A planted pair of which half of the 640 neurons are shared, and its study file.
fn planted() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let shape = shape();
    let pair = twin(&shape, &weights(&shape, 1), 2);
    shape.write(&folder.path().join("models/a"), &pair.a, &Layout::PLAIN);
    shape.write(&folder.path().join("models/b"), &pair.b, &Layout::PLAIN);
    let rows = random_rows(N_ROWS, shape.n_ctx, shape.d_vocab, shape.bos, 3);
    write_u16_rows(&folder.path().join("tokens.u16"), &rows);
    let text = "[study]\nname = \"twins\"\n[[model]]\nname = \"a\"\npath = \"models/a\"\n[[model]]\nname = \"b\"\n\
                path = \"models/b\"\n[corpus]\ntoken_file = \"tokens.u16\"\ncontext = 24\n[ablation]\ndraws = 1\n";
    fs::write(folder.path().join("study.toml"), text).unwrap();
    folder
}

#[test]
fn a_study_from_end_to_end() {
    let folder = planted();
    let done =
        homolog(folder.path(), &["run", "study.toml", "--threads", "2", "--memory", "500M", "--batch-rows", "3"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    // A table that can be pasted: a header, a ruler, and a line a model, all of as many columns.
    let table: Vec<&str> = done.stdout.lines().take_while(|line| line.starts_with('|')).collect();
    assert_eq!(table.len(), 2 + 2, "{}", done.stdout);
    assert!(table.iter().all(|line| line.matches('|').count() == 10), "{}", done.stdout);
    assert!(table[0].contains("loss, nats") && table[0].contains("universal (excess > 0.5)"), "{}", table[0]);
    for (line, model) in table[2..].iter().zip(["a", "b"]) {
        assert!(line.starts_with(&format!("| - | {model} | ")) && line.contains("| 320 (50.00 %) |"), "{line}");
    }
    assert!(done.stdout.contains("Note: losses and ablations are measured on the same rows"), "{}", done.stdout);
    assert!(done.stdout.contains("runs/twins/tables") && done.stdout.contains("runs/twins/manifest.json"));
    for stage in ["correlate models", "loss of a, models", "ablate b, models"] {
        assert!(done.stderr.contains(stage), "no progress of {stage}: {}", done.stderr);
    }

    // By default results are in runs/<study name> of the current folder.
    let run = folder.path().join("runs/twins");
    let manifest = json(run.join("manifest.json"));
    assert_eq!(
        (&manifest["study"], &manifest["is_finished"], &manifest["n_threads"]),
        (&"twins".into(), &true.into(), &2.into())
    );
    assert_eq!(manifest["homolog_version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(manifest["tables"].as_array().unwrap().len(), 7);
    assert_eq!(manifest["inputs"]["weights"][1]["path"], "models/b", "as the study file has it, not absolute");
    for table in manifest["tables"].as_array().unwrap() {
        assert!(run.join(table["path"].as_str().unwrap()).is_file(), "{table}");
    }
    let resolved = fs::read_to_string(run.join("study.resolved.toml")).unwrap();
    for line in
        ["exclude_tokens = [599]", "threshold = 0.5", "count_models = 1", "multiples = [1, 2, 5, 10]", "draws = 1"]
    {
        assert!(resolved.lines().any(|other| other == line), "no {line} in\n{resolved}");
    }

    let again = homolog(folder.path(), &["run", "study.toml", "--quiet"]);
    assert_eq!((again.code, again.stderr.as_str()), (Some(0), ""));
    assert_eq!(again.stdout, "runs/twins holds the finished study `twins`; nothing to do\n");

    // Another name in the same folder is another study.
    let text = fs::read_to_string(folder.path().join("study.toml")).unwrap();
    fs::write(folder.path().join("other.toml"), text.replace("twins", "others")).unwrap();
    let other = homolog(folder.path(), &["run", "other.toml", "-o", "runs/twins"]);
    assert_eq!((other.code, other.stdout.as_str()), (Some(1), ""));
    assert!(other.stderr.contains("`twins`") && other.stderr.contains("`others`"), "{}", other.stderr);
}

#[test]
fn quiet_leaves_stderr_empty_and_output_names_the_folder() {
    let folder = planted();
    let elsewhere = tempfile::tempdir().unwrap();
    let study = folder.path().join("study.toml");
    let done = homolog(elsewhere.path(), &["run", study.to_str().unwrap(), "-q", "--output", "deep/er"]);
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""));
    assert!(done.stdout.contains("deep/er/tables"), "{}", done.stdout);
    assert!(elsewhere.path().join("deep/er/tables/neurons.parquet").is_file());
    assert!(!elsewhere.path().join("runs").exists() && !folder.path().join("runs").exists());
}

#[test]
fn what_fails_exits_with_1_and_says_why() {
    let folder = planted();
    let study = |text: &str| fs::write(folder.path().join("bad.toml"), text).unwrap();
    let fails = |arguments: &[&str], words: &[&str]| {
        let done = homolog(folder.path(), arguments);
        assert_eq!((done.code, done.stdout.as_str()), (Some(1), ""), "{}", done.stderr);
        assert!(done.stderr.lines().any(|line| line.starts_with("error: ")), "{}", done.stderr);
        assert!(!done.stderr.contains("panicked"), "{}", done.stderr);
        for word in words {
            assert!(done.stderr.contains(word), "no {word} in {}", done.stderr);
        }
    };
    fails(&["run", "missing.toml"], &["missing.toml", "study file"]);
    study("[study]\nnaem = \"x\"\n");
    fails(&["run", "bad.toml"], &["bad.toml", "line 2", "naem"]);
    fails(&["run", "study.toml", "--memory", "64K", "--quiet"], &["--memory"]);
    fails(&["run", "study.toml", "--output", "study.toml"], &["study.toml", "is a file"]);
    let sound = fs::read_to_string(folder.path().join("study.toml")).unwrap();
    study(&sound.replace("models/b", "models/c"));
    fails(&["run", "bad.toml"], &["models/c", "no such folder"]);
}

#[test]
fn wrong_usage_exits_with_2() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [
        &[][..],
        &["run"],
        &["walk", "study.toml"],
        &["run", "study.toml", "--thread", "2"],
        &["run", "study.toml", "--threads", "0"],
        &["run", "study.toml", "--threads", "two"],
        &["run", "study.toml", "--batch-rows", "0"],
        &["run", "study.toml", "--memory", "8X"],
        &["run", "study.toml", "another.toml"],
    ] {
        let done = homolog(folder.path(), arguments);
        assert_eq!((done.code, done.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(done.stderr.contains("--help") || done.stderr.contains("Usage: "), "{arguments:?}: {}", done.stderr);
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is written");
}

#[test]
fn help_teaches() {
    let folder = tempfile::tempdir().unwrap();
    let helps = |arguments: &[&str], words: &[&str]| {
        let done = homolog(folder.path(), arguments);
        assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""));
        for word in words {
            assert!(done.stdout.contains(word), "{arguments:?}: no {word} in\n{}", done.stdout);
        }
    };
    helps(&["--help"], &["Which neurons", "run", "Run a study"]);
    let example = ["homolog run study.toml", "[study]", "[[model]]", "[corpus]", "token_file", "Exit status"];
    helps(&["run", "--help"], &example);
    helps(
        &["run", "--help"],
        &["--output", "--threads", "--memory", "--batch-rows", "--allow-config-key", "never results"],
    );
    helps(&["--version"], &["homolog", env!("CARGO_PKG_VERSION")]);
}
