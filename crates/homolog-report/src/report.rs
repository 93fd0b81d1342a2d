//! `report.html`: a run in one file that needs no network, and no JavaScript but for the explorer.
//!
//! Every number is in a table of the run, or is a mean, a range or a place on a line between numbers that are; where a table is empty
//! nothing is said. Whatever comes from a study or a corpus goes through [`escaped`], or is base64.

mod caveats;
mod findings;
mod html;
mod methods;
mod studied;
mod tables;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use homolog_results::{EXPLORER_FILE, Manifest, REPORT_FILE, remove_files, write_bytes};

use crate::bundle::base64;
use crate::figure::{Figure, Width};
use crate::{Error, Run, Written, csv, explorer};
use html::{escaped, joined, list, section};

const STYLE: &str = include_str!("report/report.css");
/// SVGs up to this size also stand behind a link that carries them; the rest can be saved from `figures/`.
const MAX_LINKED_SVG: usize = 200_000;

/// Raised whenever a report of the same tables would say or show something else, in its figures and in the explorer too.
const VERSION: u32 = 3;
/// Bytes from the beginning of a report by which its key is over.
const HEAD_BYTES: u64 = 2048;

/// Whether the report in `folder` is of the tables that lie there and as this program would write it, and the explorer is beside it.
///
/// The report is written last, and taken away before figures or explorer are made anew: where it is, they are.
///
/// Errors: no manifest; a report that cannot be read.
pub fn is_report_current(folder: &Path) -> Result<bool, Error> {
    let manifest = Manifest::read(folder)?.ok_or_else(|| Error::NotARun { folder: folder.to_owned() })?;
    if !folder.join(EXPLORER_FILE).is_file() {
        return Ok(false);
    }
    let path = folder.join(REPORT_FILE);
    let mut head = Vec::new();
    match File::open(&path).and_then(|file| file.take(HEAD_BYTES).read_to_end(&mut head)) {
        Ok(_) => Ok(String::from_utf8_lossy(&head).contains(&key_line(&manifest))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(Error::read(&path)(source)),
    }
}

/// Takes the report in `folder` away, so that nothing half-made is taken for a whole.
///
/// Errors: it is there and cannot be removed.
pub fn forget_report(folder: &Path) -> Result<(), Error> {
    Ok(remove_files(&[folder.join(REPORT_FILE)])?)
}

/// What the report was made from: the hashes of all tables and tensors, the scripts and styles, and the version.
fn key_line(manifest: &Manifest) -> String {
    let mut hasher = blake3::Hasher::new();
    let tables = manifest.tables.iter().map(|table| &table.hash);
    for hash in tables.chain(manifest.tensors.iter().map(|file| &file.hash)) {
        hasher.update(hash.as_bytes());
    }
    hasher.update(manifest.study.as_bytes());
    for part in [explorer::SCRIPT, explorer::STYLE, STYLE] {
        hasher.update(part.as_bytes());
    }
    hasher.update(&VERSION.to_le_bytes());
    format!("<meta name=\"homolog-tables\" content=\"{}\">", hasher.finalize().to_hex())
}

/// Writes the report of a run to `path`, with these figures and what was drawn of each.
///
/// Errors: tensors of the run that cannot be read; `path` cannot be written.
pub fn write_report(run: &Run, figures: &[(Figure, String)], path: &Path) -> Result<Written, Error> {
    let bundles = explorer::inline_bundles(run)?;
    let html = page(run, figures, &bundles);
    write_bytes(path, html.as_bytes())?;
    Ok(Written { n_files: 1, n_bytes: html.len() as u64 })
}

fn page(run: &Run, figures: &[(Figure, String)], bundles: &[(String, String)]) -> String {
    let (title, key) = (escaped(&run.manifest.study), key_line(&run.manifest));
    let mut sections = vec![section("findings", "Findings", &findings::html(run))];
    sections.push(section("caveats", "What to keep in mind", &list(&caveats::of(run))));
    if !figures.is_empty() {
        let figures: Vec<String> = figures.iter().map(|(figure, svg)| figure_html(figure, svg)).collect();
        sections.push(section("figures", "Figures", &figures.concat()));
    }
    let explorer = "<div id=\"explorer\" class=\"explorer\"></div>\n<noscript><p>The explorer of single neurons needs JavaScript; all \
                    else on this page does not.</p></noscript>";
    sections.push(section("neurons", "Neurons", explorer));
    sections.push(section("tables", "Tables", &tables::html(run)));
    sections.push(section("methods", "Methods", &methods::html(run)));
    sections.push(section("studied", "What was studied", &studied::html(run)));
    let contents = [
        ("findings", "Findings"),
        ("caveats", "What to keep in mind"),
        ("figures", "Figures"),
        ("neurons", "Neurons"),
        ("tables", "Tables"),
        ("methods", "Methods"),
        ("studied", "What was studied"),
    ];
    let contents = contents.iter().filter(|(id, _)| *id != "figures" || !figures.is_empty());
    let contents = joined(contents.map(|(id, heading)| format!("<a href=\"#{id}\">{heading}</a>\n")));
    let bundles = joined(
        bundles
            .iter()
            .map(|(name, data)| format!("<script type=\"application/gzip\" data-bundle=\"{name}\">{data}</script>\n")),
    );
    let (lead, sections) = (escaped(&studied::sentence(run)), sections.concat());
    let (explorer_style, script) = (explorer::STYLE, explorer::SCRIPT);
    format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
{key}
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'">
<title>{title}: neurons that models share</title>
<style>
{explorer_style}
{STYLE}
</style>
</head>
<body class="report">
<header class="top">
<h1>{title}</h1>
<p class="lead">{lead}</p>
<nav>
{contents}</nav>
</header>
<main>
{sections}</main>
{bundles}<script>
{script}
</script>
<script>homolog.mount(document.getElementById("explorer"), {{ inline: true }});</script>
</body>
</html>
"#
    )
}

/// One figure on its card, its caption, and where its files are.
fn figure_html(figure: &Figure, svg: &str) -> String {
    // A prolog of XML has no place inside of HTML.
    let svg = &svg[svg.find("<svg").unwrap_or(0)..];
    let (name, title, caption) = (escaped(&figure.name), escaped(&figure.title), escaped(&figure.caption));
    let width = if figure.width == Width::Column { "column" } else { "page" };
    let files: Vec<String> = [("PDF", "pdf"), ("SVG", "svg"), ("PNG", "png"), ("CSV", "csv"), ("Vega-Lite", "vl.json")]
        .iter()
        .map(|(kind, extension)| format!("<a href=\"figures/{name}.{extension}\">{kind}</a>"))
        .collect();
    let link = |kind: &str, extension: &str, media: &str, bytes: &[u8]| {
        format!("<a download=\"{name}.{extension}\" href=\"data:{media};base64,{}\">{kind}</a>", base64(bytes))
    };
    let mut carried = vec![link("CSV", "csv", "text/csv", csv(figure).as_bytes())];
    if svg.len() <= MAX_LINKED_SVG {
        carried.insert(0, link("SVG", "svg", "image/svg+xml", svg.as_bytes()));
    }
    format!(
        "<figure id=\"{name}\">\n<h3>{title}</h3>\n<div class=\"card {width}\">{svg}</div>\n<figcaption>{caption}</figcaption>\n\
         <p class=\"files\">Beside this page: {}. Inside of it: {}.</p>\n</figure>\n",
        files.join(", "),
        carried.join(", ")
    )
}

#[cfg(test)]
mod tests;
