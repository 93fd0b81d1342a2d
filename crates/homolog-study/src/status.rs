//! How far a run has come, told from its folder.

use std::path::Path;

use homolog_results::{FolderLock, Manifest};

use crate::Error;

/// The state of a run folder as Markdown.
///
/// Errors: no manifest, or one that cannot be read.
pub fn status(run_dir: &Path) -> Result<String, Error> {
    let manifest = Manifest::read(run_dir)?.ok_or_else(|| Error::NotARun { path: run_dir.to_path_buf() })?;
    let state = if FolderLock::is_held(run_dir) {
        "being run"
    } else if manifest.is_finished {
        "finished"
    } else {
        "unfinished; `homolog run` with the same study file goes on"
    };
    let inputs = &manifest.inputs;
    let mut models: Vec<&str> = inputs.weights.iter().map(|weights| weights.model.as_str()).collect();
    let mut checkpoints: Vec<_> = inputs.weights.iter().filter_map(|weights| weights.checkpoint).collect();
    models.sort_unstable();
    models.dedup();
    checkpoints.sort_unstable();
    checkpoints.dedup();
    let steps: Vec<String> = checkpoints.iter().map(ToString::to_string).collect();
    let mut lines = vec![
        format!("{}: study `{}`, {state}", run_dir.display(), manifest.study),
        format!("models: {}", models.join(", ")),
        format!("checkpoints: {}", if steps.is_empty() { "none named".into() } else { steps.join(", ") }),
        format!(
            "tokens: {} rows of {}, {} counted; precision of correlations {}, of losses {}; {}, {} threads, homolog {} ({})",
            inputs.tokens.n_rows,
            inputs.tokens.context,
            manifest.n_tokens_counted,
            manifest.precision,
            manifest.ablation_precision,
            manifest.isa,
            manifest.n_threads,
            manifest.homolog_version,
            manifest.code_commit
        ),
        String::new(),
        "| done | of | seconds |".into(),
        "|---|---|---:|".into(),
    ];
    let stages = manifest.stages.iter();
    lines.extend(stages.map(|stage| format!("| {} | {} | {:.1} |", stage.stage, stage.unit, stage.wall_seconds)));
    if !manifest.tables.is_empty() {
        lines.extend([String::new(), "| table | rows | bytes |".into(), "|---|---:|---:|".into()]);
        let tables = manifest.tables.iter();
        lines.extend(tables.map(|table| format!("| {} | {} | {} |", table.path, table.n_rows, table.n_bytes)));
    }
    lines.extend(manifest.notes.iter().map(|note| format!("\nNote: {note}.")));
    Ok(lines.join("\n") + "\n")
}
