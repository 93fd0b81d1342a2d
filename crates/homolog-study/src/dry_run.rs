//! What a study would take, before it is run: passes, operations, memory, files, time.

mod rates;

use homolog_model::{Isa, Precision, Tokens};

use crate::arithmetic;
use crate::config::{CorrelationSection, Search};
use crate::inputs::{Models, open_checkpoints};
use crate::plan::cost::{self, operations_text};
use crate::plan::footprint::window_files_bytes;
use crate::plan::{self, Shape, bytes_text};
use crate::stages::correlate::{all_pairs, footprint, narrowing_rows, sample_rows, shape};
use crate::stages::tokenize;
use crate::{Error, Options, Progress, StudyConfig};
use rates::Rates;

/// Bytes of English text a token, where text is not tokenised yet.
const BYTES_PER_TOKEN: u64 = 4;
/// Share of the matches, in percent, that a screened search is taken to leave in doubt: it is not known before.
const EXACT_PERCENT: f64 = 5.0;

/// Rows of tokens that a study has, or is expected to have.
struct RowCounts {
    correlation: usize,
    loss: usize,
    /// How they are known.
    remark: String,
}

/// The plan as Markdown. Nothing is written; checkpoints are opened and checked, kernels timed for seconds.
pub fn dry_run(config: &StudyConfig, options: &Options, progress: &dyn Progress) -> Result<String, Error> {
    let checkpoints = open_checkpoints(config, options, progress)?;
    Models::check(config, &checkpoints)?;
    let counts = RowCounts::of(config, checkpoints[0][0].config.d_vocab)?;
    let shapes: Vec<Shape> = checkpoints[0].iter().map(|checkpoint| shape(checkpoint, config)).collect();
    let context = config.corpus.context;
    let n_checkpoints = checkpoints.len();
    let n_rows = counts.correlation + counts.loss;
    let n_tokens = (counts.correlation * context) as f64;
    let screening = Screened::of(config, counts.correlation);
    let n_whole = screening.as_ref().map_or(n_tokens, |screening| screening.n_sample);
    let is_halved = config.evidence.is_cross_fitted() && screening.is_none();
    let tiles = plan::tiles(&shapes, &config.baseline, is_halved);
    let largest = plan::largest_tile(&tiles, &shapes, config.correlation.search, config.evidence.is_cross_fitted());
    let taken =
        |correlation: &CorrelationSection| footprint(config, correlation, &shapes, (n_rows, n_checkpoints), options);
    let later = taken(&config.correlation);
    later.room(options.memory_bytes, largest)?;
    let top_k = screening.as_ref().map_or(config.correlation.top_k, |_| config.correlation.screening.candidates);
    let footprint = taken(&all_pairs(&config.correlation, top_k));
    let passes = plan::passes(&tiles, &shapes, footprint.room(options.memory_bytes, largest)?);
    let covariances = plan::largest_pass(&passes, &shapes);

    let correlation = cost::correlation(&passes, &shapes, &config.baseline, (n_whole, n_whole), context);
    let n_loss_tokens = (counts.loss * context) as f64;
    let evaluation: f64 = shapes.iter().map(|shape| n_loss_tokens * cost::loss(shape, context)).sum();
    let n_ablation_tokens = match config.ablation.tokens {
        0 => n_loss_tokens,
        tokens => n_loss_tokens.min((tokens / context * context) as f64),
    };
    let ablations: Vec<(usize, f64)> =
        shapes.iter().map(|shape| cost::ablation(&config.ablation, &config.attribution, shape, context)).collect();
    let n_sets: usize = ablations.iter().map(|ablation| ablation.0).sum();
    let ablation: f64 = ablations.iter().map(|ablation| n_ablation_tokens * ablation.1).sum();
    let ways_back = shapes.iter().map(|shape| cost::attribution(&config.attribution, shape, context));
    let attribution = n_ablation_tokens * ways_back.sum::<f64>();

    // Where windows are kept: once over all rows, and where matches are looked at over the rows of the windows, all of them at most.
    let window_passes = 1 + usize::from(config.windows.partner_windows > 0);
    let window_steps = (0..n_checkpoints).filter(|&step_idx| config.windows.is_at(step_idx, n_checkpoints)).count();
    let window_forwards = window_passes * window_steps;
    let one_pass: f64 = shapes.iter().map(|shape| n_tokens * cost::forward(shape, context)).sum();
    let windows = window_forwards as f64 * one_pass;

    let rates = Rates::measure(&checkpoints[0][0], config, options, progress)?;
    let times = n_checkpoints as f64;
    let correlate_seconds = correlation.forward / rates.forward
        + correlation.products / rates.products
        + correlation.rotations / rates.rotations;
    let screened = screening.as_ref().map(|screening| {
        let lengths = (n_tokens, screening.n_narrowing);
        cost::screened(&shapes, &config.correlation, &config.baseline, lengths, context)
    });
    let screened_seconds = screened.as_ref().map_or([0.0; 2], |cost| {
        let decide = cost.forward / rates.forward
            + cost.products / rates.products
            + cost.pairs / rates.pairs
            + cost.rotations / rates.rotations;
        [decide, cost.forward_again / rates.forward + EXACT_PERCENT * cost.exact_percent / rates.products]
    });
    let seconds =
        [correlate_seconds, evaluation / rates.loss, ablation / rates.loss, screened_seconds[0], screened_seconds[1]];
    let seconds = seconds.map(|each| each * times);
    let [correlate_time, evaluate_time, ablate_time, decide_time, exact_time] = seconds.map(time_text);
    let window_seconds = windows / rates.forward;
    let search = config.correlation.search;
    let evidence = cost::evidence(&shapes, (&config.evidence, search), n_tokens, context);
    let interval_seconds = times * (evidence.forward / rates.forward + evidence.pairs / rates.pairs);
    let shared_seconds = times * evidence.grouped / rates.grouped;
    let matching = cost::matching(&shapes);
    let matching_seconds = times * matching / rates.matching;
    let evidence_seconds = interval_seconds + shared_seconds + matching_seconds;
    let n_spans = 2 * n_checkpoints.saturating_sub(1) - usize::from(n_checkpoints > 1);
    let n_followed = (config.persistence.rows(context, counts.correlation) * context) as f64;
    let follow = cost::follow(&shapes, (n_checkpoints, n_spans), n_followed, context);
    let is_followed = config.persistence.follows(n_checkpoints);
    let attribution_seconds = times * attribution / rates.loss;
    let follow_seconds = if is_followed { follow.0 / rates.forward + follow.1 / rates.pairs } else { 0.0 };
    let permuted = cost::permuted(&shapes, config.nulls.permuted_rows, n_tokens, context);
    let permuted_seconds = times * (permuted.0 / rates.forward + permuted.1 / rates.products);
    let weight_bytes: u64 =
        checkpoints.iter().flatten().map(|checkpoint| checkpoint.loaded_bytes(Precision::F32)).sum();
    let weight_reads = |loads: usize| loads as u64 * weight_bytes;
    // Checkpoints are about alike.
    let window_reads = window_forwards as u64 * weight_bytes / n_checkpoints as u64;
    let window_writes = window_steps as u64 * window_files_bytes(&config.windows, &shapes, context);
    let of_evidence = usize::from(config.evidence.enabled) + usize::from(config.nulls.permuted_rows > 0);
    let loads = 2
        + 1
        + usize::from(is_followed)
        + usize::from(screened.is_some())
        + usize::from(config.ablation.enabled)
        + of_evidence;
    let mut lines = vec![
        format!(
            "Study `{}`: {} models, {n_checkpoints} {}; {} rows of {context} for correlations, {} for losses{}",
            config.study.name,
            shapes.len(),
            if n_checkpoints == 1 { "checkpoint" } else { "checkpoints" },
            counts.correlation,
            counts.loss,
            counts.remark
        ),
        String::new(),
        "| stage | work of all checkpoints | passes over the tokens | time, about |".into(),
        "|---|---|---:|---:|".into(),
        format!(
            "| {} | {} forward, {} products, {} rotations | {} a checkpoint | {correlate_time} |",
            if screened.is_some() { "screen: all pairs on the sample" } else { "correlate" },
            operations_text(times * correlation.forward),
            operations_text(times * correlation.products),
            operations_text(times * correlation.rotations),
            passes.len()
        ),
    ];
    if let Some(cost) = &screened {
        lines.push(format!(
            "| correlate: candidates | {} forward, {} products, {} rotations, {} single pairs | 1 a checkpoint, more if memory is short | {decide_time} |",
            operations_text(times * cost.forward),
            operations_text(times * cost.products),
            operations_text(times * cost.rotations),
            operations_text(times * cost.pairs),
        ));
        lines.push(format!(
            "| correlate: what stays in doubt | {} forward, and {} products for each percent of the matches; {EXACT_PERCENT} % are assumed | 1 or 2 a checkpoint | {exact_time} |",
            operations_text(times * cost.forward_again),
            operations_text(times * cost.exact_percent),
        ));
    }
    lines.push(format!("| evaluate | {} | 1 a model | {evaluate_time} |", operations_text(times * evaluation)));
    if config.ablation.enabled {
        lines.push(format!(
            "| ablate | up to {} for {} sets; empty sets cost nothing, multiples beyond the last come on top | 1 a model | {ablate_time} |",
            operations_text(times * ablation),
            n_sets * n_checkpoints
        ));
    }
    if config.attribution.enabled {
        lines.push(format!(
            "| attribute | {} forth and back | 1 a model | {} |",
            operations_text(times * attribution),
            time_text(attribution_seconds)
        ));
    }
    lines.push(format!("| one-to-one matching | {:.1e} steps | | {} |", times * matching, time_text(matching_seconds)));
    if config.evidence.enabled {
        lines.push(format!(
            "| evidence: intervals | {} forward, {} single pairs | 1 a checkpoint, more if memory is short | {} |",
            operations_text(times * evidence.forward),
            operations_text(times * evidence.pairs),
            time_text(interval_seconds)
        ));
    }
    if evidence.grouped > 0.0 {
        lines.push(format!(
            "| evidence: what is shared | {:.1e} activations by token and position | in the same | {} |",
            times * evidence.grouped,
            time_text(shared_seconds)
        ));
    }
    if config.nulls.permuted_rows > 0 {
        lines.push(format!(
            "| permuted rows | {} forward, {} products | {} a checkpoint, more if memory is short | {} |",
            operations_text(times * permuted.0),
            operations_text(times * permuted.1),
            config.nulls.permuted_rows,
            time_text(permuted_seconds)
        ));
    }
    if window_steps > 0 {
        lines.push(format!(
            "| windows | {} forward at {window_steps} of {n_checkpoints} checkpoints | {window_passes} a model, the second over what it needs | up to {} |",
            operations_text(windows),
            time_text(window_seconds)
        ));
    }
    if is_followed {
        lines.push(format!(
            "| follow neurons | {} forward, {} single pairs | 1 a model over {n_followed} positions, more if memory is short | {} |",
            operations_text(follow.0),
            operations_text(follow.1),
            time_text(follow_seconds)
        ));
    }
    lines.extend([
        format!("| all | | | {} |", time_text(seconds.iter().sum::<f64>() + evidence_seconds + permuted_seconds + window_seconds + follow_seconds + attribution_seconds)),
        String::new(),
        format!(
            "Memory, at most: {} of {}: weights {}, activations {}, covariances {}, what is kept of neurons {}, tables {}, the rest {}; evidence {} at another time",
            bytes_text((footprint.total() + covariances).max(later.total() + largest)),
            bytes_text(options.memory_bytes),
            bytes_text(footprint.weights),
            bytes_text(footprint.activations.max(footprint.rotations)),
            bytes_text(covariances),
            bytes_text(footprint.kept),
            bytes_text(footprint.results),
            bytes_text(footprint.rest),
            bytes_text(footprint.evidence),
        ),
        format!(
            "Files: reads about {} of weights, writes about {} to {}",
            bytes_text(weight_reads(loads) + window_reads),
            bytes_text(2 * footprint.results + window_writes),
            options.output.display()
        ),
        format!(
            "Rates measured here, GFLOP/s: forward {:.0}, products {:.0} (both {}), losses {:.0} ({}), rotations {:.0}, single pairs {:.1}; {} threads of {}",
            rates.forward / 1e9,
            rates.products / 1e9,
            config.correlation.precision,
            rates.loss / 1e9,
            config.ablation.precision,
            rates.rotations / 1e9,
            rates.pairs / 1e9,
            rayon::current_num_threads(),
            Isa::current(),
        ),
    ]);
    lines.extend(arithmetic::advice(config, Isa::current()).map(|advice| format!("Note: {advice}.")));
    lines.extend(finished(config, options)?);
    Ok(lines.join("\n") + "\n")
}

