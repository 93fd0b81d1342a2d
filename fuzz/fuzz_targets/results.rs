//! What a run folder holds: the manifest, a table, a tensor file; the first byte chooses.
#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use homolog_fuzz::{Limit, begin, choice, chosen, folder, put, tell_caught_panics, within};
use homolog_results::{
    EmergenceRow, Manifest, NeuronRow, TensorData, read_metadata, read_table, read_tensors, write_table, write_tensors,
};

/// JSON values; pages as they say they are.
const LIMIT: Limit = Limit { times: 1024, fixed: 256 << 20 };
const NAMES: [&str; 4] = [Manifest::FILE_NAME, "neurons.parquet", "emergence.parquet", "t.safetensors"];
/// A manifest with an entry in every list.
const MANIFEST: &str = include_str!("manifest.json");

static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| folder("results"));

fn neurons() -> Vec<NeuronRow> {
    let row = |neuron: u32| NeuronRow {
        model: "a".into(),
        checkpoint: (neuron > 1).then_some(i64::from(neuron)),
        layer: 0,
        neuron,
        max_corr: Some(0.5),
        mean_corr: Some(0.25),
        min_corr: None,
        max_baseline: Some(0.125),
        mean_baseline: None,
        min_baseline: None,
        excess_corr: Some(0.375),
        is_universal: neuron == 0,
        n_models_above: neuron,
        is_universal_count: false,
        act_mean: 0.1,
        act_var: 0.2,
        act_skew: None,
        act_kurt: Some(3.0),
        act_min: -0.1,
        act_max: 4.0,
        frac_positive: 0.5,
    };
    (0..4).map(row).collect()
}

fn seeds() -> Vec<Vec<u8>> {
    let read = |name: &str| std::fs::read(FOLDER.join(name)).expect("it was just written");
    write_table(&FOLDER.join("seed"), &neurons(), &[("key".into(), "value".into())]).expect("sound rows");
    let full = read("seed");
    write_table::<NeuronRow>(&FOLDER.join("seed"), &[], &[]).expect("sound rows");
    let empty = read("seed");
    write_table::<EmergenceRow>(&FOLDER.join("seed"), &[], &[]).expect("sound rows");
    let emergence = read("seed");
    let tensors = [
        ("x".to_owned(), TensorData::F64 { shape: vec![2, 1], data: vec![0.5, f64::NAN] }),
        ("y".to_owned(), TensorData::U32 { shape: vec![3], data: vec![1, 2, 3] }),
    ];
    write_tensors(&FOLDER.join("seed"), &tensors, &[("key".into(), "value".into())]).expect("sound tensors");
    vec![chosen(0, MANIFEST), chosen(1, full), chosen(1, empty), chosen(2, emergence), chosen(3, read("seed"))]
}

libfuzzer_sys::fuzz_target!(
    init: {
        begin("results", seeds());
        tell_caught_panics();
    },
    |data: &[u8]| {
        let Some((first, rest)) = choice(data) else { return };
        let name = NAMES[usize::from(first) % NAMES.len()];
        let path = put(&FOLDER, name, rest);
        within(LIMIT, rest.len(), || match name {
            "neurons.parquet" => {
                drop(read_table::<NeuronRow>(&path).map_err(|error| error.to_string()));
                drop(read_metadata(&path).map_err(|error| error.to_string()));
            }
            "emergence.parquet" => drop(read_table::<EmergenceRow>(&path).map_err(|error| error.to_string())),
            "t.safetensors" => match read_tensors(&path) {
                Err(error) => drop(error.to_string()),
                Ok(tensors) => {
                    for name in tensors.names() {
                        let _ = (tensors.f32(&name), tensors.f64(&name), tensors.u32(&name), tensors.u64(&name));
                    }
                }
            },
            _ => match Manifest::read(&FOLDER) {
                Err(error) => drop(error.to_string()),
                Ok(manifest) => assert_eq!(manifest.expect("the file is there").format, Manifest::FORMAT),
            },
        });
    }
);
