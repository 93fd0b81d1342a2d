#![expect(clippy::unwrap_used, reason = "tests")]

use std::fmt::Debug;
use std::fs;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, StringArray, UInt32Array};
use arrow_schema::{Field, Schema};
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};

use super::*;
use crate::{
    AblationRow, ContinuityRow, EmergenceRow, LivesRow, MatchRow, ModelRow, NeuronRow, PersistenceRow, RetestRow,
    ScreeningRow, StabilityRow, SurvivalRow, VocabularyRow, write_bytes,
};

fn model(model: &str, checkpoint: Option<i64>) -> ModelRow {
    ModelRow {
        model: model.to_owned(),
        checkpoint,
        loss_nats: 3.25,
        n_targets: u64::MAX,
        n_tokens_counted: 5,
        n_undefined: 0,
        weights_hash: "aa".to_owned(),
        tokens_hash: String::new(),
        loss_tokens: "same".to_owned(),
        n_blocks: Some(64),
        ..ModelRow::default()
    }
}

fn neuron(model: &str, checkpoint: Option<i64>, layer: u16, neuron: u32) -> NeuronRow {
    NeuronRow {
        model: model.to_owned(),
        checkpoint,
        layer,
        neuron,
        max_corr: Some(0.1 + 0.2),
        mean_corr: Some(-0.0),
        min_corr: None,
        max_baseline: Some(0.25),
        mean_baseline: Some(0.125),
        min_baseline: None,
        excess_corr: Some(f64::MIN_POSITIVE),
        is_exact: true,
        is_universal: true,
        n_models_above: 2,
        is_universal_count: false,
        act_mean: 1.0,
        act_var: 2.0,
        act_skew: None,
        act_kurt: Some(3.0),
        act_min: -0.17,
        act_max: f64::INFINITY,
        frac_positive: 0.5,
        p_is_fitted: Some(true),
        q_bh: Some(0.01),
        ..NeuronRow::default()
    }
}

fn matched(other: &str, neuron: u32, max_corr: Option<f32>) -> MatchRow {
    MatchRow {
        model: "a".to_owned(),
        other: other.to_owned(),
        checkpoint: Some(-1),
        layer: 3,
        neuron,
        max_corr,
        matched_layer: max_corr.map(|_| u16::MAX),
        matched_neuron: max_corr.map(|_| u32::MAX),
        second_corr: max_corr,
        lowest_corr: max_corr.map(|corr| -corr),
        lowest_layer: max_corr.map(|_| 1),
        lowest_neuron: max_corr.map(|_| 2),
        is_exact: max_corr.is_none(),
        margin: max_corr,
        baseline: max_corr.map(|_| 0.1),
        is_baseline_exact: true,
        is_same_in_halves: max_corr.map(|_| false),
        p_rotation: max_corr.map(|_| 1e-300),
        ..MatchRow::default()
    }
}

fn emergence(layer: Option<u16>, threshold: f64) -> EmergenceRow {
    EmergenceRow {
        model: "a".to_owned(),
        checkpoint: Some(50),
        layer,
        threshold,
        n_neurons: 512,
        n_universal: 8,
        share: 8.0 / 512.0,
        n_surely: Some(6),
        ..EmergenceRow::default()
    }
}

fn persistence(to_checkpoint: i64, persistence: Option<f64>) -> PersistenceRow {
    PersistenceRow {
        model: "a".to_owned(),
        from_checkpoint: Some(50),
        to_checkpoint: Some(to_checkpoint),
        is_consecutive: to_checkpoint == 120,
        is_from_first: true,
        layer: None,
        threshold: 0.5,
        n_from: 4,
        n_to: 3,
        n_both: 2,
        persistence,
        jaccard: persistence.map(|_| 0.4),
        expected_by_chance: 12.0 / 512.0,
        ..PersistenceRow::default()
    }
}

