#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::io::Read;

use flate2::read::GzDecoder;

use super::*;

/// A bundle as the page sees it.
#[derive(Debug, PartialEq)]
pub(crate) struct Unpacked {
    pub(crate) meta: Value,
    pub(crate) arrays: BTreeMap<String, (Vec<usize>, Elements)>,
}

/// What JavaScript does, by the contract alone.
pub(crate) fn read(text: &str) -> Unpacked {
    let mut bytes = Vec::new();
    GzDecoder::new(STANDARD.decode(text).unwrap().as_slice()).read_to_end(&mut bytes).unwrap();
    let header_bytes = u32::from_le_bytes(bytes[..4].try_into().unwrap()) as usize;
    let header: Value = serde_json::from_slice(&bytes[4..4 + header_bytes]).unwrap();
    assert_eq!((4 + header_bytes) % 8, 0);
    let data = &bytes[4 + header_bytes..];
    let array = |entry: &Value| {
        let shape: Vec<usize> =
            entry["shape"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap() as usize).collect();
        let at = entry["at"].as_u64().unwrap() as usize;
        assert_eq!(at % 8, 0);
        let n: usize = shape.iter().product();
        let words = |width: usize| data[at..at + n * width].chunks_exact(width);
        let elements = match entry["type"].as_str().unwrap() {
            "i8" => Elements::I8(words(1).map(|word| word[0] as i8).collect()),
            "u8" => Elements::U8(words(1).map(|word| word[0]).collect()),
            "u16" => Elements::U16(words(2).map(|word| u16::from_le_bytes(word.try_into().unwrap())).collect()),
            "u32" => Elements::U32(words(4).map(|word| u32::from_le_bytes(word.try_into().unwrap())).collect()),
            "f32" => Elements::F32(words(4).map(|word| f32::from_le_bytes(word.try_into().unwrap())).collect()),
            other => panic!("type {other} is not in the contract"),
        };
        (shape, elements)
    };
    let arrays = header["arrays"].as_object().unwrap().iter().map(|(name, entry)| (name.clone(), array(entry)));
    Unpacked { meta: header["meta"].clone(), arrays: arrays.collect() }
}

fn bundle() -> Bundle {
    let mut meta = Map::new();
    meta.insert("study".into(), "é</script>".into());
    let mut bundle = Bundle::with_meta(meta);
    bundle.add("scale", &[1, 3], &Elements::F32(vec![0.5, -1.0, f32::INFINITY]));
    bundle.add("flag", &[3], &Elements::U8(vec![0, 1, 1]));
    bundle.add("activation", &[3], &Elements::I8(vec![-127, 0, 127]));
    bundle.add("layer", &[2], &Elements::U16(vec![1, u16::MAX]));
    bundle.add("neuron", &[0, 4], &Elements::U32(vec![]));
    bundle.add("row", &[1], &Elements::U32(vec![u32::MAX]));
    bundle
}

#[test]
fn come_back_as_they_went() {
    let found = read(&bundle().to_base64());
    assert_eq!(found.meta["study"], "é</script>");
    assert_eq!(found.arrays.len(), 6);
    assert_eq!(found.arrays["scale"], (vec![1, 3], Elements::F32(vec![0.5, -1.0, f32::INFINITY])));
    assert_eq!(found.arrays["flag"], (vec![3], Elements::U8(vec![0, 1, 1])));
    assert_eq!(found.arrays["activation"], (vec![3], Elements::I8(vec![-127, 0, 127])));
    assert_eq!(found.arrays["layer"], (vec![2], Elements::U16(vec![1, u16::MAX])));
    assert_eq!(found.arrays["neuron"], (vec![0, 4], Elements::U32(vec![])));
    assert_eq!(found.arrays["row"], (vec![1], Elements::U32(vec![u32::MAX])));
}

#[test]
fn an_empty_bundle_is_one_too() {
    let found = read(&Bundle::default().to_base64());
    assert!(found.arrays.is_empty() && found.meta.as_object().unwrap().is_empty());
}

#[test]
fn equal_contents_give_equal_bytes_without_time_or_system() {
    let bytes = bundle().to_gzip();
    assert_eq!(bytes, bundle().to_gzip());
    // Magic, deflate, no flags; no time; best compression; system unknown.
    assert_eq!(bytes[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255]);
}

#[test]
fn text_of_a_bundle_ends_no_script() {
    let text = bundle().to_base64();
    assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte)));
}

#[test]
#[should_panic(expected = "shape [2] and length disagree")]
fn a_wrong_shape_is_a_bug() {
    Bundle::default().add("a", &[2], &Elements::U8(vec![1]));
}
