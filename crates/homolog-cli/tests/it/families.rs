//! Training and the demo, from outside.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use homolog_test::Seeded;
use tempfile::TempDir;

use crate::homolog;

/// Sixty documents in invented words, enough for a vocabulary of 1,024.
fn texts() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("text")).unwrap();
    let mut seeded = Seeded::new(3);
    let syllables =
        ["ka", "lo", "mer", "tis", "ou", "brin", "sa", "ve", "dun", "pil", "or", "zet", "gam", "hu", "ni", "xo"];
    let words: Vec<String> =
        (0..4000).map(|_| (0..2 + seeded.below(3)).map(|_| syllables[seeded.below(16)]).collect()).collect();
    for document in 0..60 {
        let word = |seeded: &mut Seeded| &*words[seeded.below(4000).min(seeded.below(4000))];
        let text: Vec<&str> = (0..400).map(|_| word(&mut seeded)).collect();
        fs::write(folder.path().join(format!("text/{document:02}.txt")), text.join(" ")).unwrap();
    }
    folder
}

fn family(folder: &Path, steps: u64) {
    let text = format!(
        "[family]\nname = \"small\"\n[corpus]\nfiles = [\"text/*.txt\"]\ncontext = 32\nheld_out_tokens = 640\n[tokenizer]\nd_vocab = 400\n\
         [model]\nn_layers = 1\nd_model = 16\nn_heads = 2\n[seeds]\nboth = [1, 2]\n[training]\nsteps = {steps}\nbatch_rows = 4\n\
         evaluate_tokens = 320\n[checkpoints]\nsteps = [0, {steps}]\n"
    );
    fs::write(folder.join("family.toml"), text).unwrap();
}

#[test]
fn what_is_trained_can_be_studied() {
    let folder = texts();
    family(folder.path(), 3);
    let done = homolog(folder.path(), &["train", "family.toml"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(done.stdout.contains("| seed-2 |") && done.stdout.contains("homolog run families/small/study.toml"));
    let again = homolog(folder.path(), &["train", "family.toml"]);
    assert!(again.code == Some(0) && again.stdout.contains("nothing to do"), "{}", again.stdout);
    let audit = homolog(folder.path(), &["audit", "families/small/study.toml", "--strict"]);
    assert_eq!(audit.code, Some(0), "{}{}", audit.stdout, audit.stderr);
    assert!(audit.stdout.contains("4 checkpoints, nothing that does not fit."), "{}", audit.stdout);
    let study =
        homolog(folder.path(), &["run", "families/small/study.toml", "--set", "ablation.enabled=false", "--strict"]);
    assert_eq!(study.code, Some(0), "{}", study.stderr);
    // The tokenizer of a checkpoint serves for text, and two checkpoints for a comparison.
    let [a, b] = ["families/small/seed-1/checkpoint-3", "families/small/seed-2/checkpoint-3"];
    let compared = homolog(folder.path(), &["compare", a, b, "--corpus", "text/0*.txt", "--tokens", "640"]);
    assert_eq!(compared.code, Some(0), "{}", compared.stderr);
}

#[test]
fn bad_families_exit_with_1_and_say_why() {
    let folder = texts();
    family(folder.path(), 0);
    let done = homolog(folder.path(), &["train", "family.toml"]);
    assert!(done.code == Some(1) && done.stderr.contains("training.steps must be at least 1"), "{}", done.stderr);
    let done = homolog(folder.path(), &["train", "no-such.toml"]);
    assert!(done.code == Some(1) && done.stderr.contains("no-such.toml"), "{}", done.stderr);
    fs::write(folder.path().join("text/99.txt"), b"\xff\xfe").unwrap();
    family(folder.path(), 1);
    let done = homolog(folder.path(), &["train", "family.toml"]);
    assert!(done.code == Some(1) && done.stderr.contains("99.txt") && done.stderr.contains("UTF-8"), "{}", done.stderr);
}

#[cfg(unix)]
#[test]
fn ctrl_c_keeps_what_is_finished_and_the_same_command_goes_on() {
    let folder = texts();
    family(folder.path(), 3000);
    let mut child = Command::new(env!("CARGO_BIN_EXE_homolog"))
        .args(["train", "family.toml"])
        .current_dir(folder.path())
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let log = folder.path().join("families/small/seed-2/log.jsonl");
    let n_lines = || fs::read_to_string(&log).map_or(0, |log| log.lines().count());
    while n_lines() < 5 {
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let told: Vec<String> = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap).collect();
    let told = told.join("\n");
    assert_eq!(child.wait().unwrap().code(), Some(130), "{told}");
    assert!(told.contains("finished work is kept") && told.contains("train family.toml"), "{told}");
    assert!(folder.path().join("families/small/seed-1/checkpoint-0/model.safetensors").exists());
    let before = n_lines();
    let state = folder.path().join("families/small/seed-2/state.safetensors");
    assert!(state.exists() && before < 3000);
    let again = homolog(folder.path(), &["train", "family.toml"]);
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert!(n_lines() == 3001 && !state.exists());
}

#[test]
fn a_demo_trains_studies_and_tells() {
    let folder = texts();
    let arguments = ["demo", "--corpus", "text/*.txt", "--models", "2", "--steps", "2", "--output", "here"];
    let done = homolog(folder.path(), &arguments);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    for stage in ["1 of 3, text", "2 of 3, family", "3 of 3, study", "  correlate: "] {
        assert!(done.stderr.contains(stage), "{stage}: {}", done.stderr);
    }
    for found in ["2 small GPT-2s, 2 steps on your text", "| 0 | ", "- Emergence: ", "here/study/tables"] {
        assert!(done.stdout.contains(found), "{found}: {}", done.stdout);
    }
    assert!(folder.path().join("here/study/tables/neurons.parquet").exists());
    // A second call has nothing left to do, and tells the same.
    assert_eq!(homolog(folder.path(), &arguments).stdout, done.stdout);
    // The study file is one of the user's own: it runs from where it lies.
    let run =
        homolog(folder.path(), &["run", "here/study.toml", "--output", "elsewhere", "--set", "ablation.enabled=false"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
}
