//! What single neurons are worth: how far the first order can be trusted, and whether others step in for those that are gone.

use homolog_results::AttributionRow;

use super::at;
use crate::Run;
use crate::impact_words::ends;
use crate::numbers::{Spread, count, digits, listed};

pub(super) fn sentences(run: &Run) -> Vec<String> {
    let last = run.last_checkpoint();
    let step = run.checkpoints()[last];
    let of_model = |name: &String| {
        let is_it =
            |row: &&AttributionRow| row.model == *name && row.checkpoint == step && row.threshold == run.threshold();
        run.attribution.iter().find(is_it)
    };
    let rows: Vec<&AttributionRow> = run.model_names().iter().filter_map(of_model).collect();
    let sentences = [trust(&rows), greatest(&rows), magnitudes(&rows), joint(&rows)];
    sentences.into_iter().flatten().map(|sentence| format!("{}, {sentence}", at(run, last))).collect()
}

/// `0.82 (mean of 3 models, from 0.70 to 0.95)`
fn over(rows: &[&AttributionRow], of: fn(&AttributionRow) -> Option<f64>) -> Option<String> {
    let over = Spread::of(rows.iter().filter_map(|row| of(row)))?;
    Some(match over.n {
        1 => format!("{:.2} (one model)", over.mean),
        n => format!("{:.2} (mean of {n} models, from {:.2} to {:.2})", over.mean, over.least, over.greatest),
    })
}

/// Over neurons that nothing was asked of: no choice made them fit.
fn trust(rows: &[&AttributionRow]) -> Option<String> {
    let n: u64 = rows.iter().map(|row| u64::from(row.n_random)).sum();
    let slope = over(rows, |row| row.random_slope)?;
    let corr = over(rows, |row| row.random_corr).unwrap_or_else(|| "undefined".to_owned());
    Some(format!(
        "over a random sample of {} neurons set to zero one by one, the exact rise of the loss and the first-order estimate of it correlate: \
         {corr}; the slope of the exact on the estimate, 1 if it were right, is {slope}.",
        count(n)
    ))
}

fn greatest(rows: &[&AttributionRow]) -> Option<String> {
    let n: u64 = rows.iter().map(|row| u64::from(row.n_top)).sum();
    Some(format!(
        "over the {} neurons of the greatest estimates, whatever their sign, the slope is {}.",
        count(n),
        over(rows, |row| row.top_slope)?
    ))
}

fn magnitudes(rows: &[&AttributionRow]) -> Option<String> {
    let universal = Spread::of(rows.iter().filter_map(|row| row.universal_magnitude_nats))?;
    let others = Spread::of(rows.iter().filter_map(|row| row.other_magnitude_nats))?;
    Some(format!(
        "the estimate of a universal neuron is of the magnitude {} in the mean, that of all others {}.",
        universal.nats(),
        others.nats()
    ))
}

/// Self-repair: together more than the sum, if others step in for a single one.
fn joint(rows: &[&AttributionRow]) -> Option<String> {
    let of_model = |row: &&AttributionRow| {
        let (joint, sum) = (row.joint_delta_nats?, row.sum_of_singles_nats?);
        let ratio = row.joint_over_singles.map_or_else(
            || "no ratio, one of them not being above zero".to_owned(),
            |ratio| {
                format!(
                    "{ratio:.2} ({})",
                    ends(row.joint_over_singles_low, row.joint_over_singles_high, "", |end| format!("{end:.2}"))
                )
            },
        );
        Some(format!("{} over {}, {ratio}, in {}", digits(joint), digits(sum), row.model))
    };
    let models: Vec<String> = rows.iter().filter_map(of_model).collect();
    if models.is_empty() {
        return None;
    }
    let n = |is: fn(f64, f64) -> bool| {
        let ends = rows.iter().filter_map(|row| Some((row.joint_over_singles_low?, row.joint_over_singles_high?)));
        ends.filter(|&(low, high)| is(low, high)).count()
    };
    let (above, below) = (n(|low, _| low > 1.0), n(|_, high| high < 1.0));
    let (holds, all) = (n(|low, high| low <= 1.0 && high >= 1.0), models.len());
    Some(format!(
        "what universal neurons cost together, over what they cost one by one and summed, in nats, and that ratio with its interval: {}. Above 1, others \
         step in for one that is gone (self-repair): so it is beyond its interval in {above} of {all} models, below 1 in {below}; in {holds} the \
         interval holds 1, in {} it is undefined.",
        listed(&models),
        all - above - below - holds
    ))
}
