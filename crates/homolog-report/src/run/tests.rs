#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;

use homolog_results::write_table;

use super::*;
use crate::test_run::{self, D_MLP, MODELS, N, Options};

#[test]
fn models_stand_in_the_order_of_the_study_and_checkpoints_ascend() {
    let folder = tempfile::tempdir().unwrap();
    let run = test_run::open(folder.path(), &Options::default());
    assert_eq!(run.model_names(), MODELS);
    assert_eq!(run.checkpoints(), [Some(0), Some(10), Some(200)]);
    assert_eq!(run.last_checkpoint(), 2);
    assert_eq!(run.shape(0), Shape { n_layers: 2, d_mlp: 8 });
    assert_eq!(run.threshold(), 0.5);
    assert_eq!(run.settings.thresholds, [0.3, 0.5]);
    assert_eq!(run.settings.ablation_modes, ["zero", "mean"]);
    assert_eq!(run.others(1).collect::<Vec<_>>(), [0, 2]);
    // Two multiples of three kinds of random sets, four covariates each; every second neuron; three claims.
    assert_eq!((run.balance.len(), run.singles.len(), run.attribution.len()), (3 * 3 * 24, 3 * 3 * N / 2, 9));
    assert_eq!(run.family.len(), 3 * 8 + 2 * 4);
}

#[test]
fn columns_are_those_of_the_tables() {
    let folder = tempfile::tempdir().unwrap();
    let run = test_run::open(folder.path(), &Options::default());
    let rows: Vec<NeuronRow> = read_rows(folder.path()).unwrap();
    for row in rows {
        let (model, checkpoint) = neurons::find(&run.names, &run.checkpoints, &row.model, row.checkpoint).unwrap();
        let (neurons, place) = (run.neurons(model, checkpoint), run.shape(model).place(row.layer, row.neuron).unwrap());
        assert_eq!(run.shape(model).neuron(place), (row.layer, row.neuron));
        assert_eq!(neurons.excess_corr[place].to_bits(), row.excess_corr.unwrap_or(f64::NAN).to_bits());
        assert_eq!(neurons.act_kurt[place].to_bits(), row.act_kurt.unwrap_or(f64::NAN).to_bits());
        assert_eq!(neurons.is_universal[place], row.is_universal);
        assert_eq!(neurons.frac_positive[place], row.frac_positive);
        assert_eq!(neurons.excess_low[place].to_bits(), row.excess_low.map_or(f32::NAN, |low| low as f32).to_bits());
        assert_eq!(neurons.is_universal_fdr[place], row.is_universal_fdr);
    }
    for (model, other, checkpoint) in [(0, 1, 0), (2, 0, 1), (1, 2, 2)] {
        let matches = run.matches(model, other, checkpoint);
        for neuron in 0..N {
            let corr = test_run::max_corr(model, other, checkpoint, neuron);
            assert_eq!(matches.max_corr[neuron].to_bits(), corr.unwrap_or(f32::NAN).to_bits());
            let matched = corr.map_or(u32::MAX, |_| test_run::matched(model, other, checkpoint, neuron) as u32);
            assert_eq!(matches.matched[neuron], matched);
            let both = corr.filter(|_| neuron != 6).map(|corr| 0.5 * corr);
            assert_eq!(matches.corr_without_both[neuron].to_bits(), both.unwrap_or(f32::NAN).to_bits());
            assert_eq!(matches.is_same_in_halves[neuron], corr.map(|_| neuron % 4 == 0));
        }
    }
}

#[test]
fn columns_take_what_is_said() {
    let folder = tempfile::tempdir().unwrap();
    test_run::write(folder.path(), &Options::default());
    // Two layers of five: no number that vectors grow to.
    let mut rows: Vec<NeuronRow> = read_rows(folder.path()).unwrap();
    rows.retain(|row| row.neuron < 5);
    write_table(&table_path::<NeuronRow>(folder.path()), &rows, &[]).unwrap();
    let mut rows: Vec<MatchRow> = read_rows(folder.path()).unwrap();
    rows.retain(|row| row.neuron < 5);
    for row in &mut rows {
        row.matched_neuron = row.matched_neuron.map(|neuron| neuron % 5);
    }
    write_table(&table_path::<MatchRow>(folder.path()), &rows, &[]).unwrap();
    let run = Run::open(folder.path()).unwrap();
    for (model, checkpoint) in [(0, 0), (1, 1), (2, 2)] {
        assert_eq!(run.neurons(model, checkpoint).n_bytes(), 161 * 10);
        for other in run.others(model) {
            assert_eq!(run.matches(model, other, checkpoint).n_bytes(), 39 * 10);
        }
    }
}

