#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

/// A folder `run` with pages, beside a file that is nobody's business.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    fs::create_dir_all(run.join("explorer/data")).unwrap();
    fs::create_dir_all(run.join("artifacts")).unwrap();
    for (name, text) in [
        ("run/explorer/index.html", "<p>explorer"),
        ("run/explorer/data/table-0-0.js", "homolog.add()"),
        ("run/explorer/.hidden", "hidden"),
        ("run/report.html", "<p>report"),
        ("run/manifest.json", "manifest"),
        ("run/artifacts/a.parquet", "artifact"),
        ("secret.txt", "secret"),
    ] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// What each request is answered with, whole.
fn ask(run: &Path, requests: &[&dyn Fn(u16) -> String]) -> Vec<String> {
    let server = Server::bind(run, 0).unwrap();
    let port = server.address.port();
    assert_eq!(server.url(), format!("http://127.0.0.1:{port}/"));
    let is_stopped = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| server.run(&|| is_stopped.load(Ordering::Relaxed)).unwrap());
        let answer = |request: &&dyn Fn(u16) -> String| {
            let mut stream = TcpStream::connect(server.address).unwrap();
            stream.write_all(request(port).as_bytes()).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer
        };
        let answers = requests.iter().map(answer).collect();
        is_stopped.store(true, Ordering::Relaxed);
        answers
    })
}

fn get(run: &Path, path: &str) -> String {
    ask(run, &[&|port| format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n")]).remove(0)
}

#[test]
fn pages_and_their_data_are_served() {
    let folder = folder();
    let run = folder.path().join("run");
    let page = get(&run, "/explorer/index.html?x=1");
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n") && page.ends_with("\r\n\r\n<p>explorer"), "{page}");
    assert!(page.contains("Content-Type: text/html; charset=utf-8\r\n") && page.contains("Content-Length: 11\r\n"));
    assert!(get(&run, "/explorer/data/table%2d0-0.js").contains("text/javascript"));
    assert!(get(&run, "/report.html").ends_with("<p>report"));
    assert!(get(&run, "/").contains("302 Found\r\nLocation: /explorer/index.html\r\n"));
    fs::remove_file(run.join("explorer/index.html")).unwrap();
    assert!(get(&run, "/").contains("Location: /report.html\r\n"));
}

#[test]
fn no_path_leads_out_or_to_what_is_not_shown() {
    let folder = folder();
    let run = folder.path().join("run");
    #[cfg(unix)]
    std::os::unix::fs::symlink(folder.path().join("secret.txt"), run.join("explorer/link.js")).unwrap();
    let absolute = format!("/{}", folder.path().join("secret.txt").display());
    for path in [
        "/../secret.txt",
        "/explorer/../../secret.txt",
        "/explorer/..%2f..%2fsecret.txt",
        "/explorer/%2e%2e/%2e%2e/secret.txt",
        "/explorer/..\\..\\secret.txt",
        "/explorer/link.js",
        "/explorer//index.html",
        "/explorer/.hidden",
        "/explorer/./index.html",
        "/explorer/data",
        "/explorer/index.html%00",
        "/explorer/%ff",
        "/explorer/%2",
        "/manifest.json",
        "/artifacts/a.parquet",
        "/secret.txt",
        absolute.as_str(),
    ] {
        let answer = get(&run, path);
        assert!(answer.starts_with("HTTP/1.1 404 Not Found\r\n"), "{path}: {answer}");
        assert!(!answer.contains("secret\n") && !answer.contains("artifact"), "{path}");
    }
}

#[test]
fn other_hosts_methods_and_protocols_are_refused() {
    let folder = folder();
    let answers = ask(
        &folder.path().join("run"),
        &[
            &|port| format!("GET /report.html HTTP/1.1\r\nHost: evil.example:{port}\r\n\r\n"),
            &|_| "GET /report.html HTTP/1.1\r\n\r\n".to_owned(),
            &|port| format!("POST /report.html HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n"),
            &|port| format!("GET report.html HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n"),
            &|_| "\r\n\r\n".to_owned(),
            &|port| format!("HEAD /report.html HTTP/1.1\r\nhost: localhost:{port}\r\n\r\n"),
        ],
    );
    let statuses: Vec<&str> = answers.iter().map(|answer| &answer[9..12]).collect();
    assert_eq!(statuses, ["403", "403", "405", "400", "400", "200"]);
    assert!(answers[5].ends_with("\r\n\r\n"), "HEAD sends no file");
}

#[test]
fn a_tunnel_may_begin_at_any_port_and_no_other_name_is_this_machine() {
    let folder = folder();
    let hosts =
        ["127.0.0.1:9", "localhost:54321", "LOCALHOST", "127.0.0.1.evil.example:9", "localhost:", "localhost:9@evil"];
    let requests: Vec<_> =
        hosts.iter().map(|host| move |_| format!("GET /report.html HTTP/1.1\r\nHost: {host}\r\n\r\n")).collect();
    let requests: Vec<&dyn Fn(u16) -> String> = requests.iter().map(|request| request as _).collect();
    let answers = ask(&folder.path().join("run"), &requests);
    let statuses: Vec<&str> = answers.iter().map(|answer| &answer[9..12]).collect();
    assert_eq!(statuses, ["200", "200", "200", "403", "403", "403"]);
    assert!(answers[3].contains("\r\n\r\n403 Forbidden: the pages are at http://127.0.0.1"), "{}", answers[3]);
}

#[test]
fn no_other_site_may_load_the_data_as_scripts() {
    let folder = folder();
    let sites = ["none", "same-origin", "same-site", "cross-site"];
    let get = |port: u16, site: &str| {
        format!("GET /explorer/data/table-0-0.js HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nSec-Fetch-Site: {site}\r\n\r\n")
    };
    let requests: Vec<_> = sites.iter().map(|site| move |port| get(port, site)).collect();
    let requests: Vec<&dyn Fn(u16) -> String> = requests.iter().map(|request| request as _).collect();
    let answers = ask(&folder.path().join("run"), &requests);
    let statuses: Vec<&str> = answers.iter().map(|answer| &answer[9..12]).collect();
    assert_eq!(statuses, ["200", "200", "403", "403"]);
    // For browsers that do not say who asks.
    assert!(answers[0].contains("\r\nCross-Origin-Resource-Policy: same-origin\r\n"), "{}", answers[0]);
    assert!(!answers[3].contains("homolog.add"), "{}", answers[3]);
}

#[test]
fn a_folder_without_pages_and_a_port_that_is_taken_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let message = Server::bind(folder.path(), 0).unwrap_err().to_string();
    assert!(message.contains("homolog report"), "{message}");
    fs::write(folder.path().join("report.html"), "x").unwrap();
    let first = Server::bind(folder.path(), 0).unwrap();
    let message = Server::bind(folder.path(), first.address.port()).unwrap_err().to_string();
    assert!(message.contains("--port"), "{message}");
}
