//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::memory;

/// Which neurons do independently trained language models share, when do they appear, do they last, and do they matter?
#[derive(Parser)]
#[command(name = "homolog", version, propagate_version = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run a study: checkpoints and tokens in, tables out.
    ///
    /// Correlates every MLP neuron of every model with every neuron of the others at each checkpoint, holds the best match
    /// against a random rotation, and calls a neuron universal when the excess is above the threshold. Then: the share of
    /// universal neurons by layer and checkpoint, which of them persist, and how much the loss rises without them.
    ///
    /// The same command on an unfinished folder goes on where it stopped; on a finished one it says so and does nothing.
    #[command(after_help = RUN_EXAMPLES)]
    Run(RunArgs),
}

const RUN_EXAMPLES: &str = "\
Examples:
  homolog run study.toml                        results in runs/<study name>
  homolog run study.toml --output /data/run-1   results in /data/run-1
  homolog run study.toml --memory 8G            more passes over the tokens, less memory

A study file:
  [study]
  name = \"my-study\"
  [[model]]
  name = \"seed-a\"
  path = \"models/seed-a\"            # relative to the study file
  [[model]]
  name = \"seed-b\"
  path = \"models/seed-b\"
  [checkpoints]                       # leave out if the paths are the models
  steps = [1000, 2000]
  pattern = \"checkpoint-{step}\"
  [corpus]
  token_file = \"tokens.u16\"           # rows of token ids: .u16 .u32 .npy .safetensors
  context = 512

Every other setting has a default; runs/<study name>/study.resolved.toml lists them all.
Exit status: 0 done, 1 failed, 2 wrong usage.";

#[derive(clap::Args)]
pub(crate) struct RunArgs {
    /// The study file
    pub(crate) study: PathBuf,
    /// The run folder [default: runs/NAME, by the study]
    #[arg(long, short, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
    /// Threads; changes speed, never results [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) threads: Option<u16>,
    /// Rows of tokens in one forward pass; changes speed and memory, never results [default: 2 a thread, at least 8]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) batch_rows: Option<u32>,
    /// Memory for the correlations to stay within, such as 8G or 500M; changes the number of passes over the tokens, never results [default: 70 %
    /// of what is free]
    #[arg(long, value_name = "SIZE", value_parser = memory::parse)]
    pub(crate) memory: Option<u64>,
    /// Let a key of config.json pass that is not known to leave the arithmetic alone (repeatable)
    #[arg(long, value_name = "NAME")]
    pub(crate) allow_config_key: Vec<String>,
    /// No progress on stderr
    #[arg(long, short)]
    pub(crate) quiet: bool,
}
