//! What a study asks, and what then stands in its tables: rules of universality, and evidence that is not asked for.

use std::collections::BTreeMap;

use homolog_results::{AblationRow, EmergenceRow, MatchRow, ModelRow, NeuronRow, PersistenceRow, StabilityRow};
use homolog_study::Error;
use homolog_test::planted::random_rows;

use super::family::{CONTEXT, NAMES, rows, world};
use crate::world::{Run, World};

const STEPS: &str = "[checkpoints]\nsteps = [0, 5]\n[windows]\ncheckpoints = \"none\"\n[baseline]\ndraws = 4\n";
const ABLATION: &str = "[ablation]\nmodes = [\"zero\"]\ndraws = 1\nmultiples = [1]\nper_layer = false\n";

/// A run, in a folder that stays as long as its world.
fn run(settings: &str) -> (World, Run) {
    let mut world = world(&rows());
    world.add(settings);
    let run = world.run();
    (world, run)
}

/// [(model, step)]: neurons whose score passes a threshold, by the run's own columns.
type Members = BTreeMap<(String, i64), Vec<bool>>;

fn members(neurons: &[NeuronRow], is_member: impl Fn(&NeuronRow) -> bool) -> Members {
    let mut members = Members::new();
    for row in neurons {
        members.entry((row.model.clone(), row.checkpoint.unwrap())).or_default().push(is_member(row));
    }
    members
}

/// Everything that is said of who is universal follows from these sets, by threshold.
#[track_caller]
fn assert_follows(run: &Run, threshold: f64, of: &dyn Fn(f64) -> Members) {
    let neurons = run.table::<NeuronRow>();
    assert!(members(&neurons, |row| row.is_universal) == of(threshold), "is_universal");
    let n = |set: &[bool]| set.iter().filter(|is| **is).count() as u64;
    let of_layer = |set: &[bool], model: &str, layer: Option<u16>| -> Vec<bool> {
        let d_mlp = if model == "c" { 24 } else { 40 };
        layer.map_or(set.to_vec(), |layer| set[usize::from(layer) * d_mlp..][..d_mlp].to_vec())
    };
    let mut counts = Vec::new();
    for row in run.table::<EmergenceRow>() {
        let set = of_layer(&of(row.threshold)[&(row.model.clone(), row.checkpoint.unwrap())], &row.model, row.layer);
        assert_eq!(row.n_universal, n(&set), "{row:?}");
        let of_evidence = (row.share_se, row.share_low, row.share_high, row.n_surely, row.n_possibly);
        assert_eq!(of_evidence, (None, None, None, None, None), "only an excess is known without each block: {row:?}");
        counts.push(row.n_universal);
    }
    assert!(counts.iter().any(|n| *n > 0), "nobody is universal by any threshold, so nothing was shown");
    let steps = |model: &str, threshold: f64, layer: Option<u16>| {
        [0, 5].map(|step| of_layer(&of(threshold)[&(model.to_owned(), step)], model, layer))
    };
    for row in run.table::<PersistenceRow>() {
        let [from, to] = steps(&row.model, row.threshold, row.layer);
        let both: Vec<bool> = from.iter().zip(&to).map(|(from, to)| *from && *to).collect();
        assert_eq!((row.n_from, row.n_to, row.n_both), (n(&from), n(&to), n(&both)), "{row:?}");
    }
    for row in run.table::<StabilityRow>() {
        let [from, to] = steps(&row.model, row.threshold, row.layer);
        let times = from.iter().zip(&to).map(|(from, to)| u32::from(*from) + u32::from(*to));
        assert_eq!(row.n_universal_at_least_k, times.filter(|times| *times >= row.k).count() as u64, "{row:?}");
    }
    let universal: Vec<AblationRow> =
        run.table::<AblationRow>().into_iter().filter(|row| row.set == "universal").collect();
    assert_eq!(universal.len(), 2 * NAMES.len());
    for row in universal {
        let set = &of(threshold)[&(row.model.clone(), row.checkpoint.unwrap())];
        assert_eq!((row.n_neurons, row.threshold), (n(set), Some(threshold)), "{row:?}");
    }
}

