//! A word's bytes to ids: of all neighbours that the vocabulary merges those of the lowest rank, the leftmost first, until
//! there are none.
//!
//! `tokenizers` recognises an outdated candidate by the id it would give. As ids and strings are one to one here, and merged
//! symbols never come apart, the same id at the same place is the same pair: it always merges the lowest rank too.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::LazyLock;

use serde::Deserialize;
use tokenizers::models::bpe::BPE;

/// Bytes up to which looking at all pairs for the lowest costs less than a heap.
const SHORT: usize = 48;

/// Bytes from which a word is so rare that its buffers are not kept for the next.
const RARE: usize = 1 << 16;

/// No merge: above every [`Merge`].
const NONE: u64 = u64::MAX;

/// Which neighbours merge, in which order and to what.
pub(super) struct Merges {
    /// The id of each byte.
    bytes: [u32; 256],
    /// By left id << 32 | right id: rank << 32 | id of both. Each pair has a rank of its own, so these order as ranks do.
    merges: HashMap<u64, u64, BuildHasherDefault<PairHasher>>,
}

/// What `tokenizers` writes of a model.
#[derive(Deserialize)]
struct Written {
    vocab: HashMap<String, u32>,
    /// By rank.
    merges: Vec<(String, String)>,
}

impl Merges {
    /// None where the model does more than to merge bytes, lacks a byte, or has one id for two tokens.
    pub(super) fn of(model: &BPE) -> Option<Self> {
        let is_none = |affix: &Option<String>| affix.as_ref().is_none_or(String::is_empty);
        let is_random = model.dropout.is_some_and(|dropout| dropout > 0.0);
        let is_plain = is_none(&model.continuing_subword_prefix) && is_none(&model.end_of_word_suffix);
        if !is_plain || is_random || model.ignore_merges {
            return None;
        }
        // It writes ids by counting up to the largest, which in a bad file takes minutes.
        let vocab = model.get_vocab();
        let largest = *vocab.values().max()?;
        if largest as usize / 16 > vocab.len() {
            return None;
        }
        // The only way to its merges.
        let written = serde_json::to_string(model).ok()?;
        let Written { vocab, merges } = serde_json::from_str(&written).ok()?;
        let mut ids: Vec<_> = vocab.values().copied().collect();
        ids.sort_unstable();
        if ids.windows(2).any(|pair| pair[0] == pair[1]) {
            return None;
        }
        let id = |token: &str| vocab.get(token).copied();
        let mut bytes = [0; 256];
        for (byte, of_byte) in (0..=255).zip(&mut bytes) {
            *of_byte = id(visible(byte).encode_utf8(&mut [0; 4]))?;
        }
        let merges = merges.iter().zip(0_u32..).map(|((left, right), rank)| {
            let merged = id(&format!("{left}{right}"))?;
            Some((pair(id(left)?, id(right)?), pair(rank, merged)))
        });
        Some(Self { bytes, merges: merges.collect::<Option<_>>()? })
    }

    /// Appends the ids of a word of fewer than 2^32 bytes.
    pub(super) fn push_ids(&self, word: &[u8], scratch: &mut Scratch, ids: &mut Vec<u32>) {
        scratch.symbols.clear();
        scratch.symbols.extend(word.iter().map(|&byte| self.bytes[usize::from(byte)]));
        scratch.merges.clear();
        scratch.merges.extend(scratch.symbols.windows(2).map(|two| self.merge(two[0], two[1])));
        scratch.merges.push(NONE);
        if word.len() <= SHORT {
            self.merge_short(scratch);
            ids.extend_from_slice(&scratch.symbols);
        } else {
            self.merge_long(scratch, ids);
        }
        // The buffers outlive the word, but not one that took much memory.
        if word.len() > RARE {
            *scratch = Scratch::default();
        }
    }

    fn merge(&self, left: u32, right: u32) -> u64 {
        self.merges.get(&pair(left, right)).copied().unwrap_or(NONE)
    }

