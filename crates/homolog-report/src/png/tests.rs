#![expect(clippy::unwrap_used, reason = "tests")]

use crate::svg::tests::gallery::gallery;
use crate::theme::Theme;

#[test]
fn a_page_is_2025_pixels_wide_and_says_so() {
    let figure = gallery().swap_remove(0);
    let svg = crate::svg(&figure, &Theme::default()).unwrap();
    let tree = super::tree(&figure.name, &svg).unwrap();
    let png = super::png(&figure.name, &tree).unwrap();
    assert_eq!(png, super::png(&figure.name, &tree).unwrap());
    assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
    assert_eq!(u32::from_be_bytes(png[16..20].try_into().unwrap()), 2025);
    assert_eq!(&png[37..41], b"pHYs");
    assert_eq!(u32::from_be_bytes(png[41..45].try_into().unwrap()), 11_811);
    // Another decoder accepts it, checksums included.
    let pixels = resvg::tiny_skia::Pixmap::decode_png(&png).unwrap();
    assert!(pixels.pixels().iter().any(|pixel| pixel.red() < 100), "nothing is drawn");
}

#[test]
fn an_svg_that_is_none_is_an_error_that_names_the_figure() {
    let message = super::tree("fig07", "<svg").unwrap_err().to_string();
    assert!(message.contains("fig07"), "{message}");
}
