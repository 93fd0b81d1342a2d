#![expect(clippy::unwrap_used, reason = "tests")]

mod checker;

use std::collections::{BTreeMap, HashSet};

use super::*;
use checker::Checker;

const SMALL: Extent = Extent { n_documents: 4, document_bytes: 300..=900 };

fn documents(seed: u64, extent: &Extent) -> Vec<String> {
    let lexicon = Lexicon::new(seed);
    (0..extent.n_documents).map(|index| document(&lexicon, seed, index, extent)).collect()
}

#[test]
fn bytes_depend_on_the_seed_and_on_nothing_else() {
    let root = tempfile::tempdir().unwrap();
    let written = |name: &str, seed, extent: &Extent| -> BTreeMap<String, Vec<u8>> {
        let folder = root.path().join(name);
        write(&folder, seed, extent).unwrap();
        assert!(is_in(&folder, seed, extent) && !is_in(&folder, seed + 1, extent));
        let names = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name != "NOTICE").map(|name| (name.clone(), fs::read(folder.join(name)).unwrap())).collect()
    };
    let one = written("one", 1, &SMALL);
    assert_eq!(one.keys().collect::<Vec<_>>(), ["0001.txt", "0002.txt", "0003.txt", "0004.txt"]);
    assert!(one == written("again", 1, &SMALL));
    let other = written("other", 2, &SMALL);
    assert!(one.iter().all(|(name, text)| *text != other[name]));
    let more = written("more", 1, &Extent { n_documents: 6, ..SMALL });
    assert!(one.iter().all(|(name, text)| *text == more[name]) && more.len() == 6);
    let notice = fs::read_to_string(root.path().join("one/NOTICE")).unwrap();
    assert!(notice.contains("generated language") && notice.contains("seed 1;"), "{notice}");
    // The same on every machine, and in the next version, so that studies of it can be compared.
    let hash = documents(1, &SMALL).iter().flat_map(|text| text.bytes()).fold(0xcbf2_9ce4_8422_2325, fnv1a);
    assert_eq!(hash, 0x21e8_2886_a043_56e2, "{hash:#x}");
}

