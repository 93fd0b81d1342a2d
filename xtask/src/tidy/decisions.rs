//! `docs/decisions/`: every note is NNNN-title.md, numbered from 0001 without gaps or repeats.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::Violation;

const FOLDER: &str = "docs/decisions";

pub(super) fn check(root: &Path) -> Result<Vec<Violation>> {
    let folder = root.join(FOLDER);
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
    let names =
        entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect::<Result<Vec<_>>>()?;
    Ok(check_names(names))
}

fn check_names(mut names: Vec<String>) -> Vec<Violation> {
    names.retain(|name| Path::new(name).extension().is_some_and(|extension| extension == "md"));
    names.sort();
    let mut violations = Vec::new();
    let mut expected = 1;
    for name in names {
        let path = Path::new(FOLDER).join(&name);
        match number(&name) {
            None => violations.push(Violation::new(
                &path,
                1,
                "a decision is named NNNN-title.md, the title in lower case with hyphens",
            )),
            Some(found) => {
                if found != expected {
                    violations.push(Violation::new(
                        &path,
                        1,
                        format!("decisions are numbered from 0001 without gaps: expected {expected:04}"),
                    ));
                }
                expected = found + 1;
            }
        }
    }
    violations
}

fn number(name: &str) -> Option<u32> {
    let (digits, title) = name.strip_suffix(".md")?.split_once('-')?;
    let is_title = !title.is_empty()
        && title.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.');
    let is_number = digits.len() == 4 && digits.chars().all(|c| c.is_ascii_digit());
    if is_title && is_number { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(names: &[&str]) -> Vec<String> {
        let violations = check_names(names.iter().map(|name| (*name).to_string()).collect());
        violations.into_iter().map(|v| format!("{}: {}", v.path.display(), v.message)).collect()
    }

    #[test]
    fn consecutive_numbers_pass_in_any_listing_order() {
        assert_eq!(messages(&["0002-b-c.md", "0001-a.md", "notes.txt"]), [""; 0]);
        assert_eq!(messages(&[]), [""; 0]);
    }

    #[test]
    fn gaps_repeats_and_other_names_are_found() {
        for (names, n, sign) in [
            (&["0001-a.md", "0003-c.md"][..], 1, "expected 0002"),
            (&["0002-b.md"], 1, "expected 0001"),
            (&["0001-a.md", "0001-b.md"], 1, "expected 0002"),
            (&["README.md"], 1, "README.md: a decision is named"),
            (&["1-a.md"], 1, "NNNN-title"),
            (&["0001-A b.md"], 1, "NNNN-title"),
            (&["0001.md"], 1, "NNNN-title"),
        ] {
            let found = messages(names);
            assert!(found.len() == n && found[0].contains(sign), "{names:?}: {found:?}");
        }
    }
}
