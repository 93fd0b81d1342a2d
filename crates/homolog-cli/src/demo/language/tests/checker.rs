//! Reads the language as its description has it, without its lexicon: a word's class and number are told by its ending, what cannot be seen
//! (genders, what a verb takes) must be the same everywhere.

use std::collections::{BTreeMap, HashMap};

pub(super) const CLOSED: [&str; 42] = [
    "el", "eli", "ul", "uli", "ban", "bani", "bun", "buni", "di", "ke", "ko", "ne", "mi", "mis", "elo", "ela", "chu",
    "da", "nai", "salu", "fidol", "dian", "lunar", "anor", "anoren", "poste", "fasu", "men", "en", "sor", "par", "vis",
    "kon", "sen", "tra", "apu", "ja", "mas", "ver", "kand", "si", "var",
];
const PREPOSITIONS: &[&str] = &["en", "sor", "par", "vis", "kon", "sen", "tra", "apu"];

/// What must occur for the check to be worth something.
pub(super) const CONSTRUCTS: [&str; 17] = [
    "sentence",
    "introduction",
    "relative",
    "attractor",
    "aside",
    "inner aside",
    "reported",
    "negated",
    "pronoun",
    "speech",
    "yes",
    "no",
    "year",
    "letter",
    "sum",
    "difference",
    "plural verb",
];

type Checked<T = ()> = Result<T, String>;

#[derive(Clone, Default)]
pub(super) struct Checker {
    /// Whether of el, by singular.
    genders: HashMap<String, bool>,
    /// By stem: a preposition, "ko", "object", or nothing.
    taken_by_verbs: HashMap<String, String>,
    pub(super) seen: BTreeMap<&'static str, usize>,
    // Of the document.
    names: Vec<String>,
    last_name: String,
    is_past: Option<bool>,
    is_speech: bool,
    year: Option<usize>,
    date: Option<[usize; 3]>,
    asked: Option<Vec<String>>,
    is_last_noun_plural: bool,
}

struct Cursor<'t> {
    tokens: &'t [String],
    at: usize,
}

impl Cursor<'_> {
    fn peek(&self) -> &str {
        self.tokens.get(self.at).map_or("", String::as_str)
    }

    fn next(&mut self) -> String {
        self.at += 1;
        self.tokens.get(self.at - 1).cloned().unwrap_or_default()
    }

    fn skip(&mut self, token: &str) -> bool {
        let is_it = self.peek() == token;
        self.at += usize::from(is_it);
        is_it
    }

    fn expect(&mut self, token: &str) -> Checked {
        let found = self.next();
        if found == token {
            Ok(())
        } else {
            Err(format!("`{found}` instead of `{token}` in {}", self.tokens.join(" ")))
        }
    }

    fn number(&mut self) -> Checked<usize> {
        let token = self.next();
        token.parse().map_err(|_| format!("`{token}` is no number in {}", self.tokens.join(" ")))
    }
}

impl Checker {
    pub(super) fn document(&mut self, text: &str) -> Checked {
        *self = Self {
            genders: std::mem::take(&mut self.genders),
            taken_by_verbs: std::mem::take(&mut self.taken_by_verbs),
            seen: std::mem::take(&mut self.seen),
            ..Self::default()
        };
        for paragraph in text.trim_end().split("\n\n") {
            self.paragraph(paragraph)?;
        }
        if self.asked.is_some() { Err("a question without an answer".into()) } else { Ok(()) }
    }

    fn paragraph(&mut self, text: &str) -> Checked {
        if let Some((frame, said)) = text.split_once('"') {
            let said = said.strip_suffix('"').filter(|said| !said.contains('"')).ok_or("speech that does not close")?;
            let tokens = tokens(frame);
            let mut cursor = Cursor { tokens: &tokens, at: 0 };
            self.name(&mut cursor)?;
            let verb = self.verb(&mut cursor, false)?;
            self.takes(&verb, "ko")?;
            cursor.expect(":")?;
            self.is_speech = true;
            *self.seen.entry("speech").or_default() += 1;
            let checked = self.sentences(said);
            self.is_speech = false;
            return checked;
        }
        if text.starts_with("1. ") {
            return text.lines().zip(1..).try_for_each(|(line, count)| self.item(line, count));
        }
        let mut first = tokens(text);
        first[0] = first[0].to_lowercase();
        let mut cursor = Cursor { tokens: &first, at: 1 };
        match first[0].as_str() {
            "dian" => self.date(&mut cursor),
            "salu" | "fidol" => {
                cursor.expect(",")?;
                self.name(&mut cursor)?;
                cursor.expect(".")?;
                end(&cursor)
            }
            _ => self.sentences(text),
        }
    }