#[test]
fn a_study_without_checkpoints_windows_or_vocabulary_is_a_run_too() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { steps: vec![None], has_windows: false, has_vocabulary: false, ..Options::default() };
    let run = test_run::open(folder.path(), &options);
    assert_eq!(run.checkpoints(), [None]);
    assert!(run.vocabulary.is_none() && run.windows(0, 0).unwrap().is_none() && run.token_rows().unwrap().is_none());
    assert_eq!(run.matches(1, 0, 0).max_corr.len(), N);
}

#[test]
fn files_that_the_manifest_does_not_list_are_not_of_the_run() {
    let folder = tempfile::tempdir().unwrap();
    test_run::write(folder.path(), &Options::default());
    let listed = Manifest::read(folder.path()).unwrap().unwrap();
    let mut manifest = listed.clone();
    let later = ["vocabulary", "balance", "singles", "attribution", "family"];
    manifest.tables.retain(|table| !later.contains(&table.name.as_str()));
    manifest.tensors.clear();
    manifest.write(folder.path()).unwrap();
    write_table(&table_path::<ScreeningRow>(folder.path()), &[test_run::screening_row(0, 1, Some(0))], &[]).unwrap();
    let run = Run::open(folder.path()).unwrap();
    assert!(run.vocabulary.is_none() && run.screening.is_empty());
    assert!(run.balance.is_empty() && run.singles.is_empty() && run.attribution.is_empty() && run.family.is_empty());
    assert!(run.top_k_file().unwrap().is_none() && run.windows(0, 2).unwrap().is_none());
    assert!(run.token_rows().unwrap().is_none());

    listed.write(folder.path()).unwrap();
    fs::remove_file(folder.path().join("tensors/topk.safetensors")).unwrap();
    let message = Run::open(folder.path()).unwrap().top_k_file().unwrap_err().to_string();
    assert!(message.contains("topk.safetensors"), "listed, and gone: {message}");
    fs::remove_file(table_path::<VocabularyRow>(folder.path())).unwrap();
    assert!(Run::open(folder.path()).unwrap_err().to_string().contains("vocabulary.parquet"));
}

#[test]
fn tensors_are_read_by_rows() {
    let folder = tempfile::tempdir().unwrap();
    let run = test_run::open(folder.path(), &Options::default());
    let file = run.top_k_file().unwrap().unwrap();
    let top_k = run.top_k(&file, 2, 0, 1, D_MLP..N).unwrap();
    assert_eq!(top_k.neuron.len(), D_MLP * test_run::TOP_K);
    assert_eq!(top_k.corr[0], test_run::max_corr(2, 0, 1, D_MLP).unwrap());
    assert!(run.windows(0, 0).unwrap().is_none(), "only the last checkpoint has windows");
    let windows = run.windows(1, 2).unwrap().unwrap();
    assert_eq!((windows.n_kept, windows.window_tokens), (test_run::N_WINDOWS, test_run::WINDOW_TOKENS));
    assert_eq!((windows.n_with_partners, windows.n_bins), (test_run::N_PARTNER_WINDOWS, test_run::N_BINS));
    assert_eq!(windows.row(2..3).unwrap(), [0, 1, 2].map(|window| test_run::window_row(1, 2, window)));
    let rows = run.token_rows().unwrap().unwrap();
    assert_eq!(rows.rows(69..70).unwrap(), [0, 1, 2, 3, 4, 5].map(|position| test_run::token(69, position)));
}

#[test]
fn unfinished_runs_and_other_folders_are_told_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let message = Run::open(folder.path()).unwrap_err().to_string();
    assert!(message.contains("no manifest.json") && message.contains("homolog run --output"), "{message}");
    test_run::write(folder.path(), &Options { is_finished: false, ..Options::default() });
    let message = Run::open(folder.path()).unwrap_err().to_string();
    assert!(message.contains("not finished") && message.contains("homolog run"), "{message}");
}

