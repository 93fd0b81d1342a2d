//! "Errors, not repairs": what is wrong with a study stops it before any work, with the cause, the file and what to do.

use std::fs;

use homolog_study::Error;
use homolog_test::planted::{random_rows, write_u16_rows};
use homolog_test::tiny_gpt2::{Gpt2Shape, Layout};

use crate::world::{World, files};

/// Two tiny models, each with two checkpoints, and a list of neurons: nothing wrong with them.
fn world() -> World {
    let shape = Gpt2Shape::tiny();
    let mut world = World::new(&random_rows(6, 12, 61, Some(60), 1), 12);
    for (name, rng_seed) in [("a", 1), ("b", 2)] {
        for step in [5, 9] {
            let weights = shape.random(10 * rng_seed + step as u64, 0.3);
            world.model(name, Some(step), (&shape, &weights), Layout::PLAIN);
        }
    }
    world.add("[checkpoints]\nsteps = [5, 9]\n[baseline]\ndraws = 1\n[correlation]\ntop_k = 3");
    world.add("[universality]\nthreshold = 0.2\nthresholds = [0.1, 0.2]\n[ablation]\ndraws = 1\nmultiples = [1]");
    world.add("[[ablation.set]]\nname = \"mine\"\nfile = \"mine.csv\"");
    fs::write(world.path("mine.csv"), "layer,neuron\n0,1\n1,39\n").unwrap();
    world
}

/// What is done to a sound world, and what must be said about it.
struct Case {
    /// What is wrong.
    name: &'static str,
    spoil: fn(&mut World),
    is_variant: fn(&Error) -> bool,
    /// All must be in the message, the file's path among them.
    words: &'static [&'static str],
}

/// Put `with` where the study file says `text`, which it must.
fn edit(world: &mut World, text: &str, with: &str) {
    assert!(world.text.contains(text), "{text}");
    world.text = world.text.replacen(text, with, 1);
}

/// Ask for a screened search with these settings.
fn screened(world: &mut World, settings: &str) {
    edit(world, "top_k = 3", &format!("top_k = 3\nsearch = \"screened\"\n[correlation.screening]\n{settings}"));
}

fn write(world: &World, file: &str, text: &str) {
    fs::write(world.path(file), text).unwrap();
}

fn is_setting(error: &Error) -> bool {
    matches!(error, Error::BadSetting { .. })
}

fn is_study(error: &Error) -> bool {
    matches!(error, Error::BadStudy { .. })
}

fn is_not_built(error: &Error) -> bool {
    matches!(error, Error::NotBuilt { .. })
}

fn is_list(error: &Error) -> bool {
    matches!(error, Error::BadNeuronList { .. })
}

const fn case(
    name: &'static str,
    spoil: fn(&mut World),
    is_variant: fn(&Error) -> bool,
    words: &'static [&'static str],
) -> Case {
    Case { name, spoil, is_variant, words }
}

