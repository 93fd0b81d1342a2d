//! The tokens of a study in blocks that may be taken for independent of each other: whole documents, or else whole rows.

#[cfg(test)]
mod tests;

use std::ops::Range;

use homolog_model::{TokenMask, Tokens};

/// Runs of blocks that the two halves of a cross-fit take in turn: enough that both see all of the corpus, few enough that the
/// products of each run have many tokens.
const N_RUNS: usize = 16;

/// Blocks that must come of whole documents; of fewer no spread can be told, and whole rows are taken.
const LEAST_OF_DOCUMENTS: usize = 10;

/// Consecutive positions, numbered flat: row * context + place in the row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Blocks {
    /// The position after each block, ascending.
    ends: Vec<usize>,
    /// Whether no document is in two blocks.
    pub(crate) are_documents: bool,
}

impl Blocks {
    /// About `n_blocks` blocks of equally many counted positions, none without one: of whole documents where `separator` ends them
    /// (the first position of a row is none of these if every row begins with one) and these are enough, else of whole rows.
    pub(crate) fn new(
        tokens: &Tokens,
        mask: &TokenMask,
        n_blocks: usize,
        (separator, has_bos): (Option<u32>, bool),
    ) -> Self {
        let (n_rows, context) = (tokens.n_rows(), tokens.context());
        let ids = tokens.batch(0..n_rows).ids;
        let is_separator = |at: usize| Some(ids[at]) == separator && !(has_bos && at.is_multiple_of(context));
        // A separator belongs to what it ends.
        let documents: Vec<usize> = (0..ids.len()).filter(|&at| is_separator(at)).map(|at| at + 1).collect();
        let of_documents = ends(mask, context, n_rows, &documents, n_blocks);
        if of_documents.len() >= LEAST_OF_DOCUMENTS.min(n_blocks) && separator.is_some() {
            return Self { ends: of_documents, are_documents: true };
        }
        let rows: Vec<usize> = (1..n_rows).map(|row| row * context).collect();
        Self { ends: ends(mask, context, n_rows, &rows, n_blocks), are_documents: false }
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Positions of each block.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = Range<usize>> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(self.ends.iter().copied()).map(|(start, end)| start..end)
    }

    /// The positions in runs of blocks, of which the two halves take every second; one run where there is but one block.
    pub(crate) fn runs(&self) -> Vec<Range<usize>> {
        let end = |run: usize| self.first_block(run).checked_sub(1).map_or(0, |block| self.ends[block]);
        (0..self.n_runs()).map(|run| end(run)..end(run + 1)).collect()
    }

    fn n_runs(&self) -> usize {
        if self.len() < 2 { 1 } else { N_RUNS.min(self.len() / 2 * 2) }
    }

    fn first_block(&self, run: usize) -> usize {
        run * self.len() / self.n_runs()
    }
}

/// Of the possible `cuts`, ascending, those nearest to an even division of the counted positions; and the end of all.
fn ends(mask: &TokenMask, context: usize, n_rows: usize, cuts: &[usize], n_blocks: usize) -> Vec<usize> {
    // Counted positions before each cut, and of all.
    let mut before = Vec::with_capacity(cuts.len());
    let mut n_counted = 0;
    let mut next = cuts.iter().copied().peekable();
    for row in 0..n_rows {
        for (place, &is_counted) in mask.row(row).iter().enumerate() {
            while next.next_if(|&cut| cut <= row * context + place).is_some() {
                before.push(n_counted);
            }
            n_counted += usize::from(is_counted);
        }
    }
    let mut ends = Vec::new();
    let mut last_before = 0;
    for block in 1..n_blocks {
        let target = block * n_counted / n_blocks;
        let after = before.partition_point(|&before| before < target);
        let is_nearer = |a: usize, b: usize| before[a].abs_diff(target) <= before[b].abs_diff(target);
        let nearest = match (after.checked_sub(1), before.get(after)) {
            (Some(below), Some(_)) if is_nearer(below, after) => below,
            (_, Some(_)) => after,
            (Some(below), None) => below,
            (None, None) => break,
        };
        // Blocks hold a counted position each.
        if before[nearest] > last_before && before[nearest] < n_counted {
            ends.push(cuts[nearest]);
            last_before = before[nearest];
        }
    }
    ends.push(n_rows * context);
    ends
}
