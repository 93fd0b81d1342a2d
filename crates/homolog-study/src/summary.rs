//! The study in one table, and the remarks without which its numbers would mislead.

#[cfg(test)]
mod tests;

use std::path::Path;

use homolog_model::Isa;
use homolog_results::{NeuronRow, ScreeningRow, notes};

use crate::config::UniversalityRule;
use crate::inputs::Inputs;
use crate::tables::Tables;
use crate::{StudyConfig, arithmetic};

/// What is printed at the end of a run.
pub(crate) struct Summary {
    lines: Vec<String>,
    /// Precisions and instruction set.
    arithmetic: String,
    /// Sentences that also belong in the manifest.
    pub(crate) notes: Vec<String>,
}

impl Summary {
    /// From sorted tables.
    pub(crate) fn new(config: &StudyConfig, inputs: &Inputs, tables: &Tables) -> Self {
        let threshold = config.threshold();
        let mode = config.ablation.modes.first().map_or("zero", |mode| mode.name());
        let mut lines = vec![
            format!(
                "| checkpoint | model | loss, nats | universal ({}{}) | persist from previous | damage of universal ({mode}), nats | of as many random | ratio | equal damage at |",
                rule_words(config),
                if tables.emergence.iter().any(|row| row.n_surely.is_some()) { "; surely to possibly" } else { "" }
            ),
            "|---:|---|---:|---:|---:|---:|---:|---:|---:|".into(),
        ];
        for (step_idx, &step) in inputs.steps.iter().enumerate() {
            for name in &inputs.names {
                let model = tables.models.iter().find(|row| row.model == *name && row.checkpoint == step);
                let emergence = tables.emergence.iter().find(|row| {
                    row.model == *name && row.checkpoint == step && row.layer.is_none() && row.threshold == threshold
                });
                let persistence = tables.lasting.persistence.iter().find(|row| {
                    let is_step = row.to_checkpoint == step && row.is_consecutive && step_idx > 0;
                    row.model == *name && is_step && row.layer.is_none() && row.threshold == threshold
                });
                let damage = tables.damage.iter().find(|row| {
                    row.model == *name && row.checkpoint == step && row.mode == mode && row.control == "random"
                });
                let number =
                    |value: Option<f64>, digits: usize| value.map_or("-".into(), |value| format!("{value:.digits$}"));
                lines.push(format!(
                    "| {} | {name} | {} | {} | {} | {} | {} | {} | {} |",
                    step.map_or("-".into(), |step| step.to_string()),
                    number(model.map(|row| row.loss_nats), 4),
                    emergence.map_or("-".into(), |row| {
                        let sure = row
                            .n_surely
                            .zip(row.n_possibly)
                            .map(|(surely, possibly)| format!("; {surely} to {possibly}"));
                        format!("{} ({:.2} %{})", row.n_universal, 100.0 * row.share, sure.unwrap_or_default())
                    }),
                    persistence
                        .and_then(|row| row.persistence)
                        .map_or("-".into(), |share| format!("{:.1} %", 100.0 * share)),
                    number(damage.map(|damage| damage.universal_delta_nats), 5),
                    number(damage.and_then(|damage| damage.control_delta_nats), 5),
                    number(damage.and_then(|damage| damage.ratio), 2),
                    damage
                        .and_then(|damage| damage.equal_multiple)
                        .map_or("-".into(), |multiple| format!("{multiple:.1}x random")),
                ));
            }
        }
        let mut notes = Vec::new();
        if !inputs.is_held_out {
            notes.push(notes::SAME_ROWS.to_owned());
        }
        if inputs.tokenizer == "unproved" {
            notes.push(notes::UNPROVED_TOKENIZER.to_owned());
        }
        if inputs.exclude_tokens.is_empty() {
            notes.push(notes::EVERY_POSITION.to_owned());
        }
        if inputs.vocabulary.is_empty() && !tables.windows.is_empty() {
            notes.push(
                "no tokenizer files are beside the models, so there is no table `vocabulary`: of the windows of text only token \
                 ids are known"
                    .to_owned(),
            );
        }
        notes.extend(screened(&tables.screening));
        notes.extend(empty_checkpoints(config, inputs, &tables.neurons));
        Self { lines, arithmetic: arithmetic::sentence(config, Isa::current()), notes }
    }

