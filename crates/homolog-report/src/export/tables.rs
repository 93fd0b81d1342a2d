//! Every table as CSV, streamed.

use std::path::Path;

use homolog_results::{
    AblationRow, AttributionRow, BalanceRow, CliqueRow, ContinuityRow, DamageRow, EmergenceRow, FamilyRow, LivesRow,
    Manifest, MatchRow, ModelRow, NeuronRow, NullRow, PersistenceRow, RetestRow, ScreeningRow, SingleRow, StabilityRow,
    SurvivalRow, Table, VocabularyRow, read_batches,
};

use super::{cannot_write, write_file};
use crate::{Error, Written};

/// Writes one table of a run to a folder.
type Writer = fn(&Path, &Path, &dyn Fn(&str)) -> Result<u64, Error>;

/// Every table that a run can have.
const WRITERS: &[(&str, Writer)] = &[
    (ModelRow::NAME, one::<ModelRow>),
    (NeuronRow::NAME, one::<NeuronRow>),
    (MatchRow::NAME, one::<MatchRow>),
    (EmergenceRow::NAME, one::<EmergenceRow>),
    (PersistenceRow::NAME, one::<PersistenceRow>),
    (SurvivalRow::NAME, one::<SurvivalRow>),
    (LivesRow::NAME, one::<LivesRow>),
    (RetestRow::NAME, one::<RetestRow>),
    (StabilityRow::NAME, one::<StabilityRow>),
    (AblationRow::NAME, one::<AblationRow>),
    (DamageRow::NAME, one::<DamageRow>),
    (ContinuityRow::NAME, one::<ContinuityRow>),
    (BalanceRow::NAME, one::<BalanceRow>),
    (SingleRow::NAME, one::<SingleRow>),
    (AttributionRow::NAME, one::<AttributionRow>),
    (FamilyRow::NAME, one::<FamilyRow>),
    (CliqueRow::NAME, one::<CliqueRow>),
    (NullRow::NAME, one::<NullRow>),
    (ScreeningRow::NAME, one::<ScreeningRow>),
    (VocabularyRow::NAME, one::<VocabularyRow>),
];

/// Which tables there are is the manifest's word: a file that it does not list is no part of the run.
pub(super) fn write(folder: &Path, output: &Path, progress: &dyn Fn(&str)) -> Result<Written, Error> {
    let manifest = Manifest::read(folder)?.ok_or_else(|| Error::NotARun { folder: folder.to_owned() })?;
    if !manifest.is_finished {
        return Err(Error::Unfinished { folder: folder.to_owned() });
    }
    let mut written = Written { n_files: 0, n_bytes: 0 };
    for record in &manifest.tables {
        let (_, write) = WRITERS.iter().find(|(name, _)| *name == record.name).ok_or_else(|| Error::UnknownTable {
            path: folder.join(Manifest::FILE_NAME),
            table: record.name.clone(),
        })?;
        written.n_bytes += write(folder, output, progress)?;
        written.n_files += 1;
    }
    Ok(written)
}

/// Size of the file.
fn one<T: Table>(folder: &Path, output: &Path, progress: &dyn Fn(&str)) -> Result<u64, Error> {
    let source = folder.join("tables").join(T::NAME).with_extension("parquet");
    let path = output.join(T::NAME).with_extension("csv");
    progress(&format!("{}.csv", T::NAME));
    write_file(&path, |writer| {
        let mut csv = csv::Writer::from_writer(writer);
        let cannot_write = cannot_write(&path);
        csv.write_record(T::COLUMNS).map_err(|error| cannot_write(error.into()))?;
        read_batches(&source, |rows: Vec<T>| {
            rows.iter().try_for_each(|row| csv.write_record(row.cells()).map_err(|error| cannot_write(error.into())))
        })?;
        csv.flush().map_err(&cannot_write)
    })
}
