//! Documents of a `.jsonl` file.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::bytes::{Bytes, Chunk};
use crate::Error;

/// Each line is a JSON object with the text under one key.
pub(crate) struct Lines<'a> {
    bytes: Bytes<'a>,
    field: String,
    line: u64,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(bytes: Bytes<'a>, field: &str) -> Self {
        Self { bytes, field: field.to_string(), line: 0 }
    }

    pub(crate) fn next(&mut self) -> Result<Option<String>, Error> {
        let Some(Chunk { bytes, offset }) = self.bytes.up_to(b"\n")? else { return Ok(None) };
        self.line += 1;
        let (path, line) = (self.bytes.path(), self.line);
        let json = str::from_utf8(&bytes).map_err(|error| Error::NotUtf8 {
            path: path.to_path_buf(),
            line: Some(line),
            offset: offset + error.valid_up_to() as u64,
        })?;
        if json.trim_ascii().is_empty() {
            return Err(Error::BlankLine { path: path.to_path_buf(), line });
        }
        let mut deserializer = serde_json::Deserializer::from_str(json);
        let text = Field(&self.field).deserialize(&mut deserializer);
        let text = text.and_then(|text| deserializer.end().map(|()| text));
        text.map(Some).map_err(|error| Error::BadLine {
            path: path.to_path_buf(),
            line,
            field: self.field.clone(),
            message: in_line(&error),
        })
    }

    pub(crate) fn n_bytes_read(&self) -> u64 {
        self.bytes.n_bytes_read()
    }
}

/// The complaint with its column. The reader has seen one line only, so that its line number misleads.
fn in_line(error: &serde_json::Error) -> String {
    let message = error.to_string();
    match message.rsplit_once(" at line ") {
        Some((cause, _)) => format!("{cause} at column {}", error.column()),
        None => message,
    }
}

/// Takes one string out of an object and builds nothing of the rest, however large that is.
struct Field<'a>(&'a str);

impl<'de> DeserializeSeed<'de> for Field<'_> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Field<'_> {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<String, A::Error> {
        let mut text = None;
        while let Some(key) = map.next_key::<String>()? {
            if key != self.0 {
                map.next_value::<IgnoredAny>()?;
            } else if text.replace(map.next_value::<String>()?).is_some() {
                return Err(serde::de::Error::custom(format_args!("the key `{}` is there twice", self.0)));
            }
        }
        text.ok_or_else(|| serde::de::Error::custom(format_args!("there is no key `{}`", self.0)))
    }
}
