//! Leaves the commit that is built from in `HOMOLOG_COMMIT`; "unknown" outside a git checkout of Homolog.

use std::process::Command;

fn main() {
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        // A git that calls us (a hook) may have told of another checkout.
        command.args(arguments).env_remove("GIT_DIR").env_remove("GIT_WORK_TREE");
        let output = command.output().ok().filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    println!("cargo::rerun-if-changed=build.rs");
    // A copy of the source within somebody else's checkout is not of their commit.
    let is_ours = git(&["rev-parse", "--show-prefix"]).is_some_and(|prefix| prefix == "crates/homolog-cli/");
    let commit = git(&["rev-parse", "HEAD"]).filter(|_| is_ours).unwrap_or_else(|| "unknown".into());
    println!("cargo::rustc-env=HOMOLOG_COMMIT={commit}");
    if let Some(log) = git(&["rev-parse", "--git-path", "logs/HEAD"]).filter(|_| is_ours) {
        println!("cargo::rerun-if-changed={log}");
    }
}
