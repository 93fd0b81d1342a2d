//! The study file, and the settings that `--set` lays over it: behind a byte 0 each.
#![no_main]

use std::path::Path;

use homolog_fuzz::{Limit, begin, within};
use homolog_study::StudyConfig;

/// A TOML document keeps place and text of every value: up to 110 times its text.
const LIMIT: Limit = Limit { times: 256, fixed: 1 << 20 };

const SHORT: &str = "[study]\nname = \"s\"\n[[model]]\nname = \"a\"\npath = \"a\"\n[[model]]\nname = \"b\"\npath = \"b\"\n\
    [corpus]\ntoken_file = \"t.u16\"\ncontext = 128\n";
const LONG: &str = "[study]\nname = \"s\"\n[[model]]\nname = \"a\"\npath = \"a\"\n[[model]]\nname = \"b\"\npath = \"b\"\n\
    [checkpoints]\nsteps = [1, 20]\npattern = \"c-{step}\"\n[corpus]\nfiles = [\"*.txt\"]\ntokenizer = \"a\"\n\
    tokens = 1000\nheld_out_tokens = 0\nbos = true\ntext_field = \"text\"\ncontext = 8\nexclude_tokens = [0]\n\
    [correlation]\nprecision = \"f32\"\ntop_k = 16\n[baseline]\nkind = \"gaussian-rows\"\ndraws = 2\nseed = 1\n\
    [universality]\nthreshold = 0.5\nthresholds = [0.2, 0.4]\ncount_threshold = 0.5\ncount_models = 1\n\
    [ablation]\nenabled = true\nmodes = [\"zero\", \"mean\"]\ndraws = 3\nmultiples = [1, 2]\nper_layer = true\n\
    seed = 0\ntokens = 0\nprecision = \"f32\"\n[[ablation.set]]\nname = \"x\"\nfile = \"x.csv\"\nmodels = [\"a\"]\n\
    checkpoints = [20]\n";

libfuzzer_sys::fuzz_target!(
    init: {
        let set = |settings: &str| format!("{SHORT}\0{settings}").into_bytes();
        begin("study_file", vec![
            SHORT.into(),
            LONG.into(),
            set("correlation.top_k=8"),
            set("model.1.path=../c\0baseline.kind=permuted-rows\0universality.thresholds=[0.1, 0.9]"),
            set("ablation.enabled=false\0ablation.set=[]"),
        ]);
    },
    |data: &[u8]| {
        let Ok(text) = std::str::from_utf8(data) else { return };
        let mut parts = text.split('\0').map(str::to_owned);
        let text = parts.next().unwrap_or_default();
        let set: Vec<String> = parts.collect();
        within(LIMIT, data.len(), || match StudyConfig::parse(&text, Path::new("study.toml"), &set) {
            Err(error) => drop(error.to_string()),
            Ok(config) => {
                // The file that a run keeps means the same study.
                let resolved = config.to_toml();
                let again = StudyConfig::parse(&resolved, Path::new("study.toml"), &[]);
                let again = again.unwrap_or_else(|error| panic!("{resolved}\n{error}"));
                assert_eq!(again.to_toml(), resolved);
                for step in config.steps() {
                    config.models.iter().for_each(|model| drop(config.folder(model, step)));
                }
            }
        });
    }
);
