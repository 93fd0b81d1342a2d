//! `cargo xtask slow`: tests that take minutes, or a Python beside us.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::ci;

/// What the Python side of a test imports, pinned.
const REQUIREMENTS: [&str; 2] =
    ["crates/homolog-corpus/tests/it/requirements.txt", "crates/homolog-train/tests/it/requirements.txt"];

pub(crate) fn run(root: &Path) -> Result<()> {
    let python = match environment(root) {
        Ok(python) => Some(python),
        Err(error) => {
            println!("tests against Python will be skipped: {error:#}");
            None
        }
    };
    ci::slow(root, python.as_deref())
}

/// The interpreter of a virtual environment in `target/`, made once.
fn environment(root: &Path) -> Result<PathBuf> {
    let folder = root.join("target/slow-python");
    let python = folder.join("bin/python");
    if !python.exists() {
        must(Command::new("python3").args(["-m", "venv"]).arg(&folder), "python3 -m venv")?;
    }
    for requirements in REQUIREMENTS {
        let pip = ["-m", "pip", "install", "--quiet", "--requirement"];
        must(Command::new(&python).args(pip).arg(root.join(requirements)), "pip install")?;
    }
    Ok(python)
}

fn must(command: &mut Command, name: &str) -> Result<()> {
    let status = command.status().with_context(|| format!("{name} does not start"))?;
    ensure!(status.success(), "{name} gave {status}");
    Ok(())
}