fn ablation(set: &str, threshold: Option<f64>, draw: Option<u32>) -> AblationRow {
    AblationRow {
        model: "a".to_owned(),
        checkpoint: None,
        threshold,
        set: set.to_owned(),
        layer: None,
        mode: "zero".to_owned(),
        multiple: draw.map(|_| 5),
        draw,
        n_neurons: 0,
        loss_nats_clean: 3.0,
        loss_nats: 3.0,
        delta_loss_nats: 0.0,
        efficiency_nats: draw.map(|_| 0.01),
        ..AblationRow::default()
    }
}

fn comes_back<T: Table + Clone + Debug + PartialEq>(columns: &str, rows: &[T]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tables").join(T::NAME);
    let metadata = [("b".to_owned(), "2 \u{e9}".to_owned()), ("a".to_owned(), String::new())];
    write_table(&path, rows, &metadata).unwrap();
    assert_eq!(read_table::<T>(&path).unwrap(), rows);
    assert_eq!(read_metadata(&path).unwrap(), metadata.iter().cloned().collect());
    let bytes = fs::read(&path).unwrap();
    write_table(&path, rows, &metadata).unwrap();
    assert_eq!(fs::read(&path).unwrap(), bytes);

    write_table::<T>(&path, &[], &[]).unwrap();
    assert_eq!(read_table::<T>(&path).unwrap(), []);
    assert!(read_metadata(&path).unwrap().is_empty());
    // The columns of the design, in order; an empty table has them too.
    let schema = open(&path).unwrap().schema().clone();
    let names: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names, columns.split_whitespace().collect::<Vec<_>>());
    for key in T::KEYS {
        assert!(names.contains(key), "{key}");
    }
    for (stored, declared) in schema.fields().iter().zip(T::schema().fields()) {
        assert_eq!(stored.is_nullable(), declared.is_nullable(), "{}", declared.name());
        assert_eq!(stored.data_type(), declared.data_type(), "{}", declared.name());
    }
}

#[test]
fn models_come_back() {
    comes_back(
        "model checkpoint loss_nats n_targets n_tokens_counted n_undefined weights_hash tokens_hash loss_tokens \
         n_blocks blocks_of n_frequent_tokens frequent_token_share least_token_count",
        &[model("a", None), model("a", Some(i64::MIN)), model("a", Some(7)), model("\u{e9}", None)],
    );
}

#[test]
fn neurons_come_back() {
    comes_back(
        "model checkpoint layer neuron max_corr mean_corr min_corr max_baseline mean_baseline min_baseline \
         excess_corr is_exact excess_se excess_low excess_high cross_fitted_corr cross_fitted_excess p_value p_is_fitted q_bh \
         q_by is_universal is_universal_excess is_universal_fdr n_models_above is_universal_count n_mutual n_models_clique \
         mean_corr_without_both token_share position_share token_position_share attribution_zero_nats \
         attribution_zero_se attribution_mean_nats write_norm act_mean act_var act_skew act_kurt act_min act_max frac_positive",
        &[neuron("a", None, 0, u32::MAX), neuron("a", None, u16::MAX, 0), neuron("a", Some(5), 0, 0)],
    );
}

#[test]
fn matches_come_back() {
    comes_back(
        "model other checkpoint layer neuron max_corr matched_layer matched_neuron second_corr lowest_corr \
         lowest_layer lowest_neuron is_exact margin baseline is_baseline_exact max_corr_se max_corr_low max_corr_high n_eff \
         cross_fitted_corr is_same_in_halves lead lead_se is_mutual n_matched_by is_antipodal same_layer_corr \
         same_layer_neuron near_layers_corr near_layers_layer near_layers_neuron one_to_one_corr one_to_one_neuron \
         corr_without_token corr_without_position corr_without_both p_rotation p_is_fitted p_permuted p_untrained",
        &[matched("b", 0, Some(0.3)), matched("b", 1, None), matched("c", 0, Some(-1.0))],
    );
}

