//! A token file; the first byte chooses its format.
#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use homolog_fuzz::{Limit, begin, choice, chosen, folder, put, within};
use homolog_model::{TokenMask, Tokens};
use safetensors::tensor::{Dtype, TensorView};

/// An id of one byte becomes four, and once more while the list grows; a header as JSON.
const LIMIT: Limit = Limit { times: 16, fixed: 64 << 10 };
const FORMATS: [&str; 4] = ["tokens.u16", "tokens.u32", "tokens.npy", "tokens.safetensors"];
const CONTEXT: usize = 4;

static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| folder("token_file"));

fn npy(version: u8, dtype: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let length = (header.len() as u32).to_le_bytes();
    let length = if version == 1 { &length[..2] } else { &length };
    [b"\x93NUMPY", &[version, 0][..], length, header.as_bytes(), data].concat()
}

fn in_safetensors(dtype: Dtype, shape: Vec<usize>, data: &[u8]) -> Vec<u8> {
    let view = TensorView::new(dtype, shape, data).expect("data of that shape");
    safetensors::serialize([("tokens", view)], None).expect("a sound tensor")
}

libfuzzer_sys::fuzz_target!(
    init: {
        let data: Vec<u8> = (0..64).collect();
        begin("token_file", vec![
            chosen(0, &data),
            chosen(1, &data),
            chosen(2, npy(1, "<u2", "(8, 4)", &data)),
            chosen(2, npy(2, "<i8", "(8,)", &data)),
            chosen(2, npy(3, "|u1", "(16, 4)", &data)),
            chosen(3, in_safetensors(Dtype::U16, vec![8, 4], &data)),
            chosen(3, in_safetensors(Dtype::I64, vec![8], &data)),
        ]);
    },
    |data: &[u8]| {
        let Some((first, rest)) = choice(data) else { return };
        let path = put(&FOLDER, FORMATS[usize::from(first) % FORMATS.len()], rest);
        within(LIMIT, rest.len(), || match Tokens::read(&path, CONTEXT) {
            Err(error) => drop(error.to_string()),
            Ok(tokens) => {
                assert!(tokens.n_rows() > 0 && tokens.context() == CONTEXT);
                assert_eq!(tokens.batch(0..tokens.n_rows()).rows().count(), tokens.n_rows());
                let counted = TokenMask::new(&tokens, &[0]).n_tokens_counted();
                assert!(counted <= tokens.n_rows() * CONTEXT);
                drop(tokens.check_vocabulary(300).map_err(|error| error.to_string()));
            }
        });
    }
);
