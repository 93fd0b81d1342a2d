use super::*;

#[test]
fn checksums_and_strides_are_those_of_their_definitions() {
    assert_eq!(crc32(b"123456789"), 0xcbf4_3926, "the check value of CRC-32");
    assert_eq!(contiguous(&[2, 3, 4]), [12, 4, 1]);
    assert_eq!(contiguous(&[]), [0; 0]);
}

#[test]
fn numbers_take_their_shortest_form() {
    let opcodes = |value| Pickle::new().int(value).0[2..].to_vec();
    assert_eq!(opcodes(255), [b'K', 255]);
    assert_eq!(opcodes(256), [b'M', 0, 1]);
    assert_eq!(opcodes(65_536), [b'J', 0, 0, 1, 0]);
    assert_eq!(opcodes(-1), [b'J', 255, 255, 255, 255]);
    assert_eq!(opcodes(1 << 31), [0x8a, 8, 0, 0, 0, 128, 0, 0, 0, 0]);
}

#[test]
fn tensors_of_equal_bytes_share_an_entry() {
    let tensor = |name, bytes| TorchTensor { name, dtype: Dtype::U8, shape: &[2], bytes };
    let file = torch_file(&[tensor("a", b"\x01\x02"), tensor("b", b"\x03\x04"), tensor("c", b"\x01\x02")]);
    let count = |what: &[u8]| file.windows(what.len()).filter(|window| window == &what).count();
    // Each name stands before its entry and in the directory.
    assert_eq!((count(b"model/data/0"), count(b"model/data/1"), count(b"model/data/2")), (2, 2, 0));
    assert_eq!(count(b"PK\x01\x02"), 8);
}