#[test]
fn the_study_follows_its_rule_and_the_other_rules_stand_beside_it() {
    let (_excess, excess) = run(&format!(
        "{STEPS}[universality]\nthreshold = 0.5\ncount_threshold = 0.6\ncount_models = 2\nfdr = 0.1\n{ABLATION}"
    ));
    let (_count, count) = run(&format!(
        "{STEPS}[universality]\nrule = \"count\"\ncount_threshold = 0.6\ncount_models = 2\nfdr = 0.1\n{ABLATION}"
    ));
    let (_fdr, fdr) = run(&format!(
        "{STEPS}[universality]\nrule = \"fdr\"\ncount_threshold = 0.6\ncount_models = 2\nfdr = 0.1\nthresholds = [0.01, 0.5]\n{ABLATION}"
    ));
    // Of two other models: both, so the lesser correlation.
    let by_count = |run: &Run, threshold: f64| {
        members(&run.table::<NeuronRow>(), |row| {
            assert!(row.min_corr.is_none_or(|corr| (corr - threshold).abs() > 1e-6), "another threshold: {row:?}");
            row.min_corr.is_some_and(|corr| corr > threshold)
        })
    };
    assert_follows(&count, 0.6, &|threshold| by_count(&count, threshold));
    let by_q = |threshold: f64| members(&fdr.table::<NeuronRow>(), |row| row.q_bh.is_some_and(|q| q <= threshold));
    assert_follows(&fdr, 0.1, &by_q);
    // The mutant: the sets of one rule are not those of the other.
    let is_other = std::panic::AssertUnwindSafe(|| assert_follows(&fdr, 0.1, &|_| by_count(&fdr, 0.6)));
    assert!(std::panic::catch_unwind(is_other).is_err());

    // What does not depend on the rule is the same.
    let rows = |run: &Run| -> Vec<NeuronRow> {
        run.table::<NeuronRow>().into_iter().map(|row| NeuronRow { is_universal: false, ..row }).collect()
    };
    assert!(rows(&excess) == rows(&count) && rows(&excess) == rows(&fdr));
    assert!(excess.table::<MatchRow>() == count.table::<MatchRow>());
    assert!(count.table::<homolog_results::CliqueRow>() == fdr.table::<homolog_results::CliqueRow>());
    for row in excess.table::<NeuronRow>() {
        assert_eq!(row.is_universal_excess, row.excess_corr.is_some_and(|excess| excess > 0.5), "{row:?}");
        assert_eq!(row.is_universal, row.is_universal_excess, "{row:?}");
        assert_eq!(row.is_universal_fdr, row.q_bh.is_some_and(|q| q <= 0.1), "{row:?}");
        assert_eq!(row.is_universal_count, row.min_corr.is_some_and(|corr| corr > 0.6), "{row:?}");
    }
    let by = |is: fn(&NeuronRow) -> bool| excess.table::<NeuronRow>().iter().filter(|row| is(row)).count();
    let n = [by(|row| row.is_universal_excess), by(|row| row.is_universal_count), by(|row| row.is_universal_fdr)];
    // No excess of so small a family passes 0.5; the others part.
    assert!(n[0] == 0 && n[1] > 0 && n[1] < n[2] && n[2] < 400, "{n:?}");
}

#[test]
fn settings_that_contradict_each_other_name_file_cause_and_next_step() {
    let cases: [(&str, &[&str]); 13] = [
        (
            "[universality]\nrule = \"count\"\nthreshold = 0.4",
            &["threshold is 0.4", "count_threshold is 0.5", "leave threshold out"],
        ),
        (
            "[universality]\nrule = \"fdr\"\nthreshold = 0.4\n[baseline]\ndraws = 4",
            &["threshold is 0.4", "fdr is 0.05", "leave threshold out"],
        ),
        ("[universality]\nrule = \"fdr\"", &["baseline.draws", "at least 4", "it is 1"]),
        (
            "[universality]\nrule = \"fdr\"\n[baseline]\ndraws = 4\nkind = \"permuted-rows\"",
            &["fdr", "baseline.kind", "orthogonal"],
        ),
        ("[universality]\nfdr = 1.0", &["universality.fdr", "between 0 and 1"]),
        ("[universality]\ncount_models = 3", &["count_models is 3", "2 others"]),
        (
            "[nulls]\npermuted_rows = 1\n[correlation]\nsearch = \"screened\"\n[correlation.screening]\ntokens = 120",
            &["nulls.permuted_rows", "search = exact"],
        ),
        (
            "[nulls]\npermuted_rows = 1\n[baseline]\nkind = \"permuted-rows\"",
            &["nulls.permuted_rows", "baseline.draws"],
        ),
        ("[evidence]\nblocks = 3", &["evidence.blocks is 3", "between 4 and 1024"]),
        ("[evidence]\nblocks = 1025", &["evidence.blocks is 1025", "between 4 and 1024"]),
        ("[evidence]\nlevel = 1.0", &["evidence.level", "0.95"]),
        ("[evidence]\ncandidates = 0", &["evidence.candidates", "enabled = false"]),
        ("[evidence]\nleast_token_count = 1", &["evidence.least_token_count", "at least 2"]),
    ];
    for (settings, words) in cases {
        let mut world = world(&rows());
        world.add(&format!("[checkpoints]\nsteps = [5]\n{settings}"));
        let error = world.config().expect_err(settings);
        assert!(matches!(error, Error::BadSetting { .. }), "{error:?}");
        let message = error.to_string();
        let words = words.iter().chain(&["study.toml"]);
        let missed: Vec<_> = words.filter(|word| !message.contains(**word)).collect();
        assert!(missed.is_empty(), "{missed:?} of {settings:?}: {message}");
    }
    // What is not asked is not checked.
    let mut world = world(&rows());
    world.add("[checkpoints]\nsteps = [5]\n[evidence]\nenabled = false\nblocks = 3");
    world.config().unwrap();
}

