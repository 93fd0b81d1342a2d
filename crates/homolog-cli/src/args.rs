//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::{memory, version};

/// Which neurons do independently trained language models share, when do they appear, do they last, and do they matter?
///
/// Reads GPT-2 checkpoints of several training runs and a corpus, offline, and writes tables that pandas, polars and duckdb open.
#[derive(Parser)]
#[command(name = "homolog", version, long_version = version::LONG.as_str(), propagate_version = true, after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
}

const EXAMPLES: &str = "\
Examples:
  homolog demo                                           see it work, on a family trained here
  homolog compare models/a models/b --corpus text.txt    which neurons do these two share?
  homolog run study.toml                                 all models, all checkpoints, all tables
  homolog run study.toml --dry-run                       what that would take
  homolog audit study.toml                               are its checkpoints what their names say?
  homolog status runs/my-study                           how far it has come
  homolog doctor                                         what this machine is good for

`homolog help COMMAND` teaches each. Exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted (143 by SIGTERM).";

#[derive(clap::Args)]
pub(crate) struct GlobalArgs {
    /// Threads; changes speed, never results [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..), global = true)]
    pub(crate) threads: Option<u16>,
    /// No progress on stderr; errors and results only
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Colours on stderr; NO_COLOR in the environment turns `auto` off
    #[arg(long, value_name = "WHEN", default_value = "auto", global = true)]
    pub(crate) color: Color,
    /// How stderr tells of progress and errors: for people, or one JSON object a line
    #[arg(long, value_name = "FORMAT", default_value = "text", global = true)]
    pub(crate) log_format: LogFormat,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// See it work: train a small family, study it, and read what it shows. 5 to 10 minutes on two cores.
    ///
    /// Takes text of yours, else the public-domain State of the Union speeches by pip, else a generated language; trains five small
    /// GPT-2s on it that differ only in their seeds; and runs the whole study on text that they have not seen. Everything stays in one
    /// folder, and the same command goes on there after an interruption.
    #[command(after_help = DEMO_EXAMPLES)]
    Demo(DemoArgs),
    /// Run a study: checkpoints and a corpus in, tables, figures and a report out.
    ///
    /// Correlates every MLP neuron of every model with every neuron of the others at each checkpoint, holds the best match
    /// against a random baseline, and calls a neuron universal when the excess is above the threshold. Then: the share of
    /// universal neurons by layer and checkpoint, which of them persist, and how much the loss rises without them.
    ///
    /// The same command on an unfinished folder goes on where it stopped, after Ctrl-C, a kill or a full disk; on a finished one it
    /// says so and does nothing; with changed settings it does again only what depends on them.
    #[command(after_help = RUN_EXAMPLES)]
    Run(RunArgs),
    /// Are a study's checkpoints what their names say? Copies, exchanged steps, foreign seeds, trained "step 0"s.
    ///
    /// Published families have all of these. Reads every weight once and prints evidence for each checkpoint: a digest of its values, its
    /// norm, how far it is from the step before, and its cosine to that and to the other models. Warns of checkpoints or matrices that are
    /// those of another, of steps that do not lie between their neighbours or do not descend from the one before, of norms that the other
    /// models have at another step, of a step 0 that was trained, of configs and tokenizers that differ, and of whatever a run would stop at.
    ///
    /// Writes nothing and needs no text. `run` does the same before its first forward pass and keeps the evidence in the manifest. docs/audit.md
    /// has each check, its reason and when not to trust it. Exit status 1 if a checkpoint cannot be read, and with --strict at any warning.
    #[command(after_help = AUDIT_EXAMPLES)]
    Audit(AuditArgs),
    /// Compare two models: which neurons do they share?
    ///
    /// Needs no study file. Prints the most universal neurons of the first model, what they match in the second, and by how much
    /// they beat the baseline; writes the same tables as `run`, without ablations.
    #[command(after_help = COMPARE_EXAMPLES)]
    Compare(CompareArgs),
    /// Silence neurons of your choosing in one model of a study, and see what the loss does.
    ///
    /// The list is held against random neurons, as many and multiples of it, drawn uniformly and with as many from each layer; sizes,
    /// draws and modes are those of the study's [ablation].
    #[command(after_help = ABLATE_EXAMPLES)]
    Ablate(AblateArgs),
    /// Train a family of small GPT-2s that differ in their seeds, and keep checkpoints for a study.
    ///
    /// Makes a tokenizer and rows of the text, trains every model side by side on the cores there are, and writes a folder a model with
    /// a `checkpoint-STEP` a step that `homolog run` and `transformers` open, losses in `log.jsonl`, and a study.toml of them all on
    /// held-out text. Same seeds, same bytes.
    ///
    /// The same command on an unfinished folder goes on from the last state that was kept; on a finished one it says so and does nothing.
    #[command(after_help = TRAIN_EXAMPLES)]
    Train(TrainArgs),
    /// Turn text into a token file that studies use again.
    ///
    /// A document is a .txt file (<|endoftext|> inside also ends one), a line of .jsonl, or a row of Parquet; .txt and .jsonl may be .gz or
    /// .zst. A row is <|endoftext|> and consecutive tokens, documents parted by <|endoftext|>. Documents whose hash says so (1 in 20) make
    /// the held-out rows.
    #[command(after_help = TOKENIZE_EXAMPLES)]
    Tokenize(TokenizeArgs),
    /// Draw the figures of a finished run again: all, some, or in another theme.
    ///
    /// `run` draws them itself. Each comes as .svg, .pdf and .png for print, as .vl.json that Vega-Lite and Altair open and restyle, and as
    /// .csv of exactly what is drawn. Same run, same bytes, on every machine.
    #[command(after_help = FIGURES_EXAMPLES)]
    Figures(FiguresArgs),
    /// Write the report and the explorer of a finished run again.
    ///
    /// `run` writes them itself: figures/, report.html (one file that opens from disk without network), and explorer/ with every neuron.
    #[command(after_help = REPORT_EXAMPLES)]
    Report(ReportArgs),
    /// Write a finished run in formats that others read: CSV, Neuronpedia-style JSONL, the columns of Gurnee's dataframes.
    #[command(after_help = EXPORT_EXAMPLES)]
    Export(ExportArgs),
    /// Show a run's report and explorer in a browser, from this machine to this machine only.
    ///
    /// Both open from disk as well; this is for machines that one reaches through an SSH tunnel. Listens on 127.0.0.1, reads only, and ends
    /// with Ctrl-C.
    #[command(after_help = SERVE_EXAMPLES)]
    Serve(ServeArgs),
    /// Tell how far a run has come, from its folder.
    #[command(after_help = "Example:\n  homolog status runs/my-study")]
    Status(FolderArgs),
    /// Hash inputs, tables and artifacts of a run again and hold them against its manifest.
    ///
    /// Exit status 1 if a file differs or is gone. Inputs are looked for where they were, seen from the run folder.
    #[command(after_help = "Example:\n  homolog verify runs/my-study")]
    Verify(FolderArgs),
    /// Tell what this machine has, how fast it is in each precision, and which to use.
    ///
    /// Instruction sets that the kernels know, and why one is not used; threads; memory; and the products of correlations timed for a
    /// second in each precision, with how exact it is.
    ///
    /// A precision is set in the study file, [correlation] for correlations and [ablation] for losses: f32 (the default), bf16x3 or
    /// bf16. It means the same on every machine; only CPUs with AMX gain speed by the lower two.
    #[command(after_help = DOCTOR_EXAMPLES)]
    Doctor,
    /// Print the script that lets a shell complete commands and options.
    #[command(after_help = COMPLETIONS_EXAMPLES)]
    Completions(CompletionsArgs),
    /// Print the page of `homolog` for man, or write the pages of all commands.
    #[command(after_help = MAN_EXAMPLES)]
    Man(ManArgs),
}

