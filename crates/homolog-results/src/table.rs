//! Rows of a typed struct to Parquet and back, through [`Table`], which the `table!` macro implements.
//!
//! The order of rows, the encodings and everything else that reaches the file is fixed here, so that equal rows give
//! equal bytes. Which tables there are is said in the `*_row.rs` files, one each.

mod column;

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;

pub(crate) use column::{Column, read_column};

use crate::{Error, store};

/// Rows converted at a time. Part of what decides the bytes of a file.
const BATCH_ROWS: usize = 65_536;
/// Rows of a row group at most, where [`Table::same_group`] asks for no earlier break.
const ROW_GROUP_ROWS: usize = 1 << 20;
/// Level of the zstd compression.
const ZSTD_LEVEL: i32 = 3;

/// One row of a results table, and how it lies in a file.
pub trait Table: Sized {
    /// Name of the table and of its file, without extension.
    const NAME: &'static str;
    /// Names of the columns that identify a row, in the order by which rows are sorted.
    const KEYS: &'static [&'static str];
    /// Names of all columns, in file order.
    const COLUMNS: &'static [&'static str];

    /// The columns in file order.
    fn schema() -> SchemaRef;
    /// The rows as columns.
    fn to_batch(rows: &[Self]) -> RecordBatch;
    /// The columns as rows; columns that are not in the schema are ignored. `path` is named in errors only.
    fn from_batch(batch: &RecordBatch, path: &Path) -> Result<Vec<Self>, Error>;
    /// Order by the key columns: strings by bytes, null before values, floats by total order.
    fn key_order(&self, other: &Self) -> Ordering;
    /// Name of the first column that holds NaN, if one does.
    fn nan_column(&self) -> Option<&'static str>;
    /// The row as text, a cell for each column: numbers by their shortest digits that read back the same, nulls empty.
    fn cells(&self) -> Vec<String>;
    /// Whether a row and the next one may share a row group.
    fn same_group(&self, _other: &Self) -> bool {
        true
    }
}

