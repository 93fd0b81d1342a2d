//! The command from outside: exit codes, stdout and stderr, and what is in the run folder.
#![expect(clippy::unwrap_used, reason = "tests")]

mod audit;
mod families;
mod kill;
mod pages;
mod signals;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use homolog_study::Isa;
use homolog_test::fixtures::json;
use homolog_test::planted::{N_ROWS, random_rows, shape, twin, weights, write_u16_rows};
use homolog_test::tiny_gpt2::Layout;
use tempfile::TempDir;

/// What a command did.
struct Done {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

fn homolog(folder: &Path, arguments: &[&str]) -> Done {
    let output: Output =
        Command::new(env!("CARGO_BIN_EXE_homolog")).args(arguments).current_dir(folder).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Done { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// A planted pair of which half of the 640 neurons are shared, and its study file.
fn planted() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let shape = shape();
    let pair = twin(&shape, &weights(&shape, 1), 2);
    shape.write(&folder.path().join("models/a"), &pair.a, &Layout::PLAIN);
    shape.write(&folder.path().join("models/b"), &pair.b, &Layout::PLAIN);
    let rows = random_rows(N_ROWS, shape.n_ctx, shape.d_vocab, shape.bos, 3);
    write_u16_rows(&folder.path().join("tokens.u16"), &rows);
    let text = "[study]\nname = \"twins\"\n[[model]]\nname = \"a\"\npath = \"models/a\"\n[[model]]\nname = \"b\"\n\
                path = \"models/b\"\n[corpus]\ntoken_file = \"tokens.u16\"\ncontext = 24\n[ablation]\ndraws = 1\npermutations = 4\n\
                [attribution]\ntop = 2\nuniversal = 3\nrandom = 3\n";
    fs::write(folder.path().join("study.toml"), text).unwrap();
    folder
}

/// The one log of a run folder.
fn log(run: &Path) -> String {
    let logs: Vec<_> = fs::read_dir(run.join("logs")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(logs.len(), 1, "{logs:?}");
    fs::read_to_string(&logs[0]).unwrap()
}

#[test]
fn a_study_from_end_to_end() {
    let folder = planted();
    let done =
        homolog(folder.path(), &["run", "study.toml", "--threads", "2", "--memory", "500M", "--batch-rows", "3"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    // A table that can be pasted: a header, a ruler, and a line a model, all of as many columns.
    let table: Vec<&str> = done.stdout.lines().take_while(|line| line.starts_with('|')).collect();
    assert_eq!(table.len(), 2 + 2, "{}", done.stdout);
    assert!(table.iter().all(|line| line.matches('|').count() == 10), "{}", done.stdout);
    assert!(
        table[0].contains("loss, nats") && table[0].contains("universal (excess > 0.5; surely to possibly)"),
        "{}",
        table[0]
    );
    for (line, model) in table[2..].iter().zip(["a", "b"]) {
        assert!(
            line.starts_with(&format!("| - | {model} | ")) && line.contains("| 320 (50.00 %; 320 to 320) |"),
            "{line}"
        );
    }
    assert!(done.stdout.contains("Note: losses and ablations are measured on the same rows"), "{}", done.stdout);
    assert!(done.stdout.contains("runs/twins/tables") && done.stdout.contains("runs/twins/manifest.json"));
    for stage in ["correlate models", "loss of a, models", "ablate b, models"] {
        assert!(log(&folder.path().join("runs/twins")).contains(stage), "no progress of {stage}");
    }

    // By default results are in runs/<study name> of the current folder.
    let run = folder.path().join("runs/twins");
    let manifest = json(run.join("manifest.json"));
    assert_eq!(
        (&manifest["study"], &manifest["is_finished"], &manifest["n_threads"]),
        (&"twins".into(), &true.into(), &2.into())
    );
    assert_eq!(manifest["homolog_version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(
        manifest["tables"].as_array().unwrap().len(),
        15,
        "cliques, nulls, retests and single neurons among them"
    );
    assert_eq!(manifest["inputs"]["weights"][1]["path"], "../../models/b", "from the run folder, not absolute");
    for table in manifest["tables"].as_array().unwrap() {
        assert!(run.join(table["path"].as_str().unwrap()).is_file(), "{table}");
    }
    let resolved = fs::read_to_string(run.join("study.resolved.toml")).unwrap();
    for line in
        ["exclude_tokens = [599]", "threshold = 0.5", "count_models = 1", "multiples = [1, 2, 5, 10]", "draws = 1"]
    {
        assert!(resolved.lines().any(|other| other == line), "no {line} in\n{resolved}");
    }

    let again = homolog(folder.path(), &["run", "study.toml", "--quiet"]);
    assert_eq!((again.code, again.stderr.as_str()), (Some(0), ""));
    assert_eq!(
        again.stdout,
        "runs/twins holds the finished study `twins`; nothing to do\n\
         Report: runs/twins/report.html  figures: runs/twins/figures  every neuron: runs/twins/explorer/index.html\n"
    );

    // Another name in the same folder is another study.
    let text = fs::read_to_string(folder.path().join("study.toml")).unwrap();
    fs::write(folder.path().join("other.toml"), text.replace("twins", "others")).unwrap();
    let other = homolog(folder.path(), &["run", "other.toml", "-o", "runs/twins"]);
    assert_eq!((other.code, other.stdout.as_str()), (Some(1), ""));
    assert!(other.stderr.contains("`twins`") && other.stderr.contains("`others`"), "{}", other.stderr);
}

#[test]
fn quiet_leaves_stderr_empty_and_output_names_the_folder() {
    let folder = planted();
    let elsewhere = tempfile::tempdir().unwrap();
    let study = folder.path().join("study.toml");
    let done = homolog(elsewhere.path(), &["run", study.to_str().unwrap(), "-q", "--output", "deep/er"]);
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""));
    assert!(done.stdout.contains("deep/er/tables"), "{}", done.stdout);
    assert!(elsewhere.path().join("deep/er/tables/neurons.parquet").is_file());
    assert!(!elsewhere.path().join("runs").exists() && !folder.path().join("runs").exists());
}

#[test]
fn what_fails_exits_with_1_and_says_why() {
    let folder = planted();
    let study = |text: &str| fs::write(folder.path().join("bad.toml"), text).unwrap();
    let fails = |arguments: &[&str], words: &[&str]| {
        let done = homolog(folder.path(), arguments);
        assert_eq!((done.code, done.stdout.as_str()), (Some(1), ""), "{}", done.stderr);
        assert!(done.stderr.lines().any(|line| line.starts_with("error: ")), "{}", done.stderr);
        assert!(!done.stderr.contains("panicked"), "{}", done.stderr);
        for word in words {
            assert!(done.stderr.contains(word), "no {word} in {}", done.stderr);
        }
    };
    fails(&["run", "missing.toml"], &["missing.toml", "study file"]);
    let told = homolog(folder.path(), &["run", "missing.toml"]).stderr;
    assert_eq!(told.matches("os error").count(), 1, "the cause is said once: {told}");
    study("[study]\nnaem = \"x\"\n");
    fails(&["run", "bad.toml"], &["bad.toml", "line 2", "naem"]);
    fails(&["run", "bad.toml"], &["did you mean `name`?"]);
    fails(&["run", "study.toml", "--set", "baseline.drawz=2"], &["drawz", "did you mean `draws`?"]);
    fails(&["run", "study.toml", "--memory", "64K", "--quiet"], &["--memory"]);
    // Where not even root may write.
    fails(&["run", "study.toml", "--output", "/proc/homolog-run"], &["/proc/homolog-run", "writable"]);
    fails(&["status", "models"], &["manifest.json", "no run folder"]);
    fails(&["verify", "missing"], &["manifest.json", "no run folder"]);
    fails(&["ablate", "study.toml", "--model", "c", "--neurons", "x.csv"], &["`c`", "a, b"]);
    fails(&["compare", "models/a", "models/x", "--corpus", "tokens.u16"], &["models/x"]);
    fails(
        &["tokenize", "study.toml", "--tokenizer", "models/a", "--context", "8", "--output", "t.u16"],
        &["study.toml", ".jsonl"],
    );
    fails(
        &["tokenize", "a.txt", "--tokenizer", "models/a", "--context", "8", "--output", "t.bin"],
        &["t.bin", ".safetensors"],
    );
    fails(&["run", "study.toml", "--output", "study.toml"], &["study.toml", "is a file"]);
    let sound = fs::read_to_string(folder.path().join("study.toml")).unwrap();
    study(&sound.replace("models/b", "models/c"));
    fails(&["run", "bad.toml"], &["models/c", "no such folder"]);
}

#[test]
fn wrong_usage_exits_with_2() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [
        &[][..],
        &["run"],
        &["walk", "study.toml"],
        &["run", "study.toml", "--thread", "2"],
        &["run", "study.toml", "--threads", "0"],
        &["run", "study.toml", "--threads", "two"],
        &["run", "study.toml", "--batch-rows", "0"],
        &["run", "study.toml", "--memory", "8X"],
        &["run", "study.toml", "another.toml"],
        &["run", "study.toml", "--log-format", "xml"],
        &["run", "study.toml", "--color", "blue"],
        &["compare", "a", "b"],
        &["tokenize", "a.txt"],
        &["ablate", "study.toml", "--model", "a"],
    ] {
        let done = homolog(folder.path(), arguments);
        assert_eq!((done.code, done.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        if arguments.contains(&"--thread") {
            assert!(done.stderr.contains("'--threads'"), "a suggestion: {}", done.stderr);
        }
        assert!(done.stderr.contains("--help") || done.stderr.contains("Usage: "), "{arguments:?}: {}", done.stderr);
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is written");
}

#[test]
fn help_teaches() {
    let folder = tempfile::tempdir().unwrap();
    let helps = |arguments: &[&str], words: &[&str]| {
        let done = homolog(folder.path(), arguments);
        assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""));
        for word in words {
            assert!(done.stdout.contains(word), "{arguments:?}: no {word} in\n{}", done.stdout);
        }
    };
    helps(&["--help"], &["Which neurons", "run", "Run a study"]);
    let example = ["homolog run study.toml", "[study]", "[[model]]", "[corpus]", "token_file", "Exit status"];
    helps(&["run", "--help"], &example);
    helps(
        &["run", "--help"],
        &["--output", "--threads", "--memory", "--batch-rows", "--allow-config-key", "never results"],
    );
    helps(&["compare", "--help"], &["homolog compare models/a models/b --corpus", "--tokens", "never results"]);
    helps(&["ablate", "--help"], &["layer,neuron", "--checkpoint", "random"]);
    helps(&["tokenize", "--help"], &["<|endoftext|>", "held-out", "--text-field"]);
    helps(&["status", "--help"], &["homolog status runs/my-study"]);
    helps(&["verify", "--help"], &["manifest", "Exit status 1"]);
    helps(&["doctor", "--help"], &["bf16x3", "HOMOLOG_ISA", "AMX", "correlation.precision"]);
    helps(&["completions", "--help"], &["homolog completions bash", "fish"]);
    helps(&["man", "--help"], &["homolog man --output", "man -l"]);
}

#[test]
fn versions_are_told_short_and_long() {
    let folder = tempfile::tempdir().unwrap();
    let name_and_version = concat!("homolog ", env!("CARGO_PKG_VERSION"));
    assert_eq!(homolog(folder.path(), &["-V"]).stdout, format!("{name_and_version}\n"));
    let long = homolog(folder.path(), &["--version"]);
    assert_eq!((long.code, long.stderr.as_str()), (Some(0), ""));
    let [first, commit, cpu] = long.stdout.lines().collect::<Vec<_>>()[..] else { panic!("{}", long.stdout) };
    assert_eq!(first, name_and_version);
    let commit = commit.strip_prefix("commit   ").unwrap();
    assert!(commit == "unknown" || commit.len() == 40 && commit.bytes().all(|b| b.is_ascii_hexdigit()), "{commit}");
    let (used, available) = cpu.strip_prefix("cpu      ").unwrap().split_once(" in use; ").unwrap();
    let available: Vec<&str> = available.strip_suffix(" available").unwrap().split(", ").collect();
    assert!(available[0] == "portable" && available.contains(&used), "{cpu}");
}

/// Lines of a machine, and a table with a row a precision.
#[test]
fn a_machine_is_told_of_and_its_instruction_set_may_be_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let doctor = |isa: Option<&str>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_homolog"));
        command.args(["doctor", "--threads", "1", "-q"]).current_dir(folder.path()).env_remove("HOMOLOG_ISA");
        isa.map(|isa| command.env("HOMOLOG_ISA", isa));
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Done { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    };
    let told = doctor(None);
    assert_eq!((told.code, told.stderr.as_str()), (Some(0), ""));
    for word in ["cpu      ", "kernels  ", "the fastest", "portable  available", "threads  1 of ", "memory   ", "f32"] {
        assert!(told.stdout.contains(word), "no {word} in {}", told.stdout);
    }
    let speed = |name: &str| {
        let row = told.stdout.lines().find(|line| line.starts_with(&format!("| {name} |"))).unwrap();
        row.split('|').nth(4).unwrap().trim().parse::<f64>().unwrap()
    };
    assert!(["f32", "bf16x3", "bf16"].into_iter().all(|name| speed(name) > 0.0), "{}", told.stdout);
    let chosen = doctor(Some("portable"));
    assert!(chosen.code == Some(0) && chosen.stdout.contains("portable, as HOMOLOG_ISA says"), "{}", chosen.stdout);
    for (isa, words) in [("sse9", ["\"sse9\"", "portable, avx2, avx512, amx"]), ("", ["\"\"", "no instruction set"])] {
        let failed = doctor(Some(isa));
        assert_eq!((failed.code, failed.stdout.as_str()), (Some(2), ""), "{isa}");
        assert!(words.iter().all(|word| failed.stderr.contains(word)), "{}", failed.stderr);
    }
    if let Some((isa, why)) = Isa::ALL.into_iter().find_map(|isa| Some((isa, isa.why_not()?))) {
        let failed = doctor(Some(&isa.to_string()));
        assert_eq!((failed.code, failed.stdout.as_str()), (Some(2), ""));
        assert!(failed.stderr.contains(why) && failed.stderr.contains("here there are portable"), "{}", failed.stderr);
        assert!(told.stdout.contains(&format!("no: {why}")), "{}", told.stdout);
    }
}

#[test]
fn manual_and_completions_are_made_from_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let page = homolog(folder.path(), &["man"]);
    assert_eq!((page.code, page.stderr.as_str()), (Some(0), ""));
    let title = format!(".TH homolog 1 \" \" \"homolog {}\" Homolog\n", env!("CARGO_PKG_VERSION"));
    assert!(page.stdout.contains(&title) && page.stdout.contains("homolog\\-run(1)"), "{}", page.stdout);
    let written = homolog(folder.path(), &["man", "--output", "deep/er"]);
    assert_eq!((written.code, written.stderr.as_str()), (Some(0), ""));
    let n = fs::read_dir(folder.path().join("deep/er")).unwrap().count();
    assert_eq!(written.stdout, format!("{n} pages in deep/er\n"));
    assert_eq!(fs::read_to_string(folder.path().join("deep/er/homolog.1")).unwrap(), page.stdout);
    let run = fs::read_to_string(folder.path().join("deep/er/homolog-run.1")).unwrap();
    assert!(run.contains(".TH homolog-run 1") && run.contains(".SH EXAMPLES"), "{run}");
    let failed = homolog(folder.path(), &["man", "--output", "deep/er/homolog.1"]);
    assert!(failed.code == Some(1) && failed.stderr.contains("deep/er/homolog.1"), "{}", failed.stderr);
    let script = homolog(folder.path(), &["completions", "bash"]);
    assert!(script.code == Some(0) && script.stdout.starts_with("_homolog() {"), "{}", script.stderr);
    assert_eq!(homolog(folder.path(), &["completions", "csh"]).code, Some(2));
}

#[test]
fn a_plan_writes_nothing_and_a_run_is_verified() {
    let folder = planted();
    let plan = homolog(folder.path(), &["run", "study.toml", "--dry-run", "-q"]);
    assert_eq!((plan.code, plan.stderr.as_str()), (Some(0), ""));
    for word in ["| correlate |", "| 1 a checkpoint |", "Memory, at most", "GFLOP/s"] {
        assert!(plan.stdout.contains(word), "no {word} in {}", plan.stdout);
    }
    assert!(!folder.path().join("runs").exists());
    let options = ["run", "study.toml", "-q", "--set", "ablation.enabled=false", "--set", "correlation.top_k=4"];
    assert_eq!(homolog(folder.path(), &options).code, Some(0));
    let resolved = fs::read_to_string(folder.path().join("runs/twins/study.resolved.toml")).unwrap();
    assert!(resolved.contains("enabled = false") && resolved.contains("top_k = 4"), "{resolved}");
    let status = homolog(folder.path(), &["status", "runs/twins"]);
    assert!(status.code == Some(0) && status.stdout.contains("study `twins`, finished"), "{}", status.stdout);
    let verified = homolog(folder.path(), &["verify", "runs/twins"]);
    assert!(verified.code == Some(0) && verified.stdout.contains("are what its manifest says"), "{}", verified.stdout);
    // From another folder, and after a change.
    let elsewhere = tempfile::tempdir().unwrap();
    let run = folder.path().join("runs/twins");
    let verified = homolog(elsewhere.path(), &["verify", run.to_str().unwrap()]);
    assert_eq!(verified.code, Some(0), "{}{}", verified.stdout, verified.stderr);
    fs::write(run.join("tables/neurons.parquet"), "spoiled").unwrap();
    let verified = homolog(folder.path(), &["verify", "runs/twins"]);
    assert_eq!(verified.code, Some(1), "{}", verified.stdout);
    assert!(verified.stdout.contains("differs: table") && verified.stderr.contains("1 of"), "{}", verified.stderr);
}

#[test]
fn two_models_are_compared() {
    let folder = planted();
    let arguments =
        ["compare", "models/a", "models/b", "--corpus", "tokens.u16", "--context", "24", "--top", "3", "-q"];
    let done = homolog(folder.path(), &arguments);
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""));
    let table: Vec<&str> = done.stdout.lines().take_while(|line| line.starts_with('|')).collect();
    assert_eq!(table.len(), 2 + 3, "{}", done.stdout);
    assert!(table[0].contains("neuron of a") && table[0].contains("neuron of b"), "{}", table[0]);
    // What is planted is each other's best, and shared but for rounding.
    assert!(table[2..].iter().all(|line| line.contains("| 1.0000 |") && line.ends_with("| yes |")), "{}", done.stdout);
    let run = fs::read_dir(folder.path().join("runs")).unwrap().next().unwrap().unwrap();
    assert!(run.file_name().to_str().unwrap().starts_with("compare-a-b-"));
    assert!(run.path().join("tables/matches.parquet").is_file());
    assert!(homolog(folder.path(), &arguments).stdout.contains("nothing to do"));
}

