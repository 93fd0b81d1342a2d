#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use super::*;
use crate::bundle::Elements;
use crate::bundle::tests::{Unpacked, read};
use crate::test_run::{self, CONTEXT, D_MLP, MODELS, N, N_BINS, N_ROWS, N_WINDOWS, Options, TOP_K, WINDOW_TOKENS};

/// Bundles of an explorer folder, by the line of script that carries each.
fn folder_bundles(folder: &Path) -> BTreeMap<String, Unpacked> {
    let mut bundles = BTreeMap::new();
    for entry in fs::read_dir(folder.join("data")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let call = text.strip_prefix("homolog.add(").and_then(|text| text.strip_suffix(");\n")).unwrap();
        let (name, data): (String, String) = serde_json::from_str(&format!("[{call}]")).unwrap();
        assert_eq!(path.file_name().unwrap().to_str().unwrap(), format!("{name}.js"));
        bundles.insert(name, read(&data));
    }
    bundles
}

fn inline(run: &Run) -> BTreeMap<String, Unpacked> {
    inline_bundles(run).unwrap().iter().map(|(name, data)| (name.clone(), read(data))).collect()
}

fn f32s(bundle: &Unpacked, name: &str) -> Vec<f32> {
    match &bundle.arrays[name].1 {
        Elements::F32(values) => values.clone(),
        other => panic!("{name} is {other:?}"),
    }
}

fn u32s(bundle: &Unpacked, name: &str) -> Vec<u32> {
    match &bundle.arrays[name].1 {
        Elements::U32(values) => values.clone(),
        other => panic!("{name} is {other:?}"),
    }
}

fn same(found: f32, wanted: f32) -> bool {
    (found.is_nan() && wanted.is_nan()) || (found - wanted).abs() <= wanted.abs() * 3e-4
}

#[test]
fn the_folder_has_every_neuron_as_the_tables_say() {
    let folder = tempfile::tempdir().unwrap();
    let run = test_run::open(folder.path(), &Options::default());
    let explorer = folder.path().join("explorer");
    let n_done = AtomicU64::new(0);
    let count = |_, _| {
        n_done.fetch_add(1, Ordering::Relaxed);
        true
    };
    let written = write_explorer(&run, &explorer, &count).unwrap();
    assert_eq!(n_done.into_inner(), written.n_files);
    let bundles = folder_bundles(&explorer);
    // index, vocabulary, 2 texts of 70 rows; of each model: course, tables of 3 checkpoints, details of 2 layers of each.
    assert_eq!(bundles.len() as u64 + 1, written.n_files);
    assert_eq!(bundles.len(), 4 + 3 * (1 + 3 + 6));

    let meta = &bundles["index"].meta;
    assert_eq!(meta["study"], "planted </script>");
    assert_eq!(meta["models"][2]["name"], MODELS[2]);
    assert_eq!(meta["checkpoints"], serde_json::json!([0, 10, 200]));
    assert_eq!((meta["table_checkpoints"].clone(), meta["window_checkpoints"].clone()), ([0, 1, 2].into(), [2].into()));
    assert_eq!((meta["top_k"].as_u64(), meta["rows_per_text"].as_u64()), (Some(4), Some(64)));

    for (model, checkpoint) in [(0, 0), (2, 1), (1, 2)] {
        let table = &bundles[&format!("table-{model}-{checkpoint}")];
        let neurons = run.neurons(model, checkpoint);
        assert_eq!(u32s(table, "neuron"), (0..N).map(|place| (place % D_MLP) as u32).collect::<Vec<_>>());
        let excess = f32s(table, "excess_corr");
        assert!((0..N).all(|place| same(excess[place], neurons.excess_corr[place] as f32)));
        let flags: Vec<u8> = neurons.is_universal.iter().map(|&is| u8::from(is)).collect();
        assert_eq!(table.arrays["is_universal"], (vec![N], Elements::U8(flags)));
        for column in meta["columns"].as_array().unwrap() {
            let wanted = match column["kind"].as_str().unwrap() {
                "number" => "f32",
                "flag" => "u8",
                "integer" => "u32",
                kind => panic!("{kind} is not in the contract"),
            };
            let (shape, elements) = &table.arrays[column["name"].as_str().unwrap()];
            assert_eq!((shape.as_slice(), type_of(elements)), ([N].as_slice(), wanted), "{}", column["name"]);
        }
        for other in run.others(model) {
            let corr = f32s(table, &format!("match.{other}.corr"));
            let neuron = u32s(table, &format!("match.{other}.neuron"));
            let Elements::U16(layer) = &table.arrays[&format!("match.{other}.layer")].1 else { panic!("layer") };
            for place in 0..N {
                let wanted = test_run::max_corr(model, other, checkpoint, place);
                assert!(same(corr[place], wanted.unwrap_or(f32::NAN)));
                let matched = test_run::matched(model, other, checkpoint, place);
                let matched = ((matched / D_MLP) as u16, (matched % D_MLP) as u32);
                let matched = wanted.map_or((u16::MAX, u32::MAX), |_| matched);
                assert_eq!((layer[place], neuron[place]), matched);
            }
        }
    }
    let course = &bundles["course-1"];
    assert_eq!(course.arrays["mean_corr"].0, [N, 3]);
    for place in 0..N {
        for checkpoint in 0..3 {
            let wanted = run.neurons(1, checkpoint).mean_corr[place] as f32;
            assert!(same(f32s(course, "mean_corr")[place * 3 + checkpoint], wanted));
            let wanted = run.neurons(1, checkpoint).mean_baseline[place] as f32;
            assert!(same(f32s(course, "mean_baseline")[place * 3 + checkpoint], wanted));
        }
    }
}