/// Declares a row struct and implements [`Table`] for it, so that a column is written down once.
///
/// `keys` are the key columns in sort order; `row_group_per` (optional) the columns whose change starts a row group.
macro_rules! table {
    (
        name: $name:literal,
        keys: [$($key:ident),+],
        $(row_group_per: [$($group:ident),+],)?
        $(#[$row_doc:meta])*
        pub struct $row:ident { $($(#[$column_doc:meta])+ pub $column:ident: $type:ty,)+ }
    ) => {
        $(#[$row_doc])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $row { $($(#[$column_doc])+ pub $column: $type,)+ }

        impl $crate::table::Table for $row {
            const NAME: &'static str = $name;
            const KEYS: &'static [&'static str] = &[$(stringify!($key)),+];

            const COLUMNS: &'static [&'static str] = &[$(stringify!($column)),+];

            fn schema() -> arrow_schema::SchemaRef {
                std::sync::Arc::new(arrow_schema::Schema::new(vec![
                    $(<$type as $crate::table::Column>::field(stringify!($column))),+
                ]))
            }

            fn to_batch(rows: &[Self]) -> arrow_array::RecordBatch {
                let columns = vec![
                    $(<$type as $crate::table::Column>::array(rows.iter().map(|row| &row.$column))),+
                ];
                arrow_array::RecordBatch::try_new(Self::schema(), columns)
                    .expect("schema and arrays come from the same column types")
            }

            fn from_batch(
                batch: &arrow_array::RecordBatch,
                path: &std::path::Path,
            ) -> Result<Vec<Self>, $crate::Error> {
                $(let mut $column =
                    $crate::table::read_column::<$type>(batch, path, Self::NAME, stringify!($column))?.into_iter();)+
                let mut rows = Vec::with_capacity(batch.num_rows());
                while let ($(Some($column),)+) = ($($column.next(),)+) {
                    rows.push(Self { $($column),+ });
                }
                Ok(rows)
            }

            fn key_order(&self, other: &Self) -> std::cmp::Ordering {
                std::cmp::Ordering::Equal
                    $(.then_with(|| $crate::table::Column::order(&self.$key, &other.$key)))+
            }

            fn nan_column(&self) -> Option<&'static str> {
                $(if $crate::table::Column::is_nan(&self.$column) {
                    return Some(stringify!($column));
                })+
                None
            }

            fn cells(&self) -> Vec<String> {
                vec![$($crate::table::Column::text(&self.$column)),+]
            }

            $(fn same_group(&self, other: &Self) -> bool {
                $($crate::table::Column::order(&self.$group, &other.$group).is_eq())&&+
            })?
        }
    };
}
pub(crate) use table;

/// Writes `rows` to `path`, whole or not at all; `metadata` goes into the file's own key-value metadata, as given.
///
/// zstd level 3; float columns `BYTE_STREAM_SPLIT` without dictionary. Equal rows and metadata give equal bytes.
/// No rows make a valid file with the columns of the table.
/// Errors: `NotANumber`, `UnsortedTable`, `DuplicateKey`, `Write`; a file already at `path` then stays as it was.
pub fn write_table<T: Table>(path: &Path, rows: &[T], metadata: &[(String, String)]) -> Result<(), Error> {
    write_parts(path, std::iter::once(Ok::<_, Error>(rows)), metadata).map(drop)
}

/// [`write_table`] of rows that come part by part, of which one is held at a time; each is one row group or more. Returns how many rows
/// there were.
///
/// Errors: as [`write_table`], but found part by part; those of `parts`, at once.
pub fn write_parts<T: Table, R: AsRef<[T]>, E: From<Error>>(
    path: &Path,
    parts: impl Iterator<Item = Result<R, E>>,
    metadata: &[(String, String)],
) -> Result<u64, E> {
    let encoding = |error: ParquetError| match error {
        // The system refused, not the encoder.
        ParquetError::External(cause) if cause.is::<std::io::Error>() => {
            let source = *cause.downcast().expect("just seen to be one");
            Error::Write { path: path.to_owned(), source }
        }
        source => Error::EncodeTable { path: path.to_owned(), source },
    };
    let mut n_rows = 0;
    store::write_atomically::<E>(path, |file| {
        let options = ArrowWriterOptions::new()
            .with_properties(writer_properties::<T>(metadata))
            // Parquet's own types say all that ours mean; the embedded copy would tie the bytes to an arrow version.
            .with_skip_arrow_metadata(true);
        let mut writer = ArrowWriter::try_new_with_options(file, T::schema(), options).map_err(encoding)?;
        let mut before: Option<R> = None;
        for part in parts {
            let part = part?;
            let rows = part.as_ref();
            check_rows(path, rows, n_rows)?;
            let last = before.as_ref().and_then(|before| before.as_ref().last());
            if let Some((last, first)) = last.zip(rows.first()) {
                check_order(path, [last, first], n_rows)?;
            }
            let mut write = || -> Result<(), ParquetError> {
                for group in rows.chunk_by(T::same_group) {
                    for batch in group.chunks(BATCH_ROWS) {
                        writer.write(&T::to_batch(batch))?;
                    }
                    writer.flush()?;
                }
                Ok(())
            };
            write().map_err(encoding)?;
            n_rows += rows.len();
            before = if rows.is_empty() { before } else { Some(part) };
        }
        writer.close().map_err(encoding)?;
        Ok(())
    })?;
    Ok(n_rows as u64)
}

/// Reads all rows of the table at `path`, in file order.
///
/// Columns that are not of the contract are ignored; one that lacks, has another type or holds an unexpected null is an
/// error.
pub fn read_table<T: Table>(path: &Path) -> Result<Vec<T>, Error> {
    let mut rows = Vec::new();
    read_batches(path, |batch| {
        rows.extend(batch);
        Ok::<_, Error>(())
    })?;
    Ok(rows)
}

/// Hands the rows of the table at `path` to `take`, a batch at a time in file order: for tables that are not wanted whole.
///
/// Errors: as [`read_table`]; those of `take`, at once.
pub fn read_batches<T: Table, E: From<Error>>(
    path: &Path,
    mut take: impl FnMut(Vec<T>) -> Result<(), E>,
) -> Result<(), E> {
    let builder = open(path)?.with_batch_size(BATCH_ROWS);
    // An empty table yields no batch, but its columns have to be right too.
    T::from_batch(&RecordBatch::new_empty(builder.schema().clone()), path)?;
    let mut batches = fenced(path, || builder.build())?;
    while let Some(batch) = fenced(path, || Ok(batches.next().transpose()?))? {
        take(T::from_batch(&batch, path)?)?;
    }
    Ok(())
}

/// The key-value metadata of the table at `path`; a key without value reads as the empty string.
pub fn read_metadata(path: &Path) -> Result<BTreeMap<String, String>, Error> {
    let builder = open(path)?;
    let entries = builder.metadata().file_metadata().key_value_metadata();
    Ok(entries
        .into_iter()
        .flatten()
        .map(|entry| (entry.key.clone(), entry.value.clone().unwrap_or_default()))
        .collect())
}

/// Sorts rows into the order in which [`write_table`] takes them.
pub fn sort_rows<T: Table>(rows: &mut [T]) {
    rows.sort_by(T::key_order);
}

fn open(path: &Path) -> Result<ParquetRecordBatchReaderBuilder<File>, Error> {
    let file = File::open(path).map_err(Error::read(path))?;
    // Other writers embed their in-memory types (large or dictionary strings); the Parquet types are the contract.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    fenced(path, || ParquetRecordBatchReaderBuilder::try_new_with_options(file, options))
}

/// Runs the Parquet reader, whose panics become errors: some damaged files make it panic in its own decoders and in Arrow's
/// buffers. It is not used again after one, so that no half-changed state is seen.
fn fenced<T>(path: &Path, read: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, Error> {
    let result = catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|panic| {
        let message = panic.downcast_ref::<String>().map(String::as_str);
        let message = message.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("the reader panicked");
        Err(ParquetError::General(message.to_owned()))
    });
    result.map_err(|source| Error::NotParquet { path: path.to_owned(), source })
}

/// `first` is the number of the first row in the table, for errors.
fn check_rows<T: Table>(path: &Path, rows: &[T], first: usize) -> Result<(), Error> {
    for (row, values) in rows.iter().enumerate() {
        if let Some(column) = values.nan_column() {
            return Err(Error::NotANumber { path: path.to_owned(), table: T::NAME, column, row: first + row });
        }
    }
    rows.windows(2).enumerate().try_for_each(|(i, pair)| check_order(path, [&pair[0], &pair[1]], first + i + 1))
}

/// Of two rows that follow each other; `row` is the number of the second.
fn check_order<T: Table>(path: &Path, [first, second]: [&T; 2], row: usize) -> Result<(), Error> {
    let (path, table) = (path.to_owned(), T::NAME);
    match first.key_order(second) {
        Ordering::Less => Ok(()),
        Ordering::Equal => Err(Error::DuplicateKey { path, table, row }),
        Ordering::Greater => Err(Error::UnsortedTable { path, table, row }),
    }
}

fn writer_properties<T: Table>(metadata: &[(String, String)]) -> WriterProperties {
    let level = ZstdLevel::try_new(ZSTD_LEVEL).expect("level 3 exists");
    let entries: Vec<_> = metadata.iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone())).collect();
    let mut properties = WriterProperties::builder()
        .set_created_by("homolog".to_owned())
        .set_compression(Compression::ZSTD(level))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_key_value_metadata((!entries.is_empty()).then_some(entries));
    for field in T::schema().fields() {
        if matches!(field.data_type(), DataType::Float32 | DataType::Float64) {
            let column = ColumnPath::from(field.name().as_str());
            properties = properties
                .set_column_dictionary_enabled(column.clone(), false)
                .set_column_encoding(column, Encoding::BYTE_STREAM_SPLIT);
        }
    }
    properties.build()
}

#[cfg(test)]
mod tests;