    fn date(&mut self, cursor: &mut Cursor) -> Checked {
        let day = cursor.number()?;
        cursor.expect(",")?;
        cursor.expect("lunar")?;
        let month = cursor.number()?;
        cursor.expect(",")?;
        let date = [cursor.number()?, month, day];
        cursor.expect(".")?;
        let is_later = self.date.replace(date).is_none_or(|last| last < date);
        *self.seen.entry("letter").or_default() += 1;
        if is_later && day <= 30 && month <= 12 { end(cursor) } else { Err(format!("date {date:?}")) }
    }

    /// `3. Name: 12 toren ja 7 toren fasu 19 toren.`
    fn item(&mut self, line: &str, count: usize) -> Checked {
        let tokens = tokens(line);
        let mut cursor = Cursor { tokens: &tokens, at: 0 };
        if cursor.number()? != count {
            return Err(format!("not number {count}: {line}"));
        }
        cursor.expect(".")?;
        if is_name(cursor.peek()) {
            self.name(&mut cursor)?;
            cursor.expect(":")?;
        }
        let mut counted = |cursor: &mut Cursor| -> Checked<(usize, String)> {
            let n: usize = cursor.peek().parse().map_err(|_| format!("no number: {line}"))?;
            self.noun_phrase(cursor)?;
            let noun = &cursor.tokens[cursor.at - 1];
            Ok((n, noun.strip_suffix("en").unwrap_or(noun).to_owned()))
        };
        let (a, first) = counted(&mut cursor)?;
        let sign = cursor.next();
        let (b, second) = counted(&mut cursor)?;
        cursor.expect("fasu")?;
        let (c, third) = counted(&mut cursor)?;
        cursor.expect(".")?;
        let (is_right, what) = if sign == "ja" { (a + b == c, "sum") } else { (a == b + c, "difference") };
        *self.seen.entry(what).or_default() += 1;
        if is_right && ["ja", "men"].contains(&sign.as_str()) && first == second && second == third {
            end(&cursor)
        } else {
            Err(format!("wrong sum: {line}"))
        }
    }

    fn sentences(&mut self, text: &str) -> Checked {
        let mut tokens = tokens(text);
        for sentence in tokens.split_inclusive_mut(|token| token == "." || token == "?") {
            let lower = sentence[0].to_lowercase();
            let is_capital = lower != sentence[0];
            if CLOSED.contains(&lower.as_str()) || lower.ends_with("ol") {
                sentence[0] = lower;
            }
            if !is_capital && sentence[0].parse::<usize>().is_err() {
                return Err(format!("no capital: {}", sentence.join(" ")));
            }
            self.sentence(&mut Cursor { tokens: sentence, at: 0 })?;
        }
        Ok(())
    }

    fn sentence(&mut self, cursor: &mut Cursor) -> Checked {
        *self.seen.entry("sentence").or_default() += 1;
        let first = cursor.peek().to_owned();
        let second = cursor.tokens.get(1).cloned().unwrap_or_default();
        if first == "chu" {
            let asked = &cursor.tokens[1..cursor.tokens.len() - 1];
            let is_waited_for = self.asked.replace(asked.to_vec()).is_some();
            cursor.at = 1;
            self.clause(cursor, 2)?;
            cursor.expect("?")?;
            return if is_waited_for || !self.is_speech { Err("a question out of place".into()) } else { end(cursor) };
        }
        if let Some(asked) = self.asked.take() {
            let mut answer: Vec<String> = cursor.tokens[2..cursor.tokens.len() - 1].to_vec();
            let n = answer.len();
            answer.retain(|token| token != "ne");
            let is_negated = n == answer.len() + 1;
            *self.seen.entry(if is_negated { "no" } else { "yes" }).or_default() += 1;
            if answer != asked || first != if is_negated { "nai" } else { "da" } {
                return Err(format!("no answer: {}", cursor.tokens.join(" ")));
            }
            cursor.at = 1;
            cursor.expect(",")?;
        } else if first.parse::<usize>().is_ok() && ["anor", "anoren"].contains(&second.as_str()) {
            let n = cursor.number()?;
            cursor.expect(if n == 1 { "anor" } else { "anoren" })?;
            cursor.expect("poste")?;
            cursor.expect(",")?;
            cursor.expect("en")?;
            let year = cursor.number()?;
            cursor.expect(",")?;
            *self.seen.entry("year").or_default() += 1;
            if self.year.replace(year).is_none_or(|last| last + n != year) {
                return Err(format!("wrong year: {}", cursor.tokens.join(" ")));
            }
        } else if first == "en" && cursor.tokens.get(2).is_some_and(|token| token == ",") {
            cursor.at = 1;
            let year = cursor.number()?;
            cursor.expect(",")?;
            if self.year.replace(year).is_some() {
                return Err("a second first year".into());
            }
        } else if PREPOSITIONS.contains(&first.as_str()) {
            cursor.at = 1;
            self.noun_phrase(cursor)?;
            cursor.expect(",")?;
        } else if ["kand", "si", "var"].contains(&first.as_str()) {
            cursor.at = 1;
            self.clause(cursor, 2)?;
            cursor.expect(",")?;
        } else if first.ends_with("ol") {
            cursor.at = 1;
            cursor.expect(",")?;
        } else if is_name(&first) && second == "," {
            return self.introduction(cursor);
        }
        self.clause(cursor, 0)?;
        if cursor.skip(",") {
            let conjunction = cursor.next();
            if !["ja", "mas", "ver"].contains(&conjunction.as_str()) {
                return Err(format!("`{conjunction}` joins nothing in {}", cursor.tokens.join(" ")));
            }
            self.clause(cursor, 2)?;
        }
        cursor.expect(".")?;
        end(cursor)
    }

