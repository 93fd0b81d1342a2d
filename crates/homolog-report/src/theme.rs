//! How figures look: sizes, lines and colours, the same for all of them. A file of `--theme` changes what it names and leaves the rest.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::Error;

/// Sizes and line widths in points, colours as `#rrggbb`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Theme {
    /// Size of tick and legend labels, and of text among the marks.
    pub label_size: f64,
    /// Size of titles of axes and legends, and of the headings of panels.
    pub title_size: f64,
    /// Width of drawn lines.
    pub line_width: f64,
    /// Width of axes, ticks and rules.
    pub axis_width: f64,
    /// Length of ticks.
    pub tick_length: f64,
    /// Radius of points.
    pub point_radius: f64,
    /// Opacity of bands.
    pub band_opacity: f64,
    /// Opacity of points.
    pub point_opacity: f64,
    /// Width of grid lines; 0 is no grid.
    pub grid_width: f64,
    /// Colour of grid lines.
    pub grid: String,
    /// Colour of text and axes.
    pub ink: String,
    /// Colour of rules and of what is only there to compare with.
    pub muted: String,
    /// Colour of the page.
    pub background: String,
    /// Colours of unordered words, in order.
    pub categories: Vec<String>,
    /// Colours of ordered words and of numbers, from the lowest to the highest, at even distances.
    pub sequence: Vec<String>,
}

/// Okabe and Ito's colours (Color Universal Design, 2008), those that stand out on white first.
const CATEGORIES: [&str; 8] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#f0e442"];

/// The colour map viridis (van der Walt and Smith 2015, CC0) at every tenth.
const SEQUENCE: [&str; 11] = [
    "#440154", "#482475", "#414487", "#355f8d", "#2a788e", "#21918c", "#22a884", "#44bf70", "#7ad151", "#bddf26",
    "#fde725",
];

impl Default for Theme {
    fn default() -> Self {
        let owned = |colors: &[&str]| colors.iter().map(|&color| color.to_owned()).collect();
        Self {
            label_size: 7.0,
            title_size: 8.0,
            line_width: 1.1,
            axis_width: 0.6,
            tick_length: 2.5,
            point_radius: 1.6,
            band_opacity: 0.2,
            point_opacity: 0.8,
            grid_width: 0.0,
            grid: "#ececec".to_owned(),
            ink: "#222222".to_owned(),
            muted: "#808080".to_owned(),
            background: "#ffffff".to_owned(),
            categories: owned(&CATEGORIES),
            sequence: owned(&SEQUENCE),
        }
    }
}

impl Theme {
    /// The theme of a TOML file; what it does not name is the default's.
    ///
    /// Errors: the file cannot be read, is no TOML, has an unknown key (the known ones are listed), a size out of range, or a colour that
    /// is not `#rrggbb`.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text =
            std::fs::read_to_string(path).map_err(|source| Error::ReadTheme { path: path.to_owned(), source })?;
        let theme: Self = toml::from_str(&text).map_err(|error| Error::theme(path, &error))?;
        theme.check().map_err(|message| Error::theme(path, &message))?;
        Ok(theme)
    }

    fn check(&self) -> Result<(), String> {
        let sizes = [
            ("label_size", self.label_size, 3.0, 24.0),
            ("title_size", self.title_size, 3.0, 24.0),
            ("line_width", self.line_width, 0.1, 10.0),
            ("axis_width", self.axis_width, 0.1, 10.0),
            ("tick_length", self.tick_length, 0.0, 20.0),
            ("point_radius", self.point_radius, 0.1, 20.0),
            ("band_opacity", self.band_opacity, 0.0, 1.0),
            ("point_opacity", self.point_opacity, 0.0, 1.0),
            ("grid_width", self.grid_width, 0.0, 10.0),
        ];
        for (key, value, from, to) in sizes {
            if !(from..=to).contains(&value) {
                return Err(format!("{key} is {value}; give a number from {from} to {to}"));
            }
        }
        if self.categories.is_empty() {
            return Err("categories is empty; give at least one colour".to_owned());
        }
        if self.sequence.len() < 2 {
            return Err("sequence has fewer than two colours; give its first and its last at least".to_owned());
        }
        let single =
            [("grid", &self.grid), ("ink", &self.ink), ("muted", &self.muted), ("background", &self.background)];
        let lists = [("categories", &self.categories), ("sequence", &self.sequence)];
        let lists = lists.into_iter().flat_map(|(key, colors)| colors.iter().map(move |color| (key, color)));
        for (key, color) in single.into_iter().chain(lists) {
            if rgb(color).is_none() {
                return Err(format!("{key} has `{color}`; give colours as #rrggbb"));
            }
        }
        Ok(())
    }

    /// The colour at `share` of the sequence, from 0 to 1, between its two nearest colours (linear in sRGB).
    pub fn sequence_at(&self, share: f64) -> String {
        let at = share.clamp(0.0, 1.0) * (self.sequence.len() - 1) as f64;
        let i = (at.floor() as usize).min(self.sequence.len() - 2);
        let [from, to] = [&self.sequence[i], &self.sequence[i + 1]].map(|color| rgb(color).unwrap_or_default());
        let mixed: Vec<u8> = (0..3)
            .map(|k| (f64::from(from[k]) + (at - i as f64) * (f64::from(to[k]) - f64::from(from[k]))).round() as u8)
            .collect();
        format!("#{:02x}{:02x}{:02x}", mixed[0], mixed[1], mixed[2])
    }

    /// Colours of `n` words. More words than there are categories, or ordered ones, take even steps of the sequence, whose last fifth is
    /// left out: it is too pale for a line on white.
    pub fn word_colors(&self, n: usize, is_ordered: bool) -> Vec<String> {
        if !is_ordered && n <= self.categories.len() {
            return self.categories[..n].to_vec();
        }
        let last = (n.max(2) - 1) as f64;
        (0..n).map(|i| self.sequence_at(i as f64 / last * 0.8)).collect()
    }
}

/// The three bytes of `#rrggbb`.
fn rgb(color: &str) -> Option<[u8; 3]> {
    let digits = color.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.is_ascii())?;
    let byte = |k: usize| u8::from_str_radix(&digits[2 * k..2 * k + 2], 16).ok();
    Some([byte(0)?, byte(1)?, byte(2)?])
}

/// Whether white text is easier to read on this colour than black: its relative luminance (WCAG 2.1) is below 0.18.
pub(crate) fn is_dark(color: &str) -> bool {
    let linear = |byte: u8| {
        let value = f64::from(byte) / 255.0;
        if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    let [r, g, b] = rgb(color).unwrap_or_default().map(linear);
    0.2126 * r + 0.7152 * g + 0.0722 * b < 0.18
}

#[cfg(test)]
mod tests;
