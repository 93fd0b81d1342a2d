//! The study as a whole, through the library: against goldens, planted truth, a slow twin, itself, and wrong inputs.
#![expect(clippy::unwrap_used, reason = "tests")]

mod ablation;
mod attribution;
mod audit;
mod determinism;
mod errors;
mod evidence;
mod goldens;
mod impact;
mod persistence;
mod planted;
mod resume;
mod screening;
mod slow;
mod text;
mod variety;
mod windows;
mod world;