fn type_of(elements: &Elements) -> &'static str {
    match elements {
        Elements::I8(_) => "i8",
        Elements::U8(_) => "u8",
        Elements::U16(_) => "u16",
        Elements::U32(_) => "u32",
        Elements::F32(_) => "f32",
    }
}

#[test]
fn details_have_best_matches_and_windows_of_their_layer() {
    let folder = tempfile::tempdir().unwrap();
    let run = test_run::open(folder.path(), &Options::default());
    write_explorer(&run, &folder.path().join("explorer"), &|_, _| true).unwrap();
    let bundles = folder_bundles(&folder.path().join("explorer"));
    let detail = &bundles["detail-2-2-1"];
    let top_k = u32s(detail, "topk.0.neuron");
    assert_eq!(detail.arrays["topk.0.corr"].0, [D_MLP, TOP_K]);
    assert_eq!(top_k[TOP_K], test_run::matched(2, 0, 2, D_MLP + 1) as u32);
    assert_eq!(top_k[3 * TOP_K..4 * TOP_K], [u32::MAX; TOP_K], "a constant neuron has no matches");

    let (shape, Elements::I8(activation)) = &detail.arrays["activation"] else { panic!("activation") };
    assert_eq!(*shape, [D_MLP, N_WINDOWS, WINDOW_TOKENS]);
    let (scale, row) = (f32s(detail, "scale"), u32s(detail, "row"));
    let peak_activation = f32s(detail, "peak_activation");
    let (partner_shape, Elements::I8(partner)) = &detail.arrays["partner.1.activation"] else { panic!("partner") };
    assert_eq!(*partner_shape, [D_MLP, test_run::N_PARTNER_WINDOWS, WINDOW_TOKENS]);
    let partner_scale = f32s(detail, "partner.1.scale");
    for neuron in 0..D_MLP {
        let counted = (0..N_WINDOWS).flat_map(|window| (1..WINDOW_TOKENS).map(move |at| (window, at)));
        let counted = counted.map(|(window, at)| test_run::activation(2, D_MLP + neuron, window, at).abs());
        assert_eq!(scale[neuron], counted.fold(0.0, f32::max), "the greatest of a token that counts");
        for window in 0..N_WINDOWS {
            let peak = test_run::peak(2, D_MLP + neuron, window);
            let wanted = test_run::activation(2, D_MLP + neuron, window, peak as usize - 1);
            assert!(same(peak_activation[neuron * N_WINDOWS + window], wanted), "{wanted}");
            assert_eq!(row[neuron * N_WINDOWS + window], test_run::window_row(2, D_MLP + neuron, window));
            for position in 0..WINDOW_TOKENS {
                let at = |n_windows: usize| (neuron * n_windows + window) * WINDOW_TOKENS + position;
                let check = |found: i8, scale: f32, wanted: f32| {
                    let value = f32::from(found) / 127.0 * scale;
                    assert!(
                        position > 0 || (D_MLP + neuron).is_multiple_of(2) || found == 127 || wanted.is_nan(),
                        "{found}"
                    );
                    let wanted = wanted.clamp(-scale, scale);
                    let is_close = (value - wanted).abs() <= scale / 127.0 * 1.01;
                    assert!(if wanted.is_nan() { found == -128 } else { is_close }, "{value} for {wanted}");
                };
                let wanted = test_run::activation(2, D_MLP + neuron, window, position);
                check(activation[at(N_WINDOWS)], scale[neuron], wanted);
                if window < test_run::N_PARTNER_WINDOWS {
                    let wanted = test_run::activation(11, D_MLP + neuron, window, position);
                    check(partner[at(test_run::N_PARTNER_WINDOWS)], partner_scale[neuron], wanted);
                }
            }
        }
    }
    let histogram = (0..D_MLP * N_BINS).map(|at| ((D_MLP * N_BINS + at) % 17) as u32).collect();
    assert_eq!(detail.arrays["histogram"], (vec![D_MLP, N_BINS], Elements::U32(histogram)));
    assert_eq!(f32s(detail, "range")[1], run.neurons(2, 2).act_max[D_MLP] as f32);
    assert!(!bundles["detail-2-1-1"].arrays.contains_key("activation"), "a checkpoint without windows");

    let (shape, Elements::U16(rows)) = &bundles["text-1"].arrays["rows"] else { panic!("rows") };
    assert_eq!(*shape, [N_ROWS - 64, CONTEXT]);
    assert_eq!(rows[CONTEXT + 2], test_run::token(65, 2) as u16);
    let tokens: Vec<&str> =
        bundles["vocabulary"].meta["tokens"].as_array().unwrap().iter().map(|token| token.as_str().unwrap()).collect();
    assert_eq!(tokens, test_run::TOKENS);
}