#[test]
fn emergence_comes_back() {
    comes_back(
        "model checkpoint layer threshold n_neurons n_universal share share_se share_low share_high n_surely n_possibly \
         n_births n_deaths",
        &[emergence(None, 0.5), emergence(Some(0), -0.5), emergence(Some(0), 0.5)],
    );
}

#[test]
fn persistence_comes_back() {
    comes_back(
        "model from_checkpoint to_checkpoint is_consecutive is_from_first layer threshold n_from n_to n_both \
         persistence jaccard expected_by_chance expected_persistence above_chance ceiling share_of_ceiling n_from_hysteresis \
         n_both_hysteresis persistence_hysteresis mean_self_corr mean_self_corr_others matches_kept",
        &[persistence(120, Some(0.5)), persistence(280, None)],
    );
}

#[test]
fn what_lasts_comes_back() {
    let retest =
        |layer, n: Option<u64>| RetestRow { layer, n_half_a: n, retest: n.map(|_| 0.5), ..RetestRow::default() };
    comes_back(
        "model checkpoint layer threshold n_half_a n_half_b n_both retest retest_by_chance retest_expected",
        &[retest(None, None), retest(Some(0), Some(3))],
    );
    let continuity = |neuron, self_corr| ContinuityRow { neuron, self_corr, n_matches: 2, ..ContinuityRow::default() };
    comes_back(
        "model from_checkpoint to_checkpoint layer neuron is_universal_from is_universal_to self_corr cos_in cos_out n_matches \
         n_matches_kept",
        &[continuity(0, None), continuity(1, Some(-1.0))],
    );
    let survival =
        |from, time| SurvivalRow { from, time, survival: 0.25, n_at_risk: time.map(|_| 3), ..SurvivalRow::default() };
    comes_back(
        "model layer threshold rule scale from time n_at_risk n_deaths n_censored survival survival_low survival_high",
        &[survival(-0.5, Some(1.0)), survival(1.0, None), survival(1.0, Some(2.0))],
    );
    let lives = |rule: &str, p| LivesRow { rule: rule.to_owned(), log_rank_p: p, ..LivesRow::default() };
    comes_back(
        "model layer threshold rule n_ever n_from_first n_births n_deaths n_at_end n_rebirths median_checkpoints \
         log_rank_chi_squared log_rank_degrees_of_freedom log_rank_p",
        &[lives("hysteresis", None), lives("plain", Some(0.01))],
    );
}

#[test]
fn stability_comes_back() {
    let row = |k| StabilityRow { model: "a".to_owned(), layer: None, threshold: 0.5, k, n_universal_at_least_k: 9 };
    comes_back("model layer threshold k n_universal_at_least_k", &[row(1), row(2)]);
}

#[test]
fn ablation_comes_back() {
    comes_back(
        "model checkpoint threshold set layer mode multiple draw n_neurons loss_nats_clean loss_nats \
         delta_loss_nats delta_low delta_high delta_first_nats delta_rest_nats kl_nats top1_agreement efficiency_nats",
        &[ablation("mine", None, None), ablation("random", Some(0.5), Some(0)), ablation("random", Some(0.5), Some(1))],
    );
}

#[test]
fn screening_comes_back() {
    let row = |other: &str, n: Option<u64>, of_audit: Option<f64>| ScreeningRow {
        model: "a".to_owned(),
        other: other.to_owned(),
        checkpoint: Some(3),
        n_tokens_sample: 1,
        n_tokens_narrowing: n,
        n_neurons: 2,
        n_audited: 3,
        n_unsure: 4,
        n_near_threshold: 5,
        n_screened: 8,
        least_margin: of_audit.map(|_| f64::INFINITY),
        n_audited_sure: 6,
        n_same_match: 7,
        max_corr_difference: of_audit,
        baseline_bias: of_audit.map(|bias| -bias),
        baseline_bias_sd: of_audit,
        baseline_bias_largest: of_audit,
    };
    comes_back(
        "model other checkpoint n_tokens_sample n_tokens_narrowing n_neurons n_audited n_unsure n_near_threshold \
         n_screened least_margin n_audited_sure n_same_match max_corr_difference baseline_bias baseline_bias_sd \
         baseline_bias_largest",
        &[row("b", None, None), row("c", Some(9), Some(0.25))],
    );
}