#[test]
fn a_list_is_ablated() {
    let folder = planted();
    fs::write(folder.path().join("mine.csv"), "layer,neuron\n0,1\n1,2\n").unwrap();
    let arguments = ["ablate", "study.toml", "--model", "b", "--neurons", "mine.csv", "-q", "-o", "out"];
    let done = homolog(folder.path(), &arguments);
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""));
    assert!(done.stdout.contains("| mine | zero |") && done.stdout.contains("| random | mean |"), "{}", done.stdout);
    assert!(folder.path().join("out/ablations/b+mine.parquet").is_file());
}

#[test]
fn logs_are_json_where_that_is_asked_for_and_colours_where_they_are() {
    let folder = planted();
    let done =
        homolog(folder.path(), &["run", "study.toml", "--log-format", "json", "--set", "ablation.enabled=false"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let parse = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap_or_else(|_| panic!("{line}"));
    let events: Vec<serde_json::Value> = done.stderr.lines().map(parse).collect();
    let ends = events.iter().filter(|event| event["event"] == "end");
    assert!(ends.clone().any(|event| event["work"] == "correlate models" && event["unit"] == "tokens"), "{events:?}");
    assert!(ends.clone().all(|event| event["done"] == event["total"] && event["unix_seconds"].is_number()));
    // The same in the run folder.
    let log = log(&folder.path().join("runs/twins"));
    let logged: Vec<serde_json::Value> = log.lines().map(parse).collect();
    assert!(logged.iter().any(|event| event["event"] == "begin" && event["work"] == "correlate models"), "{log}");
    let failed = homolog(folder.path(), &["run", "missing.toml", "--log-format", "json"]);
    assert!(failed.code == Some(1) && parse(failed.stderr.trim())["event"] == "error", "{}", failed.stderr);

    let color = |arguments: &[&str]| homolog(folder.path(), arguments).stderr.contains('\u{1b}');
    assert!(!color(&["run", "missing.toml"]), "no terminal");
    assert!(color(&["run", "missing.toml", "--color", "always"]));
    assert!(!color(&["run", "missing.toml", "--color=never"]));
    assert!(color(&["walk", "--color", "always"]), "usage errors too");
}
