//! How intervals, cross-fitting, p-values, sets and what is shared were computed, by the settings and tables of this run.

use homolog_results::NullRow;

use super::escaped;
use crate::Run;
use crate::evidence_words::{blocks, has_p_values, is_cross_fitted, level, own_draws};
use crate::numbers::{count, percent};
use crate::rule_words::family;

/// Paragraphs; nothing of what this run has not.
pub(super) fn paragraphs(run: &Run) -> String {
    [intervals(run), cross_fitting(run), p_values(run), other_nulls(run), sets(run), shared(run)].concat()
}

fn intervals(run: &Run) -> String {
    let Some(blocks) = blocks(run) else { return String::new() };
    let (n, of, level) = (count(blocks.n), escaped(blocks.of), level(run));
    let why = if blocks.of == "rows" {
        "Documents are not known here, or too few: blocks are whole rows."
    } else {
        "Tokens of a document depend on each other: blocks are whole documents."
    };
    format!(
        "<p><b>Intervals</b> ({level}) come from leaving out one of {n} blocks of {of} at a time (the jackknife for blocks of unequal size), \
         with Student\u{2019}s <i>t</i> of {n} \u{2212} 1 degrees of freedom. {why} An interval of a correlation is symmetric in Fisher\u{2019}s <i>z</i>; those of \
         an excess and of a share are so on their own scale. Match and baseline stay what they are on all tokens. A share is a count, which \
         jumps: so for its standard error each neuron counts by its chance to pass the threshold, and beside the interval stand the \
         neurons whose own interval lies wholly above the threshold, and those whose interval reaches above it.</p>\n"
    )
}

fn cross_fitting(run: &Run) -> String {
    if !is_cross_fitted(run) {
        return String::new();
    }
    "<p><b>Cross-fitted</b> is the correlation on one half of the tokens of the match that the other half chooses, mean of both ways: a \
     maximum over many neurons is too large on the tokens it was sought on, and this is not. Its excess is against the same \
     baseline, which is such a maximum too; so it errs low.</p>\n"
        .to_owned()
}

fn p_values(run: &Run) -> String {
    if !has_p_values(run) {
        return String::new();
    }
    let family = family(&run.settings);
    let draws = run.settings.baseline_draws;
    let pooling = escaped(&own_draws(run));
    format!(
        "<p>The <b>p-value</b> of a neuron is the share of maxima that neurons of its layer reach, in {draws} draws of the null \
         above, at or above its own mean correlation, each in units of the neuron\u{2019}s own mean over the draws, where these units make \
         neurons of the layer alike.{pooling} Beyond what so many draws can tell it is read off a fitted tail (generalised Pareto): its order of \
         magnitude only. <b>q</b> is the least false discovery rate at which the neuron is found, by Benjamini and Hochberg, among {family}; \
         column <code>q_by</code> has that of Benjamini and Yekutieli, which holds however neurons depend on each other.</p>\n"
    )
}

fn other_nulls(run: &Run) -> String {
    let mut nulls = Vec::new();
    let n_permuted = rows(run, "permuted-rows").map(|row| row.n_draws).max();
    if let Some(n) = n_permuted {
        nulls.push(format!(
            "<code>p_permuted</code>, against {} of the other model\u{2019}s rows exchanged, positions kept: what position alone makes alike",
            if n == 1 { "one draw".to_owned() } else { format!("{n} draws") }
        ));
    }
    if rows(run, "untrained").next().is_some() {
        nulls.push(
            "<code>p_untrained</code>, against the same pair at step 0: what architecture and text make alike"
                .to_owned(),
        );
    }
    if nulls.is_empty() {
        return String::new();
    }
    format!(
        "<p>Table <code>matches</code> has other p-values too: {}. Table <code>nulls</code> has what they are against.</p>\n",
        nulls.join("; ")
    )
}

fn rows<'a>(run: &'a Run, null: &'static str) -> impl Iterator<Item = &'a NullRow> {
    run.nulls.iter().filter(move |row| row.null == null)
}

fn sets(run: &Run) -> String {
    if run.cliques.is_empty() {
        return String::new();
    }
    format!(
        "<p>A <b>set that agrees all round</b> (table <code>cliques</code>) is a largest set of neurons, at most one of a model, every two of which \
         are each other\u{2019}s best match. It is full if all models are in it, and universal if it is full and the mean of correlation \u{2212} \
         baseline over its pairs, both ways, is greater than {}. One pair that misses splits a set in two: count neurons in sets, not sets.</p>\n",
        run.settings.excess_threshold()
    )
}

fn shared(run: &Run) -> String {
    let row = run
        .models
        .iter()
        .find_map(|row| Some((row.n_frequent_tokens?, row.frequent_token_share?, row.least_token_count)));
    let Some((n, share, least)) = row else { return String::new() };
    let least = least.map(|least| format!(", each at {} or more,", count(least))).unwrap_or_default();
    format!(
        "<p><b>Without token</b> is the correlation of what is left of both activations when each neuron\u{2019}s mean for each of the {} most \
         frequent tokens{least} and one mean for all others are taken away; <b>without position</b>, its mean at each position of a row; \
         <b>without both</b>, the least-squares fit of their sum. The frequent tokens are at {} of the counted positions: what rarer ones decide \
         stays in, and looks like context.</p>\n",
        count(n),
        percent(share)
    )
}