/// Whether each column of evidence is there: intervals, halves, what tokens and positions leave.
fn has(run: &Run) -> [bool; 3] {
    let (matches, neurons) = (run.table::<MatchRow>(), run.table::<NeuronRow>());
    let (models, emergence) = (run.table::<ModelRow>(), run.table::<EmergenceRow>());
    // All or none, but for what is undefined.
    let all_or_none = |columns: Vec<bool>| {
        assert!(columns.iter().all(|is| *is == columns[0]), "{columns:?}");
        columns[0]
    };
    let defined = || matches.iter().filter(|row| row.max_corr.is_some());
    let of_neurons = || neurons.iter().filter(|row| row.max_corr.is_some());
    let mut columns: [Vec<bool>; 3] = Default::default();
    for row in defined() {
        let of_pair = [row.max_corr_se, row.max_corr_low, row.max_corr_high, row.n_eff, row.lead_se];
        columns[0].extend(of_pair.map(|value| value.is_some()));
        columns[1].extend([row.cross_fitted_corr.is_some(), row.is_same_in_halves.is_some()]);
        let left = [row.corr_without_token, row.corr_without_position, row.corr_without_both];
        columns[2].extend(left.map(|value| value.is_some()));
        // What is no matter of evidence is always there.
        assert!(row.lead.is_some() && row.same_layer_corr.is_some() == (row.layer < 2), "{row:?}");
    }
    for row in of_neurons() {
        columns[0].extend([row.excess_se, row.excess_low, row.excess_high].map(|value| value.is_some()));
        columns[1].extend([row.cross_fitted_corr, row.cross_fitted_excess].map(|value| value.is_some()));
        let shares = [row.token_share, row.position_share, row.token_position_share, row.mean_corr_without_both];
        columns[2].extend(shares.map(|value| value.is_some()));
    }
    columns[0].extend(emergence.iter().flat_map(|row| [row.share_se.is_some(), row.n_surely.is_some()]));
    columns[0].extend(models.iter().flat_map(|row| [row.n_blocks.is_some(), row.blocks_of.is_some()]));
    columns[2]
        .extend(models.iter().flat_map(|row| [row.n_frequent_tokens.is_some(), row.frequent_token_share.is_some()]));
    columns.map(all_or_none)
}

#[test]
fn what_is_not_asked_is_null_and_the_rest_stays() {
    let settings = "[checkpoints]\nsteps = [5]\n[windows]\ncheckpoints = \"none\"\n[ablation]\nenabled = false\n[evidence]\nblocks = 12\n";
    let (_asked, asked) = run(settings);
    assert_eq!(has(&asked), [true; 3]);
    assert_eq!(has(&run(&format!("{settings}enabled = false")).1), [false; 3]);
    assert_eq!(has(&run(&format!("{settings}cross_fit = false")).1), [true, false, true]);
    let (_without_tokens, without_tokens) = run(&format!("{settings}frequent_tokens = 0"));
    assert_eq!(has(&without_tokens), [true, true, false]);
    let intervals = |run: &Run| -> Vec<_> {
        run.table::<MatchRow>().into_iter().map(|row| (row.max_corr, row.max_corr_se, row.cross_fitted_corr)).collect()
    };
    assert!(intervals(&asked) == intervals(&without_tokens));
    // No token is frequent enough: positions alone are asked, and all tokens are one class.
    let (_rare, rare) = run(&format!("{settings}least_token_count = 10_000"));
    assert_eq!(has(&rare), [true; 3]);
    for row in rare.table::<ModelRow>() {
        let found = (row.n_frequent_tokens, row.frequent_token_share, row.least_token_count);
        assert_eq!(found, (Some(0), Some(0.0), None), "{row:?}");
    }
    for row in rare.table::<NeuronRow>().iter().filter(|row| row.max_corr.is_some()) {
        assert!(row.token_share.unwrap().abs() < 1e-9, "{row:?}");
    }
}

/// One row makes one block, of which no spread can be told.
#[test]
fn one_row_leaves_no_evidence() {
    let mut world = world(&random_rows(1, CONTEXT, 61, Some(60), 1));
    world.add("[checkpoints]\nsteps = [5]\n[windows]\ncheckpoints = \"none\"\n[ablation]\nenabled = false");
    assert_eq!(has(&world.run()), [false; 3]);
}
