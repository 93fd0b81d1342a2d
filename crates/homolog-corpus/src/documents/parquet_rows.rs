//! Documents of a Parquet file.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{Array, StringViewArray};
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};

use super::most_text;
use crate::{Error, fence};

/// Rows decoded at once: their pages are held, of which a text column has few rows each.
const BATCH_ROWS: usize = 256;

/// Each row's string in one column.
pub(crate) struct ParquetRows {
    path: PathBuf,
    field: String,
    reader: ParquetRecordBatchReader,
    batch: StringViewArray,
    next_in_batch: usize,
    /// Rows given out.
    n_rows: u64,
    n_rows_declared: u64,
    n_file_bytes: u64,
    /// Bytes of text given out.
    n_text_bytes: u64,
    is_at_end: bool,
}

impl ParquetRows {
    pub(crate) fn open(path: &Path, field: &str) -> Result<Self, Error> {
        let unreadable = |source| Error::Unreadable { path: path.to_path_buf(), source };
        let file = File::open(path).map_err(unreadable)?;
        let n_file_bytes = file.metadata().map_err(unreadable)?.len();
        let options = ArrowReaderOptions::new();
        let metadata = fenced(path, 0, || ArrowReaderMetadata::load(&file, options))?;
        let column = text_column(path, field, metadata.schema())?;
        let reader = fenced(path, 0, || {
            let schema = with_views(metadata.schema(), column);
            let options = ArrowReaderOptions::new().with_schema(Arc::new(schema));
            let metadata = ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), options)?;
            let columns = ProjectionMask::roots(metadata.parquet_schema(), [column]);
            let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata);
            builder.with_projection(columns).with_batch_size(BATCH_ROWS).build()
        })?;
        Ok(Self {
            path: path.to_path_buf(),
            field: field.to_string(),
            reader,
            batch: StringViewArray::new_null(0),
            next_in_batch: 0,
            n_rows: 0,
            n_rows_declared: u64::try_from(metadata.metadata().file_metadata().num_rows()).unwrap_or(0),
            n_file_bytes,
            n_text_bytes: 0,
            is_at_end: false,
        })
    }

    pub(crate) fn next(&mut self) -> Result<Option<String>, Error> {
        while self.next_in_batch == self.batch.len() {
            let Some(batch) = self.next_batch()? else {
                self.is_at_end = true;
                return Ok(None);
            };
            self.batch = batch;
            self.next_in_batch = 0;
        }
        if self.batch.is_null(self.next_in_batch) {
            return Err(Error::NullText { path: self.path.clone(), row: self.n_rows, field: self.field.clone() });
        }
        let text = self.batch.value(self.next_in_batch);
        self.n_text_bytes += text.len() as u64;
        let limit = most_text(self.n_file_bytes);
        if self.n_text_bytes > limit {
            return Err(Error::TooLarge { path: self.path.clone(), limit });
        }
        self.next_in_batch += 1;
        self.n_rows += 1;
        Ok(Some(text.to_string()))
    }

    fn next_batch(&mut self) -> Result<Option<StringViewArray>, Error> {
        let reader = &mut self.reader;
        let batch = fenced(&self.path, self.n_rows, || reader.next().transpose())?;
        Ok(batch.map(|batch| {
            let column = batch.column(0).as_any().downcast_ref::<StringViewArray>();
            column.expect("the reader was told to give views").clone()
        }))
    }

    pub(crate) fn n_bytes_read(&self) -> u64 {
        if self.is_at_end {
            return self.n_file_bytes;
        }
        let share = u128::from(self.n_file_bytes) * u128::from(self.n_rows) / u128::from(self.n_rows_declared.max(1));
        u64::try_from(share).unwrap_or(u64::MAX).min(self.n_file_bytes)
    }
}

/// Runs the Parquet reader, whose panics become errors.
///
/// Measured with parquet 60.1: of some thousand files with one changed byte (`damaged_parquet_is_an_error_and_never_a_panic`)
/// two dozen make it panic, in its own decoders and in Arrow's buffers. That is the file's fault, not ours, and must not end
/// a run of hours without a name. The reader is not used again after it, so that no half-changed state is seen.
fn fenced<T, E: std::fmt::Display>(path: &Path, row: u64, read: impl FnOnce() -> Result<T, E>) -> Result<T, Error> {
    let bad = |message: String| Error::BadParquet { path: path.to_path_buf(), row, message };
    fence::fenced(read).map_err(bad)?.map_err(|error| bad(error.to_string()))
}

fn text_column(path: &Path, field: &str, schema: &Schema) -> Result<usize, Error> {
    let Some((column, found)) = schema.column_with_name(field) else {
        let columns: Vec<_> = schema.fields().iter().map(|field| format!("`{}`", field.name())).collect();
        return Err(Error::NoColumn { path: path.to_path_buf(), field: field.into(), columns: columns.join(", ") });
    };
    let is_text = |kind: &DataType| matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    match found.data_type() {
        kind if is_text(kind) => Ok(column),
        DataType::Dictionary(_, values) if is_text(values) => Ok(column),
        kind => Err(Error::NotText { path: path.to_path_buf(), field: field.into(), found: kind.to_string() }),
    }
}

/// The schema with the text column as views: a value of the file's dictionary that many rows repeat is then held once, where
/// plain strings would copy it for each row and fill the memory from a small file.
fn with_views(schema: &Schema, column: usize) -> Schema {
    let fields = schema.fields().iter().enumerate().map(|(index, field)| {
        if index == column {
            Arc::new(Field::new(field.name(), DataType::Utf8View, field.is_nullable()))
        } else {
            Arc::clone(field)
        }
    });
    Schema::new_with_metadata(fields.collect::<Vec<_>>(), schema.metadata().clone())
}