    fn introduction(&mut self, cursor: &mut Cursor) -> Checked {
        let name = cursor.next();
        if self.names.contains(&name) {
            return Err(format!("{name} is introduced again"));
        }
        self.names.push(name.clone());
        self.last_name = name;
        cursor.expect(",")?;
        let article = cursor.peek().to_owned();
        let is_plural = self.noun_phrase(cursor)?;
        if is_plural || !["ban", "bun"].contains(&article.as_str()) {
            return Err(format!("no introduction: {}", cursor.tokens.join(" ")));
        }
        cursor.expect(",")?;
        self.predicate(cursor, false, 0)?;
        cursor.expect(".")?;
        *self.seen.entry("introduction").or_default() += 1;
        end(cursor)
    }

    fn clause(&mut self, cursor: &mut Cursor, depth: usize) -> Checked {
        let is_plural = self.subject(cursor)?;
        self.predicate(cursor, is_plural, depth)
    }

    /// Whether it is plural.
    fn subject(&mut self, cursor: &mut Cursor) -> Checked<bool> {
        match cursor.peek() {
            "mi" | "mis" => return Ok(cursor.next() == "mis"),
            "elo" | "ela" => {
                let is_ela = cursor.next() == "ela";
                *self.seen.entry("pronoun").or_default() += 1;
                let is_right = !self.last_name.is_empty() && is_ela == self.last_name.ends_with(['a', 'e']);
                let what = || format!("pronoun for {} in {}", self.last_name, cursor.tokens.join(" "));
                return if is_right { Ok(false) } else { Err(what()) };
            }
            name if is_name(name) => {
                self.name(cursor)?;
                return Ok(false);
            }
            _ => {}
        }
        let is_plural = self.noun_phrase(cursor)?;
        if PREPOSITIONS.contains(&cursor.peek()) {
            cursor.next();
            self.noun_phrase(cursor)?;
        }
        if cursor.peek() == "," && cursor.tokens.get(cursor.at + 1).is_some_and(|token| token == "ke") {
            cursor.at += 2;
            *self.seen.entry("relative").or_default() += 1;
            if is_verb(cursor.peek()) {
                self.verb_and_object(cursor, is_plural, 2)?;
            } else {
                let is_inner_plural = self.noun_phrase(cursor)?;
                let verb = self.verb(cursor, is_inner_plural)?;
                self.takes(&verb, "object")?;
            }
            cursor.expect(",")?;
        }
        if self.is_last_noun_plural != is_plural {
            *self.seen.entry("attractor").or_default() += 1;
        }
        Ok(is_plural)
    }

    fn predicate(&mut self, cursor: &mut Cursor, is_plural: bool, depth: usize) -> Checked {
        self.aside(cursor, depth)?;
        if cursor.skip("ne") {
            *self.seen.entry("negated").or_default() += 1;
        }
        self.verb_and_object(cursor, is_plural, depth)?;
        if cursor.peek().ends_with("ol") {
            cursor.next();
        }
        self.aside(cursor, depth)
    }

    fn aside(&mut self, cursor: &mut Cursor, depth: usize) -> Checked {
        let (open, close, what) = if depth == 0 { ("(", ")", "aside") } else { ("[", "]", "inner aside") };
        if depth < 2 && cursor.skip(open) {
            *self.seen.entry(what).or_default() += 1;
            self.clause(cursor, depth + 1)?;
            cursor.expect(close)?;
        }
        Ok(())
    }

