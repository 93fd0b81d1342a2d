//! A screened search finds what the exact one finds, says how, and gives the same bytes however it is run.

use std::collections::BTreeMap;

use homolog_results::{EmergenceRow, MatchRow, NeuronRow, ScreeningRow, Table, read_table};
use homolog_study::{Error, StudyConfig};
use homolog_test::planted::{null_pair, random_rows, shape, twin, weights};
use homolog_test::require_fixtures;
use homolog_test::tiny_gpt2::{Gpt2Shape, Layout};

use crate::world::{Run, World, options};

/// Three models of 160 neurons; the last layer's have rivals close to each other, so that some matches stay unsure.
fn family(settings: &str) -> World {
    let shape = Gpt2Shape::tiny();
    let rows = random_rows(400, 12, shape.d_vocab, shape.bos, 1);
    let mut world = World::new(&rows, 12);
    for (name, rng_seed) in [("a", 1), ("b", 2), ("c", 3)] {
        world.model(name, None, (&shape, &shape.random(10 * rng_seed, 0.3)), Layout::PLAIN);
    }
    world.add("[universality]\nthreshold = 0.2\nthresholds = [0.3]\n[ablation]\nenabled = false");
    world.add(&format!("[correlation]\ntop_k = 4\n{settings}"));
    world
}

const SCREENED: &str = "search = \"screened\"\n[correlation.screening]\ntokens = 600\nnarrowing_tokens = 1800\ncandidates = 12\naudit = 16\n";

/// What differs between a screened run and the exact one, beyond what a screening may; empty if nothing does.
fn complaints(screened: &Run, exact: &Run) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut of_screened = BTreeMap::new();
    for row in screened.table::<EmergenceRow>() {
        of_screened.insert((row.model, row.checkpoint, row.layer, row.threshold.to_bits()), row.n_universal);
    }
    for row in exact.table::<EmergenceRow>() {
        let key = (row.model.clone(), row.checkpoint, row.layer, row.threshold.to_bits());
        if of_screened[&key] != row.n_universal {
            complaints.push(format!("{} universal: {row:?}", of_screened[&key]));
        }
    }
    for (found, wanted) in screened.table::<MatchRow>().iter().zip(&exact.table::<MatchRow>()) {
        let is_decided = wanted.max_corr.zip(wanted.second_corr).is_some_and(|(best, second)| best - second > 1e-3);
        let is_same = (found.matched_layer, found.matched_neuron) == (wanted.matched_layer, wanted.matched_neuron);
        let difference = found.max_corr.zip(wanted.max_corr).map(|(found, wanted)| (found - wanted).abs());
        // What was computed exactly is the same to the last bit.
        let is_close = if found.is_exact {
            (found.max_corr, found.second_corr, found.lowest_corr)
                == (wanted.max_corr, wanted.second_corr, wanted.lowest_corr)
        } else {
            difference.is_some_and(|difference| difference < 1e-5)
        };
        let is_baseline_close = !found.is_baseline_exact || found.baseline == wanted.baseline;
        if !(is_close && is_baseline_close && (is_same || !is_decided)) {
            complaints.push(format!("{found:?}, exactly {wanted:?}"));
        }
        if found.is_exact != found.margin.is_none() || found.is_baseline_exact && !found.is_exact {
            complaints.push(format!("how it was decided: {found:?}"));
        }
    }
    complaints
}

/// Neurons decided by screening, over all pairs.
fn n_screened(run: &Run) -> u64 {
    run.table::<ScreeningRow>().iter().map(|row| row.n_screened).sum()
}

