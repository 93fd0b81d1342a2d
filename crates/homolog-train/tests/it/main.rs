//! Whole trainings of tiny families, from text to checkpoints.
#![expect(clippy::unwrap_used, reason = "tests")]

mod errors;
mod family;
mod python;
mod resume;
mod world;
