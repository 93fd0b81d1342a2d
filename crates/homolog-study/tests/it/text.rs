//! Studies from text, tokenized or not, and what is told of a run: plans, status, verification, lists, pairs.

use std::fs;
use std::path::Path;

use homolog_study::{
    Finding, ListRequest, Outcome, PairRequest, Silent, StudyConfig, TokenizeRequest, ablate_list, dry_run,
    shared_neurons, tokenize, verify,
};
use homolog_test::tiny_gpt2::{Gpt2Shape, Layout};

use crate::world::{Run, World, options};

/// Letters are tokens; a vocabulary as GPT-2's, without merges.
pub(crate) fn write_tokenizer(folder: &Path, d_vocab: usize) {
    let mut vocab: Vec<String> = ('a'..='z').map(String::from).collect();
    vocab.extend(["\u{120}".into(), "\u{10a}".into(), ".".into()]);
    vocab.extend((vocab.len()..d_vocab - 1).map(|i| format!("unused{i}")));
    vocab.push("<|endoftext|>".into());
    let vocab: serde_json::Map<String, serde_json::Value> =
        vocab.into_iter().enumerate().map(|(id, token)| (token, id.into())).collect();
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("vocab.json"), serde_json::Value::from(vocab).to_string()).unwrap();
    fs::write(folder.join("merges.txt"), "#version: 0.2\n").unwrap();
}

/// Many short documents of letters, each of its own.
fn documents() -> Vec<String> {
    let mut seeded = homolog_test::Seeded::new(4);
    let mut letter = |_| char::from(b'a' + seeded.below(26) as u8);
    (0..150).map(|i| (0..20 + i % 30).map(&mut letter).collect::<String>() + " end.\n").collect()
}

/// Two models whose study reads text.
pub(crate) fn world() -> World {
    let shape = Gpt2Shape::tiny();
    let mut world = World::new(&[1; 12], 12);
    for (name, rng_seed) in [("a", 1), ("b", 2)] {
        world.model(name, None, (&shape, &shape.random(rng_seed, 0.3)), Layout::PLAIN);
        write_tokenizer(&world.path(name), shape.d_vocab);
    }
    fs::write(world.path("text.txt"), documents().join("<|endoftext|>")).unwrap();
    world.text = world.text.replace("token_file = \"tokens.u16\"", "files = [\"*.txt\"]");
    world.add("[universality]\nthreshold = 0.05\n[ablation]\ndraws = 1\nmultiples = [1]");
    world
}

#[test]
fn a_study_from_text_is_the_study_of_its_token_files() {
    let mut world = world();
    // Where documents end, only the text knows (module `evidence::documents`).
    world.add("[evidence]\nenabled = false");
    let run = world.run();
    let manifest = run.manifest();
    let text = manifest.inputs.text.clone().expect("made from text");
    assert_eq!((text.n_documents, text.files.len()), (150, 1));
    assert!(text.n_held_out_documents > 0, "{text:?}");
    assert!(manifest.inputs.held_out_tokens.is_some());
    assert_eq!(manifest.exclude_tokens, [27, 60], "newline and end of text");
    assert_ne!(manifest.tokenizer, "unproved");

    let request = TokenizeRequest {
        files: vec![world.path("text.txt")],
        tokenizer: world.path("a"),
        context: 12,
        tokens: None,
        held_out_tokens: None,
        bos: true,
        text_field: "text".into(),
        output: world.path("made.u16"),
    };
    let told = tokenize(&request, &Silent).unwrap();
    assert!(told.contains("token_file = \"made.u16\"") && told.contains("held_out_token_file"), "{told}");
    assert!(fs::read_to_string(world.path("made.u16.json")).unwrap().contains(&text.tokenizer_hash));
    let rows = "token_file = \"made.u16\"\nheld_out_token_file = \"made.held-out.u16\"";
    let text = world.text.replace("files = [\"*.txt\"]", rows);
    let config = StudyConfig::parse(&text, &world.path("study.toml"), &[]).unwrap();
    let ready_made = Run::of(&config, &options(&world.path("ready-made"))).unwrap();
    assert!(ready_made.results() == run.results(), "rows made beforehand give the same bytes");
    for output in ["made.u32", "made.safetensors"] {
        tokenize(&TokenizeRequest { output: world.path(output), ..request.clone() }, &Silent).unwrap();
        let rows = homolog_model::Tokens::read(&world.path(output), 12).unwrap();
        assert_eq!(rows.hash(), manifest.inputs.tokens.tokens_hash, "{output}");
    }

    // Nothing to do; and after a change of the text, everything.
    assert!(matches!(world.run().outcome, Outcome::AlreadyDone { .. }));
    fs::write(world.path("text.txt"), documents().join("<|endoftext|>") + "<|endoftext|>one more").unwrap();
    let again = world.run();
    assert!(again.manifest().inputs.text.unwrap().n_documents == 151);
    assert!(again.said.iter().all(|line| !line.contains("correlate models: skipped")), "{:?}", again.said);
}