#[test]
fn an_untrained_family_gets_the_exact_answer_and_is_told_how() {
    let exact_world = family("");
    let exact = exact_world.run();
    let world = family(SCREENED);
    let run = world.run();
    assert_eq!(complaints(&run, &exact), Vec::<String>::new());
    assert!(!exact.folder.join("tables/screening.parquet").exists());
    let rows = run.table::<ScreeningRow>();
    assert_eq!(rows.len(), 6);
    for row in &rows {
        assert_eq!((row.n_audited, row.n_same_match), (16, row.n_audited_sure), "{row:?}");
        assert!(row.n_unsure > 0 && row.least_margin.unwrap() >= 5.0, "{row:?}");
        assert!(row.baseline_bias.unwrap() > 0.0, "a maximum over fewer tokens is larger: {row:?}");
        assert!((500..600).contains(&row.n_tokens_sample) && row.n_tokens_narrowing.unwrap() > 1500, "{row:?}");
    }
    assert_eq!(run.manifest().seeds["audit"], 0);
    assert!(n_screened(&run) > 40, "{rows:?}");
    let matches = run.table::<MatchRow>();
    assert_eq!(matches.iter().filter(|row| !row.is_exact).count() as u64, n_screened(&run));
    let neurons = run.table::<NeuronRow>();
    assert!(neurons.iter().any(|row| row.is_exact) && neurons.iter().any(|row| !row.is_exact));
    assert!(run.summary().contains("of the matches were decided by screening, each by"), "{}", run.summary());
    assert!(run.summary().contains("sure matches that were audited"), "{}", run.summary());
    // Another search in the same folder takes the table away again.
    let text = world.text.replace(SCREENED, "");
    let config = StudyConfig::parse(&text, &world.path("study.toml"), &[]).unwrap();
    let again = Run::of(&config, &world.options()).unwrap();
    assert!(again.results().keys().eq(exact.results().keys()), "{:?}", again.results().keys());
    assert!(again.table::<MatchRow>() == exact.table::<MatchRow>());
}

#[test]
fn a_margin_of_nothing_lets_mistakes_through_that_the_comparison_sees() {
    let exact_world = family("");
    let exact = exact_world.run();
    let careless = SCREENED.replace("candidates = 12", "candidates = 4\nmargin = 1e-9\nexact_near_thresholds = false");
    let world = family(&careless.replace("tokens = 600", "tokens = 60"));
    let run = world.run();
    assert!(!complaints(&run, &exact).is_empty());
    let rows = run.table::<ScreeningRow>();
    assert!(rows.iter().any(|row| row.n_same_match < row.n_audited_sure), "the audit sees it too: {rows:?}");
}

#[test]
fn threads_batches_memory_and_a_lost_artifact_change_no_byte() {
    let world = family(SCREENED);
    let wanted = world.run().results();
    let run_in = |folder: &str, n_threads: usize, batch_rows: usize, memory_bytes: u64| {
        let mut options = options(&world.path(folder));
        (options.batch_rows, options.memory_bytes) = (batch_rows, memory_bytes);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
        pool.install(|| world.run_with(&options)).unwrap()
    };
    let ample = world.options().memory_bytes;
    assert!(run_in("three threads", 3, 8, ample).results() == wanted);
    assert!(run_in("single rows", 2, 1, ample).results() == wanted);
    let options = homolog_study::Options { memory_bytes: 1, ..options(&world.path("no room")) };
    let needed = match world.run_with(&options).err().unwrap() {
        Error::TooLittleMemory { needed_bytes, .. } => needed_bytes,
        other => panic!("{other}"),
    };
    let little = run_in("little memory", 2, 8, needed);
    assert!(little.results() == wanted);
    // What the sample gave is found again.
    let folder = world.path("gone on with");
    run_in("gone on with", 2, 8, ample);
    let artifacts: Vec<_> =
        std::fs::read_dir(folder.join("artifacts")).unwrap().map(|file| file.unwrap().path()).collect();
    let is_correlation =
        |path: &&std::path::PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with("correlate-");
    std::fs::remove_file(artifacts.iter().find(is_correlation).unwrap()).unwrap();
    std::fs::remove_file(folder.join("tables/neurons.parquet")).unwrap();
    let again = run_in("gone on with", 2, 8, ample);
    assert!(again.said.iter().any(|line| line.starts_with("screen models: skipped")), "{:?}", again.said);
    assert!(again.results() == wanted);
}

