#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;

use proptest::prelude::*;

use super::*;

/// Values of a file that lies in memory, from byte `offset` on, looked at in chunks of `chunk` bytes.
fn scan(bytes: &[u8], offset: usize, dtype: Dtype, n: usize, chunk: usize) -> Option<(usize, f32)> {
    let n_bytes = (n * dtype.bitsize() / 8) as u64;
    let stored = Stored { file: 0, offset: offset as u64, n_bytes, dtype, shape: vec![n] };
    let padded = [&[0; CARRY], bytes].concat();
    let chunks = (0..bytes.len()).step_by(chunk);
    chunks.into_iter().find_map(|start| {
        first_not_finite(&stored, start as u64, &padded[start..(start + CARRY + chunk).min(padded.len())])
    })
}

proptest! {
    #[test]
    fn the_first_value_that_is_not_finite_is_found_wherever_chunks_end(
        words in prop::collection::vec(prop_oneof![9 => 0_u32..0x7f80_0000, 1 => any::<u32>()], 1..60),
        offset in 0_usize..9,
        chunk in 1_usize..40,
        kind in 0_usize..3,
    ) {
        let dtype = [Dtype::F32, Dtype::F16, Dtype::BF16][kind];
        // Around the tensor lies what is not finite, and is not its.
        let values: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let bytes = [&[0xff; 9][..offset], &values, &[0xff; 7]].concat();
        let n = values.len() * 8 / dtype.bitsize();
        let expected = match dtype {
            Dtype::F32 => values.as_chunks().0.iter().position(|&b| !f32::from_le_bytes(b).is_finite()),
            Dtype::F16 => values.as_chunks().0.iter().position(|&b| !f16::from_le_bytes(b).is_finite()),
            _ => values.as_chunks().0.iter().position(|&b| !bf16::from_le_bytes(b).is_finite()),
        };
        let found = scan(&bytes, offset, dtype, n, chunk);
        prop_assert_eq!(found.map(|(element, _)| element), expected);
        prop_assert!(found.is_none_or(|(_, value)| !value.is_finite()));
    }
}

#[test]
fn a_file_of_several_chunks_is_hashed_and_looked_at_throughout() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights");
    let n = (2 * CHUNK + 1000) / 4;
    // So many bytes before the values that one straddles each border of two chunks, by a different part.
    for offset in 1..4 {
        let mut bytes = vec![0_u8; offset + 4 * n];
        let stored =
            Stored { file: 0, offset: offset as u64, n_bytes: 4 * n as u64, dtype: Dtype::F32, shape: vec![n] };
        let check = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            hash_finite(std::slice::from_ref(&path), &[("w", &stored)])
        };
        assert_eq!(check(&bytes).unwrap(), blake3::hash(&bytes).to_hex().to_string());
        for element in [0, 1, CHUNK / 4 - 1, CHUNK / 4, 2 * CHUNK / 4 - 1, 2 * CHUNK / 4, n - 1] {
            let value = offset + 4 * element..offset + 4 * element + 4;
            bytes[value.clone()].copy_from_slice(&f32::INFINITY.to_le_bytes());
            let error = check(&bytes).unwrap_err();
            let Error::NotFinite { element: found, tensor, value: inf, .. } = error else { panic!("{error}") };
            assert_eq!((found, &*tensor, inf), (element, "w", f32::INFINITY));
            bytes[value].fill(0);
        }
        fs::write(&path, &bytes).unwrap();
        assert_eq!(hash(std::slice::from_ref(&path)).unwrap(), blake3::hash(&bytes).to_hex().to_string());
    }
}

#[test]
fn of_several_the_first_in_the_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights");
    let values = [1.0, f32::NAN, f32::INFINITY, f32::NAN];
    fs::write(&path, values.map(f32::to_le_bytes).concat()).unwrap();
    let stored =
        |offset, n: usize| Stored { file: 0, offset, n_bytes: 4 * n as u64, dtype: Dtype::F32, shape: vec![n] };
    let first = |weights: &[(&str, &Stored)]| match hash_finite(std::slice::from_ref(&path), weights) {
        Err(Error::NotFinite { tensor, element, .. }) => (tensor, element),
        other => panic!("{other:?}"),
    };
    let (all, late, tail) = (stored(0, 4), stored(8, 2), stored(4, 3));
    assert_eq!(first(&[("late", &late), ("all", &all)]), ("all".into(), 1));
    assert_eq!(first(&[("late", &late)]), ("late".into(), 0));
    assert_eq!(first(&[("z", &tail), ("all", &all)]), ("all".into(), 1), "of two names the first");
    // What belongs to another file is not looked for in this one.
    let elsewhere = Stored { file: 1, ..all };
    assert!(hash_finite(&[path], &[("elsewhere", &elsewhere)]).is_ok());
}