#[test]
fn text_that_fits_no_study_is_an_error_and_leaves_no_folder() {
    type Spoil = fn(&World) -> String;
    let cases: [(&str, Spoil, &[&str]); 8] = [
        ("no file", |w| w.text.replace("*.txt", "*.jsonl"), &["*.jsonl"]),
        ("format", |w| w.text.replace("*.txt", "study.md"), &["study.md"]),
        (
            "no UTF-8",
            |w| {
                fs::write(w.path("text.txt"), b"abc \xff").unwrap();
                w.text.clone()
            },
            &["text.txt", "UTF-8"],
        ),
        ("too many tokens", |w| w.text.replace("context = 12", "context = 12\ntokens = 1_000_000"), &["tokens"]),
        (
            "other tokenizer",
            |w| {
                write_tokenizer(&w.path("other"), 59);
                w.text.replace("context = 12", "context = 12\ntokenizer = \"other\"")
            },
            &["other", "corpus.tokenizer"],
        ),
        (
            "other tokenizer.json",
            |w| {
                // The same tokens, two of them in each other's place.
                let vocab = fs::read_to_string(w.path("a/vocab.json")).unwrap();
                let vocab = vocab.replace("\"a\":0,\"b\":1,", "\"a\":1,\"b\":0,");
                let json = format!("{{\"model\": {{\"type\": \"BPE\", \"vocab\": {vocab}, \"merges\": []}}}}");
                fs::write(w.path("other.json"), json).unwrap();
                w.text.replace("context = 12", "context = 12\ntokenizer = \"other.json\"")
            },
            &["other.json", "token \"a\"", "corpus.tokenizer"],
        ),
        ("no tokenizer", |w| w.text.replace("context = 12", "context = 12\ntokenizer = \"nowhere\""), &["nowhere"]),
        ("less than a row", |w| w.text.replace("context = 12", "context = 12\ntokens = 11"), &["corpus.tokens", "12"]),
    ];
    for (name, spoil, words) in cases {
        let mut world = world();
        fs::write(world.path("study.md"), "x").unwrap();
        world.text = spoil(&world);
        let error = world.run_with(&world.options()).err().unwrap_or_else(|| panic!("{name}: passes"));
        let message = error.to_string();
        assert!(words.iter().all(|word| message.contains(word)), "{name}: {message}");
        assert!(!world.path("run").exists(), "{name} left a folder");
    }
}

#[test]
fn a_plan_tells_passes_memory_and_time_and_writes_nothing() {
    let world = world();
    let mut options = world.options();
    let plan = dry_run(&world.config().unwrap(), &options, &Silent).unwrap();
    for word in ["correlate", "| 1 a checkpoint |", "evaluate", "ablate", "Memory, at most", "GFLOP/s", "a guess"] {
        assert!(plan.contains(word), "{word}: {plan}");
    }
    assert!(!world.path("run").exists());
    options.memory_bytes = 1;
    assert!(dry_run(&world.config().unwrap(), &options, &Silent).is_err());
    options.memory_bytes = crate::world::AMPLE_MEMORY;
    world.run();
    let plan = dry_run(&world.config().unwrap(), &options, &Silent).unwrap();
    assert!(plan.contains("holds a run of `world`, finished"), "{plan}");
}

#[test]
fn status_and_verification_tell_what_is_there_and_what_is_not_as_it_was() {
    let mut world = world();
    fs::write(world.path("mine.csv"), "layer,neuron\n0,1\n").unwrap();
    world.add("[[ablation.set]]\nname = \"mine\"\nfile = \"mine.csv\"");
    let error = verify(&world.path("run"), &Silent).unwrap_err();
    assert!(error.to_string().contains("manifest.json"), "{error}");
    assert!(homolog_study::status(&world.path("run")).is_err());
    world.run();
    let status = homolog_study::status(&world.path("run")).unwrap();
    for word in ["study `world`, finished", "| correlate | models |", "| tables/neurons.parquet | 160 |"] {
        assert!(status.contains(word), "{word}: {status}");
    }
    let verification = verify(&world.path("run"), &Silent).unwrap();
    let kinds: std::collections::BTreeSet<&str> = verification.files.iter().map(|file| file.what).collect();
    let wanted = ["artifact", "config", "neuron list", "study", "table", "tensors", "text", "tokenizer", "weights"];
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), wanted);
    assert!(verification.files.iter().all(|file| file.finding == Finding::Same), "{:?}", verification.files);

    let spoiled = [
        "run/tables/neurons.parquet",
        "run/tensors/topk.safetensors",
        "run/study.resolved.toml",
        "text.txt",
        "a/model.safetensors",
        "b/config.json",
    ];
    for path in spoiled.map(|path| world.path(path)) {
        let mut bytes = fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&path, bytes).unwrap();
    }
    fs::remove_file(world.path("mine.csv")).unwrap();
    let files = verify(&world.path("run"), &Silent).unwrap().files;
    assert_eq!(files.iter().filter(|file| file.finding == Finding::Differs).count(), spoiled.len(), "{files:?}");
    let gone: Vec<_> = files.iter().filter(|file| matches!(file.finding, Finding::Unreadable(_))).collect();
    assert!(gone.len() == 1 && gone[0].what == "neuron list", "{gone:?}");
}

