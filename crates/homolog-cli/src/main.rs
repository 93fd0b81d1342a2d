//! The `homolog` command.
#![expect(clippy::print_stdout, reason = "results go to stdout; progress and errors to stderr")]

mod args;
mod bars;
mod commands;
mod memory;

use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command};

fn main() -> ExitCode {
    // Usage errors exit with 2 here, by clap.
    let args = Args::parse();
    let done = match args.command {
        Command::Run(run) => commands::run(&run),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
