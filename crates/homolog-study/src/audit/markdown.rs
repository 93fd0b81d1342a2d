//! An audit for people.

use homolog_results::Audit;

/// A table of the evidence, the warnings and the notes.
pub fn markdown(audit: &Audit) -> String {
    let mut lines = vec![
        "| model | checkpoint | tensors | values | digest | norm | from the step before | cosine to it | cosine to the nearest other model |"
            .to_owned(),
        "|---|---:|---:|---:|---|---:|---:|---:|---:|".into(),
    ];
    let number = |value: Option<f64>| value.map_or("-".into(), |value| format!("{value:.4}"));
    for of in &audit.checkpoints {
        let nearest = of.others.iter().filter_map(|other| other.same_step).reduce(f64::max);
        lines.push(format!(
            "| {} | {} | {} | {} | {} | {:.4} | {} | {} | {} |",
            of.model,
            of.checkpoint.map_or("-".into(), |step| step.to_string()),
            of.n_tensors,
            of.n_values,
            &of.digest[..12],
            of.norm,
            number(of.distance_before),
            number(of.cosine_before),
            number(nearest),
        ));
    }
    lines.push(String::new());
    lines.extend(audit.warnings.iter().map(|warning| format!("Warning: {}.", warning.sentence())));
    lines.extend(audit.notes.iter().map(|note| format!("Note: {note}.")));
    let (n, n_warnings) = (audit.checkpoints.len(), audit.warnings.len());
    lines.push(match n_warnings {
        0 => format!("{n} checkpoints, nothing that does not fit."),
        1 => format!("{n} checkpoints, 1 warning."),
        _ => format!("{n} checkpoints, {n_warnings} warnings."),
    });
    lines.join("\n") + "\n"
}
