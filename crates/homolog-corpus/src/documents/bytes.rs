//! The decompressed bytes of one file, with a limit.

use std::cell::Cell;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use flate2::read::MultiGzDecoder;

use super::most_text;
use crate::Error;
use crate::files::Compression;
use crate::progress::Progress;

const BUFFER_BYTES: usize = 256 * 1024;

/// A file's bytes up to a delimiter at a time.
pub(crate) struct Bytes<'a> {
    path: PathBuf,
    reader: BufReader<Limited<'a>>,
    n_bytes_read: Rc<Cell<u64>>,
    compression: Compression,
    limit: u64,
    /// Of the decompressed file.
    offset: u64,
}

impl<'a> Bytes<'a> {
    pub(crate) fn open(path: &Path, compression: Compression, progress: &'a Progress<'a>) -> Result<Self, Error> {
        let unreadable = |source| Error::Unreadable { path: path.to_path_buf(), source };
        let file = File::open(path).map_err(unreadable)?;
        let n_bytes = file.metadata().map_err(unreadable)?.len();
        if n_bytes == 0 && compression != Compression::None {
            // The decoders take nothing for the end of nothing, but no compressor writes a file without bytes.
            return Err(Error::BadCompression { path: path.to_path_buf(), message: "the file is empty".into() });
        }
        let n_bytes_read = Rc::new(Cell::new(0));
        let counting = Counting { file, n_bytes_read: Rc::clone(&n_bytes_read), progress };
        let (inner, limit): (Box<dyn Read + 'a>, u64) = match compression {
            Compression::None => (Box::new(counting), u64::MAX),
            Compression::Gzip => {
                let counting = BufReader::with_capacity(BUFFER_BYTES, counting);
                (Box::new(MultiGzDecoder::new(counting)), most_text(n_bytes))
            }
            Compression::Zstd => {
                (Box::new(zstd::stream::read::Decoder::new(counting).map_err(unreadable)?), most_text(n_bytes))
            }
        };
        let reader = BufReader::with_capacity(BUFFER_BYTES, Limited { inner, left: limit });
        Ok(Self { path: path.to_path_buf(), reader, n_bytes_read, compression, limit, offset: 0 })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Of the file as it lies on the disk.
    pub(crate) fn n_bytes_read(&self) -> u64 {
        self.n_bytes_read.get()
    }

    /// The bytes before the next `delimiter`, which is passed over, or before the end of the file.
    ///
    /// None where nothing is left.
    pub(crate) fn up_to(&mut self, delimiter: &[u8]) -> Result<Option<Chunk>, Error> {
        let last = *delimiter.last().expect("a delimiter has a byte");
        let offset = self.offset;
        let mut bytes = Vec::new();
        loop {
            let n_bytes = self.reader.read_until(last, &mut bytes).map_err(|error| self.error(error))?;
            self.offset += n_bytes as u64;
            if bytes.ends_with(delimiter) {
                bytes.truncate(bytes.len() - delimiter.len());
                return Ok(Some(Chunk { bytes, offset }));
            }
            if n_bytes == 0 {
                return Ok((!bytes.is_empty()).then_some(Chunk { bytes, offset }));
            }
        }
    }

    fn error(&self, error: io::Error) -> Error {
        let path = self.path.clone();
        match error.get_ref().and_then(|inner| inner.downcast_ref::<Halt>()) {
            Some(Halt::Interrupted) => return Error::Interrupted,
            Some(Halt::TooLarge) => return Error::TooLarge { path, limit: self.limit },
            None => {}
        }
        // An error with a number is the system's; the decoders make theirs without.
        if self.compression == Compression::None || error.raw_os_error().is_some() {
            Error::Unreadable { path, source: error }
        } else {
            Error::BadCompression { path, message: error.to_string() }
        }
    }
}

/// Bytes between two delimiters, and the offset of the first in the decompressed file.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub(crate) bytes: Vec<u8>,
    pub(crate) offset: u64,
}

/// Why a reader of ours stopped, carried through `io::Error`.
#[derive(Debug)]
enum Halt {
    Interrupted,
    TooLarge,
}

impl fmt::Display for Halt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Interrupted => "interrupted",
            Self::TooLarge => "too large",
        })
    }
}

impl std::error::Error for Halt {}

/// Counts the file's bytes, and asks before each read whether to go on: one document may be the whole of a large file.
struct Counting<'a> {
    file: File,
    n_bytes_read: Rc<Cell<u64>>,
    progress: &'a Progress<'a>,
}

impl Read for Counting<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !(self.progress)(0) {
            return Err(io::Error::other(Halt::Interrupted));
        }
        let n_bytes = self.file.read(buffer)?;
        self.n_bytes_read.set(self.n_bytes_read.get() + n_bytes as u64);
        Ok(n_bytes)
    }
}

/// Fails once more than the limit has been read.
struct Limited<'a> {
    inner: Box<dyn Read + 'a>,
    left: u64,
}

impl Read for Limited<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n_bytes = self.inner.read(buffer)?;
        self.left = self.left.checked_sub(n_bytes as u64).ok_or_else(|| io::Error::other(Halt::TooLarge))?;
        Ok(n_bytes)
    }
}
