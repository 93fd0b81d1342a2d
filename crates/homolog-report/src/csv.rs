//! What a figure draws, as a table for anyone's program.

use std::fmt::Write;

use crate::figure::{Figure, Values};
use crate::rows::shortest;

/// The figure's data: a line of names, then its rows; numbers in the fewest digits that read back as they are, missing ones empty.
///
/// RFC 4180, with a newline alone at the end of lines.
pub fn csv(figure: &Figure) -> String {
    let columns = &figure.data.columns;
    let mut csv = columns.iter().map(|column| quoted(&column.name)).collect::<Vec<_>>().join(",");
    csv.push('\n');
    for row in 0..figure.data.n_rows() {
        for (i, column) in columns.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            let cell = match &column.values {
                values @ Values::Numbers(_) => values.number(row).map(shortest).unwrap_or_default(),
                Values::Words(words) => quoted(&words[row]),
            };
            // Writing to a String does not fail.
            let _ = write!(csv, "{comma}{cell}");
        }
        csv.push('\n');
    }
    csv
}

/// In quotes where the text would otherwise be read as more than one cell or as none.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) || text.is_empty() || text.trim() != text {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests;
