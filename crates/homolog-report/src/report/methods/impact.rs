//! How controls, p-values, intervals of damage, attributions and the family's numbers were computed, by the tables of this run.

use crate::Run;
use crate::impact_words::level_words;
use crate::numbers::count;
use crate::report::findings::MATCHED;

/// Paragraphs; nothing of what this run has not.
pub(super) fn paragraphs(run: &Run) -> String {
    [matching(run), permutation(run), intervals(run), equal_damage(run), attribution(run), family(run)].concat()
}

fn matching(run: &Run) -> String {
    if !run.damage.iter().any(|row| row.control == MATCHED) {
        return String::new();
    }
    "<p><b>Matched</b> sets (<code>random_matched</code>) have, for every universal neuron, neurons of its layer near it in three covariates, each in \
     units of its standard deviation in the layer: the logarithm of the root mean square of the activation, the logarithm of the norm of the output \
     weights, and the share of counted tokens with an activation above 0. In rounds, every universal neuron in random order takes one at random of its ten \
     nearest that are not universal and not taken; larger multiples are more rounds, which match worse. Table <code>balance</code> has the standardised \
     differences: the difference of means over the root of the mean of the two variances; up to 0.1 counts as balanced. What is not among the covariates \
     is not matched.</p>\n"
        .to_owned()
}

fn permutation(run: &Run) -> String {
    let Some(n) = run.damage.iter().filter(|row| row.p_value.is_some()).map(|row| row.n_draws).max() else {
        return String::new();
    };
    format!(
        "<p>The <b>permutation p-value</b> of the universal set against a kind of random sets of its size is (1 + draws that cost as much or more) / (1 + draws), \
         with up to {} draws; <code>control_delta_low</code> and <code>control_delta_high</code> of table <code>damage</code> hold the central {} of them. It asks \
         whether such a set is as costly by chance, not how much more costly universal neurons are.</p>\n",
        count(u64::from(n)),
        level_words(run)
    )
}

fn intervals(run: &Run) -> String {
    if run.ablation.iter().all(|row| row.delta_low.is_none()) && run.damage.iter().all(|row| row.ratio_low.is_none()) {
        return String::new();
    }
    format!(
        "<p><b>Intervals of damage</b> ({}) come from {} resamples of the rows of tokens, the same for all sets of all models, so that \
         differences are paired. Those of a rise of the loss are corrected for bias and skewness (BCa, Efron 1987); those of ratios and multiples are \
         quantiles, with the draws of random sets drawn anew too, and are open above where random sets cost nothing in resamples that an end may not leave out. Few rows of heavy tails \
         make them too narrow.</p>\n",
        level_words(run),
        resamples(run)
    )
}

fn resamples(run: &Run) -> String {
    run.settings.shown("ablation", "resamples").and_then(|n| n.parse().ok()).map_or_else(|| "many".to_owned(), count)
}

fn equal_damage(run: &Run) -> String {
    if run.damage.iter().all(|row| row.equal_multiple_reached.is_none()) {
        return String::new();
    }
    "<p><b>Equal damage</b>: the multiple at which the line through no damage at 0 and the mean damage of random sets at every measured multiple, straight between \
     them, first reaches that of the universal set. Below 1 it rests on that line alone. In resamples in which it is never reached it counts as infinite: \
     an upper end beyond the greatest multiple is open. The <b>ratio</b> compares damages of sets of one size instead; where damage is not proportional to \
     size the two differ.</p>\n"
        .to_owned()
}

fn attribution(run: &Run) -> String {
    if run.attribution.is_empty() {
        return String::new();
    }
    "<p>The <b>first-order estimate</b> of what a neuron set to zero costs is minus the sum over tokens of its activation times the gradient of the mean loss, over the \
     rows of the ablations (<code>attribution_zero_nats</code> of table <code>neurons</code>). It is held against neurons that were in fact set to zero one by one \
     (table <code>singles</code>): those of the greatest estimate, a random sample of the universal ones and one of all. Table <code>attribution</code> has their \
     correlation and the slope through the origin of the exact on the estimate, and what all universal neurons cost together over what they cost one by \
     one, summed: their number times the mean of the sample, whose interval is over rows and over the sample.</p>\n"
        .to_owned()
}

fn family(run: &Run) -> String {
    if run.family.is_empty() {
        return String::new();
    }
    format!(
        "<p><b>The family</b> (table <code>family</code>) is the population of models. Its numbers are means over them, of the ratio that of the mean damages, of equal \
         damage where the mean curves meet. For an interval ({}) models are drawn with replacement, draws of one model alone being passed over, together \
         with blocks of tokens (of universality) or rows (of losses): since every model is also a partner of the others, who is universal changes with the \
         models drawn, by the excess over those that remain; by other rules it stays. Which sets were ablated stays too. Beside it stand the least and the greatest value without one of the \
         models. The interval is that of Student\u{2019}s t over as many models, from the spread of the resamples widened by what resampling so few lacks; of ratios and \
         multiples in their logarithms.</p>\n",
        level_words(run)
    )
}