#[test]
fn vocabulary_comes_back() {
    let row = |token, text: &str, is_utf8| VocabularyRow { token, text: text.to_owned(), is_utf8, count: u64::MAX };
    let rows = [row(0, "", true), row(1, "\\xE2", false), row(2, "\0\n\u{65e5}", true)];
    comes_back("token text is_utf8 count", &rows);
}

fn file_metadata(path: &Path) -> Arc<ParquetMetaData> {
    open(path).unwrap().metadata().clone()
}

#[test]
fn encodings_and_row_groups_are_as_promised() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("neurons.parquet");
    let mut rows = Vec::new();
    for (name, checkpoint) in [("a", 1), ("a", 2), ("b", 2)] {
        rows.extend((0..100).map(|i| neuron(name, Some(checkpoint), 0, i)));
    }
    write_table(&path, &rows, &[]).unwrap();
    let metadata = file_metadata(&path);
    assert_eq!(metadata.file_metadata().created_by(), Some("homolog"));
    assert_eq!(metadata.file_metadata().key_value_metadata(), None);
    let group_rows: Vec<_> = metadata.row_groups().iter().map(RowGroupMetaData::num_rows).collect();
    assert_eq!(group_rows, [100, 100, 100]);
    let schema = NeuronRow::schema();
    for column in metadata.row_groups().iter().flat_map(RowGroupMetaData::columns) {
        let name = column.column_path().string();
        assert!(matches!(column.compression(), Compression::ZSTD(_)), "{name}");
        let encodings: Vec<_> = column.encodings().collect();
        let is_float = schema.field_with_name(&name).unwrap().data_type().is_floating();
        assert_eq!(encodings.contains(&Encoding::BYTE_STREAM_SPLIT), is_float, "{name}: {encodings:?}");
        assert!(!is_float || column.dictionary_page_offset().is_none(), "{name}");
        assert!(name != "model" || column.dictionary_page_offset().is_some(), "{name}");
    }

    let rows: Vec<_> = (0..300).map(|i| emergence(Some(i), 0.5)).collect();
    write_table(&path, &rows, &[]).unwrap();
    assert_eq!(file_metadata(&path).num_row_groups(), 1);
}

#[test]
fn rows_of_several_batches_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("matches.parquet");
    let n_rows = BATCH_ROWS as u32 + 3;
    let rows: Vec<_> = (0..n_rows).map(|i| matched("b", i, (i % 3 != 0).then_some(i as f32))).collect();
    write_table(&path, &rows, &[]).unwrap();
    assert_eq!(file_metadata(&path).num_row_groups(), 1);
    assert!(read_table::<MatchRow>(&path).unwrap() == rows);
}

#[test]
fn sorting_puts_nulls_first_and_compares_bytes() {
    let mut rows = vec![
        model("b", None),
        model("\u{e9}", None),
        model("a", Some(10)),
        model("a", Some(9)),
        model("Z", Some(1)),
        model("a", None),
    ];
    sort_rows(&mut rows);
    let keys: Vec<_> = rows.iter().map(|row| (row.model.as_str(), row.checkpoint)).collect();
    let sorted = [("Z", Some(1)), ("a", None), ("a", Some(9)), ("a", Some(10)), ("b", None), ("\u{e9}", None)];
    assert_eq!(keys, sorted);

    let mut rows =
        vec![emergence(Some(1), -1.0), emergence(Some(0), 0.5), emergence(None, 0.6), emergence(Some(0), -0.5)];
    sort_rows(&mut rows);
    let keys: Vec<_> = rows.iter().map(|row| (row.layer, row.threshold)).collect();
    assert_eq!(keys, [(None, 0.6), (Some(0), -0.5), (Some(0), 0.5), (Some(1), -1.0)]);
}

