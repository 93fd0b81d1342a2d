//! Headers of safetensors files that are not sound.

use proptest::prelude::*;

use super::*;

/// The bytes of a tiny model's file after their edit, opened.
fn edited(edit: impl FnOnce(&mut Vec<u8>)) -> Result<Checkpoint, Error> {
    let folder = folder(Format::Safetensors, 1);
    let path = folder.path().join("model.safetensors");
    let mut bytes = fs::read(&path).unwrap();
    edit(&mut bytes);
    fs::write(path, bytes).unwrap();
    open(folder.path())
}

#[track_caller]
fn assert_refused(says: &str, edit: impl FnOnce(&mut Vec<u8>)) {
    let error = edited(edit).unwrap_err();
    let message = error.to_string();
    assert!(matches!(error, Error::BadSafetensors { .. }), "{message}");
    assert!(message.contains("model.safetensors") && message.contains("fetch or convert it again"), "{message}");
    assert!(message.contains(says), "{message:?} does not say {says:?}");
}

fn header(bytes: &[u8]) -> (usize, String) {
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    (8 + length, String::from_utf8(bytes[8..8 + length].to_vec()).unwrap())
}

/// Put another header before the same data.
fn set_header(bytes: &mut Vec<u8>, header_text: &str) {
    let (start, _) = header(bytes);
    let data = bytes.split_off(start);
    *bytes = [&(header_text.len() as u64).to_le_bytes()[..], header_text.as_bytes(), &data].concat();
}

#[test]
fn the_header_is_within_the_file_and_the_limit() {
    assert!(edited(|_| ()).is_ok());
    for length in [u64::MAX, 1 << 63, 100_000_001, 100_000] {
        assert_refused(&format!("header has {length} bytes"), |bytes| {
            bytes[..8].copy_from_slice(&length.to_le_bytes());
        });
    }
    // A header beyond the limit, in a file that is long enough (and sparse).
    let folder = folder(Format::Safetensors, 1);
    let path = folder.path().join("model.safetensors");
    fs::write(&path, 100_000_001_u64.to_le_bytes()).unwrap();
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(200_000_000).unwrap();
    assert!(open(folder.path()).unwrap_err().to_string().contains("header has 100000001 bytes, of 200000000"));
    for length in 0..8 {
        assert_refused("hold no header", |bytes| bytes.truncate(length));
    }
    assert_refused("header is unsound", |bytes| bytes[..8].copy_from_slice(&[0; 8]));
    assert_refused("header is unsound", |bytes| bytes[8] = b'[');
}

#[test]
fn tensors_fill_the_file_and_no_more() {
    assert_refused("the file has", |bytes| bytes.push(0));
    assert_refused("the file has", |bytes| bytes.truncate(bytes.len() - 1));
    assert_refused("the file has", |bytes| bytes.truncate(header(bytes).0));
    assert_refused("header has", |bytes| bytes.truncate(header(bytes).0 - 1));
}

#[test]
fn unsound_offsets_and_shapes_are_refused() {
    let replace = |from: &'static str, to: &'static str| {
        move |bytes: &mut Vec<u8>| {
            let (_, text) = header(bytes);
            assert!(text.contains(from), "{text}");
            set_header(bytes, &text.replacen(from, to, 1));
        }
    };
    let shape = r#""shape":[16,48]"#;
    assert!(edited(replace(shape, r#""shape": [16,48]"#)).is_ok());
    for to in [
        r#""shape":[16,47]"#,
        r#""shape":[-16,-48]"#,
        r#""shape":[9223372036854775807,3]"#,
        r#""shape":[18446744073709551615,18446744073709551615]"#,
        r#""shape":[99999999999999999999]"#,
        r#""shape":[1e3]"#,
        r#""shape":7"#,
    ] {
        assert_refused("header is unsound", replace(shape, to));
    }
    for to in [
        r#""data_offsets":[4,"#,
        r#""data_offsets":[-4,"#,
        r#""data_offsets":[18446744073709551615,"#,
        r#""data_offsets":[99999999999999999999,"#,
    ] {
        assert_refused("header is unsound", replace(r#""data_offsets":[0,"#, to));
    }
    assert_refused("header is unsound", replace(r#""dtype":"F32""#, r#""dtype":"F33""#));
    // One tensor of 2^50 bytes and nothing else: sound in itself, but not in this file.
    assert_refused("the file has", |bytes| {
        set_header(bytes, r#"{"w":{"dtype":"U8","shape":[1125899906842624],"data_offsets":[0,1125899906842624]}}"#);
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_change_of_bytes_makes_the_reader_panic(
        changes in prop::collection::vec((0_usize..4000, any::<u8>()), 1..6),
        cut in 0_usize..6000,
    ) {
        let _ = edited(|bytes| {
            for &(at, byte) in &changes {
                bytes[at] = byte;
            }
        });
        let _ = edited(|bytes| bytes.truncate(cut));
    }
}
