//! The one font of figures, DejaVu Sans, and how wide text is in it.
//!
//! Nothing that a machine has installed is looked at: the bytes of a figure must not depend on it.

use std::sync::{Arc, OnceLock};

use resvg::usvg::fontdb::Database;
use ttf_parser::Face;

/// Names in the order in which a viewer of an SVG looks for them; Verdana is nearest in width.
pub(crate) const FAMILIES: &str = "DejaVu Sans, Verdana, sans-serif";

/// Height of capitals and figures over the font's size.
pub(crate) const CAP_HEIGHT: f64 = 0.73;

/// Distance of lines of text over the font's size.
pub(crate) const LINE_HEIGHT: f64 = 1.18;

/// What the renderers look fonts up in; loaded once.
pub(crate) fn database() -> Arc<Database> {
    static DATABASE: OnceLock<Arc<Database>> = OnceLock::new();
    let load = || {
        let mut database = Database::new();
        database.load_font_data(dejavu::sans::regular().to_vec());
        database.set_sans_serif_family("DejaVu Sans");
        Arc::new(database)
    };
    Arc::clone(DATABASE.get_or_init(load))
}

/// Width of one line of text: the sum of its glyphs' advances. Kerning, of which DejaVu has little, narrows it.
pub(crate) fn width(text: &str, size: f64) -> f64 {
    static FACE: OnceLock<Face<'static>> = OnceLock::new();
    let face = FACE.get_or_init(|| Face::parse(dejavu::sans::regular(), 0).expect("the bundled font is a font"));
    let advance = |character: char| {
        let glyph = face.glyph_index(character);
        // What the font lacks is drawn by some other font, most of it (CJK) one em wide.
        glyph.and_then(|glyph| face.glyph_hor_advance(glyph)).unwrap_or(face.units_per_em())
    };
    text.chars().map(|character| f64::from(advance(character))).sum::<f64>() * size / f64::from(face.units_per_em())
}

/// `text` if it fits into `available`, else with its middle replaced by `…`: names of models differ at their ends.
pub(crate) fn elide(text: &str, size: f64, available: f64) -> String {
    if width(text, size) <= available {
        return text.to_owned();
    }
    let characters: Vec<char> = text.chars().collect();
    for n_kept in (2..characters.len()).rev() {
        let n_head = n_kept.div_ceil(2);
        let head: String = characters[..n_head].iter().collect();
        let tail: String = characters[characters.len() - (n_kept - n_head)..].iter().collect();
        let elided = format!("{}…{}", head.trim_end(), tail.trim_start());
        if width(&elided, size) <= available {
            return elided;
        }
    }
    "…".to_owned()
}

/// `text` on as few lines as fit into `available`, of about equal length, broken between words; a word that is too long is elided.
pub(crate) fn wrap(text: &str, size: f64, available: f64) -> Vec<String> {
    let n_lines = wrap_greedily(text, size, available).len();
    // The narrowest width that takes no more lines: no single word is left for the last.
    let fractions = (50..=100).map(|percent| available * f64::from(percent) / 100.0);
    let longest_word = text.split_whitespace().map(|word| width(word, size)).fold(0.0, f64::max).min(available);
    let mut lines = fractions.filter(|&width| width >= longest_word).map(|width| wrap_greedily(text, size, width));
    lines.find(|lines| lines.len() <= n_lines).unwrap_or_else(|| wrap_greedily(text, size, available))
}

fn wrap_greedily(text: &str, size: f64, available: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let word = elide(word, size, available);
        match lines.last_mut() {
            Some(line) if width(&format!("{line} {word}"), size) <= available => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    lines
}

#[cfg(test)]
mod tests;
