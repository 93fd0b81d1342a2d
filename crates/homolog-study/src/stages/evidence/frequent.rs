//! Which tokens are frequent enough for a mean of their own.

use std::collections::BTreeMap;

use homolog_model::{TokenMask, Tokens};

use crate::config::EvidenceSection;

/// Classes of tokens: one for each frequent token, and one for all others.
pub(crate) struct FrequentTokens {
    /// By token id: its class; those that are missing are of the last class.
    classes: BTreeMap<u32, u32>,
    /// Counted positions of the frequent tokens, of all.
    pub(crate) share: f64,
    /// Counted positions of the least frequent of them; none without any.
    pub(crate) least_count: Option<u64>,
}

impl FrequentTokens {
    /// The most frequent of the counted tokens first, those of equal count by id.
    pub(crate) fn new(section: &EvidenceSection, tokens: &Tokens, mask: &TokenMask) -> Self {
        let mut counts: BTreeMap<u32, u64> = BTreeMap::new();
        for row in 0..tokens.n_rows() {
            let ids = tokens.batch(row..row + 1).ids.iter().zip(mask.row(row));
            ids.filter(|(_, is_counted)| **is_counted).for_each(|(&id, _)| *counts.entry(id).or_default() += 1);
        }
        let n_counted: u64 = counts.values().sum();
        let mut frequent: Vec<(u32, u64)> =
            counts.into_iter().filter(|&(_, count)| count >= section.least_token_count as u64).collect();
        frequent.sort_by_key(|&(id, count)| (std::cmp::Reverse(count), id));
        frequent.truncate(section.frequent_tokens);
        let n_frequent: u64 = frequent.iter().map(|(_, count)| count).sum();
        Self {
            classes: frequent.iter().enumerate().map(|(class, &(id, _))| (id, class as u32)).collect(),
            share: n_frequent as f64 / n_counted as f64,
            least_count: frequent.last().map(|&(_, count)| count),
        }
    }

    pub(crate) fn n_tokens(&self) -> usize {
        self.classes.len()
    }

    /// The frequent tokens and the rest.
    pub(crate) fn n_classes(&self) -> usize {
        self.n_tokens() + 1
    }

    pub(super) fn class(&self, id: u32) -> u32 {
        self.classes.get(&id).copied().unwrap_or(self.n_tokens() as u32)
    }
}
