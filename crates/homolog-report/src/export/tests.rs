#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;

use homolog_results::{Manifest, NeuronRow, TableRecord, VocabularyRow, read_table};
use serde_json::Value;

use super::*;
use crate::test_run::{self, D_MLP, MODELS, N, Options};

#[test]
fn tables_come_back_from_csv() {
    let folder = tempfile::tempdir().unwrap();
    test_run::write(folder.path(), &Options::default());
    let output = folder.path().join("csv");
    let written = export(folder.path(), ExportFormat::Csv, &output, &|_| {}).unwrap();
    let manifest = Manifest::read(folder.path()).unwrap().unwrap();
    for name in ["damage", "balance", "singles", "attribution", "family"] {
        assert!(manifest.tables.iter().any(|table| table.name == name), "{name}");
    }
    assert_eq!(written.n_files, manifest.tables.len() as u64);
    for table in &manifest.tables {
        assert!(output.join(&table.name).with_extension("csv").is_file(), "{}", table.name);
    }
    let total: u64 = fs::read_dir(&output).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
    assert_eq!(written.n_bytes, total);

    let rows: Vec<NeuronRow> = read_table(&folder.path().join("tables/neurons.parquet")).unwrap();
    let mut csv = csv::Reader::from_path(output.join("neurons.csv")).unwrap();
    let column = |name: &str| <NeuronRow as homolog_results::Table>::COLUMNS.iter().position(|at| *at == name).unwrap();
    assert_eq!(csv.headers().unwrap().len(), <NeuronRow as homolog_results::Table>::COLUMNS.len());
    let records: Vec<csv::StringRecord> = csv.records().map(Result::unwrap).collect();
    assert_eq!(records.len(), rows.len());
    for (record, row) in records.iter().zip(&rows) {
        assert_eq!(record[column("model")], row.model);
        assert_eq!(record[column("excess_corr")].parse::<f64>().ok(), row.excess_corr);
        assert_eq!(record[column("is_universal")], row.is_universal.to_string());
    }
    assert!(records.iter().any(|record| record[column("excess_corr")].is_empty()), "a null is empty");

    // Newlines, quotes and commas in tokens stay within their cells.
    let rows: Vec<VocabularyRow> = read_table(&folder.path().join("tables/vocabulary.parquet")).unwrap();
    let mut csv = csv::Reader::from_path(output.join("vocabulary.csv")).unwrap();
    let texts: Vec<String> = csv.records().map(|record| record.unwrap()[1].to_owned()).collect();
    assert_eq!(texts, rows.iter().map(|row| row.text.clone()).collect::<Vec<_>>());
}

#[test]
fn tables_of_an_earlier_call_stay_behind_and_unknown_ones_are_named() {
    let folder = tempfile::tempdir().unwrap();
    test_run::write(folder.path(), &Options::default());
    let mut manifest = Manifest::read(folder.path()).unwrap().unwrap();
    let vocabulary = manifest.tables.pop().unwrap();
    manifest.write(folder.path()).unwrap();
    let output = folder.path().join("csv");
    export(folder.path(), ExportFormat::Csv, &output, &|_| {}).unwrap();
    assert!(!output.join("vocabulary.csv").exists(), "a file that the manifest does not list");
    manifest.tables.push(TableRecord { name: "later".to_owned(), ..vocabulary });
    manifest.write(folder.path()).unwrap();
    let message = export(folder.path(), ExportFormat::Csv, &output, &|_| {}).unwrap_err().to_string();
    assert!(message.contains("manifest.json lists table `later`"), "{message}");
}

