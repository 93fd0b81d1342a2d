//! Words met lately, with their ids: most words of a text are.

use std::ops::Range;

/// A megabyte: a core's own share of cache.
const N_SLOTS: usize = 1 << 14;
/// Ids that a slot holds, so that it fills a cache line.
const MOST_IDS: usize = 9;
/// Bytes of a word that fits; the last one of a key is for the length.
const MOST_BYTES: usize = 23;

/// A short word's bytes, zeros behind them, and in the last byte its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Word([u64; 3]);

impl Word {
    /// None where it is too long.
    #[inline]
    pub(super) fn new(text: &[u8], word: Range<usize>) -> Option<Self> {
        let n = word.len();
        if n > MOST_BYTES {
            return None;
        }
        // Reading on behind the word and masking is faster than copying as many bytes as it has.
        let bytes = if let Some(&bytes) = text[word.start..].first_chunk::<{ MOST_BYTES + 1 }>() {
            bytes
        } else {
            let mut bytes = [0; MOST_BYTES + 1];
            bytes[..n].copy_from_slice(&text[word]);
            bytes
        };
        let part = |at: usize| {
            let part = bytes[at..at + 8].try_into().expect("eight bytes");
            let mask = match n.saturating_sub(at) {
                n @ 0..8 => (1 << (8 * n)) - 1,
                _ => u64::MAX,
            };
            u64::from_le_bytes(part) & mask
        };
        Some(Self([part(0), part(8), part(16) | (n as u64) << 56]))
    }

    fn slot(&self) -> usize {
        let mix = |left: u64, right: u64| {
            let product = u128::from(left) * u128::from(right);
            (product >> 64) as u64 ^ product as u64
        };
        // Digits of pi, against keys of zeros.
        let [first, second, third] = self.0;
        let mixed = mix(first ^ 0x243f_6a88_85a3_08d3, second ^ 0x1319_8a2e_0370_7344);
        (mix(mixed ^ third, 0xa409_3822_299f_31d1) >> (64 - N_SLOTS.trailing_zeros())) as usize
    }
}

/// One slot for each hash of a word; a new word takes the place of the old one.
pub(super) struct WordCache {
    slots: Box<[Slot]>,
}

#[derive(Clone, Copy)]
#[repr(align(64))]
struct Slot {
    /// Zeros: free.
    word: [u64; 3],
    n_ids: u32,
    ids: [u32; MOST_IDS],
}

impl Default for WordCache {
    fn default() -> Self {
        let free = Slot { word: [0; 3], n_ids: 0, ids: [0; MOST_IDS] };
        Self { slots: vec![free; N_SLOTS].into_boxed_slice() }
    }
}

impl WordCache {
    /// Appends the ids of a word that is here; false if it is not.
    #[inline]
    pub(super) fn push_ids(&self, word: &Word, ids: &mut Vec<u32>) -> bool {
        let slot = &self.slots[word.slot()];
        let is_here = slot.word == word.0;
        if is_here {
            ids.extend_from_slice(&slot.ids[..slot.n_ids as usize]);
        }
        is_here
    }

    /// Forgets the word that had its place. A word of too many ids is not kept.
    pub(super) fn insert(&mut self, word: &Word, ids: &[u32]) {
        if ids.len() <= MOST_IDS {
            let slot = &mut self.slots[word.slot()];
            slot.word = word.0;
            slot.n_ids = ids.len() as u32;
            slot.ids[..ids.len()].copy_from_slice(ids);
        }
    }
}