/// Positions of a screened search.
struct Screened {
    n_sample: f64,
    /// None where all tokens are hardly more.
    n_narrowing: Option<f64>,
}

impl Screened {
    /// None of an exact search, and where the sample is everything.
    fn of(config: &StudyConfig, n_rows: usize) -> Option<Self> {
        let screening = &config.correlation.screening;
        let context = config.corpus.context;
        let is_screened = config.correlation.search == Search::Screened;
        let n_sample = sample_rows(screening, context, n_rows).filter(|_| is_screened)?;
        let n_narrowing = narrowing_rows(screening, context, n_rows).map(|n_rows| (n_rows * context) as f64);
        Some(Self { n_sample: (n_sample * context) as f64, n_narrowing })
    }
}

/// What the run folder already holds.
fn finished(config: &StudyConfig, options: &Options) -> Result<Option<String>, Error> {
    let Some(manifest) = homolog_results::Manifest::read(&options.output)? else { return Ok(None) };
    let n_done = manifest.stages.len();
    let state = if manifest.is_finished { "finished" } else { "unfinished" };
    let whose = if manifest.study == config.study.name { "" } else { ", another study: choose another --output" };
    Ok(Some(format!(
        "{} holds a run of `{}`, {state}, {n_done} pieces of work done{whose}; what still holds is not done again",
        options.output.display(),
        manifest.study
    )))
}

