//! Who writes a document: sentences, and what must be remembered from one to the next.

use super::dice::Dice;
use super::lexicon::{self, CONJUNCTIONS, Class, Lexicon, N_TOPICS, Noun, Object, PREPOSITIONS, SUBORDINATORS, Verb};

/// Nouns that may come back.
const N_RECENT: usize = 12;
const N_SET_PHRASES: usize = 3;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tense {
    Present,
    Past,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Number {
    Singular,
    Plural,
}
use Number::{Plural, Singular};

/// How deep a clause is: what it may contain.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    /// Relative clauses, and asides in ( ).
    Sentence,
    /// Asides in [ ].
    Aside,
    /// Neither.
    Innermost,
}

/// Words and signs, as [`printed`] takes them.
pub(super) type Words = Vec<String>;

/// The clause of a question.
pub(super) struct Asked {
    words: Words,
    verb_at: usize,
}

pub(super) struct Author<'a> {
    lexicon: &'a Lexicon,
    pub(super) dice: Dice,
    /// Of the paragraph.
    topic: usize,
    topics: [usize; 2],
    pub(super) tense: Tense,
    /// Whether mi and mis are subjects.
    pub(super) is_letter: bool,
    pub(super) names: Vec<String>,
    /// The last name that was written.
    last_name: Option<String>,
    set_phrases: Vec<Words>,
    recent: Vec<usize>,
}

impl<'a> Author<'a> {
    pub(super) fn new(lexicon: &'a Lexicon, mut dice: Dice, tense: Tense, is_letter: bool) -> Self {
        let topic = dice.below(N_TOPICS);
        let second = (topic + 1 + dice.below(N_TOPICS - 1)) % N_TOPICS;
        let mut author = Self {
            lexicon,
            dice,
            topic,
            topics: [topic, second],
            tense,
            is_letter,
            names: Vec::new(),
            last_name: None,
            set_phrases: Vec::new(),
            recent: Vec::new(),
        };
        author.set_phrases = (0..N_SET_PHRASES).map(|_| author.set_phrase()).collect();
        author
    }

    /// Three paragraphs in four have the first topic.
    pub(super) fn begin_paragraph(&mut self) {
        self.topic = self.topics[usize::from(self.dice.percent(25))];
    }

    /// Somebody comes in: `Brelka, ban drunik tor, ...`.
    pub(super) fn introduction(&mut self) -> String {
        let name = loop {
            let name = lexicon::name(&mut self.dice);
            if !self.names.contains(&name) {
                break name;
            }
        };
        self.names.push(name.clone());
        let mut words = self.mention(name);
        words.push(",".into());
        let noun = self.noun();
        self.noun_phrase_of(&mut words, noun, false, Singular);
        words.push(",".into());
        self.predicate(&mut words, Singular, Depth::Sentence);
        words.push(".".into());
        printed(&words)
    }

    /// Any sentence but questions and introductions.
    pub(super) fn sentence(&mut self) -> String {
        let mut words = Words::new();
        match self.dice.below(100) {
            0..12 => {
                let adverb = self.adverb();
                words.extend([adverb, ",".into()]);
            }
            12..22 => {
                words.push(self.dice.pick(&PREPOSITIONS).into());
                self.noun_phrase(&mut words, Depth::Innermost);
                words.push(",".into());
            }
            22..34 => {
                words.push(self.dice.pick(&SUBORDINATORS).into());
                self.clause(&mut words, Depth::Innermost);
                words.push(",".into());
            }
            _ => {}
        }
        self.sentence_after(words)
    }

    /// What begins with `words`.
    pub(super) fn sentence_after(&mut self, mut words: Words) -> String {
        self.clause(&mut words, Depth::Sentence);
        if self.dice.percent(22) {
            words.extend([",".into(), self.dice.pick(&CONJUNCTIONS).into()]);
            self.clause(&mut words, Depth::Innermost);
        }
        words.push(".".into());
        printed(&words)
    }

    /// `Chu ...?`, and what is asked.
    pub(super) fn question(&mut self) -> (String, Asked) {
        let mut words = Words::new();
        // A pronoun would stand for another name in the answer.
        let number = self.noun_phrase(&mut words, Depth::Innermost);
        let verb_at = words.len();
        self.verb_and_object(&mut words, number, Depth::Innermost);
        let question = [vec!["chu".into()], words.clone(), vec!["?".into()]].concat();
        (printed(&question), Asked { words, verb_at })
    }

    /// The same clause, or that it is not so.
    pub(super) fn answer(&mut self, Asked { mut words, verb_at }: Asked) -> String {
        if let Some(name) = words.iter().rfind(|word| self.names.contains(word)) {
            self.last_name = Some(name.clone());
        }
        let is_so = self.dice.percent(50);
        if !is_so {
            words.insert(verb_at, "ne".into());
        }
        let yes_or_no = if is_so { "da" } else { "nai" };
        printed(&[vec![yes_or_no.into(), ",".into()], words, vec![".".into()]].concat())
    }

