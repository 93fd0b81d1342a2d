#![expect(clippy::unwrap_used, reason = "tests")]

use homolog_results::{Audit, AuditKind, AuditWarning, notes};

use super::*;
use crate::test_run::{self, Options};

#[test]
fn only_what_applies_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = test_run::open(folder.path(), &Options::default());
    let has = |run: &Run, words: &str| of(run).iter().any(|caveat| caveat.contains(words));
    for words in [
        "same rows of text",
        "from a single random rotation of each layer",
        "unproved",
        "9 neurons, over all",
        "There are 3 models",
        "note with <b>",
    ] {
        assert!(has(&run, words), "{words}");
    }
    for words in ["screened", "bf16", "Every position counts", "config.json"] {
        assert!(!has(&run, words), "{words}");
    }
    run.models.iter_mut().for_each(|row| {
        row.loss_tokens = "held_out".to_owned();
        row.n_undefined = 0;
    });
    run.settings.baseline_draws = 3;
    run.manifest.tokenizer = "ab".repeat(32);
    run.manifest.precision = "bf16".to_owned();
    run.manifest.exclude_tokens.clear();
    for words in ["same rows of text", "from a single", "unproved", "constant on"] {
        assert!(!has(&run, words), "{words}");
    }
    for words in ["computed in bf16", "Every position counts"] {
        assert!(has(&run, words), "{words}");
    }
}

#[test]
fn a_single_draw_is_called_what_it_was_of() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = test_run::open(folder.path(), &Options::default());
    for (kind, words) in
        [("gaussian-rows", "single random Gaussian mixing"), ("permuted-rows", "single random exchange of rows")]
    {
        kind.clone_into(&mut run.settings.baseline_kind);
        let caveats = of(&run);
        assert!(caveats.iter().any(|caveat| caveat.contains(words)), "{kind}: {caveats:?}");
        assert!(caveats.iter().all(|caveat| !caveat.contains("rotat")), "{kind}: {caveats:?}");
    }
}

#[test]
fn notes_that_the_page_has_in_its_own_words_are_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = test_run::open(folder.path(), &Options::default());
    run.manifest.exclude_tokens.clear();
    let none_universal = format!("at checkpoint 0 {} 0.5: and more", notes::NONE_UNIVERSAL);
    let told = [notes::SAME_ROWS, notes::UNPROVED_TOKENIZER, notes::EVERY_POSITION, &none_universal];
    run.manifest.notes = told.map(str::to_owned).to_vec();
    let without = of(&run);
    assert!(without.iter().all(|caveat| !caveat.starts_with("The run notes")), "{without:?}");
    let own_words = ["same rows of text", "unproved", "Every position counts"];
    assert!(own_words.iter().all(|words| without.iter().any(|caveat| caveat.contains(words))), "{without:?}");
    run.manifest.notes.push("ablate a: no `random` set of multiple 5".to_owned());
    assert_eq!(of(&run).len(), without.len() + 1);
}

#[test]
fn what_the_audit_warned_of_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = test_run::open(folder.path(), &Options::default());
    let without = of(&run);
    let warning = AuditWarning {
        kind: AuditKind::OutOfOrder,
        model: "seed-a".to_owned(),
        checkpoint: Some(280),
        message: "it does not lie between".to_owned(),
    };
    run.manifest.audit = Some(Audit { warnings: vec![warning], notes: vec!["frozen".to_owned()], ..Audit::default() });
    let with = of(&run);
    let new: Vec<&String> = with.iter().filter(|caveat| !without.contains(caveat)).collect();
    assert_eq!(new, ["The audit of checkpoints warns of seed-a, checkpoint 280: it does not lie between."]);
}

#[test]
fn what_intervals_do_not_hold_is_said_where_there_are_any() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = test_run::open(folder.path(), &Options::default());
    let has = |run: &Run, words: &str| of(run).iter().any(|caveat| caveat.contains(words));
    let is_last = |row: &&homolog_results::EmergenceRow| {
        row.checkpoint == Some(200) && row.layer.is_none() && row.threshold == 0.5
    };
    let rows = run.emergence.iter().filter(is_last);
    let n: u64 = rows.map(|row| row.n_possibly.unwrap() - row.n_surely.unwrap()).sum();
    assert!(n > 0);
    let crossing = format!("95 % interval of {n} neurons holds the threshold at step 200");
    for words in ["match and baseline fixed", "rows, not documents", &crossing] {
        assert!(has(&run, words), "{words}");
    }
    assert!(!has(&run, "blocks only"));
    run.models.iter_mut().for_each(|row| (row.n_blocks, row.blocks_of) = (Some(12), Some("documents".to_owned())));
    assert!(has(&run, "over 12 blocks only") && !has(&run, "rows, not documents"));
    run.without_evidence();
    assert!(!has(&run, "nterval"));
}
