//! A run's pages over loopback, for browsers that open no files: read-only, on 127.0.0.1 alone.
//!
//! As little of HTTP as that takes (GET and HEAD of files, one request a connection), so the standard library is enough: the small server
//! crate that would do, tiny_http, had its last release in 2022.

mod path;
mod request;

use std::fs::File;
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::Error;
use path::Found;
use request::{Refusal, Request};

/// How long a browser may take to send its request or to take a part of the answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long the server waits before it looks again whether it is to stop.
const PAUSE: Duration = Duration::from_millis(50);

/// A server that listens, and does not answer yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    /// The run folder, without symbolic links.
    root: PathBuf,
}

impl Server {
    /// Listens on 127.0.0.1 for the pages of the run in `folder`; port 0 is any that is free.
    ///
    /// Errors: the run has neither explorer nor report; the port is taken.
    pub fn bind(folder: &Path, port: u16) -> Result<Self, Error> {
        let root = folder.canonicalize().map_err(Error::read(folder))?;
        if !path::PAGES.iter().any(|page| root.join(page).is_file()) {
            let (folder, remedy) = (folder.to_owned(), "make them with `homolog report`");
            return Err(Error::NotInRun { folder, what: "explorer and no report", remedy });
        }
        let listen = || {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
            listener.set_nonblocking(true)?;
            let address = listener.local_addr()?;
            Ok((listener, address))
        };
        let (listener, address) = listen().map_err(|source| Error::Listen { port, source })?;
        Ok(Self { listener, address, root })
    }

    /// Where a browser finds the pages.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Answers until `is_stopped` says so, asked twenty times a second.
    ///
    /// A connection that breaks concerns nobody else. Errors: the system takes the port away.
    pub fn run(&self, is_stopped: &dyn Fn() -> bool) -> Result<(), Error> {
        let root: Arc<Path> = Arc::from(self.root.as_path());
        while !is_stopped() {
            match self.listener.accept() {
                Ok((stream, _)) => {
                    let root = Arc::clone(&root);
                    thread::spawn(move || {
                        // The browser went away: there is nobody to tell.
                        let _ = answer(stream, &root);
                    });
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(PAUSE),
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(source) => return Err(Error::Listen { port: self.address.port(), source }),
            }
        }
        Ok(())
    }
}

fn answer(mut stream: TcpStream, root: &Path) -> io::Result<()> {
    // Some systems hand on the listener's mode.
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let request = match Request::read(&mut stream)? {
        Ok(request) => request,
        Err(refusal) => return refuse(&mut stream, refusal),
    };
    match path::find(root, &request.path) {
        Found::File(path) => send(&mut stream, &path, request.has_body),
        Found::Elsewhere(page) => {
            let head =
                format!("HTTP/1.1 302 Found\r\nLocation: /{page}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            stream.write_all(head.as_bytes())
        }
        Found::Nothing => refuse(&mut stream, Refusal::plain("404 Not Found")),
    }
}

fn send(stream: &mut TcpStream, path: &Path, has_body: bool) -> io::Result<()> {
    let Ok(mut file) = File::open(path) else { return refuse(stream, Refusal::plain("404 Not Found")) };
    let (n_bytes, media) = (file.metadata()?.len(), path::media_type(path));
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {media}\r\nContent-Length: {n_bytes}\r\nCache-Control: no-store\r\n\
         X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n\
         Cross-Origin-Resource-Policy: same-origin\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    if has_body {
        io::copy(&mut file, stream)?;
    }
    Ok(())
}

fn refuse(stream: &mut TcpStream, Refusal { status, why }: Refusal) -> io::Result<()> {
    let text = if why.is_empty() { format!("{status}\n") } else { format!("{status}: {why}\n") };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
        text.len()
    );
    stream.write_all(head.as_bytes())
}

#[cfg(test)]
mod tests;
