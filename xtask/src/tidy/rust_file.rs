//! The rules that one source file can break by itself.

use std::path::{Component, Path};

use super::Violation;
use super::names::is_banned;
use super::source::{Source, has_word};

const MOST_LINES: usize = 700;
const MANY_LINES: usize = 400;

pub(super) fn check(path: &Path, text: &str) -> Vec<Violation> {
    let source = Source::divide(text);
    let mut violations = Vec::new();
    violations.extend(check_length(path, source.n_code_lines()));
    for (index, (code, comment)) in source.code.iter().zip(&source.comments).enumerate() {
        let mut found = |message: String| violations.push(Violation::new(path, index + 1, message));
        if let Some(name) = declared_module(code).filter(|name| is_banned(name)) {
            found(format!("module `{name}` has a banned name: name the noun or inline it"));
        }
        if has_word(code, "unsafe") && !path.starts_with("crates/homolog-kernels") {
            found("`unsafe` belongs in homolog-kernels only".into());
        }
        if has_allow_attribute(code) {
            found("`allow` is silent when it becomes needless: write #[expect(lint, reason = \"...\")]".into());
        }
        if let Some(sign) = todo_without_issue(comment) {
            found(format!("{sign} without an issue number: write {sign}(#123) or do it"));
        }
        if has_word(code, "todo") && code.contains("todo!") {
            found("todo! is not for commits".into());
        }
    }
    violations
}

/// Of a Cargo.toml only the comments are ours to check.
pub(super) fn check_manifest(path: &Path, text: &str) -> Vec<Violation> {
    let lines = text.lines().enumerate();
    lines
        .filter_map(|(index, line)| {
            let sign = todo_without_issue(line)?;
            Some(Violation::new(path, index + 1, format!("{sign} without an issue number")))
        })
        .collect()
}

fn check_length(path: &Path, n_lines: usize) -> Option<Violation> {
    let is_test = path.file_name().is_some_and(|name| name == "tests.rs")
        || path.components().any(|part| part == Component::Normal("tests".as_ref()));
    if is_test || n_lines <= MANY_LINES {
        return None;
    }
    let is_warning = n_lines <= MOST_LINES;
    let limit =
        if is_warning { format!("aim at 200, warned above {MANY_LINES}") } else { format!("at most {MOST_LINES}") };
    Some(Violation { is_warning, ..Violation::new(path, 1, format!("{n_lines} lines of code, {limit}")) })
}

/// `name` of a line `pub mod name;` or `mod name {`.
fn declared_module(code: &str) -> Option<&str> {
    let mut words = code.split(|c: char| c.is_whitespace() || c == ';' || c == '{').filter(|word| !word.is_empty());
    words.find(|word| *word == "mod")?;
    words.next()
}

fn has_allow_attribute(code: &str) -> bool {
    let squeezed: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let is_attribute = squeezed.contains("#[allow(") || squeezed.contains("#![allow(");
    is_attribute || (squeezed.contains("cfg_attr(") && squeezed.contains(",allow("))
}

/// The sign, unless an issue's number stands on the same line.
fn todo_without_issue(comment: &str) -> Option<&'static str> {
    let sign = ["TODO", "FIXME"].into_iter().find(|sign| has_word(comment, sign))?;
    let has_issue =
        comment.match_indices('#').any(|(at, _)| comment[at + 1..].starts_with(|c: char| c.is_ascii_digit()));
    (!has_issue).then_some(sign)
}
