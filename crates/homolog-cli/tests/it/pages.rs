//! What a run is shown with: figures, report, explorer, exports, and the server of them.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use crate::{homolog, planted};

#[test]
fn a_run_ends_with_pages_that_are_of_its_tables() {
    let folder = planted();
    let at = |file: &str| folder.path().join("runs/twins").join(file);
    let done = homolog(folder.path(), &["run", "study.toml", "-q"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(done.stdout.contains("Report: runs/twins/report.html"), "{}", done.stdout);
    for file in ["report.html", "explorer/index.html", "figures/index.json", "figures/fig01-emergence-a.pdf"] {
        assert!(at(file).is_file(), "{file}");
    }
    let report = fs::read(at("report.html")).unwrap();

    // What is gone comes back, to the same bytes; nothing is computed for it.
    fs::remove_file(at("explorer/index.html")).unwrap();
    let again = homolog(folder.path(), &["run", "study.toml", "-q"]);
    assert!(again.stdout.contains("nothing to do") && again.stdout.contains("Report: "), "{}", again.stdout);
    assert!(at("explorer/index.html").is_file());
    assert!(fs::read(at("report.html")).unwrap() == report);

    // Other settings: no page of the earlier tables stays beside the new ones.
    let other = ["run", "study.toml", "-q", "--no-report", "--set", "universality.threshold=0.4"];
    assert_eq!(homolog(folder.path(), &other).code, Some(0));
    assert!(
        at("tables/neurons.parquet").is_file() && !at("report.html").exists() && !at("explorer/index.html").exists()
    );
    assert_eq!(homolog(folder.path(), &["report", "runs/twins", "-q"]).code, Some(0));
    assert!(fs::read_to_string(at("report.html")).unwrap().contains("excess &gt; 0.4"));
}

#[test]
fn figures_are_drawn_again_some_or_in_another_theme() {
    let folder = planted();
    assert_eq!(homolog(folder.path(), &["run", "study.toml", "-q", "--no-report"]).code, Some(0));
    let figures = folder.path().join("runs/twins/figures");
    assert!(!figures.exists());
    let one = homolog(folder.path(), &["figures", "runs/twins", "--only", "fig01-emergence-a"]);
    assert_eq!(
        (one.code, one.stdout.as_str()),
        (Some(0), "1 figures (5 files) in runs/twins/figures\n"),
        "{}",
        one.stderr
    );
    let plain = fs::read_to_string(figures.join("fig01-emergence-a.svg")).unwrap();
    fs::write(folder.path().join("theme.toml"), "label_size = 9.5\n").unwrap();
    let themed = ["figures", "runs/twins", "--only", "fig01", "--theme", "theme.toml"];
    let done = homolog(folder.path(), &themed);
    assert!(done.stdout.starts_with("3 figures (15 files)"), "{}", done.stdout);
    assert_ne!(fs::read_to_string(figures.join("fig01-emergence-a.svg")).unwrap(), plain);

    let none = homolog(folder.path(), &["figures", "runs/twins", "--only", "fig1"]);
    assert_eq!(none.code, Some(1));
    assert!(
        none.stderr.contains("no figure `fig1`") && none.stderr.contains("fig01-emergence-mean"),
        "{}",
        none.stderr
    );
    fs::write(folder.path().join("theme.toml"), "lable_size = 9.5\n").unwrap();
    let wrong = homolog(folder.path(), &themed);
    assert_eq!(wrong.code, Some(1));
    assert!(wrong.stderr.contains("theme.toml") && wrong.stderr.contains("label_size"), "{}", wrong.stderr);
    let missing = homolog(folder.path(), &["figures", "nowhere"]);
    assert_eq!(missing.code, Some(1));
    assert!(missing.stderr.contains("nowhere"), "{}", missing.stderr);
}

#[test]
fn a_run_is_exported_and_served_to_this_machine() {
    let folder = planted();
    assert_eq!(homolog(folder.path(), &["run", "study.toml", "-q"]).code, Some(0));
    for (format, file) in
        [("csv", "neurons.csv"), ("csv", "damage.csv"), ("gurnee", "0-a.csv"), ("neuronpedia", "0-a.jsonl")]
    {
        let done = homolog(folder.path(), &["export", "runs/twins", "--to", format, "-q"]);
        assert_eq!(done.code, Some(0), "{}", done.stderr);
        let path = folder.path().join("runs/twins/export").join(format).join(file);
        assert!(path.is_file(), "{}", path.display());
    }
    let mut server = Command::new(env!("CARGO_BIN_EXE_homolog"))
        .args(["serve", "runs/twins"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let address = line.strip_prefix("http://").and_then(|line| line.split('/').next()).unwrap().to_owned();
    let page = get(&address, "/report.html");
    let refused = get(&address, "/../study.toml");
    let sent = Command::new("kill").args(["-INT", &server.id().to_string()]).status().unwrap();
    let code = server.wait().unwrap().code();
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("</html>"), "{}", &page[..page.len().min(200)]);
    assert!(!refused.starts_with("HTTP/1.1 200"), "{refused}");
    assert!(sent.success() && code == Some(0), "{code:?}");
}

fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
