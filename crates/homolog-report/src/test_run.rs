//! A small run folder, written through homolog-results: 3 models, 2 layers of 8 neurons, hostile names and tokens.

#![expect(clippy::unwrap_used, reason = "tests")]

pub(crate) mod impact;

use std::fs;
use std::path::Path;

use homolog_results::{
    AblationRow, CliqueRow, DamageRow, EmergenceRow, FileRecord, Inputs, Manifest, MatchRow, ModelRow, NeuronRow,
    NullRow, PersistenceRow, ScreeningRow, StabilityRow, Table, TableRecord, TensorData, TokensInput, VocabularyRow,
    WeightsInput, file_hash, sort_rows, write_table, write_tensors,
};

use crate::Run;

pub(crate) const MODELS: [&str; 3] = ["seed-b", "seed-a", "</script><b>&\"'"];
pub(crate) const N_LAYERS: usize = 2;
pub(crate) const D_MLP: usize = 8;
pub(crate) const N: usize = N_LAYERS * D_MLP;
pub(crate) const TOP_K: usize = 4;
pub(crate) const N_WINDOWS: usize = 3;
pub(crate) const WINDOW_TOKENS: usize = 4;
pub(crate) const N_PARTNER_WINDOWS: usize = 2;
pub(crate) const N_BINS: usize = 5;
pub(crate) const N_ROWS: usize = 70;
pub(crate) const CONTEXT: usize = 6;
pub(crate) const THRESHOLD: f64 = 0.5;

/// What the run is to have.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each says by itself what the run has")]
pub(crate) struct Options {
    pub(crate) steps: Vec<Option<i64>>,
    pub(crate) has_windows: bool,
    pub(crate) has_vocabulary: bool,
    /// Whether neurons of odd places were screened.
    pub(crate) is_screened: bool,
    pub(crate) is_finished: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            steps: vec![Some(0), Some(10), Some(200)],
            has_windows: true,
            has_vocabulary: true,
            is_screened: false,
            is_finished: true,
        }
    }
}

/// A number in [0, 1) of everything that it is for.
pub(crate) fn noise(parts: &[usize]) -> f64 {
    let mix = parts.iter().fold(0x9e37_79b9_7f4a_7c15_u64, |state, &part| {
        let state = (state ^ part as u64).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state ^ (state >> 29)
    });
    (mix >> 11) as f64 / (1_u64 << 53) as f64
}

/// The correlation of a neuron's match; neuron 3 of layer 1 is constant.
pub(crate) fn max_corr(model: usize, other: usize, checkpoint: usize, neuron: usize) -> Option<f32> {
    (neuron != D_MLP + 3).then(|| (0.2 + 0.75 * noise(&[1, model, checkpoint, neuron]) + 0.04 * other as f64) as f32)
}

pub(crate) fn matched(model: usize, other: usize, checkpoint: usize, neuron: usize) -> usize {
    (noise(&[2, model, other, checkpoint, neuron]) * N as f64) as usize
}

pub(crate) fn token(row: usize, position: usize) -> u32 {
    // The first token of every window is not counted.
    if position == 1 { 0 } else { ((row * 7 + position * 3) % 11) as u32 }
}

pub(crate) const TOKENS: [&str; 11] = [
    "<|endoftext|>",
    " the",
    "</script>",
    "<img src=x onerror=alert(1)>",
    "\\xE2",
    "\n",
    "\"",
    "&amp;",
    "é",
    "<!--",
    "]]>",
];