#[test]
fn of_a_screened_search_every_match_says_how_sure_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let run = test_run::open(folder.path(), &Options { steps: vec![None], is_screened: true, ..Options::default() });
    write_explorer(&run, &folder.path().join("explorer"), &|_, _| true).unwrap();
    let bundles = folder_bundles(&folder.path().join("explorer"));
    assert_eq!(bundles["index"].meta["is_screened"], true);
    let table = &bundles["table-1-0"];
    let is_exact = (0..N).map(|place| u8::from(place % 2 == 0)).collect();
    assert_eq!(table.arrays["match.2.is_exact"], (vec![N], Elements::U8(is_exact)));
    for (place, margin) in f32s(table, "match.2.margin").into_iter().enumerate() {
        let is_screened = place % 2 == 1 && place != D_MLP + 3;
        let wanted = if is_screened { test_run::margin((place % D_MLP) as u32) } else { f32::NAN };
        assert!(same(margin, wanted), "{place}: {margin}");
    }

    let folder = tempfile::tempdir().unwrap();
    let run = test_run::open(folder.path(), &Options::default());
    write_explorer(&run, &folder.path().join("explorer"), &|_, _| true).unwrap();
    let bundles = folder_bundles(&folder.path().join("explorer"));
    assert_eq!(bundles["index"].meta["is_screened"], false);
    assert!(!bundles["table-1-0"].arrays.contains_key("match.2.margin"), "an exact search has nothing to say");
}

