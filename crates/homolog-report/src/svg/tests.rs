#![expect(clippy::unwrap_used, reason = "tests")]

pub(crate) mod gallery;
mod laws;
mod reading;
