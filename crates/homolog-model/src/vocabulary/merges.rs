//! The merges of a byte-pair tokenizer, in the two places and three spellings in which they are kept.

use std::path::Path;

use serde_json::Value;

use crate::Error;

/// Two tokens that become one.
pub(super) type Merge = (String, String);

/// `model.merges` of `tokenizer.json`: `"a b"`, or `["a", "b"]` in files of newer versions.
pub(super) fn of_tokenizer_json(merges: &Value) -> Result<Option<Vec<Merge>>, String> {
    let merges = match merges {
        Value::Null => return Ok(None),
        Value::Array(merges) => merges,
        _ => return Err("its merges are no list".into()),
    };
    let parse = |(at, merge): (usize, &Value)| {
        let pair = match merge {
            Value::String(line) => pair(line),
            Value::Array(pair) => match &pair[..] {
                [Value::String(a), Value::String(b)] => Some((a.clone(), b.clone())),
                _ => None,
            },
            _ => None,
        };
        pair.ok_or_else(|| format!("merge {at} is not of two tokens"))
    };
    merges.iter().enumerate().map(parse).collect::<Result<_, _>>().map(Some)
}

/// `merges.txt`, a merge a line after a line `#version`, if the folder has it.
pub(super) fn find(folder: &Path) -> Result<Option<Vec<Merge>>, Error> {
    let path = folder.join("merges.txt");
    if !path.exists() {
        return Ok(None);
    }
    let text = std::fs::read_to_string(&path).map_err(|source| Error::Unreadable { path: path.clone(), source })?;
    let is_version = |at: usize, line: &str| at == 0 && line.starts_with("#version");
    let lines = text.lines().enumerate().filter(|&(at, line)| !(line.is_empty() || is_version(at, line)));
    let parse = |(at, line): (usize, &str)| {
        let message = || format!("line {} is not a merge of two tokens", at + 1);
        pair(line).ok_or_else(|| Error::BadVocabulary { path: path.clone(), message: message() })
    };
    lines.map(parse).collect::<Result<_, _>>().map(Some)
}

fn pair(line: &str) -> Option<Merge> {
    let (a, b) = line.split_once(' ')?;
    (!a.is_empty() && !b.is_empty() && !b.contains(' ')).then(|| (a.to_owned(), b.to_owned()))
}
