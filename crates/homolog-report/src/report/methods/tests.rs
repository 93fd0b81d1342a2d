#![expect(clippy::unwrap_used, reason = "tests")]

use homolog_results::AblationRow;

use super::*;
use crate::test_run::{self, MODELS, Options};

/// The test run, screened with these two settings.
fn screened(folder: &std::path::Path, audit: i64, exact_near_thresholds: bool) -> Run {
    let mut run = test_run::open(folder, &Options::default());
    let correlation = run.settings.table.get_mut("correlation").and_then(toml::Value::as_table_mut).unwrap();
    correlation.insert("search".to_owned(), "screened".into());
    let screening: toml::Table =
        [("audit".to_owned(), audit.into()), ("exact_near_thresholds".to_owned(), exact_near_thresholds.into())]
            .into_iter()
            .collect();
    correlation.insert("screening".to_owned(), screening.into());
    run
}

#[test]
fn only_what_was_screened_for_is_claimed() {
    let folder = tempfile::tempdir().unwrap();
    let (in_full, at_risk) = ("or whose excess lies close to a threshold, are computed", "may be on its other side");
    let (few, none) = ("A random few", "Every baseline is the sample");
    for (audit, near, wanted, unwanted) in [
        (128, true, [in_full, few], [at_risk, none]),
        (128, false, [at_risk, few], [in_full, none]),
        (0, false, [at_risk, none], [in_full, few]),
    ] {
        let html = html(&screened(folder.path(), audit, near));
        assert!(wanted.iter().all(|words| html.contains(words)), "{audit}, {near}: {html}");
        assert!(unwanted.iter().all(|words| !html.contains(words)), "{audit}, {near}: {html}");
    }
    let exact = html(&test_run::open(folder.path(), &Options::default()));
    assert!(!exact.contains("come from a sample"), "{exact}");
}

#[test]
fn the_null_is_the_one_that_was_used() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = test_run::open(folder.path(), &Options::default());
    assert!(html(&run).contains("rotated within each layer by a random orthogonal matrix"));
    for (kind, words) in
        [("gaussian-rows", "matrix G of Gaussian numbers"), ("permuted-rows", "rows of text exchanged")]
    {
        kind.clone_into(&mut run.settings.baseline_kind);
        let html = html(&run);
        assert!(html.contains(words) && !html.contains("rotat"), "{kind}: {html}");
    }
}

#[test]
fn losses_of_ablations_are_over_the_tokens_they_are_over() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = test_run::open(folder.path(), &Options::default());
    assert!(html(&run).contains("over all 350 predicted tokens of the rows that correlations are over"));
    // 65 tokens are 10 of the 70 rows of 6.
    run.settings.ablation_tokens = 65;
    assert!(
        html(&run).contains(
            "over the first 50 predicted tokens of the rows that correlations are over (350 are in them all)"
        )
    );
}

fn row(set: &str, mode: &str, multiple: Option<u32>, draw: Option<u32>) -> AblationRow {
    AblationRow {
        model: MODELS[0].to_owned(),
        checkpoint: Some(200),
        threshold: Some(0.5),
        set: set.to_owned(),
        layer: None,
        mode: mode.to_owned(),
        multiple,
        draw,
        n_neurons: 1,
        loss_nats_clean: 4.0,
        loss_nats: 4.5,
        delta_loss_nats: 0.5,
        efficiency_nats: Some(0.5),
        ..AblationRow::default()
    }
}

/// A universal set, and random sets of these multiples in two draws.
fn rows(mode: &str, random: &[u32], matched: &[u32]) -> Vec<AblationRow> {
    let mut rows = vec![row("universal", mode, None, None), row("random_layer", mode, Some(1), Some(7))];
    for (set, multiples) in [("random", random), ("random_layer_matched", matched)] {
        rows.extend(
            multiples.iter().flat_map(|&multiple| (0..2).map(move |draw| row(set, mode, Some(multiple), Some(draw)))),
        );
    }
    rows
}