#[test]
fn columns_of_evidence_are_there_where_there_is_any() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = test_run::open(folder.path(), &Options { steps: vec![None], ..Options::default() });
    let columns = |run: &Run| {
        let table = inline(run)["table-0-0"].arrays.keys().cloned().collect::<Vec<String>>();
        ["excess_low", "excess_high", "cross_fitted_excess", "q_bh", "token_share"]
            .map(|name| table.contains(&name.to_owned()))
    };
    assert_eq!(columns(&run), [true; 5]);
    write_explorer(&run, &folder.path().join("explorer"), &|_, _| true).unwrap();
    let table = &folder_bundles(&folder.path().join("explorer"))["table-1-0"];
    let low = f32s(table, "excess_low");
    assert!(low[5].is_nan() && same(low[4], run.neurons(1, 0).excess_corr[4] as f32 - 0.04), "{low:?}");
    let is_mutual = (0..N).map(|place| u8::from(place < 2)).collect();
    assert_eq!(table.arrays["match.2.is_mutual"], (vec![N], Elements::U8(is_mutual)));
    let sizes: Vec<u32> = (0..N).map(|place| if place < 2 { 3 } else { 1 }).collect();
    assert_eq!(u32s(table, "n_models_clique"), sizes);
    run.without_evidence();
    assert_eq!(columns(&run), [false; 5]);
}

#[test]
fn equal_runs_give_equal_folders_and_stale_bundles_go() {
    let folder = tempfile::tempdir().unwrap();
    let run = test_run::open(folder.path(), &Options::default());
    let [a, b] = ["a", "b"].map(|name| folder.path().join(name));
    let written = write_explorer(&run, &a, &|_, _| true).unwrap();
    fs::create_dir_all(b.join("data")).unwrap();
    for name in ["table-9-9.js", "notes.txt"] {
        fs::write(b.join("data").join(name), "stale").unwrap();
    }
    assert_eq!(write_explorer(&run, &b, &|_, _| true).unwrap(), written);
    assert!(b.join("data/notes.txt").exists() && !b.join("data/table-9-9.js").exists());
    for entry in fs::read_dir(a.join("data")).unwrap() {
        let path = entry.unwrap().path();
        let same = b.join("data").join(path.file_name().unwrap());
        assert_eq!(fs::read(&path).unwrap(), fs::read(same).unwrap(), "{}", path.display());
    }
}

#[test]
fn a_run_without_windows_or_vocabulary_has_neither() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { steps: vec![None], has_windows: false, has_vocabulary: false, ..Options::default() };
    let run = test_run::open(folder.path(), &options);
    write_explorer(&run, &folder.path().join("explorer"), &|_, _| true).unwrap();
    let bundles = folder_bundles(&folder.path().join("explorer"));
    let meta = &bundles["index"].meta;
    assert_eq!(meta["window_checkpoints"], serde_json::json!([]));
    assert_eq!(meta["checkpoints"], serde_json::json!([null]));
    assert_eq!((meta["rows_per_text"].as_u64(), meta["has_vocabulary"].as_bool()), (Some(0), Some(false)));
    assert!(bundles.keys().all(|name| !name.starts_with("text") && name != "vocabulary"));
    assert!(!bundles["detail-0-0-0"].arrays.contains_key("row"));
}

