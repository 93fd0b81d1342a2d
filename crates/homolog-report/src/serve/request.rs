//! A request of a browser, as far as it is listened to.

use std::io::{self, Read};

/// Longest head that is read.
const MAX_BYTES: usize = 16 * 1024;

/// What is asked for.
pub(super) struct Request {
    /// Without what follows a `?`.
    pub(super) path: String,
    /// Whether the file itself is wanted, not only what would be said of it.
    pub(super) has_body: bool,
}

impl Request {
    /// Reads the head of a request; what follows it is not looked at. `Err` is the status of a request that is not answered.
    ///
    /// The host must be this server's own: a name that some page had resolved to 127.0.0.1 would let it read what is here.
    pub(super) fn read(stream: &mut impl Read, port: u16) -> io::Result<Result<Self, &'static str>> {
        let mut head = Vec::new();
        let mut part = [0; 1024];
        while !head.windows(4).any(|end| end == b"\r\n\r\n") {
            if head.len() > MAX_BYTES {
                return Ok(Err("431 Request Header Fields Too Large"));
            }
            match stream.read(&mut part)? {
                0 => return Ok(Err("400 Bad Request")),
                n => head.extend_from_slice(&part[..n]),
            }
        }
        Ok(Self::parse(&String::from_utf8_lossy(&head), port))
    }

    fn parse(head: &str, port: u16) -> Result<Self, &'static str> {
        let mut lines = head.split("\r\n");
        let mut words = lines.next().unwrap_or_default().split(' ');
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        if !words.next().is_some_and(|version| version.starts_with("HTTP/1.")) || !target.starts_with('/') {
            return Err("400 Bad Request");
        }
        let host = lines.take_while(|line| !line.is_empty()).find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("host").then(|| value.trim())
        });
        if host != Some(&format!("127.0.0.1:{port}")) && host != Some(&format!("localhost:{port}")) {
            return Err("403 Forbidden");
        }
        let has_body = match method {
            "GET" => true,
            "HEAD" => false,
            _ => return Err("405 Method Not Allowed"),
        };
        let path = target.split(['?', '#']).next().unwrap_or_default().to_owned();
        Ok(Self { path, has_body })
    }
}