/// The error of writing `rows` over a file that holds something else, which must stay.
fn refused<T: Table>(rows: &[T]) -> Error {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.parquet");
    write_bytes(&path, b"old").unwrap();
    let error = write_table(&path, rows, &[]).unwrap_err();
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    error
}

#[test]
fn unsorted_and_repeated_rows_are_refused() {
    let error = refused(&[model("a", Some(1)), model("a", Some(2)), model("a", None)]);
    assert!(matches!(error, Error::UnsortedTable { table: "models", row: 2, .. }), "{error:?}");
    let error = refused(&[ablation("x", Some(0.5), Some(1)), ablation("x", Some(0.5), Some(0))]);
    assert!(matches!(error, Error::UnsortedTable { table: "ablation", row: 1, .. }), "{error:?}");
    let mut same_key = model("a", None);
    same_key.loss_nats = 9.0;
    let error = refused(&[model("a", None), same_key]);
    assert!(matches!(error, Error::DuplicateKey { table: "models", row: 1, .. }), "{error:?}");
}

#[test]
fn nan_is_refused_in_every_kind_of_float() {
    let mut row = neuron("a", None, 0, 1);
    row.act_mean = f64::NAN;
    let error = refused(&[neuron("a", None, 0, 0), row]);
    assert!(matches!(error, Error::NotANumber { table: "neurons", column: "act_mean", row: 1, .. }), "{error:?}");
    let mut row = neuron("a", None, 0, 0);
    row.act_skew = Some(f64::NAN);
    assert!(matches!(refused(&[row]), Error::NotANumber { column: "act_skew", row: 0, .. }));
    let row = matched("b", 0, Some(f32::NAN));
    assert!(matches!(refused(&[row]), Error::NotANumber { table: "matches", column: "max_corr", .. }));
}

/// Writes a stability table in which one column is exchanged, or left out, as another program might.
fn foreign(path: &Path, column: &str, replacement: Option<&ArrayRef>) {
    let row = StabilityRow { model: "a".to_owned(), layer: None, threshold: 0.5, k: 1, n_universal_at_least_k: 9 };
    let batch = StabilityRow::to_batch(&[row]);
    let (mut fields, mut columns) = (Vec::new(), Vec::new());
    for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
        let array = match replacement {
            None if field.name() == column => continue,
            Some(other) if field.name() == column => other.clone(),
            _ => array.clone(),
        };
        fields.push(Field::new(field.name(), array.data_type().clone(), true));
        columns.push(array);
    }
    fields.push(Field::new("of_a_later_version", DataType::Int64, true));
    columns.push(Arc::new(Int64Array::from(vec![1])));
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

#[test]
fn foreign_files_are_read_or_refused_by_column() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stability.parquet");
    let read = |column, replacement: Option<ArrayRef>| {
        foreign(&path, column, replacement.as_ref());
        read_table::<StabilityRow>(&path)
    };
    // Nullable without nulls, large strings, and a column more than we know: nothing is lost.
    let large: ArrayRef = Arc::new(arrow_array::LargeStringArray::from(vec!["b"]));
    assert_eq!(read("model", Some(large)).unwrap()[0].model, "b");

    let error = read("k", None).unwrap_err();
    assert!(matches!(&error, Error::MissingColumn { path: named, table: "stability", column: "k" } if *named == path));
    let error = read("k", Some(Arc::new(StringArray::from(vec!["1"])))).unwrap_err();
    let Error::ColumnType { column: "k", expected, found, .. } = &error else { unreachable!("{error:?}") };
    assert_eq!((expected, found), (&DataType::UInt32, &DataType::Utf8));
    let error = read("layer", Some(Arc::new(UInt32Array::from(vec![1])))).unwrap_err();
    assert!(matches!(error, Error::ColumnType { column: "layer", .. }), "{error:?}");
    let error = read("k", Some(Arc::new(UInt32Array::from(vec![None])))).unwrap_err();
    assert!(matches!(error, Error::UnexpectedNull { column: "k", .. }), "{error:?}");
}

