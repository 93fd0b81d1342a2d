//! What every number means, with the settings of this run in it.

mod certainty;
mod impact;
mod random_sets;

use super::html::escaped;
use crate::Run;
use crate::evidence_words::has_p_values;
use crate::null_words::null_words;
use crate::numbers::count;
use crate::rule_words::criterion;
use crate::run::{Rule, n_ablation_targets, n_loss_targets};

pub(super) fn html(run: &Run) -> String {
    let settings = &run.settings;
    let exclude = match run.manifest.exclude_tokens.as_slice() {
        [] => "Every position counts.".to_owned(),
        ids => {
            let ids: Vec<String> = ids.iter().map(u32::to_string).collect();
            format!("A position counts unless its input token is one of {} (ids).", ids.join(", "))
        }
    };
    let null = escaped(null_words(run).definition);
    let draws = match settings.baseline_draws {
        1 => "one draw".to_owned(),
        n => format!("the mean over {n} draws"),
    };
    let search = searched(run);
    let loss = if run.models.iter().any(|row| row.loss_tokens == "same") {
        "the rows that correlations are over"
    } else {
        "the held-out rows"
    };
    let (n_targets, n_ablated) = (n_loss_targets(run), n_ablation_targets(run));
    let of_them = if n_ablated < n_targets {
        format!("the first {} predicted tokens of {loss} ({} are in them all)", count(n_ablated), count(n_targets))
    } else {
        format!("all {} predicted tokens of {loss}", count(n_targets))
    };
    let thresholds: Vec<String> = settings.thresholds.iter().map(f64::to_string).collect();
    let (criterion, thresholds) = (escaped(&criterion(settings, settings.threshold)), thresholds.join(", "));
    let (other_rules, certainty) = (other_rules(run), certainty::paragraphs(run));
    let precision = escaped(&run.manifest.precision);
    let random_sets = escaped(&random_sets::sentence(run));
    let impact = impact::paragraphs(run);
    let ablation = if settings.ablation_modes.is_empty() {
        "<p>This study ablated nothing.</p>".to_owned()
    } else {
        format!(
            "<p>To <b>ablate</b> a set <i>S</i> is to replace <i>v<sub>i</sub></i>(<i>t</i>) for every <i>i</i> in <i>S</i>, at every position and in all layers \
             at once, by 0 (<code>zero</code>), by neuron <i>i</i>\u{2019}s mean over the counted tokens of this study (<code>mean</code>), by its mean at that \
             position of a row (<code>position-mean</code>) or by what it is at the same position of another row (<code>resample</code>). \
             Its damage is</p>\n\
             <p class=\"formula\">\u{0394}(<i>S</i>) = loss with <i>S</i> ablated \u{2212} loss without,</p>\n\
             <p>in nats a predicted token, over {of_them}; greater than 0 is worse. Efficiency is \u{0394}(<i>S</i>) / |<i>S</i>|. {random_sets}</p>\n{impact}"
        )
    };
    format!(
        "<p>Models <i>a</i>, <i>b</i> are trained independently. A <b>neuron</b> is one unit of an MLP, <i>i</i> = (layer, index); its activation at token \
         <i>t</i> is what comes out of the nonlinearity,</p>\n\
         <p class=\"formula\"><i>v<sub>i</sub></i>(<i>t</i>) = gelu(<i>w<sub>i</sub></i> \u{00b7} LN(<i>x<sub>t</sub></i>) + <i>b<sub>i</sub></i>).</p>\n\
         <p>{exclude} Means, variances and correlations are over counted positions, in {precision} with sums in f64.</p>\n\
         <p>The <b>match</b> of neuron <i>i</i> of <i>a</i> in <i>b</i> is the neuron <i>j</i> of any layer whose activations correlate best with its own \
         (Pearson\u{2019}s, with its sign):</p>\n\
         <p class=\"formula\">max_corr<sub><i>i</i></sub><sup><i>ab</i></sup> = max<sub><i>j</i></sub> corr(<i>v<sub>i</sub><sup>a</sup></i>, <i>v<sub>j</sub><sup>b</sup></i>).</p>\n\
         <p>The largest of many correlations is large by chance too. So the same is computed against a null: {null}. This is the \
         <b>baseline</b> ({draws}), and what lies above it is the <b>excess</b>:</p>\n\
         <p class=\"formula\">excess<sub><i>i</i></sub><sup><i>a</i></sup> = mean over <i>b</i> \u{2260} <i>a</i> of (max_corr<sub><i>i</i></sub><sup><i>ab</i></sup> \u{2212} \
         baseline<sub><i>i</i></sub><sup><i>ab</i></sup>).</p>\n\
         <p>A neuron is <b>universal</b> in this study when {criterion}; thresholds {thresholds} are in the tables.{other_rules} A constant neuron \
         has no correlation and is not universal.{search}</p>\n\
         {certainty}\
         <p><b>Emergence</b> is the share of universal neurons at a checkpoint. <b>Persistence</b> from checkpoint <i>c</i> to a later \
         <i>c</i>\u{2032} is, with <i>U<sub>c</sub></i> the universal neurons of a model by index,</p>\n\
         <p class=\"formula\"><i>P</i>(<i>c</i> \u{2192} <i>c</i>\u{2032}) = |<i>U<sub>c</sub></i> \u{2229} <i>U<sub>c\u{2032}</sub></i>| / |<i>U<sub>c</sub></i>|,</p>\n\
         <p>undefined where none is universal at <i>c</i>. By chance one expects the sum over layers of \
         |<i>U<sub>c</sub></i>| |<i>U<sub>c\u{2032}</sub></i>| / <i>n</i> in the numerator, each of the layer, with <i>n</i> its neurons. Its \
         <b>ceiling</b> is what the two halves of the tokens share at one checkpoint, the geometric mean of both; columns <code>ceiling</code>, \
         <code>share_of_ceiling</code> of table persistence.</p>\n\
         {ablation}"
    )
}

