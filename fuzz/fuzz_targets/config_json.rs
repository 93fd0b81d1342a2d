//! `config.json`, and a config that was read held against weights that do not fit it.
#![no_main]

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::LazyLock;

use homolog_fuzz::{Limit, begin, folder, put, smallest, within};
use homolog_model::{Checkpoint, Config};
use homolog_test::tiny_gpt2::Layout;

/// A JSON value takes up to 75 times its text; reading weights a buffer of 4 MiB.
const LIMIT: Limit = Limit { times: 128, fixed: 5 << 20 };

static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = folder("config_json");
    smallest().write(&folder, &smallest().random(1, 0.1), &Layout::PLAIN);
    folder
});

libfuzzer_sys::fuzz_target!(
    init: {
        let good = std::fs::read(FOLDER.join("config.json")).expect("it was just written");
        begin("config_json", vec![good, b"{\"n_embd\":2,\"n_head\":1,\"n_layer\":1,\"vocab_size\":5,\"n_positions\":4}".into()]);
    },
    |data: &[u8]| {
        put(&FOLDER, "config.json", data);
        within(LIMIT, data.len(), || match Config::read(&FOLDER, &BTreeSet::new()) {
            Err(error) => drop(error.to_string()),
            Ok(config) => {
                assert_eq!(config.n_heads * config.d_head, config.d_model);
                assert!(config.n_layers > 0 && config.d_vocab > 0 && config.n_ctx > 0 && config.d_mlp > 0);
                match Checkpoint::open(&FOLDER, &BTreeSet::new()) {
                    Err(error) => drop(error.to_string()),
                    Ok(checkpoint) => drop(checkpoint.load().map_err(|error| error.to_string())),
                }
            }
        });
    }
);
