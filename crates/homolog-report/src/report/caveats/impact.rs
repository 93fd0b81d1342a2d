//! What damages, their controls and the family's intervals do not hold.

use std::collections::BTreeMap;

use crate::Run;
use crate::impact_words::{CONTROLS, FEW_DRAWS};
use crate::numbers::{digits, listed};
use crate::run::checkpoint_words;

/// Beyond this standardised difference it is no longer safe to allow for a covariate by its mean (Rubin 2001).
const UNBALANCED: f64 = 0.25;

/// Fewer models than this leave no family when one is left out.
const FEW_MODELS: usize = 3;

pub(super) fn of(run: &Run) -> Vec<String> {
    [balance(run), draws(run), models(run), chosen(run)].into_iter().flatten().collect()
}

/// Covariates in which random sets of the universal set's size are unlike it, at the last checkpoint.
fn balance(run: &Run) -> Option<String> {
    let step = run.checkpoints()[run.last_checkpoint()];
    let of_control = |(control, words): (&str, &str)| {
        // [covariate] -> greatest magnitude over models.
        let mut greatest: BTreeMap<&str, f64> = BTreeMap::new();
        for row in run.balance.iter().filter(|row| row.checkpoint == step && row.threshold == run.threshold()) {
            let Some(magnitude) = row.standardized_difference.map(f64::abs) else { continue };
            if row.control == control && row.multiple == 1 && magnitude > UNBALANCED {
                let so_far = greatest.entry(&row.covariate).or_default();
                *so_far = so_far.max(magnitude);
            }
        }
        let covariates: Vec<String> =
            greatest.iter().map(|(covariate, magnitude)| format!("{covariate} by up to {magnitude:.2}")).collect();
        (!covariates.is_empty()).then(|| format!("{words} ({})", listed(&covariates)))
    };
    let controls: Vec<String> = CONTROLS.into_iter().filter_map(of_control).collect();
    (!controls.is_empty()).then(|| {
        format!(
            "At {}, in some model, universal neurons differ by more than {UNBALANCED} standard deviations from sets of as many: {}. A difference in \
             damage may be owed to that.",
            checkpoint_words(step),
            listed(&controls)
        )
    })
}

/// Of the first mode: the others never have more draws than the study's few.
fn draws(run: &Run) -> Option<String> {
    let mode = run.settings.ablation_modes.first()?;
    let rows = run.damage.iter().filter(|row| row.mode == *mode && row.p_value.is_some());
    let n = rows.map(|row| row.n_draws).min().filter(|&n| n > 0 && (n as usize) < FEW_DRAWS)?;
    Some(format!(
        "Some permutation p-values are over {n} draws of random sets: none of these can be less than {}.",
        digits(1.0 / f64::from(n + 1))
    ))
}

fn models(run: &Run) -> Option<String> {
    few_models(run.model_names().len()).filter(|_| !run.family.is_empty())
}

fn few_models(n: usize) -> Option<String> {
    (n < FEW_MODELS).then(|| {
        format!(
            "The family is of {n} models: what it would be without one of them is not known, and intervals over models rest on so few."
        )
    })
}

/// The greatest of many estimates are too great.
fn chosen(run: &Run) -> Option<String> {
    run.singles.iter().any(|row| row.is_top).then(|| {
        "Neurons of the greatest first-order estimate were chosen by it on the rows on which they were then ablated: on other text both would be \
         smaller."
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use homolog_results::DamageRow;

    use super::*;
    use crate::test_run::{self, MODELS, Options, impact};

    #[test]
    fn only_covariates_that_are_unlike_are_named_and_the_greatest_of_models() {
        let folder = tempfile::tempdir().unwrap();
        let mut run = test_run::open(folder.path(), &Options::default());
        let greatest = |control: usize| {
            (0..MODELS.len()).map(|model| impact::difference(model, control, 0).abs()).fold(0.0, f64::max)
        };
        let found = balance(&run).unwrap();
        let wanted = format!("as many: random (frac_positive by up to {:.2}", greatest(0));
        assert!(found.contains("At step 200") && found.contains(&wanted), "{wanted}: {found}");
        assert!(!found.contains("random, matched"), "{found}");
        // A set of twice the size is not what the ratio is of, nor is an earlier checkpoint.
        let is_far = |row: &homolog_results::BalanceRow| {
            row.multiple == 1 && row.checkpoint == Some(200) && row.standardized_difference.unwrap().abs() > 0.25
        };
        run.balance.retain(|row| !is_far(row));
        assert_eq!(balance(&run), None);
    }

    #[test]
    fn few_draws_and_few_models_are_said() {
        let folder = tempfile::tempdir().unwrap();
        let mut run = test_run::open(folder.path(), &Options::default());
        assert!(draws(&run).is_none() && models(&run).is_none());
        assert!(few_models(2).unwrap().contains("is of 2 models") && few_models(3).is_none());
        let row = |n_draws: u32, mode: &str| DamageRow {
            mode: mode.to_owned(),
            n_draws,
            p_value: Some(0.2),
            ..DamageRow::default()
        };
        run.damage = vec![row(20, "zero"), row(3, "mean")];
        assert_eq!(draws(&run), None);
        run.damage.push(row(4, "zero"));
        assert!(draws(&run).unwrap().contains("over 4 draws of random sets: none of these can be less than 0.200"));
    }

    #[test]
    fn the_greatest_are_said_to_have_been_chosen() {
        let folder = tempfile::tempdir().unwrap();
        let mut run = test_run::open(folder.path(), &Options::default());
        assert!(chosen(&run).is_some());
        run.singles.retain(|row| !row.is_top);
        assert!(!run.singles.is_empty() && chosen(&run).is_none());
    }
}