const DEMO_EXAMPLES: &str = "\
Examples:
  homolog demo
  homolog demo --corpus 'novels/*.txt' --output novels-demo     on text of yours: at least some dozens of documents
  homolog demo --models 3 --steps 400                           sooner done, with less to see

In the folder: family/ (models and losses), study/ (tables), and the family and study file for experiments of your own.";

const RUN_EXAMPLES: &str = "\
Examples:
  homolog run study.toml                        results in runs/<study name>
  homolog run study.toml --no-report            tables only
  homolog run study.toml --dry-run              passes, operations, memory, files, time; nothing is written
  homolog run study.toml --output /data/run-1   results in /data/run-1
  homolog run study.toml --memory 8G            more passes over the tokens, less memory
  homolog run study.toml --set baseline.draws=3 --set universality.threshold=0.4
  homolog run study.toml --set model.0.path=other/seed-a

A study file:
  [study]
  name = \"my-study\"
  [[model]]
  name = \"seed-a\"
  path = \"models/seed-a\"            # relative to the study file: config.json, weights as safetensors or
  [[model]]                         # pytorch_model.bin, whole or in shards
  name = \"seed-b\"
  path = \"models/seed-b\"
  [checkpoints]                     # leave out if the paths are the models
  steps = [1000, 2000]
  pattern = \"checkpoint-{step}\"
  [corpus]
  files = [\"text/*.jsonl.zst\"]      # .txt .jsonl (.gz .zst) .parquet; or rows of ids:
  tokens = 1_000_000                # token_file = \"tokens.u16\"  (.u16 .u32 .npy .safetensors)
  context = 512
  [baseline]
  kind = \"orthogonal\"               # or gaussian-rows, permuted-rows

Every other setting has a default; runs/<study name>/study.resolved.toml lists them all.
Exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted (143 by SIGTERM).";

const AUDIT_EXAMPLES: &str = "\
Examples:
  homolog audit study.toml
  homolog audit study.toml --strict && homolog run study.toml
  homolog audit study.toml --json | jq '.warnings[] | [.kind, .model, .checkpoint]'
  homolog run study.toml --strict                        audit, then run only if nothing is wrong";

const COMPARE_EXAMPLES: &str = "\
Examples:
  homolog compare models/a models/b --corpus text.txt
  homolog compare models/a models/b --corpus 'pile/*.jsonl.zst' --tokens 200000 --context 256
  homolog compare models/a models/b --corpus tokens.u16 --context 512 --top 50
  homolog compare models/a models/b --corpus text.txt --set baseline.kind=permuted-rows";

const ABLATE_EXAMPLES: &str = "\
Examples:
  homolog ablate study.toml --model seed-a --checkpoint 2000 --neurons mine.csv
  homolog ablate study.toml --model seed-a --checkpoint 2000 --neurons mine.csv --set ablation.draws=20

mine.csv:
  layer,neuron
  3,1045
  7,88";

const TRAIN_EXAMPLES: &str = "\
Examples:
  homolog train family.toml                     models in families/<family name>
  homolog train family.toml --output /data/f    models in /data/f
  homolog run families/my-family/study.toml     the study of what was trained

A family file:
  [family]
  name = \"my-family\"
  [corpus]
  files = [\"text/*.txt\"]            # relative to the family file: .txt .jsonl (.gz .zst) .parquet
  context = 128
  [tokenizer]
  d_vocab = 2048                    # trained on the text; or an existing one: path = \"models/a\"
  [model]
  n_layers = 4
  d_model = 128
  n_heads = 4
  [seeds]
  both = [1, 2, 3]                  # three models that differ in everything; or a crossed design:
  # init = [1, 2]                   # every initialisation
  # data = [10, 20]                 # with every order of the text
  [training]
  steps = 1600
  batch_rows = 16
  learning_rate = 1e-3              # AdamW, linear warm-up, cosine to a tenth
  [checkpoints]
  count = 8                         # log-spaced, and step 0; or listed: steps = [0, 50, 400, 1600]

Every other setting has a default; families/<family name>/family.resolved.toml lists them all.
To train nothing and look at untrained models: steps = 1 and [checkpoints] steps = [0].
Exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted (143 by SIGTERM).";

const TOKENIZE_EXAMPLES: &str = "\
Examples:
  homolog tokenize 'text/*.txt' --tokenizer models/seed-a --context 512 --output tokens.u16
  homolog tokenize pile.jsonl.zst --tokenizer tokenizer.json --context 512 --tokens 5000000 \\
      --held-out-tokens 250000 --output pile.u16
  homolog tokenize books.parquet --text-field content --tokenizer models/seed-a --context 128 --output books.safetensors

Writes OUTPUT, the held-out rows beside it, and OUTPUT.json, which says what they were made from.";

const FIGURES_EXAMPLES: &str = "\
Examples:
  homolog figures runs/my-study
  homolog figures runs/my-study --only fig01-emergence-mean
  homolog figures runs/my-study --only fig03 --only fig06        every figure whose name begins so
  homolog figures runs/my-study --theme journal.toml

A theme sets sizes (points), widths and colours; a key that it has not is as it was:
  label_size = 6.0
  categories = [\"#0072b2\", \"#d55e00\", \"#009e73\"]

A key that no theme has is an error that lists them all.";

const REPORT_EXAMPLES: &str = "\
Examples:
  homolog report runs/my-study
  homolog report runs/my-study --theme journal.toml";

const EXPORT_EXAMPLES: &str = "\
Examples:
  homolog export runs/my-study --to csv                      into runs/my-study/export/csv
  homolog export runs/my-study --to neuronpedia --output up  a JSONL file for every model and checkpoint with windows of text
  homolog export runs/my-study --to gurnee                   layer, neuron, max_corr, ... as `universal.csv` of that paper has them";

const SERVE_EXAMPLES: &str = "\
Examples:
  homolog serve runs/my-study
  homolog serve runs/my-study --port 8000
  ssh -L 8000:127.0.0.1:8000 cluster      on the machine with the browser, to a `serve --port 8000` on the other";

const DOCTOR_EXAMPLES: &str = "\
Examples:
  homolog doctor
  homolog doctor --threads 1                             one core's speed
  HOMOLOG_ISA=avx2 homolog doctor                        another instruction set: portable, avx2, avx512 or amx
  homolog run study.toml --set correlation.precision=bf16x3 --set ablation.precision=bf16x3

HOMOLOG_ISA works with every command, and changes the last digits of results.";

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  homolog completions bash > ~/.local/share/bash-completion/completions/homolog
  homolog completions zsh > ~/.zfunc/_homolog            # with ~/.zfunc in fpath
  homolog completions fish > ~/.config/fish/completions/homolog.fish

New shells know them.";

const MAN_EXAMPLES: &str = "\
Examples:
  homolog man | man -l -                                 read it
  homolog man --output ~/.local/share/man/man1           then `man homolog`, `man homolog-run`";

#[derive(clap::Args)]
pub(crate) struct DemoArgs {
    /// Text files or patterns of them (repeatable): .txt .jsonl (.gz .zst) .parquet
    #[arg(long, value_name = "FILE")]
    pub(crate) corpus: Vec<PathBuf>,
    /// Folder of everything that is made
    #[arg(long, short, value_name = "DIR", default_value = "homolog-demo")]
    pub(crate) output: PathBuf,
    /// Models to train
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u64).range(2..=100))]
    pub(crate) models: u64,
    /// Steps of each
    #[arg(long, value_name = "N", default_value_t = crate::demo::STEPS, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) steps: u64,
}

