//! The words.

use std::collections::HashSet;

use super::dice::{Dice, Zipf};

pub(super) const N_TOPICS: usize = 12;
const N_NOUNS: usize = 900;
const N_VERBS: usize = 400;
const N_REPORTING: usize = 16;
const N_ADJECTIVES: usize = 300;
const N_ADVERBS: usize = 100;
/// The most frequent words of a class belong to no topic.
const N_GENERAL: usize = 20;

/// Each goes with some verbs.
pub(super) const PREPOSITIONS: [&str; 8] = ["en", "sor", "par", "vis", "kon", "sen", "tra", "apu"];
pub(super) const CONJUNCTIONS: [&str; 3] = ["ja", "mas", "ver"];
pub(super) const SUBORDINATORS: [&str; 3] = ["kand", "si", "var"];
/// Written by rules of their own.
const OTHERS: [&str; 28] = [
    "el", "eli", "ul", "uli", "ban", "bani", "bun", "buni", "di", "ke", "ko", "ne", "mi", "mis", "elo", "ela", "chu",
    "da", "nai", "salu", "fidol", "dian", "lunar", "anor", "anoren", "poste", "fasu", "men",
];

/// Mostly one consonant.
const ONSETS: [&str; 44] = [
    "b", "d", "f", "g", "h", "k", "l", "m", "n", "p", "r", "s", "t", "v", "z", "b", "d", "f", "g", "h", "k", "l", "m",
    "n", "p", "r", "s", "t", "v", "z", "br", "dr", "gr", "kr", "pr", "tr", "st", "sk", "sl", "pl", "fl", "sh", "ch",
    "j",
];
const VOWELS: [&str; 12] = ["a", "a", "a", "e", "e", "i", "i", "o", "o", "u", "ai", "au"];
const CODAS: [&str; 12] = ["n", "r", "l", "s", "m", "t", "k", "d", "p", "g", "nd", "rt"];
/// Of syllables before the last: mostly none.
const INNER_CODAS: [&str; 8] = ["", "", "", "", "", "n", "r", "l"];

pub(super) struct Noun {
    /// The singular.
    pub(super) stem: String,
    /// Of el or of ul.
    pub(super) is_first_gender: bool,
}

pub(super) struct Verb {
    pub(super) stem: String,
    pub(super) object: Object,
}

/// What stands behind a verb.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Object {
    None,
    Direct,
    Behind(&'static str),
    /// ko and a clause, or speech.
    Clause,
}

/// Words of a class by rank, the most frequent first.
pub(super) struct Lexicon {
    pub(super) nouns: Class<Noun>,
    pub(super) verbs: Class<Verb>,
    pub(super) reporting: Class<Verb>,
    pub(super) adjectives: Class<String>,
    pub(super) adverbs: Class<String>,
    zipf: Zipf,
}

pub(super) struct Class<W> {
    pub(super) words: Vec<W>,
    /// Ranks of each topic's words.
    by_topic: Vec<Vec<usize>>,
}

