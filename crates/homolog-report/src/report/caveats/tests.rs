#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::test_run::{self, Options};

#[test]
fn only_what_applies_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = test_run::open(folder.path(), &Options::default());
    let has = |run: &Run, words: &str| of(run).iter().any(|caveat| caveat.contains(words));
    for words in [
        "same rows of text",
        "single random draw",
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
    for words in ["same rows of text", "single random draw", "unproved", "constant on"] {
        assert!(!has(&run, words), "{words}");
    }
    for words in ["computed in bf16", "Every position counts"] {
        assert!(has(&run, words), "{words}");
    }
}
