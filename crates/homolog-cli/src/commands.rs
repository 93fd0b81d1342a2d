//! One function a command.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::CommandFactory;
use homolog_study::{
    AuditKind, Finding, ListRequest, Options, Outcome, PairRequest, StudyConfig, TokenizeRequest, ablate_list,
    audit_markdown, dry_run, shared_neurons,
};
use homolog_train::FamilyConfig;

use crate::args::{
    AblateArgs, Args, AuditArgs, CompareArgs, CompletionsArgs, FolderArgs, ManArgs, PlanArgs, RunArgs, StudyArgs,
    TokenizeArgs, TrainArgs,
};
use crate::reporter::Reporter;
use crate::{completions, manual, memory, show, version};

/// Rows of a forward pass for each thread, by default: enough for threads to even out.
const ROWS_PER_THREAD: usize = 2;

/// `homolog run`
pub(crate) fn run(args: &RunArgs, reporter: &Reporter) -> anyhow::Result<()> {
    let config = StudyConfig::read(&args.study, &args.options.set)?;
    let options = Options { strict: args.plan.strict, ..options(&args.options, args.plan.memory, &config) };
    if args.plan.dry_run {
        return print(&dry_run(&config, &options, reporter)?);
    }
    let (told, folder) = match homolog_study::run(&config, &options, reporter)? {
        Outcome::Done { summary, folder } => (summary, folder),
        Outcome::AlreadyDone { folder } => (already_done(&config, &folder), folder),
    };
    print(&told)?;
    shown(&folder, &args.plan, reporter)
}

/// Figures, report and explorer of a finished run, unless only tables were asked for.
fn shown(folder: &Path, plan: &PlanArgs, reporter: &Reporter) -> anyhow::Result<()> {
    if plan.no_report {
        return Ok(());
    }
    print(&show::report_unless_current(folder, reporter)?)
}

/// `homolog audit`
pub(crate) fn audit(args: &AuditArgs, reporter: &Reporter) -> anyhow::Result<()> {
    let config = StudyConfig::read(&args.study, &args.set)?;
    let allowed_config_keys = args.allow_config_key.iter().cloned().collect();
    let options = Options { allowed_config_keys, ..default_options(PathBuf::new()) };
    let audit = homolog_study::audit(&config, &options, reporter)?;
    if args.json {
        print(&(serde_json::to_string_pretty(&audit)? + "\n"))?;
    } else {
        print(&audit_markdown(&audit))?;
    }
    let count = |is: fn(AuditKind) -> bool| audit.warnings.iter().filter(|warning| is(warning.kind)).count();
    let (n_unreadable, n) = (count(|kind| kind == AuditKind::Unreadable), count(|_| true));
    if n_unreadable > 0 {
        anyhow::bail!(
            "a run would stop at {n_unreadable} checkpoints; correct them, or leave them out of checkpoints.steps"
        );
    }
    if args.strict && n > 0 {
        anyhow::bail!("{}; correct the checkpoints, or leave --strict out", counted(n, "warning"));
    }
    Ok(())
}

