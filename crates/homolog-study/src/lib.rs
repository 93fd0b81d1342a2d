//! The study: from checkpoints and tokens to every table.
//!
//! [`study::run`] is the map; each stage reads earlier results and its own section of the study file and writes one
//! artifact. Nothing below this crate knows what a study is; nothing in it depends on clock, environment or threads.

mod ablate_list;
mod arithmetic;
mod artifacts;
mod audit;
mod blocks;
mod cliques_table;
pub mod config;
mod context;
mod continuity_table;
mod course;
mod damage;
mod dry_run;
mod error;
mod family;
mod inputs;
mod matches_table;
mod matching;
mod plan;
mod results;
mod run_folder;
mod shared_neurons;
mod speed;
mod stages;
mod status;
pub mod study;
mod summary;
mod tables;
mod token_file;
mod verify;
mod vocabulary_table;

pub use ablate_list::{ListRequest, ablate_list};
pub use audit::{audit, markdown as audit_markdown};
pub use config::{AblationSection, AttributionSection, PairRequest, StudyConfig};
pub use context::{Options, Progress, Silent};
pub use course::{Course, CourseCheckpoint};
pub use dry_run::dry_run;
pub use error::Error;
pub use homolog_model::{Isa, Precision};
pub use homolog_results::{Audit, AuditKind};
pub use shared_neurons::shared_neurons;
pub use speed::product_speeds;
pub use status::status;
pub use study::{Outcome, run};
pub use token_file::{TokenizeRequest, tokenize};
pub use verify::{Finding, Verification, Verified, verify};
