//! One function a command.

use std::path::{Path, PathBuf};

use homolog_study::{
    Finding, ListRequest, Options, Outcome, PairRequest, StudyConfig, TokenizeRequest, ablate_list, dry_run,
    shared_neurons,
};

use crate::args::{AblateArgs, CompareArgs, FolderArgs, RunArgs, StudyArgs, TokenizeArgs};
use crate::memory;
use crate::reporter::Reporter;

/// Rows of a forward pass for each thread, by default: enough for threads to even out.
const ROWS_PER_THREAD: usize = 2;

/// `homolog run`
pub(crate) fn run(args: &RunArgs, reporter: &Reporter) -> anyhow::Result<()> {
    let config = StudyConfig::read(&args.study, &args.options.set)?;
    let options = options(&args.options, &config);
    if args.dry_run {
        print!("{}", dry_run(&config, &options, reporter)?);
        return Ok(());
    }
    reporter.log_below(&options.output);
    match homolog_study::run(&config, &options, reporter)? {
        Outcome::Done { summary, .. } => println!("{summary}"),
        Outcome::AlreadyDone { folder } => already_done(&config, &folder),
    }
    Ok(())
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
    let options = options(&args.options, &config);
    if args.dry_run {
        print!("{}", dry_run(&config, &options, reporter)?);
        return Ok(());
    }
    reporter.log_below(&options.output);
    match homolog_study::run(&config, &options, reporter)? {
        Outcome::Done { summary, folder } => println!("{}\n{summary}", shared_neurons(&folder, args.top)?),
        Outcome::AlreadyDone { folder } => {
            println!("{}", shared_neurons(&folder, args.top)?);
            already_done(&config, &folder);
        }
    }
    Ok(())
}

/// `homolog ablate`
pub(crate) fn ablate(args: &AblateArgs, reporter: &Reporter) -> anyhow::Result<()> {
    let config = StudyConfig::read(&args.study, &args.options.set)?;
    let options = options(&args.options, &config);
    let request = ListRequest { model: args.model.clone(), checkpoint: args.checkpoint, neurons: args.neurons.clone() };
    println!("{}", ablate_list(&config, &request, &options, reporter)?);
    Ok(())
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
    print!("{}", homolog_study::tokenize(&request, reporter)?);
    Ok(())
}

/// `homolog status`
pub(crate) fn status(args: &FolderArgs) -> anyhow::Result<()> {
    print!("{}", homolog_study::status(&args.folder)?);
    Ok(())
}

/// `homolog verify`
pub(crate) fn verify(args: &FolderArgs, reporter: &Reporter) -> anyhow::Result<()> {
    let verification = homolog_study::verify(&args.folder, reporter)?;
    let mut n_wrong = 0;
    for file in &verification.files {
        let path = file.path.display();
        match &file.finding {
            Finding::Same => continue,
            Finding::Differs => println!("differs: {} {path}", file.what),
            Finding::Unreadable(why) => println!("unreadable: {} {path}: {why}", file.what),
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
    println!("{n} files of study `{study}` are what its manifest says{unfinished}");
    Ok(())
}

fn already_done(config: &StudyConfig, folder: &Path) {
    println!("{} holds the finished study `{}`; nothing to do", folder.display(), config.study.name);
}

fn options(args: &StudyArgs, config: &StudyConfig) -> Options {
    let n_threads = rayon::current_num_threads();
    Options {
        output: args.output.clone().unwrap_or_else(|| PathBuf::from("runs").join(&config.study.name)),
        batch_rows: args.batch_rows.map_or((ROWS_PER_THREAD * n_threads).max(8), |rows| rows as usize),
        memory_bytes: args.memory.unwrap_or_else(memory::default_budget),
        allowed_config_keys: args.allow_config_key.iter().cloned().collect(),
        homolog_version: env!("CARGO_PKG_VERSION").into(),
        code_commit: env!("HOMOLOG_COMMIT").into(),
    }
}
