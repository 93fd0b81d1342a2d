//! Whom a training tells how far it is, and who may stop it.

use std::path::Path;

/// Told what goes on; draws a bar, writes a log, or does nothing. Asked whether to go on.
pub trait Watch: Sync {
    /// Work of `total` units begins, such as "train 5 models", in "tokens".
    fn begin(&self, work: &str, total: u64, unit: &'static str);
    /// So many units more are done.
    fn advance(&self, n: u64);
    /// How the work stands, in a few words, such as "step 40 of 600, loss 4.31"; replaces what was said before.
    fn note(&self, status: &str);
    /// The work is done.
    fn end(&self);
    /// One line that the user should see.
    fn say(&self, line: &str);
    /// From here on what is told belongs to the family in this folder.
    fn begin_family(&self, _folder: &Path) {}
    /// Whether the user has asked to stop.
    fn is_cancelled(&self) -> bool {
        false
    }
}

/// Tells nobody.
pub struct Silent;

impl Watch for Silent {
    fn begin(&self, _: &str, _: u64, _: &'static str) {}
    fn advance(&self, _: u64) {}
    fn note(&self, _: &str) {}
    fn end(&self) {}
    fn say(&self, _: &str) {}
}
