#![expect(clippy::unwrap_used, reason = "tests")]

use super::check::repeated;
use super::*;

const SHORTEST: &str = r#"
[study]
name = "shortest"
[[model]]
name = "a"
path = "models/a"
[[model]]
name = "b"
path = "models/b"
[corpus]
token_file = "tokens.u16"
context = 128
"#;

fn parse(text: &str) -> StudyConfig {
    StudyConfig::parse(text, Path::new("/studies/study.toml"), &[]).unwrap_or_else(|error| panic!("{error}"))
}

/// Every default of the design's study file (section 3), written out.
#[test]
fn defaults_are_the_designs() {
    let written_out = SHORTEST.to_owned()
        + r#"
[correlation]
precision = "f32"
top_k = 16
[baseline]
kind = "orthogonal"
draws = 1
seed = 0
[universality]
threshold = 0.5
thresholds = [0.2, 0.3, 0.4, 0.5, 0.6]
count_threshold = 0.5
count_models = 1
[persistence]
hysteresis = 0.05
functional = true
tokens = 250000
[windows]
checkpoints = "final"
top = 10
context = 32
partner_windows = 3
bins = 64
[ablation]
enabled = true
modes = ["zero", "mean"]
draws = 3
multiples = [1, 2, 5, 10]
per_layer = true
seed = 0
tokens = 0
precision = "f32"
"#;
    assert_eq!(parse(SHORTEST), parse(&written_out));
    let config = parse(SHORTEST);
    assert_eq!(
        (config.checkpoints, config.corpus.held_out_token_file, config.corpus.exclude_tokens),
        (None, None, None)
    );
}

#[test]
fn the_count_rule_asks_for_three_others_or_all_there_are() {
    let mut text = SHORTEST.to_owned();
    for (name, expected) in [("c", 2), ("d", 3), ("e", 3)] {
        text += &["[[model]]\nname = \"", name, "\"\npath = \"models/", name, "\"\n"].concat();
        assert_eq!(parse(&text).count_models(), expected, "with {name}");
    }
}

#[test]
fn what_is_resolved_parses_back_to_the_same() {
    let full = SHORTEST
        .replace("context = 128", "context = 128\nexclude_tokens = [9, 8]\nheld_out_token_file = \"held.npy\"")
        + r#"
[checkpoints]
steps = [30, 10, 20]
[universality]
threshold = 0.35
thresholds = [0.6, 0.1]
[windows]
checkpoints = "all"
top = 4
[ablation]
modes = ["mean", "zero"]
multiples = [3, 1]
[[ablation.set]]
name = "mine"
file = "mine.csv"
models = ["b"]
checkpoints = [20]
"#;
    for text in [SHORTEST, &full] {
        let config = parse(text);
        let resolved = config.to_toml();
        assert_eq!(parse(&resolved), config, "{resolved}");
        assert_eq!(parse(&resolved).to_toml(), resolved);
        for key in
            ["precision", "top_k", "kind", "draws", "seed", "count_models", "per_layer", "tokens", "partner_windows"]
        {
            assert!(resolved.contains(&format!("{key} = ")), "{key} is not written out");
        }
    }
    let config = parse(&full);
    assert_eq!(config.steps(), [Some(10), Some(20), Some(30)]);
    assert_eq!(config.thresholds(), [0.1, 0.35, 0.6], "ascending, the threshold added");
    assert_eq!(config.ablation.multiples, [1, 3]);
    assert_eq!(config.ablation.modes, [AblationMode::Zero, AblationMode::Mean]);
}

#[test]
fn paths_are_relative_to_the_study_file() {
    let config = parse(&(SHORTEST.to_owned() + "[checkpoints]\nsteps = [7]\npattern = \"step{step}/of-{step}\"\n"));
    let folder = config.folder(&config.models[0], Some(7));
    assert_eq!(folder, Path::new("models/a/step7/of-7"));
    assert_eq!(config.locate(&folder), Path::new("/studies/models/a/step7/of-7"));
    assert_eq!(config.locate(Path::new("/elsewhere/tokens.u16")), Path::new("/elsewhere/tokens.u16"));
    let config = parse(SHORTEST);
    assert_eq!((config.folder(&config.models[1], None), config.steps()), ("models/b".into(), vec![None]));
}

#[test]
fn an_unknown_key_is_named_with_its_line() {
    let text = SHORTEST.replace("context = 128", "context = 128\ncontxt = 64");
    let error = StudyConfig::parse(&text, Path::new("/studies/study.toml"), &[]).unwrap_err().to_string();
    for word in ["/studies/study.toml", "contxt", "line 13"] {
        assert!(error.contains(word), "{word}: {error}");
    }
}

#[test]
fn what_is_repeated_is_found_once() {
    assert_eq!(repeated([1, 2, 3]), None);
    assert_eq!(repeated([1, 2, 1, 2]), Some(1));
    assert_eq!(repeated(Vec::<i64>::new()), None);
}

#[test]
fn windows_that_cannot_be_kept_are_errors_that_say_so() {
    let with = |section: &str| {
        let text = SHORTEST.to_owned() + "[windows]\n" + section;
        StudyConfig::parse(&text, Path::new("study.toml"), &[]).map_err(|error| error.to_string())
    };
    for (section, words) in [
        ("top = 0", ["windows.top is 0", "checkpoints = \"none\""]),
        ("context = 0", ["windows.context is 0", "between 1 and"]),
        ("bins = 0", ["windows.bins is 0", "between 1 and"]),
        ("bins = 100_000", ["windows.bins is 100000", "between 1 and"]),
        ("top = 2", ["windows.partner_windows is 3", "windows.top = 2"]),
        ("checkpoints = \"last\"", ["last", "final"]),
        ("tops = 3", ["tops", "did you mean `top`?"]),
    ] {
        let error = with(section).unwrap_err();
        assert!(words.iter().all(|word| error.contains(word)), "{section}: {error}");
    }
    for section in ["top = 1\npartner_windows = 0", "top = 3", "context = 1\nbins = 1"] {
        with(section).unwrap();
    }
    let at = |checkpoints: &str| {
        let windows = with(&format!("checkpoints = \"{checkpoints}\"")).unwrap().windows;
        [0, 1, 2].map(|step_idx| windows.is_at(step_idx, 3))
    };
    assert_eq!([at("final"), at("all"), at("none")], [[false, false, true], [true; 3], [false; 3]]);
}

#[test]
fn what_it_takes_to_last_is_checked() {
    let parse = |section: &str| {
        StudyConfig::parse(&format!("{SHORTEST}[persistence]\n{section}\n"), Path::new("/studies/study.toml"), &[])
    };
    for (section, word) in [
        ("hysteresis = -0.1", "persistence.hysteresis is -0.1"),
        ("hysteresis = nan", "persistence.hysteresis is NaN"),
        ("tokens = 127", "persistence.tokens is 127, less than one row of 128"),
        ("token = 0", "tokens"),
    ] {
        let error = parse(section).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
    let config = parse("hysteresis = 0.0\ntokens = 1000").unwrap();
    assert_eq!((config.persistence.rows(128, 100), config.persistence.rows(128, 5)), (8, 5));
    assert!(config.persistence.follows(2) && !config.persistence.follows(1));
    assert_eq!(parse("tokens = 0").unwrap().persistence.rows(128, 100), 100);
    assert!(!parse("functional = false\ntokens = 5").unwrap().persistence.follows(2));
}