const STUDY_FILE: &[Case] = &[
    case(
        "one model",
        |w| edit(w, "[[model]]\nname = \"b\"\npath = \"b\"\n", ""),
        is_setting,
        &["at least two", "study.toml"],
    ),
    case(
        "no model",
        |w| w.text = "[study]\nname = \"x\"\n[corpus]\ntoken_file = \"t.u16\"\ncontext = 4".into(),
        is_setting,
        &["at least two", "not 0", "study.toml"],
    ),
    case(
        "repeated name",
        |w| edit(w, "name = \"b\"", "name = \"a\""),
        is_setting,
        &["two models", "`a`", "study.toml"],
    ),
    case("empty name", |w| edit(w, "name = \"b\"", "name = \"\""), is_setting, &["is empty", "study.toml"]),
    case(
        "name that is no folder's",
        |w| edit(w, "name = \"world\"", "name = \"a/b\""),
        is_setting,
        &["study.name", "a/b", "study.toml"],
    ),
    case(
        "repeated step",
        |w| edit(w, "steps = [5, 9]", "steps = [5, 9, 5]"),
        is_setting,
        &["steps", "5 twice", "study.toml"],
    ),
    case("no steps", |w| edit(w, "steps = [5, 9]", "steps = []"), is_setting, &["steps is empty", "study.toml"]),
    case(
        "pattern without step",
        |w| edit(w, "steps = [5, 9]", "steps = [5, 9]\npattern = \"final\""),
        is_setting,
        &["pattern", "{step}", "study.toml"],
    ),
    case(
        "threshold nan",
        |w| edit(w, "threshold = 0.2", "threshold = nan"),
        is_setting,
        &["NaN", "finite", "study.toml"],
    ),
    case("thresholds inf", |w| edit(w, "[0.1, 0.2]", "[0.1, inf]"), is_setting, &["inf", "finite", "study.toml"]),
    case(
        "count_threshold -inf",
        |w| edit(w, "threshold = 0.2", "count_threshold = -inf"),
        is_setting,
        &["-inf", "finite", "study.toml"],
    ),
    case(
        "threshold twice",
        |w| edit(w, "[0.1, 0.2]", "[0.1, 0.1]"),
        is_setting,
        &["thresholds", "0.1 twice", "study.toml"],
    ),
    case(
        "zero baseline draws",
        |w| edit(w, "draws = 1", "draws = 0"),
        is_setting,
        &["baseline.draws", "at least 1", "study.toml"],
    ),
    case(
        "zero ablation draws",
        |w| edit(w, "[ablation]\ndraws = 1", "[ablation]\ndraws = 0"),
        is_setting,
        &["[ablation]", "draws", "study.toml"],
    ),
    case(
        "multiple 0",
        |w| edit(w, "multiples = [1]", "multiples = [1, 0]"),
        is_setting,
        &["[ablation]", "multiples", "study.toml"],
    ),
    case(
        "multiple twice",
        |w| edit(w, "multiples = [1]", "multiples = [2, 1, 2]"),
        is_setting,
        &["multiples", "2 twice", "study.toml"],
    ),
    case(
        "mode twice",
        |w| edit(w, "multiples = [1]", "modes = [\"zero\", \"zero\"]"),
        is_setting,
        &["modes", "zero twice", "study.toml"],
    ),
    case("no modes", |w| edit(w, "multiples = [1]", "modes = []"), is_setting, &["[ablation]", "modes", "study.toml"]),
    case(
        "unknown mode",
        |w| edit(w, "multiples = [1]", "modes = [\"one\"]"),
        is_study,
        &["one", "zero", "line", "study.toml"],
    ),
    case(
        "less than a row to ablate",
        |w| edit(w, "multiples = [1]", "tokens = 11"),
        is_setting,
        &["ablation.tokens", "11", "12", "study.toml"],
    ),
    case("top_k 0", |w| edit(w, "top_k = 3", "top_k = 0"), is_setting, &["top_k", "study.toml"]),
    case("context 1", |w| edit(w, "context = 12", "context = 1"), is_setting, &["context", "at least 2", "study.toml"]),
    case(
        "count_models too many",
        |w| edit(w, "threshold = 0.2", "count_models = 2"),
        is_setting,
        &["count_models", "2", "only 1", "study.toml"],
    ),
    case(
        "count_models 0",
        |w| edit(w, "threshold = 0.2", "count_models = 0"),
        is_setting,
        &["count_models", "at least 1", "study.toml"],
    ),
    case("unknown key", |w| edit(w, "top_k = 3", "topk = 3"), is_study, &["topk", "top_k", "line 17", "study.toml"]),
    case("unknown section", |w| w.add("[corelation]"), is_study, &["corelation", "line", "study.toml"]),
    case(
        "unknown key of a model",
        |w| edit(w, "path = \"a\"", "path = \"a\"\nseed = 1"),
        is_study,
        &["seed", "line 9", "study.toml"],
    ),
    case("not TOML", |w| edit(w, "top_k = 3", "top_k = = 3"), is_study, &["line 17", "study.toml"]),
    case("wrong type", |w| edit(w, "top_k = 3", "top_k = \"3\""), is_study, &["line 17", "study.toml"]),
    case("negative count", |w| edit(w, "top_k = 3", "top_k = -3"), is_study, &["line 17", "study.toml"]),
    case(
        "missing token_file",
        |w| edit(w, "token_file = \"tokens.u16\"", ""),
        is_setting,
        &["token_file", "files", "study.toml"],
    ),
    case(
        "rows and text",
        |w| edit(w, "context = 12", "context = 12\nfiles = [\"*.txt\"]"),
        is_setting,
        &["token_file and files", "study.toml"],
    ),
    case(
        "a setting of text with rows",
        |w| edit(w, "context = 12", "context = 12\nheld_out_tokens = 24"),
        is_setting,
        &["corpus.held_out_tokens", "for text", "study.toml"],
    ),
    case(
        "held-out rows with text",
        |w| edit(w, "token_file = \"tokens.u16\"", "files = [\"*.txt\"]\nheld_out_token_file = \"h.u16\""),
        is_setting,
        &["held_out_token_file", "held_out_tokens", "study.toml"],
    ),
    case(
        "misspelt key",
        |w| edit(w, "top_k = 3", "top_kk = 3"),
        is_study,
        &["top_kk", "did you mean `top_k`?", "line 17", "study.toml"],
    ),
    case(
        "misspelt null",
        |w| edit(w, "[baseline]", "[baseline]\nkind = \"permutated-rows\""),
        is_study,
        &["did you mean `permuted-rows`?", "study.toml"],
    ),
    case(
        "one row to permute",
        |w| {
            write_u16_rows(&w.path("tokens.u16"), &[1; 12]);
            edit(w, "[baseline]", "[baseline]\nkind = \"permuted-rows\"");
        },
        is_setting,
        &["permuted-rows", "two rows", "study.toml"],
    ),
    case(
        "screened rows that are permuted",
        |w| {
            edit(w, "top_k = 3", "top_k = 3\nsearch = \"screened\"");
            edit(w, "[baseline]", "[baseline]\nkind = \"permuted-rows\"");
        },
        is_setting,
        &["search = screened", "permute", "search = exact", "study.toml"],
    ),
    case(
        "sample of no row",
        |w| screened(w, "tokens = 11"),
        is_setting,
        &["screening.tokens is 11", "row of 12", "study.toml"],
    ),
    case(
        "too few candidates",
        |w| screened(w, "candidates = 2"),
        is_setting,
        &["screening.candidates is 2", "top_k = 3", "study.toml"],
    ),
    case(
        "narrowing on less than the sample",
        |w| screened(w, "tokens = 600\nnarrowing_tokens = 599"),
        is_setting,
        &["narrowing_tokens is 599", "tokens = 600", "study.toml"],
    ),
    case("no margin", |w| screened(w, "margin = 0"), is_setting, &["margin is 0", "standard errors", "study.toml"]),
    case(
        "near thresholds without an audit",
        |w| screened(w, "audit = 15"),
        is_setting,
        &["exact_near_thresholds", "16", "audit is 15", "study.toml"],
    ),
    case(
        "misspelt search",
        |w| edit(w, "top_k = 3", "top_k = 3\nsearch = \"screen\""),
        is_study,
        &["did you mean `screened`?", "study.toml"],
    ),
    case(
        "excluded id outside",
        |w| edit(w, "context = 12", "context = 12\nexclude_tokens = [61]"),
        is_setting,
        &["exclude_tokens", "61", "study.toml"],
    ),
    case(
        "set named as the study's own",
        |w| edit(w, "name = \"mine\"", "name = \"random\""),
        is_setting,
        &["`random`", "own sets", "study.toml"],
    ),
    case(
        "two sets of one name",
        |w| w.add("[[ablation.set]]\nname = \"mine\"\nfile = \"mine.csv\""),
        is_setting,
        &["`mine`", "differ", "study.toml"],
    ),
    case("set for an unknown model", |w| w.add("models = [\"c\"]"), is_setting, &["`mine`", "`c`", "study.toml"]),
    case("set for an unknown step", |w| w.add("checkpoints = [6]"), is_setting, &["`mine`", "6", "study.toml"]),
];

