//! An SVG of ours as PDF: one page of its size, text as text in the embedded font, no date in it.

use krilla::geom::Size;
use krilla::metadata::Metadata;
use krilla::page::PageSettings;
use krilla::{Document, SerializeSettings};
use krilla_svg::{SurfaceExt, SvgSettings};
use resvg::usvg::Tree;

use crate::Error;

/// Draws the tree of figure `figure` on a page.
pub(crate) fn pdf(figure: &str, title: &str, tree: &Tree) -> Result<Vec<u8>, Error> {
    let failed = |what: &'static str| Error::render(figure)(what.into());
    // The tree counts 96 to an inch, PDF 72.
    let (width, height) = (tree.size().width() * 0.75, tree.size().height() * 0.75);
    let size = Size::from_wh(width, height).ok_or_else(|| failed("it has no extent"))?;
    let mut document = Document::new_with(SerializeSettings { enable_tagging: false, ..SerializeSettings::default() });
    document.set_metadata(Metadata::new().title(title.to_owned()));
    let mut page = document.start_page_with(PageSettings::new(size));
    let mut surface = page.surface();
    surface.draw_svg(tree, size, SvgSettings::default()).ok_or_else(|| failed("the PDF writer refused it"))?;
    surface.finish();
    page.finish();
    document.finish().map_err(|source| Error::render(figure)(format!("{source:?}").into()))
}

#[cfg(test)]
mod tests;
