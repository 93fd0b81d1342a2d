//! Kinds of documents: which paragraphs they have.

use super::author::{Author, Tense, printed};
use super::dice::Dice;
use super::lexicon::Lexicon;

#[derive(Clone, Copy)]
enum Kind {
    Tale,
    Annals,
    Letters,
    Accounts,
}

/// Those that a document may introduce after its first paragraph, at most so many in all.
const MOST_NAMES: usize = 9;

/// A document of `n_bytes` and the rest of its last paragraph.
pub(super) fn write(lexicon: &Lexicon, mut dice: Dice, n_bytes: usize) -> String {
    let (kind, tense) = match dice.below(100) {
        0..40 => (Kind::Tale, Tense::Past),
        40..65 => (Kind::Annals, Tense::Past),
        65..85 => (Kind::Letters, Tense::Present),
        _ => (Kind::Accounts, Tense::Present),
    };
    let mut author = Author::new(lexicon, dice, tense, matches!(kind, Kind::Letters));
    let n_names = author.dice.between(3..=6);
    let introductions: Vec<String> = (0..n_names).map(|_| author.introduction()).collect();
    let mut text = introductions.join(" ");
    let mut calendar = Calendar::new(&mut author.dice);
    // Letters go to and fro between the first two.
    let mut n_letters = 0;
    while text.len() < n_bytes {
        author.begin_paragraph();
        let is_typical = author.dice.percent(55);
        let paragraphs = match kind {
            Kind::Letters => {
                n_letters += 1;
                letter(&mut author, &mut calendar, n_letters)
            }
            Kind::Tale if is_typical => conversation(&mut author),
            Kind::Annals if is_typical => vec![year(&mut author, &mut calendar)],
            Kind::Accounts if is_typical => vec![list(&mut author)],
            _ => vec![narration(&mut author)],
        };
        for paragraph in paragraphs {
            text.push_str("\n\n");
            text.push_str(&paragraph);
        }
    }
    text + "\n"
}

fn narration(author: &mut Author) -> String {
    let n = author.dice.between(3..=7);
    let mut sentences: Vec<String> = Vec::new();
    if author.names.len() < MOST_NAMES && author.dice.percent(15) {
        sentences.push(author.introduction());
    }
    sentences.extend((0..n).map(|_| author.sentence()));
    sentences.join(" ")
}

/// Two speak in turn; a question is answered.
fn conversation(author: &mut Author) -> Vec<String> {
    let first = author.any_name();
    let second = loop {
        let name = author.any_name();
        if name != first {
            break name;
        }
    };
    let n_turns = author.dice.between(2..=6);
    let mut asked = None;
    let turns = (0..n_turns).map(|turn| {
        let speaks = author.speaks(if turn % 2 == 0 { &first } else { &second });
        let tense = std::mem::replace(&mut author.tense, Tense::Present);
        let mut said: Vec<String> = asked.take().map(|asked| author.answer(asked)).into_iter().collect();
        said.extend((0..author.dice.between(1..=3)).map(|_| author.sentence()));
        if turn + 1 < n_turns && author.dice.percent(50) {
            let (question, clause) = author.question();
            said.push(question);
            asked = Some(clause);
        }
        author.tense = tense;
        format!("{speaks} \"{}\"", said.join(" "))
    });
    turns.collect()
}

/// What happened in a year, told from the last one.
fn year(author: &mut Author, calendar: &mut Calendar) -> String {
    let mut words = Vec::new();
    if calendar.is_begun {
        let n = author.dice.between(1..=9);
        calendar.year += n;
        let years = if n == 1 { "anor" } else { "anoren" };
        words.extend([n.to_string(), years.into(), "poste".into(), ",".into()]);
    }
    calendar.is_begun = true;
    words.extend(["en".into(), calendar.year.to_string(), ",".into()]);
    let first = author.sentence_after(words);
    format!("{first} {}", narration(author))
}

/// A date, a greeting, what there is to say, and who says it.
fn letter(author: &mut Author, calendar: &mut Calendar, count: usize) -> Vec<String> {
    let days = author.dice.between(1..=40);
    calendar.pass(days);
    let (from, to) = (author.names[count % 2].clone(), author.names[(count + 1) % 2].clone());
    let date = format!("Dian {}, lunar {}, {}.", calendar.day, calendar.month, calendar.year);
    let mut paragraphs = vec![date, addressed(author, "salu", to)];
    for _ in 0..author.dice.between(1..=3) {
        author.begin_paragraph();
        paragraphs.push(narration(author));
    }
    paragraphs.push(addressed(author, "fidol", from));
    paragraphs
}

fn addressed(author: &mut Author, word: &str, name: String) -> String {
    let mut words = vec![word.to_owned(), ",".into()];
    words.extend(author.mention(name));
    words.push(".".into());
    printed(&words)
}

/// Sums, counted from 1, some of them somebody's.
fn list(author: &mut Author) -> String {
    let items = (1..=author.dice.between(4..=9)).map(|n: usize| {
        let mut words = vec![n.to_string(), ".".into()];
        if author.dice.percent(40) {
            let name = author.any_name();
            words.extend(author.mention(name));
            words.push(":".into());
        }
        author.sum(words)
    });
    items.collect::<Vec<_>>().join("\n")
}

/// Twelve months of thirty days.
struct Calendar {
    day: usize,
    month: usize,
    year: usize,
    is_begun: bool,
}

impl Calendar {
    fn new(dice: &mut Dice) -> Self {
        Self { day: dice.between(1..=30), month: dice.between(1..=12), year: dice.between(100..=900), is_begun: false }
    }

    fn pass(&mut self, days: usize) {
        self.day += days;
        while self.day > 30 {
            self.day -= 30;
            self.month += 1;
        }
        while self.month > 12 {
            self.month -= 12;
            self.year += 1;
        }
    }
}
