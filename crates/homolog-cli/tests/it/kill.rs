//! A run that is killed at random moments loses at most the pass at hand. Slow tier: some minutes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use homolog_test::Seeded;
use homolog_test::planted::{random_rows, shape, write_u16_rows};

use crate::{homolog, planted};

const N_KILLS: usize = 50;
const ARGUMENTS: [&str; 5] = ["run", "study.toml", "-q", "--memory", "63M"];

fn results(run: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for folder in ["tables", "tensors"] {
        for entry in fs::read_dir(run.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            found.insert(path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap());
        }
    }
    found
}

#[test]
#[ignore = "slow tier: cargo xtask slow"]
fn a_run_that_is_killed_fifty_times_ends_in_the_same_bytes() {
    let folder = planted();
    let shape = shape();
    write_u16_rows(&folder.path().join("tokens.u16"), &random_rows(1500, shape.n_ctx, shape.d_vocab, shape.bos, 3));
    let start = Instant::now();
    let whole = homolog(folder.path(), &["run", "study.toml", "-q", "-o", "whole"]);
    assert_eq!(whole.code, Some(0), "{}", whole.stderr);
    let duration = start.elapsed();
    let wanted = results(&folder.path().join("whole"));
    let mut seeded = Seeded::new(50);
    let run = folder.path().join("runs/twins");
    let (mut n_killed, mut n_finished, mut longest) = (0, 0, 0);
    while n_killed < N_KILLS {
        let mut child = Command::new(env!("CARGO_BIN_EXE_homolog"))
            .args(ARGUMENTS)
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        // Early moments are as likely as late ones; what is left gets shorter from kill to kill.
        std::thread::sleep(Duration::from_secs_f64(duration.as_secs_f64() * seeded.uniform() * 0.4));
        child.kill().unwrap();
        // A run that was done before the kill begins anew.
        if child.wait().unwrap().success() {
            n_finished += 1;
            assert!(results(&run) == wanted, "after {n_killed} kills");
            fs::remove_dir_all(&run).unwrap();
            continue;
        }
        n_killed += 1;
        let artifacts = fs::read_dir(run.join("artifacts")).map_or(0, Iterator::count);
        longest = longest.max(artifacts);
    }
    let done = homolog(folder.path(), &ARGUMENTS);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(results(&run) == wanted, "after {N_KILLS} kills");
    assert!(longest > 1, "kills came so early that nothing was ever kept");
    let logs = fs::read_dir(run.join("logs")).unwrap().map(|log| fs::read_to_string(log.unwrap().path()).unwrap());
    let goes_on = logs.filter(|log| log.contains("layer pairs done")).count();
    assert!(goes_on > 0, "no kill came between two passes");
    eprintln!(
        "killed {n_killed} times, finished {n_finished} times in between, at most {longest} artifacts kept, {goes_on} went on within a checkpoint"
    );
}
