#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use homolog_test::require_fixtures;
use homolog_test::tiny_gpt2::{Dtype as In, Format, Gpt2Shape, Layout};
use homolog_test::torch_file::{Entry as ZipEntry, Pickle, Storage, TorchTensor, archive, torch_file};
use proptest::prelude::*;
use safetensors::Dtype;

use super::*;
use crate::test_model::{Rows, bits};
use crate::{Checkpoint, NoHooks, Precision, Tokens};

const FOUR: Storage<'_> = Storage { kind: "HalfStorage", key: "0", n_elements: 4 };

/// A pickled dict of one tensor `w` that views all of a storage.
fn pickle_of(storage: Storage<'_>) -> Vec<u8> {
    Pickle::new().raw(b"}").text("w").tensor(storage, 0, &[storage.n_elements], &[1]).raw(b"s.").0
}

/// What indexing a file of these bytes gives.
fn index_of(bytes: &[u8]) -> Result<Tensors, Error> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pytorch_model.bin");
    fs::write(&path, bytes).unwrap();
    index(&path, 0)
}

#[track_caller]
fn assert_bad(bytes: &[u8], says: &str) {
    let error = index_of(bytes).unwrap_err();
    let message = error.to_string();
    assert!(matches!(error, Error::BadPickle { .. }), "{message}");
    assert!(message.contains("pytorch_model.bin") && message.contains(says), "{message:?} does not say {says:?}");
    assert!(message.contains("weights_only=True"), "no way out: {message}");
}

#[test]
fn tensors_lie_where_the_archive_has_them() {
    let tensor = |name, bytes| TorchTensor { name, dtype: Dtype::F16, shape: &[2, 1], bytes };
    let file = torch_file(&[tensor("a", b"abcd"), tensor("b", b"efgh"), tensor("tied", b"abcd")]);
    let tensors = index_of(&file).unwrap();
    for (name, bytes) in [("a", b"abcd"), ("b", b"efgh"), ("tied", b"abcd")] {
        let Stored { offset, n_bytes, dtype, ref shape, .. } = tensors[name];
        assert_eq!(&file[offset as usize..(offset + n_bytes) as usize], bytes);
        assert_eq!((dtype, &shape[..]), (Dtype::F16, &[2, 1][..]));
    }
    assert_eq!((tensors.len(), &tensors["a"]), (3, &tensors["tied"]));
}

#[test]
fn a_view_begins_where_it_says() {
    let pickle = Pickle::new().raw(b"}").text("w").tensor(FOUR, 1, &[3], &[1]).raw(b"s.");
    let file = archive(&[ZipEntry::stored("x/data.pkl", &pickle.0), ZipEntry::stored("x/data/0", b"abcdefgh")]);
    let Stored { offset, n_bytes, .. } = index_of(&file).unwrap()["w"];
    assert_eq!(&file[offset as usize..(offset + n_bytes) as usize], b"cdefgh");
}

#[test]
fn every_storage_type_is_known_by_name() {
    for (kind, dtype) in [
        ("FloatStorage", Dtype::F32),
        ("HalfStorage", Dtype::F16),
        ("BFloat16Storage", Dtype::BF16),
        ("DoubleStorage", Dtype::F64),
        ("LongStorage", Dtype::I64),
        ("IntStorage", Dtype::I32),
        ("ShortStorage", Dtype::I16),
        ("CharStorage", Dtype::I8),
        ("ByteStorage", Dtype::U8),
        ("BoolStorage", Dtype::BOOL),
    ] {
        let (pickle, bytes) = (pickle_of(Storage { kind, ..FOUR }), vec![0; dtype.bitsize() / 2]);
        let entries = [ZipEntry::stored("x/data.pkl", &pickle), ZipEntry::stored("x/data/0", &bytes)];
        let Stored { dtype: found, n_bytes, .. } = index_of(&archive(&entries)).unwrap()["w"];
        assert_eq!((found, n_bytes), (dtype, bytes.len() as u64), "{kind}");
    }
}

