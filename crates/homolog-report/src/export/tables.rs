//! Every table as CSV, streamed.

use std::path::Path;

use homolog_results::{
    AblationRow, EmergenceRow, Manifest, MatchRow, ModelRow, NeuronRow, PersistenceRow, ScreeningRow, StabilityRow,
    Table, VocabularyRow, read_batches,
};

use super::{cannot_write, write_file};
use crate::{Error, Written};

pub(super) fn write(folder: &Path, output: &Path, progress: &dyn Fn(&str)) -> Result<Written, Error> {
    let manifest = Manifest::read(folder)?.ok_or_else(|| Error::NotARun { folder: folder.to_owned() })?;
    if !manifest.is_finished {
        return Err(Error::Unfinished { folder: folder.to_owned() });
    }
    let tables = [
        one::<ModelRow>,
        one::<NeuronRow>,
        one::<MatchRow>,
        one::<EmergenceRow>,
        one::<PersistenceRow>,
        one::<StabilityRow>,
        one::<AblationRow>,
        one::<ScreeningRow>,
        one::<VocabularyRow>,
    ];
    let mut written = Written { n_files: 0, n_bytes: 0 };
    for table in tables {
        if let Some(n_bytes) = table(folder, output, progress)? {
            written.n_files += 1;
            written.n_bytes += n_bytes;
        }
    }
    Ok(written)
}

/// Size of the file; none where the run has no such table.
fn one<T: Table>(folder: &Path, output: &Path, progress: &dyn Fn(&str)) -> Result<Option<u64>, Error> {
    let source = folder.join("tables").join(T::NAME).with_extension("parquet");
    if !source.exists() {
        return Ok(None);
    }
    let path = output.join(T::NAME).with_extension("csv");
    progress(&format!("{}.csv", T::NAME));
    let n_bytes = write_file(&path, |writer| {
        let mut csv = csv::Writer::from_writer(writer);
        let cannot_write = cannot_write(&path);
        csv.write_record(T::COLUMNS).map_err(|error| cannot_write(error.into()))?;
        read_batches(&source, |rows: Vec<T>| {
            rows.iter().try_for_each(|row| csv.write_record(row.cells()).map_err(|error| cannot_write(error.into())))
        })?;
        csv.flush().map_err(&cannot_write)
    })?;
    Ok(Some(n_bytes))
}
