//! The `homolog` command.

mod args;
mod commands;
mod completions;
mod demo;
mod doctor;
mod instruction_set;
mod manual;
mod memory;
mod reporter;
mod show;
mod signals;
mod version;

use std::process::ExitCode;

use anyhow::Context;
use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches};

use args::{Args, Color, Command};
use reporter::Reporter;

fn main() -> ExitCode {
    // Usage errors exit with 2 here, by clap, in the colours that were asked for.
    let color = asked_color();
    if let Err(message) = instruction_set::choose() {
        Args::command().color(color).error(ErrorKind::InvalidValue, message).exit();
    }
    let matches = Args::command().color(color).get_matches();
    let args = Args::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    match args.global.color {
        Color::Auto => {}
        Color::Always => anstream::ColorChoice::Always.write_global(),
        Color::Never => anstream::ColorChoice::Never.write_global(),
    }
    let reporter = Reporter::new(&args.global);
    let error = match dispatch(&args, &reporter) {
        Ok(()) => return ExitCode::SUCCESS,
        Err(error) => error,
    };
    let is_interrupted = matches!(error.downcast_ref(), Some(homolog_study::Error::Interrupted))
        || matches!(error.downcast_ref(), Some(homolog_train::Error::Interrupted))
        || matches!(error.downcast_ref(), Some(homolog_report::Error::Interrupted));
    if let Some(signal) = signals::received().filter(|_| is_interrupted) {
        let is_resumable =
            matches!(args.command, Command::Demo(_) | Command::Run(_) | Command::Compare(_) | Command::Train(_));
        let to_go_on =
            format!("; finished work is kept, and the same command goes on from there:\n  {}", command_line());
        reporter.error(&format!("{}{}", told(&error), if is_resumable { &to_go_on } else { "" }));
        return ExitCode::from(signals::status(signal) as u8);
    }
    reporter.error(&told(&error));
    ExitCode::FAILURE
}

fn dispatch(args: &Args, reporter: &Reporter) -> anyhow::Result<()> {
    signals::listen().context("cannot listen for Ctrl-C")?;
    let threads = args.global.threads.map_or(0, usize::from);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().context("cannot start the threads")?;
    pool.install(|| match &args.command {
        Command::Demo(args) => demo::run(args, reporter),
        Command::Run(args) => commands::run(args, reporter),
        Command::Audit(args) => commands::audit(args, reporter),
        Command::Compare(args) => commands::compare(args, reporter),
        Command::Ablate(args) => commands::ablate(args, reporter),
        Command::Train(args) => commands::train(args, reporter),
        Command::Tokenize(args) => commands::tokenize(args, reporter),
        Command::Figures(args) => show::figures(args, reporter),
        Command::Report(args) => show::report(args, reporter),
        Command::Export(args) => show::export(args, reporter),
        Command::Serve(args) => show::serve(args, reporter),
        Command::Status(args) => commands::status(args),
        Command::Verify(args) => commands::verify(args, reporter),
        Command::Doctor => doctor::run(reporter),
        Command::Completions(args) => commands::completions(args),
        Command::Man(args) => commands::man(args),
    })
}

/// The error and its causes, each said once: some messages quote their cause already.
fn told(error: &anyhow::Error) -> String {
    let mut told = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !told.contains(&cause) {
            told = format!("{told}: {cause}");
        }
    }
    told
}

/// `--color` as it stands on the command line, before that is understood.
fn asked_color() -> clap::ColorChoice {
    let arguments: Vec<String> = std::env::args().collect();
    let after = arguments.iter().position(|argument| argument == "--color").and_then(|at| arguments.get(at + 1));
    let joined = arguments.iter().find_map(|argument| argument.strip_prefix("--color="));
    match joined.or(after.map(String::as_str)) {
        Some("always") => clap::ColorChoice::Always,
        Some("never") => clap::ColorChoice::Never,
        _ => clap::ColorChoice::Auto,
    }
}

/// The command as a shell takes it.
fn command_line() -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    let quoted = |argument: String| {
        let is_plain = !argument.is_empty() && argument.chars().all(is_plain);
        if is_plain { argument } else { format!("'{}'", argument.replace('\'', r"'\''")) }
    };
    std::env::args_os().map(|argument| quoted(argument.to_string_lossy().into_owned())).collect::<Vec<_>>().join(" ")
}
