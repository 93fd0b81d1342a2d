#![expect(clippy::print_stdout, reason = "a command-line program")]
//! The workspace's automation, run as `cargo xtask <command>`: the same checks here and in continuous integration.

mod ci;
mod make_gpt2;
mod slow;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

const HELP: &str = "\
Automation of the Homolog workspace.

Usage: cargo xtask <COMMAND>

Commands:
  ci                  Everything that must pass before a commit, in order: formatting, clippy, tests, pages, docs, tidy.
                      Stops at the first failure; ends with the skipped tests and `N passed, N failed, N skipped`.
  slow                Tests that `ci` leaves out: they take minutes, or hold results against Python's (which is set up below
                      target/, with pip). Ends with the same sums.
  tidy                The house rules a compiler does not know: file lengths, banned names, dependency edges, `unsafe`,
                      numbers of decisions, TODOs without an issue, `allow` attributes. Lists every violation.
  make-gpt2 <FOLDER>  A GPT-2 with random weights as a Hugging Face folder, for timing. `cargo xtask make-gpt2 --help` tells more.
  help                This text.

Exit status: 0 done, 1 failed, 2 usage.
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match args.as_slice() {
        [] | ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        ["ci"] => ci::run(&workspace_root()),
        ["slow"] => slow::run(&workspace_root()),
        ["tidy"] => tidy::run(&workspace_root()),
        ["make-gpt2", "--help" | "-h"] => {
            print!("{}", make_gpt2::HELP);
            return ExitCode::SUCCESS;
        }
        ["make-gpt2", rest @ ..] => match make_gpt2::parse(rest) {
            Ok(request) => make_gpt2::run(&request),
            Err(error) => return usage(&error.to_string()),
        },
        [command @ ("ci" | "slow" | "tidy"), ..] => return usage(&format!("`{command}` takes no arguments")),
        [other, ..] => return usage(&format!("no command `{other}`")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn usage(error: &str) -> ExitCode {
    eprintln!("error: {error}; see `cargo xtask help`");
    ExitCode::from(2)
}

/// The folder that holds the virtual manifest.
fn workspace_root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().expect("xtask lies in the workspace").into()
}
