//! Controlled families of small GPT-2s: the same corpus, recorded seeds, a checkpoint at every chosen step.
//!
//! `family.rs` is the map: text to tokenizer and rows (`corpus`), seeds to weights (`init`) and to an order of rows
//! (`data_order`), steps (`trainer`, with `schedule` and `optimizer`), checkpoints and what resumes them (`folder`). The model
//! and its gradients are homolog-model's; nothing here knows a study.

mod config;
mod corpus;
mod data_order;
mod error;
mod family;
mod folder;
mod init;
mod log;
mod optimizer;
mod schedule;
mod stream;
mod trainer;
mod watch;

pub use config::{FamilyConfig, Seeds};
pub use error::Error;
pub use family::{Options, Outcome, train};
pub use watch::{Silent, Watch};
