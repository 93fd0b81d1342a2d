#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use homolog_test::tiny_gpt2::{Gpt2Shape, Layout};

use super::*;
use crate::test_model::{Rows, bits};
use crate::{Checkpoint, NoHooks};

#[test]
fn a_written_model_reads_back_with_the_same_logits() {
    for is_tied in [true, false] {
        let shape = Gpt2Shape { is_tied, is_inverse_layer_scaled: true, eps: 1e-6, ..Gpt2Shape::tiny() };
        let source = tempfile::tempdir().unwrap();
        shape.write(source.path(), &shape.random(1, 0.2), &Layout::PLAIN);
        let read = |folder: &std::path::Path| Checkpoint::open(folder, &BTreeSet::new()).unwrap();
        let parameters = read(source.path()).parameters().unwrap();
        let written = tempfile::tempdir().unwrap();
        std::fs::write(written.path().join("model.safetensors"), parameters.to_safetensors()).unwrap();
        let config = parameters.config().to_json(Some(60)).to_string();
        std::fs::write(written.path().join("config.json"), config).unwrap();
        let again = read(written.path());
        assert_eq!(again.config, *parameters.config());
        let rows = Rows::random(&shape, 2, 9);
        let logits = |model: Model| bits(&model.logits(rows.batch(), &mut NoHooks));
        let want = logits(read(source.path()).load(Precision::F32).unwrap());
        assert!(logits(parameters.model()) == want && logits(again.load(Precision::F32).unwrap()) == want);
        // The mutant: one value of one weight.
        let mut moved = parameters.clone();
        moved.get_mut("h.1.attn.c_proj.weight")[5] += 0.01;
        assert!(logits(moved.model()) != want);
    }
}