#[test]
fn the_report_lists_universal_neurons_and_a_control_of_each() {
    let folder = tempfile::tempdir().unwrap();
    let run = test_run::open(folder.path(), &Options::default());
    let bundles = inline(&run);
    let meta = &bundles["index"].meta;
    assert_eq!((meta["scope"].as_str(), meta["table_checkpoints"].clone()), (Some("selected"), [2].into()));
    assert!(bundles.keys().all(|name| !name.starts_with("text")));
    let mut n_universal = 0;
    for model in 0..MODELS.len() {
        let table = &bundles[&format!("table-{model}-2")];
        let Elements::U8(is_universal) = &table.arrays["is_universal"].1 else { panic!("flags") };
        let Elements::U8(is_control) = &table.arrays["is_control"].1 else { panic!("flags") };
        let Elements::U16(layers) = &table.arrays["layer"].1 else { panic!("layers") };
        let wanted = run.neurons(model, 2).is_universal.iter().filter(|&&is| is).count();
        assert_eq!(is_universal.iter().map(|&is| usize::from(is)).sum::<usize>(), wanted);
        assert!(is_universal.iter().zip(is_control).all(|(universal, control)| universal + control == 1));
        for layer in 0..2 {
            let count = |flags: &[u8]| (0..flags.len()).filter(|&at| layers[at] == layer && flags[at] == 1).count();
            assert!(count(is_control) <= count(is_universal));
        }
        n_universal += wanted;
        for layer in 0..2 {
            let Some(detail) = bundles.get(&format!("detail-{model}-2-{layer}")) else { continue };
            let (shape, Elements::U32(tokens)) = &detail.arrays["tokens"] else { panic!("tokens") };
            let (neuron, row) = (u32s(detail, "neuron"), u32s(detail, "row"));
            assert_eq!(*shape, [neuron.len(), N_WINDOWS, WINDOW_TOKENS]);
            for (window, &row) in row.iter().enumerate() {
                let found = &tokens[window * WINDOW_TOKENS..][..WINDOW_TOKENS];
                let wanted: Vec<u32> = (0..WINDOW_TOKENS)
                    .map(
                        |position| if row == u32::MAX { u32::MAX } else { test_run::token(row as usize, 1 + position) },
                    )
                    .collect();
                assert_eq!(found, wanted);
            }
        }
    }
    assert!(n_universal > 0, "the run has universal neurons");
}

#[test]
fn controls_are_the_nearest_that_are_left() {
    let folder = tempfile::tempdir().unwrap();
    test_run::write(folder.path(), &Options { steps: vec![None], ..Options::default() });
    let path = folder.path().join("tables/neurons.parquet");
    let mut rows: Vec<homolog_results::NeuronRow> = homolog_results::read_table(&path).unwrap();
    for row in &mut rows {
        // Two universal neurons in layer 0 of one model; log variances 0, 1, 2, ..., equal shares.
        row.is_universal = row.model == MODELS[0] && row.layer == 0 && [2, 3].contains(&row.neuron);
        row.excess_corr = Some(if row.neuron == 3 { 0.9 } else { 0.6 });
        row.act_var = f64::from(row.neuron).exp();
        row.frac_positive = 0.25;
    }
    homolog_results::write_table(&path, &rows, &[]).unwrap();
    let selection = Selection::universal(&Run::open(folder.path()).unwrap());
    // Neuron 3 chooses first and takes 4 (2 is universal); neuron 2 takes 1.
    assert_eq!(selection.neurons, [vec![1, 2, 3, 4], vec![], vec![]]);
    assert_eq!(selection.controls, [vec![1, 4], vec![], vec![]]);
}

#[test]
fn without_universal_neurons_the_report_says_so_and_lists_none() {
    let folder = tempfile::tempdir().unwrap();
    test_run::write(folder.path(), &Options { steps: vec![None], ..Options::default() });
    let path = folder.path().join("tables/neurons.parquet");
    let mut rows: Vec<homolog_results::NeuronRow> = homolog_results::read_table(&path).unwrap();
    for row in &mut rows {
        row.is_universal = false;
    }
    homolog_results::write_table(&path, &rows, &[]).unwrap();
    let bundles = inline(&Run::open(folder.path()).unwrap());
    assert_eq!(bundles["table-0-0"].arrays["neuron"].0, [0]);
    assert!(bundles["index"].meta["notes"][0].as_str().unwrap().starts_with("No neuron is universal"));
    assert!(bundles.keys().all(|name| !name.starts_with("detail")));
}
