//! Elements of an SVG, written one after another. Lengths are points with two decimals, so that equal figures have equal bytes.

use std::fmt::Write;

use crate::font::{self, CAP_HEIGHT};

/// A rectangle; y grows downwards.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Rect {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

impl Rect {
    pub(crate) fn right(self) -> f64 {
        self.x + self.width
    }

    pub(crate) fn bottom(self) -> f64 {
        self.y + self.height
    }

    /// Whether the two have an inner point in common.
    pub(crate) fn overlaps(self, other: Self) -> bool {
        self.x < other.right() && other.x < self.right() && self.y < other.bottom() && other.y < self.bottom()
    }

    /// Whether `other` lies in it, up to rounding.
    pub(crate) fn contains(self, other: Self) -> bool {
        let slack = 1e-6;
        other.x >= self.x - slack
            && other.y >= self.y - slack
            && other.right() <= self.right() + slack
            && other.bottom() <= self.bottom() + slack
    }
}

/// Which end of a text stands at its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// One line of text. `y` is the middle of its capitals' height; turned by a quarter to the left, x and y change their parts.
#[derive(Clone, Debug)]
pub(crate) struct Label<'a> {
    pub(crate) text: &'a str,
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) size: f64,
    pub(crate) anchor: Anchor,
    pub(crate) is_turned: bool,
    pub(crate) color: &'a str,
    /// What it is, for whoever styles or tests the SVG.
    pub(crate) class: &'a str,
}

impl Label<'_> {
    /// What it covers.
    pub(crate) fn rect(&self) -> Rect {
        let (width, height) = (font::width(self.text, self.size), self.size * CAP_HEIGHT);
        let before = match self.anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => width / 2.0,
            Anchor::End => width,
        };
        if self.is_turned {
            // Turned text reads upwards: its start is below.
            let x = self.x - height / 2.0;
            return Rect { x, y: self.y - (width - before), width: height, height: width };
        }
        Rect { x: self.x - before, y: self.y - height / 2.0, width, height }
    }
}

/// An SVG in the making.
#[derive(Debug, Default)]
pub(crate) struct Canvas {
    svg: String,
}

impl Canvas {
    /// Begins the document; what it shows is told to screen readers.
    pub(crate) fn new(width: f64, height: f64, title: &str, caption: &str, background: &str) -> Self {
        let mut canvas = Self::default();
        let (w, h) = (number(width), number(height));
        let families = font::FAMILIES;
        canvas.push(&format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w}pt\" height=\"{h}pt\" viewBox=\"0 0 {w} {h}\" role=\"img\" \
             aria-label=\"{}\" font-family=\"{families}\">",
            escape(title)
        ));
        canvas.push(&format!("<title>{}</title>", escape(title)));
        canvas.push(&format!("<desc>{}</desc>", escape(caption)));
        canvas.push(&format!("<rect width=\"{w}\" height=\"{h}\" fill=\"{}\"/>", escape(background)));
        canvas
    }

    fn push(&mut self, line: &str) {
        self.svg.push_str(line);
        self.svg.push('\n');
    }

    /// Ends the document.
    pub(crate) fn finish(mut self) -> String {
        self.push("</svg>");
        self.svg
    }

    /// Begins a group; `attributes` are written as they are.
    pub(crate) fn open(&mut self, class: &str, attributes: &str) {
        let space = if attributes.is_empty() { "" } else { " " };
        self.push(&format!("<g class=\"{class}\"{space}{attributes}>"));
    }

    /// Begins a group of which nothing outside `rect` is seen; needs no id, of which there may be but one in a page of many figures.
    pub(crate) fn open_clipped(&mut self, rect: Rect) {
        let [x, y, w, h] = [rect.x, rect.y, rect.width, rect.height].map(number);
        self.push(&format!(
            "<svg x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" viewBox=\"{x} {y} {w} {h}\" overflow=\"hidden\">"
        ));
    }

    /// Ends a clipped group.
    pub(crate) fn close_clipped(&mut self) {
        self.push("</svg>");
    }

    /// Ends a group.
    pub(crate) fn close(&mut self) {
        self.push("</g>");
    }

    pub(crate) fn line(&mut self, [x1, y1, x2, y2]: [f64; 4], attributes: &str) {
        let [x1, y1, x2, y2] = [x1, y1, x2, y2].map(number);
        self.push(&format!("<line x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\"{}/>", spaced(attributes)));
    }

    pub(crate) fn rect(&mut self, rect: Rect, attributes: &str) {
        let [x, y, w, h] = [rect.x, rect.y, rect.width, rect.height].map(number);
        self.push(&format!("<rect x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\"{}/>", spaced(attributes)));
    }

    pub(crate) fn circle(&mut self, x: f64, y: f64, radius: f64, attributes: &str) {
        let [x, y, r] = [x, y, radius].map(number);
        self.push(&format!("<circle cx=\"{x}\" cy=\"{y}\" r=\"{r}\"{}/>", spaced(attributes)));
    }

    /// Straight lines through the points.
    pub(crate) fn path(&mut self, points: &[(f64, f64)], is_closed: bool, attributes: &str) {
        let mut d = String::new();
        for (i, &(x, y)) in points.iter().enumerate() {
            let command = if i == 0 { 'M' } else { 'L' };
            // Writing to a String does not fail.
            let _ = write!(d, "{command}{} {}", number(x), number(y));
        }
        if is_closed {
            d.push('Z');
        }
        self.push(&format!("<path d=\"{d}\"{}/>", spaced(attributes)));
    }

    /// A text; `full` is what it stands for where it was shortened.
    pub(crate) fn text(&mut self, label: &Label<'_>, full: Option<&str>) {
        let anchor = match label.anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        // Half the height of capitals below the middle is the baseline; `dominant-baseline` is not read alike everywhere.
        let drop = label.size * CAP_HEIGHT / 2.0;
        let place = if label.is_turned {
            let [x, y] = [label.x + drop, label.y].map(number);
            format!("x=\"{x}\" y=\"{y}\" transform=\"rotate(-90 {x} {y})\"")
        } else {
            format!("x=\"{}\" y=\"{}\"", number(label.x), number(label.y + drop))
        };
        let title = full.filter(|full| *full != label.text).map(|full| format!("<title>{}</title>", escape(full)));
        self.push(&format!(
            "<text class=\"{}\" {place} font-size=\"{}\" fill=\"{}\"{anchor}>{}{}</text>",
            label.class,
            number(label.size),
            label.color,
            title.unwrap_or_default(),
            escape(label.text)
        ));
    }
}

fn spaced(attributes: &str) -> String {
    if attributes.is_empty() { String::new() } else { format!(" {attributes}") }
}

/// A length with at most two decimals; zero has no sign.
pub(crate) fn number(value: f64) -> String {
    let mut text = format!("{value:.2}");
    if text.contains('.') {
        text.truncate(text.trim_end_matches('0').trim_end_matches('.').len());
    }
    if text == "-0" { "0".to_owned() } else { text }
}

/// What XML reads back as `text`, within elements and attributes. Characters that XML 1.0 cannot hold become U+FFFD.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\t' | '\n' | '\r' => escaped.push(' '),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            _ => escaped.push(character),
        }
    }
    escaped
}
