//! `rows.py` writes files and the rows it makes of them; ours must be the same ids.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use homolog_corpus::{RowsSpec, Tokenizer, find_files, make_rows};
use homolog_test::fixtures::{fixtures, json, print_skipped};
use serde_json::Value;

/// What `rows.py` exits with where a package is missing.
const NO_PACKAGE: i32 = 3;

#[test]
#[ignore = "slow tier: cargo xtask slow"]
fn rows_are_those_of_python() {
    let Some(python) = env::var_os("HOMOLOG_PYTHON") else {
        print_skipped("HOMOLOG_PYTHON names no Python with crates/homolog-corpus/tests/it/requirements.txt");
        return;
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/rows.py");
    let mut command = Command::new(python);
    command.arg(script).arg("make").arg(folder.path());
    // Without fixtures the script trains a tokenizer of its own.
    command.args(fixtures().map(|fixtures| fixtures.join("tokenizer/tokenizer.json")));
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => {
            print_skipped(&format!("HOMOLOG_PYTHON does not run: {error}"));
            return;
        }
    };
    let printed = [output.stdout, output.stderr].concat();
    let printed = String::from_utf8_lossy(&printed);
    if output.status.code() == Some(NO_PACKAGE) {
        print_skipped(&format!("HOMOLOG_PYTHON lacks a package of rows.py: {printed}"));
        return;
    }
    assert!(output.status.success(), "rows.py: {printed}");

    let cases = json(folder.path().join("cases.json"));
    let tokenizer = Tokenizer::open(Path::new(text(&cases["tokenizer"]))).expect("the tokenizer of the cases");
    let cases = cases["cases"].as_array().expect("a list of cases");
    assert_eq!(cases.len(), 24, "five formats and all together, four specs");
    for case in cases {
        check(folder.path(), &tokenizer, case);
    }
    // A comparison that cannot fail is none: one byte more in a file changes the rows.
    let path = folder.path().join("a.txt");
    let longer = [b"x".as_slice(), &fs::read(&path).expect("written above")].concat();
    fs::write(&path, longer).expect("a temporary folder can be written");
    let (rows, _) = made(folder.path(), &tokenizer, &cases[0]);
    assert!(rows != ids(&cases[0]["rows"]));
}

fn check(folder: &Path, tokenizer: &Tokenizer, case: &Value) {
    let (rows, held_out) = made(folder, tokenizer, case);
    let name = format!("{} with {}", case["files"], case["spec"]);
    assert!(rows.len() > 10_000, "{name}: {} ids", rows.len());
    assert_same(&format!("rows of {name}"), &rows, &ids(&case["rows"]));
    assert_same(&format!("held-out rows of {name}"), &held_out, &ids(&case["held_out"]));
}

fn made(folder: &Path, tokenizer: &Tokenizer, case: &Value) -> (Vec<u32>, Vec<u32>) {
    let names: Vec<_> = case["files"].as_array().expect("names").iter().map(|name| PathBuf::from(text(name))).collect();
    let files = find_files(folder, &names).expect("written by rows.py");
    let spec = &case["spec"];
    let spec = RowsSpec {
        context: spec["context"].as_u64().expect("a number") as usize,
        bos: spec["bos"].as_bool().expect("true or false"),
        tokens: spec["tokens"].as_u64(),
        held_out_tokens: spec["held_out_tokens"].as_u64(),
        text_field: "text".into(),
    };
    let rows =
        make_rows(&files, tokenizer, &spec, &|_| true).unwrap_or_else(|error| panic!("{}: {error}", case["spec"]));
    (rows.rows, rows.held_out)
}

#[track_caller]
fn assert_same(name: &str, got: &[u32], want: &[u32]) {
    assert_eq!(got.len(), want.len(), "{name}");
    let differs = got.iter().zip(want).position(|(got, want)| got != want);
    assert!(differs.is_none(), "{name}: first difference at {differs:?}");
}

fn ids(value: &Value) -> Vec<u32> {
    let ids = value.as_array().expect("a list of ids");
    ids.iter().map(|id| u32::try_from(id.as_u64().expect("an id")).expect("an id")).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a string")
}
