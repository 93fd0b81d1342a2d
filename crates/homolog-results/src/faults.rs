//! A system that refuses to write, for tests: feature `faults`, never in the program that users run.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// What is to happen to one folder.
struct Plan {
    folder: PathBuf,
    /// Calls before the first that fails.
    n_good: u64,
    kind: io::ErrorKind,
    n_calls: u64,
}

static PLANS: Mutex<Vec<Plan>> = Mutex::new(Vec::new());

/// While it lives, system calls that write below a folder are counted, and fail after the first so many: a disk that is full stays
/// full.
#[derive(Debug)]
pub struct Faults {
    folder: PathBuf,
}

impl Faults {
    /// Let `n_good` calls through, then fail with `kind`.
    pub fn after(folder: &Path, n_good: u64, kind: io::ErrorKind) -> Self {
        plans().push(Plan { folder: folder.to_owned(), n_good, kind, n_calls: 0 });
        Self { folder: folder.to_owned() }
    }

    /// Calls so far, failed ones too.
    pub fn n_calls(&self) -> u64 {
        plans().iter().find(|plan| plan.folder == self.folder).map_or(0, |plan| plan.n_calls)
    }
}

impl Drop for Faults {
    fn drop(&mut self) {
        plans().retain(|plan| plan.folder != self.folder);
    }
}

/// Asked before every call that writes.
pub(crate) fn check(path: &Path) -> io::Result<()> {
    match plans().iter_mut().find(|plan| path.starts_with(&plan.folder)) {
        Some(plan) => {
            plan.n_calls += 1;
            if plan.n_calls > plan.n_good { Err(plan.kind.into()) } else { Ok(()) }
        }
        None => Ok(()),
    }
}

fn plans() -> std::sync::MutexGuard<'static, Vec<Plan>> {
    PLANS.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
