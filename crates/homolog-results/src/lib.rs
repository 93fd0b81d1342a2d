//! The on-disk contract: tables, tensors, manifest, atomic writes.
//!
//! Data and I/O only: what a number means is said at its column, how it is computed is not known here. Every artifact
//! of a run folder is written through this crate, complete or not at all, and equal contents give equal bytes: no
//! time, host, path or library version gets into a table or a tensor file.
//!
//! The nine tables are one row type each ([`ModelRow`], [`NeuronRow`], [`MatchRow`], [`EmergenceRow`],
//! [`PersistenceRow`], [`StabilityRow`], [`AblationRow`], [`DamageRow`], [`FamilyRow`]), and more where there is something to tell: of neurons that agree all
//! round [`CliqueRow`], of random sets held against universal neurons [`BalanceRow`], of single neurons [`SingleRow`] and
//! [`AttributionRow`], of nulls with several draws [`NullRow`], of a screened search [`ScreeningRow`], of a tokenizer whose files are
//! known [`VocabularyRow`], of halves of the tokens held against each other [`RetestRow`], of neurons held against themselves
//! [`ContinuityRow`], of how long they stay universal [`SurvivalRow`] and [`LivesRow`]. They are written by [`write_table`] and read by
//! [`read_table`].
//! Arrays that are not rows go through [`write_tensors`]; what a run was made from is its [`Manifest`].

mod ablation_row;
mod attribution_row;
mod audit;
mod balance_row;
mod clique_row;
mod continuity_row;
mod damage_row;
mod emergence_row;
mod error;
mod family_row;
#[cfg(feature = "faults")]
mod faults;
mod lives_row;
mod manifest;
mod match_row;
mod model_row;
mod neuron_row;
pub mod notes;
mod null_row;
mod pages;
mod persistence_row;
mod retest_row;
mod screening_row;
mod single_row;
mod stability_row;
mod store;
mod survival_row;
mod table;
mod tensors;
mod vocabulary_row;

pub use ablation_row::AblationRow;
pub use attribution_row::AttributionRow;
pub use audit::{Audit, AuditKind, AuditWarning, AuditedCheckpoint, OtherCosine};
pub use balance_row::BalanceRow;
pub use clique_row::CliqueRow;
pub use continuity_row::ContinuityRow;
pub use damage_row::DamageRow;
pub use emergence_row::EmergenceRow;
pub use error::Error;
pub use family_row::FamilyRow;
#[cfg(feature = "faults")]
pub use faults::Faults;
pub use lives_row::LivesRow;
pub use manifest::{
    FileInput, FileRecord, Inputs, Manifest, StageRecord, TableRecord, TextInput, TokensInput, WeightsInput,
};
pub use match_row::MatchRow;
pub use model_row::ModelRow;
pub use neuron_row::NeuronRow;
pub use null_row::NullRow;
pub use pages::{EXPLORER_FILE, REPORT_FILE};
pub use persistence_row::PersistenceRow;
pub use retest_row::RetestRow;
pub use screening_row::ScreeningRow;
pub use single_row::SingleRow;
pub use stability_row::StabilityRow;
pub use store::{FolderLock, Sibling, file_hash, remove_files, remove_siblings, write_atomically, write_bytes};
pub use survival_row::SurvivalRow;
pub use table::{Table, read_batches, read_metadata, read_table, sort_rows, write_parts, write_table};
pub use tensors::{TensorData, TensorFile, Tensors, data_hash, open_tensors, read_tensors, write_tensors};
pub use vocabulary_row::VocabularyRow;