fn counted(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// `homolog compare`
pub(crate) fn compare(args: &CompareArgs, reporter: &Reporter) -> anyhow::Result<()> {
    let request = PairRequest {
        models: [args.a.clone(), args.b.clone()],
        corpus: args.corpus.clone(),
        tokenizer: args.tokenizer.clone(),
        context: args.context,
        tokens: args.tokens,
    };
    let allowed = args.options.allow_config_key.iter().cloned().collect();
    let config = StudyConfig::of_pair(&request, &allowed, &args.options.set)?;
    let options = Options { strict: args.plan.strict, ..options(&args.options, args.plan.memory, &config) };
    if args.plan.dry_run {
        return print(&dry_run(&config, &options, reporter)?);
    }
    let (told, folder) = match homolog_study::run(&config, &options, reporter)? {
        Outcome::Done { summary, folder } => (summary, folder),
        Outcome::AlreadyDone { folder } => (already_done(&config, &folder), folder),
    };
    print(&format!("{}\n{told}", shared_neurons(&folder, args.top)?))?;
    shown(&folder, &args.plan, reporter)
}

/// `homolog ablate`
pub(crate) fn ablate(args: &AblateArgs, reporter: &Reporter) -> anyhow::Result<()> {
    let config = StudyConfig::read(&args.study, &args.options.set)?;
    // Takes one model and a row a thread: nothing is planned.
    let options = options(&args.options, Some(u64::MAX), &config);
    let request = ListRequest { model: args.model.clone(), checkpoint: args.checkpoint, neurons: args.neurons.clone() };
    print(&ablate_list(&config, &request, &options, reporter)?)
}

/// `homolog train`
pub(crate) fn train(args: &TrainArgs, reporter: &Reporter) -> anyhow::Result<()> {
    let config = FamilyConfig::read(&args.family)?;
    let folder = args.output.clone().unwrap_or_else(|| PathBuf::from("families").join(&config.family.name));
    print(&match homolog_train::train(&config, &family_options(folder.clone()), reporter)? {
        homolog_train::Outcome::Done { held_out_loss_nats } => trained(&config, &folder, &held_out_loss_nats),
        homolog_train::Outcome::AlreadyDone => {
            format!("{} holds the finished family `{}`; nothing to do\n", folder.display(), config.family.name)
        }
    })
}

/// What to tell of a family: its losses, and what to do with it.
fn trained(config: &FamilyConfig, folder: &Path, held_out_loss_nats: &[(String, f64)]) -> String {
    let mut lines = vec!["| model | held-out loss, nats |".to_owned(), "|---|---:|".into()];
    lines.extend(held_out_loss_nats.iter().map(|(name, loss)| format!("| {name} | {loss:.4} |")));
    let steps = config.checkpoints().iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
    lines.push(format!("\nCheckpoints at steps {steps}."));
    // A study compares models.
    if config.models().len() > 1 {
        lines.push(format!("Their study on held-out text:\n  homolog run {}", folder.join("study.toml").display()));
    }
    lines.join("\n") + "\n"
}

pub(crate) fn family_options(output: PathBuf) -> homolog_train::Options {
    homolog_train::Options {
        output,
        round: std::time::Duration::from_secs(1),
        homolog_version: env!("CARGO_PKG_VERSION").into(),
        code_commit: version::COMMIT.into(),
    }
}

/// `homolog tokenize`
pub(crate) fn tokenize(args: &TokenizeArgs, reporter: &Reporter) -> anyhow::Result<()> {
    let request = TokenizeRequest {
        files: args.files.clone(),
        tokenizer: args.tokenizer.clone(),
        context: args.context,
        tokens: args.tokens,
        held_out_tokens: args.held_out_tokens,
        bos: !args.no_bos,
        text_field: args.text_field.clone(),
        output: args.output.clone(),
    };
    print(&homolog_study::tokenize(&request, reporter)?)
}

/// `homolog status`
pub(crate) fn status(args: &FolderArgs) -> anyhow::Result<()> {
    print(&homolog_study::status(&args.folder)?)
}

/// `homolog verify`
pub(crate) fn verify(args: &FolderArgs, reporter: &Reporter) -> anyhow::Result<()> {
    let verification = homolog_study::verify(&args.folder, reporter)?;
    let mut n_wrong = 0;
    for file in &verification.files {
        let path = file.path.display();
        match &file.finding {
            Finding::Same => continue,
            Finding::Differs => print(&format!("differs: {} {path}\n", file.what))?,
            Finding::Unreadable(why) => print(&format!("unreadable: {} {path}: {why}\n", file.what))?,
        }
        n_wrong += 1;
    }
    let n = verification.files.len();
    let study = &verification.study;
    if n_wrong > 0 {
        anyhow::bail!(
            "{n_wrong} of {n} files of study `{study}` are not what its manifest says; restore the inputs, or run the study again"
        );
    }
    let unfinished = if verification.is_finished { "" } else { " (unfinished: no tables yet)" };
    print(&format!("{n} files of study `{study}` are what its manifest says{unfinished}\n"))
}

/// `homolog completions`
pub(crate) fn completions(args: &CompletionsArgs) -> anyhow::Result<()> {
    print(&completions::script(args.shell))
}

/// `homolog man`
pub(crate) fn man(args: &ManArgs) -> anyhow::Result<()> {
    let pages = manual::pages(Args::command())?;
    let Some(folder) = &args.output else {
        return print(str::from_utf8(&pages[0].text)?);
    };
    let cannot_write = |path: &Path| format!("cannot write {}; choose a folder that is writable", path.display());
    fs::create_dir_all(folder).with_context(|| cannot_write(folder))?;
    for page in &pages {
        let path = folder.join(&page.file_name);
        fs::write(&path, &page.text).with_context(|| cannot_write(&path))?;
    }
    print(&format!("{} pages in {}\n", pages.len(), folder.display()))
}

fn already_done(config: &StudyConfig, folder: &Path) -> String {
    format!("{} holds the finished study `{}`; nothing to do\n", folder.display(), config.study.name)
}

/// Results go to stdout. Whoever reads them may stop reading (`homolog status DIR | head`): no failure.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

fn options(args: &StudyArgs, memory: Option<u64>, config: &StudyConfig) -> Options {
    let output = args.output.clone().unwrap_or_else(|| PathBuf::from("runs").join(&config.study.name));
    let defaults = default_options(output);
    Options {
        batch_rows: args.batch_rows.map_or(defaults.batch_rows, |rows| rows as usize),
        memory_bytes: memory.unwrap_or(defaults.memory_bytes),
        allowed_config_keys: args.allow_config_key.iter().cloned().collect(),
        ..defaults
    }
}

/// Options of a study of which nothing but the folder was said.
pub(crate) fn default_options(output: PathBuf) -> Options {
    let n_threads = rayon::current_num_threads();
    Options {
        output,
        batch_rows: (ROWS_PER_THREAD * n_threads).max(8),
        memory_bytes: memory::default_budget(),
        strict: false,
        allowed_config_keys: BTreeSet::new(),
        homolog_version: env!("CARGO_PKG_VERSION").into(),
        code_commit: version::COMMIT.into(),
    }
}
