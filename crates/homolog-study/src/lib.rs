//! The study: from checkpoints and tokens to every table.
//!
//! [`study::run`] is the map; each stage reads earlier results and its own section of the study file and writes one
//! artifact. Nothing below this crate knows what a study is; nothing in it depends on clock, environment or threads.

mod artifacts;
pub mod config;
mod context;
mod error;
mod inputs;
mod plan;
mod results;
mod run_folder;
mod stages;
pub mod study;
mod summary;
mod tables;

pub use config::StudyConfig;
pub use context::{Options, Progress, Silent};
pub use error::Error;
pub use study::{Outcome, run};
