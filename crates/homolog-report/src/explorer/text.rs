//! Bundles `text-I` and `vocabulary`: what the windows are windows of.

use serde_json::{Map, Value};

use super::{ROWS_PER_TEXT, Source};
use crate::Error;
use crate::bundle::{Bundle, Elements};

/// Rows `text * ROWS_PER_TEXT` and on.
pub(super) fn rows(source: &Source<'_>, text: usize) -> Result<Bundle, Error> {
    let tokens = source.texts().expect("names has texts only where there are some");
    let first = text * ROWS_PER_TEXT;
    let range = first..tokens.n_rows.min(first + ROWS_PER_TEXT);
    let shape = [range.len(), tokens.context];
    let ids = tokens.rows(range)?;
    // 65535 would read as a missing number.
    let is_short = ids.iter().all(|&id| id < u32::from(u16::MAX));
    let elements = if is_short { Elements::U16(ids.iter().map(|&id| id as u16).collect()) } else { Elements::U32(ids) };
    let mut bundle = Bundle::default();
    bundle.add("rows", &shape, &elements);
    Ok(bundle)
}

/// The text of every id; null where an id has none.
pub(super) fn vocabulary(source: &Source<'_>) -> Bundle {
    let rows = source.run.vocabulary.as_deref().unwrap_or_default();
    let n = rows.last().map_or(0, |row| row.token as usize + 1);
    let mut tokens = vec![Value::Null; n];
    for row in rows {
        tokens[row.token as usize] = Value::String(row.text.clone());
    }
    let mut meta = Map::new();
    meta.insert("tokens".to_owned(), Value::Array(tokens));
    Bundle::with_meta(meta)
}