/// Write it to `folder`.
pub(crate) fn write(folder: &Path, options: &Options) {
    let steps = &options.steps;
    let mut neurons = Vec::new();
    let mut matches = Vec::new();
    let mut models = Vec::new();
    let mut weights = Vec::new();
    let mut top_k = Vec::new();
    let mut screening = Vec::new();
    for (checkpoint, &step) in steps.iter().enumerate() {
        for (model, name) in MODELS.iter().enumerate() {
            weights.push(WeightsInput {
                model: (*name).to_owned(),
                checkpoint: step,
                path: format!("models/{model}"),
                weights_hash: format!("{model}{checkpoint}").repeat(8),
                config_file_hash: "cc".repeat(16),
            });
            models.push(ModelRow {
                model: (*name).to_owned(),
                checkpoint: step,
                loss_nats: 5.0 - checkpoint as f64 + 0.1 * model as f64,
                n_targets: 350,
                n_tokens_counted: 400,
                n_undefined: 1,
                weights_hash: format!("{model}{checkpoint}").repeat(8),
                tokens_hash: "ab".repeat(16),
                loss_tokens: "same".to_owned(),
                n_blocks: Some(64),
                blocks_of: Some("rows".to_owned()),
                n_frequent_tokens: Some(9),
                frequent_token_share: Some(0.5),
                least_token_count: Some(50),
            });
            for neuron in 0..N {
                neurons.push(neuron_row(model, checkpoint, step, neuron));
            }
            for other in (0..MODELS.len()).filter(|&other| other != model) {
                matches.extend((0..N).map(|neuron| match_row(model, other, checkpoint, step, neuron)));
                screening.push(screening_row(model, other, step));
                let prefix = step.map(|step| format!("{step}/")).unwrap_or_default();
                let tensor = |what: &str| format!("{prefix}{name}+{}.{what}", MODELS[other]);
                let corr = (0..N * TOP_K).map(|at| match max_corr(model, other, checkpoint, at / TOP_K) {
                    Some(corr) => corr - 0.01 * (at % TOP_K) as f32,
                    None => f32::NAN,
                });
                let rivals = (0..N * TOP_K).map(|at| match max_corr(model, other, checkpoint, at / TOP_K) {
                    Some(_) => ((matched(model, other, checkpoint, at / TOP_K) + at % TOP_K) % N) as u32,
                    None => u32::MAX,
                });
                top_k.push((tensor("corr"), TensorData::F32 { shape: vec![N, TOP_K], data: corr.collect() }));
                top_k.push((tensor("neuron"), TensorData::U32 { shape: vec![N, TOP_K], data: rivals.collect() }));
            }
        }
    }
    let emergence = emergence(&neurons);
    let cliques: Vec<CliqueRow> = steps.iter().flat_map(|&step| clique_rows(step)).collect();
    let nulls: Vec<NullRow> = steps.iter().flat_map(|&step| null_rows(step)).collect();
    let table = |name: &str| folder.join("tables").join(name).with_extension("parquet");
    sort_rows(&mut neurons);
    sort_rows(&mut matches);
    sort_rows(&mut models);
    write_table(&table("neurons"), &neurons, &[]).unwrap();
    write_table(&table("matches"), &matches, &[]).unwrap();
    write_table(&table("models"), &models, &[]).unwrap();
    write_table(&table("emergence"), &emergence, &[]).unwrap();
    write_table::<PersistenceRow>(&table("persistence"), &[], &[]).unwrap();
    write_table::<StabilityRow>(&table("stability"), &[], &[]).unwrap();
    write_table::<AblationRow>(&table("ablation"), &[], &[]).unwrap();
    write_table::<DamageRow>(&table("damage"), &[], &[]).unwrap();
    write_sorted(&table("balance"), impact::balance_rows(steps));
    write_sorted(&table("singles"), impact::single_rows(steps));
    write_sorted(&table("attribution"), impact::attribution_rows(steps));
    write_sorted(&table("family"), impact::family_rows(steps));
    write_sorted(&table("cliques"), cliques);
    write_sorted(&table("nulls"), nulls);
    write_tensors(&folder.join("tensors/topk.safetensors"), &top_k, &[]).unwrap();
    let mut tables = vec![
        "models",
        "neurons",
        "matches",
        "emergence",
        "persistence",
        "stability",
        "ablation",
        "damage",
        "balance",
        "singles",
        "attribution",
        "family",
        "cliques",
        "nulls",
    ];
    let mut tensors = vec!["topk".to_owned()];
    if options.is_screened {
        for row in matches.iter_mut().filter(|row| row.neuron % 2 == 1) {
            (row.is_exact, row.margin) = (false, row.max_corr.map(|_| margin(row.neuron)));
        }
        write_table(&table("matches"), &matches, &[]).unwrap();
        sort_rows(&mut screening);
        write_table(&table("screening"), &screening, &[]).unwrap();
        tables.push("screening");
    }
    if options.has_vocabulary {
        tables.push("vocabulary");
        let row = |(token, text): (usize, &&str)| VocabularyRow {
            token: token as u32,
            text: (*text).to_owned(),
            is_utf8: *text != "\\xE2",
            count: 1,
        };
        let rows: Vec<VocabularyRow> = TOKENS.iter().enumerate().map(row).collect();
        write_table(&table("vocabulary"), &rows, &[]).unwrap();
    }
    if options.has_windows {
        write_windows(folder, steps.len() - 1);
        tensors.push("tokens".to_owned());
        tensors.extend((0..MODELS.len()).map(|model| format!("windows-{}-{model}", steps.len() - 1)));
    }
    fs::write(folder.join("study.resolved.toml"), SETTINGS).unwrap();
    let mut manifest = manifest(weights, options.is_finished);
    manifest.tables = tables.iter().map(|name| table_record(folder, name)).collect();
    manifest.tensors = tensors.iter().map(|name| tensor_record(folder, name)).collect();
    manifest.write(folder).unwrap();
}