#[test]
fn gurnees_columns_are_his_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let run = test_run::open(folder.path(), &Options::default());
    let output = folder.path().join("gurnee");
    let written = export(folder.path(), ExportFormat::Gurnee, &output, &|_| {}).unwrap();
    assert_eq!(written.n_files, 9);
    assert!(output.join("2-__script__b____-200.csv").exists(), "no letter of the model's name that files lack");
    let mut csv = csv::Reader::from_path(output.join("1-seed-a-10.csv")).unwrap();
    let names: Vec<String> = csv.headers().unwrap().iter().map(str::to_owned).collect();
    let his = "layer,neuron,max_corr,mean_corr,min_corr,max_baseline,min_baseline,mean_baseline,excess_corr";
    assert_eq!(names.join(","), his);
    for (place, record) in csv.records().map(Result::unwrap).enumerate() {
        assert_eq!(record[0].parse::<usize>().unwrap() * D_MLP + record[1].parse::<usize>().unwrap(), place);
        let excess = run.neurons(1, 1).excess_corr[place];
        assert_eq!(record[8].parse::<f64>().ok(), (!excess.is_nan()).then_some(excess));
        assert_eq!(
            record[4].parse::<f64>().ok(),
            Some(run.neurons(1, 1).min_corr[place]).filter(|corr| !corr.is_nan())
        );
    }
}

#[test]
fn neuronpedias_lines_have_windows_and_matches() {
    let folder = tempfile::tempdir().unwrap();
    let run = test_run::open(folder.path(), &Options::default());
    let output = folder.path().join("neuronpedia");
    let written = export(folder.path(), ExportFormat::Neuronpedia, &output, &|_| {}).unwrap();
    assert_eq!(written.n_files, 3, "the last checkpoint alone has windows");
    let text = fs::read_to_string(output.join("0-seed-b-200.jsonl")).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), N);
    let line = &lines[D_MLP + 1];
    assert_eq!((line["modelId"].as_str(), line["layer"].as_str()), (Some("seed-b@200"), Some("1")));
    assert_eq!(line["index"].as_str(), Some("1"));
    assert_eq!(line["correlated_neurons_models"], serde_json::json!([MODELS[1], MODELS[2]]));
    let matched = test_run::matched(0, 1, 2, D_MLP + 1) as u64;
    assert_eq!(line["correlated_neurons_indices"][0].as_u64(), Some(matched));
    assert_eq!(line["maxActApprox"].as_f64(), Some(run.neurons(0, 2).act_max[D_MLP + 1]));
    let bars = line["freq_hist_data_bar_values"].as_array().unwrap();
    assert_eq!(bars.len(), test_run::N_BINS);
    assert!(bars[0].as_f64().unwrap() > -0.17 && bars[4].as_f64().unwrap() < line["maxActApprox"].as_f64().unwrap());
    for (window, found) in line["activations"].as_array().unwrap().iter().enumerate() {
        let row = test_run::window_row(0, D_MLP + 1, window) as usize;
        let tokens: Vec<&str> =
            found["tokens"].as_array().unwrap().iter().map(|token| token.as_str().unwrap()).collect();
        let wanted: Vec<&str> =
            (0..4).map(|position| test_run::TOKENS[test_run::token(row, 1 + position) as usize]).collect();
        assert_eq!(tokens, wanted);
        let values: Vec<f32> = (0..4).map(|at| test_run::activation(0, D_MLP + 1, window, at)).collect();
        let peak = test_run::peak(0, D_MLP + 1, window) as usize - 1;
        assert_eq!(found["maxValueTokenIndex"].as_u64(), Some(peak as u64));
        assert_eq!(found["maxValue"].as_f64().unwrap() as f32, values[peak]);
        assert!(values[0] > values[peak], "the first token is more active, and does not count");
    }
    // Neuron 5 has two windows, the first of 6 ends early, 7 has none; the constant neuron has no matches.
    let n_windows = |place: usize| lines[place]["activations"].as_array().unwrap().len();
    assert_eq!([4, 5, 7].map(n_windows), [3, 2, 0]);
    assert_eq!(lines[6]["activations"][0]["tokens"].as_array().unwrap().len(), 3);
    assert!(lines[D_MLP + 3]["correlated_neurons_indices"].as_array().unwrap().is_empty());
}

#[test]
fn without_windows_neuronpedia_gets_an_error_that_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    test_run::write(folder.path(), &Options { has_windows: false, ..Options::default() });
    let output = folder.path().join("neuronpedia");
    let message = export(folder.path(), ExportFormat::Neuronpedia, &output, &|_| {}).unwrap_err().to_string();
    assert!(message.contains("has no windows") && message.contains("[windows]"), "{message}");
}
