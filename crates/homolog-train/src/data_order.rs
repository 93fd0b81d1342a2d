//! Which rows of the corpus make the batch of a step.

#[cfg(test)]
mod tests;

use crate::stream::Stream;

/// Rows in a random order, every epoch in a new one; a batch is the next rows of that endless sequence. A function of seed and
/// step alone, so that a run resumes anywhere.
pub(crate) struct DataOrder {
    data_seed: u64,
    n_rows: usize,
    /// The epoch used last, and its order.
    current: Option<(u64, Vec<u32>)>,
}

impl DataOrder {
    pub(crate) fn new(data_seed: u64, n_rows: usize) -> Self {
        assert!(n_rows > 0, "a corpus has rows");
        Self { data_seed, n_rows, current: None }
    }

    /// The rows of the batch of step `step`, counted from 1.
    pub(crate) fn batch(&mut self, step: u64, batch_rows: usize) -> Vec<usize> {
        let first = (step - 1) * batch_rows as u64;
        (first..first + batch_rows as u64).map(|place| self.row(place)).collect()
    }

    fn row(&mut self, place: u64) -> usize {
        let n_rows = self.n_rows as u64;
        let epoch = place / n_rows;
        if self.current.as_ref().is_none_or(|(current, _)| *current != epoch) {
            let mut stream = Stream::new("homolog-train 2026 data order", &[self.data_seed, epoch]);
            self.current = Some((epoch, stream.order(self.n_rows)));
        }
        let (_, order) = self.current.as_ref().expect("just made");
        order[(place % n_rows) as usize] as usize
    }
}
