#![expect(clippy::unwrap_used, reason = "tests")]

use super::{elide, width, wrap};

#[test]
fn widths_are_those_of_the_renderer() {
    for text in ["0.25", "Mean max correlation", "battlestar-x49", "2×10⁻⁶", "−1.5"] {
        let svg = format!(
            "<svg xmlns='http://www.w3.org/2000/svg' width='900' height='90'><text x='10' y='50' font-size='40'>{text}</text></svg>"
        );
        let tree = crate::png::tree("f", &svg).unwrap();
        let resvg::usvg::Node::Text(node) = &tree.root().children()[0] else { panic!("no text") };
        let rendered = f64::from(node.bounding_box().width());
        let measured = width(text, 40.0);
        // Kerning narrows, and nothing widens.
        assert!(rendered <= measured + 0.1 && rendered > measured * 0.95, "{text}: {rendered} and {measured}");
    }
}

#[test]
fn what_does_not_fit_keeps_both_ends() {
    let name = "organisation/a-very-long-model-name-x21";
    let elided = elide(name, 7.0, 60.0);
    assert!(width(&elided, 7.0) <= 60.0);
    assert!(elided.starts_with("org") && elided.ends_with("x21") && elided.contains('…'), "{elided}");
    assert_eq!(elide("short", 7.0, 60.0), "short");
    assert_eq!(elide("short", 7.0, 1.0), "…");
}

#[test]
fn lines_are_balanced_and_none_is_too_long() {
    let lines = wrap("Mean max correlation with the final model", 8.0, 150.0);
    assert_eq!(lines, ["Mean max correlation", "with the final model"]);
    assert_eq!(wrap("", 8.0, 150.0), Vec::<String>::new());
    for line in wrap("incomprehensibilities of counterrevolutionaries", 8.0, 60.0) {
        assert!(width(&line, 8.0) <= 60.0, "{line}");
    }
}
