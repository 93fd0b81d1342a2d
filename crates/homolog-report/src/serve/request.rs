//! A request of a browser, as far as it is listened to.

use std::io::{self, Read};

/// Longest head that is read.
const MAX_BYTES: usize = 16 * 1024;

const WRONG_HOST: &str =
    "the pages are at http://127.0.0.1 and http://localhost only, whatever the port; a tunnel must end there";
const OTHER_SITE: &str = "another site asked for this; type the address, or paste it, into a new tab";

/// Why a request is not answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refusal {
    /// Such as `403 Forbidden`.
    pub(super) status: &'static str,
    /// What the person at the browser may do; empty where the status says all.
    pub(super) why: &'static str,
}

impl Refusal {
    /// A status that says all.
    pub(super) fn plain(status: &'static str) -> Self {
        Self { status, why: "" }
    }
}

/// What is asked for.
pub(super) struct Request {
    /// Without what follows a `?`.
    pub(super) path: String,
    /// Whether the file itself is wanted, not only what would be said of it.
    pub(super) has_body: bool,
}

impl Request {
    /// Reads the head of a request; what follows it is not looked at.
    ///
    /// The host must be `127.0.0.1` or `localhost`: a name that some page had resolved to 127.0.0.1 would let it read what is here. Its
    /// port may be any, since a tunnel may begin at another. And a browser that says so (`Sec-Fetch-Site`) asks for no other site's
    /// page: the data are scripts, which any page may otherwise load.
    pub(super) fn read(stream: &mut impl Read) -> io::Result<Result<Self, Refusal>> {
        let mut head = Vec::new();
        let mut part = [0; 1024];
        while !head.windows(4).any(|end| end == b"\r\n\r\n") {
            if head.len() > MAX_BYTES {
                return Ok(Err(Refusal::plain("431 Request Header Fields Too Large")));
            }
            match stream.read(&mut part)? {
                0 => return Ok(Err(Refusal::plain("400 Bad Request"))),
                n => head.extend_from_slice(&part[..n]),
            }
        }
        Ok(Self::parse(&String::from_utf8_lossy(&head)))
    }

    fn parse(head: &str) -> Result<Self, Refusal> {
        let mut lines = head.split("\r\n");
        let mut words = lines.next().unwrap_or_default().split(' ');
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        if !words.next().is_some_and(|version| version.starts_with("HTTP/1.")) || !target.starts_with('/') {
            return Err(Refusal::plain("400 Bad Request"));
        }
        let fields = lines.take_while(|line| !line.is_empty()).filter_map(|line| line.split_once(':'));
        let fields: Vec<(&str, &str)> = fields.map(|(name, value)| (name, value.trim())).collect();
        let field =
            |wanted: &str| fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|field| field.1);
        if !field("host").is_some_and(is_own) {
            return Err(Refusal { status: "403 Forbidden", why: WRONG_HOST });
        }
        if field("sec-fetch-site").is_some_and(|site| !["none", "same-origin"].contains(&site)) {
            return Err(Refusal { status: "403 Forbidden", why: OTHER_SITE });
        }
        let has_body = match method {
            "GET" => true,
            "HEAD" => false,
            _ => return Err(Refusal::plain("405 Method Not Allowed")),
        };
        let path = target.split(['?', '#']).next().unwrap_or_default().to_owned();
        Ok(Self { path, has_body })
    }
}

/// Whether a host is this machine by a name that nobody else can give it.
fn is_own(host: &str) -> bool {
    let (name, port) = host.split_once(':').unwrap_or((host, "80"));
    let is_port = !port.is_empty() && port.bytes().all(|digit| digit.is_ascii_digit());
    is_port && (name == "127.0.0.1" || name.eq_ignore_ascii_case("localhost"))
}