    fn verb_and_object(&mut self, cursor: &mut Cursor, is_plural: bool, depth: usize) -> Checked {
        let verb = self.verb(cursor, is_plural)?;
        let next = cursor.peek().to_owned();
        if next == "ko" {
            *self.seen.entry("reported").or_default() += 1;
            cursor.next();
            self.takes(&verb, "ko")?;
            return if depth == 0 { self.clause(cursor, 2) } else { Err("reported too deep".into()) };
        }
        let is_preposition = PREPOSITIONS.contains(&next.as_str());
        if is_preposition {
            cursor.next();
        }
        let object = cursor.peek();
        let has_object = is_name(object) || article(object).is_some() || object.parse::<usize>().is_ok();
        if is_name(object) {
            self.name(cursor)?;
        } else if has_object {
            self.noun_phrase(cursor)?;
        }
        match (is_preposition, has_object) {
            (true, true) => self.takes(&verb, &next),
            (true, false) => Err(format!("nothing behind {next} in {}", cursor.tokens.join(" "))),
            (false, true) => self.takes(&verb, "object"),
            (false, false) => self.takes(&verb, ""),
        }
    }

    /// The stem of a verb of this number, and of the tense of the place.
    fn verb(&mut self, cursor: &mut Cursor, is_plural: bool) -> Checked<String> {
        let word = cursor.next();
        let wrong = |why: &str| Err(format!("{why} `{word}` in {}", cursor.tokens.join(" ")));
        if !is_verb(&word) {
            return wrong("no verb");
        }
        if word.ends_with('u') != is_plural {
            return wrong("number of");
        }
        let stem = &word[..word.len() - 1];
        let past = stem.strip_suffix("at");
        let is_past = if self.is_speech { false } else { *self.is_past.get_or_insert(past.is_some()) };
        if past.is_some() != is_past {
            return wrong("tense of");
        }
        if is_plural {
            *self.seen.entry("plural verb").or_default() += 1;
        }
        Ok(past.unwrap_or(stem).to_owned())
    }

    fn takes(&mut self, verb: &str, what: &str) -> Checked {
        let known = self.taken_by_verbs.entry(verb.to_owned()).or_insert_with(|| what.to_owned());
        if known == what { Ok(()) } else { Err(format!("{verb} takes `{known}`, not `{what}`")) }
    }

    /// Whether it is plural.
    fn noun_phrase(&mut self, cursor: &mut Cursor) -> Checked<bool> {
        let first = cursor.next();
        let (is_plural, gender) = match (article(&first), first.parse::<usize>()) {
            (Some((is_plural, is_el)), _) => (is_plural, Some(is_el)),
            (None, Ok(n)) => (n != 1, None),
            _ => return Err(format!("no phrase at `{first}` in {}", cursor.tokens.join(" "))),
        };
        if cursor.peek().ends_with("ik") {
            cursor.next();
        }
        let noun = cursor.next();
        let is_noun = noun.starts_with(char::is_lowercase) && noun.ends_with(|c| !"aeiou".contains(c));
        if !is_noun || CLOSED.contains(&noun.as_str()) || noun.ends_with("ol") || noun.ends_with("ik") {
            return Err(format!("no noun `{noun}` in {}", cursor.tokens.join(" ")));
        }
        if noun.ends_with("en") != is_plural {
            return Err(format!("number of `{first} {noun}` in {}", cursor.tokens.join(" ")));
        }
        if let Some(gender) = gender {
            let singular = noun.strip_suffix("en").unwrap_or(&noun);
            if *self.genders.entry(singular.to_owned()).or_insert(gender) != gender {
                return Err(format!("gender of `{first} {noun}` in {}", cursor.tokens.join(" ")));
            }
        }
        self.is_last_noun_plural = is_plural;
        if cursor.skip("di") {
            self.name(cursor)?;
        }
        Ok(is_plural)
    }

    /// One that was introduced.
    fn name(&mut self, cursor: &mut Cursor) -> Checked {
        let name = cursor.next();
        if !self.names.contains(&name) {
            return Err(format!("who is `{name}` in {}", cursor.tokens.join(" ")));
        }
        self.last_name = name;
        Ok(())
    }
}

fn end(cursor: &Cursor) -> Checked {
    if cursor.at == cursor.tokens.len() {
        Ok(())
    } else {
        Err(format!("more than a sentence: {}", cursor.tokens.join(" ")))
    }
}

/// Words, numbers and signs.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut is_in_word = false;
    for c in text.chars() {
        match (c.is_alphanumeric(), is_in_word) {
            (true, true) => tokens.last_mut().expect("a word has begun").push(c),
            _ if !c.is_whitespace() => tokens.push(c.into()),
            _ => {}
        }
        is_in_word = c.is_alphanumeric();
    }
    tokens
}

fn is_name(token: &str) -> bool {
    token.starts_with(char::is_uppercase)
}

fn is_verb(token: &str) -> bool {
    token.starts_with(char::is_lowercase) && token.ends_with(['a', 'u']) && !CLOSED.contains(&token)
}

/// Whether it is plural, and of el.
fn article(token: &str) -> Option<(bool, bool)> {
    let singular = token.strip_suffix('i').unwrap_or(token);
    let is_el = match singular {
        "el" | "ban" => true,
        "ul" | "bun" => false,
        _ => return None,
    };
    Some((singular != token, is_el))
}
