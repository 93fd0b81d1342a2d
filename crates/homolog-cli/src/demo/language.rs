//! Homolog's generated language: text with known structure, for when there is neither a network nor a file.
//!
//! Nobody speaks it. Bytes depend on the seed and the extent alone; document n is the same among ten as among a thousand. What a model
//! can learn of it:
//!
//! - **Words.** 900 nouns, 400 verbs and 16 of saying, 300 adjectives, 100 adverbs, invented by the seed; 42 words of grammar
//!   that every seed shares. Frequencies within a class follow Zipf's law, 1 / (rank + 2.7) but for what topics add; frequent
//!   words are short.
//! - **Endings.** A word tells its class: -a -u verbs, -ik adjectives, -ol adverbs, -en nouns in the plural, other consonants nouns in
//!   the singular. A verb's ending is its tense and number: -a sits, -u sit, -ata sat (one), -atu sat (many).
//! - **What must be remembered of a word.** A noun's gender (half and half; nothing shows it) decides its article: el, plural eli, or ul,
//!   uli; indefinite ban, bani or bun, buni. A verb takes nothing, an object, or an object behind one of 8 prepositions, always the same.
//! - **Topics.** 12, each with its own share of every class but the 20 most frequent words. A document has two, a paragraph one of them,
//!   from which half of its words are drawn.
//! - **Sentences.** Subject, verb, object; the verb agrees with the subject across a phrase in between (`el tor en uli mapen`) or a relative
//!   clause (`, ke uli mapen saftu,`), whose nouns may have another number. Clauses are joined by ja, mas, ver, begun by kand, si,
//!   var, reported by ko, negated by ne.
//! - **Asides** in ( ), in which there may be others in [ ]; never deeper.
//! - **Speech** between two `"`, in the present within documents in the past. `Chu ...?` is a question; the answer repeats its clause
//!   word for word after `Da,` or with ne after `Nai,`.
//! - **Names** are made anew for each document, introduced once (`Brelka, ban drunik tor, ...`), and come back in subjects, objects,
//!   after di (of), and before speech. Those that end in a vowel are ela, others elo: the pronoun stands for the last name before it.
//! - **Numbers.** Years: `3 anoren poste, en 415,` is three years after the last one. Dates: months of 30 days, later from letter to letter. Sums:
//!   `12 toren ja 7 toren fasu 19 toren.`, `19 toren men 7 toren fasu 12 toren.`, lists counted from 1. One is singular.
//! - **Set phrases.** Each document has three, an article, an adjective and a noun, that come back as they are; one noun in four was used
//!   shortly before.
//! - **Kinds of document.** Tales (speech, past) 40 %, annals (years, past) 25 %, letters (dates, first person mi and mis, present) 20 %,
//!   accounts (sums, present) 15 %. All begin with a paragraph that introduces who is in them; a blank line parts paragraphs.

mod author;
mod dice;
mod document;
mod lexicon;
#[cfg(test)]
mod tests;

use std::fs;
use std::io;
use std::ops::RangeInclusive;
use std::path::Path;

use super::folder::{self, Filling};
use dice::Dice;
use lexicon::Lexicon;

/// How much to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) n_documents: usize,
    /// A document ends with the paragraph that reaches a size drawn from these, all alike.
    pub(crate) document_bytes: RangeInclusive<usize>,
}

/// About 8 MB.
pub(crate) const FULL: Extent = Extent { n_documents: 250, document_bytes: 8_000..=56_000 };

/// Write `0001.txt` ... into `folder`, which is there whole or not at all.
pub(crate) fn write(folder: &Path, seed: u64, extent: &Extent) -> io::Result<()> {
    let filling = Filling::begin(folder)?;
    let lexicon = Lexicon::new(seed);
    for index in 0..extent.n_documents {
        fs::write(filling.path().join(file_name(index)), document(&lexicon, seed, index, extent))?;
    }
    let filled = filling.path().to_owned();
    filling.finish(&filled, &notice(seed, extent))
}

/// Whether `folder` holds what [`write`] writes.
pub(crate) fn is_in(folder: &Path, seed: u64, extent: &Extent) -> bool {
    let is_text =
        |index| fs::metadata(folder.join(file_name(index))).is_ok_and(|file| file.is_file() && file.len() > 0);
    folder::has_notice(folder, &notice(seed, extent)) && (0..extent.n_documents).all(is_text)
}

fn document(lexicon: &Lexicon, seed: u64, index: usize, extent: &Extent) -> String {
    let mut dice = Dice::new(seed, 1 + index as u64);
    let n_bytes = dice.between(extent.document_bytes.clone());
    document::write(lexicon, dice, n_bytes)
}

fn file_name(index: usize) -> String {
    format!("{:04}.txt", index + 1)
}

fn notice(seed: u64, extent: &Extent) -> String {
    let (least, most) = (extent.document_bytes.start(), extent.document_bytes.end());
    format!(
        "These files are in Homolog's generated language: made by a program, in no language that anybody speaks, from seed {seed};\n\
         {} documents, of {least} to {most} bytes and the rest of a paragraph. They may be used for anything.\n",
        extent.n_documents
    )
}