#[test]
fn planted_neurons_are_found_by_screening() {
    let base = weights(&shape(), 1);
    let pair = twin(&shape(), &base, 2);
    let rows = random_rows(200, shape().n_ctx, shape().d_vocab, shape().bos, 3);
    for (pair, n_universal) in [(&pair, 320), (&null_pair(&shape(), 5), 0)] {
        let mut world = World::new(&rows, shape().n_ctx);
        world.model("a", None, (&shape(), &pair.a), Layout::PLAIN);
        world.model("b", None, (&shape(), &pair.b), Layout::PLAIN);
        world.add("[ablation]\nenabled = false\n[correlation]\nsearch = \"screened\"");
        world.add("[correlation.screening]\ntokens = 480\nnarrowing_tokens = 480\ncandidates = 16\naudit = 32");
        let run = world.run();
        let neurons = run.table::<NeuronRow>();
        let is_shared: Vec<bool> = pair.partner.iter().map(Option::is_some).collect();
        let found: Vec<bool> = neurons.iter().filter(|row| row.model == "a").map(|row| row.is_universal).collect();
        assert_eq!(found, is_shared);
        assert_eq!(found.iter().filter(|&&found| found).count(), n_universal);
        let rows = run.table::<ScreeningRow>();
        assert!(
            rows.iter().all(|row| row.n_tokens_narrowing.is_none() && row.n_same_match == row.n_audited_sure),
            "{rows:?}"
        );
    }
}

#[test]
fn a_plan_tells_what_the_sample_and_the_candidates_take() {
    let world = family(SCREENED);
    let plan = homolog_study::dry_run(&world.config().unwrap(), &world.options(), &homolog_study::Silent).unwrap();
    for word in
        ["screen: all pairs on the sample", "single pairs", "what stays in doubt", "evaluate", "Memory, at most"]
    {
        assert!(plan.contains(word), "{word}: {plan}");
    }
    let exact = family("");
    let plan = homolog_study::dry_run(&exact.config().unwrap(), &exact.options(), &homolog_study::Silent).unwrap();
    assert!(plan.contains("| correlate |") && !plan.contains("sample"), "{plan}");
}

/// A neuron that is silent on the sample has no candidates there, and is nobody's; over all tokens it counts again.
#[test]
fn neurons_that_are_constant_on_the_sample_are_looked_up_exactly() {
    let shape = Gpt2Shape::tiny();
    // Token 5 stands in one row only, which no sample of 4 rows at even distances takes.
    let mut rows: Vec<u16> = random_rows(40, 12, shape.d_vocab, shape.bos, 1);
    rows.iter_mut().filter(|token| **token == 5).for_each(|token| *token = 6);
    rows[3 * 12 + 4] = 5;
    let mut world = World::new(&rows, 12);
    for (name, rng_seed) in [("a", 10), ("b", 20)] {
        let mut weights = shape.random(rng_seed, 0.3);
        // Neuron 0 of layer 0 answers to what only token 5 has.
        silence_but_for(&shape, &mut weights, 5);
        world.model(name, None, (&shape, &weights), Layout::PLAIN);
    }
    world.add("[ablation]\nenabled = false\n[correlation]\ntop_k = 3");
    let exact = world.run();
    // Narrowed on eight rows the token is met there, and not only on all.
    for (narrowing, takes_narrowing) in [(48, false), (264, true)] {
        let text = world.text.clone()
            + "search = \"screened\"\n[correlation.screening]\ntokens = 48\ncandidates = 4\n"
            + &format!("narrowing_tokens = {narrowing}\n");
        let config = StudyConfig::parse(&text, &world.path("study.toml"), &[]).unwrap();
        let screened = Run::of(&config, &options(&world.path(&format!("screened {narrowing}")))).unwrap();
        assert_eq!(complaints(&screened, &exact), Vec::<String>::new());
        let row = screened.table::<MatchRow>().into_iter().find(|row| (row.layer, row.neuron) == (0, 0)).unwrap();
        assert_eq!((row.matched_layer, row.matched_neuron), (Some(0), Some(0)), "{row:?}");
        assert!(row.max_corr.unwrap() > 0.99, "{row:?}");
        let rows = screened.table::<ScreeningRow>();
        assert_eq!(rows[0].n_tokens_narrowing.is_some(), takes_narrowing, "{rows:?}");
    }
}

