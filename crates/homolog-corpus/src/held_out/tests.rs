use super::{default_tokens, is_held_out};

/// Of the numbers 0..200 written out; from `blake3` of PyPI: `int.from_bytes(blake3(text).digest()[:8], "little") % 20 == 0`.
const HELD_OUT_NUMBERS: [u32; 9] = [21, 45, 55, 74, 81, 112, 116, 122, 185];

#[test]
fn agrees_with_another_blake3() {
    let found: Vec<u32> = (0..200).filter(|number: &u32| is_held_out(&number.to_string())).collect();
    assert_eq!(found, HELD_OUT_NUMBERS);
}

#[test]
fn takes_one_document_in_twenty() {
    let n_held_out = (0..20_000).filter(|number: &u32| is_held_out(&format!("document {number}"))).count();
    // Binomial, mean 1,000 and standard deviation 31.
    assert!((850..1150).contains(&n_held_out), "{n_held_out} of 20,000");
}

#[test]
fn default_share_is_that_of_the_documents() {
    assert_eq!(default_tokens(5_000_000), 250_000);
    assert_eq!(default_tokens(19), 0);
}