#[derive(clap::Args)]
pub(crate) struct RunArgs {
    /// The study file
    pub(crate) study: PathBuf,
    #[command(flatten)]
    pub(crate) plan: PlanArgs,
    #[command(flatten)]
    pub(crate) options: StudyArgs,
}

#[derive(clap::Args)]
pub(crate) struct AuditArgs {
    /// The study file
    pub(crate) study: PathBuf,
    /// Exit with 1 if there is a warning
    #[arg(long)]
    pub(crate) strict: bool,
    /// One JSON object on stdout, as the manifest of a run has it, instead of a table
    #[arg(long)]
    pub(crate) json: bool,
    /// Change a setting of the study file, such as checkpoints.steps=[0,1000] (repeatable)
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Let a key of config.json pass that is not known to leave the arithmetic alone (repeatable)
    #[arg(long, value_name = "NAME")]
    pub(crate) allow_config_key: Vec<String>,
}

#[derive(clap::Args)]
pub(crate) struct CompareArgs {
    /// Folder of the first model
    pub(crate) a: PathBuf,
    /// Folder of the second model
    pub(crate) b: PathBuf,
    /// Text files or patterns of them, or one token file (repeatable)
    #[arg(long, value_name = "FILE", required = true)]
    pub(crate) corpus: Vec<PathBuf>,
    /// Folder of the tokenizer of the text [default: the first model]
    #[arg(long, value_name = "DIR")]
    pub(crate) tokenizer: Option<PathBuf>,
    /// Tokens of a row [default: what both models take, 512 at most]
    #[arg(long, value_name = "N")]
    pub(crate) context: Option<usize>,
    /// Positions to use of text [default: all]
    #[arg(long, value_name = "N")]
    pub(crate) tokens: Option<u64>,
    /// Neurons to print
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) top: usize,
    #[command(flatten)]
    pub(crate) plan: PlanArgs,
    #[command(flatten)]
    pub(crate) options: StudyArgs,
}

