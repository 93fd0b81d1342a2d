//! How whoever called learns how far it is, and stops it.

use crate::Error;

/// Told how much is done and how much there is, from several threads; answers whether to go on.
pub type Progress<'a> = dyn Fn(u64, u64) -> bool + Sync + 'a;

/// Tells; `Interrupted` where the answer is to stop.
pub(crate) fn go_on(progress: &Progress, n_done: u64, n: u64) -> Result<(), Error> {
    if progress(n_done, n) { Ok(()) } else { Err(Error::Interrupted) }
}
