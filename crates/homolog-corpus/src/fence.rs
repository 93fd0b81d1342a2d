//! Where other people's parsers may panic on a bad file.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    /// Whether a panic of this thread is caught below, and so nothing that a user should see.
    static IS_FENCED: Cell<bool> = const { Cell::new(false) };
}

/// What `run` gives, or the text of its panic: the file's fault, not ours, that must not end a run of hours without a name.
///
/// What `run` changes must not be used again after an error, so that nothing half-changed is seen. Nothing is printed.
pub(crate) fn fenced<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let print = take_hook();
        set_hook(Box::new(move |panic| {
            if !IS_FENCED.get() {
                print(panic);
            }
        }));
    });
    let was_fenced = IS_FENCED.replace(true);
    let done = catch_unwind(AssertUnwindSafe(run));
    IS_FENCED.set(was_fenced);
    done.map_err(|panic| {
        let message = panic.downcast_ref::<String>().map(String::as_str);
        message.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("the reader panicked").to_owned()
    })
}
