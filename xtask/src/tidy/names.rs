//! Names that say nothing about what is inside.

use std::path::Path;

use super::Violation;

const BANNED: [&str; 5] = ["core", "common", "utils", "helpers", "misc"];

pub(super) fn is_banned(name: &str) -> bool {
    BANNED.contains(&name)
}

/// A file or any folder on its way, with or without `homolog-` before it.
pub(super) fn check_path(path: &Path) -> Option<Violation> {
    let banned = path.components().find_map(|component| {
        let name = component.as_os_str().to_str()?;
        let stem = name.strip_suffix(".rs").unwrap_or(name);
        let stem = stem.strip_prefix("homolog-").unwrap_or(stem);
        is_banned(stem).then(|| stem.to_string())
    })?;
    Some(Violation::new(path, 1, format!("`{banned}` is a banned name: name the noun or inline it")))
}