    /// The table, the remarks, and where the files are.
    pub(crate) fn to_markdown(&self, folder: &Path) -> String {
        let notes = self.notes.iter().map(|note| format!("\nNote: {note}.")).collect::<Vec<_>>().concat();
        let lines = self.lines.join("\n");
        let folder = folder.display();
        let arithmetic = &self.arithmetic;
        format!(
            "{lines}\n\n{arithmetic}.\n{notes}\n\nTables: {folder}/tables  tensors: {folder}/tensors  manifest: {folder}/manifest.json\n"
        )
    }
}

/// `excess > 0.5`, `max_corr > 0.5 in 3 others`, `q <= 0.05`.
fn rule_words(config: &StudyConfig) -> String {
    let threshold = config.threshold();
    match config.universality.rule {
        UniversalityRule::Excess => format!("excess > {threshold}"),
        UniversalityRule::Count => format!("max_corr > {threshold} in {} others", config.count_models()),
        UniversalityRule::Fdr => format!("q <= {threshold}"),
    }
}

/// What a screened search has left to chance, in one sentence; none of an exact search.
fn screened(rows: &[ScreeningRow]) -> Option<String> {
    let sum = |of: fn(&ScreeningRow) -> u64| rows.iter().map(of).sum::<u64>();
    let share = 100.0 * sum(|row| row.n_screened) as f64 / sum(|row| row.n_neurons).max(1) as f64;
    let least = rows.iter().filter_map(|row| row.least_margin).reduce(f64::min);
    let sure = least.map(|least| format!(", each by {least:.1} standard errors or more")).unwrap_or_default();
    let difference = rows.iter().filter_map(|row| row.max_corr_difference).reduce(f64::max);
    let audit = match difference {
        Some(difference) => format!(
            "; of {} sure matches that were audited {} were the exact ones, with correlations at most {difference:.1e} off",
            sum(|row| row.n_audited_sure),
            sum(|row| row.n_same_match)
        ),
        None => "; no sure match was audited".to_owned(),
    };
    let biases: Vec<f64> = rows.iter().filter_map(|row| row.baseline_bias).collect();
    let bias = match biases.len() {
        0 => ", and how far sampled baselines are off is not known".to_owned(),
        n => format!(", and sampled baselines are {:+.4} off on average", biases.iter().sum::<f64>() / n as f64),
    };
    let sentence =
        format!("{share:.1} % of the matches were decided by screening{sure}{audit}{bias} (table screening)");
    (!rows.is_empty()).then_some(sentence)
}

/// A sentence for every checkpoint at which no neuron of any model is universal.
fn empty_checkpoints(config: &StudyConfig, inputs: &Inputs, neurons: &[NeuronRow]) -> Vec<String> {
    let threshold = config.threshold();
    let mut notes = Vec::new();
    for &step in &inputs.steps {
        let of_step = || neurons.iter().filter(|row| row.checkpoint == step);
        if of_step().any(|row| row.is_universal) {
            continue;
        }
        let at = step.map(|step| format!("at checkpoint {step} ")).unwrap_or_default();
        if config.universality.rule != UniversalityRule::Excess {
            notes.push(format!(
                "{at}{} {threshold} of the study's rule, {}",
                notes::NONE_UNIVERSAL,
                rule_words(config)
            ));
            continue;
        }
        let highest = of_step().filter_map(|row| Some((row.excess_corr?, row))).max_by(|a, b| a.0.total_cmp(&b.0));
        notes.push(match highest {
            Some((excess, row)) => format!(
                "{at}{} {threshold}: the highest excess correlation is {excess:.4} \
                 (model {}, neuron {}.{}), so a threshold below it, such as {}, would give members",
                notes::NONE_UNIVERSAL,
                row.model,
                row.layer,
                row.neuron,
                below(excess),
            ),
            None => format!("{at}no excess correlation is defined: every neuron is constant over the counted tokens"),
        });
    }
    notes
}

/// The excess rounded down to two digits after the point: a threshold that its neuron passes.
fn below(excess: f64) -> f64 {
    let rounded = (excess * 100.0).floor() / 100.0;
    if rounded < excess { rounded } else { rounded - 0.01 }
}
