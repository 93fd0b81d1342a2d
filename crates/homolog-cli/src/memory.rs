//! Sizes of memory, as written and as free.

use std::path::Path;

/// Bytes of `8G`, `500M`, `64K` or a plain number; decimal units.
pub(crate) fn parse(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit: u64 = match text[digits.len()..].to_ascii_uppercase().as_str() {
        "" | "B" => 1,
        "K" | "KB" => 1_000,
        "M" | "MB" => 1_000_000,
        "G" | "GB" => 1_000_000_000,
        "T" | "TB" => 1_000_000_000_000,
        unit => return Err(format!("`{unit}` is no unit of memory; use K, M, G or T")),
    };
    let number: f64 = digits.parse().map_err(|_| format!("`{text}` is no size; write 8G or 500M"))?;
    if number > 0.0 && number.is_finite() {
        Ok((number * unit as f64) as u64)
    } else {
        Err("memory must be positive".into())
    }
}

/// 70 % of what is free: of the system's memory, or of what the process's control group may still take if that is less; 8 GB where
/// neither says.
pub(crate) fn default_budget() -> u64 {
    let free = [free_in_system(), free_in_group()].into_iter().flatten().min();
    free.map_or(8_000_000_000, |free| free / 10 * 7)
}

/// Of the system, if it says.
pub(crate) fn total() -> Option<u64> {
    of_system("MemTotal:")
}

/// `23.9 GB`
pub(crate) fn gigabytes(bytes: u64) -> String {
    format!("{:.1} GB", bytes as f64 / 1e9)
}

fn free_in_system() -> Option<u64> {
    of_system("MemAvailable:")
}

fn of_system(key: &str) -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find(|line| line.starts_with(key))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
}

/// Containers and cluster jobs are held to the limit of their control group, or of one above it (version 2).
fn free_in_group() -> Option<u64> {
    let groups = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let group = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    let root = Path::new("/sys/fs/cgroup");
    let folder = root.join(group.trim_start_matches('/'));
    let number = |folder: &Path, file: &str| -> Option<u64> {
        std::fs::read_to_string(folder.join(file)).ok()?.trim().parse().ok()
    };
    let free = |folder: &Path| {
        let limit = number(folder, "memory.max")?;
        // What is used, less files that the system has cached and gives back when memory is asked for.
        let used = number(folder, "memory.current").unwrap_or(0);
        let statistics = std::fs::read_to_string(folder.join("memory.stat")).unwrap_or_default();
        let cached = statistics.lines().find_map(|line| line.strip_prefix("inactive_file ")?.parse::<u64>().ok());
        Some(limit.saturating_sub(used.saturating_sub(cached.unwrap_or(0))))
    };
    folder.ancestors().take_while(|folder| folder.starts_with(root)).filter_map(free).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_nonsense_is_not() {
        assert_eq!(parse("8G"), Ok(8_000_000_000));
        assert_eq!(parse("1.5m"), Ok(1_500_000));
        assert_eq!(parse("12"), Ok(12));
        for wrong in ["", "G", "8X", "-1G", "0", "nan"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_default_is_something() {
        assert!(default_budget() > 1_000_000);
    }
}