fn table_record(folder: &Path, name: &str) -> TableRecord {
    let path = format!("tables/{name}.parquet");
    let FileRecord { path, n_bytes, hash } = file_record(folder, path);
    TableRecord { name: name.to_owned(), path, n_rows: 0, n_bytes, hash }
}

fn tensor_record(folder: &Path, name: &str) -> FileRecord {
    file_record(folder, format!("tensors/{name}.safetensors"))
}

fn file_record(folder: &Path, path: String) -> FileRecord {
    let file = folder.join(&path);
    FileRecord { path, n_bytes: fs::metadata(&file).unwrap().len(), hash: file_hash(&file).unwrap() }
}

/// Write it and open it.
pub(crate) fn open(folder: &Path, options: &Options) -> Run {
    write(folder, options);
    Run::open(folder).unwrap()
}

fn neuron_row(model: usize, checkpoint: usize, step: Option<i64>, neuron: usize) -> NeuronRow {
    let corr: Vec<f64> = (0..MODELS.len())
        .filter(|&other| other != model)
        .filter_map(|other| max_corr(model, other, checkpoint, neuron).map(f64::from))
        .collect();
    let mean = (!corr.is_empty()).then(|| corr.iter().sum::<f64>() / corr.len() as f64);
    let excess = mean.map(|mean| mean - 0.125);
    // Of neuron 5 too little is known for an interval.
    let sure = excess.filter(|_| neuron != 5);
    let p = excess.map(|excess| (0.9 - excess).max(0.0).powi(4));
    let q = p.map(|p| (2.0 * p).min(1.0));
    NeuronRow {
        model: MODELS[model].to_owned(),
        checkpoint: step,
        layer: (neuron / D_MLP) as u16,
        neuron: (neuron % D_MLP) as u32,
        max_corr: corr.iter().copied().reduce(f64::max),
        mean_corr: mean,
        min_corr: corr.iter().copied().reduce(f64::min),
        max_baseline: mean.map(|_| 0.125),
        mean_baseline: mean.map(|_| 0.125),
        min_baseline: mean.map(|_| 0.125),
        excess_corr: excess,
        is_exact: true,
        excess_se: sure.map(|_| 0.02),
        excess_low: sure.map(|excess| excess - 0.04),
        excess_high: sure.map(|excess| excess + 0.04),
        cross_fitted_corr: mean.map(|mean| mean - 0.01),
        cross_fitted_excess: excess.map(|excess| excess - 0.01),
        p_value: p,
        p_is_fitted: p.map(|p| p < 0.001),
        q_bh: q,
        q_by: q.map(|q| (3.0 * q).min(1.0)),
        is_universal: excess.is_some_and(|excess| excess > THRESHOLD),
        is_universal_excess: excess.is_some_and(|excess| excess > THRESHOLD),
        is_universal_fdr: q.is_some_and(|q| q <= 0.05),
        n_mutual: u32::from(neuron < 2) * 2,
        // Neurons 0 and 1 of each model are a set each.
        n_models_clique: if neuron < 2 { MODELS.len() as u32 } else { 1 },
        mean_corr_without_both: mean.map(|mean| 0.5 * mean),
        token_share: mean.map(|mean| 0.4 * mean),
        position_share: mean.map(|_| 0.01),
        token_position_share: mean.map(|mean| 0.4 * mean + 0.01),
        n_models_above: corr.iter().filter(|&&corr| corr > 0.5).count() as u32,
        is_universal_count: corr.iter().filter(|&&corr| corr > 0.5).count() >= 2,
        act_mean: noise(&[3, model, checkpoint, neuron]),
        act_var: if mean.is_some() { 0.01 + noise(&[4, model, checkpoint, neuron]) } else { 0.0 },
        act_skew: mean,
        act_kurt: mean.map(|mean| 3.0 + mean),
        act_min: -0.17,
        act_max: 2.0 + noise(&[5, model, checkpoint, neuron]),
        frac_positive: noise(&[6, model, checkpoint, neuron]),
        attribution_zero_nats: Some(impact::first_order(model, neuron)),
        ..NeuronRow::default()
    }
}