impl Lexicon {
    pub(super) fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed, 0);
        let mut taken: HashSet<String> = closed_words().map(str::to_owned).collect();
        let mut stems = |dice: &mut Dice, n: usize, endings: &[&str]| -> Vec<String> {
            (0..n).map(|rank| new_stem(dice, &mut taken, rank, n, endings)).collect()
        };
        let nouns = stems(&mut dice, N_NOUNS, &["", "en"]);
        let verb_endings = ["a", "u", "ata", "atu"];
        let verbs = stems(&mut dice, N_VERBS, &verb_endings);
        let reporting = stems(&mut dice, N_REPORTING, &verb_endings);
        let adjectives = stems(&mut dice, N_ADJECTIVES, &["ik"]);
        let adverbs = stems(&mut dice, N_ADVERBS, &["ol"]);

        let noun = |stem, dice: &mut Dice| Noun { stem, is_first_gender: dice.percent(50) };
        let verb = |stem, dice: &mut Dice| {
            let object = match dice.below(100) {
                0..25 => Object::None,
                25..65 => Object::Direct,
                _ => Object::Behind(dice.pick(&PREPOSITIONS)),
            };
            Verb { stem, object }
        };
        Self {
            nouns: Class::new(nouns, &mut dice, noun),
            verbs: Class::new(verbs, &mut dice, verb),
            reporting: Class::new(reporting, &mut dice, |stem, _| Verb { stem, object: Object::Clause }),
            adjectives: Class::new(adjectives, &mut dice, |stem, _| stem + "ik"),
            adverbs: Class::new(adverbs, &mut dice, |stem, _| stem + "ol"),
            zipf: Zipf::new(N_NOUNS),
        }
    }

    /// A word's rank: every other time one of the topic.
    pub(super) fn draw<W>(&self, class: &Class<W>, topic: usize, dice: &mut Dice) -> usize {
        let of_topic = &class.by_topic[topic];
        if dice.percent(50) && !of_topic.is_empty() {
            of_topic[self.zipf.draw(dice, of_topic.len())]
        } else {
            self.zipf.draw(dice, class.words.len())
        }
    }
}

impl<W> Class<W> {
    fn new(stems: Vec<String>, dice: &mut Dice, mut word: impl FnMut(String, &mut Dice) -> W) -> Self {
        let mut by_topic = vec![Vec::new(); N_TOPICS];
        for rank in N_GENERAL..stems.len() {
            by_topic[dice.below(N_TOPICS)].push(rank);
        }
        Self { words: stems.into_iter().map(|stem| word(stem, dice)).collect(), by_topic }
    }
}

/// A name with a capital letter; one that ends in a vowel is ela.
pub(super) fn name(dice: &mut Dice) -> String {
    loop {
        let mut name = syllables(dice, 2, 3);
        let (is_ela, is_verb_like) = (dice.percent(50), dice.percent(50));
        if is_ela {
            name.push_str(if is_verb_like { "a" } else { "e" });
        }
        // What begins a sentence is a name unless it is a word of grammar or an adverb.
        if !name.ends_with("ol") && closed_words().all(|word| word != name) {
            return name[..1].to_ascii_uppercase() + &name[1..];
        }
    }
}

fn closed_words() -> impl Iterator<Item = &'static str> {
    PREPOSITIONS.into_iter().chain(CONJUNCTIONS).chain(SUBORDINATORS).chain(OTHERS)
}

/// Of one syllable among the first tenth of `n` ranks, two or three among the last half; no word has its forms yet.
fn new_stem(dice: &mut Dice, taken: &mut HashSet<String>, rank: usize, n: usize, endings: &[&str]) -> String {
    let most = if rank * 10 < n { 1 } else { 2 + usize::from(rank * 2 > n) };
    // One syllable may be used up.
    for attempt in 0.. {
        let stem = syllables(dice, most.min(2), most + usize::from(attempt > 20));
        let forms: Vec<String> = endings.iter().map(|ending| format!("{stem}{ending}")).collect();
        // Else a stem would seem to have an ending.
        let is_clear = !["en", "ik", "ol", "at"].iter().any(|ending| stem.ends_with(ending));
        if is_clear && forms.iter().all(|form| !taken.contains(form)) {
            taken.extend(forms);
            return stem;
        }
    }
    unreachable!("there are more stems than words")
}

/// Ends in a consonant.
fn syllables(dice: &mut Dice, least: usize, most: usize) -> String {
    let n = dice.between(least..=most);
    let mut word = String::new();
    for k in 0..n {
        word.push_str(dice.pick(&ONSETS));
        word.push_str(dice.pick(&VOWELS));
        word.push_str(if k + 1 == n { dice.pick(&CODAS) } else { dice.pick(&INNER_CODAS) });
    }
    word
}
