//! An SVG of ours as PNG, at the resolution of print.

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};

use crate::{Error, font};

/// Dots per inch.
const DPI: f32 = 300.0;
/// Dots per metre, as PNG has it.
const DOTS_PER_METRE: u32 = 11_811;

/// The tree that the renderers read, with the bundled font only.
pub(crate) fn tree(figure: &str, svg: &str) -> Result<Tree, Error> {
    let options = Options { fontdb: font::database(), font_family: "DejaVu Sans".to_owned(), ..Options::default() };
    Tree::from_str(svg, &options).map_err(|source| Error::render(figure)(source.into()))
}

/// Draws the tree of figure `figure` at 300 dots per inch.
pub(crate) fn png(figure: &str, tree: &Tree) -> Result<Vec<u8>, Error> {
    // Sizes of the tree are in its own pixels, of which an inch has 96.
    let scale = DPI / 96.0;
    let size = tree.size().to_int_size().scale_by(scale);
    let mut pixels = size
        .and_then(|size| Pixmap::new(size.width(), size.height()))
        .ok_or_else(|| Error::render(figure)("it has no extent".into()))?;
    resvg::render(tree, Transform::from_scale(scale, scale), &mut pixels.as_mut());
    let bytes = pixels.encode_png().map_err(|source| Error::render(figure)(source.into()))?;
    Ok(with_resolution(&bytes))
}

/// Adds the chunk that tells programs for print how large the picture is meant to be.
fn with_resolution(png: &[u8]) -> Vec<u8> {
    // Signature (8 bytes) and IHDR (25 bytes) come first; pHYs stands anywhere between IHDR and the pixels.
    let (head, rest) = png.split_at(33);
    let mut chunk = b"pHYs".to_vec();
    chunk.extend(DOTS_PER_METRE.to_be_bytes());
    chunk.extend(DOTS_PER_METRE.to_be_bytes());
    chunk.push(1);
    let mut crc = flate2::Crc::new();
    crc.update(&chunk);
    let length = (chunk.len() as u32 - 4).to_be_bytes();
    [head, &length, &chunk, &crc.sum().to_be_bytes(), rest].concat()
}

#[cfg(test)]
mod tests;
