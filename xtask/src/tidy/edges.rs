//! Dependencies between our own crates: only the edges of HOUSE-RULES 2.1.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::Violation;

/// The complete list; `homolog-test` besides is a dev-dependency of whoever wants it.
const EDGES: [(&str, &[&str]); 11] = [
    ("homolog-cli", &["homolog-study", "homolog-report", "homolog-train"]),
    ("homolog-study", &["homolog-corpus", "homolog-model", "homolog-stats", "homolog-results"]),
    ("homolog-report", &["homolog-results"]),
    ("homolog-train", &["homolog-corpus", "homolog-model", "homolog-results"]),
    ("homolog-corpus", &[]),
    ("homolog-model", &["homolog-kernels"]),
    ("homolog-stats", &["homolog-kernels"]),
    ("homolog-kernels", &[]),
    ("homolog-results", &[]),
    ("homolog-test", &[]),
    ("xtask", &["homolog-test"]),
];

/// Why a dependency is not allowed. `kind` is cargo's: None (normal), `dev` or `build`.
fn objection(from: &str, to: &str, kind: Option<&str>) -> Option<String> {
    let Some((_, allowed)) = EDGES.iter().find(|(name, _)| *name == from) else {
        return Some(format!(
            "crate {from} is not in HOUSE-RULES 2.1: a new crate needs a note in docs/decisions and a line in xtask"
        ));
    };
    let is_test_tool = to == "homolog-test" && from != "homolog-test" && kind == Some("dev");
    if allowed.contains(&to) || is_test_tool {
        return None;
    }
    let kind = kind.map_or(String::new(), |kind| format!("{kind}-"));
    let allowed = if allowed.is_empty() { "nothing of ours".into() } else { allowed.join(", ") };
    Some(format!("{from} must not have {to} as a {kind}dependency; HOUSE-RULES 2.1 gives it {allowed}"))
}

pub(super) fn check(root: &Path) -> Result<Vec<Violation>> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(root)
        .output()
        .context("cargo does not start")?;
    ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr).trim());
    let metadata: Value = serde_json::from_slice(&output.stdout).context("the output of cargo metadata")?;
    let root = metadata["workspace_root"].as_str().context("cargo metadata names no workspace root")?;

    let mut violations = Vec::new();
    for package in metadata["packages"].as_array().context("cargo metadata lists no packages")? {
        let from = package["name"].as_str().unwrap_or_default();
        let manifest = Path::new(package["manifest_path"].as_str().unwrap_or_default());
        let text = fs::read_to_string(manifest).with_context(|| manifest.display().to_string())?;
        let relative = manifest.strip_prefix(root).unwrap_or(manifest);
        if !is_known(from) {
            violations.extend(objection(from, "", None).map(|o| Violation::new(relative, 1, o)));
            continue;
        }
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let to = dependency["name"].as_str().unwrap_or_default();
            if to.starts_with("homolog") || is_known(to) {
                let objection = objection(from, to, dependency["kind"].as_str());
                violations.extend(objection.map(|objection| Violation::new(relative, line_of(&text, to), objection)));
            }
        }
    }
    Ok(violations)
}

fn is_known(name: &str) -> bool {
    EDGES.iter().any(|(known, _)| *known == name)
}

/// The last line that begins with the dependency's name (dev-dependencies stand below dependencies), or 1.
fn line_of(manifest: &str, dependency: &str) -> usize {
    let begins =
        |line: &str| line.trim_start().strip_prefix(dependency).is_some_and(|rest| rest.starts_with(['.', ' ', '=']));
    manifest.lines().enumerate().filter(|(_, line)| begins(line)).last().map_or(1, |(index, _)| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listed_edges_and_test_tools_are_allowed() {
        assert_eq!(objection("homolog-study", "homolog-stats", None), None);
        assert_eq!(objection("homolog-kernels", "homolog-test", Some("dev")), None);
        assert_eq!(objection("xtask", "homolog-test", None), None);
    }

    #[test]
    fn every_other_edge_is_refused() {
        for (from, to, kind) in [
            ("homolog-kernels", "homolog-model", None),
            ("homolog-report", "homolog-stats", None),
            ("homolog-results", "homolog-kernels", Some("dev")),
            ("homolog-cli", "homolog-kernels", None),
            ("homolog-stats", "homolog-test", None),
            ("homolog-stats", "homolog-test", Some("build")),
            ("homolog-test", "homolog-model", Some("dev")),
            ("homolog-study", "homolog-cli", None),
            ("xtask", "homolog-study", None),
            ("homolog-extra", "homolog-kernels", None),
        ] {
            assert!(objection(from, to, kind).is_some(), "{from} -> {to} ({kind:?})");
        }
    }

    #[test]
    fn a_violation_points_at_the_line_of_the_manifest() {
        let manifest = "[dependencies]\nhomolog-model-x = 1\nhomolog-model.workspace = true\nanyhow = \"1\"\n";
        assert_eq!(line_of(manifest, "homolog-model"), 3);
        assert_eq!(line_of(manifest, "absent"), 1);
    }
}