fn match_row(model: usize, other: usize, checkpoint: usize, step: Option<i64>, neuron: usize) -> MatchRow {
    let corr = max_corr(model, other, checkpoint, neuron);
    let place = matched(model, other, checkpoint, neuron);
    MatchRow {
        model: MODELS[model].to_owned(),
        other: MODELS[other].to_owned(),
        checkpoint: step,
        layer: (neuron / D_MLP) as u16,
        neuron: (neuron % D_MLP) as u32,
        max_corr: corr,
        matched_layer: corr.map(|_| (place / D_MLP) as u16),
        matched_neuron: corr.map(|_| (place % D_MLP) as u32),
        second_corr: corr.map(|corr| corr - 0.01),
        lowest_corr: corr.map(|corr| -corr),
        lowest_layer: corr.map(|_| 0),
        lowest_neuron: corr.map(|_| 7),
        is_exact: true,
        margin: None,
        baseline: corr.map(|_| 0.125),
        is_baseline_exact: true,
        max_corr_se: corr.map(|_| 0.02),
        max_corr_low: corr.map(|corr| corr - 0.04),
        max_corr_high: corr.map(|corr| corr + 0.03),
        n_eff: corr.map(|_| 90.0),
        cross_fitted_corr: corr.map(|corr| corr - 0.01),
        is_same_in_halves: corr.map(|_| neuron.is_multiple_of(4)),
        lead: corr.map(|_| 0.01),
        lead_se: corr.map(|_| 0.02),
        is_mutual: neuron < 2,
        corr_without_token: corr.map(|corr| 0.75 * corr),
        corr_without_position: corr.map(|corr| 0.9 * corr),
        // Of neuron 6 nothing is left.
        corr_without_both: corr.filter(|_| neuron != 6).map(|corr| 0.5 * corr),
        ..MatchRow::default()
    }
}

/// Of a screened neuron, in standard errors.
pub(crate) fn margin(neuron: u32) -> f32 {
    6.0 + neuron as f32
}

pub(crate) fn screening_row(model: usize, other: usize, step: Option<i64>) -> ScreeningRow {
    ScreeningRow {
        model: MODELS[model].to_owned(),
        other: MODELS[other].to_owned(),
        checkpoint: step,
        n_tokens_sample: 100,
        n_tokens_narrowing: None,
        n_neurons: N as u64,
        n_audited: 2,
        n_unsure: 3,
        n_near_threshold: 3,
        n_screened: 8,
        least_margin: Some(7.0),
        n_audited_sure: 2,
        n_same_match: 2,
        max_corr_difference: Some(0.001),
        baseline_bias: Some(0.0),
        baseline_bias_sd: Some(0.001),
        baseline_bias_largest: Some(0.002),
    }
}

fn write_sorted<T: Table>(path: &Path, mut rows: Vec<T>) {
    sort_rows(&mut rows);
    write_table(path, &rows, &[]).unwrap();
}

/// Neurons 0 of all models are one set, neurons 1 another, of which the first is universal.
fn clique_rows(step: Option<i64>) -> Vec<CliqueRow> {
    let row = |clique: u32, model: &str| CliqueRow {
        checkpoint: step,
        clique,
        model: model.to_owned(),
        layer: 0,
        neuron: clique,
        n_models: MODELS.len() as u32,
        is_full: true,
        min_corr: 0.6,
        mean_corr: 0.7,
        excess_corr: Some(0.55 - 0.1 * f64::from(clique)),
        is_universal: clique == 0,
    };
    (0..2).flat_map(|clique| MODELS.map(|model| row(clique, model))).collect()
}

