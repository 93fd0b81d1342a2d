//! Whether universal neurons stay universal.

use homolog_results::PersistenceRow;

use crate::Run;
use crate::numbers::{Spread, count, digits, listed, mean, percent};
use crate::run::checkpoint_words;

pub(super) fn sentences(run: &Run) -> Vec<String> {
    let mut sentences = Vec::new();
    let mut undefined = Vec::new();
    let steps = run.checkpoints();
    for pair in steps.windows(2).rev() {
        let rows: Vec<&PersistenceRow> = rows(run, pair[0], pair[1]).collect();
        match sentence(&rows, pair[0], pair[1]) {
            Some(sentence) => sentences.push(sentence),
            None if rows.is_empty() => {}
            None => undefined.push(checkpoint_words(pair[0])),
        }
    }
    if let [first, .., last] = steps
        && steps.len() > 2
    {
        sentences.extend(sentence(&rows(run, *first, *last).collect::<Vec<_>>(), *first, *last));
    }
    undefined.reverse();
    if !undefined.is_empty() {
        sentences
            .push(format!("No neuron is universal at {}, so persistence from there is undefined.", listed(&undefined)));
    }
    sentences.extend(stable(run));
    sentences
}

/// All layers together.
fn rows(run: &Run, from: Option<i64>, to: Option<i64>) -> impl Iterator<Item = &PersistenceRow> {
    run.persistence.iter().filter(move |row| {
        let is_pair = row.from_checkpoint == from && row.to_checkpoint == to;
        is_pair && row.layer.is_none() && row.threshold == run.threshold()
    })
}

fn sentence(rows: &[&PersistenceRow], from: Option<i64>, to: Option<i64>) -> Option<String> {
    let defined: Vec<(f64, f64)> =
        rows.iter().filter_map(|row| Some((row.persistence?, row.expected_by_chance / row.n_from as f64))).collect();
    let over = Spread::of(defined.iter().map(|pair| pair.0))?;
    let chance = Spread::of(defined.iter().map(|pair| pair.1))?;
    let n_from: u64 = rows.iter().map(|row| row.n_from).sum();
    let n_both: u64 = rows.iter().map(|row| row.n_both).sum();
    let (from, to) = (checkpoint_words(from), checkpoint_words(to));
    let without = match rows.len() - defined.len() {
        0 => String::new(),
        1 => format!("; one model has none at {from}"),
        n => format!("; {n} models have none at {from}"),
    };
    Some(format!(
        "Of the neurons universal at {from}, {} are universal at {to} too ({} of {}{without}); were the two sets independent within each \
         layer, {} would be.{}{}",
        over.percent(),
        count(n_both),
        count(n_from),
        percent(chance.mean),
        ceiling(rows).unwrap_or_default(),
        function(rows).unwrap_or_default()
    ))
}

/// What can be reached, as a sentence behind others.
fn ceiling(rows: &[&PersistenceRow]) -> Option<String> {
    let ceiling = Spread::of(rows.iter().filter_map(|row| row.ceiling))?;
    Some(format!(
        " Where nothing changes but the tokens (either half of them, at the same checkpoints), {} are found again.",
        ceiling.percent()
    ))
}

/// Whether the neurons do the same, as a sentence behind others.
fn function(rows: &[&PersistenceRow]) -> Option<String> {
    let of_universal = mean(rows.iter().filter_map(|row| row.mean_self_corr))?;
    let of_others = mean(rows.iter().filter_map(|row| row.mean_self_corr_others))?;
    let kept = mean(rows.iter().filter_map(|row| row.matches_kept));
    let kept = kept.map(|share| format!("; {} of their best matches are the same neuron at both", percent(share)));
    Some(format!(
        " Their activations at the one and the other correlate at {} (the other neurons' at {}; means of neurons and models){}.",
        digits(of_universal),
        digits(of_others),
        kept.unwrap_or_default()
    ))
}

/// Neurons universal at every checkpoint.
fn stable(run: &Run) -> Option<String> {
    let n_checkpoints = run.checkpoints().len();
    if n_checkpoints < 2 {
        return None;
    }
    let rows: Vec<_> = run
        .stability
        .iter()
        .filter(|row| row.layer.is_none() && row.threshold == run.threshold() && row.k as usize == n_checkpoints)
        .collect();
    if rows.is_empty() {
        return None;
    }
    let n: u64 = rows.iter().map(|row| row.n_universal_at_least_k).sum();
    Some(match n {
        0 => format!("No neuron is universal at all {n_checkpoints} checkpoints."),
        n => format!("{} neurons of all models are universal at all {n_checkpoints} checkpoints.", count(n)),
    })
}
