//! `model.safetensors` beside a sound config.
#![no_main]

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::LazyLock;

use homolog_fuzz::{Limit, begin, folder, put, smallest, within};
use homolog_model::Checkpoint;
use homolog_test::tiny_gpt2::{Dtype, Layout};

/// The header as JSON and as tensors, up to 16 times its text; a buffer of 4 MiB.
const LIMIT: Limit = Limit { times: 32, fixed: 5 << 20 };

static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| folder("safetensors"));

libfuzzer_sys::fuzz_target!(
    init: {
        let layouts = [
            Layout::PLAIN,
            Layout { dtype: Dtype::F16, has_mask_buffers: true, ..Layout::PLAIN },
            Layout { dtype: Dtype::Bf16, has_prefix: false, has_lm_head: true, ..Layout::PLAIN },
        ];
        let seeds = layouts.iter().map(|layout| {
            smallest().write(&FOLDER, &smallest().random(1, 0.1), layout);
            std::fs::read(FOLDER.join("model.safetensors")).expect("it was just written")
        });
        begin("safetensors", seeds.collect());
    },
    |data: &[u8]| {
        put(&FOLDER, "model.safetensors", data);
        within(LIMIT, data.len(), || match Checkpoint::open(&FOLDER, &BTreeSet::new()) {
            Err(error) => drop(error.to_string()),
            // What was found sound can be loaded.
            Ok(checkpoint) => drop(checkpoint.load().unwrap_or_else(|error| panic!("{error}"))),
        });
    }
);
