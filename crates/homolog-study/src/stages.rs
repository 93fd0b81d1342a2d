//! The stages, one noun a file, in the order in which a study takes them.

pub(crate) mod ablate;
pub(crate) mod attribute;
pub(crate) mod classify;
pub(crate) mod correlate;
pub(crate) mod evaluate;
pub(crate) mod evidence;
pub(crate) mod follow;
pub(crate) mod nulls;
pub(crate) mod persist;
pub(crate) mod tokenize;
pub(crate) mod windows;
