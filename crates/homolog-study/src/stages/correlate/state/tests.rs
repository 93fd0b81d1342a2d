#![expect(clippy::unwrap_used, reason = "tests")]

use homolog_test::Seeded;

use super::*;

fn shapes() -> Vec<Shape> {
    let shape = |n_layers, d_mlp| Shape { n_layers, d_mlp, d_model: 4, d_vocab: 5, weight_bytes: 0, load_bytes: 0 };
    vec![shape(2, 3), shape(1, 5)]
}

const TOP_K: usize = 3;
const DRAWS: usize = 2;

/// A state in which everything has a value of its own, some of it undefined.
fn state() -> State {
    let shapes = shapes();
    let mut state = State::new(&shapes, TOP_K, DRAWS);
    let mut seeded = Seeded::new(3);
    state.done.insert(Tile::Within { model: 1, layer: 0 });
    state.done.insert(Tile::Between { a: 0, layer_a: 1, b: 1, layer_b: 0, in_halves: true });
    state.done.insert(Tile::Permuted { draw: 1, a: 0, layer_a: 1, b: 1, layer_b: 0 });
    for view in
        [(0, Stream::Rows), (1, Stream::Rows), (0, Stream::Paired { draw: 1 }), (1, Stream::StandIn { draw: 1 })]
    {
        let mut layers = empty_moments(&shapes[view.0]);
        for layer in &mut layers {
            let n = shapes[view.0].d_mlp;
            for half in 0..2 {
                layer.add(&mut (0..4 * n).map(|_| seeded.gaussian() as f32).collect::<Vec<_>>(), half);
            }
        }
        state.moments.insert(view, layers);
    }
    state.inverse_sd.insert((0, 1, 1), vec![0.5, 0.0, 2.0]);
    for (pair, extremes) in &mut state.extremes {
        for (neuron, extremes) in extremes.iter_mut().enumerate() {
            (0..neuron as u32).for_each(|j| extremes.push(seeded.uniform() * 2.0 - 1.0, j + pair.0 as u32));
            extremes.push(f64::NAN, 7);
        }
    }
    state.maxima.get_mut(&(0, 1)).unwrap()[1][2] = 0.25;
    state
}

#[test]
fn what_is_read_is_what_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let written = state();
    written.write(&path, TOP_K).unwrap();
    let Earlier::State(read) = State::read(&path, &shapes(), TOP_K, DRAWS).unwrap() else {
        panic!("a state was written");
    };
    assert_eq!(read.done, written.done);
    assert_eq!(read.inverse_sd, written.inverse_sd);
    assert_eq!(read.extremes, written.extremes);
    let bits = |state: &State| -> Vec<u64> {
        state.maxima.values().flatten().flatten().map(|maximum| maximum.to_bits()).collect()
    };
    assert_eq!(bits(&read), bits(&written));
    let moments = |state: &State| -> Vec<(View, PartialMoments)> {
        let views = state.moments.iter();
        views.flat_map(|(view, layers)| layers.iter().map(|layer| (*view, layer.to_partial()))).collect()
    };
    assert_eq!(moments(&read), moments(&written));
    // Mutant: what was not written is not found.
    assert_ne!(moments(&State::new(&shapes(), TOP_K, DRAWS)), moments(&written));
}

#[test]
fn nothing_another_machine_and_damage_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let read = |shapes: &[Shape]| State::read(&path, shapes, TOP_K, DRAWS);
    assert!(matches!(read(&shapes()), Ok(Earlier::Nothing)));
    state().write(&path, TOP_K).unwrap();
    // The same tensors, from another instruction set.
    let mut other = shapes();
    other[0].d_mlp = 4;
    assert!(matches!(read(&other), Err(Error::DamagedState { .. })), "of other shapes");
    let bytes = std::fs::read(&path).unwrap();
    let isa = Isa::current().to_string();
    let at = bytes.windows(isa.len()).position(|window| window == isa.as_bytes()).unwrap();
    let mut renamed = bytes.clone();
    renamed[at..at + isa.len()].fill(b'x');
    std::fs::write(&path, renamed).unwrap();
    assert!(matches!(read(&shapes()), Ok(Earlier::OnOtherIsa(isa)) if isa.starts_with('x')));
    let mut flipped = bytes.clone();
    *flipped.last_mut().unwrap() ^= 1;
    std::fs::write(&path, flipped).unwrap();
    assert!(matches!(read(&shapes()), Err(Error::DamagedState { .. })), "one bit of the data");
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    assert!(matches!(read(&shapes()), Err(Error::Results(_))), "cut off");
}
