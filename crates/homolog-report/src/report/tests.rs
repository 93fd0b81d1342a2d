#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;

use super::*;
use crate::figure::{Channel, Color, Column, Data, Format, Mark, Scale, ScaleKind, Shape, Values};
use crate::test_run::{self, Options};
use crate::{Theme, svg};

fn figure() -> Figure {
    let column = |name: &str, values: &[f64]| Column {
        name: name.to_owned(),
        values: Values::Numbers(values.iter().copied().map(Some).collect()),
    };
    let scale = |title: &str| Scale {
        title: title.to_owned(),
        kind: ScaleKind::Linear { domain: None, has_zero: true, format: Format::Plain },
    };
    Figure {
        name: "fig01-emergence".to_owned(),
        title: "Shares </script><script>alert(1)</script>".to_owned(),
        caption: "n = 3 & more".to_owned(),
        width: Width::Column,
        aspect: 0.6,
        data: Data { columns: vec![column("step", &[0.0, 10.0]), column("share", &[0.25, 0.5])] },
        marks: vec![Mark {
            shape: Shape::Point,
            x: Some(Channel::Field("step".to_owned())),
            x2: None,
            y: Some(Channel::Field("share".to_owned())),
            y2: None,
            color: Color::Category(0),
            style: None,
            text: None,
            only: None,
        }],
        x: scale("step"),
        y: scale("share"),
        color: None,
        facet: None,
    }
}

fn report(options: &Options, figures: &[Figure]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let run = test_run::open(folder.path(), options);
    let drawn: Vec<(Figure, String)> =
        figures.iter().map(|figure| (figure.clone(), svg(figure, &Theme::default()).unwrap())).collect();
    let path = folder.path().join("report.html");
    let written = write_report(&run, &drawn, &path).unwrap();
    let html = fs::read_to_string(&path).unwrap();
    assert_eq!(written.n_bytes, html.len() as u64);
    html
}

#[test]
fn is_one_file_with_figures_findings_and_neurons() {
    let html = report(&Options::default(), &[figure()]);
    for part in [
        "<figure id=\"fig01-emergence\">",
        "href=\"figures/fig01-emergence.pdf\"",
        "download=\"fig01-emergence.csv\" href=\"data:text/csv;base64,",
        "download=\"fig01-emergence.svg\" href=\"data:image/svg+xml;base64,",
        "<h3>Emergence</h3>",
        "data-bundle=\"index\"",
        "data-bundle=\"table-2-2\"",
        "<h2 ", // none: headings have no attributes
    ] {
        assert_eq!(html.contains(part), part != "<h2 ", "{part}");
    }
    let csv = base64(b"step,share\n0,0.25\n10,0.5\n");
    assert!(html.contains(&csv), "the figure's data are in the page");
}

#[test]
fn nothing_hostile_gets_out_of_its_place() {
    let html = report(&Options::default(), &[figure()]);
    let lower = html.to_ascii_lowercase();
    assert_eq!(lower.matches("<script").count(), lower.matches("</script").count());
    let wanted = html.matches("<script type=\"application/gzip\"").count() + 2;
    assert_eq!(html.matches("<script").count(), wanted, "bundles, the explorer, and its call");
    assert!(!html.contains("alert(1)</script>") && !html.contains("<b>&\"'"));
    assert!(html.contains("<h1>planted &lt;/script&gt;</h1>"));
    assert!(html.contains("The run notes: a note with &lt;b&gt;."));
}

#[test]
fn tables_of_certainty_have_what_the_run_has() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = test_run::open(folder.path(), &Options::default());
    let found = tables::html(&run);
    for words in ["95 % interval over 64 blocks of rows", "mean excess, cross-fitted", "of all, and universal"] {
        assert!(found.contains(words), "{words}: {found}");
    }
    for words in [
        "95 % interval over models and tokens",
        "<td>share_rise</td>",
        "1.050 or more, open above",
        "interval undefined",
        "together over sum",
        "<td>log_write_norm</td>",
    ] {
        assert!(found.contains(words), "{words}: {found}");
    }
    // Two sets of three models, one of them universal.
    assert!(found.contains("<td>step 200</td><td class=\"n\">2</td><td class=\"n\">1</td>"), "{found}");
    run.without_evidence();
    run.without_impact();
    run.cliques.clear();
    let found = tables::html(&run);
    assert!(!found.contains("interval") && !found.contains("all round"), "{found}");
}

#[test]
fn nothing_is_fetched() {
    let html = report(&Options::default(), &[figure()]);
    let xmlns = "http://www.w3.org/2000/svg";
    let rest = html.replace(xmlns, "");
    for address in ["src=\"http", "href=\"http", "url(http", "@import", "<link"] {
        assert!(!rest.contains(address), "{address}");
    }
}

#[test]
fn a_run_with_little_in_it_has_a_report_too() {
    let options = Options { steps: vec![None], has_windows: false, has_vocabulary: false, ..Options::default() };
    let html = report(&options, &[]);
    assert!(!html.contains("id=\"figures\"") && !html.contains("href=\"#figures\""));
    assert!(!html.contains("<h3>Persistence</h3>") && !html.contains("<h3>Ablation</h3>"));
    assert!(html.contains("the only checkpoint"));
}

#[test]
fn equal_runs_give_equal_bytes() {
    assert!(report(&Options::default(), &[figure()]) == report(&Options::default(), &[figure()]));
}

#[test]
fn a_report_is_current_while_its_tables_are() {
    let folder = tempfile::tempdir().unwrap();
    let run = test_run::open(folder.path(), &Options::default());
    assert!(!is_report_current(folder.path()).unwrap(), "there is none");
    write_report(&run, &[], &folder.path().join(REPORT_FILE)).unwrap();
    assert!(!is_report_current(folder.path()).unwrap(), "the explorer is missing");
    crate::write_explorer(&run, &folder.path().join("explorer"), &|_, _| true).unwrap();
    assert!(is_report_current(folder.path()).unwrap());
    forget_report(folder.path()).unwrap();
    assert!(!is_report_current(folder.path()).unwrap());
    write_report(&run, &[], &folder.path().join(REPORT_FILE)).unwrap();
    let mut manifest = run.manifest.clone();
    let record =
        homolog_results::FileRecord { path: "tensors/other".into(), n_bytes: 1, hash: "of another file".into() };
    manifest.tensors.push(record);
    manifest.write(folder.path()).unwrap();
    assert!(!is_report_current(folder.path()).unwrap());
}

/// The browser's tests (`explorer/tests/written.test.js`) set `HOMOLOG_PAGES` and open what this leaves there: that what Rust writes is what
/// the scripts read is seen nowhere else.
#[test]
fn pages_are_written_for_a_browser_to_open() {
    let temporary = tempfile::tempdir().unwrap();
    let folder =
        std::env::var_os("HOMOLOG_PAGES").map_or_else(|| temporary.path().to_owned(), std::path::PathBuf::from);
    fs::create_dir_all(&folder).unwrap();
    let run = test_run::open(&folder, &Options::default());
    let figures = crate::figures(&run).into_iter().map(|figure| {
        let svg = svg(&figure, &Theme::default()).unwrap();
        (figure, svg)
    });
    crate::write_explorer(&run, &folder.join("explorer"), &|_, _| true).unwrap();
    write_report(&run, &figures.collect::<Vec<_>>(), &folder.join(REPORT_FILE)).unwrap();
    assert!(is_report_current(&folder).unwrap() && folder.join("explorer/index.html").is_file());
}
