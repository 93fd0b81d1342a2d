//! `model.safetensors.index.json` beside the sound shards of two indices.
#![no_main]

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::LazyLock;

use homolog_fuzz::{Limit, begin, folder, put, smallest, within};
use homolog_model::Checkpoint;
use homolog_test::tiny_gpt2::{Format, Layout};

/// The names of the index; a buffer of 4 MiB.
const LIMIT: Limit = Limit { times: 32, fixed: 5 << 20 };
const INDEX: &str = "model.safetensors.index.json";

static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| folder("shard_index"));

libfuzzer_sys::fuzz_target!(
    init: {
        let weights = smallest().random(1, 0.1);
        let seeds = [2, 3].map(|n_files| {
            smallest().write_as(&FOLDER, &weights, &Layout::PLAIN, Format::Safetensors, n_files);
            std::fs::read(FOLDER.join(INDEX)).expect("it was just written")
        });
        begin("shard_index", seeds.into());
    },
    |data: &[u8]| {
        put(&FOLDER, INDEX, data);
        within(LIMIT, data.len(), || match Checkpoint::open(&FOLDER, &BTreeSet::new()) {
            Err(error) => drop(error.to_string()),
            Ok(checkpoint) => drop(checkpoint.load().unwrap_or_else(|error| panic!("{error}"))),
        });
    }
);