#[test]
fn multiples_are_those_of_the_table() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = test_run::open(folder.path(), &Options::default());
    let (doubled, lacking) = ("Multiples above 5 come from doubling", "some would need more neurons");
    assert!(html(&run).contains("No random sets stand beside"));
    // The study asks for 1, 2 and 5.
    let mut said = |rows: Vec<AblationRow>| {
        run.ablation = rows;
        let html = html(&run);
        let multiples = html.split("not universal, of ").nth(1).unwrap().split(" each:").next().unwrap().to_owned();
        (multiples, html.contains(doubled), html.contains(lacking))
    };
    let times = |multiples: &str| format!("{multiples} times its size, 2 draws");
    assert_eq!(said(rows("zero", &[1, 2, 5], &[1, 2, 5])), (times("1, 2 and 5"), false, false));
    assert_eq!(said(rows("zero", &[1, 2, 5, 10, 20], &[1, 2, 5])), (times("1, 2, 5, 10 and 20"), true, false));
    assert_eq!(said(rows("zero", &[1, 2, 5], &[1])), (times("1, 2 and 5"), false, true));
    assert_eq!(said(rows("zero", &[1], &[])), (times("1"), false, true));
    let both = [rows("zero", &[1, 2, 5, 10], &[1, 2, 5]), rows("mean", &[1, 2], &[1, 2])].concat();
    assert_eq!(said(both), (times("1, 2, 5 and 10"), true, true));
}

#[test]
fn matched_sets_and_draws_for_p_values_are_told_where_there_are_any() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = test_run::open(folder.path(), &Options::default());
    run.ablation = rows("zero", &[1, 2, 5], &[1, 2, 5]);
    assert!(!html(&run).contains("matched to it within layers"));
    run.ablation.extend([1, 2, 5].map(|multiple| row("random_matched", "zero", Some(multiple), Some(0))));
    run.ablation.extend((2..100).map(|draw| row("random", "zero", Some(1), Some(draw))));
    let found = html(&run);
    assert!(found.contains("2 draws (up to 100 draws of its own size, for p-values) each"), "{found}");
    assert!(found.contains("as the universal set has, and matched to it within layers."), "{found}");
    assert!(!found.contains("some would need more neurons"), "{found}");
    run.ablation.retain(|row| row.set != "random_matched" || row.multiple != Some(5));
    assert!(html(&run).contains("some would need more neurons"), "multiple 5 of the matched sets lacks");
}

#[test]
fn damage_and_the_family_are_explained_as_far_as_there_is_any() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = test_run::open(folder.path(), &Options::default());
    run.ablation = rows("zero", &[1], &[1]);
    let of_damage =
        ["<b>Matched</b>", "<b>permutation p-value</b>", "<b>Intervals of damage</b>", "<b>Equal damage</b>"];
    let of_tables = ["<b>first-order estimate</b>", "<b>The family</b>"];
    let has = |run: &Run, words: &str| html(run).contains(words);
    assert!(of_tables.iter().all(|words| has(&run, words)) && !of_damage.iter().any(|words| has(&run, words)));
    run.damage = vec![homolog_results::DamageRow {
        control: "random_matched".to_owned(),
        n_draws: 100,
        p_value: Some(0.2),
        ratio_low: Some(1.0),
        equal_multiple_reached: Some(0.0),
        ..homolog_results::DamageRow::default()
    }];
    let found = html(&run);
    for words in of_damage.into_iter().chain(["with up to 100 draws", "1,000 resamples", "the central 95 % of them"]) {
        assert!(found.contains(words), "{words}: {found}");
    }
    run.without_impact();
    assert!(!of_tables.iter().any(|words| has(&run, words)));
}

#[test]
fn evidence_is_explained_as_far_as_there_is_any() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = test_run::open(folder.path(), &Options::default());
    let words = [
        "one of 64 blocks of rows at a time",
        "<b>Cross-fitted</b>",
        "among all neurons of all models at a checkpoint",
        "9 most frequent tokens, each at 50 or more",
        "<code>is_universal_fdr</code>",
        "agrees all round",
    ];
    let found = html(&run);
    for words in words {
        assert!(found.contains(words), "{words}: {found}");
    }
    assert!(!found.contains("p_untrained") && !found.contains("p_permuted"));
    run.nulls[0].null = "untrained".to_owned();
    assert!(html(&run).contains("p_untrained"));
    run.cliques.clear();
    run.without_evidence();
    let found = html(&run);
    for words in words {
        assert!(!found.contains(words), "{words}: {found}");
    }
}

#[test]
fn the_rule_of_the_study_comes_first_and_the_others_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = test_run::open(folder.path(), &Options::default());
    run.settings.rule = crate::run::Rule::Fdr;
    let found = html(&run);
    assert!(
        found.contains("in this study when its best matches lie beyond chance at a false discovery rate of 0.5"),
        "{found}"
    );
    assert!(
        found.contains("by excess, if it is greater than 0.5 (<code>is_universal_excess</code>); by count"),
        "{found}"
    );
}