#[test]
fn a_list_does_the_damage_that_the_study_finds_for_it() {
    let mut world = world();
    fs::write(world.path("mine.csv"), "layer,neuron\n0,1\n1,30\n1,2\n").unwrap();
    world.add("[[ablation.set]]\nname = \"in-study\"\nfile = \"mine.csv\"");
    let run = world.run();
    let config = world.config().unwrap();
    let request = ListRequest { model: "b".into(), checkpoint: None, neurons: world.path("mine.csv") };
    let told = ablate_list(&config, &request, &world.options(), &Silent).unwrap();
    let path = world.path("run/ablations/b+mine.parquet");
    let rows: Vec<homolog_results::AblationRow> = homolog_results::read_table(&path).unwrap();
    let of_study = run.table::<homolog_results::AblationRow>();
    for mode in ["zero", "mean"] {
        let listed = rows.iter().find(|row| row.set == "mine" && row.mode == mode).unwrap();
        let in_study =
            of_study.iter().find(|row| row.set == "in-study" && row.mode == mode && row.model == "b").unwrap();
        assert_eq!(
            (listed.loss_nats, listed.loss_nats_clean),
            (in_study.loss_nats, in_study.loss_nats_clean),
            "{mode}"
        );
        assert_eq!(listed.threshold, None);
        for set in ["random", "random_layer_matched"] {
            assert!(rows.iter().any(|row| row.set == set && row.mode == mode && row.n_neurons == 3), "{set}, {mode}");
        }
    }
    assert!(told.contains("| mine | zero |") && told.contains("b+mine.parquet"), "{told}");
    // The run is as it was.
    assert!(matches!(world.run().outcome, Outcome::AlreadyDone { .. }));

    let wrong = [
        (ListRequest { model: "bb".into(), ..request.clone() }, "did you mean `b`?"),
        (ListRequest { checkpoint: Some(3), ..request.clone() }, "names no checkpoints"),
        (ListRequest { neurons: world.path("none.csv"), ..request.clone() }, "none.csv"),
    ];
    for (request, word) in wrong {
        let error = ablate_list(&config, &request, &world.options(), &Silent).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
}

#[test]
fn two_models_are_compared_without_a_study_file() {
    let world = world();
    let request = PairRequest {
        models: [world.path("a"), world.path("b")],
        corpus: vec![world.path("*.txt")],
        tokenizer: None,
        context: None,
        tokens: None,
    };
    let config =
        StudyConfig::of_pair(&request, &std::collections::BTreeSet::new(), &["correlation.top_k=3".into()]).unwrap();
    assert_eq!((config.corpus.context, config.correlation.top_k, &config.study.name[..12]), (12, 3, "compare-a-b-"));
    let run = Run::of(&config, &options(&world.path("pair"))).unwrap();
    let shared = shared_neurons(&run.folder, 4).unwrap();
    assert_eq!(shared.lines().count(), 2 + 4, "{shared}");
    // The best by the tables.
    let matches = run.table::<homolog_results::MatchRow>();
    let excess = |row: &&homolog_results::MatchRow| row.max_corr.unwrap() - row.baseline.unwrap();
    let best = matches.iter().filter(|row| row.model == "a").max_by(|x, y| excess(x).total_cmp(&excess(y))).unwrap();
    let first = shared.lines().nth(2).unwrap();
    assert!(
        first.starts_with(&format!(
            "| {}.{} | {}.{} |",
            best.layer,
            best.neuron,
            best.matched_layer.unwrap(),
            best.matched_neuron.unwrap()
        )),
        "{first}"
    );
    let wrong = StudyConfig::of_pair(&request, &std::collections::BTreeSet::new(), &["correlation.topk=3".into()]);
    assert!(wrong.unwrap_err().to_string().contains("did you mean `top_k`?"));
}
