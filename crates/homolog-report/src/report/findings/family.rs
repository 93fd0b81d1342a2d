//! The three claims about the family: when universal neurons appear, whether they last, and what they are worth.

use super::{at, place_of_five};
use crate::Run;
use crate::impact_words::{estimate, family, hundredths, times};
use crate::numbers::digits;
use crate::run::checkpoint_words;

pub(super) fn sentences(run: &Run) -> Vec<String> {
    let mode = run.settings.ablation_modes.first();
    let of_mode = mode.map(|mode| [damage(run, mode), matching(run, mode), equal_damage(run, mode)]);
    [emergence(run), persistence(run)].into_iter().chain(of_mode.into_iter().flatten()).flatten().collect()
}

/// The share at the last checkpoint, and its rise since the first.
fn emergence(run: &Run) -> Option<String> {
    let (last, step) = (run.last_checkpoint(), run.checkpoints()[run.last_checkpoint()]);
    let row = family(run, "share", step, (None, None))?;
    let share = estimate(run, row, " %", hundredths)?;
    let rise = family(run, "share_rise", step, (None, None)).and_then(|row| {
        let is_unsure = row.low.is_some_and(|low| low <= 0.0) && row.high.is_some_and(|high| high >= 0.0);
        let unsure = if is_unsure { ", an interval that holds no change" } else { "" };
        Some(format!(
            "; since {} it has changed by {} of a hundred{unsure}",
            checkpoint_words(row.from_checkpoint),
            estimate(run, row, " points", hundredths)?
        ))
    });
    Some(format!(
        "{}, the share of universal neurons in the mean over the {} models is {share}{}.",
        at(run, last),
        row.n_models,
        rise.unwrap_or_default()
    ))
}

/// Between the last two checkpoints.
fn persistence(run: &Run) -> Option<String> {
    let step = run.checkpoints()[run.last_checkpoint()];
    let of = |quantity: &str| family(run, quantity, step, (None, None));
    let row = of("persistence")?;
    let words = |quantity: &str| estimate(run, of(quantity)?, " %", hundredths);
    let chance =
        words("expected_persistence").map(|chance| format!("; sets chosen independently would share {chance}"));
    let above = words("above_chance").map(|above| format!("; of what chance leaves open, that is {above}"));
    Some(format!(
        "Of the neurons universal at {}, {} are so at {} too, in the mean over the {} models that have any{}{}.",
        checkpoint_words(row.from_checkpoint),
        estimate(run, row, " %", hundredths)?,
        checkpoint_words(step),
        row.n_models,
        chance.unwrap_or_default(),
        above.unwrap_or_default()
    ))
}

/// What all universal neurons cost, and as ratios to as many random ones.
fn damage(run: &Run, mode: &str) -> Option<String> {
    let (last, step) = (run.last_checkpoint(), run.checkpoints()[run.last_checkpoint()]);
    let cost = estimate(run, family(run, "universal_delta_nats", step, (Some(mode), None))?, " nats", digits)?;
    let ratios: Vec<String> = super::CONTROLS
        .iter()
        .filter_map(|&(control, words)| {
            let row = family(run, "ratio", step, (Some(mode), Some(control)))?;
            let p = row.p_value.map(|p| format!(", permutation p = {}", digits(p))).unwrap_or_default();
            Some(format!("{} times that of {words}{p}", estimate(run, row, "", times)?))
        })
        .collect();
    let ratios = if ratios.is_empty() { String::new() } else { format!(". It is {}", ratios.join("; ")) };
    Some(format!(
        "{}, the universal neurons cost the models of the family {cost} in the mean ({mode} ablation){ratios}.",
        at(run, last)
    ))
}

/// The ratio against matched sets beside that against unmatched ones.
fn matching(run: &Run, mode: &str) -> Option<String> {
    let step = run.checkpoints()[run.last_checkpoint()];
    let ratio = |control: &str| family(run, "ratio", step, (Some(mode), Some(control)));
    let (random, matched) = (ratio(super::RANDOM)?, ratio(super::MATCHED)?);
    let (unmatched_ratio, matched_ratio) = (random.estimate?, matched.estimate?);
    let still = match (matched.low, matched.high) {
        (Some(low), _) if low > 1.0 => "the interval of the matched ratio lies above 1",
        (_, Some(high)) if high < 1.0 => "the interval of the matched ratio lies below 1",
        (Some(_), _) => "the interval of the matched ratio holds 1",
        _ => "the interval of the matched ratio is undefined",
    };
    let is_apart = |low: Option<f64>, high: Option<f64>| low.zip(high).is_some_and(|(low, high)| low > high);
    let overlap = match [random.low, random.high, matched.low, matched.high].iter().all(Option::is_some) {
        true if is_apart(random.low, matched.high) || is_apart(matched.low, random.high) => {
            ", and apart from that of the other"
        }
        true => ", and overlaps that of the other",
        false => "",
    };
    Some(format!(
        "Matching in layer, activation, output weights and how often a neuron is active takes the ratio from {} to {}: {still}{overlap}. What remains is beyond \
         these covariates, and may be owed to others.",
        times(unmatched_ratio),
        times(matched_ratio)
    ))
}

/// In number: how many times as many random neurons do the same, and whether five times, which the paper found, survives matching.
fn equal_damage(run: &Run, mode: &str) -> Option<String> {
    let step = run.checkpoints()[run.last_checkpoint()];
    let row = |control: &str| family(run, "equal_multiple", step, (Some(mode), Some(control)));
    let multiples: Vec<String> = super::CONTROLS
        .iter()
        .filter_map(|&(control, words)| {
            let row = row(control)?;
            let value = estimate(run, row, "", times)
                .map_or_else(|| "no measured number of".to_owned(), |words| format!("{words} times as many"));
            Some(format!("{value} {words}"))
        })
        .collect();
    if multiples.is_empty() {
        return None;
    }
    let five = row(super::MATCHED).map(|row| {
        format!(" Five times, which the paper found in GPT-2 Small, {} matched sets.", place_of_five(row.low, row.high))
    });
    Some(format!("The same damage is done by {}.{}", multiples.join("; by "), five.unwrap_or_default()))
}
