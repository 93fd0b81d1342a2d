#![expect(clippy::unwrap_used, reason = "tests")]

use super::Theme;

fn read(text: &str) -> Result<Theme, crate::Error> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("theme.toml");
    std::fs::write(&path, text).unwrap();
    Theme::read(&path)
}

#[test]
fn a_file_changes_what_it_names_and_leaves_the_rest() {
    let theme = read("label_size = 9\nink = \"#000000\"\n").unwrap();
    assert_eq!(theme, Theme { label_size: 9.0, ink: "#000000".to_owned(), ..Theme::default() });
    let written = toml::to_string(&Theme::default()).unwrap();
    assert_eq!(read(&written).unwrap(), Theme::default());
}

#[test]
fn what_is_no_theme_is_an_error_that_says_what_is() {
    let cases = [
        ("lable_size = 9", "label_size"),
        ("label_size = 900", "from 3 to 24"),
        ("ink = \"black\"", "#rrggbb"),
        ("categories = []", "at least one colour"),
        ("sequence = [\"#000000\"]", "fewer than two"),
        ("grid_width = nan", "from 0 to 10"),
    ];
    for (text, told) in cases {
        let message = read(text).unwrap_err().to_string();
        assert!(message.contains(told) && message.contains("theme.toml"), "{message}");
    }
    let message = Theme::read(std::path::Path::new("nowhere.toml")).unwrap_err().to_string();
    assert!(message.contains("nowhere.toml") && message.contains("--theme"), "{message}");
}

#[test]
fn the_sequence_goes_through_its_colours() {
    let theme = Theme::default();
    assert_eq!(theme.sequence_at(0.0), theme.sequence[0]);
    assert_eq!(theme.sequence_at(0.5), theme.sequence[5]);
    assert_eq!(theme.sequence_at(1.0), theme.sequence[10]);
    assert_eq!(theme.sequence_at(7.0), theme.sequence[10]);
    // Brighter all along, so that print in grey keeps the order.
    let brightness = |share: f64| {
        let color = theme.sequence_at(share);
        let byte = |k: usize| f64::from(u8::from_str_radix(&color[k..k + 2], 16).unwrap());
        0.299 * byte(1) + 0.587 * byte(3) + 0.114 * byte(5)
    };
    for i in 0..50 {
        assert!(brightness(f64::from(i + 1) / 50.0) > brightness(f64::from(i) / 50.0), "at {i}");
    }
}

#[test]
fn no_two_words_share_a_colour() {
    let theme = Theme::default();
    for (n, is_ordered) in [(8, false), (9, false), (48, true), (1, true)] {
        let mut colors = theme.word_colors(n, is_ordered);
        assert_eq!(colors.len(), n);
        colors.sort();
        colors.dedup();
        assert_eq!(colors.len(), n);
    }
}