fn fnv1a(hash: u64, byte: u8) -> u64 {
    (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
}

#[test]
fn sizes_are_as_asked_for() {
    for text in documents(3, &Extent { n_documents: 20, document_bytes: 4_000..=9_000 }) {
        assert!((4_000..9_000 + 5_000).contains(&text.len()), "{}", text.len());
        assert!(text.ends_with(".\n") || text.ends_with("\"\n"), "{text}");
        assert!(!text.contains("\n\n\n") && !text.contains("  ") && !text.contains(" \n"));
    }
    let total: usize =
        FULL.document_bytes.clone().sum::<usize>() / FULL.document_bytes.clone().count() * FULL.n_documents;
    assert!((7_900_000..8_100_000).contains(&total), "{total}");
}

/// Of all kinds, and what is known of the words after them.
fn checked() -> (Vec<String>, Checker) {
    let documents = documents(5, &Extent { n_documents: 40, document_bytes: 3_000..=9_000 });
    let mut checker = Checker::default();
    for text in &documents {
        if let Err(why) = checker.document(text) {
            panic!("{why}\n{text}");
        }
    }
    (documents, checker)
}

#[test]
fn every_sentence_is_of_the_grammar() {
    let (_, checker) = checked();
    for construct in checker::CONSTRUCTS {
        let n = checker.seen.get(construct).copied().unwrap_or(0);
        assert!(n >= 20, "{construct}: {n}");
    }
    // Agreement is with the subject and not with the noun before the verb.
    assert!(checker.seen["attractor"] * 50 > checker.seen["sentence"], "{:?}", checker.seen);
}

#[test]
fn the_checker_sees_what_is_wrong() {
    let (documents, checker) = checked();
    let changes: [(&str, Change); 10] = [
        ("number of a verb", |word| {
            let number = |stem: &str, ending| is_open(word).then(|| format!("{stem}{ending}"));
            word.strip_suffix('a').map_or_else(|| number(word.strip_suffix('u')?, 'a'), |stem| number(stem, 'u'))
        }),
        ("tense", |word| is_open(word).then(|| word.strip_suffix("ata").map(|stem| format!("{stem}a")))?),
        ("number of an article", |word| ["el", "ul", "ban", "bun"].contains(&word).then(|| format!("{word}i"))),
        ("gender", |word| (word == "uli").then(|| "eli".into())),
        ("number of a noun", |word| {
            let stem = word.strip_suffix("en").filter(|stem| stem.len() > 2 && is_open(word))?;
            Some(stem.to_owned())
        }),
        ("pronoun", |word| (word == "ela").then(|| "elo".into())),
        ("a name nobody has", |word| {
            let lower = word.to_lowercase();
            let is_name = lower != word && !lower.ends_with("ol") && !checker::CLOSED.contains(&lower.as_str());
            is_name.then(|| format!("Zzz{lower}"))
        }),
        ("bracket that closes", |word| (word == ")").then(String::new)),
        ("bracket that opens", |word| (word == "[").then(String::new)),
        ("quotation mark", |word| (word == "\"").then(String::new)),
    ];
    for (what, change) in changes {
        let mut n_changed = 0;
        for text in documents.iter().step_by(3) {
            for changed in changed_once(text, change, 5) {
                n_changed += 1;
                assert!(checker.clone().document(&changed.text).is_err(), "{what}: {}", changed.sentence());
            }
        }
        assert!(n_changed > 20, "{what}: {n_changed}");
    }
    let of_verbs = documents.iter().filter_map(|text| text.split_once("ata sor "));
    let n = of_verbs
        .map(|(before, after)| {
            assert!(
                checker.clone().document(&format!("{before}ata tra {after}")).is_err(),
                "what a verb takes: {after}"
            );
        })
        .count();
    assert!(n > 5, "what a verb takes: {n}");
    // Arithmetic.
    for sign in [" ja ", " men ", " fasu "] {
        let lines_of = |text: &str| -> Vec<String> {
            let lines = text.lines().filter(|line| line.contains(" fasu ") && line.contains(sign));
            lines.map(str::to_owned).take(5).collect()
        };
        let mut n_changed = 0;
        for text in &documents {
            for line in lines_of(text) {
                let (before, after) = line.split_once(sign).unwrap();
                let (number, rest) = after.split_once(' ').unwrap();
                let wrong = format!("{before}{sign}{} {rest}", number.parse::<u32>().unwrap() + 1);
                assert!(checker.clone().document(&text.replacen(&line, &wrong, 1)).is_err(), "{line}\n{wrong}");
                n_changed += 1;
            }
        }
        assert!(n_changed > 10, "{sign}: {n_changed}");
    }
    let annals = documents.iter().find(|text| text.matches("poste, en ").count() > 2).unwrap();
    let (before, after) = annals.split_once("poste, en ").unwrap();
    assert!(checker.clone().document(&format!("{before}poste, en 1{after}")).is_err());
}

fn is_open(word: &str) -> bool {
    word.starts_with(char::is_lowercase) && !checker::CLOSED.contains(&word)
}

/// What a word or sign becomes, if it is one to change.
type Change = fn(&str) -> Option<String>;

struct Changed {
    text: String,
    at: usize,
}

impl Changed {
    fn sentence(&self) -> &str {
        let start = self.text[..self.at].rfind('.').unwrap_or(0);
        let end = self.text[self.at..].find('.').unwrap_or(0);
        &self.text[start..self.at + end]
    }
}

/// The text with one word or sign changed, at as many as `n` places.
fn changed_once(text: &str, change: Change, n: usize) -> Vec<Changed> {
    let mut changed = Vec::new();
    let mut at = 0;
    // The first paragraph introduces names: there any is right.
    let body = text.find("\n\n").map_or(text.len(), |end| end + 2);
    for piece in text.split_inclusive(|c: char| !c.is_alphabetic()) {
        let word = piece.trim_end_matches(|c: char| !c.is_alphabetic());
        let sign = &piece[word.len()..];
        for (start, token) in [(at, word), (at + word.len(), sign)] {
            if start >= body
                && let Some(other) = change(token).filter(|_| !token.is_empty())
            {
                let text = format!("{}{other}{}", &text[..start], &text[start + token.len()..]);
                changed.push(Changed { text, at: start });
            }
        }
        at += piece.len();
    }
    let step = changed.len().div_ceil(n).max(1);
    changed.into_iter().step_by(step).collect()
}

#[test]
fn frequencies_follow_zipf_and_topics_differ() {
    let documents = documents(9, &Extent { n_documents: 60, document_bytes: 8_000..=12_000 });
    let mut counts: BTreeMap<String, f64> = BTreeMap::new();
    for text in &documents {
        for word in text.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty()) {
            *counts.entry(word.to_lowercase()).or_default() += 1.0;
        }
    }
    let mut sorted: Vec<f64> = counts.values().copied().collect();
    sorted.sort_by(|a, b| b.total_cmp(a));
    // Least squares of log frequency on log rank, ranks 10 to 1000.
    let points: Vec<(f64, f64)> = (9..1000).map(|rank| (((rank + 1) as f64).ln(), sorted[rank].ln())).collect();
    let mean = |f: fn(&(f64, f64)) -> f64| points.iter().map(f).sum::<f64>() / points.len() as f64;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let covariance: f64 = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
    let slope = covariance / points.iter().map(|point| (point.0 - x).powi(2)).sum::<f64>();
    assert!((-1.3..-0.7).contains(&slope), "{slope}");

    // Halves of a document share more of their words than halves of two documents.
    let open_words = |text: &str| -> HashSet<String> {
        text.split(|c: char| !c.is_alphabetic()).filter(|word| is_open(word)).map(str::to_owned).collect()
    };
    let halves: Vec<_> = documents.iter().map(|text| text.split_at(text.len() / 2)).collect();
    let halves: Vec<_> = halves.iter().map(|(first, second)| (open_words(first), open_words(second))).collect();
    let overlap = |shift: usize| -> usize {
        (0..halves.len()).map(|k| halves[k].0.intersection(&halves[(k + shift) % halves.len()].1).count()).sum()
    };
    let (same, other) = (overlap(0), overlap(1));
    assert!(same as f64 > 1.5 * other as f64, "{same} {other}");
}
