//! What a demo shows, in words around its numbers: no word stands that the numbers could contradict.

#[cfg(test)]
mod tests;

use std::path::Path;

use homolog_study::{Course, CourseCheckpoint};

use super::text::TextSource;
use crate::args::DemoArgs;

/// Markdown for the end of the demo.
pub(super) fn told(course: &Course, source: &TextSource, args: &DemoArgs, run_folder: &Path) -> String {
    let text = match source {
        TextSource::Files(_) => "your text",
        TextSource::Speeches(_) => "the State of the Union speeches",
        TextSource::Language(_) => "Homolog's generated language, which is no natural text",
    };
    let mut lines = vec![
        String::new(),
        format!(
            "# {} small GPT-2s, {} steps on {text}, compared on documents that they have not seen",
            args.models, args.steps
        ),
        String::new(),
        course.to_markdown(),
    ];
    lines.extend(findings(course).into_iter().map(|finding| format!("- {finding}")));
    let (run_folder, folder) = (run_folder.display(), args.output.display());
    lines.extend([
        String::new(),
        format!("Tables: {run_folder}/tables    every neuron: neurons.parquet    every setting: {run_folder}/study.resolved.toml"),
        format!("Models: {folder}/family/seed-*/checkpoint-*    losses: {folder}/family/seed-*/log.jsonl"),
        format!("Go on:  homolog run {folder}/study.toml --output {run_folder} --set universality.threshold=0.3"),
    ]);
    lines.join("\n") + "\n"
}

fn findings(course: &Course) -> Vec<String> {
    let rows = &course.checkpoints;
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Vec::new() };
    let step = |row: &CourseCheckpoint| row.step.map_or("-".into(), |step| step.to_string());
    let mut found = Vec::new();
    let highest = rows
        .iter()
        .filter(|row| row.max_corr.is_some())
        .max_by(|a, b| a.max_corr.unwrap_or_default().total_cmp(&b.max_corr.unwrap_or_default()));
    if let Some(highest) = highest
        && let (Some(max_corr), Some(excess)) = (highest.max_corr, highest.excess_corr)
    {
        let misleads = last.excess_corr.is_some_and(|at_end| at_end > excess);
        found.push(format!(
            "The raw correlation of the best match is highest at step {} ({max_corr:.3}), where its excess over the random baseline is \
             {excess:.3}{}.",
            step(highest),
            if misleads { ", less than at the end: without the baseline it would mislead" } else { "" }
        ));
    }
    if let (Some(from), Some(to), Some((low, high))) = (first.excess_corr, last.excess_corr, last.share) {
        found.push(format!(
            "Emergence: the mean excess goes from {from:.3} at step {} to {to:.3} at step {}; {} neurons pass {} there, by model {:.1} to \
             {:.1} % of all.",
            step(first),
            step(last),
            last.n_universal,
            course.threshold,
            100.0 * low,
            100.0 * high
        ));
    }
    if let Some((share, by_chance)) = last.persistence {
        found.push(format!(
            "Persistence: of the neurons universal at the checkpoint before the last, {:.1} % still are at the last; by chance it would be \
             {:.1} %.",
            100.0 * share,
            100.0 * by_chance
        ));
    }
    if let Some([Some(universal), random, same_layers]) = last.damage_nats {
        let against = |damage: Option<f64>| match damage {
            Some(damage) if damage > 0.0 => {
                format!("{damage:.4} nats ({:.2} times as much by the universal ones)", universal / damage)
            }
            Some(damage) => format!("{damage:.4} nats"),
            None => "no figure, there being too few other neurons".into(),
        };
        found.push(format!(
            "Impact: without the universal neurons the loss rises by {universal:.4} nats; without as many random ones by {}, of the same \
             layers by {}.",
            against(random),
            against(same_layers)
        ));
    }
    found
}
