//! Settings given beside the study file: `--set correlation.top_k=8`.

use toml::{Table, Value};

/// Parts of a key, at most.
const DEEPEST: usize = 16;

/// Set one key of the study's table.
///
/// `setting` is `key=value`. The key is a path with dots, `model.0.path` for the first model; the value is TOML (`8`, `true`,
/// `[0.1, 0.2]`, `"text"`), and what is no TOML is text (`gaussian-rows`, `../models/a`). Whether the key exists in the format and
/// takes such a value is checked as for the file itself.
///
/// Errors: no `=`, an empty key, a path through what is no table, a number beyond a list.
pub(super) fn apply(table: &mut Table, setting: &str) -> Result<(), String> {
    let (key, text) = setting.split_once('=').ok_or("write key=value, such as correlation.top_k=8")?;
    let (key, text) = (key.trim(), text.trim());
    let parts: Vec<&str> = key.split('.').collect();
    // No key of the format is as deep; one of thousands of parts would exhaust the stack where tables are read.
    if parts.len() > DEEPEST || parts.iter().any(|part| part.is_empty()) {
        return Err(format!("`{key}` is no key; write section.key=value"));
    }
    let value = parse(text);
    let (last, path) = parts.split_last().expect("split gives at least one part");
    let Some((first, path)) = path.split_first() else {
        table.insert((*last).to_owned(), value);
        return Ok(());
    };
    let mut at = table.entry(*first).or_insert_with(|| Value::Table(Table::new()));
    for part in path {
        at = step(at, part, key)?;
    }
    match at {
        Value::Table(table) => {
            table.insert((*last).to_owned(), value);
        }
        other => *step(other, last, key)? = value,
    }
    Ok(())
}

fn step<'a>(at: &'a mut Value, part: &str, key: &str) -> Result<&'a mut Value, String> {
    match at {
        Value::Table(table) => Ok(table.entry(part).or_insert_with(|| Value::Table(Table::new()))),
        Value::Array(items) => {
            let n = items.len();
            let index = part.parse::<usize>().ok().filter(|&index| index < n);
            let index =
                index.ok_or_else(|| format!("`{part}` in `{key}` is none of the {n} entries, counted from 0"))?;
            Ok(&mut items[index])
        }
        _ => Err(format!("`{part}` in `{key}` lies inside a plain value; shorten the key")),
    }
}

fn parse(text: &str) -> Value {
    let as_toml = toml::from_str::<Table>(&format!("value = {text}")).ok();
    let value = as_toml.filter(|table| table.len() == 1).and_then(|mut table| table.remove("value"));
    value.unwrap_or_else(|| Value::String(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(text: &str, setting: &str) -> Result<String, String> {
        let mut table: Table = toml::from_str(text).expect("a table");
        apply(&mut table, setting)?;
        Ok(table.to_string())
    }

    #[test]
    fn values_are_toml_or_text() {
        let set = |setting| applied("", setting).map(|text| text.replace('\n', " ").trim().to_owned());
        assert_eq!(set("a.b=8"), Ok("[a] b = 8".into()));
        assert_eq!(set("a.b = true"), Ok("[a] b = true".into()));
        assert_eq!(set("a.b=[0.1, 0.2]"), Ok("[a] b = [0.1, 0.2]".into()));
        assert_eq!(set("a.b=gaussian-rows"), Ok("[a] b = \"gaussian-rows\"".into()));
        assert_eq!(set("a.b=../x=y"), Ok("[a] b = \"../x=y\"".into()));
        assert_eq!(set("a.b=\"8\""), Ok("[a] b = \"8\"".into()));
        assert_eq!(set("a=8"), Ok("a = 8".into()));
        // A line break does not smuggle in another key.
        assert_eq!(applied("", "a.b=1\nc = 2").map(|text| text.contains("c = 2\n")), Ok(false));
    }

    #[test]
    fn a_key_is_changed_in_place_and_lists_by_number() {
        let text = "[a]\nb = 1\nc = 2\n[[model]]\nname = \"x\"\n[[model]]\nname = \"y\"\n";
        assert!(applied(text, "a.b=5").is_ok_and(|text| text.contains("b = 5") && text.contains("c = 2")));
        assert!(applied(text, "model.1.name=z").is_ok_and(|text| text.contains('x') && text.contains('z')));
        let deep = format!("{}=1", ["a"; DEEPEST + 1].join("."));
        for wrong in [deep.as_str(), "a.b", "=1", "a..b=1", "a.b.c=1", "model.2.name=z", "model.x.name=z"] {
            assert!(applied(text, wrong).is_err(), "{wrong}");
        }
    }
}
