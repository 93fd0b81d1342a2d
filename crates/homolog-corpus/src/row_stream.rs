//! One stream of documents, cut into rows as it grows.

/// Rows of `context` ids: with a BOS, each row is that id and `context - 1` ids of the stream.
///
/// The stream is the documents in order with one separator between each two. What comes after the last wanted row is
/// counted and dropped.
#[derive(Debug)]
pub(crate) struct RowStream {
    context: usize,
    bos: Option<u32>,
    separator: Option<u32>,
    /// None: as many as there are.
    wanted_rows: Option<u64>,
    has_document: bool,
    rows: Vec<u32>,
    n_dropped: u64,
}

/// The tokenizer has no separator, and a second document came.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SeparatorMissing;

impl RowStream {
    pub(crate) fn new(context: usize, bos: Option<u32>, separator: Option<u32>, wanted_rows: Option<u64>) -> Self {
        assert!(context > usize::from(bos.is_some()), "a row of {context} has room for text");
        Self { context, bos, separator, wanted_rows, has_document: false, rows: Vec::new(), n_dropped: 0 }
    }

    pub(crate) fn n_rows(&self) -> u64 {
        (self.rows.len() / self.context) as u64
    }

    pub(crate) fn is_full(&self) -> bool {
        self.wanted_rows.is_some_and(|wanted| self.n_rows() >= wanted)
    }

    pub(crate) fn push_document(&mut self, ids: &[u32]) -> Result<(), SeparatorMissing> {
        if self.has_document && !self.is_full() {
            self.push_ids(&[self.separator.ok_or(SeparatorMissing)?]);
        }
        self.has_document = true;
        self.push_ids(ids);
        Ok(())
    }

    fn push_ids(&mut self, mut ids: &[u32]) {
        while !ids.is_empty() && !self.is_full() {
            let mut begun = self.rows.len() % self.context;
            if begun == 0 {
                self.rows.extend(self.bos);
                begun = usize::from(self.bos.is_some());
            }
            let (taken, rest) = ids.split_at(ids.len().min(self.context - begun));
            self.rows.extend_from_slice(taken);
            ids = rest;
        }
        self.n_dropped += ids.len() as u64;
    }

    /// The rows, flat [n_rows, context], and the number of ids of the stream that are in none (a BOS is not of the stream).
    pub(crate) fn finish(mut self) -> (Vec<u32>, u64) {
        let unfinished = self.rows.len() % self.context;
        self.rows.truncate(self.rows.len() - unfinished);
        let n_bos = usize::from(self.bos.is_some());
        (self.rows, self.n_dropped + unfinished.saturating_sub(n_bos) as u64)
    }
}

#[cfg(test)]
mod tests;
