//! Documents of a `.txt` file.

use super::bytes::{Bytes, Chunk};
use crate::Error;
use crate::tokenizer::END_OF_TEXT;

/// The file is one document, or what `<|endoftext|>` ends in it: behind the last one nothing more is no document.
pub(crate) struct Text<'a> {
    bytes: Bytes<'a>,
    has_begun: bool,
}

impl<'a> Text<'a> {
    pub(crate) fn new(bytes: Bytes<'a>) -> Self {
        Self { bytes, has_begun: false }
    }

    pub(crate) fn next(&mut self) -> Result<Option<String>, Error> {
        let chunk = self.bytes.up_to(END_OF_TEXT.as_bytes())?;
        let is_first = !std::mem::replace(&mut self.has_begun, true);
        let Some(Chunk { bytes, offset }) = chunk else {
            // An empty file is an empty document.
            return Ok(is_first.then(String::new));
        };
        let text = String::from_utf8(bytes).map_err(|error| {
            let offset = offset + error.utf8_error().valid_up_to() as u64;
            Error::NotUtf8 { path: self.bytes.path().to_path_buf(), line: None, offset }
        })?;
        Ok(Some(text))
    }

    pub(crate) fn n_bytes_read(&self) -> u64 {
        self.bytes.n_bytes_read()
    }
}
