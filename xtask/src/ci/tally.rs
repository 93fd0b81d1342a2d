//! What the lines of `cargo test -- --show-output` add up to.

use std::collections::BTreeMap;

#[cfg(test)]
mod tests;

/// Sums over all test binaries. A test that printed `SKIPPED: reason` is skipped, not passed, however often it says so.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Tally {
    /// As the result lines say: skipped tests return without failing, so they are among these.
    n_reported_passed: usize,
    n_failed: usize,
    n_ignored: usize,
    /// Tests that gave this reason first.
    skipped: BTreeMap<String, usize>,
    is_this_test_counted: bool,
    /// The lines are what failed tests printed: those are failures, whatever they skipped.
    is_among_failures: bool,
}

impl Tally {
    pub(crate) fn read_line(&mut self, line: &str) {
        if line == "failures:" || line == "successes:" {
            self.is_among_failures = line == "failures:";
        } else if line.starts_with("---- ") && line.ends_with(" stdout ----") {
            self.is_this_test_counted = self.is_among_failures;
        } else if let Some(reason) = line.strip_prefix("SKIPPED: ") {
            if !self.is_this_test_counted {
                *self.skipped.entry(reason.trim().into()).or_default() += 1;
            }
            self.is_this_test_counted = true;
        } else if let Some(result) = line.strip_prefix("test result: ") {
            self.n_reported_passed += count_before(result, "passed");
            self.n_failed += count_before(result, "failed");
            self.n_ignored += count_before(result, "ignored");
        }
    }

    /// A test that is none of cargo's could not be run.
    pub(crate) fn skip(&mut self, reason: &str) {
        // Counted as skipped tests of cargo's are, which return without failing.
        self.n_reported_passed += 1;
        *self.skipped.entry(reason.trim().into()).or_default() += 1;
    }

    fn n_skipped(&self) -> usize {
        self.skipped.values().sum::<usize>() + self.n_ignored
    }

    /// `N passed, N failed, N skipped`.
    fn summary(&self) -> String {
        let n_skipped: usize = self.skipped.values().sum();
        let n_passed = self.n_reported_passed.saturating_sub(n_skipped);
        format!("{n_passed} passed, {} failed, {} skipped", self.n_failed, self.n_skipped())
    }

    pub(crate) fn print(&self) {
        println!("\nSkipped tests: {}", self.n_skipped());
        for (reason, n) in &self.skipped {
            println!("  {n} x {reason}");
        }
        if self.n_ignored > 0 {
            println!("  {} x #[ignore]", self.n_ignored);
        }
        println!("{}", self.summary());
    }
}

/// The number before `word` in `ok. 5 passed; 0 failed; 1 ignored; ...`.
fn count_before(result: &str, word: &str) -> usize {
    let words: Vec<&str> = result.split([' ', ';']).collect();
    let before = words.windows(2).find(|pair| pair[1] == word).map(|pair| pair[0]);
    before.and_then(|number| number.parse().ok()).unwrap_or(0)
}
