//! One function a command.

use anyhow::Context;
use homolog_study::{Options, Outcome, Progress, Silent, StudyConfig};

use crate::args::RunArgs;
use crate::bars::Bars;
use crate::memory;

/// Rows of a forward pass for each thread, by default: enough for threads to even out.
const ROWS_PER_THREAD: usize = 2;

/// `homolog run`
pub(crate) fn run(args: &RunArgs) -> anyhow::Result<()> {
    let config = StudyConfig::read(&args.study)?;
    let threads = args.threads.map_or(0, usize::from);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().context("cannot start the threads")?;
    let options = Options {
        output: args.output.clone().unwrap_or_else(|| std::path::Path::new("runs").join(&config.study.name)),
        batch_rows: args.batch_rows.map_or((ROWS_PER_THREAD * pool.current_num_threads()).max(8), |rows| rows as usize),
        memory_bytes: args.memory.unwrap_or_else(memory::default_budget),
        allowed_config_keys: args.allow_config_key.iter().cloned().collect(),
        homolog_version: env!("CARGO_PKG_VERSION").into(),
        code_commit: env!("HOMOLOG_COMMIT").into(),
    };
    let progress: &dyn Progress = if args.quiet { &Silent } else { &Bars::new() };
    match pool.install(|| homolog_study::run(&config, &options, progress))? {
        Outcome::Done { summary, .. } => println!("{summary}"),
        Outcome::AlreadyDone { folder } => {
            println!("{} holds the finished study `{}`; nothing to do", folder.display(), config.study.name);
        }
    }
    Ok(())
}