#[test]
fn a_run_of_an_earlier_version_is_told_how_to_get_the_table_that_it_lacks() {
    let folder = tempfile::tempdir().unwrap();
    test_run::write(folder.path(), &Options::default());
    let mut manifest = Manifest::read(folder.path()).unwrap().unwrap();
    manifest.tables.retain(|table| table.name != "damage");
    manifest.write(folder.path()).unwrap();
    fs::remove_file(table_path::<DamageRow>(folder.path())).unwrap();
    let message = Run::open(folder.path()).unwrap_err().to_string();
    assert!(message.contains("no table `damage`") && message.contains("run the study again"), "{message}");
}

#[test]
fn tables_that_lack_rows_or_know_other_models_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    test_run::write(folder.path(), &Options::default());
    let path = table_path::<NeuronRow>(folder.path());
    let whole: Vec<NeuronRow> = read_rows(folder.path()).unwrap();
    for gone in [0, 5, D_MLP, whole.len() - 1] {
        let mut rows = whole.clone();
        rows.remove(gone);
        write_table(&path, &rows, &[]).unwrap();
        assert!(matches!(Run::open(folder.path()), Err(Error::Incomplete { .. })), "row {gone}");
    }
    let mut rows = whole.clone();
    rows.last_mut().unwrap().model = "zz".to_owned();
    write_table(&path, &rows, &[]).unwrap();
    assert!(matches!(Run::open(folder.path()), Err(Error::UnknownModel { .. })));

    write_table(&path, &whole, &[]).unwrap();
    let path = table_path::<MatchRow>(folder.path());
    let mut rows: Vec<MatchRow> = read_rows(folder.path()).unwrap();
    rows.remove(3);
    write_table(&path, &rows, &[]).unwrap();
    assert!(matches!(Run::open(folder.path()), Err(Error::Incomplete { .. })));
}

#[test]
fn a_rule_of_a_later_version_is_named() {
    let folder = tempfile::tempdir().unwrap();
    test_run::write(folder.path(), &Options::default());
    let path = folder.path().join(Settings::FILE_NAME);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("rule = \"excess\"", "rule = \"vote\"")).unwrap();
    assert!(Run::open(folder.path()).unwrap_err().to_string().contains("universality.rule"));
    fs::write(
        &path,
        text.replace("rule = \"excess\"", "rule = \"fdr\"").replace("threshold = 0.5", "threshold = 0.05"),
    )
    .unwrap();
    let settings = Run::open(folder.path()).unwrap().settings;
    assert_eq!((settings.rule, settings.threshold, settings.excess_threshold()), (Rule::Fdr, 0.05, 0.5));
}

#[test]
fn a_missing_setting_is_named() {
    let folder = tempfile::tempdir().unwrap();
    test_run::write(folder.path(), &Options::default());
    let path = folder.path().join(Settings::FILE_NAME);
    let text = fs::read_to_string(&path).unwrap().replace("count_models = 2", "count_models = \"two\"");
    fs::write(&path, text).unwrap();
    let message = Run::open(folder.path()).unwrap_err().to_string();
    assert!(message.contains("universality.count_models"), "{message}");
}

impl Run {
    /// As an earlier version leaves it.
    pub(crate) fn without_impact(&mut self) {
        self.balance.clear();
        self.singles.clear();
        self.attribution.clear();
        self.family.clear();
    }

    /// As a study without `[evidence]` and with too few draws of its baseline leaves it.
    pub(crate) fn without_evidence(&mut self) {
        for row in &mut self.models {
            (row.n_blocks, row.blocks_of, row.n_frequent_tokens) = (None, None, None);
        }
        for row in &mut self.emergence {
            (row.share_low, row.share_high, row.n_surely, row.n_possibly) = (None, None, None, None);
        }
        for neurons in &mut self.neurons {
            for column in [
                &mut neurons.excess_low,
                &mut neurons.excess_high,
                &mut neurons.cross_fitted_corr,
                &mut neurons.cross_fitted_excess,
                &mut neurons.p_value,
                &mut neurons.q_bh,
                &mut neurons.mean_corr_without_both,
                &mut neurons.token_share,
            ] {
                column.fill(f32::NAN);
            }
            neurons.is_universal_fdr.fill(false);
        }
        for matches in &mut self.matches {
            matches.is_same_in_halves.fill(None);
            matches.corr_without_token.fill(f32::NAN);
            matches.corr_without_position.fill(f32::NAN);
            matches.corr_without_both.fill(f32::NAN);
        }
    }
}