/// The rules that stand beside the study's own.
fn other_rules(run: &Run) -> String {
    let settings = &run.settings;
    let mut rules = Vec::new();
    if settings.rule != Rule::Excess {
        let threshold = settings.excess_threshold();
        rules.push(format!("excess, if it is greater than {threshold} (<code>is_universal_excess</code>)"));
    }
    if settings.rule != Rule::Count {
        let (threshold, n) = (settings.count_threshold, settings.count_models);
        rules.push(format!(
            "count, if max_corr is greater than {threshold} in at least {n} other models (<code>is_universal_count</code>)"
        ));
    }
    if settings.rule != Rule::Fdr && has_p_values(run) {
        rules.push(format!("discovery, if its q-value is at most {} (<code>is_universal_fdr</code>)", settings.fdr));
    }
    if rules.is_empty() {
        return String::new();
    }
    format!(" By the other rules it is so by {}.", rules.join("; by "))
}

/// How a screened search went about it; nothing of an exact one.
fn searched(run: &Run) -> String {
    if run.settings.shown("correlation", "search").as_deref() != Some("screened") {
        return String::new();
    }
    let screening = run.settings.table.get("correlation").and_then(|section| section.get("screening"));
    let setting = |name: &str| screening.and_then(|screening| screening.get(name));
    let audited = if setting("audit").and_then(toml::Value::as_integer) == Some(0) {
        "Every baseline is the sample\u{2019}s"
    } else {
        "A random few are computed so too, to tell how far the rest can be trusted; baselines of the rest are the sample\u{2019}s"
    };
    let is_near_exact = setting("exact_near_thresholds").and_then(toml::Value::as_bool) == Some(true);
    let (near, at_risk) = if is_near_exact {
        (", or whose excess lies close to a threshold,", "")
    } else {
        ("", ", and a neuron whose excess lies close to a threshold may be on its other side")
    };
    format!(
        " Not all pairs were computed on all tokens: candidates come from a sample and are scored on all tokens, and neurons whose match is not sure{near} are computed \
         in full. {audited}{at_risk} (table <code>screening</code>)."
    )
}

#[cfg(test)]
mod tests;
