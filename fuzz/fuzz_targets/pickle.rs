//! `pytorch_model.bin`: with an even first byte the whole archive, with an odd one the pickle inside a sound archive.
#![no_main]

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::LazyLock;

use homolog_fuzz::{Limit, begin, choice, chosen, folder, put, smallest, within};
use homolog_model::Checkpoint;
use homolog_test::tiny_gpt2::{Dtype, Format, Layout};
use homolog_test::torch_file::{Entry, archive};

/// Objects, memo and stack of the machine while they grow, up to 80 bytes an opcode; a buffer of 4 MiB.
const LIMIT: Limit = Limit { times: 128, fixed: 5 << 20 };
const NAME: &str = "pytorch_model.bin";

static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| folder("pickle"));

/// Entries of a sound archive, but for the pickle.
static ENTRIES: LazyLock<Vec<(String, Vec<u8>)>> = LazyLock::new(|| entries(&sound(Layout::PLAIN)));

fn sound(layout: Layout) -> Vec<u8> {
    smallest().write_as(&FOLDER, &smallest().random(1, 0.1), &layout, Format::Torch, 1);
    std::fs::read(FOLDER.join(NAME)).expect("it was just written")
}

/// Names and contents of an archive of stored entries.
fn entries(archive: &[u8]) -> Vec<(String, Vec<u8>)> {
    let field = |at: usize| usize::from(u16::from_le_bytes([archive[at], archive[at + 1]]));
    let (mut entries, mut at) = (vec![], 0);
    while archive[at..].starts_with(b"PK\x03\x04") {
        let (n_bytes, n_name) = (field(at + 18) | field(at + 20) << 16, field(at + 26));
        let (name, data) = (at + 30, at + 30 + n_name + field(at + 28));
        let text = String::from_utf8(archive[name..name + n_name].to_vec()).expect("a name");
        entries.push((text, archive[data..data + n_bytes].to_vec()));
        at = data + n_bytes;
    }
    entries
}

fn with_pickle(pickle: &[u8]) -> Vec<u8> {
    let entries = ENTRIES
        .iter()
        .map(|(name, bytes)| Entry::stored(name, if name.ends_with("data.pkl") { pickle } else { bytes }));
    archive(&entries.collect::<Vec<_>>())
}

libfuzzer_sys::fuzz_target!(
    init: {
        let layouts = [
            Layout::PLAIN,
            Layout { dtype: Dtype::F16, has_mask_buffers: true, ..Layout::PLAIN },
            Layout { dtype: Dtype::Bf16, has_prefix: false, has_lm_head: true, ..Layout::PLAIN },
        ];
        let mut seeds = vec![];
        for layout in layouts {
            let whole = sound(layout);
            let pickle = entries(&whole).into_iter().find(|(name, _)| name.ends_with("data.pkl")).expect("a pickle").1;
            seeds.extend([chosen(0, whole), chosen(1, pickle)]);
        }
        begin("pickle", seeds);
    },
    |data: &[u8]| {
        let Some((first, rest)) = choice(data) else { return };
        let file = if first % 2 == 0 { rest.to_vec() } else { with_pickle(rest) };
        put(&FOLDER, NAME, &file);
        within(LIMIT, file.len(), || match Checkpoint::open(&FOLDER, &BTreeSet::new()) {
            Err(error) => drop(error.to_string()),
            Ok(checkpoint) => drop(checkpoint.load().unwrap_or_else(|error| panic!("{error}"))),
        });
    }
);
