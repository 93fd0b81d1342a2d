//! The explorer's own files, and `index.html` made of them.

/// Styles, joined by `build.rs`.
pub(crate) const STYLE: &str = include_str!(concat!(env!("OUT_DIR"), "/explorer.css"));
/// Scripts, joined by `build.rs`, which makes sure that they cannot end the element they stand in.
pub(crate) const SCRIPT: &str = include_str!(concat!(env!("OUT_DIR"), "/explorer.js"));
const PAGE: &str = include_str!("../../explorer/explorer.html");

/// The page of the folder, which loads its data from script files beside it.
pub(super) fn index_html() -> String {
    // In one walk over the page: what is put in is not searched for markers.
    let mut html = String::with_capacity(PAGE.len() + STYLE.len() + SCRIPT.len());
    let mut rest = PAGE;
    for (marker, text) in parts_in_order() {
        let Some((before, after)) = rest.split_once(marker) else { continue };
        html.push_str(before);
        html.push_str(text);
        rest = after;
    }
    html.push_str(rest);
    html
}

/// The markers and what stands for them, in the order of the page.
fn parts_in_order() -> Vec<(&'static str, &'static str)> {
    let mut parts = vec![("<!-- STYLE -->", STYLE), ("<!-- SCRIPT -->", SCRIPT), ("<!-- BUNDLES -->", "")];
    parts.sort_by_key(|(marker, _)| PAGE.find(marker));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_its_style_and_scripts_and_no_marker() {
        let html = index_html();
        assert!(html.contains(STYLE.trim()) && html.contains(SCRIPT.trim()));
        for marker in ["<!-- STYLE -->", "<!-- SCRIPT -->", "<!-- BUNDLES -->"] {
            assert_eq!(PAGE.matches(marker).count(), 1, "{marker} in explorer.html");
            assert!(!html.contains(marker), "{marker}");
        }
    }
}
