#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;

use homolog_test::require_fixtures;
use proptest::prelude::*;
use safetensors::tensor::TensorView;

use super::*;

/// Three rows of four.
const IDS: [u32; 12] = [5, 0, 7, 7, 65_535, 1, 2, 3, 4, 300, 6, 32_767];

fn bytes_of<const N: usize>(ids: &[u32], to_bytes: impl Fn(u32) -> [u8; N]) -> Vec<u8> {
    ids.iter().flat_map(|&id| to_bytes(id)).collect()
}

fn u16s(ids: &[u32]) -> Vec<u8> {
    bytes_of(ids, |id| (id as u16).to_le_bytes())
}

/// A `.npy` file, its header written by hand and padded as `NumPy` does.
fn npy(version: u8, descr: &str, is_fortran: bool, shape: &str, data: &[u8]) -> Vec<u8> {
    let order = if is_fortran { "True" } else { "False" };
    let header = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}");
    let n_length = if version == 1 { 2 } else { 4 };
    let length = (8 + n_length + header.len() + 1).next_multiple_of(64) - 8 - n_length;
    let mut bytes = [b"\x93NUMPY", &[version, 0][..], &(length as u32).to_le_bytes()[..n_length]].concat();
    bytes.extend(format!("{header:<width$}\n", width = length - 1).into_bytes());
    bytes.extend(data);
    bytes
}

fn safetensors(name: &str, dtype: Dtype, shape: &[usize], data: &[u8]) -> Vec<u8> {
    safetensors::serialize([(name, TensorView::new(dtype, shape.to_vec(), data).unwrap())], None).unwrap()
}

fn read_named(name: &str, bytes: &[u8], context: usize) -> Result<Tokens, Error> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    Tokens::read(&path, context)
}

/// The message of a refused file, which names it.
fn refused(name: &str, bytes: &[u8]) -> String {
    let error = read_named(name, bytes, 4).unwrap_err();
    assert!(matches!(error, Error::BadTokenFile { .. }), "{error:?}");
    assert!(error.to_string().contains(name), "{error}");
    error.to_string()
}

#[test]
fn the_same_rows_are_the_same_in_every_format() {
    let (u16s, u32s) = (u16s(&IDS), bytes_of(&IDS, u32::to_le_bytes));
    let i32s = bytes_of(&IDS, |id| (id as i32).to_le_bytes());
    let i64s = bytes_of(&IDS, |id| i64::from(id).to_le_bytes());
    let first = read_named("rows.u16", &u16s, 4).unwrap();
    assert_eq!((first.batch(0..3).ids, first.n_rows(), first.context()), (&IDS[..], 3, 4));
    for (name, bytes) in [
        ("rows.u32", u32s.clone()),
        ("u16.npy", npy(1, "<u2", false, "(3, 4)", &u16s)),
        ("u16-v2.npy", npy(2, "<u2", false, "(3, 4)", &u16s)),
        ("u16-v3.npy", npy(3, "<u2", false, "(3, 4)", &u16s)),
        ("u16-flat.npy", npy(1, "<u2", false, "(12,)", &u16s)),
        ("u32.npy", npy(1, "<u4", false, "(3, 4)", &u32s)),
        ("i32.npy", npy(1, "<i4", false, "(3, 4)", &i32s)),
        ("i64.npy", npy(2, "<i8", false, "(3, 4)", &i64s)),
        ("u64.npy", npy(1, "<u8", false, "(3, 4)", &i64s)),
        ("u16.safetensors", safetensors("tokens", Dtype::U16, &[3, 4], &u16s)),
        ("i32-flat.safetensors", safetensors("tokens", Dtype::I32, &[12], &i32s)),
        ("i64.safetensors", safetensors("tokens", Dtype::I64, &[3, 4], &i64s)),
    ] {
        let tokens = read_named(name, &bytes, 4).unwrap();
        assert_eq!((tokens.batch(0..3).ids, tokens.hash()), (&IDS[..], first.hash()), "{name}");
    }
    let small = IDS.map(|id| id % 100);
    let u8s = bytes_of(&small, |id| [id as u8]);
    let i16s = bytes_of(&small, |id| (id as i16).to_le_bytes());
    for bytes in [npy(1, "|u1", false, "(3, 4)", &u8s), npy(1, "<i2", false, "(3, 4)", &i16s)] {
        assert_eq!(read_named("small.npy", &bytes, 4).unwrap().batch(0..3).ids, small);
    }
}