const NOT_BUILT: &[Case] = &[
    case(
        "hub model",
        |w| edit(w, "path = \"b\"", "hub = \"org/b\""),
        is_not_built,
        &["`model.hub`", "path", "study.toml"],
    ),
    case(
        "corpus from the hub",
        |w| edit(w, "context = 12", "context = 12\nhub = \"org/text\""),
        is_not_built,
        &["`corpus.hub`", "token_file", "study.toml"],
    ),
    case(
        "a precision that there is not",
        |w| edit(w, "top_k = 3", "precision = \"fp16\""),
        is_study,
        &["fp16", "f32", "bf16x3", "bf16", "study.toml"],
    ),
    case(
        "a precision of losses that there is not",
        |w| edit(w, "multiples = [1]", "precision = \"F32\""),
        is_study,
        &["F32", "f32", "bf16x3", "bf16", "study.toml"],
    ),
];

const TOKENS: &[Case] = &[
    case(
        "a name that joins",
        |w| edit(w, "name = \"a\"", "name = \"a+b\""),
        |error| matches!(error, Error::BadSetting { .. }),
        &["\"a+b\"", "choose another", "study.toml"],
    ),
    case(
        "a set for nobody",
        |w| edit(w, "[corpus]", "[[ablation.set]]\nname = \"nobody\"\nfile = \"x.csv\"\nmodels = []\n[corpus]"),
        |error| matches!(error, Error::BadSetting { .. }),
        &["`nobody`", "no model", "study.toml"],
    ),
    case(
        "context too long",
        |w| {
            edit(w, "context = 12", "context = 18");
        },
        |error| matches!(error, Error::ContextTooLong { context: 18, n_ctx: 12, .. }),
        &["corpus.context is 18", "`a`", "12 positions", "study.toml"],
    ),
    case(
        "id outside",
        |w| write_u16_rows(&w.path("tokens.u16"), &[[1; 12], [61; 12]].concat()),
        |error| matches!(error, Error::Model(homolog_model::Error::TokenOutsideVocabulary { id: 61, row: 1, .. })),
        &["token 61", "vocabulary of 61", "tokens.u16"],
    ),
    case(
        "held-out id outside",
        |w| {
            write_u16_rows(&w.path("held.u16"), &[700; 12]);
            edit(w, "context = 12", "context = 12\nheld_out_token_file = \"held.u16\"");
        },
        |error| matches!(error, Error::Model(homolog_model::Error::TokenOutsideVocabulary { id: 700, .. })),
        &["token 700", "held.u16"],
    ),
    case(
        "not whole rows",
        |w| edit(w, "context = 12", "context = 7"),
        |error| matches!(error, Error::Model(homolog_model::Error::NotWholeRows { n_tokens: 72, context: 7, .. })),
        &["72 tokens", "rows of 7", "tokens.u16"],
    ),
    case(
        "half a token",
        |w| fs::write(w.path("tokens.u16"), [0; 25]).unwrap(),
        |error| matches!(error, Error::Model(homolog_model::Error::BadTokenFile { .. })),
        &["25 bytes", "tokens.u16"],
    ),
    case(
        "no token",
        |w| write(w, "tokens.u16", ""),
        |error| matches!(error, Error::Model(homolog_model::Error::BadTokenFile { .. })),
        &["no tokens", "tokens.u16"],
    ),
    case(
        "no token file",
        |w| edit(w, "tokens.u16", "tokens.u32"),
        |error| matches!(error, Error::Model(homolog_model::Error::Unreadable { .. })),
        &["cannot read", "tokens.u32"],
    ),
    case(
        "unknown format",
        |w| edit(w, "tokens.u16", "mine.csv"),
        |error| matches!(error, Error::Model(homolog_model::Error::UnknownTokenFormat { .. })),
        &[".npy", "mine.csv"],
    ),
    case(
        "everything excluded",
        |w| {
            write_u16_rows(&w.path("tokens.u16"), &[60; 24]);
        },
        |error| matches!(error, Error::NothingCounted { .. }),
        &["exclude_tokens", "tokens.u16"],
    ),
];

