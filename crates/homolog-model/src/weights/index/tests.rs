#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;

use homolog_test::Seeded;

use super::*;

/// More than two pieces and less than three.
const N: usize = 2 * PIECE + 12_345;

/// A tensor of these bytes behind five others.
fn file(dtype: Dtype, bytes: &[u8]) -> (tempfile::NamedTempFile, Stored) {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), [&[9; 5], bytes].concat()).unwrap();
    (file, Stored { file: 0, offset: 5, n_bytes: bytes.len() as u64, dtype, shape: vec![N] })
}

#[test]
fn every_type_widens_exactly_piece_by_piece() {
    let random = Seeded::new(3).gaussians_f32(N, 1.0);
    let f32s: Vec<u8> = random.iter().flat_map(|value| value.to_le_bytes()).collect();
    let f16s: Vec<f16> = random.iter().map(|&value| f16::from_f32(value)).collect();
    let bf16s: Vec<bf16> = random.iter().map(|&value| bf16::from_f32(value)).collect();
    for (dtype, bytes, expected) in [
        (Dtype::F32, f32s, random),
        (
            Dtype::F16,
            f16s.iter().flat_map(|value| value.to_le_bytes()).collect(),
            f16s.iter().map(|v| v.to_f32()).collect(),
        ),
        (
            Dtype::BF16,
            bf16s.iter().flat_map(|value| value.to_le_bytes()).collect(),
            bf16s.iter().map(|v| v.to_f32()).collect(),
        ),
    ] {
        let (file, stored) = file(dtype, &bytes);
        assert!(values(file.path(), &stored).unwrap() == expected, "{dtype:?}");
        fs::write(file.path(), &bytes[..bytes.len() - 1]).unwrap();
        assert!(matches!(values(file.path(), &stored), Err(Error::Unreadable { .. })), "cut off since it was indexed");
    }
}

#[test]
fn tensors_are_equal_to_the_last_value() {
    let ones: Vec<u8> = std::iter::repeat_n(1.0_f32, N).flat_map(f32::to_le_bytes).collect();
    let (a, stored_a) = file(Dtype::F32, &ones);
    for element in [0, PIECE, N - 1] {
        let mut other = ones.clone();
        other[4 * element] ^= 1;
        let (b, stored_b) = file(Dtype::F32, &other);
        assert!(!are_equal((a.path(), &stored_a), (b.path(), &stored_b)).unwrap(), "{element}");
    }
    // Of another type, and equal all the same.
    let halves: Vec<u8> = std::iter::repeat_n(f16::ONE, N).flat_map(f16::to_le_bytes).collect();
    let (b, stored_b) = file(Dtype::F16, &halves);
    assert!(are_equal((a.path(), &stored_a), (b.path(), &stored_b)).unwrap());
}