#[test]
fn the_hash_is_of_ids_and_row_length_only() {
    let hash = |ids: &[u32], context| read_named("rows.u16", &u16s(ids), context).unwrap().hash().to_owned();
    let mut hashes = vec![hash(&IDS, 4), hash(&IDS, 6), hash(&IDS, 12), hash(&IDS[..8], 4)];
    let mut swapped = IDS;
    swapped.swap(0, 1);
    hashes.push(hash(&swapped, 4));
    assert_eq!(read_named("other-name.u16", &u16s(&IDS), 4).unwrap().hash(), hashes[0]);
    hashes.sort();
    hashes.dedup();
    assert_eq!(hashes.len(), 5);
}

#[test]
fn batches_and_first_rows_are_rows() {
    let tokens = read_named("rows.u16", &u16s(&IDS), 4).unwrap();
    let batch = tokens.batch(1..3);
    assert_eq!((batch.ids, batch.n_rows(), batch.context), (&IDS[4..], 2, 4));
    let rows: Vec<&[u32]> = batch.rows().map(|row| row.ids).collect();
    assert_eq!(rows, [&IDS[4..8], &IDS[8..]]);
    let first = tokens.first_rows(2);
    let read = read_named("rows.u16", &u16s(&IDS[..8]), 4).unwrap();
    assert_eq!((first.batch(0..2).ids, first.n_rows(), first.hash()), (&IDS[..8], 2, read.hash()));
}

#[test]
fn rows_made_elsewhere_are_rows_like_those_of_a_file() {
    let read = read_named("rows.u16", &u16s(&IDS), 4).unwrap();
    let label = Path::new("corpus of text");
    let made = Tokens::new(label, IDS.to_vec(), 4).unwrap();
    assert_eq!((made.batch(0..3).ids, made.n_rows(), made.hash()), (&IDS[..], 3, read.hash()));
    assert!(made.check_vocabulary(7).unwrap_err().to_string().starts_with("corpus of text: token 7"));
    for (n_ids, context) in [(11, 4), (12, 0), (3, 4)] {
        let error = Tokens::new(label, IDS[..n_ids].to_vec(), context).unwrap_err();
        assert!(matches!(error, Error::NotWholeRows { n_tokens, .. } if n_tokens == n_ids), "{error}");
    }
    assert!(matches!(Tokens::new(label, vec![], 4), Err(Error::BadTokenFile { .. })));
}

