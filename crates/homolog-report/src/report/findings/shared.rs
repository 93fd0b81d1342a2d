//! What matches share, and which neurons agree all round.

use std::collections::BTreeSet;

use homolog_results::CliqueRow;

use super::at;
use crate::Run;
use crate::figures::is_defined_without;
use crate::numbers::{count, mean, percent};
use crate::run::Matches;

pub(super) fn sentences(run: &Run) -> Vec<String> {
    [without(run), variance(run), full_sets(run), partial_sets(run)].into_iter().flatten().collect()
}

/// Mean correlations of matches as they are and with something taken out, of all neurons and of universal ones.
fn without(run: &Run) -> Option<String> {
    let last = run.last_checkpoint();
    let row = run.models.iter().find(|row| row.checkpoint == run.checkpoints()[last])?;
    let (n_tokens, share) = (row.n_frequent_tokens?, row.frequent_token_share?);
    let over = |is_universal_only: bool, of: fn(&Matches) -> &Vec<f32>| {
        mean((0..run.model_names().len()).flat_map(|model| {
            let is_universal = &run.neurons(model, last).is_universal;
            let pairs = run.others(model).map(move |other| run.matches(model, other, last));
            pairs.flat_map(move |matches| {
                let places = (0..matches.max_corr.len()).filter(|&place| is_defined_without(matches, place));
                let places = places.filter(move |&place| !is_universal_only || is_universal[place]);
                places.map(move |place| f64::from(of(matches)[place]))
            })
        }))
    };
    let four = |is_universal_only: bool| {
        let mean = |of| over(is_universal_only, of).map(|corr| format!("{corr:.3}"));
        Some([
            mean(|matches| &matches.max_corr)?,
            mean(|matches| &matches.corr_without_token)?,
            mean(|matches| &matches.corr_without_position)?,
            mean(|matches| &matches.corr_without_both)?,
        ])
    };
    let [corr, token, position, both] = four(false)?;
    let universal = four(true).map(|[corr, token, position, both]| {
        format!(" Of universal neurons: {corr}, then {token}, {position} and {both}.")
    });
    Some(format!(
        "{}, best matches correlate {corr} in the mean over all neurons and pairs of models; {token} without each neuron\u{2019}s mean for each of \
         the {} most frequent tokens (at {} of positions), {position} without its mean at each position of a row, and {both} without \
         both.{}",
        at(run, last),
        count(n_tokens),
        percent(share),
        universal.unwrap_or_default()
    ))
}

/// How much of an activation follows from the token alone.
fn variance(run: &Run) -> Option<String> {
    let last = run.last_checkpoint();
    let over = |is_universal_only: bool| {
        mean((0..run.model_names().len()).flat_map(|model| {
            let neurons = run.neurons(model, last);
            let places = (0..neurons.token_share.len()).filter(|&place| !neurons.token_share[place].is_nan());
            let places = places.filter(|&place| !is_universal_only || neurons.is_universal[place]);
            places.map(|place| f64::from(neurons.token_share[place]))
        }))
    };
    let all = percent(over(false)?);
    let universal = over(true).map(|share| format!(", {} of universal ones", percent(share))).unwrap_or_default();
    Some(format!(
        "{}, its means for frequent tokens explain {all} of the variance of a neuron\u{2019}s activation (mean over all neurons){universal}.",
        at(run, last)
    ))
}

/// Sets of one neuron of every model.
fn full_sets(run: &Run) -> Option<String> {
    let last = run.last_checkpoint();
    if run.cliques.is_empty() {
        return None;
    }
    let n_models = run.model_names().len();
    let sets = |is_wanted: fn(&CliqueRow) -> bool| {
        let rows = run.cliques.iter().filter(|row| row.checkpoint == run.checkpoints()[last] && is_wanted(row));
        rows.map(|row| row.clique).collect::<BTreeSet<u32>>().len() as u64
    };
    let neurons: BTreeSet<usize> = (0..n_models).map(|model| run.shape(model).n_neurons()).collect();
    let neurons: Vec<String> = neurons.into_iter().map(|n| count(n as u64)).collect();
    let (n_full, n_universal) = (sets(|row| row.is_full), sets(|row| row.is_universal));
    let place = at(run, last);
    if n_full == 0 {
        return Some(format!("{place}, no set of one neuron of each of the {n_models} models agrees all round."));
    }
    Some(format!(
        "{place}, {} of the {} neurons of each model are in a set that agrees all round: one neuron of each of the {n_models} models, every \
         two of them each other\u{2019}s best match. Universal among these sets are {} (mean excess greater than {}); no model is the reference there.",
        count(n_full),
        neurons.join(" or "),
        count(n_universal),
        run.settings.excess_threshold()
    ))
}

/// Sets of some of the models, where there can be any between three and all.
fn partial_sets(run: &Run) -> Option<String> {
    let last = run.last_checkpoint();
    let n_models = run.model_names().len();
    if n_models < 4 || run.cliques.is_empty() {
        return None;
    }
    let sizes = (0..n_models).flat_map(|model| run.neurons(model, last).n_models_clique.iter().copied());
    let mut counts = vec![0_u64; n_models + 1];
    let mut n = 0;
    for size in sizes {
        counts[size as usize] += 1;
        n += 1;
    }
    let share = counts[3..].iter().sum::<u64>() as f64 / f64::from(n);
    let of_size =
        (3..=n_models).map(|size| format!("{} in one of {size} models", count(counts[size]))).collect::<Vec<_>>();
    Some(format!(
        "{}, {} of all neurons are in a set of at least 3 models; by the largest set that each is in: {}.",
        at(run, last),
        percent(share),
        crate::numbers::listed(&of_size)
    ))
}
