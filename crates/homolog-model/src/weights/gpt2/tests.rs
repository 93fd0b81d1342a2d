#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use homolog_test::reference_gpt2::{forward, no_ablation};
use homolog_test::tiny_gpt2::{self, Dtype as Stored, Gpt2Shape, Layout};
use homolog_test::{Tol, assert_close_f32, close::check_close_f32};
use safetensors::SafeTensors;
use safetensors::tensor::TensorView;

use super::*;
use crate::test_model::Rows;
use crate::{Checkpoint, Model, NoHooks, Start};

/// f32 forward passes of two small layers; see `forward::tests`.
const LOSS: Tol = Tol { abs: 2e-5, rel: 2e-5 };

fn open(folder: &Path) -> Result<Model, Error> {
    Checkpoint::open(folder, &BTreeSet::new())?.load(Precision::F32)
}

fn losses(model: &Model, rows: &Rows) -> Vec<f32> {
    model.loss(rows.batch(), Start::Tokens, &mut NoHooks)
}

#[test]
fn every_layout_of_the_same_model_is_read_alike() {
    for is_tied in [true, false] {
        let shape = Gpt2Shape { is_tied, ..Gpt2Shape::tiny() };
        let (weights, rows) = (shape.random(5, 0.3), Rows::random(&shape, 1, 12));
        let unrounded = forward(&shape, &weights, &rows.ids, &no_ablation).loss_nats;
        for dtype in [Stored::F32, Stored::F16, Stored::Bf16] {
            let mut first: Option<Vec<f32>> = None;
            for bits in 0..8 {
                let layout = Layout {
                    dtype,
                    has_prefix: bits & 1 > 0,
                    has_mask_buffers: bits & 2 > 0,
                    has_lm_head: bits & 4 > 0,
                };
                let folder = tempfile::tempdir().unwrap();
                shape.write(folder.path(), &weights, &layout);
                let got = losses(&open(folder.path()).unwrap(), &rows);
                // The twin runs on the weights as stored: rounded, then widened.
                let (_, stored) = tiny_gpt2::read(folder.path());
                assert_close_f32(&got, &forward(&shape, &stored, &rows.ids, &no_ablation).loss_nats, LOSS);
                assert_eq!(check_close_f32(&got, &unrounded, LOSS).is_ok(), dtype == Stored::F32, "{layout:?}");
                assert_eq!(&got, first.get_or_insert(got.clone()), "{layout:?}");
            }
        }
    }
}

/// A tensor of a file that is about to be spoilt.
struct Tensor {
    name: String,
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

fn write(path: &Path, tensors: &[Tensor]) {
    let views = tensors
        .iter()
        .map(|Tensor { name, dtype, shape, bytes }| (name, TensorView::new(*dtype, shape.clone(), bytes).unwrap()));
    safetensors::serialize_to_file(views, None, path).unwrap();
}

/// What reading a tiny model gives after its tensors were edited.
fn edited(shape: &Gpt2Shape, has_lm_head: bool, edit: impl FnOnce(&mut Vec<Tensor>)) -> Result<Model, Error> {
    let folder = tempfile::tempdir().unwrap();
    shape.write(folder.path(), &shape.random(5, 0.3), &Layout { has_lm_head, ..Layout::PLAIN });
    let path = folder.path().join("model.safetensors");
    let file = std::fs::read(&path).unwrap();
    let mut tensors: Vec<Tensor> = SafeTensors::deserialize(&file)
        .unwrap()
        .iter()
        .map(|(name, view)| Tensor {
            name: name.into(),
            dtype: view.dtype(),
            shape: view.shape().to_vec(),
            bytes: view.data().to_vec(),
        })
        .collect();
    edit(&mut tensors);
    write(&path, &tensors);
    open(folder.path())
}

fn error(edit: impl FnOnce(&mut Vec<Tensor>)) -> Error {
    edited(&Gpt2Shape::tiny(), false, edit).err().unwrap()
}

fn of<'a>(tensors: &'a mut [Tensor], name: &str) -> &'a mut Tensor {
    tensors.iter_mut().find(|tensor| tensor.name == name).unwrap()
}

#[test]
fn every_missing_tensor_is_named() {
    let shape = Gpt2Shape::tiny();
    for (missing, _) in shape.names() {
        let error = error(|tensors| tensors.retain(|tensor| tensor.name != format!("transformer.{missing}")));
        assert!(matches!(&error, Error::MissingTensor { tensor, .. } if *tensor == missing), "{error}");
    }
    let untied = Gpt2Shape { is_tied: false, ..shape };
    let error = edited(&untied, false, |tensors| tensors.retain(|tensor| tensor.name != "lm_head.weight"));
    assert!(matches!(error, Err(Error::MissingTensor { tensor, .. }) if tensor == "lm_head.weight"));
}