fn null_rows(step: Option<i64>) -> Vec<NullRow> {
    let row = |model: &str, layer: u16| NullRow {
        null: "rotation".to_owned(),
        model: model.to_owned(),
        other: None,
        checkpoint: step,
        layer,
        n_draws: 4,
        n_maxima: 4 * D_MLP as u64,
        mean: Some(0.125),
        sd: Some(0.01),
        greatest: Some(0.15),
        is_pooled: Some(true),
        ks_distance: Some(0.05),
        tail_from: None,
        tail_scale: None,
        tail_shape: None,
    };
    MODELS.iter().flat_map(|model| (0..N_LAYERS as u16).map(move |layer| row(model, layer))).collect()
}

/// By counting, for two thresholds.
fn emergence(neurons: &[NeuronRow]) -> Vec<EmergenceRow> {
    let mut rows: Vec<EmergenceRow> = Vec::new();
    for row in neurons {
        for threshold in [0.3, THRESHOLD] {
            for layer in [None, Some(row.layer)] {
                let is_universal = row.excess_corr.is_some_and(|excess| excess > threshold);
                let is_surely = row.excess_low.is_some_and(|low| low > threshold);
                let is_possibly = row.excess_high.is_some_and(|high| high > threshold);
                let same = |counted: &&mut EmergenceRow| {
                    (&counted.model, counted.checkpoint, counted.layer, counted.threshold)
                        == (&row.model, row.checkpoint, layer, threshold)
                };
                match rows.iter_mut().find(same) {
                    Some(counted) => {
                        counted.n_neurons += 1;
                        counted.n_universal += u64::from(is_universal);
                        counted.n_surely = counted.n_surely.map(|n| n + u64::from(is_surely));
                        counted.n_possibly = counted.n_possibly.map(|n| n + u64::from(is_possibly));
                    }
                    None => rows.push(EmergenceRow {
                        model: row.model.clone(),
                        checkpoint: row.checkpoint,
                        layer,
                        threshold,
                        n_neurons: 1,
                        n_universal: u64::from(is_universal),
                        n_surely: Some(u64::from(is_surely)),
                        n_possibly: Some(u64::from(is_possibly)),
                        ..EmergenceRow::default()
                    }),
                }
            }
        }
    }
    for row in &mut rows {
        row.share = row.n_universal as f64 / row.n_neurons as f64;
        row.share_se = Some(0.05);
        row.share_low = Some(row.share - 0.1);
        row.share_high = Some(row.share + 0.1);
    }
    sort_rows(&mut rows);
    rows
}

/// Neuron 5 has two windows, neuron 6 one that ends early, neuron 7 none.
pub(crate) fn has_window(neuron: usize, window: usize) -> bool {
    neuron != 7 && !(neuron == 5 && window == 2)
}

pub(crate) fn activation(model: usize, neuron: usize, window: usize, position: usize) -> f32 {
    if !has_window(neuron, window) || (neuron == 6 && window == 0 && position == 3) {
        return f32::NAN;
    }
    // Of odd neurons the first token of a window, which is not counted, is more active than any that is.
    let extra = if neuron % 2 == 1 && position == 0 { 30.0 } else { 0.0 };
    (extra + 3.0 * noise(&[7, model, neuron, window, position]) - 0.17) as f32
}

/// Position in the row of the greatest activation of a token that counts.
pub(crate) fn peak(model: usize, neuron: usize, window: usize) -> u32 {
    let counted = 1..WINDOW_TOKENS;
    let value = |at: usize| activation(model, neuron, window, at);
    let later = |best: usize, at: usize| if value(at) > value(best) { at } else { best };
    if has_window(neuron, window) { 1 + counted.reduce(later).unwrap() as u32 } else { u32::MAX }
}

pub(crate) fn window_row(model: usize, neuron: usize, window: usize) -> u32 {
    if has_window(neuron, window) { ((model * 13 + neuron * 5 + window * 31) % N_ROWS) as u32 } else { u32::MAX }
}