#[test]
fn an_empty_table_of_another_kind_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stability.parquet");
    write_table::<StabilityRow>(&path, &[], &[]).unwrap();
    let error = read_table::<EmergenceRow>(&path).unwrap_err();
    assert!(matches!(error, Error::MissingColumn { table: "emergence", column: "checkpoint", .. }), "{error:?}");
}

#[test]
fn damaged_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("models.parquet");
    assert!(matches!(read_table::<ModelRow>(&path).unwrap_err(), Error::MissingFile { path: named } if named == path));
    assert!(matches!(
        read_table::<ModelRow>(folder.path()).unwrap_err(),
        Error::NotParquet { .. } | Error::Read { .. }
    ));
    let rows: Vec<_> = (0..1_000).map(|i| model("a", Some(i))).collect();
    write_table(&path, &rows, &[]).unwrap();
    let whole = fs::read(&path).unwrap();
    let mut flipped = whole.clone();
    flipped[40] ^= 0xff;
    let half = whole.len() / 2;
    for bytes in [&[][..], b"PAR1", &whole[..half], &whole[half..], &whole[..whole.len() - 1], &flipped] {
        fs::write(&path, bytes).unwrap();
        let error = read_table::<ModelRow>(&path).unwrap_err();
        assert!(matches!(&error, Error::NotParquet { path: named, .. } if *named == path), "{error:?}");
    }
}

/// Found by fuzzing: the Parquet reader panics at some damaged files.
#[test]
fn one_changed_byte_is_read_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("models.parquet");
    let rows: Vec<_> = (0..3).map(|i| model("a", Some(i))).collect();
    write_table(&path, &rows, &[]).unwrap();
    let whole = fs::read(&path).unwrap();
    // The metadata, at which it panics most.
    for at in whole.len() / 2..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 0xff;
        fs::write(&path, &changed).unwrap();
        // What is read may differ: values carry no checksum.
        let _ = read_table::<ModelRow>(&path);
    }
}

#[test]
fn cells_are_the_shortest_text_that_reads_back_and_nulls_are_empty() {
    let row = NeuronRow { max_corr: Some(0.1 + 0.2), act_mean: 1e300, ..neuron("a,\"b\"", None, 3, 7) };
    let cells = row.cells();
    let cell = |column: &str| cells[NeuronRow::COLUMNS.iter().position(|name| *name == column).unwrap()].as_str();
    assert_eq!(cells.len(), NeuronRow::schema().fields().len());
    assert_eq!((cell("model"), cell("checkpoint"), cell("layer"), cell("neuron")), ("a,\"b\"", "", "3", "7"));
    assert_eq!((cell("max_corr"), cell("min_corr"), cell("mean_corr")), ("0.30000000000000004", "", "-0.0"));
    assert_eq!((cell("act_mean"), cell("act_max"), cell("is_universal")), ("1e300", "inf", "true"));
}

#[test]
fn batches_stop_at_the_first_error_of_their_taker() {
    #[derive(Debug)]
    struct Enough;
    impl From<Error> for Enough {
        fn from(error: Error) -> Self {
            panic!("{error}")
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("neurons.parquet");
    let rows: Vec<NeuronRow> = (0..BATCH_ROWS as u32 + 3).map(|i| neuron("a", None, 0, i)).collect();
    write_table(&path, &rows, &[]).unwrap();
    let mut sizes = Vec::new();
    let mut take = |n_batches: usize| {
        sizes.clear();
        let done = read_batches(&path, |rows: Vec<NeuronRow>| {
            sizes.push(rows.len());
            if sizes.len() == n_batches { Err(Enough) } else { Ok(()) }
        });
        (done.is_ok(), sizes.clone())
    };
    assert_eq!(take(1), (false, vec![BATCH_ROWS]));
    assert_eq!(take(9), (true, vec![BATCH_ROWS, 3]));
}
