//! What makes a neuron universal in a study, in words: captions, findings and methods name the rule that was used.

use crate::run::{Rule, Settings};

/// The rule at a threshold, for brackets and titles of columns: `excess > 0.5`.
pub(crate) fn shorthand(settings: &Settings, threshold: f64) -> String {
    match settings.rule {
        Rule::Excess => format!("excess > {threshold}"),
        Rule::Count => format!("best match > {threshold} in {} other models", settings.count_models),
        Rule::Fdr => format!("q \u{2264} {threshold}"),
    }
}

/// The rule at a threshold, for behind `a neuron is universal when`.
pub(crate) fn criterion(settings: &Settings, threshold: f64) -> String {
    match settings.rule {
        Rule::Excess => format!("its excess correlation is greater than {threshold}"),
        Rule::Count => {
            format!("its best match correlates above {threshold} in at least {} other models", settings.count_models)
        }
        Rule::Fdr => format!("its best matches lie beyond chance at a false discovery rate of {threshold} (q-value)"),
    }
}

/// What a threshold is on, for axes and captions.
pub(crate) fn quantity(settings: &Settings) -> &'static str {
    match settings.rule {
        Rule::Excess => "excess correlation",
        Rule::Count => "correlation of the best match",
        Rule::Fdr => "q-value",
    }
}

/// A threshold among others of a sweep: `above 0.3`.
pub(crate) fn beyond(settings: &Settings, threshold: f64) -> String {
    match settings.rule {
        Rule::Excess | Rule::Count => format!("above {threshold}"),
        Rule::Fdr => format!("at a rate of {threshold}"),
    }
}

/// The hypotheses that q-values are over, for behind `among`.
pub(crate) fn family(settings: &Settings) -> &'static str {
    match settings.shown("universality", "fdr_family").as_deref() {
        Some("model") => "all neurons of a model at a checkpoint",
        _ => "all neurons of all models at a checkpoint",
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::test_run::{self, Options};

    #[test]
    fn only_the_rule_of_the_study_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = test_run::open(folder.path(), &Options::default()).settings;
        for (rule, short, word) in [
            (Rule::Excess, "excess > 0.25", "excess"),
            (Rule::Count, "best match > 0.25 in 2 other models", "best match"),
            (Rule::Fdr, "q \u{2264} 0.25", "q-value"),
        ] {
            settings.rule = rule;
            assert_eq!(shorthand(&settings, 0.25), short);
            let words = [criterion(&settings, 0.25), quantity(&settings).to_owned()];
            assert!(words.iter().all(|text| text.contains(word)), "{words:?}");
            assert_eq!(words.iter().any(|text| text.contains("excess")), rule == Rule::Excess, "{words:?}");
        }
    }
}
