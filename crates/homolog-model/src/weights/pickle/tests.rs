use std::borrow::Borrow;

use homolog_test::torch_file::{Pickle, Storage, TorchTensor, torch_file};
use proptest::prelude::*;
use safetensors::Dtype;

use super::*;

const TEN: Storage<'_> = Storage { kind: "FloatStorage", key: "0", n_elements: 10 };

/// A pickled dict of one tensor `w`.
fn one(storage: Storage<'_>, start: i64, shape: &[usize], strides: &[usize]) -> Vec<u8> {
    Pickle::new().raw(b"}").text("w").tensor(storage, start, shape, strides).raw(b"s.").0
}

/// What is wrong with a pickle that is not sound.
fn bad(pickle: &[u8]) -> String {
    match state_dict(pickle) {
        Err(Fault::Bad(message)) => message,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn assert_says(pickle: impl Borrow<Pickle>, says: &str) {
    let message = bad(&pickle.borrow().0);
    assert!(message.contains(says), "{message:?} does not say {says:?}");
}

#[test]
fn a_tensor_is_its_storage_and_view() {
    let pickle = one(TEN, 4, &[2, 3], &[3, 1]);
    let tensors = state_dict(&pickle).expect("a sound pickle");
    let storage = object::Storage { dtype: Dtype::F32, key: "0", n_elements: 10 };
    let expected = Tensor { storage, start: 4, n_elements: 6, shape: vec![2, 3] };
    assert_eq!(tensors, BTreeMap::from([("w", expected)]));
}

#[test]
fn every_number_form_is_read() {
    for n_elements in [7, 255, 256, 65_535, 65_536, i32::MAX as usize, 1 << 31, 1 << 40] {
        let pickle = one(Storage { n_elements, ..TEN }, 0, &[n_elements], &[1]);
        assert_eq!(state_dict(&pickle).expect("a sound pickle")["w"].shape, [n_elements]);
    }
    // LONG1 of every length, with sign.
    let longs: [(&[u8], &str); 6] = [
        (&[0], "0"),
        (&[1, 5], "5"),
        (&[2, 0, 1], "256"),
        (&[1, 0xff], "-1"),
        (&[3, 0, 0, 0x80], "-8388608"),
        (&[9, 1, 0, 0, 0, 0, 0, 0, 0, 0], "beyond 64 bits"),
    ];
    for (field, says) in longs {
        let pickle =
            Pickle::new().raw(b"}").text("w").global("torch._utils", "_rebuild_tensor_v2").raw(b"(").storage(TEN);
        let pickle = pickle.raw(&[0x8a]).raw(field).lengths(&[20]).lengths(&[1]).raw(b"\x89}tRs.");
        assert_says(pickle, &if says.contains(' ') { says.into() } else { format!("from element {says} of") });
    }
}

#[test]
fn parameters_and_attributes_are_seen_through() {
    let inner = Pickle::new().raw(b"}").text("w").global("torch._utils", "_rebuild_parameter").raw(b"(");
    let pickle = inner.tensor(TEN, 0, &[10], &[1]).raw(b"\x88").global("collections", "OrderedDict").raw(b")RtRs");
    let pickle = pickle.raw(b"}").text("_metadata").raw(b"]K\x01a(K\x02K\x03esb.");
    assert_eq!(state_dict(&pickle.0).expect("a sound pickle")["w"].n_elements, 10);
}

#[test]
fn an_object_kept_is_the_same_object_when_recalled() {
    // A tensor under two names, by BINPUT and by LONG_BINPUT.
    let pickle = Pickle::new().raw(b"}(").text("a").tensor(TEN, 0, &[10], &[1]).raw(b"q\x07r\0\0\x01\0");
    let pickle = pickle.text("b").raw(b"h\x07").text("c").raw(b"j\0\0\x01\0u.");
    let tensors = state_dict(&pickle.0).expect("a sound pickle");
    assert_eq!(tensors.len(), 3);
    assert!(tensors.values().all(|tensor| tensor == &tensors["a"]));
}

#[test]
fn nothing_that_would_run_code_is_even_looked_up() {
    let calls = [
        ("os", "system"),
        ("posix", "system"),
        ("builtins", "eval"),
        ("builtins", "exec"),
        ("__builtin__", "getattr"),
        ("subprocess", "Popen"),
        ("torch", "load"),
        ("torch", "FloatStorage.__init__"),
        ("torch._utils", "_rebuild_tensor"),
        ("torch.storage", "_load_from_bytes"),
        ("collections", "Counter"),
        ("", ""),
    ];
    for (module, name) in calls {
        let call = Pickle::new().global(module, name).text("touch /tmp/owned").raw(b"\x85R.");
        assert_eq!(state_dict(&call.0), Err(Fault::Code(format!("{module}.{name}"))));
        let hidden = Pickle::new().raw(b"}").text("w").tensor(TEN, 0, &[10], &[1]).raw(b"s}").text("k").raw(b"(");
        let hidden = hidden.global(module, name).raw(b"tsb.");
        assert_eq!(state_dict(&hidden.0), Err(Fault::Code(format!("{module}.{name}"))));
    }
    let long = Pickle::new().global("os", &"\u{1b}x".repeat(10_000));
    assert!(matches!(state_dict(&long.0), Err(Fault::Code(name)) if name.len() < 1000 && !name.contains('\u{1b}')));
    // Other ways to a call, of which a state dict has none: INST, OBJ, NEWOBJ, STACK_GLOBAL, EXT1, BINBYTES.
    for opcode in [b"i", b"o", b"\x81", b"\x93", b"\x82", b"B"] {
        assert_says(Pickle::new().raw(b"(").raw(opcode), "opcode 0x");
    }
}

#[test]
fn the_allowed_names_do_no_more_than_a_state_dict_needs() {
    let ordered_dict = Pickle::new().global("collections", "OrderedDict");
    assert_says(ordered_dict.clone().raw(b"]\x85R."), "arguments that torch.save does not write");
    assert_says(ordered_dict.raw(b"}R."), "with what is no tuple");
    assert_says(Pickle::new().global("torch", "FloatStorage").raw(b"K\x05\x85R."), "arguments that");
    assert_says(Pickle::new().text("os.system").text("id").raw(b"\x85R."), "arguments that");
    let rebuild = || Pickle::new().global("torch._utils", "_rebuild_tensor_v2").raw(b"(");
    assert_says(rebuild().raw(b"tR."), "arguments that");
    assert_says(rebuild().raw(b"NK\x00))NNtR."), "of what is no storage");
    assert_says(rebuild().storage(TEN).raw(b"N))NNtR."), "of what is no storage");
    assert_says(rebuild().storage(TEN).raw(b"K\x00NNNNtR."), "a shape that is no tuple");
    assert_says(rebuild().storage(TEN).raw(b"K\x00N\x85N\x85NNtR."), "not of lengths");
    assert_says(Pickle::new().global("torch._utils", "_rebuild_parameter").raw(b"(NNNtR."), "arguments that");
    for reference in [&b"NQ."[..], b")Q.", b"(NNNNNtQ.", b"K\x05Q."] {
        assert_says(Pickle::new().raw(reference), "not to a storage");
    }
    assert_says(
        Pickle::new()
            .raw(b"(")
            .text("storage")
            .global("torch", "FloatStorage")
            .text("0")
            .text("cpu")
            .int(-1)
            .raw(b"tQ."),
        "not to a storage",
    );
    assert_says(
        Pickle::new().raw(b"(").text("module").global("torch", "FloatStorage").text("0").text("cpu").int(1).raw(b"tQ."),
        "not to a storage",
    );
}

#[test]
fn views_outside_their_storage_are_refused() {
    let huge = usize::MAX >> 1;
    for (start, shape) in [
        (0, &[11][..]),
        (1, &[10]),
        (10, &[1]),
        (11, &[0]),
        (-1, &[5]),
        (i64::MIN, &[1]),
        (i64::MAX, &[1]),
        (i64::MAX, &[huge]),
        (0, &[huge, huge]),
        (0, &[huge, 2, 3]),
        (0, &[1 << 32, 1 << 32]),
    ] {
        let message = bad(&one(TEN, start, shape, &homolog_test::torch_file::contiguous(&vec![1; shape.len()])));
        assert!(
            message.contains("has `w` of shape") && message.contains("of a storage of 10"),
            "{start} {shape:?}: {message}"
        );
    }
    assert!(state_dict(&one(TEN, 0, &[10], &[1])).is_ok());
    assert!(state_dict(&one(TEN, 10, &[0], &[1])).is_ok());
    let negative = Pickle::new().global("torch._utils", "_rebuild_tensor_v2").raw(b"(").storage(TEN).int(0);
    assert_says(negative.raw(b"(").int(-1).raw(b"t(").int(1).raw(b"tNNtR."), "not of lengths");
    assert!(bad(&one(TEN, 0, &[1; 9], &[1; 9])).contains("more than 8 axes"));
}

#[test]
fn only_contiguous_views_are_read() {
    for (shape, strides) in [
        (&[2, 3][..], &[3, 1][..]),
        (&[1, 5], &[99, 1]),
        (&[5, 1], &[1, 7]),
        (&[], &[]),
        (&[0, 3], &[9, 9]),
        (&[2, 1, 5], &[5, 0, 1]),
    ] {
        assert!(state_dict(&one(TEN, 0, shape, strides)).is_ok(), "{shape:?} {strides:?}");
    }
    for (shape, strides) in [
        (&[2, 3][..], &[1, 2][..]),
        (&[2, 3], &[4, 1]),
        (&[5], &[2]),
        (&[2], &[0]),
        (&[2, 3], &[1]),
        (&[2], &[1, 1]),
        (&[0], &[]),
    ] {
        let message = bad(&one(TEN, 0, shape, strides));
        assert!(message.contains("not contiguous; call .contiguous()"), "{shape:?} {strides:?}: {message}");
    }
}

#[test]
fn what_is_no_state_dict_is_refused() {
    let tensor = |pickle: Pickle| pickle.tensor(TEN, 0, &[10], &[1]);
    assert_says(tensor(Pickle::new()).raw(b"."), "no dict of tensors");
    assert_says(tensor(Pickle::new().raw(b"}K\x05")).raw(b"s."), "key that is not text");
    assert_says(tensor(tensor(Pickle::new().raw(b"}(").text("w")).text("w")).raw(b"u."), "`w` twice");
    assert_says(Pickle::new().raw(b"}").text("model").raw(b"}s."), "another dict under `model`");
    assert_says(Pickle::new().raw(b"}").text("epoch").raw(b"K\x05s."), "a number under `epoch`");
    assert_says(Pickle::new().raw(b"}").text("done").raw(b"\x88s."), "a bool under `done`");
    assert_says(Pickle::new().raw(b"}").text("w").storage(TEN).raw(b"s."), "a bare storage under `w`");
    assert_eq!(state_dict(b"\x80\x02}.").expect("a sound pickle").len(), 0);
}

#[test]
fn unsound_programs_are_refused() {
    for (opcodes, says) in [
        (&b""[..], "ends in the middle"),
        (b"}", "ends in the middle"),
        (b".", "takes more from its stack"),
        (b"}}.x", "goes on behind its end"),
        (b"0", "opcode 0x30"),
        (b"\x00", "opcode 0x00"),
        (b"\x95", "opcode 0x95"),
        (b"\x80\x04.", "protocol 4"),
        (b"t.", "takes more"),
        (b"N(\x85.", "takes more"),
        (b"N\x86.", "takes more"),
        (b"N(.", "takes more"),
        (b"}(N", "ends in the middle"),
        (b"}(Nu.", "a key without a value"),
        (b"}Ns.", "takes more"),
        (b"NNNs.", "no dict"),
        (b"N(NNu.", "no dict"),
        (b"NNb.", "no dict"),
        (b"}Na.", "no list"),
        (b"}(Ne.", "no list"),
        (b"u.", "takes more"),
        (b"q\x00.", "takes more"),
        (b"h\x00.", "recalls object 0"),
        (b"j\x01\x02\x03\x04.", "recalls object 67305985"),
        (b"R.", "takes more"),
        (b"Q.", "takes more"),
        (b"X\xff\xff\xff\xffabc", "ends in the middle"),
        (b"X\x02\0\0\0\xff\xfe.", "not UTF-8"),
        (b"ctorch", "ends in the middle"),
        (b"ctorch\nFloat", "ends in the middle"),
        (b"c\xff\n\xff\n", "not UTF-8"),
        (b"J\0\0", "ends in the middle"),
        (b"\x8a\x08\0", "ends in the middle"),
        (b"r\0\0", "ends in the middle"),
    ] {
        assert_says(Pickle::new().raw(opcodes), says);
    }
}

/// The classic: a tuple of the tuple before, twice, and so on, which expands to 2^n where recalled objects are copied.
#[test]
fn a_memo_bomb_stays_as_small_as_it_is_written() {
    let mut pickle = Pickle::new().raw(b")q\x00");
    for _ in 0..100_000 {
        pickle = pickle.raw(b"h\x00h\x00\x86q\x00");
    }
    assert_says(pickle.clone().raw(b"."), "no dict of tensors");
    assert_says(pickle.raw(b"}").text("w").raw(b"h\x00s."), "a tuple under `w`");
    // Nested a hundred thousand deep, and a dict that holds itself.
    let deep = Pickle(b"\x80\x02)".iter().copied().chain(std::iter::repeat_n(0x85, 100_000)).chain(*b".").collect());
    assert_says(deep, "no dict of tensors");
    assert_says(Pickle::new().raw(b"}q\x00").text("w").raw(b"h\x00s."), "another dict under `w`");
    let many = Pickle(b"\x80\x02".iter().copied().chain(std::iter::repeat_n(b')', MAX_OBJECTS + 1)).collect());
    assert_says(many, "more than 1048576 objects");
}

/// The pickle within a file of `torch.save`, as our writer makes it.
fn sound() -> Vec<u8> {
    let tensor = |name, bytes| TorchTensor { name, dtype: Dtype::F32, shape: &[2, 1], bytes };
    let file = torch_file(&[tensor("a", &[0; 8]), tensor("b", &[1; 8]), tensor("c", &[0; 8])]);
    let start = file.iter().position(|&byte| byte == 0x80).expect("a pickle");
    let end = start + file[start..].windows(4).position(|bytes| bytes == b"PK\x03\x04").expect("another entry");
    file[start..end].to_vec()
}

#[test]
fn every_prefix_of_a_sound_pickle_is_refused() {
    let sound = sound();
    assert_eq!(state_dict(&sound).expect("a sound pickle").len(), 3);
    assert!((0..sound.len()).all(|length| state_dict(&sound[..length]).is_err()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_change_of_bytes_makes_the_machine_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut pickle = sound();
        for (at, byte) in changes {
            let at = at.index(pickle.len());
            pickle[at] = byte;
        }
        let _ = state_dict(&pickle);
        let _ = state_dict(&pickle[..cut.index(pickle.len())]);
    }

    #[test]
    fn no_program_makes_the_machine_panic(
        opcodes in prop::collection::vec(prop::sample::select(&b"NKMJXc)t}](qrhjaebsuQR.\x80\x85\x86\x87\x88\x89\x8a\x00\x01\x02\n"[..]), 0..60),
    ) {
        let _ = state_dict(&opcodes);
    }
}