#[test]
fn every_misshapen_tensor_is_named_with_both_shapes() {
    for (name, want) in Gpt2Shape::tiny().names() {
        let full = format!("transformer.{name}");
        let error = error(|tensors| of(tensors, &full).shape.insert(0, 1));
        let Error::ShapeMismatch { tensor, expected, found, .. } = error else { panic!("{error}") };
        assert_eq!((tensor, &expected), (full, &want));
        assert_eq!(found, [&[1], &want[..]].concat());
    }
    // Linear layers of other families keep the transpose.
    let error = error(|tensors| of(tensors, "transformer.h.1.mlp.c_fc.weight").shape.reverse());
    assert!(matches!(error, Error::ShapeMismatch { found, .. } if found == [40, 16]));
}

#[test]
fn weights_that_are_not_finite_are_found_in_every_tensor() {
    for (name, _) in Gpt2Shape::tiny().names() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let full = format!("transformer.{name}");
            let error = error(|tensors| of(tensors, &full).bytes[4 * 7..4 * 8].copy_from_slice(&bad.to_le_bytes()));
            let Error::NotFinite { tensor, element, value, .. } = error else { panic!("{error}") };
            assert_eq!((tensor, element, value.is_nan()), (full, 7, bad.is_nan()));
        }
    }
}

#[test]
fn a_half_precision_infinity_is_found_too() {
    let shape = Gpt2Shape::tiny();
    let mut weights = shape.random(5, 0.3);
    weights.get_mut("h.1.ln_2.weight").unwrap().values[3] = 70_000.0;
    let folder = tempfile::tempdir().unwrap();
    shape.write(folder.path(), &weights, &Layout { dtype: Stored::F16, ..Layout::PLAIN });
    assert!(matches!(open(folder.path()), Err(Error::NotFinite { element: 3, .. })));
    shape.write(folder.path(), &weights, &Layout { dtype: Stored::Bf16, ..Layout::PLAIN });
    assert!(open(folder.path()).is_ok(), "bf16 has the range of f32");
}

#[test]
fn tensors_of_no_gpt2_are_named() {
    for name in [
        "transformer.h.0.attn.rotary_emb.inv_freq",
        "transformer.h.2.ln_1.weight",
        "score.weight",
        "wte.weight",
        "transformer.h.x.attn.bias",
        "transformer.h.0.mlp.bias",
    ] {
        let error = error(|tensors| {
            let (bytes, shape) = (vec![0; 8], vec![2]);
            tensors.push(Tensor { name: name.into(), dtype: Dtype::F32, shape, bytes });
        });
        assert!(matches!(&error, Error::UnexpectedTensor { tensor, .. } if tensor == name), "{error}");
    }
}

#[test]
fn types_that_are_no_weight_types_are_named() {
    for (dtype, n_bytes) in [(Dtype::I32, 4), (Dtype::F64, 8), (Dtype::I8, 1), (Dtype::F8_E4M3, 1)] {
        let error = error(|tensors| {
            let tensor = of(tensors, "transformer.h.0.ln_1.bias");
            (tensor.dtype, tensor.bytes) = (dtype, vec![0; 16 * n_bytes]);
        });
        let Error::UnknownDtype { tensor, dtype: named, .. } = error else { panic!("{error}") };
        assert_eq!((&*tensor, named), ("transformer.h.0.ln_1.bias", format!("{dtype:?}")));
    }
}

#[test]
fn a_tied_copy_must_be_a_copy() {
    let shape = Gpt2Shape::tiny();
    assert!(edited(&shape, true, |_| ()).is_ok());
    let different = edited(&shape, true, |tensors| of(tensors, "lm_head.weight").bytes[0] ^= 1);
    assert!(matches!(different, Err(Error::TiedButDifferent { .. })), "one bit of one weight");
    let misshapen = edited(&shape, true, |tensors| of(tensors, "lm_head.weight").shape.reverse());
    assert!(matches!(misshapen, Err(Error::ShapeMismatch { .. })));
    // Untied, the two may differ, and do.
    assert!(edited(&Gpt2Shape { is_tied: false, ..shape }, false, |_| ()).is_ok());
}

#[test]
fn files_that_are_not_safetensors_are_refused() {
    let shape = Gpt2Shape::tiny();
    let folder = tempfile::tempdir().unwrap();
    shape.write(folder.path(), &shape.random(5, 0.3), &Layout::PLAIN);
    let path = folder.path().join("model.safetensors");
    let whole = std::fs::read(&path).unwrap();
    for bytes in
        [&whole[..whole.len() - 1], &whole[..whole.len() / 2], &whole[..100], &whole[..4], &[], b"PK\x03\x04junk"]
    {
        std::fs::write(&path, bytes).unwrap();
        assert!(matches!(open(folder.path()), Err(Error::BadSafetensors { .. })), "{} bytes", bytes.len());
    }
    std::fs::write(&path, &whole).unwrap();
    assert!(open(folder.path()).is_ok());
}
