//! How sure shares and matches are: intervals over text, what having been chosen adds, and discoveries beyond chance.

use super::at;
use crate::Run;
use crate::evidence_words::{has_p_values, interval, level, own_draws, share_interval};
use crate::null_words::null_words;
use crate::numbers::{Spread, count, listed, mean, percent};
use crate::rule_words::{family, shorthand};
use crate::run::{Neurons, checkpoint_words};

pub(super) fn sentences(run: &Run) -> Vec<String> {
    [intervals(run), near_threshold(run), cross_fitted(run), halves(run)]
        .into_iter()
        .flatten()
        .chain(discoveries(run))
        .collect()
}

/// The last checkpoint's shares, each with its interval.
fn intervals(run: &Run) -> Option<String> {
    let (last, interval) = (run.last_checkpoint(), interval(run)?);
    let shares: Vec<String> = rows(run, last)
        .filter_map(|row| {
            let ends = share_interval(row.share_low?, row.share_high?);
            Some(format!("{} ({ends}) in {}", percent(row.share), row.model))
        })
        .collect();
    let rule = shorthand(&run.settings, run.threshold());
    (!shares.is_empty()).then(|| {
        format!(
            "{}, shares of universal neurons ({rule}), in brackets the {interval}: {}.",
            at(run, last),
            listed(&shares)
        )
    })
}

/// How many neurons lie surely above the threshold, and how many within their interval of it.
fn near_threshold(run: &Run) -> Option<String> {
    let last = run.last_checkpoint();
    let [mut surely, mut possibly, mut universal, mut n] = [0; 4];
    for row in rows(run, last) {
        surely += row.n_surely?;
        possibly += row.n_possibly?;
        universal += row.n_universal;
        n += row.n_neurons;
    }
    (n > 0).then(|| {
        format!(
            "{}, the {} interval of a neuron\u{2019}s own excess lies wholly above the threshold for {} of {} neurons, and reaches above it \
             for {}; {} are universal as measured. {} neurons lie within their interval of the threshold.",
            at(run, last),
            level(run),
            count(surely),
            count(n),
            count(possibly),
            count(universal),
            count(possibly - surely)
        )
    })
}

/// All layers together, at the study's threshold.
fn rows(run: &Run, checkpoint: usize) -> impl Iterator<Item = &homolog_results::EmergenceRow> {
    let step = run.checkpoints()[checkpoint];
    let threshold = run.threshold();
    run.emergence.iter().filter(move |row| row.checkpoint == step && row.layer.is_none() && row.threshold == threshold)
}

/// What the maximum owes to having been chosen on the tokens that it is measured on.
fn cross_fitted(run: &Run) -> Option<String> {
    let last = run.last_checkpoint();
    let over_all = |of: &dyn Fn(&Neurons, usize) -> f64| {
        let values = (0..run.model_names().len()).map(|model| run.neurons(model, last)).flat_map(|neurons| {
            let is_fitted = |place: &usize| !neurons.cross_fitted_excess[*place].is_nan();
            (0..neurons.excess_corr.len()).filter(is_fitted).map(|place| of(neurons, place)).collect::<Vec<f64>>()
        });
        mean(values)
    };
    let raw = over_all(&|neurons, place| neurons.mean_corr[place])?;
    let fitted = over_all(&|neurons, place| f64::from(neurons.cross_fitted_corr[place]))?;
    let raw_excess = over_all(&|neurons, place| neurons.excess_corr[place])?;
    let fitted_excess = over_all(&|neurons, place| f64::from(neurons.cross_fitted_excess[place]))?;
    Some(format!(
        "{}, chosen on one half of the tokens and measured on the other, best matches correlate {fitted:.3} in the mean over all neurons, \
         beside {raw:.3} chosen and measured on all; the mean excess is {fitted_excess:.3} beside {raw_excess:.3}. The difference is what a \
         maximum owes to having been chosen, and to halves that know less.",
        at(run, last)
    ))
}

/// How often both halves of the tokens choose the same match.
fn halves(run: &Run) -> Option<String> {
    let last = run.last_checkpoint();
    let (mut n, mut of_all) = ([0_u64; 2], [0_u64; 2]);
    for model in 0..run.model_names().len() {
        let is_universal = &run.neurons(model, last).is_universal;
        for other in run.others(model) {
            let same = &run.matches(model, other, last).is_same_in_halves;
            for (place, is_same) in same.iter().enumerate().filter_map(|(place, is_same)| Some((place, (*is_same)?))) {
                for kind in 0..=usize::from(is_universal[place]) {
                    of_all[kind] += 1;
                    n[kind] += u64::from(is_same);
                }
            }
        }
    }
    let share = |kind: usize| (of_all[kind] > 0).then(|| percent(n[kind] as f64 / of_all[kind] as f64));
    let universal = share(1).map(|share| format!("; of universal neurons, {share}")).unwrap_or_default();
    Some(format!("{}, both halves choose the same match for {} of matches{universal}.", at(run, last), share(0)?))
}

/// Neurons beyond chance, at the last checkpoint and the first.
fn discoveries(run: &Run) -> Vec<String> {
    if !has_p_values(run) {
        return Vec::new();
    }
    let share = |checkpoint: usize| {
        let shares = (0..run.model_names().len()).map(|model| &run.neurons(model, checkpoint).is_universal_fdr);
        Spread::of(shares.map(|flags| flags.iter().filter(|&&is| is).count() as f64 / flags.len() as f64))
    };
    let last = run.last_checkpoint();
    let Some(over) = share(last) else { return Vec::new() };
    let first = (last > 0).then(|| share(0)).flatten();
    let first = first
        .map(|over| format!(", at {} of {},", checkpoint_words(run.checkpoints()[0]), over.percent()))
        .unwrap_or_default();
    let found = format!(
        "{}, the best matches of {} of the neurons{first} lie beyond chance, at a false discovery rate of {} among {} (Benjamini and \
         Hochberg).{}",
        at(run, last),
        over.percent(),
        run.settings.fdr,
        family(&run.settings),
        own_draws(run)
    );
    let least = (0..run.model_names().len())
        .map(|model| run.neurons(model, last))
        .flat_map(|neurons| {
            let found = (0..neurons.excess_corr.len()).filter(|&place| neurons.is_universal_fdr[place]);
            found.map(|place| neurons.excess_corr[place])
        })
        .filter(|excess| !excess.is_nan())
        .reduce(f64::min);
    let caution = least.map(|least| {
        format!(
            "To be beyond chance is not to be alike: chance here is {}, and the least excess among these discoveries \
             is {least:.3}. More tokens find more of them; they do not make them closer.",
            null_words(run).model
        )
    });
    [Some(found), caution].into_iter().flatten().collect()
}
