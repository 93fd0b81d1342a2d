#![expect(clippy::unwrap_used, reason = "tests")]

use std::error::Error as _;

use super::*;
use crate::{AuditKind, AuditWarning, AuditedCheckpoint, OtherCosine};

fn manifest() -> Manifest {
    let tokens = TokensInput {
        path: "tokens.u16".to_owned(),
        tokens_hash: "aa".to_owned(),
        n_rows: 10,
        context: 128,
        n_tokens_counted: 1_270,
    };
    let weights = WeightsInput {
        model: "seed-a".to_owned(),
        checkpoint: Some(50),
        path: "family/seed-a/checkpoint-50".to_owned(),
        weights_hash: "bb".to_owned(),
        config_file_hash: "bc".to_owned(),
    };
    Manifest {
        format: Manifest::FORMAT,
        homolog_version: "0.0.0".to_owned(),
        code_commit: "unknown".to_owned(),
        allowed_config_keys: vec!["rotary".to_owned()],
        study: "fixtures".to_owned(),
        study_key: "cc".to_owned(),
        resolved_hash: "cd".to_owned(),
        is_finished: false,
        isa: "avx512".to_owned(),
        precision: "f32".to_owned(),
        ablation_precision: "bf16x3".to_owned(),
        n_threads: 2,
        tokenizer: "unproved".to_owned(),
        inputs: Inputs {
            tokens: tokens.clone(),
            held_out_tokens: Some(tokens),
            text: Some(TextInput {
                files: vec![FileInput { path: "a.txt".to_owned(), hash: "a1".to_owned() }],
                tokenizer: "tokenizer".to_owned(),
                tokenizer_hash: "a2".to_owned(),
                n_documents: 3,
                n_held_out_documents: 1,
                n_empty_documents: 0,
                n_unused_documents: 4,
                n_unread_files: 2,
                n_dropped_tokens: 17,
            }),
            weights: vec![WeightsInput { checkpoint: None, ..weights.clone() }, weights],
            neuron_lists: vec![FileInput { path: "list.csv".to_owned(), hash: "a3".to_owned() }],
        },
        seeds: BTreeMap::from([("baseline".to_owned(), u64::MAX), ("ablation".to_owned(), 0)]),
        n_tokens_counted: 1_270,
        exclude_tokens: vec![2_047, 198],
        n_undefined_pairs: 3,
        stages: vec![StageRecord {
            stage: "correlate".to_owned(),
            unit: "50".to_owned(),
            key: "dd".to_owned(),
            artifact: "stages/correlate-50.safetensors".to_owned(),
            artifact_hash: "ee".to_owned(),
            isa: "avx2".to_owned(),
            wall_seconds: 0.1 + 0.2,
        }],
        tables: vec![TableRecord {
            name: "neurons".to_owned(),
            path: "tables/neurons.parquet".to_owned(),
            n_rows: 2_048,
            n_bytes: 99,
            hash: "ff".to_owned(),
        }],
        tensors: vec![FileRecord { path: "tensors/topk.safetensors".to_owned(), n_bytes: 7, hash: "a4".to_owned() }],
        notes: vec!["losses are over the same rows".to_owned()],
        audit: Some(audit()),
    }
}

fn audit() -> Audit {
    let checkpoint = AuditedCheckpoint {
        model: "seed-a".to_owned(),
        checkpoint: Some(50),
        digest: "a5".to_owned(),
        n_tensors: 52,
        n_values: 1_071_616,
        norm: 0.1 + 0.2,
        distance_before: None,
        cosine_before: Some(1.0 / 3.0),
        others: vec![OtherCosine { model: "seed-b".to_owned(), same_step: Some(-1e-3), step_before: None }],
    };
    let warning = AuditWarning {
        kind: AuditKind::PartlyIdentical,
        model: "seed-a".to_owned(),
        checkpoint: Some(50),
        message: "12 of 52".to_owned(),
    };
    Audit { checkpoints: vec![checkpoint], warnings: vec![warning], notes: vec!["a note".to_owned()] }
}

#[test]
fn comes_back_as_it_went() {
    let folder = tempfile::tempdir().unwrap();
    let run_dir = folder.path().join("run");
    assert_eq!(Manifest::read(&run_dir).unwrap(), None);
    let mut manifest = manifest();
    manifest.write(&run_dir).unwrap();
    assert_eq!(Manifest::read(&run_dir).unwrap(), Some(manifest.clone()));
    manifest.is_finished = true;
    manifest.inputs.held_out_tokens = None;
    manifest.write(&run_dir).unwrap();
    assert_eq!(Manifest::read(&run_dir).unwrap(), Some(manifest));
}

#[test]
fn a_manifest_of_before_audits_has_none() {
    let folder = tempfile::tempdir().unwrap();
    manifest().write(folder.path()).unwrap();
    let path = folder.path().join(Manifest::FILE_NAME);
    let mut json: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    assert_eq!(json["audit"]["warnings"][0]["kind"], "partly-identical");
    json.as_object_mut().unwrap().remove("audit").unwrap();
    fs::write(&path, json.to_string()).unwrap();
    assert_eq!(Manifest::read(folder.path()).unwrap(), Some(Manifest { audit: None, ..manifest() }));
}

#[test]
fn another_format_is_refused_by_number() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(Manifest::FILE_NAME);
    // No other field: what the format is must be said even when nothing else is understood.
    fs::write(&path, r#"{"format": 2}"#).unwrap();
    let error = Manifest::read(folder.path()).unwrap_err();
    assert!(matches!(&error, Error::UnknownManifestVersion { path: named, found: 2, supported: 3 } if *named == path));
    let message = error.to_string();
    assert!(
        message.contains("format 2") && message.contains("reads 3") && message.contains("manifest.json"),
        "{message}"
    );
}

#[test]
fn what_is_no_manifest_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    manifest().write(folder.path()).unwrap();
    let path = folder.path().join(Manifest::FILE_NAME);
    let whole = fs::read_to_string(&path).unwrap();
    let specimens = [
        (String::new(), "EOF"),
        (whole[..whole.len() / 2].to_owned(), "EOF"),
        ("{}".to_owned(), "missing field `format`"),
        (r#"{"format": "1"}"#.to_owned(), "invalid type"),
        (r#"{"format": 3}"#.to_owned(), "missing field"),
        (whole.replace("\"study_key\"", "\"study_kee\""), "missing field `study_key`"),
    ];
    for (text, cause) in specimens {
        fs::write(&path, &text).unwrap();
        let error = Manifest::read(folder.path()).unwrap_err();
        assert!(matches!(&error, Error::NotAManifest { path: named, .. } if *named == path), "{error:?} for {text:?}");
        let source = error.source().unwrap().to_string();
        assert!(source.contains(cause), "{source} for {text:?}");
    }
}
