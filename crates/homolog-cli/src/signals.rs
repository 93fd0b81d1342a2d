//! Ctrl-C and SIGTERM: the first asks to stop between two pieces of work, the second stops at once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use signal_hook::consts::{SIGINT, SIGTERM};

static RECEIVED: OnceLock<Arc<AtomicUsize>> = OnceLock::new();

/// Listen from now on.
pub(crate) fn listen() -> std::io::Result<()> {
    let received = Arc::clone(RECEIVED.get_or_init(|| Arc::new(AtomicUsize::new(0))));
    let is_second = Arc::new(std::sync::atomic::AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // In this order: the first signal finds the flag down and raises it, the second finds it raised.
        signal_hook::flag::register_conditional_shutdown(signal, status(signal as usize), Arc::clone(&is_second))?;
        signal_hook::flag::register(signal, Arc::clone(&is_second))?;
        signal_hook::flag::register_usize(signal, Arc::clone(&received), signal as usize)?;
    }
    Ok(())
}

/// The signal that came, if one did.
pub(crate) fn received() -> Option<usize> {
    RECEIVED.get().map(|received| received.load(Ordering::Relaxed)).filter(|&signal| signal != 0)
}

/// Exit status of a program that a signal ended: 130 for Ctrl-C, 143 for SIGTERM.
pub(crate) fn status(signal: usize) -> i32 {
    128 + signal as i32
}