#[derive(clap::Args)]
pub(crate) struct AblateArgs {
    /// The study file
    pub(crate) study: PathBuf,
    /// Name of the model in the study file
    #[arg(long, value_name = "NAME")]
    pub(crate) model: String,
    /// One of the study's checkpoints, if it names any
    #[arg(long, value_name = "STEP", allow_negative_numbers = true)]
    pub(crate) checkpoint: Option<i64>,
    /// CSV file with columns layer and neuron
    #[arg(long, value_name = "FILE")]
    pub(crate) neurons: PathBuf,
    #[command(flatten)]
    pub(crate) options: StudyArgs,
}

#[derive(clap::Args)]
pub(crate) struct TrainArgs {
    /// The family file
    pub(crate) family: PathBuf,
    /// The family's folder [default: families/NAME, by the family]
    #[arg(long, short, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(clap::Args)]
pub(crate) struct TokenizeArgs {
    /// Text files, or patterns of them, read in this order
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Folder with tokenizer.json, or vocab.json and merges.txt; or a tokenizer.json
    #[arg(long, value_name = "PATH")]
    pub(crate) tokenizer: PathBuf,
    /// Tokens of a row
    #[arg(long, value_name = "N")]
    pub(crate) context: usize,
    /// The token file to write: .u16, .u32 or .safetensors
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Positions of all rows [default: all the text gives]
    #[arg(long, value_name = "N")]
    pub(crate) tokens: Option<u64>,
    /// Positions of the held-out rows; 0: none [default: a 20th of --tokens, or every document that hashes so]
    #[arg(long, value_name = "N")]
    pub(crate) held_out_tokens: Option<u64>,
    /// Rows do not begin with <|endoftext|>
    #[arg(long)]
    pub(crate) no_bos: bool,
    /// Field or column of the text in .jsonl and Parquet
    #[arg(long, value_name = "NAME", default_value = "text")]
    pub(crate) text_field: String,
}

#[derive(clap::Args)]
pub(crate) struct FolderArgs {
    /// The run folder
    pub(crate) folder: PathBuf,
}

#[derive(clap::Args)]
pub(crate) struct FiguresArgs {
    /// The run folder
    pub(crate) folder: PathBuf,
    /// Name of a figure, or what names begin with (repeatable) [default: all]
    #[arg(long, value_name = "NAME")]
    pub(crate) only: Vec<String>,
    /// TOML file of sizes and colours
    #[arg(long, value_name = "FILE")]
    pub(crate) theme: Option<PathBuf>,
}

#[derive(clap::Args)]
pub(crate) struct ReportArgs {
    /// The run folder
    pub(crate) folder: PathBuf,
    /// TOML file of sizes and colours of the figures
    #[arg(long, value_name = "FILE")]
    pub(crate) theme: Option<PathBuf>,
}

#[derive(clap::Args)]
pub(crate) struct ExportArgs {
    /// The run folder
    pub(crate) folder: PathBuf,
    /// Format
    #[arg(long, value_name = "FORMAT")]
    pub(crate) to: ExportTo,
    /// Where to [default: export/FORMAT in the run folder]
    #[arg(long, short, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportTo {
    /// Every table as it is
    Csv,
    /// A line a neuron with its windows of text, in the field names of Neuronpedia's exports
    Neuronpedia,
    /// A row a neuron, in the columns of Gurnee's neuron dataframes that a run has
    Gurnee,
}

#[derive(clap::Args)]
pub(crate) struct ServeArgs {
    /// The run folder
    pub(crate) folder: PathBuf,
    /// Port; 0: any that is free
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) port: u16,
}

