//! What a reader must keep in mind of this run: only what applies to it.

mod impact;

use homolog_results::notes;

use crate::Run;
use crate::evidence_words::{blocks, level};
use crate::null_words::null_words;
use crate::numbers::count;
use crate::rule_words::shorthand;
use crate::run::checkpoint_words;

/// With fewer blocks than this, neurons that are seldom active lack an interval or have one that is too narrow (docs/method.md).
const FEW_BLOCKS: u64 = 20;

/// Sentences, plain text.
pub(super) fn of(run: &Run) -> Vec<String> {
    let manifest = &run.manifest;
    let settings = &run.settings;
    let n_models = run.model_names().len();
    let mut caveats = Vec::new();
    if run.models.iter().any(|row| row.loss_tokens == "same") {
        caveats.push(
            "Losses and ablations, and what single neurons are worth, are measured on the same rows of text by which universal neurons were chosen: their \
             damage may be greater there than on other text."
                .to_owned(),
        );
    }
    if settings.baseline_draws == 1 {
        caveats.push(format!(
            "The baseline is from a single {}: how far another draw would lie from it was not measured.",
            null_words(run).draw
        ));
    }
    caveats.push(format!(
        "A neuron is called universal by a threshold ({}) on a quantity that has no gap there: look at the sweep of thresholds before \
         making much of one share.",
        shorthand(settings, settings.threshold)
    ));
    caveats.extend(of_intervals(run));
    caveats.extend(impact::of(run));
    if n_models < 10 {
        let others = n_models - 1;
        caveats.push(match others {
            1 => "There are two models: every excess is from one pair, and the two shares are not independent.".to_owned(),
            _ => format!(
                "There are {n_models} models: each neuron is held against {others} others, and shares of different models are not \
                 independent, since every pair enters twice."
            ),
        });
    }
    if !run.screening.is_empty() {
        caveats.push(
            "The search was screened: matches were sought among candidates from a sample of the tokens, and most baselines are the \
             sample's. Table screening has the audit."
                .to_owned(),
        );
    }
    let (precision, ablation_precision) = (&manifest.precision, &manifest.ablation_precision);
    if precision != "f32" {
        caveats.push(format!(
            "Activations and correlations were computed in {precision}, not f32: neurons close to the threshold may fall on its other side."
        ));
    }
    if ablation_precision != "f32" && !run.ablation.is_empty() {
        caveats.push(format!("Losses were computed in {ablation_precision}, not f32: small damages are less exact."));
    }
    if manifest.tokenizer == "unproved" {
        caveats.push(
            "It is unproved that the models share a tokenizer: their vocabularies have the same size, and not every folder has tokenizer \
             files."
                .to_owned(),
        );
    }
    let warnings = manifest.audit.iter().flat_map(|audit| &audit.warnings);
    caveats.extend(warnings.map(|warning| format!("The audit of checkpoints warns of {}.", warning.sentence())));
    let n_undefined: u64 = run.models.iter().map(|row| row.n_undefined).sum();
    if n_undefined > 0 {
        caveats.push(format!(
            "{} neurons, over all models and checkpoints, are constant on the counted tokens: their correlations are undefined, and they \
             count as not universal.",
            count(n_undefined)
        ));
    }
    if manifest.exclude_tokens.is_empty() {
        caveats.push(
            "Every position counts, beginnings of documents and newlines included: neurons that mark these correlate for that alone."
                .to_owned(),
        );
    }
    if !manifest.allowed_config_keys.is_empty() {
        caveats.push(format!(
            "Keys of config.json were let pass although they are not known: {}.",
            manifest.allowed_config_keys.join(", ")
        ));
    }
    caveats.push(format!(
        "All correlations are over {} tokens of one text; another text would have others.",
        count(manifest.n_tokens_counted)
    ));
    let is_told = |note: &&String| !is_said_above(note);
    caveats.extend(manifest.notes.iter().filter(is_told).map(|note| format!("The run notes: {note}.")));
    caveats
}

/// What intervals do not hold; nothing without them.
fn of_intervals(run: &Run) -> Vec<String> {
    let Some(blocks) = blocks(run) else { return Vec::new() };
    let mut caveats = vec![format!(
        "Intervals hold each neuron\u{2019}s match and baseline fixed: a match was chosen on the tokens that its interval is over, and lies too \
         high for that. They are over {} blocks of {} of one text, and say nothing of other models.",
        count(blocks.n),
        blocks.of
    )];
    if blocks.of == "rows" {
        caveats.push(
            "Intervals leave out rows, not documents, which are not known or too few: where a document spans blocks they are too narrow."
                .to_owned(),
        );
    }
    if blocks.n < FEW_BLOCKS {
        caveats.push(format!(
            "Intervals are over {} blocks only: neurons that are active in some of them have none, or one that is too narrow.",
            blocks.n
        ));
    }
    let step = run.checkpoints()[run.last_checkpoint()];
    let rows = run
        .emergence
        .iter()
        .filter(|row| row.checkpoint == step && row.layer.is_none() && row.threshold == run.threshold());
    let crossing: u64 = rows.filter_map(|row| Some(row.n_possibly?.saturating_sub(row.n_surely?))).sum();
    if crossing > 0 {
        caveats.push(format!(
            "The {} interval of {} neurons holds the threshold at {}: on another text they may fall on its other side, \
             and sets of universal neurons, their persistence and their ablation with them.",
            level(run),
            count(crossing),
            checkpoint_words(step)
        ));
    }
    caveats
}

/// Notes of the manifest that this page says already, here or among the findings.
fn is_said_above(note: &str) -> bool {
    [notes::SAME_ROWS, notes::UNPROVED_TOKENIZER, notes::EVERY_POSITION].contains(&note)
        || note.contains(notes::NONE_UNIVERSAL)
}

#[cfg(test)]
mod tests;
