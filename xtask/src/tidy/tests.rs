use super::*;
use source::{Source, has_word};

fn messages(path: &str, text: &str) -> Vec<String> {
    let violations = rust_file::check(Path::new(path), text);
    violations.into_iter().map(|v| format!("{}: {}", v.line, v.message)).collect()
}

const LIB: &str = "crates/homolog-stats/src/lib.rs";

#[test]
fn code_and_comments_are_told_apart() {
    let text = "let a = \"// unsafe \\\" /*\"; // one\nlet b = r#\"unsafe \" \"#; /* two /* in */ still */ let c = '\"';\n\
                let d: &'static str = \"two\\\n lines unsafe\"; let e = '\\''; // end\nlet f = br\"\\\"; unsafe {}";
    let source = Source::divide(text);
    assert_eq!(
        source.code,
        [
            "let a = \"\"; ",
            "let b = \"\";  let c = '';",
            "let d: &'static str = \"",
            "\"; let e = ''; ",
            "let f = \"\"; unsafe {}"
        ]
    );
    assert_eq!(source.comments, ["// one", "/* two /* in */ still */", "", "// end", ""]);
    assert_eq!(source.n_code_lines(), 5);
    // Files that end where they should not.
    for cut in ["'", "'\\", "'\\n", "\"\\", "r#\"", "br", "/*", "/", "x = '"] {
        assert_eq!(Source::divide(cut).code.len(), 1, "{cut}");
    }
    assert_eq!(Source::divide("// only\n\n/* this\nand this */\n").n_code_lines(), 0);
}

#[test]
fn words_are_bounded_by_what_is_not_a_name() {
    assert!(
        has_word("x unsafe{", "unsafe") && has_word("unsafe", "unsafe") && has_word("unsafe_code unsafe", "unsafe")
    );
    assert!(!has_word("#![deny(unsafe_code)]", "unsafe") && !has_word("is_unsafe", "unsafe"));
}

#[test]
fn unsafe_is_for_kernels_only() {
    let text = "//! No unsafe here.\nfn f() {\n    unsafe { g() }\n}\n";
    assert_eq!(messages(LIB, text), ["3: `unsafe` belongs in homolog-kernels only"]);
    assert_eq!(messages("crates/homolog-kernels/src/gemm.rs", text), [""; 0]);
}

#[test]
fn allow_attributes_are_found_in_every_spelling() {
    for line in ["#[allow(dead_code)]", "#![allow(dead_code)]", "# [ allow (x)]", "#[cfg_attr(test, allow(dead_code))]"]
    {
        assert_eq!(messages(LIB, line).len(), 1, "{line}");
    }
    for line in ["#[expect(dead_code, reason = \"r\")]", "// #[allow(x)]", "let s = \"#[allow(x)]\";", "allow(7);"] {
        assert_eq!(messages(LIB, line), [""; 0], "{line}");
    }
}

#[test]
fn unfinished_work_needs_an_issue() {
    assert_eq!(
        messages(LIB, "fn f() {} // TODO: later"),
        ["1: TODO without an issue number: write TODO(#123) or do it"]
    );
    assert_eq!(messages(LIB, "/// FIXME\nfn f() {}").len(), 1);
    assert_eq!(messages(LIB, "fn f() { todo!() }"), ["1: todo! is not for commits"]);
    assert_eq!(messages(LIB, "// TODO(#12): later\nlet s = \"TODO\"; // TODONE"), [""; 0]);
    let manifest = rust_file::check_manifest(Path::new("Cargo.toml"), "[package]\n# TODO: version\n");
    assert_eq!(manifest.iter().map(|v| v.line).collect::<Vec<_>>(), [2]);
}

#[test]
fn long_files_warn_and_then_fail_unless_they_are_tests() {
    let lines = |n: usize| "let x = 1;\n// a comment\n\n".repeat(n);
    let verdict = |path: &str, n| rust_file::check(Path::new(path), &lines(n)).first().map(|v| v.is_warning);
    assert_eq!(verdict(LIB, 400), None);
    assert_eq!(verdict(LIB, 401), Some(true));
    assert_eq!(verdict(LIB, 700), Some(true));
    assert_eq!(verdict(LIB, 701), Some(false));
    assert_eq!(verdict("crates/a/src/gemm/tests.rs", 900), None);
    assert_eq!(verdict("crates/a/tests/it/main.rs", 900), None);
    assert_eq!(verdict("crates/a/src/contests.rs", 900), Some(false));
}

#[test]
fn banned_names_are_found_as_files_folders_and_modules() {
    for path in [
        "crates/a/src/utils.rs",
        "crates/a/src/core/matrix.rs",
        "crates/homolog-common/src/lib.rs",
        "crates/a/tests/misc.rs",
    ] {
        assert!(names::check_path(Path::new(path)).is_some(), "{path}");
    }
    assert_eq!(names::check_path(Path::new("crates/a/src/score.rs")), None);
    assert_eq!(messages(LIB, "pub(crate) mod helpers {").len(), 1);
    assert_eq!(messages(LIB, "mod misc;").len(), 1);
    assert_eq!(messages(LIB, "use core::arch; mod top_k; // mod misc;"), [""; 0]);
}

#[test]
fn a_tree_with_violations_lists_each_with_its_place() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let write = |path: &str, text: &str| {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().expect("below the root")).expect("a writable folder");
        fs::write(path, text).expect("a writable folder");
    };
    let package = |name: &str, rest: &str| {
        format!("[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n{rest}")
    };
    write("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\", \"xtask\"]\n");
    write("xtask/Cargo.toml", &package("xtask", ""));
    write("xtask/src/main.rs", "fn main() {}\n");
    write("crates/homolog-model/Cargo.toml", &package("homolog-model", ""));
    write("crates/homolog-model/src/lib.rs", "fn f() {\n    unsafe {}\n}\n");
    write(
        "crates/homolog-report/Cargo.toml",
        &package("homolog-report", "[dependencies]\nhomolog-model = { path = \"../homolog-model\" }\n"),
    );
    write("crates/homolog-report/src/lib.rs", "");
    write("docs/decisions/0002-second.md", "");

    let found: Vec<String> = check(root.path())
        .expect("a readable tree")
        .iter()
        .map(|v| format!("{}:{}", v.path.display(), v.line))
        .collect();
    assert_eq!(
        found,
        ["crates/homolog-model/src/lib.rs:2", "crates/homolog-report/Cargo.toml:6", "docs/decisions/0002-second.md:1"]
    );
    assert!(run(root.path()).is_err());
}