    /// Time: the square of the length.
    fn merge_short(&self, Scratch { symbols, merges, .. }: &mut Scratch) {
        while let Some((at, &lowest)) = merges.iter().enumerate().min_by_key(|&(_, &merge)| merge)
            && lowest != NONE
        {
            symbols[at] = lowest as u32;
            symbols.remove(at + 1);
            merges.remove(at + 1);
            if let Some(&right) = symbols.get(at + 1) {
                merges[at] = self.merge(symbols[at], right);
            } else {
                merges[at] = NONE;
            }
            if at > 0 {
                merges[at - 1] = self.merge(symbols[at - 1], symbols[at]);
            }
        }
    }

    /// Time: n log n. Symbols keep their places, and know their neighbours' places.
    fn merge_long(&self, Scratch { symbols, merges, left, right, heap }: &mut Scratch, ids: &mut Vec<u32>) {
        let n = symbols.len() as u32;
        left.clear();
        left.extend((0..n).map(|at| at.wrapping_sub(1)));
        right.clear();
        right.extend(1..=n);
        heap.clear();
        let rank = |merge: u64| (merge >> 32) as u32;
        let found = merges.iter().zip(0_u32..).filter(|(merge, _)| **merge != NONE);
        heap.extend(found.map(|(&merge, at)| Reverse(pair(rank(merge), at))));
        while let Some(Reverse(candidate)) = heap.pop() {
            let (at, merge) = (candidate as u32 as usize, merges[candidate as u32 as usize]);
            // Outdated: the symbols here have merged with others since.
            if merge == NONE || rank(merge) != rank(candidate) {
                continue;
            }
            let gone = right[at] as usize;
            let (before, after) = (left[at], right[gone]);
            symbols[at] = merge as u32;
            right[at] = after;
            merges[gone] = NONE;
            let mut meet = |at: usize, merge: u64| {
                merges[at] = merge;
                if merge != NONE {
                    heap.push(Reverse(pair(rank(merge), at as u32)));
                }
            };
            if after < n {
                left[after as usize] = at as u32;
                meet(at, self.merge(symbols[at], symbols[after as usize]));
            } else {
                meet(at, NONE);
            }
            if at > 0 {
                meet(before as usize, self.merge(symbols[before as usize], symbols[at]));
            }
        }
        let mut at = 0;
        while at < n {
            ids.push(symbols[at as usize]);
            at = right[at as usize];
        }
    }
}

/// Buffers of the merging of one word; what they hold between two means nothing.
#[derive(Default)]
pub(super) struct Scratch {
    symbols: Vec<u32>,
    /// Of each symbol with its right neighbour.
    merges: Vec<u64>,
    left: Vec<u32>,
    right: Vec<u32>,
    /// Rank << 32 | place of the left symbol.
    heap: BinaryHeap<Reverse<u64>>,
}

fn pair(high: u32, low: u32) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

/// Spreads a pair of ids over 64 bits. The ids are the tokenizer's, not an adversary's text.
#[derive(Default)]
struct PairHasher(u64);

impl Hasher for PairHasher {
    fn write(&mut self, _: &[u8]) {
        unreachable!("pairs are hashed as one number");
    }

    fn write_u64(&mut self, pair: u64) {
        // 2^64 over the golden ratio: neighbouring ids land far from each other, in the high and the low bits.
        let product = u128::from(pair.rotate_left(27) ^ pair) * 0x9e37_79b9_7f4a_7c15;
        self.0 = (product >> 64) as u64 ^ product as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// The bytes of a token as it is written in GPT-2's kind of vocabulary; none if a character of it stands for no byte.
pub fn token_bytes(token: &str) -> Option<Vec<u8>> {
    static BYTES: LazyLock<HashMap<char, u8>> = LazyLock::new(|| (0..=255).map(|byte| (visible(byte), byte)).collect());
    token.chars().map(|c| BYTES.get(&c).copied()).collect()
}

/// The character that stands for a byte in GPT-2's vocabulary: itself if it is visible in Latin-1, else from U+0100 on.
pub(crate) fn visible(byte: u8) -> char {
    let is_visible = |byte: u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    if is_visible(byte) {
        return char::from(byte);
    }
    let n_before = (0..byte).filter(|&byte| !is_visible(byte)).count();
    char::from_u32(256 + n_before as u32).expect("U+0100 to U+0143 are characters")
}