/// A neuron that never does anything has no match, and says nothing of how sure the others are.
#[test]
fn a_dead_neuron_is_undefined_and_not_unsure() {
    let shape = Gpt2Shape::tiny();
    let rows: Vec<u16> = random_rows(200, 12, shape.d_vocab, shape.bos, 1);
    let mut world = World::new(&rows, 12);
    for (name, rng_seed) in [("a", 10), ("b", 20)] {
        let mut weights = shape.random(rng_seed, 0.3);
        weights.get_mut("h.1.mlp.c_fc.bias").unwrap().values[7] = -1e4;
        world.model(name, None, (&shape, &weights), Layout::PLAIN);
    }
    world.add("[ablation]\nenabled = false\n[universality]\nthreshold = 0.9\nthresholds = [0.9]");
    world.add(&format!("[correlation]\ntop_k = 4\n{SCREENED}"));
    let run = world.run();
    for row in run.table::<MatchRow>().iter().filter(|row| (row.layer, row.neuron) == (1, 7)) {
        assert_eq!((row.max_corr, row.margin, row.is_exact), (None, None, true), "{row:?}");
    }
    let rows = run.table::<ScreeningRow>();
    assert!(rows.iter().all(|row| row.least_margin.unwrap() >= 5.0 && row.n_screened > 0), "{rows:?}");
    assert!(!run.summary().contains("inf"), "{}", run.summary());
}

/// Neuron 0 of layer 0 is positive where `token` stands, and elsewhere so far below zero that its activation is exactly that.
fn silence_but_for(shape: &Gpt2Shape, weights: &mut homolog_test::tiny_gpt2::Weights, token: usize) {
    let d = shape.d_model;
    let direction: Vec<f32> = (0..d).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 }).collect();
    let embedding = &mut weights.get_mut("wte.weight").unwrap().values;
    embedding[token * d..][..d].iter_mut().zip(&direction).for_each(|(value, &along)| *value = 100.0 * along);
    let columns = &mut weights.get_mut("h.0.mlp.c_fc.weight").unwrap().values;
    columns.iter_mut().step_by(shape.d_mlp).zip(&direction).for_each(|(value, &along)| *value = 100.0 * along);
    weights.get_mut("h.0.mlp.c_fc.bias").unwrap().values[0] = -90.0 * d as f32;
    let norm = &mut weights.get_mut("h.0.ln_2.weight").unwrap().values;
    norm.fill(1.0);
    weights.get_mut("h.0.ln_2.bias").unwrap().values.fill(0.0);
}

/// The trained fixture family at its last checkpoint: the universal sets of every threshold are those of the exact search.
#[test]
fn a_trained_family_gets_the_exact_answer() {
    let fixtures = require_fixtures!();
    let text = std::fs::read_to_string(fixtures.join("study.toml")).unwrap();
    let path = fixtures.join("study.toml");
    let set = |more: &[&str]| -> Vec<String> {
        let always = ["checkpoints.steps=[1600]", "ablation.enabled=false"];
        always.iter().chain(more).map(ToString::to_string).collect()
    };
    let folder = tempfile::tempdir().unwrap();
    let run = |name: &str, set: &[String]| {
        let options = homolog_study::Options { memory_bytes: 4_000_000_000, ..options(&folder.path().join(name)) };
        Run::of(&StudyConfig::parse(&text, &path, set).unwrap(), &options).unwrap()
    };
    let exact = run("exact", &set(&[]));
    let screened = run(
        "screened",
        &set(&[
            "correlation.search=screened",
            "correlation.screening.tokens=4000",
            "correlation.screening.narrowing_tokens=10000",
        ]),
    );
    assert_eq!(complaints(&screened, &exact), Vec::<String>::new());
    for row in
        read_table::<ScreeningRow>(&screened.folder.join(format!("tables/{}.parquet", ScreeningRow::NAME))).unwrap()
    {
        assert!(row.n_same_match == row.n_audited_sure && row.n_audited_sure > 100, "{row:?}");
    }
}