const MODELS: &[Case] = &[
    case(
        "vocabularies of two sizes",
        |w| remake(w, &Gpt2Shape { d_vocab: 62, ..Gpt2Shape::tiny() }),
        |error| matches!(error, Error::ModelsDiffer { .. }),
        &["`a` and `b`", "61 and 62", "study.toml"],
    ),
    case(
        "two tokenizers",
        |w| {
            for (model, vocabulary) in [("a", r#"{"x": 0, "y": 1}"#), ("b", r#"{"x": 1, "y": 0}"#)] {
                write(w, &format!("{model}/checkpoint-5/vocab.json"), vocabulary);
            }
        },
        |error| matches!(error, Error::ModelsDiffer { .. }),
        &["`a` and `b`", "their tokenizers", "study.toml"],
    ),
    case(
        "two BOS",
        |w| remake(w, &Gpt2Shape { bos: Some(3), ..Gpt2Shape::tiny() }),
        |error| matches!(error, Error::BadSetting { .. }),
        &["special tokens differ", "exclude_tokens", "study.toml"],
    ),
    case(
        "another shape at a checkpoint",
        |w| remake(w, &Gpt2Shape { d_mlp: 41, ..Gpt2Shape::tiny() }),
        |error| matches!(error, Error::ModelsDiffer { .. }),
        &["`b`", "between checkpoints", "study.toml"],
    ),
    case(
        "missing folder",
        |w| edit(w, "path = \"b\"", "path = \"bb\""),
        |error| matches!(error, Error::Model(_)),
        &["bb/checkpoint-5", "no such folder"],
    ),
    case(
        "missing checkpoint",
        |w| edit(w, "steps = [5, 9]", "steps = [5, 9, 10]"),
        |error| matches!(error, Error::Model(_)),
        &["a/checkpoint-10", "no such folder"],
    ),
    case(
        "missing weights",
        |w| fs::remove_file(w.path("b/checkpoint-9/model.safetensors")).unwrap(),
        |error| matches!(error, Error::Model(homolog_model::Error::NoWeights { .. })),
        &["b/checkpoint-9", "model.safetensors"],
    ),
    case(
        "damaged weights",
        |w| write(w, "b/checkpoint-9/model.safetensors", "not weights"),
        |error| matches!(error, Error::Model(homolog_model::Error::BadSafetensors { .. })),
        &["b/checkpoint-9/model.safetensors"],
    ),
    case(
        "unknown config key",
        |w| {
            let path = w.path("a/checkpoint-5/config.json");
            let text = fs::read_to_string(&path).unwrap();
            fs::write(path, text.replacen('{', "{\"rotary\": true,", 1)).unwrap();
        },
        |error| matches!(error, Error::Model(homolog_model::Error::UnknownConfigKey { .. })),
        &["`rotary`", "--allow-config-key rotary", "a/checkpoint-5/config.json"],
    ),
    case(
        "NaN weights",
        |w| {
            let mut weights = Gpt2Shape::tiny().random(3, 0.3);
            weights.get_mut("wpe.weight").unwrap().values[5] = f32::NAN;
            Gpt2Shape::tiny().write(&w.path("b/checkpoint-9"), &weights, &Layout::PLAIN);
        },
        |error| matches!(error, Error::Model(homolog_model::Error::NotFinite { element: 5, .. })),
        &["wpe.weight", "NaN", "b/checkpoint-9/model.safetensors"],
    ),
    case(
        "weights that overflow",
        |w| {
            let mut weights = Gpt2Shape::tiny().random(3, 0.3);
            weights.get_mut("h.1.mlp.c_fc.weight").unwrap().values[..40].fill(3e38);
            weights.get_mut("h.1.ln_2.weight").unwrap().values.fill(3e38);
            Gpt2Shape::tiny().write(&w.path("b/checkpoint-9"), &weights, &Layout::PLAIN);
        },
        |error| matches!(error, Error::NotFinite { .. }),
        &["`b` at checkpoint 9", "neuron 1.0", "not finite"],
    ),
];

const LISTS: &[Case] = &[
    case(
        "no column neuron",
        |w| write(w, "mine.csv", "layer,index\n0,1\n"),
        is_list,
        &["no column `neuron`", "mine.csv"],
    ),
    case(
        "no header",
        |w| write(w, "mine.csv", "0,1\n1,2\n"),
        is_list,
        &["no column `layer`", "first line", "mine.csv"],
    ),
    case(
        "bad number",
        |w| write(w, "mine.csv", "layer,neuron\n0,1\n0,1.5\n"),
        is_list,
        &["line 3", "\"1.5\"", "whole number", "mine.csv"],
    ),
    case(
        "negative number",
        |w| write(w, "mine.csv", "layer,neuron\n-1,1\n"),
        is_list,
        &["line 2", "\"-1\"", "mine.csv"],
    ),
    case("empty cell", |w| write(w, "mine.csv", "layer,neuron\n0,\n"), is_list, &["line 2", "\"\"", "mine.csv"]),
    case("ragged row", |w| write(w, "mine.csv", "layer,neuron\n0,1,2\n"), is_list, &["line: 2", "mine.csv"]),
    case(
        "neuron out of range",
        |w| write(w, "mine.csv", "layer,neuron\n0,40\n"),
        is_list,
        &["0.40", "`a`", "mine.csv"],
    ),
    case("layer out of range", |w| write(w, "mine.csv", "layer,neuron\n2,0\n"), is_list, &["2.0", "`a`", "mine.csv"]),
    case(
        "duplicate",
        |w| write(w, "mine.csv", "layer,neuron\n1,3\n0,0\n1,3\n"),
        is_list,
        &["line 4", "1.3", "twice", "mine.csv"],
    ),
    case("no list", |w| fs::remove_file(w.path("mine.csv")).unwrap(), is_list, &["mine.csv"]),
];

/// Write b's second checkpoint, or both where the first has to be alike, in another shape.
fn remake(world: &World, shape: &Gpt2Shape) {
    let steps: &[u64] = if shape.d_mlp == Gpt2Shape::tiny().d_mlp { &[5, 9] } else { &[9] };
    for step in steps {
        shape.write(&world.path(&format!("b/checkpoint-{step}")), &shape.random(*step, 0.3), &Layout::PLAIN);
    }
}

fn complaints(cases: &[Case]) -> Vec<String> {
    let mut complaints = Vec::new();
    for case in cases {
        let mut world = world();
        (case.spoil)(&mut world);
        let Err(error) = world.run_with(&world.options()) else {
            complaints.push(format!("{}: passes", case.name));
            continue;
        };
        let message = error.to_string();
        if !(case.is_variant)(&error) {
            complaints.push(format!("{}: another variant, {error:?}", case.name));
        }
        for word in case.words.iter().filter(|word| !message.contains(**word)) {
            complaints.push(format!("{}: `{word}` is not in: {message}", case.name));
        }
        if let Some(table) = files(&world.path("")).into_iter().find(|file| file.contains("tables/")) {
            complaints.push(format!("{}: left {table}", case.name));
        }
    }
    complaints
}

#[test]
fn nothing_is_wrong_with_the_world_that_cases_spoil() {
    world().run();
    // Mutants of the comparison: a wrong variant, a word that is not there, nothing spoiled.
    let mutants = [
        case("variant", |w| edit(w, "draws = 1", "draws = 0"), is_study, &["draws"]),
        case("word", |w| edit(w, "draws = 1", "draws = 0"), is_setting, &["drawers"]),
        case("passes", |_| {}, is_setting, &["draws"]),
    ];
    assert_eq!(complaints(&mutants).len(), 3);
}

#[test]
fn wrong_study_files() {
    assert_eq!(complaints(STUDY_FILE), Vec::<String>::new());
}

#[test]
fn settings_that_are_not_built() {
    assert_eq!(complaints(NOT_BUILT), Vec::<String>::new());
}

#[test]
fn wrong_tokens() {
    assert_eq!(complaints(TOKENS), Vec::<String>::new());
}

#[test]
fn wrong_models() {
    assert_eq!(complaints(MODELS), Vec::<String>::new());
}

#[test]
fn wrong_lists_of_neurons() {
    assert_eq!(complaints(LISTS), Vec::<String>::new());
}

#[test]
fn allowed_config_keys_pass() {
    let world = world();
    let path = world.path("a/checkpoint-5/config.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(path, text.replacen('{', "{\"nickname\": \"rex\",", 1)).unwrap();
    let mut options = world.options();
    assert!(world.run_with(&options).is_err());
    options.allowed_config_keys.insert("nickname".into());
    world.run_with(&options).unwrap();
}

#[test]
fn wrong_output_paths() {
    let mut world = world();
    write(&world, "run", "a file");
    let error = world.run_with(&world.options()).err().unwrap();
    assert!(matches!(&error, Error::OutputIsFile { path } if *path == world.path("run")), "{error:?}");
    assert!(error.to_string().contains("is a file") && error.to_string().contains("--output"), "{error}");
    assert_eq!(fs::read_to_string(world.path("run")).unwrap(), "a file");

    fs::remove_file(world.path("run")).unwrap();
    let before = world.run().results();
    edit(&mut world, "name = \"world\"", "name = \"another\"");
    let error = world.run_with(&world.options()).err().unwrap();
    assert!(matches!(&error, Error::OtherStudy { found, wanted, .. } if found == "world" && wanted == "another"));
    let message = error.to_string();
    let words =
        ["`world`", "`another`", "--output", world.path("run").to_str().unwrap()].map(|word| message.contains(word));
    assert_eq!(words, [true; 4], "{message}");
    edit(&mut world, "name = \"another\"", "name = \"world\"");
    assert!(world.run().results() == before, "the folder is as it was");
}

#[test]
fn a_study_file_that_is_not_there() {
    let path = tempfile::tempdir().unwrap().path().join("study.toml");
    let error = homolog_study::StudyConfig::read(&path, &[]).unwrap_err();
    assert!(matches!(error, Error::UnreadableStudy { .. }));
    assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
}

#[test]
fn a_study_file_that_is_not_text() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("study.toml");
    fs::write(&path, b"[study]\nname = \"\xff\"\n").unwrap();
    let error = homolog_study::StudyConfig::read(&path, &[]).unwrap_err().to_string();
    assert!(error.contains("UTF-8") && error.contains(path.to_str().unwrap()), "{error}");
}

#[test]
fn settings_beside_the_study_file() {
    let world = world();
    let with = |set: &str| {
        homolog_study::StudyConfig::parse(&world.text, &world.path("study.toml"), &[set.to_owned()])
            .map_err(|error| error.to_string())
    };
    assert_eq!(with("correlation.top_k=7").unwrap().correlation.top_k, 7);
    assert_eq!(with("model.1.name=other").unwrap().models[1].name, "other");
    let wrong = [
        ("correlation.topk=7", "did you mean `top_k`?"),
        ("correlation.top_k=many", "top_k"),
        ("corelation.top_k=7", "did you mean `correlation`?"),
        ("top_k", "key=value"),
        ("model.5.name=other", "none of the 2 entries"),
        ("baseline.draws=0", "at least 1"),
    ];
    for (set, word) in wrong {
        let error = with(set).unwrap_err();
        assert!(error.contains(word), "{set}: {error}");
    }
}
