//! Sentences of how sure a run is and of what matches share.

use super::*;
use crate::run::Rule;
use crate::test_run::{N, max_corr};

#[test]
fn intervals_stand_with_their_models_and_blocks() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = run(folder.path());
    for (model, n) in [10, 20, 24].into_iter().enumerate() {
        let row = emergence(model, 200, None, 0.5, n);
        let ends = (Some(row.share - 0.06), Some(row.share + 0.05));
        run.emergence.push(EmergenceRow {
            share_low: ends.0,
            share_high: ends.1,
            n_surely: Some(n - 5),
            n_possibly: Some(n + 2),
            ..row
        });
    }
    let found = sentences(&run, "How sure");
    assert_eq!(
        found[0],
        format!(
            "At step 200, shares of universal neurons (excess > 0.5), in brackets the 95 % interval over 64 blocks of rows: 5.0 % (0.0 to \
             10.0 %) in seed-b, 10.0 % (4.0 to 15.0 %) in seed-a and 12.0 % (6.0 to 17.0 %) in {}.",
            MODELS[2]
        )
    );
    assert!(
        found[1].contains(
            "wholly above the threshold for 39 of 600 neurons, and reaches above it for 60; 54 are universal"
        ),
        "{}",
        found[1]
    );
    assert!(found[1].ends_with("21 neurons lie within their interval of the threshold."), "{}", found[1]);
}

#[test]
fn the_drop_of_cross_fitting_and_the_agreement_of_halves_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let run = run(folder.path());
    let found = sentences(&run, "How sure").join(" ");
    let corr: Vec<f64> =
        (0..3).flat_map(|model| run.neurons(model, 2).mean_corr.clone()).filter(|corr| !corr.is_nan()).collect();
    let mean = corr.iter().sum::<f64>() / corr.len() as f64;
    let drop = format!("correlate {:.3} in the mean over all neurons, beside {mean:.3}", mean - 0.01);
    assert!(found.contains(&drop), "{drop}: {found}");
    // Neurons 0, 4, 8 and 12 of 15 that have a match.
    assert!(found.contains("both halves choose the same match for 26.7 % of matches"), "{found}");
}

#[test]
fn discoveries_come_with_a_caution() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = run(folder.path());
    let n = (0..3).flat_map(|model| run.neurons(model, 2).is_universal_fdr.clone()).filter(|&is| is).count();
    let found = sentences(&run, "How sure").join(" ");
    let share = format!("best matches of {:.1} % (mean of 3 models", 100.0 * n as f64 / (3 * N) as f64);
    assert!(found.contains(&share) && found.contains(", at step 0 of "), "{share}: {found}");
    assert!(found.contains("To be beyond chance is not to be alike: chance here is a rotated model"), "{found}");
    run.without_evidence();
    assert!(sentences(&run, "How sure").is_empty());
}

#[test]
fn what_is_shared_is_told_of_all_and_of_universal_neurons() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = run(folder.path());
    let pairs = (0..3).flat_map(|model| run.others(model).map(move |other| (model, other)));
    let corr: Vec<f64> = pairs
        .flat_map(|(model, other)| (0..N).filter(|&at| at != 6).filter_map(move |at| max_corr(model, other, 2, at)))
        .map(f64::from)
        .collect();
    let mean = corr.iter().sum::<f64>() / corr.len() as f64;
    let found = sentences(&run, "What is shared");
    let words =
        format!("correlate {mean:.3} in the mean over all neurons and pairs of models; {:.3} without", 0.75 * mean);
    assert!(
        found[0].contains(&words) && found[0].contains("9 most frequent tokens (at 50.0 % of positions)"),
        "{words}: {found:?}"
    );
    assert!(found[0].contains("Of universal neurons:") && found[1].contains("of universal ones"), "{found:?}");
    assert_eq!(
        found[2],
        "At step 200, 2 of the 16 neurons of each model are in a set that agrees all round: one neuron of each of the 3 models, every two \
         of them each other\u{2019}s best match. Universal among these sets are 1 (mean excess greater than 0.5); no model is the reference there."
    );
    assert_eq!(found.len(), 3, "of three models there are no sets of some");
    run.without_evidence();
    assert_eq!(sentences(&run, "What is shared").len(), 1);
    run.cliques.retain(|row| row.checkpoint != Some(200));
    assert!(sentences(&run, "What is shared")[0].contains("no set of one neuron of each of the 3 models"));
    run.cliques.clear();
    assert!(sentences(&run, "What is shared").is_empty());
}

#[test]
fn the_rule_of_the_study_is_the_one_that_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = run(folder.path());
    run.emergence.push(emergence(0, 200, None, 0.5, 10));
    run.emergence.push(emergence(0, 200, None, 0.3, 20));
    run.settings.rule = Rule::Fdr;
    let found = sentences(&run, "Emergence");
    assert!(found[0].contains("are universal (q \u{2264} 0.5)"), "{found:?}");
    assert!(found[1].contains("10.0 % at a rate of 0.3"), "{found:?}");
    run.settings.rule = Rule::Count;
    let found = sentences(&run, "Emergence");
    assert!(found[0].contains("(best match > 0.5 in 2 other models)"), "{found:?}");
    assert!(found.iter().all(|sentence| !sentence.starts_with("By the rule")), "{found:?}");
}
