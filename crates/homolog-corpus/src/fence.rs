//! Where other people's parsers may panic on a bad file.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// What `run` gives, or the text of its panic: the file's fault, not ours, that must not end a run of hours without a name.
///
/// What `run` changes must not be used again after an error, so that nothing half-changed is seen.
pub(crate) fn fenced<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| {
        let message = panic.downcast_ref::<String>().map(String::as_str);
        message.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("the reader panicked").to_owned()
    })
}
