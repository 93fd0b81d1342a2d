use super::*;

const FILE: &str = "\
[family]
name = \"f\"
[corpus]
files = [\"text/*.txt\"]
context = 64
[seeds]
both = [1, 2]
[training]
steps = 200
";

fn parse(text: &str) -> Result<FamilyConfig, Error> {
    FamilyConfig::parse(text, Path::new("dir/family.toml"))
}

fn message(text: &str) -> String {
    parse(text).expect_err("a bad family").to_string()
}

#[test]
fn defaults_are_filled_and_the_resolved_file_reads_back_as_itself() {
    let config = parse(FILE).expect("a family");
    assert_eq!((config.model.d_mlp, config.tokenizer.d_vocab), (Some(512), Some(2048)));
    assert_eq!((config.training.warmup_steps(), config.training.evaluate_every()), (10, 10));
    assert_eq!(config.training.min_learning_rate(), 1e-4);
    assert_eq!(config.locate(Path::new("a.txt")), Path::new("dir/a.txt"));
    assert_eq!(parse(&config.to_toml()).expect("its own file"), config);
}

#[test]
fn seeds_are_one_a_model_or_crossed() {
    let names =
        |text: &str| parse(text).expect("a family").models().into_iter().map(|seeds| seeds.name).collect::<Vec<_>>();
    assert_eq!(names(FILE), ["seed-1", "seed-2"]);
    let crossed = FILE.replace("both = [1, 2]", "init = [1, 2]\ndata = [7, 8]");
    assert_eq!(names(&crossed), ["init-1-data-7", "init-1-data-8", "init-2-data-7", "init-2-data-8"]);
    let models = parse(&crossed).expect("a family").models();
    assert_eq!((models[1].init, models[1].data), (1, 8));
}

#[test]
fn bad_settings_are_errors_that_name_the_key() {
    let changed = |from: &str, to: &str| message(&FILE.replace(from, to));
    for (from, to, expected) in [
        ("steps = 200", "steps = 0", "training.steps must be at least 1"),
        ("steps = 200", "steps = 200\nbatch_rows = 0", "training.batch_rows"),
        ("steps = 200", "steps = 200\nwarmup_steps = 201", "training.warmup_steps must be 1 to 200"),
        ("steps = 200", "steps = 200\nlearning_rate = nan", "training.learning_rate"),
        ("steps = 200", "steps = 200\nbeta2 = 1.0", "training.beta2"),
        ("steps = 200", "steps = 200\nmin_learning_rate = 0.1", "training.min_learning_rate"),
        ("steps = 200", "steps = 200\nweight_decay = -0.1", "training.weight_decay"),
        ("steps = 200", "steps = 200\nclip_norm = 0.0", "training.clip_norm"),
        ("steps = 200", "steps = 200\nevaluate_every = 0", "training.evaluate_every"),
        ("steps = 200", "steps = 200\n[checkpoints]\nsteps = [0, 300]", "ends at step 200"),
        ("steps = 200", "steps = 200\n[checkpoints]\nsteps = [5, 5]", "5 twice"),
        ("steps = 200", "steps = 200\n[checkpoints]\ncount = 0", "checkpoints.count"),
        ("steps = 200", "steps = 200\n[tokenizer]\nd_vocab = 255", "smaller than 257"),
        ("steps = 200", "steps = 200\n[tokenizer]\nd_vocab = 300\npath = \"x\"", "path and d_vocab"),
        ("steps = 200", "steps = 200\n[model]\nn_heads = 3", "not a multiple of model.n_heads 3"),
        ("steps = 200", "steps = 200\n[model]\nd_mlp = 0", "model.d_mlp"),
        ("steps = 200", "steps = 200\n[model]\nd_model = 4611686018427387904\nn_heads = 1", "lower n_layers"),
        ("steps = 200", "steps = 200\n[model]\nn_layers = 1000000", "lower n_layers"),
        ("steps = 200", "steps = 3000000000", "training.steps"),
        ("steps = 200", "steps = 200\nepsilon = 1e-50", "training.epsilon"),
        ("steps = 200", "steps = 200\nbeta2 = 0.99999999999", "training.beta2"),
        ("steps = 200", "steps = 200\n[checkpoints]\ncount = 1000000000", "checkpoints.count"),
        ("steps = 200", "steps = 200\ndropout = 1.0", "training.dropout"),
        ("steps = 200", "steps = 200\nlearning_rat = 0.1", "unknown field `learning_rat`"),
        ("context = 64", "context = 1", "corpus.context must be at least 2"),
        ("files = [\"text/*.txt\"]", "files = []", "corpus.files"),
        ("both = [1, 2]", "both = [2, 2]", "seeds.both names 2 twice"),
        ("both = [1, 2]", "init = [2]", "`init` and `data`"),
        ("both = [1, 2]", "both = [1]\ndata = [2]", "`both` beside"),
        ("name = \"f\"", "name = \"a/b\"", "family.name"),
    ] {
        let found = changed(from, to);
        assert!(found.contains(expected) && found.contains("dir/family.toml"), "{to}: {found}");
    }
    assert!(parse(FILE).is_ok());
}
