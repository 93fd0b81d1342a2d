//! The section `[evidence]`.

use serde::{Deserialize, Serialize};

/// `[evidence]`: how sure a match is, and what it rests on. Takes a second pass over the tokens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EvidenceSection {
    /// Whether to ask at all.
    pub enabled: bool,
    /// Blocks of whole documents (of whole rows where documents are not known) that intervals leave out in turn.
    pub blocks: usize,
    /// Of the intervals.
    pub level: f64,
    /// Best matches of each neuron and pair that are followed block by block, as far as `correlation.top_k` keeps them.
    pub candidates: usize,
    /// Whether matches are also chosen on one half of the tokens and measured on the other. Covariances then take twice the memory.
    pub cross_fit: bool,
    /// Tokens, the most frequent first, whose mean activation is taken out; 0: what is shared is not asked.
    pub frequent_tokens: usize,
    /// Counted positions at which such a token occurs at least.
    pub least_token_count: usize,
}

impl Default for EvidenceSection {
    fn default() -> Self {
        Self {
            enabled: true,
            blocks: 64,
            level: 0.95,
            candidates: 4,
            cross_fit: true,
            frequent_tokens: 1000,
            least_token_count: 50,
        }
    }
}

impl EvidenceSection {
    /// Whether the two halves of the tokens are held against each other while all pairs are correlated.
    pub(crate) fn is_cross_fitted(&self) -> bool {
        self.enabled && self.cross_fit
    }
}

/// `[nulls]`: what else, besides the baseline, a correlation is held against.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NullsSection {
    /// Draws of permuted rows, positions kept; each costs as much as all correlations do. 0: none.
    pub permuted_rows: usize,
    /// Of the draws.
    pub seed: u64,
}
