#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use homolog_test::tiny_gpt2::{Dtype, Format, Gpt2Shape, Layout};

use crate::Checkpoint;

#[test]
fn every_layout_gives_the_values_that_were_written_piece_by_piece() {
    let shape = Gpt2Shape::tiny();
    let weights = shape.random(5, 0.3);
    let wild = Layout { dtype: Dtype::F32, has_prefix: false, has_mask_buffers: true, has_lm_head: true };
    for (layout, format, n_files) in
        [(Layout::PLAIN, Format::Safetensors, 1), (wild, Format::Torch, 2), (wild, Format::Safetensors, 3)]
    {
        let folder = tempfile::tempdir().unwrap();
        shape.write_as(folder.path(), &weights, &layout, format, n_files);
        let tensors = Checkpoint::open(folder.path(), &BTreeSet::new()).unwrap().tensors().unwrap();
        assert!(tensors.names().eq(weights.keys()), "no mask, no copy of the embedding");
        for (name, weight) in &weights {
            assert_eq!(tensors.shape(name).unwrap(), weight.shape);
            let pieces = (0..=weight.values.len()).step_by(7).map(|first| tensors.read(name, first, 7).unwrap());
            assert_eq!(pieces.collect::<Vec<_>>().concat(), weight.values, "{name}");
            assert!(tensors.read(name, weight.values.len(), 7).unwrap().is_empty());
        }
        assert_eq!(tensors.shape("h.9.ln_1.weight"), None);
    }
}

#[test]
fn halves_are_widened_where_they_lie() {
    let shape = Gpt2Shape::tiny();
    let weights = shape.random(5, 0.3);
    let folder = tempfile::tempdir().unwrap();
    shape.write(folder.path(), &weights, &Layout { dtype: Dtype::Bf16, ..Layout::PLAIN });
    let tensors = Checkpoint::open(folder.path(), &BTreeSet::new()).unwrap().tensors().unwrap();
    let found = tensors.read("wpe.weight", 3, 5).unwrap();
    let wanted: Vec<f32> =
        weights["wpe.weight"].values[3..8].iter().map(|&value| half::bf16::from_f32(value).to_f32()).collect();
    assert_eq!(found, wanted);
}
