//! `cargo xtask ci`: the checks in order, each with its time, and the sums of all test results.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use crate::tidy;
use tally::Tally;

mod tally;

pub(crate) fn run(root: &Path) -> Result<()> {
    let mut tally = Tally::default();
    let outcome = steps(root, &mut tally);
    // Also after a failure: which tests ran, and what was skipped, is part of the answer.
    tally.print();
    outcome
}

fn steps(root: &Path, tally: &mut Tally) -> Result<()> {
    step("fmt", || cargo(root, &["fmt", "--all", "--check"]))?;
    step("clippy", || cargo(root, &["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]))?;
    step("test", || test(root, &[], None, tally))?;
    step("pages", || pages(root, tally))?;
    step("doc", || cargo(root, &["doc", "--workspace", "--no-deps", "--locked"]))?;
    step("tidy", || tidy::run(root))
}

fn step(name: &str, check: impl FnOnce() -> Result<()>) -> Result<()> {
    println!("\n=== {name} ===");
    let start = Instant::now();
    let outcome = check();
    let verdict = if outcome.is_ok() { "ok" } else { "FAILED" };
    println!("=== {name}: {verdict}, {:.1} s ===", start.elapsed().as_secs_f64());
    outcome.with_context(|| format!("ci stopped at {name}"))
}

fn cargo_command(root: &Path, args: &[&str]) -> Command {
    println!("$ cargo {}", args.join(" "));
    // Cargo names itself to the programs it runs.
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args).current_dir(root).env("RUSTDOCFLAGS", "-D warnings");
    command
}

fn cargo(root: &Path, args: &[&str]) -> Result<()> {
    ensure_success(cargo_command(root, args).status().context("cargo does not start")?)
}

/// The tests that [`run`] leaves out for their length, and the sums of their results.
pub(crate) fn slow(root: &Path, python: Option<&Path>) -> Result<()> {
    let mut tally = Tally::default();
    let outcome = step("slow tests", || test(root, &["--ignored"], python, &mut tally));
    tally.print();
    outcome
}

/// Runs every test binary, also after one has failed, and counts what they print while it streams through.
///
/// `--show-output` makes passing tests show what they printed, one test after the other; `--nocapture` would mix their lines.
fn test(root: &Path, which: &[&str], python: Option<&Path>, tally: &mut Tally) -> Result<()> {
    let args = ["test", "--workspace", "--locked", "--no-fail-fast", "--", "--show-output"];
    let mut command = cargo_command(root, &[&args[..], which].concat());
    command.envs(python.map(|python| ("HOMOLOG_PYTHON", python)));
    streamed(command, |line| tally.read_line(line))
}

/// Runs a command to its end, shows what it prints, and each line to `read` too.
fn streamed(mut command: Command, mut read: impl FnMut(&str)) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child = command.stdout(Stdio::piped()).spawn().with_context(|| format!("{program} does not start"))?;
    let stdout = child.stdout.take().expect("stdout is piped");
    for line in BufReader::new(stdout).split(b'\n') {
        let line = line.context("reading the tests' output")?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        read(&line);
    }
    ensure_success(child.wait().with_context(|| format!("waiting for {program}"))?)
}

/// What is written in JavaScript: its types, its tests, and the pages driven in a browser.
///
/// Whoever has no Node can build and test everything else: then this is skipped, and said so.
fn pages(root: &Path, tally: &mut Tally) -> Result<()> {
    let folder = root.join("crates/homolog-report/explorer");
    let npm = |args: &[&str]| {
        println!("$ npm {}", args.join(" "));
        let mut command = Command::new("npm");
        command.args(args).current_dir(&folder);
        command
    };
    if npm(&["--version"]).output().is_err() {
        let reason = "pages: npm is not installed; it comes with Node.js 20 or later";
        println!("SKIPPED: {reason}");
        tally.skip(reason);
        return Ok(());
    }
    ensure_success(npm(&["ci", "--no-audit", "--no-fund"]).status().context("npm does not start")?)?;
    ensure_success(npm(&["run", "check"]).status().context("npm does not start")?)?;
    let written = root.join("target/pages");
    // Of the whole workspace, as the tests before: for one package alone cargo would build its dependencies anew, with fewer features.
    let write = ["test", "--workspace", "--lib", "--locked", "--", "pages_are_written_for_a_browser_to_open"];
    ensure_success(
        cargo_command(root, &write).env("HOMOLOG_PAGES", &written).status().context("cargo does not start")?,
    )?;
    let mut browser = npm(&["run", "browser"]);
    browser.env("HOMOLOG_PAGES", &written);
    streamed(browser, |line| {
        // Node prints what tests print as comments of its own format.
        if let Some(reason) = line.trim_start_matches("# ").strip_prefix("SKIPPED: ") {
            tally.skip(reason);
        }
    })
}

fn ensure_success(status: ExitStatus) -> Result<()> {
    ensure!(status.success(), "it gave {status}");
    Ok(())
}