    /// `Name verb:`
    pub(super) fn speaks(&mut self, name: &str) -> String {
        let mut words = self.mention(name.to_owned());
        let lexicon = self.lexicon;
        let rank = lexicon.draw(&lexicon.reporting, self.topic, &mut self.dice);
        words.push(self.verb_form(&lexicon.reporting.words[rank], Singular));
        words.push(":".into());
        printed(&words)
    }

    /// The name, which pronouns now stand for.
    pub(super) fn mention(&mut self, name: String) -> Words {
        self.last_name = Some(name.clone());
        vec![name]
    }

    pub(super) fn any_name(&mut self) -> String {
        self.names[self.dice.below(self.names.len())].clone()
    }

    /// `a toren ja b toren fasu c toren.`, or a difference.
    pub(super) fn sum(&mut self, mut words: Words) -> String {
        let noun = self.noun();
        let (a, b) = (self.dice.between(1..=20), self.dice.between(1..=20));
        let (first, sign, second, result) =
            if self.dice.percent(50) { (a, "ja", b, a + b) } else { (a + b, "men", b, a) };
        let counted = |n: usize| [n.to_string(), self.noun_form(noun, number_of(n))];
        words.extend(counted(first));
        words.push(sign.into());
        words.extend(counted(second));
        words.push("fasu".into());
        words.extend(counted(result));
        words.push(".".into());
        printed(&words)
    }

    fn clause(&mut self, words: &mut Words, depth: Depth) {
        let number = self.subject(words, depth);
        self.predicate(words, number, depth);
    }

    fn subject(&mut self, words: &mut Words, depth: Depth) -> Number {
        if self.is_letter && self.dice.percent(35) {
            let is_one = self.dice.percent(70);
            words.push(if is_one { "mi" } else { "mis" }.into());
            return if is_one { Singular } else { Plural };
        }
        match self.dice.below(100) {
            0..20 => {
                let name = self.any_name();
                words.extend(self.mention(name));
                Singular
            }
            20..32 if self.last_name.is_some() => {
                words.push(self.pronoun().into());
                Singular
            }
            _ => {
                let number = self.noun_phrase(words, depth);
                if self.dice.percent(15) {
                    words.push(self.dice.pick(&PREPOSITIONS).into());
                    self.noun_phrase(words, Depth::Innermost);
                }
                if depth == Depth::Sentence && self.dice.percent(20) {
                    self.relative_clause(words, number);
                }
                number
            }
        }
    }