#[test]
fn hostile_safetensors_headers_are_refused() {
    let file = |header: &str| [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &u16s(&IDS)].concat();
    let tensor = |dtype: &str, shape: &str, offsets: &str| {
        format!(r#"{{"tokens":{{"dtype":"{dtype}","shape":{shape},"data_offsets":{offsets}}}}}"#)
    };
    assert!(read_named("rows.safetensors", &file(&tensor("U16", "[3,4]", "[0,24]")), 4).is_ok());
    for header in [
        tensor("U16", "[3,4]", "[0,25]"),
        tensor("U16", "[4,4]", "[0,32]"),
        tensor("U16", "[3,4]", "[24,0]"),
        tensor("U16", "[3,4]", "[-1,23]"),
        tensor("U16", "[-3,-4]", "[0,24]"),
        tensor("U16", "[9223372036854775807,2]", "[0,24]"),
        tensor("U16", "[18446744073709551615,18446744073709551615]", "[0,24]"),
        tensor("U16", "[4611686018427387904]", "[0,9223372036854775808]"),
        tensor("U16", "[3,4]", "[0,24]").replace("}}", r#"},"b":{"dtype":"U16","shape":[2],"data_offsets":[20,24]}}"#),
        "[".repeat(100_000),
    ] {
        let error = read_named("rows.safetensors", &file(&header), 4).unwrap_err();
        assert!(matches!(error, Error::BadSafetensors { .. }), "{header:.90}: {error}");
    }
    for n_header in [u64::MAX, 1 << 40, 100_000_001, 400] {
        let bytes = [&n_header.to_le_bytes()[..], b"{}", &u16s(&IDS)].concat();
        assert!(matches!(read_named("rows.safetensors", &bytes, 4), Err(Error::BadSafetensors { .. })));
    }
}

#[test]
fn a_name_that_tells_no_format_is_refused() {
    for name in ["rows.bin", "rows", "rows.U16", "rows.u16.gz"] {
        assert!(matches!(read_named(name, &u16s(&IDS), 4), Err(Error::UnknownTokenFormat { .. })), "{name}");
    }
    let missing = Tokens::read(Path::new("/no/such/rows.u16"), 4);
    assert!(matches!(missing, Err(Error::Unreadable { .. })));
}

#[test]
fn files_that_are_not_whole_rows_are_refused() {
    assert!(refused("odd.u16", &u16s(&IDS)[..23]).contains("23 bytes"));
    assert!(refused("odd.u32", &[0; 18]).contains("18 bytes"));
    for (name, bytes) in
        [("rows.u16", u16s(&IDS[..11])), ("flat.npy", npy(1, "<u2", false, "(11,)", &u16s(&IDS[..11])))]
    {
        let error = read_named(name, &bytes, 4).unwrap_err();
        assert!(matches!(error, Error::NotWholeRows { n_tokens: 11, context: 4, .. }), "{error}");
    }
    assert!(matches!(read_named("rows.u16", &u16s(&IDS), 0), Err(Error::NotWholeRows { context: 0, .. })));
    for (name, bytes) in [
        ("empty.u16", vec![]),
        ("empty.npy", npy(1, "<u2", false, "(0, 4)", &[])),
        ("empty.safetensors", safetensors("tokens", Dtype::U16, &[0, 4], &[])),
    ] {
        assert!(refused(name, &bytes).contains("no tokens"));
    }
}

#[test]
fn rows_of_another_length_are_refused_with_the_length_they_have() {
    for (name, bytes) in [
        ("rows.npy", npy(1, "<u2", false, "(2, 6)", &u16s(&IDS))),
        ("rows.safetensors", safetensors("tokens", Dtype::U16, &[2, 6], &u16s(&IDS))),
    ] {
        assert!(refused(name, &bytes).contains("set corpus.context to 6"));
    }
}

#[test]
fn npy_files_of_another_kind_are_refused() {
    let data = u16s(&IDS);
    for (bytes, says) in [
        (npy(1, ">u2", false, "(3, 4)", &data), "little-endian"),
        (npy(1, "<f4", false, "(3, 2)", &data), "'<f4'; token ids are"),
        (npy(1, "|b1", false, "(6, 4)", &data), "'|b1'; token ids are"),
        (npy(1, "<u2", true, "(3, 4)", &data), "Fortran"),
        (npy(1, "<u2", false, "(3, 2, 2)", &data), "[3, 2, 2]"),
        (npy(1, "<u2", false, "()", &data[..2]), "shape []"),
        (npy(9, "<u2", false, "(3, 4)", &data), "unknown .npy version"),
        (npy(1, "<u2", false, "(3, -4)", &data), "not a whole .npy"),
        (npy(1, "<u2", false, "(4, 4)", &data), "not a whole .npy"),
        (npy(1, "<u2", false, "(2, 4)", &data), "not a whole .npy"),
        (npy(1, "<u2", false, "(9223372036854775807, 4)", &data), "not a whole .npy"),
        (npy(1, "<u2", false, "(18446744073709551615, 0)", &data), "not a whole .npy"),
        (npy(1, "<u2", false, "(99999999999999999999, 1)", &data), "not a whole .npy"),
        (npy(1, "<u8", false, "(2305843009213693952,)", &data), "not a whole .npy"),
        (npy(1, "<u2", false, "(12", &data), "not a whole .npy"),
        (b"\x93NUMPY\x02\0\xff\xff\xff\xff{}".to_vec(), "not a whole .npy"),
        (b"\x93NUMPY\x01\0\x02\0{}".to_vec(), "not a whole .npy"),
        (b"PK\x03\x04".to_vec(), "not a whole .npy"),
        (data.clone(), "not a whole .npy"),
    ] {
        let message = refused("rows.npy", &bytes);
        assert!(message.contains(says), "{message:?} does not say {says:?}");
    }
}

#[test]
fn a_cut_npy_file_is_refused_wherever_it_is_cut() {
    for version in [1, 2] {
        let whole = npy(version, "<u2", false, "(3, 4)", &u16s(&IDS));
        assert!(npy::parse(&whole).is_ok());
        assert!((0..whole.len()).all(|length| npy::parse(&whole[..length]).is_err()));
    }
}

#[test]
fn values_that_are_no_token_ids_are_refused() {
    let mut i32s: Vec<u8> = bytes_of(&IDS, u32::to_le_bytes);
    i32s[4 * 6..4 * 7].copy_from_slice(&(-3_i32).to_le_bytes());
    assert!(refused("negative.npy", &npy(1, "<i4", false, "(3, 4)", &i32s)).contains("value -3 at 6"));
    assert!(
        refused("negative.safetensors", &safetensors("tokens", Dtype::I32, &[12], &i32s)).contains("value -3 at 6")
    );
    let mut i64s: Vec<u8> = bytes_of(&IDS, |id| i64::from(id).to_le_bytes());
    i64s[..8].copy_from_slice(&(1_i64 << 32).to_le_bytes());
    assert!(refused("large.npy", &npy(1, "<i8", false, "(3, 4)", &i64s)).contains("value 4294967296 at 0"));
    i64s[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    refused("larger.npy", &npy(1, "<u8", false, "(3, 4)", &i64s));
}

#[test]
fn safetensors_files_without_rows_are_refused() {
    let data = u16s(&IDS);
    let other = read_named("rows.safetensors", &safetensors("token", Dtype::U16, &[3, 4], &data), 4);
    assert!(matches!(other, Err(Error::MissingTensor { tensor, .. }) if tensor == "tokens"));
    assert!(matches!(read_named("rows.safetensors", &data, 4), Err(Error::BadSafetensors { .. })));
    let message = refused("deep.safetensors", &safetensors("tokens", Dtype::U16, &[3, 2, 2], &data));
    assert!(message.contains("[3, 2, 2]"));
    assert!(refused("half.safetensors", &safetensors("tokens", Dtype::F16, &[3, 4], &data)).contains("F16"));
}

#[test]
fn an_id_outside_the_vocabulary_is_named_with_its_place() {
    let tokens = read_named("rows.u16", &u16s(&IDS), 4).unwrap();
    assert!(tokens.check_vocabulary(65_536).is_ok());
    let error = tokens.check_vocabulary(65_535).unwrap_err();
    assert!(matches!(error, Error::TokenOutsideVocabulary { id: 65_535, row: 1, position: 0, d_vocab: 65_535, .. }));
    let error = tokens.check_vocabulary(7).unwrap_err();
    assert!(matches!(error, Error::TokenOutsideVocabulary { id: 7, row: 0, position: 2, .. }), "the first of them");
}

#[test]
fn the_mask_excludes_by_input_token() {
    let tokens = read_named("rows.u16", &u16s(&IDS), 4).unwrap();
    let mask = TokenMask::new(&tokens, &[7, 1, 999]);
    assert_eq!(mask.row(0), [true, true, false, false]);
    assert_eq!(mask.row(1), [true, false, true, true]);
    assert_eq!(mask.row(2), [true; 4]);
    assert_eq!(mask.n_tokens_counted(), 9);
    assert_eq!(TokenMask::new(&tokens, &[]).n_tokens_counted(), 12);
}

#[test]
fn the_fixture_rows_and_their_mask_agree_with_the_goldens() {
    let fixtures = require_fixtures!();
    let tokens = Tokens::read(&fixtures.join("tokens.u16"), 128).unwrap();
    let npy = Tokens::read(&fixtures.join("tokens.npy"), 128).unwrap();
    assert_eq!((tokens.n_rows(), tokens.hash()), (160, npy.hash()));
    assert_eq!(tokens.batch(0..160).ids, npy.batch(0..160).ids);
    assert!(tokens.check_vocabulary(2048).is_ok() && tokens.check_vocabulary(2047).is_err());
    let mask = TokenMask::new(&tokens, &[2047, 198]);
    assert_eq!(mask.n_tokens_counted(), 19_556);
    // One byte a position after a header of 128 bytes.
    let golden = fs::read(fixtures.join("valid_mask.npy")).unwrap();
    let golden: Vec<bool> = golden[128..].iter().map(|&byte| byte == 1).collect();
    assert_eq!((0..160).flat_map(|row| mask.row(row).to_vec()).collect::<Vec<_>>(), golden);
    assert_ne!(TokenMask::new(&tokens, &[2047]).n_tokens_counted(), 19_556, "the newline counts");
}

proptest! {
    #[test]
    fn no_npy_header_makes_the_parser_panic(noise in prop::collection::vec(any::<u8>(), 0..40), at in 0_usize..140) {
        let mut bytes = npy(1, "<u2", false, "(3, 4)", &u16s(&IDS));
        for (byte, noise) in bytes.iter_mut().skip(at).zip(noise) {
            *byte = noise;
        }
        let _ = npy::parse(&bytes).map(|array| array.ids());
    }
}