impl RowCounts {
    fn of(config: &StudyConfig, d_vocab: usize) -> Result<Self, Error> {
        let context = config.corpus.context;
        let n_rows = |file: &std::path::PathBuf| {
            let tokens = Tokens::read(&config.locate(file), context)?;
            tokens.check_vocabulary(d_vocab)?;
            Ok::<_, Error>(tokens.n_rows())
        };
        if let Some(file) = &config.corpus.token_file {
            let correlation = n_rows(file)?;
            return Ok(match &config.corpus.held_out_token_file {
                Some(file) => {
                    let loss = n_rows(file)?;
                    Self { correlation, loss, remark: String::new() }
                }
                None => Self { correlation, loss: correlation, remark: " (the same rows)".into() },
            });
        }
        let files = homolog_corpus::find_files(&config.locate("".as_ref()), &config.corpus.files)?;
        // The tokenizer is opened so that what is wrong with it is known now.
        homolog_corpus::Tokenizer::open(&tokenize::tokenizer_path(config))?;
        let bytes: u64 = files.iter().filter_map(|file| std::fs::metadata(file).ok()).map(|file| file.len()).sum();
        let guess = (bytes / BYTES_PER_TOKEN) as usize;
        let rows = |tokens: Option<u64>, otherwise: usize| tokens.map_or(otherwise, |tokens| tokens as usize) / context;
        let correlation = rows(config.corpus.tokens, guess).max(1);
        let held_out = rows(config.corpus.held_out_tokens, correlation * context / 20);
        let loss = if held_out == 0 { correlation } else { held_out };
        let remark = match config.corpus.tokens {
            Some(_) => format!(", from {} of text", bytes_text(bytes)),
            None => format!(
                " (a guess: {} of text, not tokenised yet, at {BYTES_PER_TOKEN} bytes a token; compressed text gives more)",
                bytes_text(bytes)
            ),
        };
        Ok(Self { correlation, loss, remark })
    }
}

/// `40 s`, `12 min`, `3.2 h`, `4.1 days`.
fn time_text(seconds: f64) -> String {
    match seconds {
        172_800.0.. => format!("{:.1} days", seconds / 86_400.0),
        7_200.0.. => format!("{:.1} h", seconds / 3_600.0),
        120.0.. => format!("{:.0} min", seconds / 60.0),
        _ => format!("{seconds:.0} s"),
    }
}