fn write_windows(folder: &Path, checkpoint: usize) {
    let rows = (0..N_ROWS * CONTEXT).map(|at| token(at / CONTEXT, at % CONTEXT));
    let rows = TensorData::U32 { shape: vec![N_ROWS, CONTEXT], data: rows.collect() };
    write_tensors(&folder.join("tensors/tokens.safetensors"), &[("rows".to_owned(), rows)], &[]).unwrap();
    for model in 0..MODELS.len() {
        let each = |of: &dyn Fn(usize, usize) -> u32| TensorData::U32 {
            shape: vec![N, N_WINDOWS],
            data: (0..N * N_WINDOWS).map(|at| of(at / N_WINDOWS, at % N_WINDOWS)).collect(),
        };
        let activations = |n_windows: usize, model: usize| TensorData::F32 {
            shape: vec![N, n_windows, WINDOW_TOKENS],
            data: (0..N * n_windows * WINDOW_TOKENS)
                .map(|at| {
                    let (window, position) = (at / WINDOW_TOKENS, at % WINDOW_TOKENS);
                    activation(model, window / n_windows, window % n_windows, position)
                })
                .collect(),
        };
        let histogram = (0..N * N_BINS).map(|at| (at % 17) as u32).collect();
        let mut tensors = vec![
            ("row".to_owned(), each(&|neuron, window| window_row(model, neuron, window))),
            ("start".to_owned(), each(&|neuron, window| if has_window(neuron, window) { 1 } else { u32::MAX })),
            ("peak".to_owned(), each(&|neuron, window| peak(model, neuron, window))),
            ("n_duplicates".to_owned(), each(&|neuron, _| neuron as u32)),
            ("activation".to_owned(), activations(N_WINDOWS, model)),
            ("histogram".to_owned(), TensorData::U32 { shape: vec![N, N_BINS], data: histogram }),
        ];
        for other in (0..MODELS.len()).filter(|&other| other != model) {
            tensors.push((format!("partner.{other}.activation"), activations(N_PARTNER_WINDOWS, 10 + other)));
        }
        write_tensors(&folder.join(format!("tensors/windows-{checkpoint}-{model}.safetensors")), &tensors, &[])
            .unwrap();
    }
}

fn manifest(weights: Vec<WeightsInput>, is_finished: bool) -> Manifest {
    Manifest {
        format: Manifest::FORMAT,
        homolog_version: "0.0.0".to_owned(),
        code_commit: "abc".to_owned(),
        allowed_config_keys: Vec::new(),
        study: "planted </script>".to_owned(),
        study_key: "dd".repeat(16),
        resolved_hash: "ee".repeat(16),
        is_finished,
        isa: "avx2".to_owned(),
        precision: "f32".to_owned(),
        ablation_precision: "f32".to_owned(),
        n_threads: 2,
        tokenizer: "unproved".to_owned(),
        inputs: Inputs {
            tokens: TokensInput {
                path: "rows.u16".to_owned(),
                tokens_hash: "ab".repeat(16),
                n_rows: N_ROWS as u64,
                context: CONTEXT as u64,
                n_tokens_counted: 400,
            },
            held_out_tokens: None,
            text: None,
            weights,
            neuron_lists: Vec::new(),
        },
        seeds: [("ablation".to_owned(), 0), ("baseline".to_owned(), 0)].into(),
        n_tokens_counted: 400,
        exclude_tokens: vec![0],
        n_undefined_pairs: 93,
        stages: Vec::new(),
        tables: Vec::new(),
        tensors: Vec::new(),
        notes: vec!["a note with <b>".to_owned()],
        audit: None,
    }
}

const SETTINGS: &str = r#"[study]
name = "planted </script>"

[corpus]
token_file = "rows.u16"
context = 6

[correlation]
precision = "f32"
search = "exact"
top_k = 4

[baseline]
kind = "orthogonal"
draws = 1
seed = 0

[universality]
rule = "excess"
threshold = 0.5
thresholds = [0.3, 0.5]
count_threshold = 0.5
count_models = 2
fdr = 0.05
fdr_family = "checkpoint"

[evidence]
enabled = true
blocks = 64
level = 0.95
candidates = 4
cross_fit = true
frequent_tokens = 1000
least_token_count = 50

[nulls]
permuted_rows = 0
seed = 0

[ablation]
enabled = true
modes = ["zero", "mean"]
draws = 2
multiples = [1, 2, 5]
per_layer = false
permutations = 100
seed = 0
tokens = 0
level = 0.95
resamples = 1000
precision = "f32"
"#;