    fn pronoun(&self) -> &'static str {
        let is_ela = self.last_name.as_ref().is_some_and(|name| name.ends_with(['a', 'e']));
        if is_ela { "ela" } else { "elo" }
    }

    /// `, ke VERB OBJECT,` of which the noun before is the subject, or `, ke SUBJECT VERB,` of which it is the object.
    fn relative_clause(&mut self, words: &mut Words, number: Number) {
        words.extend([",".into(), "ke".into()]);
        if self.dice.percent(50) {
            self.verb_and_object(words, number, Depth::Innermost);
        } else {
            let number = self.noun_phrase(words, Depth::Innermost);
            let verb = loop {
                let verb = self.verb();
                if verb.object == Object::Direct {
                    break verb;
                }
            };
            words.push(self.verb_form(verb, number));
        }
        words.push(",".into());
    }

    fn predicate(&mut self, words: &mut Words, number: Number, depth: Depth) {
        self.aside(words, depth, 4);
        if self.dice.percent(8) {
            words.push("ne".into());
        }
        self.verb_and_object(words, number, depth);
        if self.dice.percent(15) {
            let adverb = self.adverb();
            words.push(adverb);
        }
        self.aside(words, depth, 6);
    }

    fn verb_and_object(&mut self, words: &mut Words, number: Number, depth: Depth) {
        let lexicon = self.lexicon;
        if depth == Depth::Sentence && self.dice.percent(10) {
            let rank = lexicon.draw(&lexicon.reporting, self.topic, &mut self.dice);
            words.extend([self.verb_form(&lexicon.reporting.words[rank], number), "ko".into()]);
            return self.clause(words, Depth::Innermost);
        }
        let verb = self.verb();
        words.push(self.verb_form(verb, number));
        match verb.object {
            Object::None | Object::Clause => {}
            Object::Direct => self.object(words),
            Object::Behind(preposition) => {
                words.push(preposition.into());
                self.object(words);
            }
        }
    }

    fn object(&mut self, words: &mut Words) {
        let name = self.any_name();
        // Hardly anybody does it to themselves.
        if self.dice.percent(20) && self.last_name.as_ref() != Some(&name) {
            words.extend(self.mention(name));
        } else {
            self.noun_phrase(words, Depth::Innermost);
        }
    }

    /// A clause in ( ) or [ ], so many times in a hundred.
    fn aside(&mut self, words: &mut Words, depth: Depth, percent: usize) {
        let (open, close, within) = match depth {
            Depth::Sentence => ("(", ")", Depth::Aside),
            Depth::Aside => ("[", "]", Depth::Innermost),
            Depth::Innermost => return,
        };
        // The second is rare enough without.
        let percent = if depth == Depth::Aside { 4 * percent } else { percent };
        if self.dice.percent(percent) {
            words.push(open.into());
            self.clause(words, within);
            words.push(close.into());
        }
    }

    /// `di` and a name may follow at any depth but the innermost.
    fn noun_phrase(&mut self, words: &mut Words, depth: Depth) -> Number {
        let number = match self.dice.below(100) {
            0..10 => {
                let which = self.dice.below(N_SET_PHRASES);
                words.extend(self.set_phrases[which].clone());
                Singular
            }
            10..18 => {
                let n = self.dice.between(1..=12);
                let noun = self.noun();
                words.push(n.to_string());
                words.push(self.noun_form(noun, number_of(n)));
                number_of(n)
            }
            _ => {
                let number = if self.dice.percent(60) { Singular } else { Plural };
                let (noun, is_definite) = (self.noun(), self.dice.percent(70));
                self.noun_phrase_of(words, noun, is_definite, number);
                number
            }
        };
        if depth != Depth::Innermost && self.dice.percent(8) {
            let name = self.any_name();
            words.push("di".into());
            words.extend(self.mention(name));
        }
        number
    }

    /// Article, perhaps an adjective, noun.
    fn noun_phrase_of(&mut self, words: &mut Words, noun: usize, is_definite: bool, number: Number) {
        words.push(self.article(noun, is_definite, number).into());
        if self.dice.percent(30) {
            words.push(self.adjective());
        }
        words.push(self.noun_form(noun, number));
    }

    fn set_phrase(&mut self) -> Words {
        let noun = self.noun();
        vec![self.article(noun, true, Singular).into(), self.adjective(), self.noun_form(noun, Singular)]
    }

    fn article(&self, noun: usize, is_definite: bool, number: Number) -> &'static str {
        match (is_definite, self.lexicon.nouns.words[noun].is_first_gender, number) {
            (true, true, Singular) => "el",
            (true, true, Plural) => "eli",
            (true, false, Singular) => "ul",
            (true, false, Plural) => "uli",
            (false, true, Singular) => "ban",
            (false, true, Plural) => "bani",
            (false, false, Singular) => "bun",
            (false, false, Plural) => "buni",
        }
    }

    fn noun_form(&self, noun: usize, number: Number) -> String {
        let Noun { stem, .. } = &self.lexicon.nouns.words[noun];
        if number == Singular { stem.clone() } else { format!("{stem}en") }
    }

    fn verb_form(&self, verb: &Verb, number: Number) -> String {
        let ending = match (self.tense, number) {
            (Tense::Present, Singular) => "a",
            (Tense::Present, Plural) => "u",
            (Tense::Past, Singular) => "ata",
            (Tense::Past, Plural) => "atu",
        };
        format!("{}{ending}", verb.stem)
    }

    /// One in four was used shortly before.
    fn noun(&mut self) -> usize {
        if !self.recent.is_empty() && self.dice.percent(25) {
            return self.recent[self.dice.below(self.recent.len())];
        }
        let noun = self.lexicon.draw(&self.lexicon.nouns, self.topic, &mut self.dice);
        if self.recent.len() == N_RECENT {
            self.recent.remove(0);
        }
        self.recent.push(noun);
        noun
    }

    fn verb(&mut self) -> &'a Verb {
        let lexicon = self.lexicon;
        &lexicon.verbs.words[lexicon.draw(&lexicon.verbs, self.topic, &mut self.dice)]
    }

    fn adjective(&mut self) -> String {
        self.word_of(&self.lexicon.adjectives)
    }

    fn adverb(&mut self) -> String {
        self.word_of(&self.lexicon.adverbs)
    }

    fn word_of(&mut self, class: &Class<String>) -> String {
        class.words[self.lexicon.draw(class, self.topic, &mut self.dice)].clone()
    }
}

fn number_of(n: usize) -> Number {
    if n == 1 { Singular } else { Plural }
}

/// A sentence: a capital first, blanks between words, signs where they belong.
pub(super) fn printed(words: &[String]) -> String {
    let mut text = String::new();
    for word in words {
        let is_closing = [",", ".", "?", ":", ")", "]"].contains(&word.as_str());
        if !(text.is_empty() || is_closing || text.ends_with(['(', '['])) {
            text.push(' ');
        }
        text.push_str(word);
    }
    let first = text.chars().next().map_or(0, char::len_utf8);
    text[..first].to_ascii_uppercase() + &text[first..]
}
