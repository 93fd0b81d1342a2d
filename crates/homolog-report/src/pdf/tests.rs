#![expect(clippy::unwrap_used, reason = "tests")]

use std::process::Command;

use crate::svg::tests::gallery::gallery;
use crate::theme::Theme;

#[test]
fn one_page_with_its_font_and_without_a_date() {
    let figure = gallery().swap_remove(0);
    let svg = crate::svg(&figure, &Theme::default()).unwrap();
    let tree = crate::png::tree(&figure.name, &svg).unwrap();
    let pdf = super::pdf(&figure.name, &figure.title, &tree).unwrap();
    assert_eq!(pdf, super::pdf(&figure.name, &figure.title, &tree).unwrap());
    assert!(pdf.starts_with(b"%PDF"));
    let text = String::from_utf8_lossy(&pdf);
    assert!(text.contains("/FontFile") && text.contains("DejaVuSans"));
    assert!(!text.contains("/CreationDate") && !text.contains("/ModDate"));
}

#[test]
fn another_program_renders_it() {
    if Command::new("pdftoppm").arg("-v").output().is_err() {
        eprintln!("SKIPPED: pdftoppm is missing; install poppler-utils");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let figure = gallery().swap_remove(0);
    let paths = crate::files::write(&figure, &Theme::default(), folder.path()).unwrap();
    let pdf = paths.iter().find(|path| path.extension().is_some_and(|extension| extension == "pdf")).unwrap();
    let page = folder.path().join("page");
    let run = Command::new("pdftoppm").args(["-r", "50", "-gray"]).arg(pdf).arg(&page).output().unwrap();
    assert!(run.status.success() && run.stderr.is_empty(), "{}", String::from_utf8_lossy(&run.stderr));
    let gray = std::fs::read(folder.path().join("page-1.pgm")).unwrap();
    assert!(gray.starts_with(b"P5\n338 "), "{}", String::from_utf8_lossy(&gray[..20]));
    assert!(gray[20..].iter().any(|&byte| byte < 100), "the page is empty");
    let text = Command::new("pdftotext").arg(pdf).arg("-").output().unwrap();
    assert!(String::from_utf8_lossy(&text.stdout).contains("Training step"), "text is not text");
}