#[test]
fn archives_that_torch_does_not_write_are_refused() {
    let pickle = pickle_of(FOUR);
    let (program, data) = (ZipEntry::stored("x/data.pkl", &pickle), ZipEntry::stored("x/data/0", b"abcdefgh"));
    assert!(index_of(&archive(&[program, data])).is_ok());
    assert!(index_of(&archive(&[program, data, ZipEntry::stored("x/byteorder", b"little")])).is_ok());
    let named = |name, entry| ZipEntry { name, ..entry };
    let cases: [(&[ZipEntry<'_>], &str); 16] = [
        (&[program], "lacks the entry data/0"),
        (&[program, named("y/data/0", data)], "lacks the entry data/0"),
        (&[data], "without data.pkl"),
        (&[named("x/y/data.pkl", program), data], "without data.pkl"),
        (&[named("x/data.pklx", program), data], "without data.pkl"),
        (&[program, data, program], "two entries of one name"),
        (&[program, data, named("y/data.pkl", program)], "two data.pkl"),
        (&[program, ZipEntry { method: 8, ..data }], "entry data/0 compressed"),
        (&[ZipEntry { method: 8, ..program }, data], "entry data.pkl compressed"),
        (&[program, ZipEntry { method: 93, ..data }], "entry data/0 compressed"),
        (&[program, ZipEntry { flags: 1, ..data }], "entry data/0 encrypted"),
        (&[ZipEntry { flags: 1, ..program }, data], "entry data.pkl encrypted"),
        (&[program, ZipEntry::stored("x/data/0", b"abcdefg")], "7 bytes in entry data/0"),
        (&[program, ZipEntry::stored("x/data/0", b"abcdefghi")], "not 4 elements of F16"),
        (&[program, data, ZipEntry::stored("x/byteorder", b"big")], "byte order big"),
        (&[program, data, ZipEntry::stored("x/byteorder", &[b'b'; 17])], "17 bytes in its entry byteorder"),
    ];
    for (entries, says) in cases {
        assert_bad(&archive(entries), says);
    }
    for n_elements in [usize::MAX >> 1, 1 << 62, 1 << 32] {
        let pickle = pickle_of(Storage { n_elements, ..FOUR });
        assert_bad(&archive(&[ZipEntry::stored("x/data.pkl", &pickle), data]), "8 bytes in entry data/0");
    }
    let long = vec![b'N'; (16 << 20) + 1];
    assert_bad(&archive(&[ZipEntry::stored("x/data.pkl", &long), data]), "at most 16777216 are of use");
}

#[test]
fn a_key_is_a_name_in_the_archive_and_no_path() {
    let pickle = pickle_of(Storage { key: "../../etc/passwd", ..FOUR });
    assert_bad(&archive(&[ZipEntry::stored("x/data.pkl", &pickle)]), "lacks the entry data/../../etc/passwd");
}

#[test]
fn files_of_another_kind_are_refused() {
    for bytes in [&b""[..], b"PK", b"not a model", b"{}", b"PK\x05\x06"] {
        assert_bad(bytes, "is no file of torch.save");
    }
    assert_bad(b"PK\x03\x04junk", "not a whole zip archive");
    let error = index_of(b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.").unwrap_err();
    assert!(matches!(error, Error::LegacyPickle { .. }), "{error}");
}

#[test]
fn a_file_that_was_cut_off_is_refused() {
    let tensor = TorchTensor { name: "a", dtype: Dtype::F32, shape: &[2], bytes: &[0; 8] };
    let file = torch_file(&[tensor]);
    for length in 4..file.len() {
        let error = index_of(&file[..length]).unwrap_err();
        assert!(matches!(error, Error::BadPickle { .. }), "{length}: {error}");
    }
    // An entry whose size is beyond the file, in both of its headers.
    let at = |what: &[u8]| file.windows(what.len()).rposition(|bytes| bytes == what).unwrap();
    let mut long = file.clone();
    let header = at(b"model/data/0") - 46;
    long[header + 20..header + 28].copy_from_slice(&[0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff, 0x7f]);
    assert_bad(&long, "ends before its entry data/0 does");
}

#[test]
fn code_is_named_and_not_run() {
    let call = Pickle::new().global("os", "system").text("touch owned").raw(b"\x85R.");
    let error = index_of(&archive(&[ZipEntry::stored("x/data.pkl", &call.0)])).unwrap_err();
    let message = error.to_string();
    assert!(
        matches!(error, Error::CodeInPickle { .. }) && message.contains("`os.system`, which would run code"),
        "{message}"
    );
}

fn open(folder: &Path) -> Result<Checkpoint, Error> {
    Checkpoint::open(folder, &BTreeSet::new())
}

#[test]
fn a_pickled_model_is_the_model() {
    for is_tied in [true, false] {
        let shape = Gpt2Shape { is_tied, ..Gpt2Shape::tiny() };
        let (weights, rows) = (shape.random(5, 0.3), Rows::random(&shape, 2, 12));
        for dtype in [In::F32, In::F16, In::Bf16] {
            let layout = Layout { dtype, has_prefix: true, has_mask_buffers: true, has_lm_head: true };
            let logits = [(Format::Safetensors, 1), (Format::Torch, 1), (Format::Torch, 2)].map(|(format, n_files)| {
                let folder = tempfile::tempdir().unwrap();
                shape.write_as(folder.path(), &weights, &layout, format, n_files);
                bits(&open(folder.path()).unwrap().load(Precision::F32).unwrap().logits(rows.batch(), &mut NoHooks))
            });
            assert!(logits[0] == logits[1] && logits[0] == logits[2], "{layout:?}");
        }
    }
}

#[test]
fn the_checks_of_tensors_are_those_of_every_format() {
    let shape = Gpt2Shape::tiny();
    let mut weights = shape.random(5, 0.3);
    weights.get_mut("h.1.mlp.c_fc.bias").unwrap().values[7] = f32::NAN;
    let folder = tempfile::tempdir().unwrap();
    shape.write_as(folder.path(), &weights, &Layout::PLAIN, Format::Torch, 1);
    let error = open(folder.path()).unwrap_err();
    assert!(
        error.to_string().contains("pytorch_model.bin: tensor `transformer.h.1.mlp.c_fc.bias` holds NaN at element 7")
    );
    let double = TorchTensor { name: "wte.weight", dtype: Dtype::F64, shape: &[61, 16], bytes: &[0; 8 * 61 * 16] };
    fs::write(folder.path().join("pytorch_model.bin"), torch_file(&[double])).unwrap();
    assert!(matches!(open(folder.path()), Err(Error::UnknownDtype { dtype, .. }) if dtype == "F64"));
}

/// The fixture pickles in a folder each: what `torch.save` makes today, and what it made before 1.6.
fn fixture(fixtures: &Path, name: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pytorch_model.bin");
    fs::copy(fixtures.join("pickles/config.json"), folder.path().join("config.json")).unwrap();
    fs::copy(fixtures.join("pickles").join(name), &path).unwrap();
    (folder, path)
}

#[test]
fn the_fixture_pickle_is_the_fixture_checkpoint() {
    let fixtures = require_fixtures!();
    let (folder, _) = fixture(&fixtures, "pytorch_model.bin");
    let (pickled, plain) = (open(folder.path()).unwrap(), open(&fixtures.join("family/seed-a/checkpoint-50")).unwrap());
    assert_eq!(pickled.config_hash, plain.config_hash);
    assert_ne!(pickled.weights_hash, plain.weights_hash, "other bytes of the same values");
    let tokens = Tokens::read(&fixtures.join("tokens.u16"), 128).unwrap();
    let logits = |checkpoint: &Checkpoint| {
        bits(&checkpoint.load(Precision::F32).unwrap().logits(tokens.batch(0..2), &mut NoHooks))
    };
    assert!(logits(&pickled) == logits(&plain), "logits differ");
    let other = open(&fixtures.join("family/seed-a/checkpoint-120")).unwrap();
    assert!(logits(&pickled) != logits(&other), "any checkpoint would do");
}

#[test]
fn the_fixture_pickle_of_old_is_refused_with_the_way_out() {
    let (folder, path) = fixture(&require_fixtures!(), "pytorch_model_legacy.bin");
    let error = open(folder.path()).unwrap_err();
    assert!(matches!(error, Error::LegacyPickle { .. }), "{error}");
    let says = format!("import torch; p = '{}'; torch.save(torch.load(p, weights_only=True), p)", path.display());
    assert!(error.to_string().contains(&says), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn no_change_of_bytes_makes_the_reader_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let tensor = |name, bytes| TorchTensor { name, dtype: Dtype::F32, shape: &[2, 1], bytes };
        let mut file = torch_file(&[tensor("a", &[0; 8]), tensor("b", &[1; 8])]);
        for (at, byte) in changes {
            let at = at.index(file.len());
            file[at] = byte;
        }
        // Whatever is accepted lies in the file.
        for bytes in [&file[..], &file[..cut.index(file.len())]] {
            for stored in index_of(bytes).unwrap_or_default().values() {
                prop_assert!(stored.offset + stored.n_bytes <= bytes.len() as u64);
            }
        }
    }
}
