//! How far the reading is, and whether to go on.

/// Told the bytes of files done with since the last call (0: only asked); `false` stops the work with `Interrupted`.
///
/// Called from several threads.
pub(crate) type Progress<'a> = dyn Fn(u64) -> bool + Sync + 'a;
