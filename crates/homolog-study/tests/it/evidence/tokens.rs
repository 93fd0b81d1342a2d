//! What a block, a half, a frequent token and a residual are, by the words of docs/method.md.

use std::collections::BTreeMap;

use super::family::{CONTEXT, N_ROWS, Settings, Study, is_counted};

/// Block of every counted token: whole rows, cut where the counted tokens are divided most evenly (the earlier cut of two).
pub(super) fn blocks(study: &Study, n_blocks: usize) -> Vec<usize> {
    let of_row: Vec<usize> =
        study.rows.chunks_exact(CONTEXT).map(|row| row.iter().filter(|id| is_counted(**id)).count()).collect();
    let n: usize = of_row.iter().sum();
    // Rows before each cut.
    let mut cuts = Vec::new();
    for block in 1..n_blocks {
        let distance = |rows: usize| of_row[..rows].iter().sum::<usize>().abs_diff(block * n / n_blocks);
        cuts.push((1..N_ROWS).min_by_key(|&rows| distance(rows)).unwrap());
    }
    study.counted().map(|(at, _)| cuts.iter().filter(|&&rows| rows <= at / CONTEXT).count()).collect()
}

/// Tokens of each block.
pub(super) fn sizes(blocks: &[usize]) -> Vec<f64> {
    let n_blocks = blocks.iter().max().unwrap() + 1;
    (0..n_blocks).map(|block| blocks.iter().filter(|of| **of == block).count() as f64).collect()
}

/// Half of every counted token: runs of blocks in turn.
pub(super) fn halves(study: &Study, settings: &Settings) -> Vec<usize> {
    let blocks = blocks(study, settings.n_blocks);
    let n_runs = settings.n_runs.min(settings.n_blocks / 2 * 2);
    let run = |block: usize| (0..n_runs).rfind(|run| run * settings.n_blocks / n_runs <= block).unwrap();
    blocks.iter().map(|&block| run(block) % 2).collect()
}

/// Frequent tokens with their counts, the most frequent first.
pub(super) fn frequent(study: &Study, settings: &Settings) -> Vec<(u16, usize)> {
    let mut counts = BTreeMap::<u16, usize>::new();
    study.counted().for_each(|(_, id)| *counts.entry(id).or_default() += 1);
    let mut counts: Vec<(u16, usize)> = counts.into_iter().filter(|(_, count)| *count >= 5).collect();
    // Stable: of equal counts the lower id first.
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts.truncate(settings.n_frequent);
    counts
}

/// An orthonormal basis of what depends on groups alone: of the columns that are 1 where a token is of a group.
pub(super) struct Basis(Vec<Vec<f64>>);

impl Basis {
    /// Of groupings, each the group of every token.
    pub(super) fn of(groupings: &[&[usize]]) -> Self {
        let mut basis: Vec<Vec<f64>> = Vec::new();
        for grouping in groupings {
            for group in 0..=*grouping.iter().max().unwrap() {
                let dummy: Vec<f64> = grouping.iter().map(|of| f64::from(*of == group)).collect();
                let norm = dot(&dummy, &dummy).sqrt();
                let mut left = dummy;
                for _ in 0..2 {
                    left = without(&basis, &left);
                }
                let rest = dot(&left, &left).sqrt();
                // Nothing is left of a dummy that follows from the others.
                if rest > 1e-6 * norm {
                    basis.push(left.iter().map(|x| x / rest).collect());
                }
            }
        }
        Self(basis)
    }

    /// What is left of `x` by least squares.
    pub(super) fn residual(&self, x: &[f64]) -> Vec<f64> {
        without(&self.0, x)
    }
}

fn without(basis: &[Vec<f64>], x: &[f64]) -> Vec<f64> {
    let mut left = x.to_vec();
    for direction in basis {
        let along = dot(direction, &left);
        left.iter_mut().zip(direction).for_each(|(x, direction)| *x -= along * direction);
    }
    left
}

pub(super) fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| x * y).sum()
}
