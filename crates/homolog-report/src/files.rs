//! The five files of a figure.

use std::path::{Path, PathBuf};

use homolog_results::write_bytes;

use crate::figure::Figure;
use crate::theme::Theme;
use crate::{Error, csv, pdf, png, svg, vega_lite};

/// Extensions of a figure's files.
pub(crate) const EXTENSIONS: [&str; 5] = ["svg", "pdf", "png", "vl.json", "csv"];

/// Writes `NAME.svg`, `.pdf`, `.png`, `.vl.json` and `.csv` of a figure into `folder`, and says which files these are.
///
/// Errors: the figure cannot be drawn (nothing is written then), or a file cannot be written.
pub(crate) fn write(figure: &Figure, theme: &Theme, folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let drawn = svg(figure, theme)?;
    let tree = png::tree(&figure.name, &drawn)?;
    let files = [
        drawn.into_bytes(),
        pdf::pdf(&figure.name, &figure.title, &tree)?,
        png::png(&figure.name, &tree)?,
        vega_lite(figure, theme)?.into_bytes(),
        csv(figure).into_bytes(),
    ];
    let mut paths = Vec::new();
    for (extension, bytes) in EXTENSIONS.into_iter().zip(files) {
        let path = folder.join(format!("{}.{extension}", figure.name));
        write_bytes(&path, &bytes)?;
        paths.push(path);
    }
    Ok(paths)
}

#[cfg(test)]
mod tests;
