//! Cells of a figure's data, looked up by column and row.

use std::borrow::Cow;

use crate::figure::{Channel, Data, Figure, Mark, Values};

impl Data {
    /// The column of this name.
    pub fn column(&self, name: &str) -> Option<&Values> {
        self.columns.iter().find(|column| column.name == name).map(|column| &column.values)
    }

    /// Rows of the first column, which all have.
    pub fn n_rows(&self) -> usize {
        self.columns.first().map_or(0, |column| column.values.len())
    }
}

impl Values {
    /// How many rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Numbers(numbers) => numbers.len(),
            Self::Words(words) => words.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of a row; none of words, and NaN is missing.
    pub fn number(&self, row: usize) -> Option<f64> {
        match self {
            Self::Numbers(numbers) => numbers[row].filter(|number| !number.is_nan()),
            Self::Words(_) => None,
        }
    }

    /// The word of a row; a number is written as short as tells it from all others, a missing one is no word.
    pub fn word(&self, row: usize) -> Option<Cow<'_, str>> {
        match self {
            Self::Numbers(_) => self.number(row).map(|number| Cow::Owned(shortest(number))),
            Self::Words(words) => Some(Cow::Borrowed(&words[row])),
        }
    }
}

/// A number in the fewest digits that read back as it; zero has no sign.
pub(crate) fn shortest(number: f64) -> String {
    format!("{}", number + 0.0)
}

/// The words of `rows`, each once, in order of first appearance.
pub(crate) fn distinct(values: &Values, rows: impl Iterator<Item = usize>) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    let mut words = Vec::new();
    for row in rows {
        if let Some(word) = values.word(row)
            && seen.insert(word.to_string())
        {
            words.push(word.into_owned());
        }
    }
    words
}

impl Mark {
    /// Rows that are drawn by this mark.
    pub(crate) fn rows(&self, data: &Data) -> Vec<usize> {
        let only = self.only.as_ref().and_then(|(column, word)| Some((data.column(column)?, word)));
        let is_drawn =
            |row: &usize| only.is_none_or(|(values, word)| values.word(*row).is_some_and(|own| own == *word));
        (0..data.n_rows()).filter(is_drawn).collect()
    }

    /// Its four position channels, x and x2 first.
    pub(crate) fn positions(&self) -> [(&'static str, Option<&Channel>); 4] {
        [("x", self.x.as_ref()), ("x2", self.x2.as_ref()), ("y", self.y.as_ref()), ("y2", self.y2.as_ref())]
    }
}

impl Figure {
    /// The values of a field, if this channel is one.
    pub(crate) fn field(&self, channel: Option<&Channel>) -> Option<&Values> {
        match channel {
            Some(Channel::Field(column)) => self.data.column(column),
            _ => None,
        }
    }
}