#[derive(clap::Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    pub(crate) shell: Shell,
}

#[derive(clap::Args)]
pub(crate) struct ManArgs {
    /// Folder for homolog.1, homolog-run.1, ...; made if it is missing [default: homolog.1 to stdout]
    #[arg(long, short, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
}

/// Options of commands that run a whole study, in passes that are planned.
#[derive(clap::Args)]
pub(crate) struct PlanArgs {
    /// Memory to stay within, such as 8G or 500M; changes the number of passes over the tokens, never results [default: 70 % of what is
    /// free]
    #[arg(long, value_name = "SIZE", value_parser = memory::parse)]
    pub(crate) memory: Option<u64>,
    /// Print what the run would take, and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Stop before the first forward pass if the audit of checkpoints warns; see `homolog help audit`
    #[arg(long)]
    pub(crate) strict: bool,
    /// Tables only; `homolog report` makes figures, report and explorer of them later
    #[arg(long)]
    pub(crate) no_report: bool,
}

/// Options of every command that runs a study or a part of one.
#[derive(clap::Args)]
pub(crate) struct StudyArgs {
    /// The run folder [default: runs/NAME, by the study]
    #[arg(long, short, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
    /// Change a setting of the study file, such as universality.threshold=0.4 (repeatable)
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Rows of tokens in one forward pass; changes speed and memory, never results [default: 2 a thread, at least 8]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) batch_rows: Option<u32>,
    /// Let a key of config.json pass that is not known to leave the arithmetic alone (repeatable)
    #[arg(long, value_name = "NAME")]
    pub(crate) allow_config_key: Vec<String>,
}
