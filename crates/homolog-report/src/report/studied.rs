//! What a run was made from: models, tokens, options, versions.

use homolog_results::TokensInput;

use super::html::{escaped, joined, table};
use crate::Run;
use crate::numbers::{count, listed};
use crate::run::checkpoint_words;

/// The study in one sentence.
pub(super) fn sentence(run: &Run) -> String {
    let names: Vec<String> = run.model_names().to_vec();
    let shapes: Vec<String> = {
        let mut shapes: Vec<String> = (0..names.len())
            .map(|model| run.shape(model))
            .map(|shape| format!("{} layers of {} neurons", shape.n_layers, count(shape.d_mlp as u64)))
            .collect();
        shapes.dedup();
        shapes
    };
    let checkpoints = match run.checkpoints() {
        [None] => "one checkpoint each".to_owned(),
        [one] => format!("at {}", checkpoint_words(*one)),
        [first, .., last] => {
            format!(
                "at {} checkpoints from {} to {}",
                run.checkpoints().len(),
                checkpoint_words(*first),
                checkpoint_words(*last)
            )
        }
        [] => String::new(),
    };
    format!(
        "Which MLP neurons do {} independently trained models ({}) share? {}, {checkpoints}, compared on {} counted tokens.",
        names.len(),
        listed(&names),
        shapes.join("; "),
        count(run.manifest.n_tokens_counted)
    )
}

pub(super) fn html(run: &Run) -> String {
    let manifest = &run.manifest;
    let mut facts = vec![("Correlations over", rows(&manifest.inputs.tokens))];
    match &manifest.inputs.held_out_tokens {
        Some(held_out) => facts.push(("Losses over", rows(held_out))),
        None => facts.push(("Losses over", "the same rows".to_owned())),
    }
    if let Some(text) = &manifest.inputs.text {
        let files: Vec<String> =
            text.files.iter().map(|file| format!("{} ({})", file.path, short(&file.hash))).collect();
        facts.push((
            "Text",
            format!(
                "{} documents, {} of them held out, {} empty; {}",
                count(text.n_documents),
                count(text.n_held_out_documents),
                count(text.n_empty_documents),
                listed(&files)
            ),
        ));
    }
    facts.push((
        "Tokenizer",
        if manifest.tokenizer == "unproved" { "unproved".to_owned() } else { short(&manifest.tokenizer) },
    ));
    facts.push((
        "Precision",
        format!("{} (correlations), {} (losses)", manifest.precision, manifest.ablation_precision),
    ));
    let seeds: Vec<String> = manifest.seeds.iter().map(|(what, seed)| format!("{what} {seed}")).collect();
    facts.push(("Seeds", seeds.join(", ")));
    facts.push(("Instruction set", manifest.isa.clone()));
    facts.push(("homolog", format!("{}, commit {}", manifest.homolog_version, manifest.code_commit)));
    facts.push(("Study", manifest.study_key.clone()));
    let facts = joined(facts.iter().map(|(what, value)| format!("<dt>{what}</dt><dd>{}</dd>\n", escaped(value))));

    let weights: Vec<Vec<String>> = manifest
        .inputs
        .weights
        .iter()
        .map(|weights| {
            vec![
                weights.model.clone(),
                checkpoint_words(weights.checkpoint),
                weights.weights_hash.clone(),
                weights.config_file_hash.clone(),
            ]
        })
        .collect();
    let weights = table("Weights", &["model", "checkpoint", "BLAKE3 of weights", "BLAKE3 of config.json"], 4, &weights);
    format!(
        "<dl>\n{facts}</dl>\n{weights}<details>\n<summary>Every setting (study.resolved.toml)</summary>\n<pre>{}</pre>\n</details>\n",
        escaped(&run.settings.text)
    )
}

fn rows(tokens: &TokensInput) -> String {
    format!(
        "{} rows of {} tokens, {} of them counted; {}",
        count(tokens.n_rows),
        count(tokens.context),
        count(tokens.n_tokens_counted),
        short(&tokens.tokens_hash)
    )
}

/// Enough of a hash to tell it apart by eye; the manifest has all of it.
fn short(hash: &str) -> String {
    format!("BLAKE3 {}\u{2026}", hash.chars().take(16).collect::<String>())
}
